// Pods of a kind over zones and nodes (plugins/podtopologyspread): hard constraints refuse a node, soft ones and the defaults of
// the cluster score it.

import type { Node, Pod, TopologySpreadConstraint } from "../api/core.ts";
import { ZONE } from "../api/labels.ts";
import type { LabelSelector } from "../api/meta.ts";
import { matchesNode, untolerated } from "../api/placement.ts";
import { selects } from "../api/selector.ts";
import type { NodeState, Occupancy } from "./occupancy.ts";
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
	// Defaults of the cluster do not ask for every label; what is not scored is NaN from here on.
	if (isOwn)
		for (let i = 0; i < slots.length; i++)
			if (!hasAll(occupancy.at(slots[i] as number).node, soft)) scores[i] = Number.NaN;
	for (const constraint of soft) addSpread(scores, slots, constraint, isOwn ? soft : [], pod, occupancy);
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

/** What one constraint has to say: pods in the node's domain, weighed by how many domains there are. */
function addSpread(
	scores: Float64Array,
	slots: Int32Array,
	constraint: Constraint,
	asked: readonly Constraint[],
	pod: Pod,
	occupancy: Occupancy,
): void {
	const { topologyKey, selector } = constraint;
	const onNode = occupancy.counts(pod.metadata.namespace ?? "", selector);
	const { ids } = occupancy.domains(topologyKey);
	// Of hosts every node that is scored is a domain, as upstream has it.
	if (topologyKey === HOSTNAME) {
		const sums = occupancy.room.counts(ids.length);
		const there: number[] = [];
		for (const [name, count] of onNode) {
			const slot = occupancy.state(name)?.slot;
			if (slot === undefined) continue;
			sums[slot] = count;
			there.push(slot);
		}
		let domains = 0;
		for (let i = 0; i < slots.length; i++) if (!Number.isNaN(scores[i])) domains++;
		weigh(scores, slots, sums, null, ids, constraint, domains);
		for (const slot of there) sums[slot] = 0;
	} else {
		const { sums, domains } = byDomain(scores, slots, constraint, asked, onNode, occupancy);
		weigh(scores, slots, sums, ids, ids, constraint, domains);
	}
}

/** Pods by domain, the first that of nodes without one; and how many domains the nodes that are scored have. */
function byDomain(
	scores: Float64Array,
	slots: Int32Array,
	{ topologyKey, counts }: Constraint,
	asked: readonly Constraint[],
	onNode: ReadonlyMap<string, number>,
	occupancy: Occupancy,
): { sums: Float64Array; domains: number } {
	const { ids, size } = occupancy.domains(topologyKey);
	const sums = new Float64Array(size + 1);
	const isKnown = new Uint8Array(size + 1);
	let domains = 0;
	for (let i = 0; i < slots.length; i++) {
		if (Number.isNaN(scores[i])) continue;
		const domain = (ids[slots[i] as number] as number) + 1;
		if (isKnown[domain] === 1) continue;
		isKnown[domain] = 1;
		domains++;
	}
	for (const [name, count] of onNode) {
		const state = occupancy.state(name);
		if (state === undefined || !counts(state.node) || !hasAll(state.node, asked)) continue;
		const domain = (ids[state.slot] as number) + 1;
		sums[domain] = (sums[domain] as number) + count;
	}
	return { sums, domains };
}

/** `places`: of each slot's sum, from the second on; null: by slot. */
function weigh(
	scores: Float64Array,
	slots: Int32Array,
	sums: Float64Array,
	places: Int32Array | null,
	ids: Int32Array,
	{ maxSkew }: Constraint,
	domains: number,
): void {
	const weight = Math.log(domains + 2);
	for (let i = 0; i < slots.length; i++) {
		const slot = slots[i] as number;
		if ((ids[slot] as number) < 0) continue;
		const count = sums[places === null ? slot : (places[slot] as number) + 1] as number;
		scores[i] = (scores[i] as number) + count * weight + maxSkew - 1;
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

const honours = (pod: Pod) => (node: Node) => pod.spec === undefined || matchesNode(pod.spec, node);
