// What becomes of a kube-proxy document's packet, by the engine: its node with the rules under test in a small network, the
// packet sent from where its source address lives, and the answer read from the engine's events and the node's conntrack
// entry. A choice that rules leave to chance is made again until no further outcome shows.
// A node of IPv6 gets addresses of IPv4 as well, which no packet of its documents uses.

import * as L from "../../assembly/layout.ts";
import { conntrackEntry } from "../../bindings/conntrack.ts";
import type { TraceEvent } from "../../bindings/events.ts";
import { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { joinHostPort } from "../../js/kube-proxy/addresses.ts";
import { loadTopology } from "../../js/lab.ts";
import {
	addressFromBigInt,
	addressToBigInt,
	familyOf,
	maskPrefix,
	parsePrefix,
	prefixContains,
} from "../../js/net/address.ts";
import type { Family, Ruleset } from "../../js/net/ruleset.ts";
import type { Topology } from "../../js/net/topology.ts";
import { Wire } from "../../js/wire/wire.ts";
import type { Probe, ProbeNode, TraceAnswer, Tracer } from "../reference/kube-proxy-trace.ts";

const SYN_BYTES = 60;
/** A SYN; of SCTP the field holds the chunk. */
const OPENING_FLAGS: Readonly<Record<number, number>> = { [L.PROTO_TCP]: L.TCP_SYN, [L.PROTO_SCTP]: L.SCTP_INIT };
const FIRST_SPORT = 20_000;
/** Longest ClientIP affinity, 86,400 s, and a little. */
const AFFINITY_OVER_NS = 86_401_000_000_000n;
/**
 * Choices made after the last new outcome, for each outcome seen and one more: with n equal shares at least one of them is
 * missed with a probability below n · e^-25.
 */
const CHOICES_EACH = 25;
const PROTOS: Readonly<Record<string, number>> = { TCP: L.PROTO_TCP, UDP: L.PROTO_UDP, SCTP: L.PROTO_SCTP };

/** What one packet met. */
interface Outcome {
	output: string | null;
	masqueraded: boolean;
}

export const traceByPackets: Tracer = async (ruleset, node, probe) => {
	const { topology, from } = networkFor(node, probe, translationTargets(ruleset));
	const network = loadTopology(topology);
	const own = network.netns.find(({ name }) => name === `node:${node.name}`);
	if (own === undefined) throw new RangeError(`no netns of node ${node.name}`);
	if (ruleset.family === "ipv6") own.ruleset6 = ruleset;
	else own.ruleset = ruleset;
	const wire = new Wire(new Machine(await loadModule(), network));
	const sticky = remembersClients(ruleset);
	const seen = new Map<string, Outcome>();
	for (let choice = 0, idle = 0; idle < CHOICES_EACH * (seen.size + 1); choice++, idle++) {
		const outcome = sendOnce(wire, node, probe, from, FIRST_SPORT + choice);
		const key = `${outcome.output} ${outcome.masqueraded}`;
		if (!seen.has(key)) idle = 0;
		seen.set(key, outcome);
		if (sticky) wire.advance(AFFINITY_OVER_NS);
	}
	return answerOf([...seen.values()]);
};

function answerOf(outcomes: readonly Outcome[]): TraceAnswer {
	const outputs = outcomes.map(({ output }) => output).filter((output) => output !== null);
	return { outputs: [...new Set(outputs)], masq: outcomes.some(({ masqueraded }) => masqueraded) };
}

function remembersClients(ruleset: Ruleset): boolean {
	const rules = ruleset.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
	return rules.some(({ matches }) => matches.some(({ name }) => name === "recent"));
}

/** Addresses that rules translate to: a pod that is not there takes no packet, as its bridge finds no neighbour. */
function translationTargets(ruleset: Ruleset): string[] {
	const rules = ruleset.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules));
	const values = rules.flatMap(({ target }) => (target?.options ?? []).map(({ value }) => value));
	return values.flatMap((value) => (value.kind === "nat" && value.addressMin !== null ? [value.addressMin] : []));
}

/**
 * The node on a segment with a router, its own pods among source, destination and targets, a machine outside where the
 * packet comes from one; and the netns that the packet leaves.
 */
function networkFor(
	node: ProbeNode,
	{ sourceIP, destIP }: Probe,
	targets: readonly string[],
): { topology: Topology; from: string } {
	const six = familyOf(destIP) === "ipv6";
	const own = ownAddresses(node, six ? "ipv6" : "ipv4");
	const [primary] = own;
	if (primary === undefined) throw new RangeError(`node ${node.name} has no address of its family`);
	const podCIDR = parsePrefix(node.podCIDR);
	const isPod = (ip: string) => podCIDR !== null && prefixContains(podCIDR, ip) && !isNodes(ip);
	const isNodes = (ip: string) => own.some(({ address }) => address === ip) || isLoopback(ip);
	const pods = [...new Set([sourceIP, destIP, ...targets].filter(isPod))];
	const outside = !isNodes(sourceIP) && !isPod(sourceIP);
	const from = isNodes(sourceIP) ? `node:${node.name}` : outside ? "host:outside" : `pod:${sourceIP}`;
	const topology: Topology = {
		fabric: six ? { kind: "l2", prefixLen6: primary.length } : { kind: "l2", prefixLen: primary.length },
		nodes: [
			{
				name: node.name,
				...(six
					? { ...UNUSED, ip6: primary.address, podCIDR6: node.podCIDR }
					: { ip: primary.address, podCIDR: node.podCIDR }),
				addresses: own.slice(1).map(({ address, length }) => ({ dev: "eth0", addr: `${address}/${length}` })),
				// NodePorts on localhost need it; without them no rule translates what goes to a loopback address.
				sysctls: { "net.ipv4.conf.all.route_localnet": 1 },
				routes: [],
			},
		],
		pods: pods.map((ip, index) => ({
			name: ip,
			node: node.name,
			...podAddresses(ip, index),
			hairpin: true,
			listenAny: true,
		})),
		hosts: outside ? [{ name: "outside", ...(six ? { ip: "198.51.100.1", ip6: sourceIP } : { ip: sourceIP }) }] : [],
		// Whatever a machine outside asks for arrives at this node.
		router: {
			...(six ? { ip6: lastOf(primary) } : {}),
			...(destIP === primary.address ? {} : { lb: { [destIP]: [node.name] } }),
		},
	};
	return { topology, from };
}

/** A node's IPv4 where its document has none. */
const UNUSED = { ip: "192.0.2.11", podCIDR: "198.18.0.0/24" };

function podAddresses(ip: string, index: number): { ip: string; ip6?: string } {
	return familyOf(ip) === "ipv6" ? { ip: `198.18.0.${index + 2}`, ip6: ip } : { ip };
}

/** The last address of the network that an address lies in: documents have the first ones. */
function lastOf({ address, length }: { address: string; length: number }): string {
	const network = addressToBigInt(maskPrefix({ family: "ipv6", address, length }).address);
	return addressFromBigInt(network + (1n << BigInt(128 - length)) - 1n, "ipv6");
}

function isLoopback(ip: string): boolean {
	return ip.startsWith("127.") || ip === "::1";
}

/** Addresses of a family with their prefix lengths, primary first; loopback's are there anyway. */
function ownAddresses(node: ProbeNode, family: Family): { address: string; length: number }[] {
	const listed = Object.values(node.interfaces ?? {}).flat();
	const lengths = new Map(listed.map((text) => [text.split("/")[0] ?? "", Number(text.split("/")[1] ?? 32)]));
	const all = [...new Set([...node.ips, ...lengths.keys()])];
	return all
		.filter((address) => familyOf(address) === family && !isLoopback(address))
		.map((address) => ({ address, length: lengths.get(address) ?? (family === "ipv6" ? 64 : 24) }));
}

function sendOnce(wire: Wire, node: ProbeNode, probe: Probe, from: string, sport: number): Outcome {
	const { machine } = wire;
	const word = (probe.protocol || "TCP").toUpperCase();
	const proto = PROTOS[word];
	if (proto === undefined) throw new RangeError(`protocol ${word}`);
	const events = wire.send(machine.netnsRow(from), {
		proto,
		src: wire.address(probe.sourceIP),
		dst: wire.address(probe.destIP),
		sport,
		dport: probe.destPort,
		tcpFlags: OPENING_FLAGS[proto] ?? 0,
		len: SYN_BYTES,
	});
	const there = machine.netnsRow(`node:${node.name}`);
	const first = events[0]?.packet;
	const own = events.filter((event) => event.packet === first && event.netns === there);
	return refusal(machine, own) ?? passage(machine, own);
}

/** The rule or policy that took the packet out; null where none did. */
function refusal(machine: Machine, events: readonly TraceEvent[]): Outcome | null {
	const drop = events.find(({ kind, reason }) => kind === L.EVENT_DROP && reason === L.REASON_RULE);
	if (drop === undefined) return null;
	const output = machine.placeOf(drop.rule)?.rule?.target?.name === "REJECT" ? "REJECT" : "DROP";
	return { output, masqueraded: false };
}

function passage(machine: Machine, events: readonly TraceEvent[]): Outcome {
	const tracked = events.find(({ kind, ct }) => kind === L.EVENT_CONNTRACK && ct >= 0);
	const entry = tracked && conntrackEntry(machine.core, tracked.ct);
	if (!entry || (entry.status & L.IPS_CONFIRMED) === 0) {
		const lost = events.find(({ kind }) => kind === L.EVENT_DROP);
		throw new RangeError(
			lost ? `the packet was lost on the node, reason ${lost.reason}` : "the packet did not cross the node",
		);
	}
	const { orig, reply } = entry;
	const translated = reply.src !== orig.dst || reply.sport !== orig.dport;
	const masqueraded = reply.dst !== orig.src || masquerades(machine, events);
	if (translated)
		return { output: joinHostPort(machine.core.rows.addresses.text(reply.src), reply.sport), masqueraded };
	return { output: letIn(machine, events) ? "ACCEPT" : null, masqueraded };
}

/** A MASQUERADE rule took the packet; where the sender's address is the one that it would get, no tuple shows it. */
function masquerades(machine: Machine, events: readonly TraceEvent[]): boolean {
	return events.some(
		({ kind, rule }) => kind === L.EVENT_RULE_MATCH && machine.placeOf(rule)?.rule?.target?.name === "MASQUERADE",
	);
}

/** A rule, not a policy, let the packet in to the node itself. */
function letIn(machine: Machine, events: readonly TraceEvent[]): boolean {
	return events.some(
		({ kind, hook, table, rule }) =>
			kind === L.EVENT_RULE_MATCH &&
			hook === L.HOOK_INPUT &&
			table === L.XT_FILTER &&
			machine.placeOf(rule)?.rule?.target?.name === "ACCEPT",
	);
}
