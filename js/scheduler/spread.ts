// Pods of a kind over zones and nodes (plugins/podtopologyspread): hard constraints refuse a node, soft ones and the defaults of
// the cluster score it.

import type { Node, Pod, TopologySpreadConstraint } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import type { LabelSelector } from "../api/meta.ts";
import { matchesNode, untolerated } from "../api/placement.ts";
import { selects } from "../api/selector.ts";
import type { NodeState, Occupancy, There } from "./occupancy.ts";
import type { Refusal } from "./refusal.ts";

const HOSTNAME = "kubernetes.io/hostname";

interface Constraint {
	maxSkew: number;
	topologyKey: string;
	selector: LabelSelector;
	minDomains: number;
	/** Whether a node counts. */
	counts: (node: Node) => boolean;
}

/** systemDefaultConstraints: for pods that say nothing, softly. */
const DEFAULTS = [
	{ maxSkew: 3, topologyKey: HOSTNAME },
	{ maxSkew: 5, topologyKey: ZONE },
] as const;

function constraintOf(pod: Pod, given: TopologySpreadConstraint): Constraint {
	const { labels = {} } = pod.metadata;
	const same = (given.matchLabelKeys ?? []).filter((key) => key in labels);
	const { matchLabels = {}, ...rest } = given.labelSelector ?? {};
	const merged = Object.fromEntries(same.map((key) => [key, labels[key] ?? ""]));
	const { nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" } = given;
	const { spec } = pod;
	return {
		maxSkew: given.maxSkew,
		topologyKey: given.topologyKey,
		// Without a selector it has no pod.
		selector:
			given.labelSelector === undefined && same.length === 0
				? { matchExpressions: [{ key: "", operator: "In", values: [] }] }
				: { ...rest, matchLabels: { ...matchLabels, ...merged } },
		minDomains: given.minDomains ?? 1,
		counts: (node) =>
			(nodeAffinityPolicy === "Ignore" || spec === undefined || matchesNode(spec, node)) &&
			(nodeTaintsPolicy === "Ignore" || untolerated(node, spec?.tolerations ?? []) === undefined),
	};
}

const constraintsOf = (pod: Pod, action: TopologySpreadConstraint["whenUnsatisfiable"]) =>
	(pod.spec?.topologySpreadConstraints ?? [])
		.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
		.map((given) => constraintOf(pod, given));

const domainOf = (node: Node, key: string) => node.metadata.labels?.[key];
const hasAll = (node: Node, constraints: readonly Constraint[]) =>
	constraints.every(({ topologyKey }) => domainOf(node, topologyKey) !== undefined);

/** Pods by domain, for one constraint. */
interface Spread {
	constraint: Constraint;
	byDomain: ReadonlyMap<string, number>;
	/** The fewest in a domain; 0 where there are fewer domains than there should be. */
	least: number;
	/** 1 where the pod itself would count. */
	self: number;
}

export type HardSpread = readonly Spread[];

/** What its hard constraints have to do with, before any node is looked at. */
export function hardSpread(pod: Pod, occupancy: Occupancy): HardSpread {
	const constraints = constraintsOf(pod, "DoNotSchedule");
	const { namespace = "", labels } = pod.metadata;
	return constraints.map((constraint) => {
		const { topologyKey, selector, counts, minDomains } = constraint;
		const onNode = occupancy.counts(namespace, selector);
		const byDomain = new Map<string, number>();
		for (const { name, node } of occupancy.nodes) {
			if (!hasAll(node, constraints) || !counts(node)) continue;
			const domain = domainOf(node, topologyKey) as string;
			byDomain.set(domain, (byDomain.get(domain) ?? 0) + (onNode.get(name) ?? 0));
		}
		const least = byDomain.size < minDomains ? 0 : Math.min(...byDomain.values());
		return { constraint, byDomain, least, self: selects(selector, labels) ? 1 : 0 };
	});
}

export function spreadRefusal(hard: HardSpread, { node }: NodeState): Refusal | null {
	for (const { constraint, byDomain, least, self } of hard) {
		const domain = domainOf(node, constraint.topologyKey);
		if (domain === undefined)
			return {
				reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
				resolvable: false,
			};
		const fewest = Number.isFinite(least) ? least : 0x7fffffff;
		if ((byDomain.get(domain) ?? 0) + self - fewest > constraint.maxSkew)
			return { reasons: ["node(s) didn't match pod topology spread constraints"], resolvable: true };
	}
	return null;
}

/** By the order of `slots`: 0 to 100; null where nothing asks for it. `siblings`: whom it is to be spread among by default. */
export function spreadScores(
	pod: Pod,
	slots: Int32Array,
	occupancy: Occupancy,
	siblings: LabelSelector | null,
): Float64Array | null {
	const isOwn = (pod.spec?.topologySpreadConstraints ?? []).length > 0;
	const soft = isOwn ? constraintsOf(pod, "ScheduleAnyway") : defaultsOf(pod, siblings);
	if (soft.length === 0) return null;
	const scores = occupancy.room.scores(slots.length).fill(0);
	let scored = slots.length;
	// Defaults of the cluster do not ask for every label; what is not scored is NaN from here on.
	if (isOwn)
		for (let i = 0; i < slots.length; i++) {
			if (hasAll(occupancy.at(slots[i] as number).node, soft)) continue;
			scores[i] = Number.NaN;
			scored--;
		}
	for (const constraint of soft) {
		const { topologyKey, selector } = constraint;
		const there = occupancy.there(pod.metadata.namespace ?? "", selector);
		// Of hosts every node that is scored is a domain, as upstream has it.
		if (topologyKey === HOSTNAME) addByHost(scores, slots, constraint, there, scored, occupancy);
		else addByDomain(scores, slots, constraint, isOwn ? soft : [], there, occupancy);
	}
	let [least, most] = [Number.POSITIVE_INFINITY, 0];
	for (let i = 0; i < scores.length; i++) {
		const score = Math.round(scores[i] as number);
		scores[i] = score;
		if (score < least) least = score;
		if (score > most) most = score;
	}
	for (let i = 0; i < scores.length; i++) {
		const score = scores[i] as number;
		if (Number.isNaN(score)) scores[i] = 0;
		else scores[i] = most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most);
	}
	return scores;
}

/** What one constraint has to say: pods on each node, weighed by how many domains there are. */
function addByHost(
	scores: Float64Array,
	slots: Int32Array,
	{ topologyKey, maxSkew }: Constraint,
	there: There,
	domains: number,
	occupancy: Occupancy,
): void {
	const { ids } = occupancy.domains(topologyKey);
	const sums = occupancy.room.counts(ids.length);
	for (let i = 0; i < there.size; i++) sums[there.slots[i] as number] = there.counts[i] as number;
	const weight = Math.log(domains + 2);
	for (let i = 0; i < slots.length; i++) {
		const slot = slots[i] as number;
		if ((ids[slot] as number) >= 0) scores[i] = (scores[i] as number) + (sums[slot] as number) * weight + maxSkew - 1;
	}
	for (let i = 0; i < there.size; i++) sums[there.slots[i] as number] = 0;
}

/** Likewise, of domains of many nodes. */
function addByDomain(
	scores: Float64Array,
	slots: Int32Array,
	{ topologyKey, counts, maxSkew }: Constraint,
	asked: readonly Constraint[],
	there: There,
	occupancy: Occupancy,
): void {
	const { ids, size, isEverywhere } = occupancy.domains(topologyKey);
	// The first is that of nodes without one.
	const sums = occupancy.room.sums(size + 1).fill(0);
	for (let i = 0; i < there.size; i++) {
		const slot = there.slots[i] as number;
		const { node } = occupancy.at(slot);
		if (!counts(node) || !hasAll(node, asked)) continue;
		const domain = (ids[slot] as number) + 1;
		sums[domain] = (sums[domain] as number) + (there.counts[i] as number);
	}
	const isKnown = occupancy.room.known(size + 1).fill(0);
	const all = isEverywhere ? size : size + 1;
	let domains = 0;
	for (let i = 0; i < slots.length && domains < all; i++) {
		if (Number.isNaN(scores[i])) continue;
		const domain = (ids[slots[i] as number] as number) + 1;
		if (isKnown[domain] === 1) continue;
		isKnown[domain] = 1;
		domains++;
	}
	const weight = Math.log(domains + 2);
	for (let i = 0; i < slots.length; i++) {
		const domain = ids[slots[i] as number] as number;
		if (domain >= 0) scores[i] = (scores[i] as number) + (sums[domain + 1] as number) * weight + maxSkew - 1;
	}
}

function defaultsOf(pod: Pod, siblings: LabelSelector | null): Constraint[] {
	if (siblings === null) return [];
	const counts = honours(pod);
	const of = ({ maxSkew, topologyKey }: (typeof DEFAULTS)[number]): Constraint => {
		return { maxSkew, topologyKey, selector: siblings, minDomains: 1, counts };
	};
	return DEFAULTS.map(of);
}

/** Whether a node counts for a pod that says nothing of it. */
function honours({ spec }: Pod): (node: Node) => boolean {
	if (spec === undefined || (spec.nodeSelector === undefined && spec.affinity === undefined)) return always;
	return (node) => matchesNode(spec, node);
}

const always = () => true;
