// The twin of `assembly/pathcache` in front of the twin of two nodes: a line of 16 words a connection, found in bursts (hash,
// touch, work); what repeats adds to the line, and is settled when somebody asks. Left out: neighbours, interface counters
// and generations, of which nothing changes here.

import * as L from "../../assembly/layout.ts";
import type { TwoNodes } from "./forward.ts";

const BURST = 64;
const WORDS = 16;
const NETNS = 3;
const FLOW = 4; // word of the flow's row + 1; 0: the line is empty
const JOURNEY = 5; // + 1
const BYTES = 6;
const PACKETS = 7;
const ENTRIES = 8; // two
/** Of the packet up to which deadlines are true, and of the last one; in f64. */
const SETTLED = 6;
const LAST = 7;
const ROW = L.BATCH_STRIDE >> 2;

export class CachedNodes {
	readonly #nodes: TwoNodes;
	readonly #lines: Int32Array;
	readonly #times: Float64Array;
	readonly #mask: number;
	readonly #homes = new Int32Array(BURST);
	readonly #journeys: number[][] = [];
	readonly #known = new Map<string, number>();
	touched = 0;

	/** `lines`: a power of two, at least twice the connections. */
	constructor(nodes: TwoNodes, lines: number) {
		this.#nodes = nodes;
		this.#lines = new Int32Array(lines * WORDS);
		this.#times = new Float64Array(this.#lines.buffer);
		this.#mask = lines - 1;
	}

	offer(words: Int32Array, first: number, count: number, time: number): void {
		for (let i = first; i < first + count; i += BURST) this.#burst(words, i, Math.min(BURST, first + count - i), time);
	}

	#burst(words: Int32Array, first: number, count: number, time: number): void {
		const homes = this.#homes;
		const lines = this.#lines;
		for (let i = 0; i < count; i++) homes[i] = this.#home(words, (first + i) * ROW);
		let sum = 0;
		for (let i = 0; i < count; i++) sum ^= lines[(homes[i] as number) + FLOW] as number;
		this.touched = sum;
		for (let i = 0; i < count; i++) this.#packet(words, (first + i) * ROW, homes[i] as number, time);
	}

	#home(words: Int32Array, at: number): number {
		let h = Math.imul((words[at] as number) ^ 0x9e3779b9, 0x85ebca6b);
		h = Math.imul(h ^ (h >>> 15) ^ (words[at + 1] as number), 0xc2b2ae35);
		h = Math.imul(h ^ (h >>> 13) ^ (words[at + 2] as number), 0x27d4eb2f);
		return ((h ^ (h >>> 15)) & this.#mask) * WORDS;
	}

	#packet(words: Int32Array, at: number, home: number, time: number): void {
		const lines = this.#lines;
		let line = home;
		for (; lines[line + FLOW] !== 0; line = (line + WORDS) & ((this.#mask << 4) | 15)) {
			const same =
				lines[line] === words[at] &&
				lines[line + 1] === words[at + 1] &&
				lines[line + 2] === words[at + 2] &&
				lines[line + NETNS] === words[at + (L.BATCH_NETNS >> 2)];
			if (!same) continue;
			const ack = (words[at + 3] as number) >>> 24 === L.TCP_ACK;
			if (lines[line + JOURNEY] === 0 || !ack || (this.#times[(line >> 1) + LAST] as number) + 3600e9 <= time) break;
			lines[line + BYTES] = (lines[line + BYTES] as number) + (words[at + 4] as number);
			lines[line + PACKETS] = (lines[line + PACKETS] as number) + 1;
			this.#times[(line >> 1) + LAST] = time;
			return;
		}
		this.#carry(words, at, line, time);
	}

	#carry(words: Int32Array, at: number, line: number, time: number): void {
		const lines = this.#lines;
		if (lines[line + FLOW] !== 0) this.#settle(line);
		const way: number[] = [];
		const done = this.#nodes.carry(words, at, time, way);
		for (let word = 0; word < 3; word++) lines[line + word] = words[at + word] as number;
		lines[line + NETNS] = words[at + (L.BATCH_NETNS >> 2)] as number;
		lines[line + FLOW] = done.flow + 1;
		lines[line + JOURNEY] = done.steady ? this.#intern(way) + 1 : 0;
		lines.set(done.entries, line + ENTRIES);
		this.#times[(line >> 1) + SETTLED] = time;
		this.#times[(line >> 1) + LAST] = time;
	}

	#intern(way: number[]): number {
		const key = way.join();
		let journey = this.#known.get(key);
		if (journey === undefined) {
			journey = this.#journeys.push(way) - 1;
			this.#known.set(key, journey);
		}
		return journey;
	}

	#settle(line: number): void {
		const lines = this.#lines;
		const packets = lines[line + PACKETS] as number;
		if (packets === 0) return;
		const way = this.#journeys[(lines[line + JOURNEY] as number) - 1] as number[];
		const time = line >> 1;
		const later = (this.#times[time + LAST] as number) - (this.#times[time + SETTLED] as number);
		const entries = [lines[line + ENTRIES] as number, lines[line + ENTRIES + 1] as number];
		this.#nodes.repeat((lines[line + FLOW] as number) - 1, entries, way, packets, lines[line + BYTES] as number, later);
		lines[line + PACKETS] = 0;
		lines[line + BYTES] = 0;
		this.#times[time + SETTLED] = this.#times[time + LAST] as number;
	}

	/** As the nodes', when all is settled. */
	checksum(): number {
		for (let line = 0; line < this.#lines.length; line += WORDS) this.#settle(line);
		return this.#nodes.checksum();
	}
}
