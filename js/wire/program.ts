// Programs: what stands behind sockets in an exchange. A conversation passes deliveries to whoever owns the socket, lets
// time run until its client is done, and keeps every event.

import * as L from "../../assembly/layout.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import type { Listener } from "../net/topology.ts";
import { answerDatagram } from "./datagram.ts";
import { isIcmp } from "./describe.ts";
import { TcpServer } from "./tcp.ts";
import type { Outgoing, Wire } from "./wire.ts";

/** Something that gets packets from a socket. */
export interface Program {
	/** A packet was delivered; returns what it sends in answer, in order. */
	receive(event: TraceEvent): Outgoing[];
}

/** An ICMP error that came to a client's netns. */
export interface IcmpError {
	event: TraceEvent;
	type: number;
	code: number;
}

/** Dispatches deliveries between programs until nothing is left to do. */
export class Conversation {
	readonly wire: Wire;
	readonly events: TraceEvent[] = [];
	readonly #owners = new Map<number, { program: Program; netns: number }>();
	/** First delivery to a listening program. */
	reached: TraceEvent | null = null;
	readonly servers: TcpServer[] = [];
	/** Servers do not close: the client keeps its connection. */
	hold = false;

	constructor(wire: Wire) {
		this.wire = wire;
	}

	own(socket: number, netns: number, program: Program): void {
		this.#owners.set(socket, { program, netns });
	}

	disown(socket: number): void {
		this.#owners.delete(socket);
		this.wire.close(socket);
	}

	/** Sends, and carries on with everything that programs answer. Returns the events of the first packet's own sending. */
	send(netns: number, packet: Outgoing): TraceEvent[] {
		const first = this.wire.send(netns, packet);
		this.#follow(first);
		return first;
	}

	/** Lets time run up to `until` (ns) or until `done`. */
	wait(until: bigint, done: () => boolean): void {
		while (!done() && this.wire.now < until) {
			const { due } = this.wire;
			const next = due === null || due > until ? until : due;
			this.#follow(this.wire.advance(next > this.wire.now ? next - this.wire.now : 0n));
		}
	}

	#follow(events: TraceEvent[]): void {
		const queue = [events];
		for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
			this.events.push(...batch);
			for (const event of batch) {
				if (event.kind !== L.EVENT_DELIVER) continue;
				const owner = this.#owners.get(event.rule) ?? this.#serve(event);
				for (const answer of owner?.program.receive(event) ?? [])
					queue.push(this.wire.send(owner?.netns ?? event.netns, answer));
			}
		}
	}

	/** Nobody of this conversation owns the socket: a listener does. */
	#serve(event: TraceEvent): { program: Program; netns: number } | null {
		if (isIcmp(event.header.proto)) return null;
		this.reached ??= event;
		if (event.header.proto === L.PROTO_UDP || event.header.proto === L.PROTO_SCTP) {
			const listener = this.#listenerOf(event);
			return { program: { receive: (packet) => [answerDatagram(this.wire, packet, listener)] }, netns: event.netns };
		}
		const { family, dst, dport, src, sport } = event.header;
		const socket = this.wire.open(event.netns, L.PROTO_TCP, dst, dport, src, sport, family);
		const program = new TcpServer(event.header, socket, event.netns, this.hold);
		this.servers.push(program);
		this.own(socket, event.netns, program);
		return { program, netns: event.netns };
	}

	#listenerOf(event: TraceEvent): Listener | null {
		const { machine } = this.wire;
		const proto = event.header.proto === L.PROTO_UDP ? "udp" : "sctp";
		const listeners = machine.netnsOf(machine.netnsName(event.netns)).listen;
		return listeners.find((one) => one.proto === proto && one.port === event.header.dport) ?? null;
	}
}
