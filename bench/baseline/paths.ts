// The twin of `assembly/netfilter/path`: the rules that one walk touched, interned; packets and bytes count per path.

const LENGTH_MAX = 256;

export class Paths {
	readonly #slots: number;
	/** Per slot: hash, netns, first of #known, length; length 0: free. */
	readonly #table: Uint32Array;
	readonly #packets: Float64Array;
	readonly #bytes: Float64Array;
	readonly #known: Uint32Array;
	readonly #rules = new Uint32Array(LENGTH_MAX);
	#used = 0;
	#length = 0;
	#hash = 0;
	/** Where the slots of what is counted are noted; null: nowhere. */
	noted: number[] | null = null;

	/** `slots`: a power of two, more than there will be paths. */
	constructor(slots: number) {
		this.#slots = slots;
		this.#table = new Uint32Array(slots * 4);
		this.#packets = new Float64Array(slots);
		this.#bytes = new Float64Array(slots);
		this.#known = new Uint32Array(slots * 16);
	}

	start(): void {
		this.#length = 0;
		this.#hash = 0x811c9dc5;
	}

	push(rule: number): void {
		if (this.#length === LENGTH_MAX) throw new RangeError("a walk of the scenes is shorter");
		this.#rules[this.#length++] = rule;
		const mixed = Math.imul(this.#hash ^ rule, 0x9e3779b1);
		this.#hash = (mixed << 13) | (mixed >>> 19);
	}

	count(netns: number, bytes: number): void {
		if (this.#length === 0) return;
		const slot = this.#intern(netns);
		this.#packets[slot] = (this.#packets[slot] as number) + 1;
		this.#bytes[slot] = (this.#bytes[slot] as number) + bytes;
		this.noted?.push(slot);
	}

	/** Counts `packets` of `bytes` in all on a slot that was noted. */
	repeat(slot: number, packets: number, bytes: number): void {
		this.#packets[slot] = (this.#packets[slot] as number) + packets;
		this.#bytes[slot] = (this.#bytes[slot] as number) + bytes;
	}

	/** Packets counted, rule by rule, added up. */
	get hits(): number {
		return this.#packets.reduce((sum, packets, slot) => sum + packets * (this.#table[slot * 4 + 3] as number), 0);
	}

	#intern(netns: number): number {
		const table = this.#table;
		const key = (this.#hash ^ Math.imul(netns, 0x85ebca6b)) >>> 0;
		for (let slot = Math.imul(key, 0x9e3779b1) >>> 0; ; slot++) {
			slot &= this.#slots - 1;
			const at = slot * 4;
			if (table[at + 3] === 0) return this.#add(slot, key, netns);
			if (
				table[at] === key &&
				table[at + 1] === netns &&
				this.#same(table[at + 2] as number, table[at + 3] as number)
			) {
				return slot;
			}
		}
	}

	#same(first: number, length: number): boolean {
		if (length !== this.#length) return false;
		for (let i = 0; i < length; i++) if (this.#known[first + i] !== this.#rules[i]) return false;
		return true;
	}

	#add(slot: number, key: number, netns: number): number {
		if (this.#used + this.#length > this.#known.length) throw new RangeError("more paths than the twin has room for");
		this.#table.set([key, netns, this.#used, this.#length], slot * 4);
		this.#known.set(this.#rules.subarray(0, this.#length), this.#used);
		this.#used += this.#length;
		return slot;
	}
}
