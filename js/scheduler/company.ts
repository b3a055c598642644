// Pods that want to be beside others, or not (plugins/interpodaffinity): what a newcomer requires and prefers, and what those
// that run already require and prefer of it.

import type { Node, Pod, PodAffinity, PodAffinityTerm } from "../api/core.ts";
import type { LabelSelectorRequirement } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import { type NamespaceLabels, type NodeState, type Occupancy, requiredAntiAffinity } from "./occupancy.ts";
import type { Refusal } from "./refusal.ts";

/** How many pods by topology key and domain; or the sum of weights. */
type Domains = Map<string, Map<string, number>>;

export interface Company {
	/** Required terms of the pod. */
	affinity: readonly PodAffinityTerm[];
	antiAffinity: readonly PodAffinityTerm[];
	/** Where pods are that all required terms select. */
	wanted: Domains;
	/** Where pods are that a term against them selects. */
	unwanted: Domains;
	/** Where pods are that do not want it. */
	unwelcome: Domains;
	/** Whether it would do for its own terms. */
	selfMatches: boolean;
}

/** Whether `owner`'s term selects `other`: by namespace, then by labels. */
export function selectedBy(term: PodAffinityTerm, other: Pod, owner: Pod, namespaces: NamespaceLabels): boolean {
	const namespace = other.metadata.namespace ?? "default";
	const { namespaces: named = [], namespaceSelector } = term;
	const bySelector = namespaceSelector !== undefined && selects(namespaceSelector, namespaces.get(namespace));
	const own = named.length === 0 && namespaceSelector === undefined && namespace === owner.metadata.namespace;
	if (!own && !bySelector && !named.includes(namespace)) return false;
	return selects(term.labelSelector, other.metadata.labels) && matchesKeys(term, other, owner);
}

/** matchLabelKeys and mismatchLabelKeys (KEP-3633), which upstream writes into the selector as the pod is created. */
function matchesKeys(
	{ matchLabelKeys = [], mismatchLabelKeys = [] }: PodAffinityTerm,
	other: Pod,
	owner: Pod,
): boolean {
	const { labels = {} } = owner.metadata;
	const expressions = [
		...matchLabelKeys.map((key): [string, LabelSelectorRequirement["operator"]] => [key, "In"]),
		...mismatchLabelKeys.map((key): [string, LabelSelectorRequirement["operator"]] => [key, "NotIn"]),
	].flatMap(([key, operator]) => (key in labels ? [{ key, operator, values: [labels[key] ?? ""] }] : []));
	return selects({ matchExpressions: expressions }, other.metadata.labels);
}

function addAt(domains: Domains, node: Node, topologyKey: string, by: number): void {
	const domain = node.metadata.labels?.[topologyKey];
	if (domain === undefined) return;
	let sums = domains.get(topologyKey);
	if (sums === undefined) domains.set(topologyKey, (sums = new Map()));
	sums.set(domain, (sums.get(domain) ?? 0) + by);
}

const at = (domains: Domains, node: Node, topologyKey: string) =>
	domains.get(topologyKey)?.get(node.metadata.labels?.[topologyKey] ?? "") ?? 0;

const requiredOf = (affinity: PodAffinity | undefined) =>
	affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const preferredOf = (affinity: PodAffinity | undefined) =>
	affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

/** What there is to be considered, before any node is looked at. */
export function companyOf(pod: Pod, occupancy: Occupancy): Company {
	const { namespaces } = occupancy;
	const affinity = requiredOf(pod.spec?.affinity?.podAffinity);
	const antiAffinity = requiredAntiAffinity(pod);
	const [wanted, unwanted, unwelcome]: Domains[] = [new Map(), new Map(), new Map()];
	if (affinity.length + antiAffinity.length > 0) {
		for (const { node, pods } of occupancy.nodes) {
			for (const other of pods.values()) {
				if (affinity.length > 0 && affinity.every((term) => selectedBy(term, other, pod, namespaces)))
					for (const { topologyKey } of affinity) addAt(wanted as Domains, node, topologyKey, 1);
				for (const term of antiAffinity)
					if (selectedBy(term, other, pod, namespaces)) addAt(unwanted as Domains, node, term.topologyKey, 1);
			}
		}
	}
	for (const { pod: other, node } of occupancy.opinionated)
		for (const term of requiredAntiAffinity(other))
			if (selectedBy(term, pod, other, namespaces)) addAt(unwelcome as Domains, node, term.topologyKey, 1);
	const selfMatches = affinity.every((term) => selectedBy(term, pod, pod, namespaces));
	return { affinity, antiAffinity, wanted, unwanted, unwelcome, selfMatches } as Company;
}

export function companyRefusal(company: Company, { node }: NodeState): Refusal | null {
	const { affinity, antiAffinity, wanted, unwanted, unwelcome, selfMatches } = company;
	if (!affinity.every(({ topologyKey }) => at(wanted, node, topologyKey) > 0)) {
		// The first of a group that wants its own company may start one, where the node has the labels.
		const labelled = affinity.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined);
		if (!labelled || wanted.size > 0 || !selfMatches)
			return { reasons: ["node(s) didn't match pod affinity rules"], resolvable: false };
	}
	if (antiAffinity.some(({ topologyKey }) => at(unwanted, node, topologyKey) > 0))
		return { reasons: ["node(s) didn't match pod anti-affinity rules"], resolvable: true };
	for (const topologyKey of unwelcome.keys())
		if (at(unwelcome, node, topologyKey) > 0)
			return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], resolvable: true };
	return null;
}

/** hardPodAffinityWeight: a required affinity of one that runs is a wish to have the newcomer near. */
const HARD_WEIGHT = 1;

/** By the order of the nodes in question: 0 to 100; null where nobody prefers anything. */
export function companyScores(pod: Pod, nodes: () => readonly NodeState[], occupancy: Occupancy): number[] | null {
	const { namespaces } = occupancy;
	const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
	const weights: Domains = new Map();
	const weigh = (affinity: PodAffinity | undefined, owner: Pod, other: Pod, node: Node, sign: 1 | -1) => {
		for (const { weight, podAffinityTerm: term } of preferredOf(affinity))
			if (selectedBy(term, other, owner, namespaces)) addAt(weights, node, term.topologyKey, sign * weight);
	};
	if (preferredOf(podAffinity).length + preferredOf(podAntiAffinity).length > 0) {
		for (const { node, pods } of occupancy.nodes) {
			for (const other of pods.values()) {
				weigh(podAffinity, pod, other, node, 1);
				weigh(podAntiAffinity, pod, other, node, -1);
			}
		}
	}
	for (const { pod: other, node } of occupancy.opinionated) {
		const { affinity } = other.spec ?? {};
		for (const term of requiredOf(affinity?.podAffinity))
			if (selectedBy(term, pod, other, namespaces)) addAt(weights, node, term.topologyKey, HARD_WEIGHT);
		weigh(affinity?.podAffinity, other, pod, node, 1);
		weigh(affinity?.podAntiAffinity, other, pod, node, -1);
	}
	if (weights.size === 0) return null;
	const raw = nodes().map(({ node }) => {
		let score = 0;
		for (const topologyKey of weights.keys()) score += at(weights, node, topologyKey);
		return score;
	});
	const [least, most] = [Math.min(...raw), Math.max(...raw)];
	return raw.map((score) => (most === least ? 0 : Math.floor((100 * (score - least)) / (most - least))));
}
