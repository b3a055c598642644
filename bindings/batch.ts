// Packets into TABLE_BATCH, a whole batch a crossing: fields come as columns and go as 64-byte rows, no object a packet.

import * as L from "../assembly/layout.ts";
import type { Core } from "./core.ts";
import { CapacityError } from "./views.ts";

/** Columns of packets, one typed array a field; IPv4 addresses in host order, ICMP as in TABLE_PACKET. */
export interface PacketFields {
	readonly timeNs: BigInt64Array;
	readonly src: Uint32Array;
	readonly dst: Uint32Array;
	readonly sport: Uint16Array;
	readonly dport: Uint16Array;
	readonly proto: Uint8Array;
	readonly ttl: Uint8Array;
	readonly tos: Uint8Array;
	readonly ipBytes: Uint32Array;
	readonly payloadBytes: Uint32Array;
	readonly seq: Uint32Array;
	readonly ack: Uint32Array;
	readonly window: Uint16Array;
}

/** Numbers of a replay as the engine counts them, since `reset`. */
export interface OfferCounts {
	/** Rows handed over, and those that a netns sent. */
	rows: number;
	carried: number;
	/** Recorded replies whose flow nobody answered in this run. */
	unanswerable: number;
}

export class Batch {
	readonly #core: Core;
	readonly #capacity: number;
	#count = 0;
	#echoReplies = 0;
	#rows = 0;
	#carried = 0;

	constructor(core: Core) {
		this.#core = core;
		this.#capacity = core.engine.capacity(L.TABLE_BATCH);
	}

	/** Forgets all flows and counts; answers as `replies` says (REPLIES_*). */
	reset(replies: number): void {
		this.#core.engine.flowsReset();
		this.#core.engine.replayReset();
		this.#core.engine.replayMode(replies);
	}

	/** Adds row `row` of `from`, sent as TCP flags `tcp`; hands the batch over where it is full. Throws as `submit`. */
	add(from: PacketFields, row: number, tcp: number, netns: number, kind: number, hints: number): void {
		const { view } = this.#core.rows;
		const at = this.#core.batch(this.#count);
		const proto = from.proto[row] as number;
		view.setUint32(at + L.PACKET_SRC, from.src[row] as number, true);
		view.setUint32(at + L.PACKET_DST, from.dst[row] as number, true);
		view.setUint16(at + L.PACKET_SPORT, from.sport[row] as number, true);
		view.setUint16(at + L.PACKET_DPORT, from.dport[row] as number, true);
		view.setUint8(at + L.PACKET_PROTO, proto);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.PACKET_TTL, from.ttl[row] as number);
		view.setUint8(at + L.PACKET_TCP, tcp);
		view.setUint32(at + L.PACKET_LEN, from.ipBytes[row] as number, true);
		view.setUint32(at + L.PACKET_PAYLOAD, from.payloadBytes[row] as number, true);
		view.setBigInt64(at + L.PACKET_TIME, from.timeNs[row] as bigint, true);
		view.setInt32(at + L.BATCH_NETNS, netns, true);
		view.setUint8(at + L.BATCH_KIND, kind);
		view.setUint8(at + L.BATCH_FLAGS, hints);
		view.setUint32(at + L.BATCH_SEQ, from.seq[row] as number, true);
		view.setUint32(at + L.BATCH_ACK, from.ack[row] as number, true);
		view.setUint16(at + L.BATCH_WINDOW, from.window[row] as number, true);
		view.setUint8(at + L.BATCH_TOS, from.tos[row] as number);
		if (kind === L.BATCH_REPLY && proto === L.PROTO_ICMP) this.#echoReplies++;
		this.#count++;
		if (this.#count === this.#capacity) this.submit();
	}

	/** Hands over what has been added. Throws CapacityError where flows or packets found their tables full. */
	submit(): void {
		if (this.#count === 0) return;
		const { engine } = this.#core;
		this.#rows += this.#count;
		this.#carried += engine.offer(this.#count);
		this.#count = 0;
		if (engine.flowsOverflow() > 0) throw new CapacityError(L.TABLE_FLOW, engine.capacity(L.TABLE_FLOW));
		const explained = this.#carried + this.#echoReplies + engine.repliesUnanswerable();
		if (explained < this.#rows) throw new CapacityError(L.TABLE_PACKET, engine.capacity(L.TABLE_PACKET));
	}

	/** Moves the engine's clock, after all that has been added. */
	tick(now: bigint): void {
		this.submit();
		this.#core.engine.tick(now);
	}

	/** Lets everything happen that still waits (neighbours that never answer). */
	settle(): void {
		this.submit();
		const { engine } = this.#core;
		for (let due = engine.due(); due < NEVER; due = engine.due()) engine.tick(due);
	}

	get counts(): OfferCounts {
		return { rows: this.#rows, carried: this.#carried, unanswerable: this.#core.engine.repliesUnanswerable() };
	}
}

const NEVER = (1n << 63n) - 1n;
