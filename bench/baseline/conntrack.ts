// The twin of `assembly/netfilter/{conn,tuplehash}`: entries of 40 words, an open-addressing table of 8-word slots, one a
// direction. The hash is of 32-bit words: JavaScript has no 64-bit integers, and a BigInt would cost more than the rest.

export const ENTRY_WORDS = 40;
const SLOT_WORDS = 8;
/** Words of an entry: tuples at 0 and 4, then these; the deadline is a double. */
export const STATUS = 8;
export const DEADLINE = 10;
export const NETNS = 12;
export const STATE = 13;
export const NEXT = 15;
export const PACKETS = 16;
export const BYTES = 17;

export const CONFIRMED = 8;
export const SEEN_REPLY = 2;

export class Conntrack {
	readonly entries: Uint32Array;
	readonly #deadlines: Float64Array;
	readonly #slots: Uint32Array;
	readonly #mask: number;
	#top = 0;

	/** `slots`: a power of two, at least four an entry. */
	constructor(entries: number, slots: number) {
		this.entries = new Uint32Array(entries * ENTRY_WORDS);
		this.#deadlines = new Float64Array(this.entries.buffer);
		this.#slots = new Uint32Array(slots * SLOT_WORDS);
		this.#mask = slots - 1;
	}

	clear(): void {
		this.#slots.fill(0);
		this.#top = 0;
	}

	deadline(index: number): number {
		return this.#deadlines[(index * ENTRY_WORDS + DEADLINE) >> 1] as number;
	}

	setDeadline(index: number, time: number): void {
		this.#deadlines[(index * ENTRY_WORDS + DEADLINE) >> 1] = time;
	}

	/** A zeroed row with both tuples. */
	allocate(src: number, dst: number, ports: number, zoneProto: number): number {
		const index = this.#top++;
		const at = index * ENTRY_WORDS;
		const { entries } = this;
		if (at >= entries.length) throw new RangeError("the twin's table is full");
		entries.fill(0, at, at + ENTRY_WORDS);
		entries[at] = src;
		entries[at + 1] = dst;
		entries[at + 2] = ports;
		entries[at + 3] = zoneProto;
		entries[at + 4] = dst;
		entries[at + 5] = src;
		entries[at + 6] = (ports << 16) | (ports >>> 16);
		entries[at + 7] = zoneProto;
		return index;
	}

	/** Both tuples into the hash. */
	insert(index: number): void {
		this.#put(index * ENTRY_WORDS + 4, index * 2 + 1);
		this.#put(index * ENTRY_WORDS, index * 2);
	}

	/** `entry * 2 + direction` of a live entry, or -1. */
	find(src: number, dst: number, ports: number, zoneProto: number, now: number): number {
		const slots = this.#slots;
		const hash = hashOf(src, dst, ports, zoneProto);
		for (let i = hash & this.#mask; ; i = (i + 1) & this.#mask) {
			const at = i * SLOT_WORDS;
			const have = slots[at + 5];
			if (have === 0) return -1;
			if (have !== hash || slots[at] !== src || slots[at + 1] !== dst) continue;
			if (slots[at + 2] !== ports || slots[at + 3] !== zoneProto) continue;
			const found = slots[at + 4] as number;
			return this.deadline(found >> 1) > now ? found : -1;
		}
	}

	#put(tuple: number, value: number): void {
		const { entries } = this;
		const slots = this.#slots;
		const src = entries[tuple] as number;
		const dst = entries[tuple + 1] as number;
		const ports = entries[tuple + 2] as number;
		const zoneProto = entries[tuple + 3] as number;
		const hash = hashOf(src, dst, ports, zoneProto);
		let i = hash & this.#mask;
		while (slots[i * SLOT_WORDS + 5] !== 0) i = (i + 1) & this.#mask;
		const at = i * SLOT_WORDS;
		slots[at] = src;
		slots[at + 1] = dst;
		slots[at + 2] = ports;
		slots[at + 3] = zoneProto;
		slots[at + 4] = value;
		slots[at + 5] = hash;
	}
}

/** The top bit is set: 0 marks an empty slot. */
function hashOf(a: number, b: number, c: number, d: number): number {
	let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 15) ^ b, 0xc2b2ae35);
	h = Math.imul(h ^ (h >>> 13) ^ c, 0x27d4eb2f);
	h = Math.imul(h ^ (h >>> 16) ^ d, 0x85ebca6b);
	return ((h ^ (h >>> 15)) | 0x80000000) >>> 0;
}
