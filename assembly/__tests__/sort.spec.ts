// Heapsort: ascending, complete, and within its bounds.

import { sort } from "../compile/sort";
import { mix } from "../hash";

const at: usize = memory.data(8 * 1026, 8);

function fill(count: i32): u64 {
	let sum: u64 = 0;
	store<u64>(at, 7);
	store<u64>(at + <usize>((count + 1) << 3), 3);
	for (let i = 1; i <= count; i++) {
		const key = mix(<u64>(i * 31 + count));
		store<u64>(at + <usize>(i << 3), key);
		sum += key;
	}
	return sum;
}

function isSorted(count: i32): bool {
	for (let i = 2; i <= count; i++) {
		if (load<u64>(at + <usize>((i - 1) << 3)) > load<u64>(at + <usize>(i << 3))) return false;
	}
	return true;
}

describe("sort", () => {
	it("orders every length, loses no key and touches nothing beside them", () => {
		for (let count = 0; count <= 40; count++) {
			let sum = fill(count);
			sort(at + 8, count);
			expect(isSorted(count)).toBe(true);
			for (let i = 1; i <= count; i++) sum -= load<u64>(at + <usize>(i << 3));
			expect(sum).toBe(0);
			expect(load<u64>(at)).toBe(7);
			expect(load<u64>(at + <usize>((count + 1) << 3))).toBe(3);
		}
	});

	it("orders a thousand keys, and those that are in order or in reverse already", () => {
		fill(1000);
		for (let n = 0; n < 3; n++) {
			sort(at + 8, 1000);
			expect(isSorted(1000)).toBe(true);
			if (n == 1) {
				for (let i = 1; i <= 1000; i++) store<u64>(at + <usize>(i << 3), <u64>(1000 - i));
			}
		}
		expect(load<u64>(at + 8)).toBe(0);
	});

	it("compares keys as unsigned", () => {
		store<u64>(at, 0xffffffff00000000);
		store<u64>(at + 8, 1);
		sort(at, 2);
		expect(load<u64>(at)).toBe(1);
	});
});
