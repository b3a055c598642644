// The index of a chain (`compile/chains` builds it): which rule can be the next to match, without reading those between.
// A rule with exact conditions is found by a hash of the fields that they ask for; the others' addresses, protocol and
// port stand in columns that are compared four rules at a time. What is found is a candidate, never an answer: the walk
// reads it as it would have read it anyway. A rule is passed over only where a condition fails that the walk looks at
// before anything with an effect.

import { base } from "../arena";
import { deviceName } from "../device";
import { mix } from "../hash";
import { notAlike } from "../journey";
import { Packet } from "../packet";
import * as L from "../layout";

let isOn = true;

/** Off: every chain is walked rule by rule, as if none had an index. */
export function indexSwitch(on: bool): void {
	isOn = on;
}

// @ts-ignore: decorator
@inline
export function indexIsOn(): bool {
	return isOn;
}

/** Address of the index at a CHAIN_INDEX; 0: none, or switched off. */
// @ts-ignore: decorator
@inline
export function indexAt(offset: u32): usize {
	return offset == 0 || !isOn ? 0 : base(L.TABLE_CHAININDEX) + <usize>offset;
}

/** Hash of a key: a set of fields and their values; fields that are not in the set are 0. */
// @ts-ignore: decorator
@inline
export function keyHash(fields: u32, src: u32, dst: u32, l4: u32, iif: u32, oif: u32): u64 {
	const devices = ((<u64>(iif + 1)) << 32) | (<u64>(oif + 1));
	const key = mix(((<u64>src) << 32) | (<u64>dst)) + (((<u64>l4) << 8) | (<u64>fields));
	return fields & (L.FIELD_IIF | L.FIELD_OIF) ? mix(key ^ mix(devices)) : mix(key);
}

/** `protocol << 16 | destination port`. */
// @ts-ignore: decorator
@inline
export function l4Of(p: Packet): u32 {
	return ((<u32>p.proto) << 16) | (<u32>p.dport);
}

/** Number of the first rule from `from` on that can match, INDEX_RULES for none: the policy's. from <= INDEX_RULES. */
export function candidate(index: usize, p: Packet, hook: i32, from: u32): u32 {
	const rules = load<u32>(index, L.INDEX_RULES);
	if (from == rules) return rules;
	const exact = exactCandidate(index, p, hook, from, rules);
	return load<u32>(index, L.INDEX_SCANNED) == 0 ? exact : scan(index, p, from, exact);
}

function exactCandidate(index: usize, p: Packet, hook: i32, from: u32, rules: u32): u32 {
	const shapes = load<u32>(index, L.INDEX_SHAPES);
	const mask = load<u32>(index, L.INDEX_BUCKET_MASK);
	const links = index + <usize>load<u32>(index, L.INDEX_LINKS);
	const buckets = index + L.INDEX_BUCKETS;
	let best = rules;
	for (let shape: usize = 0; shape < <usize>shapes; shape++) {
		const fields: u32 = load<u8>(index + shape, L.INDEX_SHAPE);
		let iif: i32 = -1;
		let oif: i32 = -1;
		if (fields & L.FIELD_L4) notAlike();
		// Where a hook knows no such device, no rule that names one matches.
		if (fields & L.FIELD_IIF) {
			if (hook > L.HOOK_FORWARD || p.iif < 0) continue;
			iif = deviceName(p.iif);
		}
		if (fields & L.FIELD_OIF) {
			if (hook < L.HOOK_FORWARD || p.oif < 0) continue;
			oif = deviceName(p.oif);
		}
		const hash = keyHash(
			fields,
			fields & L.FIELD_SRC ? p.src : 0,
			fields & L.FIELD_DST ? p.dst : 0,
			fields & L.FIELD_L4 ? l4Of(p) : 0,
			<u32>iif,
			<u32>oif,
		);
		let bucket = (<u32>hash) & mask;
		// At least half of the buckets are free.
		while (true) {
			const at = buckets + <usize>(bucket << 3);
			let rule = load<u32>(at);
			if (rule == 0) break;
			if (load<u32>(at, 4) == <u32>(hash >> 32)) {
				while (rule != 0 && rule - 1 < from) rule = load<u32>(links + <usize>((rule - 1) << 2));
				if (rule != 0) best = min(best, rule - 1);
				break;
			}
			bucket = (bucket + 1) & mask;
		}
	}
	return best;
}

// The first scanned rule with a number in [from, end), or `end`.
function scan(index: usize, p: Packet, from: u32, end: u32): u32 {
	const numbers = index + <usize>load<u32>(index, L.INDEX_NUMBERS);
	const count = load<u32>(index, L.INDEX_SCANNED);
	const start = lowerBound(numbers, count, from);
	// Numbers and columns are padded to whole groups; the padding's number is INDEX_RULES, at least `end`.
	const stop = numbers + <usize>(count << 2);
	const column = index + <usize>load<u32>(index, L.INDEX_COLUMN_FIRST);
	const word = i32x4.splat(wordOf(p, load<u8>(index, L.INDEX_COLUMN)));
	let at = numbers + <usize>((start & ~3) << 2);
	// Of the first group, those from `start` on
	let lanes = (0xf << (start & 3)) & 0xf;
	let group = column + ((at - numbers) << 1);
	while (at < stop) {
		if (load<u32>(at) >= end) return end;
		lanes &= fits(group, word);
		if (lanes != 0) {
			lanes &= others(index, p, group - column, count);
			if (lanes != 0) return min(end, load<u32>(at + <usize>(ctz(lanes) << 2)));
		}
		lanes = 0xf;
		at += 16;
		group += 32;
		// Sixteen rules at a time while none of them fits
		while (at + 48 < stop && load<u32>(at) < end) {
			const any = v128.or(
				v128.or(fitsOf(group, word), fitsOf(group + 32, word)),
				v128.or(fitsOf(group + 64, word), fitsOf(group + 96, word)),
			);
			if (v128.any_true(any)) break;
			at += 64;
			group += 128;
		}
	}
	return end;
}

// A group: four values and four masks.
// @ts-ignore: decorator
@inline
function fitsOf(group: usize, word: v128): v128 {
	return i32x4.eq(v128.and(word, v128.load(group, 16)), v128.load(group));
}

// A bit a rule
// @ts-ignore: decorator
@inline
function fits(group: usize, word: v128): i32 {
	return i32x4.bitmask(fitsOf(group, word));
}

// What the columns behind the first say of a group; `offset` is its place in each.
function others(index: usize, p: Packet, offset: usize, count: u32): i32 {
	const columns = load<u32>(index, L.INDEX_COLUMNS);
	const bytes = columnBytes(count);
	let column = index + <usize>load<u32>(index, L.INDEX_COLUMN_FIRST) + offset;
	let lanes = 0xf;
	for (let i: usize = 1; i < <usize>columns; i++) {
		column += bytes;
		lanes &= fits(column, i32x4.splat(wordOf(p, load<u8>(index + i, L.INDEX_COLUMN))));
	}
	return lanes;
}

/** Bytes of a column for `count` scanned rules. */
// @ts-ignore: decorator
@inline
export function columnBytes(count: u32): usize {
	return <usize>(((count + 3) & ~3) << 3);
}

// @ts-ignore: decorator
@inline
function wordOf(p: Packet, word: u32): i32 {
	if (word == L.WORD_DST) return <i32>p.dst;
	if (word == L.WORD_SRC) return <i32>p.src;
	notAlike();
	return <i32>l4Of(p);
}

// How many of the numbers are below `from`. They ascend: the one at place `from` is at least `from`.
function lowerBound(numbers: usize, count: u32, from: u32): u32 {
	if (from < count && load<u32>(numbers + <usize>(from << 2)) == from) return from;
	let low: u32 = 0;
	let high = count;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (load<u32>(numbers + <usize>(middle << 2)) < from) low = middle + 1;
		else high = middle;
	}
	return low;
}
