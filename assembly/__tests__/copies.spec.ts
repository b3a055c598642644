// Packets seen a moment ago against a plain list of all that were: hashes that share buckets, bursts and pauses.

import { startAt } from "../arena";
import { copiesReset, copy, noteSeen, seenBefore } from "../capture/copies";

const WINDOW: i64 = 1000;
const KEYS: i32 = 20000;

// by key: when it was noted last, -1 never; and the flow that was said then
const times = new StaticArray<i64>(KEYS);
const flows = new StaticArray<u32>(KEYS);
let placed = false;

function reset(): void {
	if (!placed) startAt((<usize>memory.size()) << 16);
	placed = true;
	copiesReset(WINDOW);
	for (let i = 0; i < KEYS; i++) times[i] = -1;
}

let state: u32 = 1;
function draw(below: u32): u32 {
	state = state * 1664525 + 1013904223;
	return (state >>> 8) % below;
}

/** `spread`: into how many buckets' hashes the keys fall. */
function first(key: i32, spread: i32): u32 {
	return <u32>(key % spread);
}

function step(key: i32, spread: i32, time: i64): bool {
	// The second hash's upper bits choose a bucket too: keys below 128 keep to the first hash's.
	const second = <u32>key + 1;
	const known = times[key] >= 0 && time - times[key] <= WINDOW;
	if (seenBefore(first(key, spread), second, time) != known) return false;
	if (known && (copy.flow != flows[key] || copy.inNetns != ((flows[key] & 1) == 1))) return false;
	const flow = draw(1 << 30);
	noteSeen(first(key, spread), second, time, flow, (flow & 1) == 1);
	times[key] = time;
	flows[key] = flow;
	return true;
}

describe("packets seen a moment ago", () => {
	it("are those of the window, however many there are", () => {
		reset();
		let time: i64 = 5;
		let right = true;
		for (let i = 0; i < 200000 && right; i++) {
			// A burst of many within the window, then few, then a pause.
			const phase = (i / 20000) % 3;
			time += phase == 0 ? <i64>(i & 15) / 15 : phase == 1 ? <i64>draw(200) : <i64>draw(3000);
			right = step(<i32>draw(phase == 0 ? KEYS : 300), 1 << 20, time);
		}
		expect(right).toBe(true);
	});

	it("are found where many share a bucket", () => {
		reset();
		let time: i64 = 1000000000;
		let right = true;
		for (let i = 0; i < 50000 && right; i++) {
			time += <i64>draw(40);
			right = step(<i32>draw(120), 3, time);
		}
		expect(right).toBe(true);
	});

	it("are forgotten on request", () => {
		reset();
		noteSeen(1, 1, 0, 7, false);
		expect(seenBefore(1, 1, 1)).toBe(true);
		reset();
		expect(seenBefore(1, 1, 1)).toBe(false);
	});
});
