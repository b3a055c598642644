// Walks remembered: what a walk of a base chain came to, by all that it looked at: addresses, protocol, destination port,
// devices, mark, and the state of the packet's connection. A walk that looked at more (`asksBeyond`) is remembered as one that
// has to be walked again. A walk ends with a verdict, or with a target that is run anew for each packet, a NAT mapping say.
// What it counts is owed to its path until somebody asks. A row holds as long as its netns is not configured anew.

import { base, capacity, row } from "../arena";
import { mix } from "../hash";
import { notAlike, note } from "../journey";
import { netns } from "../netns";
import { Packet } from "../packet";
import { currentEpoch, isCaching, voidBefore } from "../pathcache";
import { chainRow } from "./chain";
import { indexIsOn } from "./chainindex";
import { countPath } from "./path";
import * as L from "../layout";

/** Rows among which a walk's may be. */
const WAYS: u32 = 4;
// What is looked for: the first 32 bytes of a row
const KEY: usize = memory.data(32, 16);

let home: u32 = 0;
let evicted: u32 = 0;
let owing: bool = false;

/** Are walks of this base chain remembered? Those of chains without a jump are as short as looking for one. */
// @ts-ignore: decorator
@inline
export function remembersWalks(chain: i32): bool {
	if (load<u32>(chainRow(chain), L.CHAIN_LEAVES) == 0) return false;
	return capacity(L.TABLE_WALK) >= WAYS && isCaching() && indexIsOn();
}

// @ts-ignore: decorator
@inline
function targetOf(p: Packet, chain: i32): u64 {
	return (<u64>((<u32>p.dport) | ((<u32>p.proto) << 16))) | ((<u64>chain) << 32);
}

// Words are read as wide as they were written: a wide load soon after narrow stores stalls.
// @ts-ignore: decorator
@inline
function devicesOf(p: Packet): u64 {
	return (<u64>(<u32>p.iif)) | ((<u64>(<u32>p.oif)) << 32);
}

// @ts-ignore: decorator
@inline
function circumstances(p: Packet): u64 {
	return (<u64>p.mark) | ((<u64>(((<u32>p.netns) << 8) | stateOf(p))) << 32);
}

// @ts-ignore: decorator
@inline
function homeOf(addresses: u64, target: u64, devices: u64, state: u64): u32 {
	const rest = target + devices * 0x9e3779b97f4a7c15 + state * 0xc2b2ae3d27d4eb4f;
	return <u32>mix(addresses * 0x9fb21c651e98df25 + (rest ^ (rest >> 29)));
}

/** Number of the row where the walk that a packet begins is looked for first. */
// @ts-ignore: decorator
@inline
export function walkHome(p: Packet, chain: i32): u32 {
	const addresses = (<u64>p.src) | ((<u64>p.dst) << 32);
	return homeOf(addresses, targetOf(p, chain), devicesOf(p), circumstances(p));
}

/** Loads both lines of a row of that number, as `conntrackTouch` does a slot. */
// @ts-ignore: decorator
@inline
export function touchWalk(home: u32): u32 {
	return load<u32>(walkAt(home), L.WALK_EPOCH) + load<u32>(walkAt(home), L.WALK_ENDING);
}

/** The row of the walk that a packet begins; 0: none is known. */
export function findWalk(p: Packet, chain: i32): usize {
	const addresses = (<u64>p.src) | ((<u64>p.dst) << 32);
	const target = targetOf(p, chain);
	const devices = devicesOf(p);
	const state = circumstances(p);
	store<u64>(KEY, addresses, L.WALK_ADDRESSES);
	store<u64>(KEY, target, L.WALK_CHAIN);
	store<u64>(KEY, devices, L.WALK_DEVICES);
	store<u64>(KEY, state, L.WALK_STATE);
	home = homeOf(addresses, target, devices, state);
	for (let way: u32 = 0; way < WAYS; way++) {
		const w = walkAt(home ^ way);
		if (load<u64>(w, L.WALK_ADDRESSES) != addresses || load<u64>(w, L.WALK_CHAIN) != target) continue;
		if (load<u64>(w, L.WALK_DEVICES) != devices || load<u64>(w, L.WALK_STATE) != state) continue;
		return holds(w, p.netns) ? w : 0;
	}
	return 0;
}

// masked: within the table, whose capacity is a power of two
// @ts-ignore: decorator
@inline
function walkAt(index: u32): usize {
	return base(L.TABLE_WALK) + <usize>((index & (capacity(L.TABLE_WALK) - 1)) * L.WALK_STRIDE);
}

// What `-m conntrack --ctstate` looks at
// @ts-ignore: decorator
@inline
function stateOf(p: Packet): u32 {
	const ctinfo = (<u32>p.ctinfo) & 7;
	if (p.ct < 0) return p.ct == L.CT_UNTRACKED ? ctinfo | 8 : ctinfo;
	const status = <u32>load<u16>(row(L.TABLE_CT, p.ct, L.CT_STRIDE), L.CT_STATUS);
	return ctinfo | 16 | ((status & (L.IPS_SRC_NAT | L.IPS_DST_NAT)) << 1);
}

function holds(w: usize, index: i32): bool {
	const epoch = load<u32>(w, L.WALK_EPOCH);
	if (epoch == currentEpoch()) return true;
	if (epoch == 0 || epoch < voidBefore() || load<u32>(netns(index), L.NETNS_CHANGED) > epoch) return false;
	store<u32>(w, currentEpoch(), L.WALK_EPOCH);
	return true;
}

/** Counts a packet that takes a remembered walk, and marks it as the walk would. */
// @ts-ignore: decorator
@inline
export function countWalk(w: usize, p: Packet): void {
	p.mark = load<u32>(w, L.WALK_MARK);
	if (load<u8>(w, L.WALK_ALIKE) == 0) notAlike();
	const path = load<u32>(w, L.WALK_PATH);
	if (path == 0) return;
	note(L.STEP_PATH, path);
	store<u32>(w, load<u32>(w, L.WALK_PACKETS) + 1, L.WALK_PACKETS);
	store<u64>(w, load<u64>(w, L.WALK_BYTES) + <u64>p.len, L.WALK_BYTES);
	owing = true;
}

/** Remembers the walk that findWalk has looked for in vain: `rule` ended it, `path` counted it, `mark` was the packet's afterwards. */
export function keepWalk(end: u8, rule: i32, path: u32, mark: u32, alike: bool): void {
	const w = room();
	settleWalk(w);
	v128.store(w, v128.load(KEY));
	v128.store(w, v128.load(KEY, 16), 16);
	store<u32>(w, currentEpoch(), L.WALK_EPOCH);
	store<u32>(w, path, L.WALK_PATH);
	store<u32>(w, mark, L.WALK_MARK);
	store<i32>(w, rule, L.WALK_RULE);
	store<u8>(w, end, L.WALK_END);
	store<u8>(w, <u8>alike, L.WALK_ALIKE);
	if (rule >= 0) memory.copy(w + L.WALK_ENDING, row(L.TABLE_RULE, rule, L.RULE_STRIDE), L.RULE_STRIDE);
}

// The row with this key, a free one, or one that is given up.
function room(): usize {
	let free: usize = 0;
	for (let way: u32 = 0; way < WAYS; way++) {
		const w = walkAt(home ^ way);
		if (load<u32>(w, L.WALK_EPOCH) == 0) {
			if (free == 0) free = w;
		} else if (memory.compare(w, KEY, 32) == 0) return w;
	}
	return free != 0 ? free : walkAt(home ^ (evicted++ & (WAYS - 1)));
}

function settleWalk(w: usize): void {
	const packets = load<u32>(w, L.WALK_PACKETS);
	if (packets == 0) return;
	countPath(load<u32>(w, L.WALK_PATH), packets, load<u64>(w, L.WALK_BYTES));
	store<u32>(w, 0, L.WALK_PACKETS);
	store<u64>(w, 0, L.WALK_BYTES);
}

/** Counts what is owed to paths. */
export function settleWalks(): void {
	if (!owing) return;
	owing = false;
	for (let i: u32 = 0; i < capacity(L.TABLE_WALK); i++) settleWalk(walkAt(i));
}
