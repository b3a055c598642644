// The wire between programs and the engine: a clock, sockets, and packets sent one at a time with all that comes of each.
// Programs (`tcp`, `datagram`, `echo`) stand on it; what a kernel's stack answers by itself is the engine's.

import * as L from "../../assembly/layout.ts";
import { isIpv6 } from "../../bindings/addresses.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { type TraceEvent, takeDeliveries, takeEvents } from "../../bindings/events.ts";
import type { Machine } from "../../bindings/machine.ts";

/** What a program hands to its stack; the rest of the header has the stack's defaults. */
export interface Outgoing {
	proto: number;
	src: number;
	dst: number;
	sport: number;
	dport: number;
	tcpFlags?: number;
	seq?: number;
	ack?: number;
	window?: number;
	/** Bytes above the L4 header. */
	payload?: number;
	/** Whole IP packet, bytes. */
	len: number;
	ttl?: number;
	tos?: number;
	inner?: { src: number; dst: number; sport: number; dport: number; proto: number; tcpFlags?: number };
}

/** The family of an address by its number: 4 or 6. */
export function familyOf(address: number): number {
	return isIpv6(address) ? 6 : 4;
}

/** Bytes of the IP header before a packet for this address. */
export function headerBytes(address: number): number {
	return isIpv6(address) ? 40 : 20;
}

const STEP_NS = 20_000n;
const EPHEMERAL_MIN = 32768;
const EPHEMERAL_COUNT = 28232;
const SECOND_NS = 1_000_000_000n;

export class Wire {
	readonly machine: Machine;
	/** Virtual time, ns. */
	now: bigint;
	readonly #ephemeral: Map<number, number>;
	#atOnce = false;

	/** `ephemeral`: the next port of each netns, as a wire before this one has left them. */
	constructor(machine: Machine, now = 1_000_000n * SECOND_NS, ephemeral: ReadonlyMap<number, number> = new Map()) {
		this.machine = machine;
		this.now = now;
		this.#ephemeral = new Map(ephemeral);
	}

	/** The next ephemeral port of each netns, from 0 on. */
	get ephemeral(): ReadonlyMap<number, number> {
		return this.#ephemeral;
	}

	/** The same time and ports over a copy of the machine. Throws EngineError. */
	fork(module: EngineModule): Wire {
		return new Wire(this.machine.fork(module), this.now, this.#ephemeral);
	}

	/** Sends one packet from a netns; everything that came of it, in order. */
	send(netns: number, packet: Outgoing): TraceEvent[] {
		const { core } = this.machine;
		const { rows } = core;
		const at = core.packetIn(0);
		new Uint8Array(rows.view.buffer, at, L.PACKET_STRIDE).fill(0);
		rows.setU32(at + L.PACKET_SRC, packet.src);
		rows.setU32(at + L.PACKET_DST, packet.dst);
		rows.setU16(at + L.PACKET_SPORT, packet.sport);
		rows.setU16(at + L.PACKET_DPORT, packet.dport);
		rows.setU8(at + L.PACKET_PROTO, packet.proto);
		const family = familyOf(packet.dst);
		rows.setU8(at + L.PACKET_FAMILY, family);
		rows.setU8(at + L.PACKET_TTL, packet.ttl ?? this.#defaultTtl(netns, family));
		rows.setU8(at + L.PACKET_TCP, packet.tcpFlags ?? packet.inner?.tcpFlags ?? 0);
		rows.setU32(at + L.PACKET_LEN, packet.len);
		rows.setU32(at + L.PACKET_PAYLOAD, packet.payload ?? 0);
		rows.view.setBigInt64(at + L.PACKET_TIME, this.now, true);
		rows.setI32(at + L.PACKET_NETNS, netns);
		for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_PHYSIN, L.PACKET_PHYSOUT, L.PACKET_DMAC, L.PACKET_SMAC]) {
			rows.setI32(at + field, -1);
		}
		for (const field of [L.PACKET_FLOW, L.PACKET_RULE, L.PACKET_TUNNEL]) rows.setI32(at + field, -1);
		rows.setI32(at + L.PACKET_CT, L.CT_UNSEEN);
		rows.setU32(at + L.PACKET_SEQ, packet.seq ?? 0);
		rows.setU32(at + L.PACKET_ACK, packet.ack ?? 0);
		rows.setU16(at + L.PACKET_WINDOW, packet.window ?? 0);
		rows.setU8(at + L.PACKET_TOS, packet.tos ?? 0);
		if (packet.inner) this.#setInner(at, packet.inner);
		core.engine.eventsReset();
		if (!core.engine.send(0)) throw new RangeError("no packet slot is free");
		if (this.#atOnce) return takeDeliveries(core);
		this.now += STEP_NS;
		return takeEvents(core);
	}

	/**
	 * What is sent meanwhile takes no time: links have none, and who sends it has his own clock. Of what comes of it deliveries alone
	 * are told.
	 */
	atOnce<T>(act: () => T): T {
		this.#atOnce = true;
		try {
			return act();
		} finally {
			this.#atOnce = false;
		}
	}

	/** Lets time pass; what waited for it. */
	advance(ns: bigint): TraceEvent[] {
		const { core } = this.machine;
		this.now += ns;
		core.engine.eventsReset();
		core.engine.advance(this.now);
		return takeEvents(core);
	}

	/** When the engine next has something to do, ns; null: nothing waits. */
	get due(): bigint | null {
		const due = this.machine.core.engine.due();
		return due === 0x7fffffffffffffffn ? null : due;
	}

	/** A source port, or ICMP id, that no earlier caller of this netns got. */
	ephemeralPort(netns: number): number {
		const next = this.#ephemeral.get(netns) ?? (netns * 2654435761) % EPHEMERAL_COUNT;
		this.#ephemeral.set(netns, (next + 1) % EPHEMERAL_COUNT);
		return EPHEMERAL_MIN + next;
	}

	/** The number of an address. RangeError where the text is none. */
	address(text: string): number {
		return this.machine.core.rows.addresses.number(text);
	}

	/** The address of a number. */
	text(address: number): string {
		return this.machine.core.rows.addresses.text(address);
	}

	/** The source address that a socket gets towards `dst`; null: no route. */
	sourceFor(netns: number, dst: number): number | null {
		return this.machine.core.engine.source(netns, dst) >>> 0 || null;
	}

	/** Opens a socket of the family 4 or 6; rport 0: a listener. Its row. */
	open(
		netns: number,
		proto: number,
		laddr: number,
		lport: number,
		raddr: number,
		rport: number,
		family: number,
	): number {
		const row = this.machine.core.engine.listen(netns, proto, laddr, lport, raddr, rport, family);
		if (row < 0) throw new RangeError("TABLE_SOCKET is full");
		return row;
	}

	close(socket: number): void {
		this.machine.core.engine.close(socket);
	}

	#defaultTtl(netns: number, family: number): number {
		const { rows } = this.machine.core;
		const field = family === 6 ? L.NETNS_HOP_LIMIT : L.NETNS_TTL;
		return rows.view.getUint32(rows.at(L.TABLE_NETNS, netns) + field, true);
	}

	#setInner(at: number, inner: NonNullable<Outgoing["inner"]>): void {
		const { rows } = this.machine.core;
		rows.setU32(at + L.PACKET_INNER_SRC, inner.src);
		rows.setU32(at + L.PACKET_INNER_DST, inner.dst);
		rows.setU16(at + L.PACKET_INNER_SPORT, inner.sport);
		rows.setU16(at + L.PACKET_INNER_DPORT, inner.dport);
		rows.setU8(at + L.PACKET_INNER_PROTO, inner.proto);
		rows.setU8(at + L.PACKET_INNER_TTL, 63);
	}
}
