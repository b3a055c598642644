// A small network with Services as rules, and recordings made of lines, for the tests of replays.

import { createHash } from "node:crypto";
import { Machine } from "../../bindings/machine.ts";
import { loadModule } from "../../bindings/node.ts";
import { loadTopology } from "../../js/lab.ts";
import type { Topology } from "../../js/net/topology.ts";
import type { FlowReport } from "../../js/replay/flow.ts";
import type { ReplaySource } from "../../js/replay/reading.ts";
import { capacitiesFor, type ReplayOptions, replay } from "../../js/replay/replay.ts";
import type { ReplayReport } from "../../js/replay/report.ts";
import { type SurveyOptions, survey } from "../../js/replay/survey.ts";

/** ClusterIP 10.96.0.1:80 to web on n2; 10.96.0.2:53/udp to dns; 10.96.0.9 has no endpoints; 10.0.2.9 is dropped. */
const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.2.2:8080
-A PREROUTING -d 10.96.0.2/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.2.3:53
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -d 10.96.0.9/32 -m comment --comment "default/none has no endpoints" -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -d 10.0.2.9/32 -j DROP
COMMIT
`;

export const TOPOLOGY: Topology = {
	fabric: { kind: "routed" },
	router: {},
	nodes: [
		{ name: "n1", ip: "192.168.0.11", podCIDR: "10.0.1.0/24", iptables: RULES },
		{ name: "n2", ip: "192.168.0.12", podCIDR: "10.0.2.0/24", iptables: RULES },
	],
	pods: [
		{ name: "t/client", node: "n1", ip: "10.0.1.2" },
		{ name: "t/web", node: "n2", ip: "10.0.2.2", listen: [{ proto: "tcp", port: 8080 }] },
		{ name: "t/dns", node: "n2", ip: "10.0.2.3", listen: [{ proto: "udp", port: 53 }] },
		{ name: "t/hole", node: "n2", ip: "10.0.2.9", listenAny: true },
	],
	hosts: [],
};

/** CSV flow records after their header. */
export function records(...lines: string[]): ReplaySource {
	return bytes(["time,src,sport,dst,dport,proto,packets,bytes,flags", ...lines, ""].join("\n"));
}

export function bytes(content: string | Uint8Array): ReplaySource {
	const data = typeof content === "string" ? new TextEncoder().encode(content) : content;
	return {
		name: createHash("sha256").update(data).digest("hex").slice(0, 8),
		async *open() {
			yield data;
		},
	};
}

export interface Replayed {
	report: ReplayReport;
	flows: FlowReport[];
	machine: Machine;
}

export async function replayOver(
	topology: Topology,
	sources: ReplaySource[],
	options: ReplayOptions & SurveyOptions & { capacities?: Record<number, number> } = {},
): Promise<Replayed> {
	const surveyed = await survey(loadTopology(topology), sources, options);
	const network = loadTopology({ ...topology, hosts: [...topology.hosts, ...surveyed.hosts] });
	const capacities = { ...capacitiesFor(surveyed), ...options.capacities };
	const machine = new Machine(await loadModule(), network, { capacities, windows: surveyed.tcpWindows });
	const flows: FlowReport[] = [];
	const report = await replay(machine, surveyed, { ...options, perFlow: (flow) => flows.push(flow) });
	return { report, flows, machine };
}
