// Connection tracking entries (struct nf_conn): the view on a row of TABLE_CT, and a row's life: taken, hashed, killed.
// A killed or dropped row stays readable while it waits in a queue of the last rows that died, because the packet that
// killed it (a RST, say) is still on its way and has to be translated (Linux: a reference count does this).
// Counters and heads live in linear memory, so a copy of memory is a copy of the state.

import { capacity, row } from "../arena";
import * as L from "../layout";
import { netns } from "../netns";
import { uncache } from "../pathcache";
import { settle, settleDeadline } from "./settle";
import { sourceRemove } from "./source";
import { Tuple, tupleHash } from "./tuple";
import { slotAt, slotCount, tupleInsert, tupleRemove } from "./tuplehash";


@unmanaged
export class Conn {
	origLo: u64;
	origHi: u64;
	replyLo: u64;
	replyHi: u64;
	status: u16;
	state: u8;
	last: u8;
	flow: i32;
	deadline: i64;
	origCount: u64;
	replyCount: u64;
	mark: u32;
	netns: i32;
	next: i32;
	masqDevice: i32;
	zone: u16;
	use: u8;
	windowed: u8;
	firstEnd: u32;
	start: i64;
	origPackets: u64;
	origBytes: u64;
	replyPackets: u64;
	replyBytes: u64;


	@inline get orig(): Tuple {
		return changetype<Tuple>(changetype<usize>(this));
	}


	@inline get reply(): Tuple {
		return changetype<Tuple>(changetype<usize>(this) + L.CT_REPLY);
	}


	@inline tuple(dir: i32): Tuple {
		return changetype<Tuple>(changetype<usize>(this) + <usize>(dir << 4));
	}


	@inline has(bits: u32): bool {
		return ((<u32>this.status) & bits) != 0;
	}


	@inline set(bits: u32): void {
		this.status |= <u16>bits;
	}


	@inline get lastIndex(): u8 {
		return this.last & 0x7f;
	}


	@inline get lastDir(): i32 {
		return <i32>(this.last >> 7);
	}


	@inline setLast(dir: i32, kind: u8): void {
		this.last = (<u8>(dir << 7)) | kind;
	}


	@inline get proto(): u8 {
		return <u8>(this.origHi >> 32);
	}
}

// The two descriptions of the record must agree; a drift fails the build.
function verify(): void {
	if (offsetof<Conn>("status") != L.CT_STATUS) ERROR("CT_STATUS");
	if (offsetof<Conn>("state") != L.CT_STATE) ERROR("CT_STATE");
	if (offsetof<Conn>("last") != L.CT_LAST) ERROR("CT_LAST");
	if (offsetof<Conn>("flow") != L.CT_FLOW) ERROR("CT_FLOW");
	if (offsetof<Conn>("deadline") != L.CT_DEADLINE) ERROR("CT_DEADLINE");
	if (offsetof<Conn>("origCount") != L.CT_COUNT) ERROR("CT_COUNT");
	if (offsetof<Conn>("mark") != L.CT_MARK) ERROR("CT_MARK");
	if (offsetof<Conn>("netns") != L.CT_NETNS) ERROR("CT_NETNS");
	if (offsetof<Conn>("next") != L.CT_NAT_NEXT) ERROR("CT_NAT_NEXT");
	if (offsetof<Conn>("masqDevice") != L.CT_MASQ_DEVICE) ERROR("CT_MASQ_DEVICE");
	if (offsetof<Conn>("zone") != L.CT_ZONE) ERROR("CT_ZONE");
	if (offsetof<Conn>("use") != L.CT_USE) ERROR("CT_USE");
	if (offsetof<Conn>("windowed") != L.CT_WINDOWED) ERROR("CT_WINDOWED");
	if (offsetof<Conn>("firstEnd") != L.CT_FIRST_END) ERROR("CT_FIRST_END");
	if (offsetof<Conn>("start") != L.CT_START) ERROR("CT_START");
	if (offsetof<Conn>("origPackets") != L.CT_ORIG_PACKETS) ERROR("CT_ORIG_PACKETS");
	if (offsetof<Conn>("replyBytes") != L.CT_REPLY_BYTES) ERROR("CT_REPLY_BYTES");
	if (<i32>offsetof<Conn>() != L.CT_STRIDE) ERROR("CT_STRIDE");
}
verify();

// Rows that died last and must stay readable: more than the entries that one packet can kill on its way through a netns.
const LINGER: u32 = 64;
const EVICTION_RANGE: u32 = 8; // NF_CT_EVICTION_RANGE, buckets
const EVICTION_SLOTS: u32 = 8192; // bound of one search, where many nodes share one large table

//  0 first dead row + 1   4 last dead row + 1   8 dead rows   12 rows ever taken   16 live rows   20 next row to sweep
// 24 an allocation has failed since the last sweep (conntrack_gc_work.early_drop)
const STATE: usize = memory.data(32, 8);
const DEAD_FIRST: usize = 0;
const DEAD_LAST: usize = 4;
const DEAD: usize = 8;
const TOP: usize = 12;
const LIVE: usize = 16;
const SWEEP: usize = 20;
const PRESSED: usize = 24;

/** The row of entry `index`; the caller guarantees 0 <= index < capacity. */
// @ts-ignore: decorator
@inline
export function conn(index: i32): Conn {
	return changetype<Conn>(row(L.TABLE_CT, index, L.CT_STRIDE));
}

export function connReset(): void {
	memory.fill(STATE, 0, 32);
}

/** Rows ever taken: the rows that a walk over all entries has to visit. */
export function connTop(): i32 {
	return load<i32>(STATE, TOP);
}

export function connLive(): u32 {
	return load<u32>(STATE, LIVE);
}

export function sweepRow(): u32 {
	return load<u32>(STATE, SWEEP);
}
export function setSweepRow(index: u32): void {
	store<u32>(STATE, index, SWEEP);
}
export function pressed(): bool {
	return load<u32>(STATE, PRESSED) != 0;
}
export function setPressed(value: bool): void {
	store<u32>(STATE, value ? 1 : 0, PRESSED);
}

/** Is the entry's time over? A deadline that lies ahead is never a lie: it is only ever behind. */
// @ts-ignore: decorator
@inline
export function expired(c: Conn, now: i64): bool {
	if (c.deadline > now) return false;
	settleDeadline(changetype<usize>(c));
	return c.deadline <= now;
}

function takeDead(): i32 {
	const index = load<i32>(STATE, DEAD_FIRST) - 1;
	store<i32>(STATE, conn(index).next, DEAD_FIRST);
	store<u32>(STATE, load<u32>(STATE, DEAD) - 1, DEAD);
	return index;
}

/** Can so many rows be taken without an early drop? */
export function connRoom(rows: u32): bool {
	const top = load<u32>(STATE, TOP);
	return load<u32>(STATE, DEAD) >= rows || top + rows <= rowLimit();
}

// Two slots an entry, and the hash stays at most half full.
function rowLimit(): u32 {
	return min(capacity(L.TABLE_CT), slotCount() >>> 2);
}

/** Has a netns room for so many more entries? */
export function netnsRoom(netnsIndex: i32, entries: u32): bool {
	const ns = netns(netnsIndex);
	const most = load<u32>(ns, L.NETNS_CT_MAX);
	return most == 0 || load<u32>(ns, L.NETNS_CT_COUNT) + entries <= most;
}

function takeRow(): i32 {
	const dead = load<u32>(STATE, DEAD);
	if (dead > LINGER) return takeDead();
	const top = load<u32>(STATE, TOP);
	if (top < rowLimit()) {
		store<u32>(STATE, top + 1, TOP);
		return <i32>top;
	}
	return dead > 0 ? takeDead() : -1;
}

/** Takes a row for a new flow with tuples zeroed and IPS_TAKEN set, or -1: the table of the netns, or the engine's, is full. */
export function connAllocate(netnsIndex: i32, hash: u32, now: i64): i32 {
	const ns = netns(netnsIndex);
	const count = load<u32>(ns, L.NETNS_CT_COUNT) + 1;
	const max = load<u32>(ns, L.NETNS_CT_MAX);
	if (max != 0 && count > max && !earlyDrop(netnsIndex, hash, max, now)) return allocationFailed(ns);
	let index = takeRow();
	if (index < 0 && earlyDrop(netnsIndex, hash, capacity(L.TABLE_CT), now)) index = takeRow();
	if (index < 0) return allocationFailed(ns);
	const c = conn(index);
	const at = changetype<usize>(c);
	for (let offset: usize = 0; offset < <usize>L.CT_STRIDE; offset += 16) v128.store(at + offset, i64x2.splat(0));
	c.status = <u16>L.IPS_TAKEN;
	c.netns = netnsIndex;
	c.flow = -1;
	c.masqDevice = -1;
	c.start = now;
	c.use = 1;
	const entries = load<u32>(ns, L.NETNS_CT_COUNT) + 1;
	store<u32>(ns, entries, L.NETNS_CT_COUNT);
	if (entries > load<u32>(ns, L.NETNS_CT_PEAK)) store<u32>(ns, entries, L.NETNS_CT_PEAK);
	store<u32>(STATE, load<u32>(STATE, LIVE) + 1, LIVE);
	return index;
}

function allocationFailed(ns: usize): i32 {
	setPressed(true);
	store<u32>(ns, load<u32>(ns, L.NETNS_CT_DROP) + 1, L.NETNS_CT_DROP);
	return -1;
}

/**
 * early_drop: kills the netns's entries that are not ASSURED in the first of eight buckets, from the new flow's own on, that
 * has any. Linux has about one bucket an allowed entry; here a bucket is as many slots as that, so the odds are the same.
 */
function earlyDrop(netnsIndex: i32, hash: u32, max: u32, now: i64): bool {
	const width = clampWidth(slotCount() / max);
	let drops: u32 = 0;
	for (let bucket: u32 = 0; bucket < EVICTION_RANGE && drops == 0; bucket++) {
		const victims = collectVictims(netnsIndex, hash + bucket * width, width, now);
		for (let i = 0; i < victims; i++) {
			const index = load<i32>(VICTIMS + <usize>(i << 2));
			if (conn(index).has(L.IPS_DYING)) continue; // both of its tuples stood in the bucket
			// an expired entry only makes room, as nf_ct_gc_expired; it does not count as dropped
			if (!expired(conn(index), now)) drops++;
			connKill(index, now);
		}
	}
	if (drops == 0) return false;
	const ns = netns(netnsIndex);
	store<u32>(ns, load<u32>(ns, L.NETNS_CT_EARLY_DROP) + drops, L.NETNS_CT_EARLY_DROP);
	return true;
}

function clampWidth(width: u32): u32 {
	return max<u32>(1, min<u32>(width, EVICTION_SLOTS / EVICTION_RANGE));
}

const VICTIMS_MAX: i32 = 32;
const VICTIMS: usize = memory.data(VICTIMS_MAX * 4, 8);

// Killing moves slots, so the entries are gathered first.
function collectVictims(netnsIndex: i32, first: u32, width: u32, now: i64): i32 {
	let count = 0;
	for (let i: u32 = 0; i < width && count < VICTIMS_MAX; i++) {
		const at = slotAt(first + i);
		if (load<u32>(at, L.TUPLE_HASH) == 0) continue;
		const index = load<i32>(at, L.TUPLE_CT) >> 1;
		const c = conn(index);
		if (!expired(c, now) && (c.netns != netnsIndex || c.has(L.IPS_ASSURED))) continue;
		store<i32>(VICTIMS + <usize>(count << 2), index);
		count++;
	}
	return count;
}

/** Puts both tuples of a confirmed entry into the hash; a NAT clash hides its original one. */
export function connHash(index: i32, c: Conn): void {
	// The reply goes first: a flow whose two tuples are equal (a socket connected to itself) is found as its reply, as in Linux.
	tupleInsert(c.replyLo, c.replyHi, 1, (index << 1) | 1);
	if (!c.has(L.IPS_NAT_CLASH)) tupleInsert(c.origLo, c.origHi, 0, index << 1);
}

/** nf_ct_kill: out of the hash at once; its row stays readable for the packet that holds it. */
export function connKill(index: i32, now: i64): void {
	const c = conn(index);
	if (c.has(L.IPS_DYING)) return;
	const hashed = c.has(L.IPS_CONFIRMED);
	kill(index, c, now, hashed ? tupleHash(c.origLo, c.origHi) : 0, hashed ? tupleHash(c.replyLo, c.replyHi) : 0);
}

function kill(index: i32, c: Conn, now: i64, orig: u32, reply: u32): void {
	if (c.has(L.IPS_CACHED)) uncache(c);
	settle(changetype<usize>(c));
	if (c.has(L.IPS_CONFIRMED)) {
		tupleRemove(orig, index << 1);
		tupleRemove(reply, (index << 1) | 1);
	}
	if (c.has(L.IPS_SRC_NAT_DONE)) sourceRemove(index, c);
	c.set(L.IPS_DYING);
	if (c.deadline > now) c.deadline = now;
	const ns = netns(c.netns);
	store<u32>(ns, load<u32>(ns, L.NETNS_CT_COUNT) - 1, L.NETNS_CT_COUNT);
	store<u32>(STATE, load<u32>(STATE, LIVE) - 1, LIVE);
	c.next = 0;
	if (load<u32>(STATE, DEAD) == 0) store<i32>(STATE, index + 1, DEAD_FIRST);
	else conn(load<i32>(STATE, DEAD_LAST) - 1).next = index + 1;
	store<i32>(STATE, index + 1, DEAD_LAST);
	store<u32>(STATE, load<u32>(STATE, DEAD) + 1, DEAD);
}

// Entries that are to be killed together, 16 bytes each: index   hashes of both tuples. Their slots are touched as they are noted, so
// that the misses of a batch overlap.
const DOOMED_MAX: u32 = 32;
const DOOMED: usize = memory.data(32 * 16, 16);
let doomed: u32 = 0;
let touched: u32 = 0;

/** A confirmed entry that lives is going to be killed by `connReap`; nothing else is killed or made before that. */
export function connDoom(index: i32, now: i64): void {
	const c = conn(index);
	const orig = tupleHash(c.origLo, c.origHi);
	const reply = tupleHash(c.replyLo, c.replyHi);
	touched += load<u32>(slotAt(orig), L.TUPLE_HASH) + load<u32>(slotAt(reply), L.TUPLE_HASH);
	// doomed < DOOMED_MAX: it is reaped when it is full
	const at = DOOMED + ((<usize>doomed) << 4);
	store<i32>(at, index);
	store<u32>(at, orig, 4);
	store<u32>(at, reply, 8);
	if (++doomed == DOOMED_MAX) connReap(now);
}

/** Kills what is doomed, in order. */
export function connReap(now: i64): void {
	const end = DOOMED + ((<usize>doomed) << 4);
	for (let at = DOOMED; at < end; at += 16) {
		const index = load<i32>(at);
		kill(index, conn(index), now, load<u32>(at, 4), load<u32>(at, 8));
	}
	doomed = 0;
}
