// Sequence numbers of a connection's segments, as two TCPs would send them, or as a capture may show them all the same.

import * as L from "../../assembly/layout.ts";
import type { Numbers } from "./cluster.ts";

interface Segment {
	seq: number;
	ack: number;
	/** The highest sequence number acknowledged, SACK blocks among them. */
	sack: number;
}

export class Sequence {
	/** What each side sends next; the initiator's numbers wrap soon. */
	readonly #next = [0xffff_f000, 9000];
	readonly #last: Segment[] = [
		{ seq: 0, ack: 0, sack: 0 },
		{ seq: 0, ack: 0, sack: 0 },
	];

	/** The next segment of direction `dir` with these flags and so many bytes of payload. */
	next(numbers: Numbers, dir: 0 | 1, tcp: number, payload: number): Segment {
		const segment = this.#segment(numbers, dir);
		if (numbers === "next" || numbers === "over") {
			const length = payload + ((tcp & (L.TCP_SYN | L.TCP_FIN)) !== 0 ? 1 : 0);
			this.#next[dir] = (segment.seq + length) >>> 0;
		}
		this.#last[dir] = segment;
		return segment;
	}

	#segment(numbers: Numbers, dir: 0 | 1): Segment {
		const seq = this.#next[dir] as number;
		const ack = this.#next[dir ^ 1] as number;
		const last = this.#last[dir] as Segment;
		switch (numbers) {
			case "next":
				return plain(seq, ack);
			case "again":
				return last;
			case "data again":
				return plain(last.seq, ack);
			case "beyond":
				return plain(seq + 100_000_000, ack);
			case "over":
				return plain(seq + 64_000, ack);
			case "old":
				return plain(seq - 200_000, ack);
			case "ahead":
				return plain(seq, ack + 5000);
			case "sack":
				return { ...plain(seq, ack - 1000), sack: ack };
			case "keep-alive":
				return plain(seq - 1, ack);
		}
	}
}

function plain(seq: number, ack: number): Segment {
	return { seq: seq >>> 0, ack: ack >>> 0, sack: ack >>> 0 };
}
