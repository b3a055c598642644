// An engine whose network is told by topologies, one after the other, and what a fresh one with the same network says.

import * as L from "../../assembly/layout.ts";
import { conntrackEntries } from "../../bindings/conntrack.ts";
import type { EngineModule } from "../../bindings/core.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadTopology } from "../../js/lab.ts";
import { networkChange } from "../../js/net/change.ts";
import { parseIptablesSave } from "../../js/net/iptables/index.ts";
import type { Netns, Network } from "../../js/net/network.ts";
import type { Family, Ruleset } from "../../js/net/ruleset.ts";
import type { Topology } from "../../js/net/topology.ts";
import { exchange } from "../../js/trace/exchange.ts";
import { Wire } from "../../js/wire/wire.ts";

/** Rules of the same words are the same object, as those are that kube-proxy leaves as they were. */
export class Networks {
	readonly #rulesets = new Map<string, Ruleset>();

	of(topology: Topology): Network {
		const nodes = topology.nodes.map(({ iptables: _, ip6tables: __, ...node }) => node);
		const network = loadTopology({ ...topology, nodes });
		const byName = new Map(network.netns.map((netns) => [netns.name, netns]));
		for (const { name, iptables, ip6tables } of topology.nodes) {
			const netns = byName.get(`node:${name}`) as Netns;
			netns.ruleset = this.#ruleset(iptables, "ipv4");
			netns.ruleset6 = this.#ruleset(ip6tables, "ipv6");
		}
		return network;
	}

	#ruleset(text: string | null | undefined, family: Family): Ruleset | null {
		if (typeof text !== "string") return null;
		const key = `${family} ${text}`;
		const known = this.#rulesets.get(key) ?? parseIptablesSave(text, { family });
		this.#rulesets.set(key, known);
		return known;
	}
}

/** A TCP segment that begins a connection, or a datagram. */
export interface Question {
	from: string;
	to: string;
	port: number;
	proto?: number;
}

export class Live {
	readonly machine: Machine;
	readonly wire: Wire;
	topology: Topology;
	readonly #networks: Networks;
	#sport = 20_000;

	constructor(module: EngineModule, topology: Topology, networks = new Networks(), wire?: Wire) {
		this.#networks = networks;
		this.topology = topology;
		this.wire = wire ?? new Wire(new Machine(module, networks.of(topology)));
		this.machine = this.wire.machine;
	}

	/** With a future of its own. */
	fork(module: EngineModule): Live {
		return new Live(module, this.topology, this.#networks, this.wire.fork(module));
	}

	/** The network becomes another one. */
	become(topology: Topology): void {
		this.machine.update(networkChange(this.machine.network, this.#networks.of(topology)));
		this.topology = topology;
	}

	/** What becomes of a first packet, and of the answer to it: `VERDICT REASON NETNS` each. */
	ask({ from, to, port, proto = L.PROTO_TCP }: Question): string[] {
		const netns = this.machine.netnsRow(from);
		const dst = this.wire.address(to);
		const src = this.wire.sourceFor(netns, dst);
		if (src === null) return ["no route"];
		const { request, reply } = exchange(this.wire, { netns, proto, src, dst, sport: this.#sport++, dport: port });
		return [request, reply].map((way) => {
			if (way === null) return "nothing";
			const { verdict, reason, netns: where } = way.end;
			return `${VERDICTS[verdict]} ${reason} ${this.machine.netnsName(where)}`;
		});
	}

	/** Devices that it passes, there and back, and rules that match, by their places. */
	hops({ from, to, port, proto = L.PROTO_TCP }: Question): string[] {
		const netns = this.machine.netnsRow(from);
		const dst = this.wire.address(to);
		const src = this.wire.sourceFor(netns, dst);
		if (src === null) return [];
		const { request, reply } = exchange(this.wire, { netns, proto, src, dst, sport: this.#sport++, dport: port });
		return [...request.events, ...(reply?.events ?? [])].flatMap((event) => {
			const where = this.machine.netnsName(event.netns);
			if (event.kind === L.EVENT_RULE_MATCH || event.kind === L.EVENT_POLICY) {
				const place = this.machine.placeOf(event.rule);
				return [`${where} ${place?.table} ${place?.chain} ${place?.number}`];
			}
			if (event.kind !== L.EVENT_IN && event.kind !== L.EVENT_DELIVER && event.kind !== L.EVENT_DROP) return [];
			return [`${where} ${event.kind} ${this.machine.deviceName(event.device)} ${event.reason} ${event.header.ttl}`];
		});
	}

	/** Confirmed conntrack entries, by netns. */
	connections(): Map<string, unknown[]> {
		const byNetns = new Map<string, unknown[]>();
		for (const { netns, row, deadlineNs, ...entry } of conntrackEntries(this.machine.core, this.wire.now)) {
			const name = this.machine.netnsName(netns);
			byNetns.set(name, [...(byNetns.get(name) ?? []), { row, deadlineNs, ...entry }]);
		}
		return byNetns;
	}

	/** Rows in use or ever used, and bytes of memory. */
	get rows(): Record<string, number> {
		const { rows, engine } = this.machine.core;
		const tables = {
			netns: L.TABLE_NETNS,
			devices: L.TABLE_DEVICE,
			addresses: L.TABLE_ADDRESS,
			routes: L.TABLE_ROUTE,
			nexthops: L.TABLE_NEXTHOP,
			sets: L.TABLE_SET,
			entries: L.TABLE_ENTRY,
			words: L.TABLE_WORD,
			patterns: L.TABLE_PATTERN,
		};
		return {
			...Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, rows.count(table)])),
			sockets: engine.socketCount(),
			fib: engine.fibBytes(),
			memory: engine.memory.buffer.byteLength,
		};
	}
}

const VERDICTS: Readonly<Record<number, string>> = {
	[L.VERDICT_DELIVERED]: "delivered",
	[L.VERDICT_REJECTED]: "rejected",
	[L.VERDICT_DROPPED]: "dropped",
	[L.VERDICT_UNREACHABLE]: "unreachable",
	[L.VERDICT_BLOCKED_LOCALLY]: "blocked",
	[L.VERDICT_UNKNOWN]: "unknown",
};
