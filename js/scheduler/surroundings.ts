// What the other pods of a cluster mean to one that is to be placed, worked out once for all nodes: counts of topology spread
// constraints, domains of affinity terms (PreFilter of the plugins PodTopologySpread and InterPodAffinity).

import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from "../api/core.ts";
import { matchesNode } from "../api/placement.ts";
import { selects } from "../api/selector.ts";
import type { ClusterState, NodeState } from "./filter.ts";

interface Spread {
	key: string;
	/** Matching pods by domain. */
	counts: ReadonlyMap<string, number>;
	least: number;
	self: number;
	maxSkew: number;
}

interface Company {
	key: string;
	/** Where a pod runs that the term selects. */
	domains: ReadonlySet<string>;
	/** Whether there is one at all. */
	anywhere: boolean;
	/** Whether the pod is of its own company. */
	self: boolean;
}

export class Surroundings {
	readonly #spreads: readonly Spread[];
	readonly #wanted: readonly Company[];
	readonly #unwanted: readonly Company[];
	/** Values by topology key, of domains whose pods do not want this one. */
	readonly #shunned = new Map<string, Set<string>>();

	constructor(pod: Pod, cluster: ClusterState) {
		const hard = (pod.spec?.topologySpreadConstraints ?? []).filter(
			({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule",
		);
		this.#spreads = hard.map((constraint) => spreadOf(pod, constraint, cluster));
		const { podAffinity } = pod.spec?.affinity ?? {};
		const wanted = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
		this.#wanted = wanted.map((term) => companyOf(pod, term, cluster));
		this.#unwanted = antiAffinityOf(pod).map((term) => companyOf(pod, term, cluster));
		for (const { pod: other, node } of cluster.shy) {
			for (const term of antiAffinityOf(other)) {
				const domain = node.metadata.labels?.[term.topologyKey];
				if (domain === undefined || !selectedBy(term, pod, other, cluster)) continue;
				const known = this.#shunned.get(term.topologyKey);
				if (known === undefined) this.#shunned.set(term.topologyKey, new Set([domain]));
				else known.add(domain);
			}
		}
	}

	/** Why the pod cannot run on the node, in upstream's words; null where it can. */
	refusal({ node }: NodeState): string | null {
		const { labels = {} } = node.metadata;
		for (const { key, counts, least, self, maxSkew } of this.#spreads) {
			const here = labels[key];
			if (here === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
			if ((counts.get(here) ?? 0) + self - least > maxSkew)
				return "node(s) didn't match pod topology spread constraints";
		}
		for (const { key, domains, anywhere, self } of this.#wanted) {
			const here = labels[key];
			if (here !== undefined && domains.has(here)) continue;
			// The first pod of a group that wants its own company may start one.
			if (here === undefined || !self || anywhere) return "node(s) didn't match pod affinity rules";
		}
		for (const { key, domains } of this.#unwanted)
			if (domains.has(labels[key] ?? "") && labels[key] !== undefined)
				return "node(s) didn't match pod anti-affinity rules";
		for (const [key, domains] of this.#shunned)
			if (labels[key] !== undefined && domains.has(labels[key] ?? ""))
				return "node(s) didn't satisfy existing pods anti-affinity rules";
		return null;
	}
}

/** Placing it in a domain must not raise the skew above maxSkew. */
function spreadOf(pod: Pod, constraint: TopologySpreadConstraint, { nodes }: ClusterState): Spread {
	const { topologyKey: key, labelSelector, maxSkew } = constraint;
	const counts = new Map<string, number>();
	for (const { node, pods } of nodes) {
		const domain = node.metadata.labels?.[key];
		if (domain === undefined || (pod.spec !== undefined && !matchesNode(pod.spec, node))) continue;
		const matching = pods.filter(
			({ metadata }) => metadata.namespace === pod.metadata.namespace && selects(labelSelector, metadata.labels),
		);
		counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
	}
	let least = Number.POSITIVE_INFINITY;
	for (const count of counts.values()) least = Math.min(least, count);
	return { key, counts, least, self: selects(labelSelector, pod.metadata.labels) ? 1 : 0, maxSkew };
}

function companyOf(pod: Pod, term: PodAffinityTerm, cluster: ClusterState): Company {
	const domains = new Set<string>();
	let anywhere = false;
	for (const { node, pods } of cluster.nodes) {
		const domain = node.metadata.labels?.[term.topologyKey];
		if ((domain === undefined || domains.has(domain)) && anywhere) continue;
		if (!pods.some((other) => selectedBy(term, other, pod, cluster))) continue;
		anywhere = true;
		if (domain !== undefined) domains.add(domain);
	}
	return { key: term.topologyKey, domains, anywhere, self: selectedBy(term, pod, pod, cluster) };
}

export function antiAffinityOf(pod: Pod): readonly PodAffinityTerm[] {
	return pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** Whether `owner`'s term selects `other`: by namespace, then by labels. */
function selectedBy(term: PodAffinityTerm, other: Pod, owner: Pod, cluster: ClusterState): boolean {
	const namespace = other.metadata.namespace ?? "default";
	const named = term.namespaces ?? [];
	const bySelector =
		term.namespaceSelector !== undefined && selects(term.namespaceSelector, cluster.namespaces.get(namespace));
	const own = named.length === 0 && term.namespaceSelector === undefined && namespace === owner.metadata.namespace;
	return (own || bySelector || named.includes(namespace)) && selects(term.labelSelector, other.metadata.labels);
}
