// IPv6 addresses interned to 32-bit indices, so that a packet row has one word an address in both families.
// Open addressing over flat arrays; an index, once given, stays. Left out: zone ids (`%eth0`), which no capture holds.

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
		const at = index * 4;
		return ipv6Text(this.words[at]!, this.words[at + 1]!, this.words[at + 2]!, this.words[at + 3]!);
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
			let slot = hash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!) & mask;
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

/** Dotted quad of a host-order word. */
export function ipv4Text(word: number): string {
	return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** The host-order word of a dotted quad (no leading zeros), or -1. */
export function ipv4Word(text: string): number {
	const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
	if (match === null) return -1;
	let word = 0;
	for (let i = 1; i <= 4; i++) {
		const part = match[i] as string;
		const value = Number(part);
		if (value > 255 || (part.length > 1 && part.startsWith("0"))) return -1;
		word = word * 256 + value;
	}
	return word;
}

/** The four host-order words of an IPv6 address text (RFC 4291, a dotted tail too), or null. */
export function ipv6Words(text: string): [number, number, number, number] | null {
	let rest = text;
	const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
	if (tail !== null) {
		const word = ipv4Word(tail[2] as string);
		if (word < 0) return null;
		rest = `${tail[1]}${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
	}
	const halves = rest.split("::");
	if (halves.length > 2) return null;
	const head = halves[0] === "" ? [] : (halves[0] as string).split(":");
	const last = halves.length === 1 || halves[1] === "" ? [] : (halves[1] as string).split(":");
	const missing = 8 - head.length - last.length;
	if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
	const groups = [...head, ...Array<string>(missing).fill("0"), ...last];
	if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
	const value = groups.map((group) => Number.parseInt(group, 16));
	const word = (i: number): number => (((value[i] as number) << 16) | (value[i + 1] as number)) >>> 0;
	return [word(0), word(2), word(4), word(6)];
}

/** RFC 5952: lower case, the longest run of two or more zero groups (the first of equals) shortened. */
export function ipv6Text(w0: number, w1: number, w2: number, w3: number): string {
	if (w0 === 0 && w1 === 0 && w2 === 0xffff) return `::ffff:${ipv4Text(w3)}`;
	const groups = [w0, w1, w2, w3].flatMap((word) => [word >>> 16, word & 0xffff]);
	let best = -1;
	let bestLength = 1;
	for (let start = 0; start < 8; start++) {
		let length = 0;
		while (start + length < 8 && groups[start + length] === 0) length++;
		if (length > bestLength) {
			best = start;
			bestLength = length;
		}
	}
	const hex = groups.map((group) => group.toString(16));
	if (best < 0) return hex.join(":");
	return `${hex.slice(0, best).join(":")}::${hex.slice(best + bestLength).join(":")}`;
}
