// `-m recent` (net/netfilter/xt_recent.c): lists of addresses with the times they were last seen, one list per netns and
// name. An entry keeps a ring of time stamps; a full list (ip_list_tot) loses the entry that was unused longest.
// Not modelled: writing to /proc/net/xt_recent; more than 32 stamps an entry (the host carries such a rule).

import { capacity, row } from "../arena";
import { hash2 } from "../hash";
import { netns } from "../netns";
import { Packet } from "../packet";
import * as L from "../layout";

const NS_PER_S: i64 = 1_000_000_000;

/** No row was left for a new entry: a limit of ours, not of the kernel. */
export const RECENT_FULL: i32 = 2;

/** 1 matched, 0 not, RECENT_FULL. */
export function recentMatches(p: Packet, match: usize, hook: i32): i32 {
	const list = load<i32>(match, L.MATCH_STATE);
	const mode = load<u32>(match, L.MATCH_B);
	const how = load<u32>(match, L.MATCH_E);
	const address = (how & L.RECENT_BY_DEST ? p.dst : p.src) & load<u32>(match, L.MATCH_F);
	// The TTL as it was before this host forwarded the packet.
	const ttl: u32 = hook >= L.HOOK_FORWARD && !p.has(L.SKB_LOCAL_OUT) ? <u32>p.ttl + 1 : p.ttl;
	let matched = load<u16>(match, L.MATCH_INVERT) != 0;
	let entry = find(list, address, how & L.RECENT_BY_TTL ? <u8>ttl : 0);
	if (entry == 0) {
		if (!(mode & L.RECENT_SET)) return matched ? 1 : 0;
		entry = create(p, list, address, <u8>ttl);
		return entry == 0 ? RECENT_FULL : matched ? 0 : 1;
	}
	if (mode & L.RECENT_SET) matched = !matched;
	else if (mode & L.RECENT_REMOVE) {
		remove(list, entry);
		return matched ? 0 : 1;
	} else {
		if (seen(p, entry, match)) matched = !matched;
		if (how & L.RECENT_REAP) reap(p, list, entry, match, (mode & L.RECENT_UPDATE) != 0 && matched);
	}
	if (mode & L.RECENT_SET || (mode & L.RECENT_UPDATE && matched)) stamp(p, list, entry, <u8>ttl);
	return matched ? 1 : 0;
}

/** Empties a list. */
export function recentFlush(list: i32): void {
	while (true) {
		const oldest = load<i32>(listAt(list), L.LIST_OLDEST);
		if (oldest == 0) return;
		remove(list, oldest);
	}
}

// @ts-ignore: decorator
@inline
function listAt(list: i32): usize {
	return row(L.TABLE_STATE, list, L.STATE_STRIDE);
}
// @ts-ignore: decorator
@inline
function at(entry: i32): usize {
	return row(L.TABLE_RECENT, entry, L.RECENT_STRIDE);
}
// @ts-ignore: decorator
@inline
function stampAt(entry: i32, index: u32): usize {
	return at(entry) + L.RECENT_STAMPS + <usize>(index << 3);
}

function bucketOf(list: i32, address: u32): i32 {
	// 1..capacity - 1; a table of no rows has no entries and no buckets
	return 1 + <i32>((<u64>hash2(<u64>list, <u64>address) * <u64>(capacity(L.TABLE_RECENT) - 1)) >> 32);
}

function find(list: i32, address: u32, ttl: u8): i32 {
	if (capacity(L.TABLE_RECENT) < 2) return 0;
	let entry = load<i32>(at(bucketOf(list, address)), L.RECENT_BUCKET);
	while (entry != 0) {
		const e = at(entry);
		if (load<u32>(e, L.RECENT_ADDRESS) == address && load<i32>(e, L.RECENT_LIST) == list) {
			const its = load<u32>(e, L.RECENT_TTL);
			if (ttl == 0 || its == 0 || its == ttl) return entry;
		}
		entry = load<i32>(e, L.RECENT_NEXT);
	}
	return 0;
}

// Were there enough hits within the time?
function seen(p: Packet, entry: i32, match: usize): bool {
	const seconds = load<u32>(match, L.MATCH_C);
	const hitcount = load<u32>(match, L.MATCH_D);
	const since = p.time - <i64>seconds * NS_PER_S;
	const stamps = load<u32>(at(entry), L.RECENT_COUNT);
	let hits: u32 = 0;
	for (let i: u32 = 0; i < stamps; i++) {
		if (seconds != 0 && load<i64>(stampAt(entry, i)) < since) continue;
		if (hitcount == 0 || ++hits >= hitcount) return true;
	}
	return false;
}

// Looks at the longest unused entry only, and spares the one that is about to be stamped.
function reap(p: Packet, list: i32, working: i32, match: usize, updating: bool): void {
	const oldest = load<i32>(listAt(list), L.LIST_OLDEST);
	if (oldest == 0 || (updating && oldest == working)) return;
	const since = p.time - <i64>load<u32>(match, L.MATCH_C) * NS_PER_S;
	// The index points behind the newest stamp, so it is at least 1.
	if (load<i64>(stampAt(oldest, load<u32>(at(oldest), L.RECENT_INDEX) - 1)) < since) remove(list, oldest);
}

function create(p: Packet, list: i32, address: u32, ttl: u8): i32 {
	if (capacity(L.TABLE_RECENT) < 2) return 0;
	const l = listAt(list);
	if (load<u32>(l, L.LIST_COUNT) >= load<u32>(netns(p.netns), L.NETNS_RECENT_MAX)) {
		const oldest = load<i32>(l, L.LIST_OLDEST);
		if (oldest != 0) remove(list, oldest);
	}
	const entry = take();
	if (entry == 0) return 0;
	const bucket = at(bucketOf(list, address));
	const e = at(entry);
	store<i32>(e, list, L.RECENT_LIST);
	store<u32>(e, address, L.RECENT_ADDRESS);
	store<u32>(e, ttl, L.RECENT_TTL);
	store<u32>(e, 1, L.RECENT_COUNT);
	store<u32>(e, 1, L.RECENT_INDEX);
	store<i64>(stampAt(entry, 0), p.time);
	store<i32>(e, load<i32>(bucket, L.RECENT_BUCKET), L.RECENT_NEXT);
	store<i32>(bucket, entry, L.RECENT_BUCKET);
	append(list, entry);
	store<u32>(l, load<u32>(l, L.LIST_COUNT) + 1, L.LIST_COUNT);
	return entry;
}

function take(): i32 {
	const head = at(0);
	const free = load<i32>(head, L.RECENT_FREE);
	if (free != 0) {
		store<i32>(head, load<i32>(at(free), L.RECENT_NEXT), L.RECENT_FREE);
		return free;
	}
	const used = load<u32>(head, L.RECENT_USED) + 1;
	if (used >= capacity(L.TABLE_RECENT)) return 0;
	store<u32>(head, used, L.RECENT_USED);
	return <i32>used;
}

function stamp(p: Packet, list: i32, entry: i32, ttl: u8): void {
	const e = at(entry);
	// The mask is below RECENT_STAMP_COUNT.
	const index = load<u32>(e, L.RECENT_INDEX) & load<u32>(listAt(list), L.LIST_STAMP_MASK);
	store<i64>(stampAt(entry, index), p.time);
	store<u32>(e, index + 1, L.RECENT_INDEX);
	if (index + 1 > load<u32>(e, L.RECENT_COUNT)) store<u32>(e, index + 1, L.RECENT_COUNT);
	store<u32>(e, ttl, L.RECENT_TTL);
	unlink(list, entry);
	append(list, entry);
}

function remove(list: i32, entry: i32): void {
	const e = at(entry);
	let link = at(bucketOf(list, load<u32>(e, L.RECENT_ADDRESS))) + L.RECENT_BUCKET;
	// The entry is in the chain of its bucket.
	while (load<i32>(link) != entry) link = at(load<i32>(link)) + L.RECENT_NEXT;
	store<i32>(link, load<i32>(e, L.RECENT_NEXT));
	unlink(list, entry);
	const l = listAt(list);
	store<u32>(l, load<u32>(l, L.LIST_COUNT) - 1, L.LIST_COUNT);
	const head = at(0);
	store<i32>(e, load<i32>(head, L.RECENT_FREE), L.RECENT_NEXT);
	store<i32>(head, entry, L.RECENT_FREE);
}

function append(list: i32, entry: i32): void {
	const l = listAt(list);
	const newest = load<i32>(l, L.LIST_NEWEST);
	store<i32>(at(entry), newest, L.RECENT_OLDER);
	store<i32>(at(entry), 0, L.RECENT_NEWER);
	if (newest == 0) store<i32>(l, entry, L.LIST_OLDEST);
	else store<i32>(at(newest), entry, L.RECENT_NEWER);
	store<i32>(l, entry, L.LIST_NEWEST);
}

function unlink(list: i32, entry: i32): void {
	const l = listAt(list);
	const older = load<i32>(at(entry), L.RECENT_OLDER);
	const newer = load<i32>(at(entry), L.RECENT_NEWER);
	if (older == 0) store<i32>(l, newer, L.LIST_OLDEST);
	else store<i32>(at(older), newer, L.RECENT_NEWER);
	if (newer == 0) store<i32>(l, older, L.LIST_NEWEST);
	else store<i32>(at(newer), older, L.RECENT_OLDER);
}
