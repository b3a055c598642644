// A scene run through one engine, and all that can be seen of it afterwards as plain values: events of packets that are
// traced; flows, counters, conntrack and devices after packets that are replayed.

import * as L from "../../assembly/layout.ts";
import { conntrackEntries } from "../../bindings/conntrack.ts";
import { takeEvents } from "../../bindings/events.ts";
import { flowRows } from "../../bindings/flows.ts";
import type { Machine } from "../../bindings/machine.ts";
import { ipv4ToNumber } from "../../js/net/address.ts";
import type { Topology } from "../../js/net/topology.ts";
import type { EngineUnderTest } from "./engines.ts";
import { Draw, HOST, NODES, PODS, packets, rulesTexts, type ScenePacket, setsText } from "./grammar.ts";

export interface Scene {
	topology: Topology;
	/** Traced one by one, before those that are replayed. */
	traced: ScenePacket[];
	replayed: ScenePacket[];
	replies: number;
	/** Seed of the engine. */
	seed: bigint;
	/** Rows of TABLE_PATH: few, and counters go beside it. */
	paths: number;
}

/** Everything about a scene from one number. */
export function sceneOf(seed: number, traced: number, replayed: number): Scene {
	const draw = new Draw(seed);
	const rules = rulesTexts(draw);
	const listen = [80, 443, 8080].map((port) => ({ proto: "tcp" as const, port }));
	const topology: Topology = {
		fabric: { kind: draw.of(["l2", "routed"]) },
		router: { ip: "192.0.2.1" },
		nodes: Object.entries(NODES).map(([name, ip], i) => ({
			name,
			ip,
			podCIDR: `10.244.${i + 1}.0/24`,
			iptables: rules[i] ?? null,
			ipset: setsText(draw),
			hairpin: draw.once(2),
		})),
		pods: Object.entries(PODS).flatMap(([node, ips]) =>
			ips.map((ip) => ({ name: `t/${ip}`, node, ip, ...(draw.once(3) ? { listen } : { listenAny: true }) })),
		),
		hosts: [{ name: "outside", ip: HOST, listenAny: true }],
	};
	const all = packets(draw, traced + replayed);
	return {
		topology,
		traced: all.slice(0, traced),
		replayed: all.slice(traced),
		replies: draw.of([L.REPLIES_NONE, L.REPLIES_MIRROR, L.REPLIES_MIRROR]),
		seed: BigInt(seed) + 1n,
		paths: draw.of([4, 1024, 1024, 1024]),
	};
}

/** What can be seen of an engine. */
export interface Seen {
	/** A row a traced packet: all events that it caused. */
	events: unknown[];
	carried: number;
	flows: unknown[];
	rules: Record<string, unknown>;
	conntrack: unknown[];
	devices: unknown[];
}

export function run(engine: EngineUnderTest, scene: Scene): Seen {
	const { paths, seed } = scene;
	const machine = engine.open(scene.topology, {
		seed,
		capacities: {
			[L.TABLE_PATH]: paths,
			[L.TABLE_PATHRULE]: paths * 16,
			[L.TABLE_CT]: 4096,
			[L.TABLE_TUPLE]: 16384,
			[L.TABLE_BYSOURCE]: 4096,
			[L.TABLE_RECENT]: 256,
			[L.TABLE_BATCH]: BATCH,
		},
	});
	const events = scene.traced.map((packet) => trace(machine, packet));
	const carried = replay(machine, scene);
	return {
		events,
		carried,
		flows: [...flowRows(machine.core)].map((row) => ({ ...row, rule: placeOf(machine, row.rule) })),
		rules: Object.fromEntries(
			Object.keys(NODES).map((node) => [node, machine.countedRuleset(`node:${node}`)?.tables.map(counted)]),
		),
		conntrack: conntrackEntries(machine.core, 0n),
		devices: bytesOf(machine, L.TABLE_DEVICE, machine.core.rows.count(L.TABLE_DEVICE), L.DEVICE_STRIDE),
	};
}

type Tables = NonNullable<ReturnType<Machine["countedRuleset"]>>["tables"];

function counted({ name, chains }: Tables[number]): unknown {
	return {
		name,
		chains: chains.map((chain) => [chain.name, chain.counters, ...chain.rules.map(({ counters }) => counters)]),
	};
}

function trace(machine: Machine, packet: ScenePacket): unknown {
	const { core } = machine;
	core.engine.advance(packet.timeNs);
	const at = core.packetIn(0);
	new Uint8Array(core.rows.view.buffer, at, L.PACKET_STRIDE).fill(0);
	writeWire(core.rows.view, at, packet);
	core.rows.setI32(at + L.PACKET_NETNS, machine.netnsRow(packet.netns));
	core.engine.send(0);
	return takeEvents(core).map((event) => ({
		...event,
		rule: event.kind === L.EVENT_DELIVER ? event.rule : placeOf(machine, event.rule),
	}));
}

/** A rule by its place: engines may have it in different rows. */
function placeOf(machine: Machine, row: number): unknown {
	const place = machine.placeOf(row);
	return place && [place.table, place.chain, place.number];
}

const BATCH = 64;

function replay(machine: Machine, { replayed, replies }: Scene): number {
	const { core } = machine;
	core.engine.flowsReset();
	core.engine.replayReset();
	core.engine.replayMode(replies);
	let carried = 0;
	for (let first = 0; first < replayed.length; first += BATCH) {
		const some = replayed.slice(first, first + BATCH);
		for (const [i, packet] of some.entries()) {
			const at = core.batch(i);
			new Uint8Array(core.rows.view.buffer, at, L.BATCH_STRIDE).fill(0);
			writeWire(core.rows.view, at, packet);
			core.rows.setI32(at + L.BATCH_NETNS, machine.netnsRow(packet.netns));
			core.rows.setU8(at + L.BATCH_KIND, L.BATCH_OFFER);
		}
		carried += core.engine.offer(some.length);
	}
	return carried;
}

function writeWire(view: DataView, at: number, packet: ScenePacket): void {
	view.setUint32(at + L.PACKET_SRC, ipv4ToNumber(packet.src), true);
	view.setUint32(at + L.PACKET_DST, ipv4ToNumber(packet.dst), true);
	view.setUint16(at + L.PACKET_SPORT, packet.sport, true);
	view.setUint16(at + L.PACKET_DPORT, packet.dport, true);
	view.setUint8(at + L.PACKET_PROTO, packet.proto);
	view.setUint8(at + L.PACKET_FAMILY, 4);
	view.setUint8(at + L.PACKET_TTL, packet.ttl);
	view.setUint8(at + L.PACKET_TCP, packet.tcp);
	view.setUint32(at + L.PACKET_LEN, packet.bytes, true);
	view.setUint32(at + L.PACKET_PAYLOAD, packet.bytes - 40, true);
	view.setBigInt64(at + L.PACKET_TIME, packet.timeNs, true);
}

function bytesOf(machine: Machine, table: number, rows: number, stride: number): string[] {
	const { buffer } = machine.core.rows.view;
	const first = machine.core.engine.table(table);
	return Array.from({ length: rows }, (_, row) => Buffer.from(buffer, first + row * stride, stride).toString("hex"));
}
