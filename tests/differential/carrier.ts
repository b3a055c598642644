// An engine with the traffic of one case in it, and all that can be seen of it: two of them, told the same, are compared.

import fc from "fast-check";
import * as L from "../../assembly/layout.ts";
import { conntrackEntry } from "../../bindings/conntrack.ts";
import type { EngineModule, Instance } from "../../bindings/core.ts";
import { flowRows } from "../../bindings/flows.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import { parseIptablesSave } from "../../js/net/iptables/index.ts";
import type { Topology } from "../../js/net/topology.ts";
import {
	alike,
	type Connection,
	connection,
	crossing,
	ruleset,
	talk,
	topology,
	type Volley,
	volley,
} from "./cluster.ts";
import { Sequence } from "./sequence.ts";

export type Step =
	| { kind: "packets"; volleys: Volley[] }
	| { kind: "reload"; node: string; rules: string }
	| { kind: "delete"; node: string; proto: number }
	| { kind: "read" }
	| { kind: "trace"; which: number };

export const packets = (volleys: fc.Arbitrary<Volley[]>): fc.Arbitrary<Step> =>
	fc.record({ kind: fc.constant("packets" as const), volleys });
const volleys = packets(fc.array(volley, { minLength: 1, maxLength: 40, size: "max" }));

export const others: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant("reload" as const),
			node: fc.constantFrom("node:n1", "node:n2"),
			rules: ruleset,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			kind: fc.constant("delete" as const),
			node: fc.constantFrom("node:n1", "node:n2"),
			proto: fc.constantFrom(0, L.PROTO_TCP, L.PROTO_UDP),
		}),
	},
	{ weight: 1, arbitrary: fc.constant({ kind: "read" as const }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("trace" as const), which: fc.nat() }) },
);

const START = 1_000_000_000n;

export interface Case {
	scene: Topology;
	connections: Connection[];
	replies: number;
	/** TCP windows are tracked. */
	windows: boolean;
	/** Conntrack entries that there is room for; else 512. */
	entries?: number;
	steps: Step[];
}

const step: fc.Arbitrary<Step> = fc.oneof({ weight: 2, arbitrary: volleys }, { weight: 1, arbitrary: others });
const talkStep: fc.Arbitrary<Step> = fc.oneof(
	{ weight: 6, arbitrary: packets(talk) },
	{ weight: 1, arbitrary: volleys },
	{ weight: 1, arbitrary: others },
);

const trafficOf = (connections: fc.Arbitrary<Connection[]>, steps = step): fc.Arbitrary<Case> =>
	fc.record({
		scene: topology,
		connections,
		replies: fc.constantFrom(L.REPLIES_MIRROR, L.REPLIES_RECORDED, L.REPLIES_NONE),
		windows: fc.boolean(),
		steps: fc.array(steps, { minLength: 1, maxLength: 12 }),
	});

export const traffic = trafficOf(fc.array(connection, { minLength: 1, maxLength: 4 }));
/** Of connections most of which megaflows cannot tell apart. */
export const trafficAlike = trafficOf(alike([5000, 53, 40000, 40001]));
/** Of such connections, from their beginnings on. */
export const trafficOpened = trafficOf(
	alike([5000, 53, 40000, ...Array.from({ length: 17 }, (_, i) => 40_001 + i)]),
	talkStep,
);

/** Of connections that meet one another's entries: between many segments of the first one, at once behind another, all that may happen. */
export const trafficCrossing = trafficOf(crossing).map((example): Case => {
	const first = { which: 0, kind: L.BATCH_OFFER, hints: 0, tcp: L.TCP_ACK, tos: 0, len: 60, numbers: "next" } as const;
	const many: Volley = { ...first, window: 64240, options: 0, times: 90, stride: 0, gapNs: 1000n };
	const opening: Volley = { ...many, tcp: L.TCP_SYN, hints: L.BATCHF_OPENS, times: 1 };
	const rapid = (one: Volley) => ({ ...one, gapNs: one.gapNs > 1_000_000n ? 1000n : one.gapNs, stride: 0 });
	const steps = example.steps.flatMap((one): Step[] => {
		if (one.kind !== "packets") return [one];
		const volleys = one.volleys.flatMap((other) => [many, rapid(other)]);
		return [
			{ kind: "packets", volleys: [opening, many] },
			{ ...one, volleys: [...volleys, many] },
		];
	});
	return { ...example, steps };
});

/** The machine of a case, before its first packet. */
export function machineOf(module: EngineModule, { scene, windows, entries = 512 }: Case): Machine {
	return new Machine(module, loadTopology(scene), {
		capacities: { [L.TABLE_CT]: entries, [L.TABLE_TUPLE]: 2048 },
		windows,
	});
}

/** One engine with the traffic of a case in it. */
export class Carrier {
	readonly machine: Machine;
	readonly #connections: readonly Connection[];
	readonly #sequences: readonly Sequence[];
	readonly #batch: number;
	#now = START;

	/** `batch`: rows offered together, about. `prepare` is called once the tables are laid out. `machine`: one that has carried nothing. */
	constructor(
		module: EngineModule,
		example: Case,
		batch: number,
		prepare: (engine: Instance) => void,
		machine = machineOf(module, example),
	) {
		const { connections, replies } = example;
		this.machine = machine;
		this.#connections = connections;
		this.#sequences = connections.map(() => new Sequence());
		this.#batch = batch;
		const { engine } = this.machine.core;
		prepare(engine);
		engine.replayMode(replies);
	}

	run(step: Step): unknown {
		const { engine } = this.machine.core;
		switch (step.kind) {
			case "packets":
				return this.#offer(step.volleys);
			case "reload":
				return this.machine.loadRuleset(step.node, parseIptablesSave(step.rules));
			case "delete":
				return engine.conntrackDelete(
					this.machine.netnsRow(step.node),
					this.#now,
					step.proto,
					0,
					0,
					-1,
					-1,
					0,
					0,
					-1,
					-1,
				);
			case "read":
				return this.state();
			case "trace":
				return this.#trace(step.which);
		}
	}

	#offer(volleys: readonly Volley[]): number {
		const { engine } = this.machine.core;
		let rows = 0;
		let carried = 0;
		for (const { which, times, stride, gapNs, ...packet } of volleys) {
			for (let i = 0; i < times; i++) {
				this.#now += gapNs;
				this.#write(rows++, which % this.#connections.length, i * stride, packet);
			}
			if (rows < this.#batch) continue;
			carried += engine.offer(rows);
			rows = 0;
		}
		return carried + engine.offer(rows);
	}

	#write(
		row: number,
		which: number,
		ports: number,
		packet: Omit<Volley, "which" | "times" | "stride" | "gapNs">,
	): void {
		const { core } = this.machine;
		const c = this.#connections[which] as Connection;
		const sport = c.sport + ports;
		const { view } = core.rows;
		const at = core.batch(row);
		new Uint8Array(view.buffer, at, L.BATCH_STRIDE).fill(0);
		const reply = packet.kind === L.BATCH_REPLY;
		view.setUint32(at + L.PACKET_SRC, reply ? c.dst : c.src, true);
		view.setUint32(at + L.PACKET_DST, reply ? c.src : c.dst, true);
		view.setUint16(at + L.PACKET_SPORT, reply ? c.dport : sport, true);
		view.setUint16(at + L.PACKET_DPORT, reply ? sport : c.dport, true);
		view.setUint8(at + L.PACKET_PROTO, c.proto);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.PACKET_TTL, 64);
		view.setUint8(at + L.PACKET_TCP, c.proto === L.PROTO_TCP ? packet.tcp : 0);
		view.setUint32(at + L.PACKET_LEN, packet.len, true);
		view.setUint32(at + L.PACKET_PAYLOAD, packet.len - 40, true);
		view.setBigInt64(at + L.PACKET_TIME, this.#now, true);
		view.setInt32(at + L.BATCH_NETNS, this.machine.netnsRow(c.netns), true);
		view.setUint8(at + L.BATCH_KIND, packet.kind);
		view.setUint8(at + L.BATCH_FLAGS, packet.hints);
		view.setUint8(at + L.BATCH_TOS, packet.tos);
		if (c.proto === L.PROTO_TCP) this.#number(at, which, packet);
	}

	#number(at: number, which: number, packet: Omit<Volley, "which" | "times" | "stride" | "gapNs">): void {
		const { view } = this.machine.core.rows;
		const { numbers, tcp, len, window, options } = packet;
		const dir = packet.kind === L.BATCH_REPLY ? 1 : 0;
		const { seq, ack, sack } = (this.#sequences[which] as Sequence).next(numbers, dir, tcp, len - 40);
		view.setUint32(at + L.BATCH_SEQ, seq, true);
		view.setUint32(at + L.BATCH_ACK, ack, true);
		view.setUint32(at + L.BATCH_SACK, sack, true);
		view.setUint16(at + L.BATCH_WINDOW, window, true);
		if ((tcp & L.TCP_SYN) !== 0) view.setUint8(at + L.BATCH_OPTIONS, options);
	}

	/** A packet of no flow, traced, that may belong to a connection of one. */
	#trace(which: number): number {
		const { core } = this.machine;
		const { view } = core.rows;
		const c = this.#connections[which % this.#connections.length] as Connection;
		const at = core.packetIn(0);
		new Uint8Array(view.buffer, at, L.PACKET_STRIDE).fill(0);
		view.setUint32(at + L.PACKET_SRC, c.src, true);
		view.setUint32(at + L.PACKET_DST, c.dst, true);
		view.setUint16(at + L.PACKET_SPORT, c.sport, true);
		view.setUint16(at + L.PACKET_DPORT, c.dport, true);
		view.setUint8(at + L.PACKET_PROTO, c.proto);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.PACKET_TTL, 64);
		view.setUint8(at + L.PACKET_TCP, c.proto === L.PROTO_TCP ? L.TCP_ACK : 0);
		view.setUint32(at + L.PACKET_LEN, 60, true);
		view.setBigInt64(at + L.PACKET_TIME, this.#now, true);
		view.setInt32(at + L.PACKET_NETNS, this.machine.netnsRow(c.netns), true);
		for (const field of [L.PACKET_IIF, L.PACKET_OIF, L.PACKET_PHYSIN, L.PACKET_PHYSOUT, L.PACKET_FLOW, L.PACKET_RULE]) {
			view.setInt32(at + field, -1, true);
		}
		view.setInt32(at + L.PACKET_TUNNEL, -1, true);
		view.setInt32(at + L.PACKET_CT, L.CT_UNSEEN, true);
		core.engine.eventsReset();
		core.engine.send(0);
		return core.engine.eventCount();
	}

	/** All that anyone can see. */
	state(): unknown {
		const { core } = this.machine;
		const { engine, rows } = core;
		const counters = [...this.machine.counters()].map(([netns, own]) => [netns, ...[...own].sort(([a], [b]) => a - b)]);
		const raw = (table: number, count: number, stride: number) =>
			Buffer.from(rows.view.buffer, engine.table(table), count * stride).toString("hex");
		return {
			flows: [...flowRows(core)].map((row) => ({ ...row })),
			counters: counters.sort(([a], [b]) => Number(a) - Number(b)),
			conntrack: Array.from({ length: engine.capacity(L.TABLE_CT) }, (_, row) => [
				conntrackEntry(core, row),
				...this.#segments(row),
			]),
			netns: this.#netns(),
			devices: raw(L.TABLE_DEVICE, rows.count(L.TABLE_DEVICE), L.DEVICE_STRIDE),
			neighbours: raw(L.TABLE_NEIGH, engine.capacity(L.TABLE_NEIGH), L.NEIGH_STRIDE),
			bridges: raw(L.TABLE_FDB, engine.capacity(L.TABLE_FDB), L.FDB_STRIDE),
			peers: raw(L.TABLE_PEER, engine.capacity(L.TABLE_PEER), L.PEER_STRIDE),
			matches: raw(L.TABLE_STATE, rows.count(L.TABLE_STATE), L.STATE_STRIDE),
			unanswerable: engine.repliesUnanswerable(),
		};
	}

	/** The entry's last segment, and its windows. */
	#segments(row: number): unknown[] {
		const { engine, rows } = this.machine.core;
		const entry = engine.table(L.TABLE_CT) + row * L.CT_STRIDE;
		const last = rows.view.getUint8(entry + L.CT_LAST);
		if (rows.view.getUint8(entry + L.CT_WINDOWED) === 0) return [last];
		const at = engine.table(L.TABLE_CTWINDOW) + row * L.CTWINDOW_STRIDE;
		return [last, Buffer.from(rows.view.buffer, at, L.CTWINDOW_STRIDE).toString("hex")];
	}

	#netns(): string[] {
		const { rows } = this.machine.core;
		return Array.from({ length: rows.count(L.TABLE_NETNS) }, (_, netns) => {
			const at = rows.at(L.TABLE_NETNS, netns);
			const row = Buffer.from(new Uint8Array(rows.view.buffer, at, L.NETNS_CHANGED));
			// Where its tables lie differs from module to module.
			row.writeUInt32LE(0, L.NETNS_FIB);
			return row.toString("hex");
		});
	}

	get hits(): number {
		return this.machine.core.engine.cacheHits();
	}
}
