// The twin of `assembly/flow`: rows of 24 words, found by the initiator's tuple through chained heads.

export const FLOW_WORDS = 24;
export const SEEN_DST = 6;
export const SERVER = 8;
export const CT = 9;
export const PACKETS = 10;
export const ANSWERED = 11;
export const SEEN_SRC = 12;
export const SEEN_PORTS = 13;
export const BYTES = 14;
const NEXT = 15;

export class Flows {
	readonly rows: Int32Array;
	readonly #heads: Int32Array;
	#count = 0;

	/** `heads`: a power of two. */
	constructor(flows: number, heads: number) {
		this.rows = new Int32Array(flows * FLOW_WORDS);
		this.#heads = new Int32Array(heads).fill(-1);
	}

	get count(): number {
		return this.#count;
	}

	clear(): void {
		this.#count = 0;
		this.#heads.fill(-1);
	}

	/** Word of the flow's row, or -1. */
	find(netns: number, src: number, dst: number, ports: number): number {
		const { rows } = this;
		for (let i = this.#heads[this.#bucket(netns, src, dst, ports)] as number; i >= 0; i = rows[i + NEXT] as number) {
			if (rows[i] === src && rows[i + 1] === dst && rows[i + 2] === ports && rows[i + 3] === netns) return i;
		}
		return -1;
	}

	add(netns: number, src: number, dst: number, ports: number): number {
		const { rows } = this;
		const at = this.#count++ * FLOW_WORDS;
		if (at >= rows.length) throw new RangeError("the twin's flow table is full");
		rows.fill(0, at, at + FLOW_WORDS);
		rows[at] = src;
		rows[at + 1] = dst;
		rows[at + 2] = ports;
		rows[at + 3] = netns;
		rows[at + SERVER] = -1;
		rows[at + CT] = -1;
		const bucket = this.#bucket(netns, src, dst, ports);
		rows[at + NEXT] = this.#heads[bucket] as number;
		this.#heads[bucket] = at;
		return at;
	}

	#bucket(netns: number, src: number, dst: number, ports: number): number {
		let h = Math.imul(src ^ 0x9e3779b9, 0x85ebca6b);
		h = Math.imul(h ^ (h >>> 15) ^ dst, 0xc2b2ae35);
		h = Math.imul(h ^ (h >>> 13) ^ ports, 0x27d4eb2f);
		h = Math.imul(h ^ (h >>> 16) ^ netns, 0x85ebca6b);
		return (h ^ (h >>> 15)) & (this.#heads.length - 1);
	}
}
