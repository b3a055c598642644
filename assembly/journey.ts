// What a packet does on its way, noted while it is carried, so that the next packet of its connection can be said to do the
// same: the rules it walks, the devices it crosses, the neighbours it asks, the conntrack entries it belongs to. Journeys are
// interned: connections that go the same way share one. `pathcache` decides whose packets are noted, and repeats them.

import { base, capacity, row } from "./arena";
import { ageDue } from "./neighbour";
import * as L from "./layout";

const STEPS_MAX: u32 = 256;
const SEED: u32 = 0x811c9dc5;
const steps: usize = memory.data(1024, 16);
const entries: usize = memory.data(64, 16);

let noting: bool = false;
let repeatable: bool = false;
let alike: bool = false;
let count: u32 = 0;
let hash: u32 = 0;
let entryCount: i32 = 0;
let made: i32 = 0;
let ported: bool = false;
let beyond: bool = false;
let singular: bool = false;
let drawCount: u32 = 0;
const draws: usize = memory.data(L.OPENING_DRAWS_MAX * 4, 16);

/** From here on the steps of the packet on its way are noted. */
export function noteStart(): void {
	noting = true;
	repeatable = true;
	alike = true;
	count = 0;
	hash = SEED;
	entryCount = 0;
	made = 0;
	ported = false;
	singular = false;
	drawCount = 0;
}

// @ts-ignore: decorator
@inline
export function isNoting(): bool {
	return noting;
}

/** The packet has ended, or nobody cares any more. Can what was noted be repeated? */
export function noteEnd(): bool {
	const whole = noting && repeatable;
	noting = false;
	return whole;
}

/** What happens here depends on more than the connection, or leaves more behind than counters: no other packet repeats it. */
// @ts-ignore: decorator
@inline
export function notRepeatable(): void {
	repeatable = false;
	singular = true;
	beyond = true;
}

/** A draw of 31 random bits was, or was not, below `threshold`: the next packet may fare otherwise. */
export function noteDraw(threshold: u32, below: bool): void {
	repeatable = false;
	beyond = true;
	if (!noting) return;
	if (drawCount == L.OPENING_DRAWS_MAX) {
		singular = true;
		return;
	}
	store<u32>(draws + <usize>(drawCount << 2), threshold | (below ? 0x80000000 : 0));
	drawCount++;
}

/** Has nothing but draws kept another packet of the kind from doing the same? */
export function notedAllButDraws(): bool {
	return !singular;
}

/** Copies the draws noted last to `to`, where there is room for OPENING_DRAWS_MAX; how many they are. */
export function copyDraws(to: usize): u32 {
	memory.copy(to, draws, <usize>(drawCount << 2));
	return drawCount;
}

/** What happens here depends on more than addresses, destination port, devices, mark and the connection's state. */
// @ts-ignore: decorator
@inline
export function asksBeyond(): void {
	beyond = true;
}

// What `alike` was before a walk
let alikeBefore: bool = false;

/** From here on it is watched whether anything is asked that `asksBeyond` or `notAlike` speaks of. */
export function watchBeyond(): void {
	beyond = false;
	alikeBefore = alike;
	alike = true;
}

/** The end of what is watched. Was nothing asked of what `notAlike` speaks of? */
export function watchedAlike(): bool {
	const own = alike;
	alike = alike && alikeBefore;
	return own;
}

/** Was anything of that kind asked since? */
// @ts-ignore: decorator
@inline
export function askedBeyond(): bool {
	return beyond;
}

/** What happens here depends on the source port: packets of other connections may fare otherwise. */
// @ts-ignore: decorator
@inline
export function asksSourcePort(): void {
	ported = true;
	alike = false;
	beyond = true;
}

/** Did what was noted depend on the source port? */
export function notedSourcePort(): bool {
	return ported;
}

/** The packet made an entry. */
// @ts-ignore: decorator
@inline
export function noteMade(): void {
	made++;
}

/** Entries that were made since the packet set off. */
export function notedMade(): i32 {
	return made;
}

/** What happens here depends on more than addresses, protocol, flags and the state of the connection: others may not do the same. */
// @ts-ignore: decorator
@inline
export function notAlike(): void {
	alike = false;
}

/** As noteEnd: will packets of other connections that agree in the above do what was noted? */
export function noteEndAlike(): bool {
	return noteEnd() && alike;
}

/** As noteEnd, of what goes on being noted. */
export function notedWhole(): bool {
	return noting && repeatable;
}

/** Was nothing asked of what `notAlike` speaks of, so far? */
export function notedAlike(): bool {
	return alike;
}

/** STEP_* of row `which`. */
// @ts-ignore: decorator
@inline
export function note(step: u32, which: u32): void {
	if (noting) push(step | (which << 2));
}

function push(word: u32): void {
	if (count == STEPS_MAX) return notRepeatable();
	// count < STEPS_MAX: within the buffer
	store<u32>(steps + <usize>(count << 2), word);
	hash = rotl<u32>((hash ^ word) * 0x9e3779b1, 13);
	count++;
}

/** A netns tracks the packet as part of entry `ct`, in direction `dir`; CT_NONE: it is INVALID there. */
export function noteEntry(ct: i32, dir: i32): void {
	if (!noting || ct == L.CT_UNTRACKED) return;
	if (ct < 0) return notRepeatable();
	const word = (ct << 1) | dir;
	for (let i = 0; i < entryCount; i++) if (load<i32>(entries + <usize>(i << 2)) == word) return;
	if (entryCount == L.FLOW_CROSSED_MAX) return notRepeatable();
	store<i32>(entries + <usize>(entryCount << 2), word);
	entryCount++;
}

/** Entries noted: `noted(0)` to `noted(notedCount() - 1)`, each entry << 1 | direction. */
// @ts-ignore: decorator
@inline
export function notedCount(): i32 {
	return entryCount;
}
// @ts-ignore: decorator
@inline
export function noted(i: i32): i32 {
	return load<i32>(entries + <usize>(i << 2));
}

export function journeysReset(): void {
	memory.fill(base(L.TABLE_JOURNEY), 0, <usize>capacity(L.TABLE_JOURNEY) * L.JOURNEY_STRIDE);
}

// @ts-ignore: decorator
@inline
export function journey(index: u32): usize {
	return row(L.TABLE_JOURNEY, index, L.JOURNEY_STRIDE);
}

/** Copies the steps noted last to `to`, where there is room for `most`; how many they are, -1: too many. */
export function copySteps(to: usize, most: u32): i32 {
	if (count > most) return -1;
	memory.copy(to, steps, <usize>(count << 2));
	return <i32>count;
}

/** The journey of the steps noted last, valid from now on; 0: the tables are full. */
export function internJourney(): u32 {
	const slots = capacity(L.TABLE_JOURNEY) - 1;
	if (<i32>slots < 1) return 0;
	let slot = 1 + <u32>((<u64>(hash * 0x9e3779b1) * <u64>slots) >> 32);
	// Every slot is 1..slots; a free one exists, as at most seven eighths are taken.
	while (true) {
		const at = journey(slot);
		const length = load<u32>(at, L.JOURNEY_COUNT);
		if (length == 0) {
			if (!add(at, slots)) return 0;
			break;
		}
		if (length == count && load<u32>(at, L.JOURNEY_HASH) == hash) {
			if (memory.compare(stepAt(load<u32>(at, L.JOURNEY_FIRST)), steps, <usize>(count << 2)) == 0) break;
		}
		slot = slot == slots ? 1 : slot + 1;
	}
	store<i64>(journey(slot), ageOf(steps, count), L.JOURNEY_UNTIL);
	return slot;
}

/** The journey of one and then another, as internJourney; nothing is being noted. 0: too long, or the tables are full. */
export function internJoined(first: u32, second: u32): u32 {
	joinStart();
	return joinNext(first) && joinNext(second) ? internJourney() : 0;
}

/** A journey of several is going to be made, by `joinNext` and then internJourney; nothing is being noted. */
export function joinStart(): void {
	count = 0;
	hash = SEED;
}

/** Goes on with what a journey says. False: that is too long. */
export function joinNext(index: u32): bool {
	const at = journey(index);
	if (count + load<u32>(at, L.JOURNEY_COUNT) > STEPS_MAX) return false;
	pushSteps(at);
	return true;
}

/** The last moment, ns, at which asking the neighbours of a journey leaves them as they are now. */
export function journeyAge(index: u32): i64 {
	const at = journey(index);
	return ageOf(stepAt(load<u32>(at, L.JOURNEY_FIRST)), load<u32>(at, L.JOURNEY_COUNT));
}

function pushSteps(at: usize): void {
	const from = stepAt(load<u32>(at, L.JOURNEY_FIRST));
	const end = from + ((<usize>load<u32>(at, L.JOURNEY_COUNT)) << 2);
	for (let step = from; step < end; step += 4) push(load<u32>(step));
}

function add(at: usize, slots: u32): bool {
	const head = base(L.TABLE_JOURNEY);
	const used = load<u32>(head, L.JOURNEY_USED);
	const first = load<u32>(head, L.JOURNEY_STEPS_USED);
	if (count == 0 || used >= slots - (slots >> 3) - 1 || first + count > capacity(L.TABLE_STEP)) return false;
	store<u32>(head, used + 1, L.JOURNEY_USED);
	store<u32>(head, first + count, L.JOURNEY_STEPS_USED);
	memory.copy(stepAt(first), steps, <usize>(count << 2));
	store<u32>(at, hash, L.JOURNEY_HASH);
	store<u32>(at, first, L.JOURNEY_FIRST);
	store<u32>(at, count, L.JOURNEY_COUNT);
	store<u32>(at, mtuOf(steps, count), L.JOURNEY_MTU);
	return true;
}

// @ts-ignore: decorator
@inline
function stepAt(index: u32): usize {
	return base(L.TABLE_STEP) + ((<usize>index) << 2);
}

/** The least MTU of the devices that `many` steps at `first` leave by: a safe bound, as lengths are compared with that of a stack's. */
export function mtuOf(first: usize, many: u32): u32 {
	let least: u32 = 0xffff;
	for (let i: u32 = 0; i < many; i++) {
		const word = load<u32>(first + <usize>(i << 2));
		if ((word & 3) == L.STEP_OUT) least = min<u32>(least, load<u32>(deviceOf(word), L.DEVICE_MTU));
	}
	return least;
}

/** The last moment, ns, at which asking the neighbours of `many` steps at `first` leaves them as they are now. */
export function ageOf(first: usize, many: u32): i64 {
	let least: i64 = i64.MAX_VALUE;
	for (let i: u32 = 0; i < many; i++) {
		const word = load<u32>(first + <usize>(i << 2));
		if ((word & 3) == L.STEP_NEIGHBOUR) least = min<i64>(least, ageDue(word >>> 2));
	}
	return least;
}

function deviceOf(word: u32): usize {
	return row(L.TABLE_DEVICE, word >>> 2, L.DEVICE_STRIDE);
}

/** Has a netns on the way been configured anew since `epoch`? */
export function changedSince(index: u32, epoch: u32): bool {
	const at = journey(index);
	return stepsChanged(stepAt(load<u32>(at, L.JOURNEY_FIRST)), load<u32>(at, L.JOURNEY_COUNT), epoch);
}

/** The same of `many` steps at `first`. */
export function stepsChanged(first: usize, many: u32, epoch: u32): bool {
	const end = first + ((<usize>many) << 2);
	for (let step = first; step < end; step += 4) {
		const word = load<u32>(step);
		const kind = word & 3;
		if (kind != L.STEP_IN && kind != L.STEP_OUT) continue;
		const netns = row(L.TABLE_NETNS, load<i32>(deviceOf(word), L.DEVICE_NETNS), L.NETNS_STRIDE);
		if (load<u32>(netns, L.NETNS_CHANGED) > epoch) return true;
	}
	return false;
}

/** Counts `packets` more packets of `bytes` in all on every step of the way. */
export function countJourney(index: u32, packets: u32, bytes: u64): void {
	const at = journey(index);
	countSteps(stepAt(load<u32>(at, L.JOURNEY_FIRST)), load<u32>(at, L.JOURNEY_COUNT), packets, bytes);
}

/** The same on `many` steps at `first`. */
export function countSteps(first: usize, many: u32, packets: u32, bytes: u64): void {
	const end = first + ((<usize>many) << 2);
	for (let step = first; step < end; step += 4) {
		const word = load<u32>(step);
		const kind = word & 3;
		if (kind == L.STEP_PATH) countAt(row(L.TABLE_PATH, word >>> 2, L.PATH_STRIDE) + L.PATH_PACKETS, packets, bytes);
		else if (kind == L.STEP_IN) countAt(deviceOf(word) + L.DEVICE_RX_PACKETS, packets, bytes);
		else if (kind == L.STEP_OUT) countAt(deviceOf(word) + L.DEVICE_TX_PACKETS, packets, bytes);
	}
}

// Packets, and 8 bytes later bytes.
function countAt(at: usize, packets: u32, bytes: u64): void {
	store<u64>(at, load<u64>(at) + <u64>packets);
	store<u64>(at, load<u64>(at, 8) + bytes, 8);
}
