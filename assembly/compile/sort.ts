// Heapsort of u64 keys in place: no allocation, the same order on every host. Keys are unique, so stability is moot.

/** Sorts `count` u64 keys at `at`, ascending. */
export function sort(at: usize, count: u32): void {
	if (count < 2) return;
	for (let i: i32 = <i32>(count >> 1) - 1; i >= 0; i--) sift(at, <u32>i, count);
	for (let end: u32 = count - 1; end > 0; end--) {
		swap(at, 0, end);
		sift(at, 0, end);
	}
}

// All indices stay below `count`, the number of keys that the caller placed at `at`.
function sift(at: usize, parent: u32, count: u32): void {
	for (;;) {
		let child = parent * 2 + 1;
		if (child >= count) return;
		if (child + 1 < count && key(at, child) < key(at, child + 1)) child++;
		if (key(at, parent) >= key(at, child)) return;
		swap(at, parent, child);
		parent = child;
	}
}

// @ts-ignore: decorator
@inline
function key(at: usize, i: u32): u64 {
	return load<u64>(at + ((<usize>i) << 3));
}

function swap(at: usize, i: u32, j: u32): void {
	const a = key(at, i);
	store<u64>(at + ((<usize>i) << 3), key(at, j));
	store<u64>(at + ((<usize>j) << 3), a);
}
