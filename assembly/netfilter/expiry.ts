// The end of entries whose time is over (gc_worker in net/netfilter/nf_conntrack_core.c): a sweep over the table, part by part.
// A look-up finds no expired entry in any case, so only counts depend on when they are removed.

import { capacity } from "../arena";
import * as L from "../layout";
import { netns } from "../netns";
import {
	Conn,
	conn,
	connDoom,
	connKill,
	connReap,
	connTop,
	expired,
	pressed,
	setPressed,
	setSweepRow,
	sweepRow,
} from "./conn";
import { sctpClosing } from "./sctp";
import { tcpClosing } from "./tcp";

const SWEEP_MIN: u32 = 4096;
const SWEEPS: u32 = 64; // calls that visit every row

/** Removes expired entries from the next part of the table; returns how many. Look-ups find no expired entry in any case. */
export function conntrackExpire(now: i64): i32 {
	return sweep(now, max<u32>(SWEEP_MIN, capacity(L.TABLE_CT) / SWEEPS));
}

/** Removes every expired entry, so that the counts of all netns are those of the entries that live at `now`. */
export function conntrackSweep(now: i64): void {
	setSweepRow(0);
	sweep(now, <u32>connTop());
}

function sweep(now: i64, rows: u32): i32 {
	const top = <u32>connTop();
	let i = sweepRow();
	if (i >= top) i = 0;
	const last = min<u32>(top, i + rows);
	const squeeze = pressed();
	let count = 0;
	for (; i < last; i++) {
		const c = conn(i);
		if (c.status == 0 || c.has(L.IPS_DYING)) continue;
		if (!expired(c, now) && !(squeeze && mayEarlyDrop(c))) continue;
		// What is squeezed out depends on how many there still are.
		if (squeeze) connKill(i, now);
		else connDoom(i, now);
		count++;
	}
	connReap(now);
	setSweepRow(i);
	if (i >= top) setPressed(false);
	return count;
}

// gc_worker: after a failed allocation a netns that is 95 % full loses what is not ASSURED, or closing
function mayEarlyDrop(c: Conn): bool {
	if (!c.has(L.IPS_CONFIRMED)) return false;
	const ns = netns(c.netns);
	const most = load<u32>(ns, L.NETNS_CT_MAX);
	if (most == 0 || load<u32>(ns, L.NETNS_CT_COUNT) < (most / 100) * 95) return false;
	if (!c.has(L.IPS_ASSURED)) return true;
	if (c.proto == <u8>L.PROTO_TCP) return tcpClosing(c);
	return c.proto == <u8>L.PROTO_SCTP && sctpClosing(c);
}
