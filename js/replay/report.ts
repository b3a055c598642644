// What a replay says: verdicts and reasons of flows, and who carried them. Summed over flows that are alike; nothing of a flow
// is kept but sums, and the SNAT ports of each destination.

import type { Alike } from "../../bindings/alike.ts";
import { type ConntrackCounts, conntrackCounts } from "../../bindings/flows.ts";
import type { Machine } from "../../bindings/machine.ts";
import type { Address } from "../net/network.ts";
import type { Verdict } from "../trace/path.ts";
import { ruleText } from "../trace/reason.ts";
import { endText } from "../wire/describe.ts";
import { addressOf, type FlowReport } from "./flow.ts";

export interface PodLoad {
	namespace: string;
	name: string;
	node: string;
	/** Flows that it answered or got, and those that it began. */
	flows: number;
	began: number;
	packets: number;
	bytes: number;
}

export interface NodeLoad {
	name: string;
	zone: string | null;
	/** Flows to itself and its pods; flows that came in by its uplink before they were decided on. */
	flows: number;
	entered: number;
	/** Of those that entered, how many went on to another node. */
	doubleHops: number;
	conntrack: ConntrackCounts;
}

export interface EndpointLoad {
	/** `NAMESPACE/NAME:PORT` of the Service. */
	service: string;
	/** Pod `NAMESPACE/NAME` or node name, and where it listens. */
	endpoint: string;
	address: string;
	port: number;
	node: string | null;
	zone: string | null;
	flows: number;
	/** Of the Service's flows that reached an endpoint, 0 to 1. */
	share: number;
}

export interface SnatPorts {
	node: string;
	/** Source address that the flows got. */
	source: string;
	proto: string;
	/** `ADDRESS:PORT`, `[ADDRESS]:PORT`. */
	destination: string;
	flows: number;
	/** Different source ports over the whole replay. */
	ports: number;
}

export interface RuleHits {
	node: string;
	table: string;
	/** Its text, and its target; null: it only counts or marks. */
	rule: string;
	target: string | null;
	packets: number;
	bytes: number;
}

export interface RecordingCounts {
	/** Packets read, and what became of them. */
	records: number;
	offered: number;
	replies: number;
	duplicates: number;
	icmpErrors: number;
	laterFragments: number;
	cut: number;
	orphans: number;
	/** Recorded replies whose flow nobody answered in this run. */
	unanswerable: number;
	/** IPv6 that does not leave its link: neighbour discovery, MLD, link-local addresses. */
	linkLocal: number;
	/** Packets of IPv6 where the network has none, and those whose source only a Service or a load balancer has: not offered. */
	ipv6: number;
	unowned: number;
	/** What was no IP packet, by kind. */
	skipped: Record<string, number>;
	/** Captures that end inside a record, and where: the report covers the packets before. */
	truncated: string[];
}

export interface ReplayReport {
	flows: number;
	packets: number;
	verdicts: Record<Verdict, number>;
	reasons: Record<string, number>;
	/** Of those that were answered: connections whose last packet was lost, by cause. */
	broken: { flows: number; reasons: Record<string, number> };
	perPod: PodLoad[];
	perNode: NodeLoad[];
	perZone: { zone: string; flows: number; crossing: number }[];
	perEndpoint: EndpointLoad[];
	doubleHops: number;
	snatPorts: SnatPorts[];
	/** Of the router and what else tracks, beside the nodes. */
	conntrack: Record<string, ConntrackCounts>;
	/** Rules of the nodes that were hit, most packets first. */
	rules: RuleHits[];
	recording: RecordingCounts;
	/** First to last packet, seconds of the recording; when the last one was, seconds since 1970 with nine decimals. */
	span: number;
	end: string | null;
	assumed: string[];
	/** Time that the replay took, and packets offered a second of it; 0 where no clock was given. */
	seconds: number;
	packetsPerSecond: number;
	/** Was TCP window tracking on? */
	tcpWindows: boolean;
	seed: number;
}

export const VERDICT_WORDS: readonly Verdict[] = [
	"delivered",
	"rejected",
	"dropped",
	"unreachable",
	"blocked-locally",
	"unknown",
];

export interface ReportContext {
	machine: Machine;
	nodeOf: (netns: string) => string | null;
	zoneOf: (node: string) => string | null;
	/** Node that translates to this source address, for SNAT; null: nobody's. */
	translatorOf: (address: Address) => string | null;
}

function counts(by: ReadonlyMap<string, number>): Record<string, number> {
	return Object.fromEntries([...by].sort((a, b) => b[1] - a[1] || order(a[0], b[0])));
}

export class Tallies {
	readonly #context: ReportContext;
	readonly #verdicts: Record<Verdict, number>;
	readonly #reasons = new Map<string, number>();
	readonly #pods = new Map<string, PodLoad>();
	readonly #nodes = new Map<string, Omit<NodeLoad, "conntrack">>();
	readonly #zones = new Map<string, { zone: string; flows: number; crossing: number }>();
	readonly #endpoints = new Map<string, EndpointLoad>();
	readonly #services = new Map<string, number>();
	readonly #snat = new Map<string, SnatPorts & { seen: Set<number> }>();
	readonly #broken = new Map<string, number>();
	#flows = 0;
	#doubleHops = 0;

	constructor(context: ReportContext) {
		this.#context = context;
		this.#verdicts = Object.fromEntries(VERDICT_WORDS.map((word) => [word, 0])) as Record<Verdict, number>;
		for (const { name, kind } of context.machine.network.netns) {
			if (kind === "node") this.#node(name.slice("node:".length));
			if (kind === "pod") this.#pod(name);
		}
	}

	/** `flow`: what the report of the first says. */
	add(alike: Alike, flow: FlowReport): void {
		const { row, flows } = alike;
		this.#flows += flows;
		this.#verdicts[flow.verdict] += flows;
		if (flow.reason !== null) this.#reasons.set(flow.reason, (this.#reasons.get(flow.reason) ?? 0) + flows);
		if (flow.broken !== null) this.#broken.set(flow.broken.reason, (this.#broken.get(flow.broken.reason) ?? 0) + flows);
		if (flow.secondHop) this.#doubleHops += flows;
		const from = this.#context.machine.netnsName(row.netns);
		if (from.startsWith("pod:")) this.#pod(from).began += flows;
		if (flow.entryNode !== null) {
			const entered = this.#node(flow.entryNode);
			entered.entered += flows;
			if (flow.secondHop) entered.doubleHops += flows;
		}
		if (flow.delivered !== null) this.#deliver(alike, flow, from);
	}

	/** `from`: the netns that began them. */
	#deliver(alike: Alike, flow: FlowReport, from: string): void {
		const { row, flows } = alike;
		const to = flow.delivered as NonNullable<FlowReport["delivered"]>;
		const netns = this.#context.machine.netnsName(row.server);
		if (netns.startsWith("pod:")) {
			const pod = this.#pod(netns);
			pod.flows += flows;
			pod.packets += alike.packets;
			pod.bytes += alike.bytes;
		}
		if (to.node !== null) this.#node(to.node).flows += flows;
		const zone = to.node === null ? null : this.#context.zoneOf(to.node);
		if (zone !== null) {
			const load = this.#zones.get(zone) ?? { zone, flows: 0, crossing: 0 };
			load.flows += flows;
			const near = flow.entryNode ?? this.#context.nodeOf(from);
			if (near !== null && this.#context.zoneOf(near) !== zone) load.crossing += flows;
			this.#zones.set(zone, load);
		}
		if (flow.service !== null) this.#endpoint(flow, zone, flows);
		this.#translated(alike, flow);
	}

	#endpoint({ service, delivered, proto }: FlowReport, zone: string | null, flows: number): void {
		if (service === null || delivered === null || delivered.port === null) return;
		const endpoint = delivered.namespace === null ? delivered.name : `${delivered.namespace}/${delivered.name}`;
		const key = `${service} ${proto} ${delivered.address}:${delivered.port}`;
		const load = this.#endpoints.get(key);
		this.#services.set(service, (this.#services.get(service) ?? 0) + flows);
		if (load !== undefined) load.flows += flows;
		else {
			const { address, port, node } = delivered;
			this.#endpoints.set(key, { service, endpoint, address, port, node, zone, flows, share: 0 });
		}
	}

	#translated({ row, flows, ports: seen }: Alike, flow: FlowReport): void {
		if (seen === null || flow.seen === null || flow.seen.sourcePort === null) return;
		const { machine } = this.#context;
		const node = this.#context.translatorOf(addressOf(machine, row.seenSrc, row.family));
		if (node === null) return;
		const destination = endText(machine.core.rows.addresses.text(row.seenDst, row.family), row.seenDport);
		const key = `${node} ${row.seenSrc} ${flow.proto} ${destination}`;
		let ports = this.#snat.get(key);
		if (ports === undefined) {
			ports = { node, source: flow.seen.source, proto: flow.proto, destination, flows: 0, ports: 0, seen: new Set() };
			this.#snat.set(key, ports);
		}
		ports.flows += flows;
		for (const port of seen) ports.seen.add(port);
	}

	#pod(netns: string): PodLoad {
		let load = this.#pods.get(netns);
		if (load === undefined) {
			const full = netns.slice("pod:".length);
			const slash = full.indexOf("/");
			const node = this.#context.nodeOf(netns) ?? "";
			load = {
				namespace: full.slice(0, Math.max(0, slash)),
				name: full.slice(slash + 1),
				node,
				flows: 0,
				began: 0,
				packets: 0,
				bytes: 0,
			};
			this.#pods.set(netns, load);
		}
		return load;
	}

	#node(name: string): Omit<NodeLoad, "conntrack"> {
		let load = this.#nodes.get(name);
		if (load === undefined) {
			load = { name, zone: this.#context.zoneOf(name), flows: 0, entered: 0, doubleHops: 0 };
			this.#nodes.set(name, load);
		}
		return load;
	}

	/** `conntrack`: what `conntrackOf` said when the last packet was through. */
	report(
		conntrack: ReadonlyMap<string, ConntrackCounts>,
	): Pick<
		ReplayReport,
		| "flows"
		| "verdicts"
		| "reasons"
		| "broken"
		| "perPod"
		| "perNode"
		| "perZone"
		| "perEndpoint"
		| "doubleHops"
		| "snatPorts"
		| "conntrack"
		| "rules"
	> {
		const { machine } = this.#context;
		const counted = (netns: string) => conntrack.get(netns) as ConntrackCounts;
		const others = machine.network.netns.filter(({ kind, ruleset }) => kind !== "node" && ruleset !== null);
		return {
			flows: this.#flows,
			verdicts: this.#verdicts,
			reasons: counts(this.#reasons),
			broken: {
				flows: [...this.#broken.values()].reduce((sum, flows) => sum + flows, 0),
				reasons: counts(this.#broken),
			},
			perPod: [...this.#pods.values()],
			perNode: [...this.#nodes.values()].map((node) => ({ ...node, conntrack: counted(`node:${node.name}`) })),
			perZone: [...this.#zones.values()].sort((a, b) => order(a.zone, b.zone)),
			perEndpoint: this.#shares(),
			doubleHops: this.#doubleHops,
			snatPorts: [...this.#snat.values()]
				.map(({ seen, ...ports }) => ({ ...ports, ports: seen.size }))
				.sort((a, b) => b.ports - a.ports || order(a.node, b.node) || order(a.destination, b.destination)),
			conntrack: Object.fromEntries(others.map(({ name }) => [name.replace(":", "/"), counted(name)])),
			rules: ruleHits(machine),
		};
	}

	#shares(): EndpointLoad[] {
		return [...this.#endpoints.values()]
			.map((load) => ({ ...load, share: load.flows / (this.#services.get(load.service) ?? load.flows) }))
			.sort((a, b) => order(a.service, b.service) || order(a.address, b.address) || a.port - b.port);
	}
}

/** What conntrack of each netns has counted by now. */
export function conntrackOf({ core, network, encoded }: Machine): Map<string, ConntrackCounts> {
	return new Map(
		network.netns.map(({ name }) => [name, conntrackCounts(core, encoded.netns.get(name) as number)] as const),
	);
}

/** Rules of all nodes that were hit, most packets first. */
export function ruleHits(machine: Machine): RuleHits[] {
	const hits: RuleHits[] = [];
	for (const [netns, counters] of machine.counters()) {
		const name = machine.netnsName(netns);
		if (!name.startsWith("node:")) continue;
		for (const [row, { packets, bytes }] of [...counters].sort(([a], [b]) => a - b)) {
			const place = machine.placeOf(row);
			const rule = ruleText(machine, row);
			if (packets === 0n || !place?.rule || rule === null || !machine.hasRule(netns, row)) continue;
			hits.push({
				node: name.slice("node:".length),
				table: place.table,
				rule,
				target: place.rule.target?.name ?? null,
				packets: Number(packets),
				bytes: Number(bytes),
			});
		}
	}
	return hits.sort((a, b) => b.packets - a.packets || order(a.node, b.node) || order(a.rule, b.rule));
}

export function order(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
