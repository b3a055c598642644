// Flows by their tuple, whichever direction is seen: an open-addressing table over flat words, no string and no object a
// flow. The key is (scope, family, protocol, the two endpoints in numeric order); a caller learns which of the two was the
// source. Entries that were idle for long are dropped when the table would have to grow.

import { type PacketColumns, PROTO_ICMP, PROTO_ICMPV6 } from "./columns.ts";

/*
 * A slot, 12 words:
 *   0 scope | 1 low address | 2 high address | 3 low port << 16 | high port | 4 family << 8 | proto, 0: free
 *   5 flow | 6 role of low-to-high packets << 8 | role of high-to-low | 7 sequence number of the opening SYN
 *   8, 9 time of the last packet, low and high | 10 netns that offers, -1: outside | 11 mark bits, the caller's
 */
const SLOT = 12;
const KEY_KIND = 4;
export const SLOT_FLOW = 5;
export const SLOT_ROLES = 6;
export const SLOT_SYN = 7;
export const SLOT_TIME_LOW = 8;
export const SLOT_TIME_HIGH = 9;
export const SLOT_NETNS = 10;
export const SLOT_MARKS = 11;

const FIRST_SLOTS = 1024;
const WORD = 0x1_0000_0000;

export class TupleTable {
	/** Slots' words; an offset holds until the next `find` that adds. */
	words: Int32Array = new Int32Array(FIRST_SLOTS * SLOT);
	count = 0;
	/** After `find`: the packet went from the high endpoint to the low one. */
	reversed = false;
	/** After `find`: the entry is new; all words behind the key are 0. */
	added = false;
	readonly #idleNs: number;
	#mask = FIRST_SLOTS - 1;

	/** Entries idle for `idleNs` may be dropped. */
	constructor(idleNs: number) {
		this.#idleNs = idleNs;
	}

	/**
	 * Offset in `words` of the entry for row `row` under `scope`, added where it is new. An ICMP answer belongs to the entry
	 * of its request: there the requester counts as low, and the ports are the identifier and the request's type and code.
	 */
	find(columns: PacketColumns, row: number, scope: number): number {
		if ((this.count + 1) * 2 > this.#mask + 1) this.#makeRoom(columns, row);
		const src = columns.src[row] as number;
		const dst = columns.dst[row] as number;
		const sport = columns.sport[row] as number;
		const dport = columns.dport[row] as number;
		const proto = columns.proto[row] as number;
		const kind = ((columns.family[row] as number) << 8) | proto;
		if (proto === PROTO_ICMP || proto === PROTO_ICMPV6) {
			const request = icmpRequest(dport, proto);
			this.reversed = request !== dport;
			return this.#probe(scope, this.reversed ? dst : src, this.reversed ? src : dst, (sport << 16) | request, kind);
		}
		this.reversed = src > dst || (src === dst && sport > dport);
		if (this.reversed) return this.#probe(scope, dst, src, (dport << 16) | sport, kind);
		return this.#probe(scope, src, dst, (sport << 16) | dport, kind);
	}

	#probe(scope: number, lowAddress: number, highAddress: number, ports: number, kind: number): number {
		const low = lowAddress | 0;
		const high = highAddress | 0;
		const words = this.words;
		const mask = this.#mask;
		let slot = hash(scope, low, high, ports, kind) & mask;
		for (;;) {
			const at = slot * SLOT;
			if (words[at + KEY_KIND] === 0) {
				words[at] = scope;
				words[at + 1] = low;
				words[at + 2] = high;
				words[at + 3] = ports;
				words[at + KEY_KIND] = kind;
				this.count++;
				this.added = true;
				return at;
			}
			if (
				words[at + 1] === low &&
				words[at + 3] === ports &&
				words[at + 2] === high &&
				words[at] === scope &&
				words[at + KEY_KIND] === kind
			) {
				this.added = false;
				return at;
			}
			slot = (slot + 1) & mask;
		}
	}

	/** Drops idle entries; doubles where more than a quarter of the slots stay in use. */
	#makeRoom(columns: PacketColumns, row: number): void {
		const old = this.words;
		const nowNs = Number(columns.timeNs[row]);
		let kept = 0;
		for (let at = 0; at < old.length; at += SLOT) {
			if (old[at + KEY_KIND] === 0) continue;
			const lastNs = ((old[at + SLOT_TIME_HIGH] as number) >>> 0) * WORD + ((old[at + SLOT_TIME_LOW] as number) >>> 0);
			if (nowNs - lastNs < this.#idleNs) kept++;
			else old[at + KEY_KIND] = 0;
		}
		const slots = kept * 4 > this.#mask + 1 ? (this.#mask + 1) * 2 : this.#mask + 1;
		const words = new Int32Array(slots * SLOT);
		this.#mask = slots - 1;
		for (let from = 0; from < old.length; from += SLOT) {
			if (old[from + KEY_KIND] === 0) continue;
			let to = (slotHash(old, from) & this.#mask) * SLOT;
			while (words[to + KEY_KIND] !== 0) to = to + SLOT === words.length ? 0 : to + SLOT;
			for (let i = 0; i < SLOT; i++) words[to + i] = old[from + i] as number;
		}
		this.words = words;
		this.count = kept;
	}
}

function slotHash(words: Int32Array, at: number): number {
	const word = (i: number): number => words[at + i] as number;
	return hash(word(0), word(1), word(2), word(3), word(KEY_KIND));
}

function hash(scope: number, low: number, high: number, ports: number, kind: number): number {
	let h = Math.imul(low ^ Math.imul(scope + 1, 0x9e3779b1), 0x85ebca6b);
	h = Math.imul((h ^ (h >>> 15)) + high, 0xc2b2ae35);
	h = Math.imul((h ^ (h >>> 13)) + ports, 0x27d4eb2f);
	h = Math.imul((h ^ (h >>> 15)) + kind, 0x9e3779b1);
	return (h ^ (h >>> 16)) >>> 0;
}

/** The request's `type << 8 | code` of an ICMP answer; its own of any other message. */
export function icmpRequest(typeCode: number, proto: number): number {
	const type = typeCode >>> 8;
	if (proto === PROTO_ICMPV6) return type === 129 ? 128 << 8 : typeCode;
	if (type === 0) return 8 << 8;
	return type === 14 || type === 16 || type === 18 ? (type - 1) << 8 : typeCode;
}
