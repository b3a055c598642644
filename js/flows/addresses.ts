// IPv6 addresses interned to 32-bit indices, so that a packet row has one word an address in both families.
// Open addressing over flat arrays; an index, once given, stays. Left out: zone ids (`%eth0`), which no capture holds.

import { ipv4FromNumber, ipv6FromGroups, parseIpv6 } from "../net/address.ts";

const FIRST_CAPACITY = 256;

/** Addresses that one table may hold by default: 1 Mi, 24 MiB with its hash slots. */
export const ADDRESSES_MAX = 1 << 20;

export class AddressTable {
	/** Four host-order words an address: bits 127-96 first. */
	words: Uint32Array = new Uint32Array(FIRST_CAPACITY * 4);
	count = 0;
	readonly max: number;
	/** Index + 1 of the address in that slot; 0 is free. Twice as many slots as addresses, at least. */
	#slots: Uint32Array = new Uint32Array(FIRST_CAPACITY * 2);

	constructor(max: number = ADDRESSES_MAX) {
		this.max = max;
	}

	/** The index of this address, or -1 where it is new and the table is full. */
	intern(w0: number, w1: number, w2: number, w3: number): number {
		const mask = this.#slots.length - 1;
		let slot = hash(w0, w1, w2, w3) & mask;
		for (;;) {
			const index = (this.#slots[slot] as number) - 1;
			if (index < 0) return this.#add(slot, w0, w1, w2, w3);
			if (this.#holds(index, w0, w1, w2, w3)) return index;
			slot = (slot + 1) & mask;
		}
	}

	/** Canonical text (RFC 5952) of the address at `index`. */
	text(index: number): string {
		if (index >= this.count) throw new RangeError(`address index ${index}; expected 0 to ${this.count - 1}`);
		const words = this.words.subarray(index * 4, index * 4 + 4);
		return ipv6FromGroups([...words].flatMap((word) => [word >>> 16, word & 0xffff]));
	}

	/** Canonical text of a row's address: `family` and value as in `PacketColumns`. */
	addressText(family: number, value: number): string {
		return family === 4 ? ipv4FromNumber(value) : this.text(value);
	}

	#holds(index: number, w0: number, w1: number, w2: number, w3: number): boolean {
		const words = this.words;
		const at = index * 4;
		return words[at + 3] === w3 && words[at + 2] === w2 && words[at + 1] === w1 && words[at] === w0;
	}

	#add(slot: number, w0: number, w1: number, w2: number, w3: number): number {
		const index = this.count;
		if (index >= this.max) return -1;
		if (index * 4 === this.words.length) {
			this.#grow();
			return this.intern(w0, w1, w2, w3);
		}
		this.words[index * 4] = w0;
		this.words[index * 4 + 1] = w1;
		this.words[index * 4 + 2] = w2;
		this.words[index * 4 + 3] = w3;
		this.#slots[slot] = index + 1;
		this.count = index + 1;
		return index;
	}

	#grow(): void {
		const words = new Uint32Array(this.words.length * 2);
		words.set(this.words);
		this.words = words;
		this.#slots = new Uint32Array(this.#slots.length * 2);
		const mask = this.#slots.length - 1;
		for (let index = 0; index < this.count; index++) {
			const at = index * 4;
			const [w0, w1, w2, w3] = [0, 1, 2, 3].map((i) => words[at + i]) as [number, number, number, number];
			let slot = hash(w0, w1, w2, w3) & mask;
			while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
			this.#slots[slot] = index + 1;
		}
	}
}

function hash(w0: number, w1: number, w2: number, w3: number): number {
	let h = Math.imul(w0 ^ Math.imul(w1, 0x9e3779b1), 0x85ebca6b);
	h = Math.imul((h ^ (h >>> 15)) + w2, 0xc2b2ae35);
	h = Math.imul((h ^ (h >>> 13)) + w3, 0x27d4eb2f);
	return (h ^ (h >>> 16)) >>> 0;
}

/** The four host-order words of an IPv6 address text, or null. */
export function ipv6Words(text: string): [number, number, number, number] | null {
	const groups = parseIpv6(text);
	if (groups === null) return null;
	const word = (i: number): number => (((groups[i] as number) << 16) | (groups[i + 1] as number)) >>> 0;
	return [word(0), word(2), word(4), word(6)];
}
