// May this pod run on this node now: the filter plugins of the default scheduler (pkg/scheduler/framework/plugins) in their
// order; the first that says no has the word. Volumes and devices (DRA) are not modelled.

import type { Node, NodeSelectorTerm, Pod, Taint } from "../api/core.ts";
import { hostPortsClash, matchesNode, untolerated } from "../api/placement.ts";
import { type Company, companyOf, companyRefusal } from "./company.ts";
import type { Needs, NodeState, Occupancy } from "./occupancy.ts";
import type { Refusal } from "./refusal.ts";
import { shortage } from "./resources.ts";
import { type HardSpread, hardSpread, spreadRefusal } from "./spread.ts";

/** One pod's turn: what is known before any node is looked at (the PreFilter plugins). */
export interface Cycle {
	readonly pod: Pod;
	readonly needs: Needs;
	/** Whether it asks for nothing but cpu and memory: the columns say where it fits. */
	readonly isPlain: boolean;
	readonly cpu: number;
	readonly memory: number;
	/** The only nodes in question, by their names; null: all. */
	readonly only: ReadonlySet<string> | null;
	readonly spread: HardSpread;
	readonly company: Company;
}

const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

export function cycleOf(pod: Pod, occupancy: Occupancy): Cycle {
	const spread = hardSpread(pod, occupancy);
	const needs = occupancy.needsOf(pod);
	const company = companyOf(pod, occupancy);
	const { nodeSelector = {}, affinity } = pod.spec ?? {};
	const { cpu = 0, memory = 0, ...rest } = needs.requests.said;
	const isPlain =
		Object.keys(nodeSelector).length === 0 &&
		affinity === undefined &&
		needs.hostPorts.length + spread.length + company.unwelcome.size + Object.keys(rest).length === 0;
	return { pod, needs, isPlain, cpu, memory, only: namedNodes(pod), spread, company };
}

/** null where the pod can run there. */
export function refusal({ pod, needs, only, spread, company }: Cycle, state: NodeState): Refusal | null {
	const { node, hard } = state;
	const spec = pod.spec ?? { containers: [] };
	if (only !== null && !only.has(state.name)) return never("node(s) didn't satisfy plugin(s) [NodeAffinity]");
	const tolerations = spec.tolerations ?? [];
	if (node.spec?.unschedulable === true && untolerated(withTaint(node), tolerations) !== undefined)
		return never("node(s) were unschedulable");
	if (hard.length > 0 && untolerated(node, tolerations) !== undefined) return never("node(s) had untolerated taint(s)");
	if (!matchesNode(spec, node)) return never("node(s) didn't match Pod's node affinity/selector");
	if (needs.hostPorts.some((port) => state.hostPorts.some((taken) => hostPortsClash(port, taken))))
		return { reasons: ["node(s) didn't have free ports for the requested pod ports"], resolvable: true };
	return (
		shortage(needs.requests.said, state.allocatable, state.requested, state.pods.size) ??
		spreadRefusal(spread, state) ??
		companyRefusal(company, state)
	);
}

const never = (reason: string): Refusal => ({ reasons: [reason], resolvable: false });

const withTaint = (node: Node): Node => ({ ...node, spec: { taints: [UNSCHEDULABLE] } });

/** Where each term of the required affinity names nodes, as a DaemonSet's pods do, no other is looked at. */
function namedNodes({ spec }: Pod): ReadonlySet<string> | null {
	const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
	const names = new Set<string>();
	for (const term of terms) {
		const named = namesOf(term);
		if (named === null) return null;
		for (const name of named) names.add(name);
	}
	return terms.length === 0 ? null : names;
}

function namesOf({ matchFields = [] }: NodeSelectorTerm): readonly string[] | null {
	const lists = matchFields.flatMap(({ key, operator, values = [] }) =>
		key === "metadata.name" && operator === "In" ? [values] : [],
	);
	const [first, ...others] = lists;
	return first === undefined ? null : first.filter((name) => others.every((list) => list.includes(name)));
}
