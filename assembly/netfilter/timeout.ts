// How long an entry lives after a packet, and what it counts (__nf_ct_refresh_acct in net/netfilter/nf_conntrack_core.c).
// Linux counts only with net.netfilter.nf_conntrack_acct; here always. An unconfirmed entry's timer does not run in Linux;
// here its deadline is written at once, which is the same, since a packet crosses a netns at one instant.

import * as L from "../layout";
import { Packet } from "../packet";
import { Conn, expired } from "./conn";
import { count, settleDeadline } from "./settle";

/** Direction of a packet's flow: 0 ORIGINAL, 1 REPLY (CTINFO2DIR). */
// @ts-ignore: decorator
@inline
export function directionOf(ctinfo: u32): i32 {
	return ctinfo >= <u32>L.CTINFO_IS_REPLY ? 1 : 0;
}

// @ts-ignore: decorator
@inline
export function account(c: Conn, p: Packet): void {
	count(changetype<usize>(c), directionOf(p.ctinfo), p.len);
}

/** Counts the packet and sets the deadline `ns` from its time. */
export function refresh(c: Conn, p: Packet, ns: i64): void {
	if (!c.has(L.IPS_FIXED_TIMEOUT)) c.deadline = p.time + ns;
	account(c, p);
}

/** Seconds left, as `-m conntrack --ctexpire` sees them; 0 for an entry that is not confirmed: its timer does not run. */
export function expiresIn(c: Conn, now: i64): u32 {
	if (!c.has(L.IPS_CONFIRMED) || expired(c, now)) return 0;
	settleDeadline(changetype<usize>(c));
	return <u32>((c.deadline - now) / 1_000_000_000);
}
