// Which packets were seen a moment ago: a packet captured at several interfaces hashes alike at each, whatever NAT did
// on its way. Open addressing over flat words; entries older than the window are dropped when the table would grow.

import { type PacketColumns, PROTO_ICMP, PROTO_ICMPV6, TIME_HIGH, TIME_LOW } from "./columns.ts";

/* A slot, 6 words: first hash | second hash, never 0 (0: free) | time low | time high | flow | 1: noted in a known netns */
const SLOT = 6;
const FIRST_SLOTS = 1024;
const WORD = 0x1_0000_0000;

export class CopyTable {
	/** After `seen`: the flow of the first sighting. */
	flow = 0;
	/** After `seen`: that was at an interface of a known netns. */
	inNetns = false;
	readonly #windowNs: number;
	#words = new Uint32Array(FIRST_SLOTS * SLOT);
	#mask = FIRST_SLOTS - 1;
	#count = 0;

	/** Sightings count as copies of one packet for `windowNs`. */
	constructor(windowNs: number) {
		this.#windowNs = windowNs;
	}

	/** True where the packet of this row was noted within the window before it. */
	seen(columns: PacketColumns, row: number): boolean {
		const at = this.#slot(firstHash(columns, row), secondHash(columns, row));
		if (this.#words[at + 1] === 0 || this.#age(columns, row, at) > this.#windowNs) return false;
		this.flow = this.#words[at + 4] as number;
		this.inNetns = this.#words[at + 5] === 1;
		return true;
	}

	/** Notes the packet of this row as one of `flow`; `inNetns`: seen at an interface of a known netns. */
	note(columns: PacketColumns, row: number, flow: number, inNetns: boolean): void {
		if ((this.#count + 1) * 2 > this.#mask + 1) this.#makeRoom(columns, row);
		const second = secondHash(columns, row);
		const first = firstHash(columns, row);
		const at = this.#slot(first, second);
		const words = this.#words;
		if (words[at + 1] === 0) this.#count++;
		words[at] = first;
		words[at + 1] = second;
		words[at + 2] = columns.timeWords[row * 2 + TIME_LOW] as number;
		words[at + 3] = columns.timeWords[row * 2 + TIME_HIGH] as number;
		words[at + 4] = flow;
		words[at + 5] = inNetns ? 1 : 0;
	}

	/** The slot of this packet, or the free one where it would go. */
	#slot(first: number, second: number): number {
		const words = this.#words;
		let slot = (first ^ (second >>> 7)) & this.#mask;
		for (;;) {
			const at = slot * SLOT;
			if (words[at + 1] === 0 || (words[at] === first && words[at + 1] === second)) return at;
			slot = (slot + 1) & this.#mask;
		}
	}

	#age(columns: PacketColumns, row: number, at: number): number {
		const high = (columns.timeWords[row * 2 + TIME_HIGH] as number) - (this.#words[at + 3] as number);
		return high * WORD + ((columns.timeWords[row * 2 + TIME_LOW] as number) - (this.#words[at + 2] as number));
	}

	#makeRoom(columns: PacketColumns, row: number): void {
		const old = this.#words;
		const kept: number[] = [];
		for (let at = 0; at < old.length; at += SLOT) {
			if (old[at + 1] !== 0 && this.#age(columns, row, at) <= this.#windowNs) kept.push(at);
		}
		const slots = kept.length * 4 > this.#mask + 1 ? (this.#mask + 1) * 2 : this.#mask + 1;
		this.#words = new Uint32Array(slots * SLOT);
		this.#mask = slots - 1;
		this.#count = kept.length;
		for (const from of kept)
			this.#words.set(old.subarray(from, from + SLOT), this.#slot(old[from] as number, old[from + 1] as number));
	}
}

/*
 * Both hashes, 64 bits together, are over what NAT and forwarding leave alone: IP id, length, protocol, and of TCP sequence,
 * acknowledgement, flags and window, of ICMP type, code and an echo's sequence number, of others the beginning of the
 * payload. Two packets of one sender collide where it sends the same again with the same IP id.
 */
function firstHash(columns: PacketColumns, row: number): number {
	let h = Math.imul(((columns.ipId[row] as number) << 16) ^ (columns.ipBytes[row] as number), 0x9e3779b1);
	h = Math.imul((h ^ (h >>> 15)) + (columns.seq[row] as number), 0x85ebca6b);
	h = Math.imul((h ^ (h >>> 13)) + (columns.ack[row] as number), 0xc2b2ae35);
	h = Math.imul((h ^ (h >>> 15)) + (columns.payloadHash[row] as number), 0x27d4eb2f);
	return (h ^ (h >>> 16)) >>> 0;
}

function secondHash(columns: PacketColumns, row: number): number {
	const proto = columns.proto[row] as number;
	const typeCode = proto === PROTO_ICMP || proto === PROTO_ICMPV6 ? (columns.dport[row] as number) : 0;
	let h = Math.imul(((columns.tcpFlags[row] as number) << 16) | (columns.window[row] as number), 0x85ebca6b);
	h =
		Math.imul((h ^ (h >>> 15)) + (columns.payloadHash[row] as number), 0xc2b2ae35) ^
		Math.imul(columns.seq[row] as number, 0x27d4eb2f);
	h =
		Math.imul((h ^ (h >>> 13)) + (columns.ack[row] as number), 0x9e3779b1) ^
		Math.imul(typeCode * 256 + proto, 0x85ebca6b);
	h = Math.imul(
		(h ^ (h >>> 15)) + ((columns.ipId[row] as number) << 16) + (columns.ipBytes[row] as number),
		0xc2b2ae35,
	);
	return (h ^ (h >>> 16)) >>> 0 || 1;
}
