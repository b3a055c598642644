// The slow reference of placement: every node and every pod is looked at for every question, each score is worked out for all
// that fit, and the best of them is taken. As upstream's default profile for pods and nodes of the few kinds that its test makes.

import type { Node, Pod, PodAffinityTerm } from "../../js/api/core.ts";
import { ZONE } from "../../js/api/labels.ts";
import { hostPorts, hostPortsClash, matchesNode, preference, tolerates, untolerated } from "../../js/api/placement.ts";
import { selects } from "../../js/api/selector.ts";

/** What runs where, in the nodes' order. */
export interface Ground {
	nodes: readonly Node[];
	/** Bound ones. */
	pods: readonly Pod[];
	/** The labels that pods have whom this one is spread among; null: nobody. */
	siblings: (pod: Pod) => Readonly<Record<string, string>> | null;
}

const label = (node: Node, key: string) => node.metadata.labels?.[key];
const nodeOf = ({ nodes }: Ground, pod: Pod) => nodes.find(({ metadata }) => metadata.name === pod.spec?.nodeName);
const on = ({ pods }: Ground, node: Node) => pods.filter(({ spec }) => spec?.nodeName === node.metadata.name);
const antiAffinity = (pod: Pod) =>
	pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const milli = (pod: Pod) =>
	(pod.spec?.containers ?? []).reduce(
		(sum, one) => sum + Number.parseInt(one.resources?.requests?.["cpu"] ?? "0", 10),
		0,
	);

const selected = (term: PodAffinityTerm, other: Pod) => selects(term.labelSelector, other.metadata.labels);

function inDomain(ground: Ground, term: PodAffinityTerm, node: Node): boolean {
	const domain = label(node, term.topologyKey);
	if (domain === undefined) return false;
	return ground.pods.some((other) => {
		const there = nodeOf(ground, other);
		return there !== undefined && label(there, term.topologyKey) === domain && selected(term, other);
	});
}

function spreads(ground: Ground, pod: Pod, node: Node): boolean {
	return (pod.spec?.topologySpreadConstraints ?? []).every(({ topologyKey, labelSelector, maxSkew }) => {
		const here = label(node, topologyKey);
		if (here === undefined) return false;
		const counts = new Map<string, number>();
		for (const one of ground.nodes) {
			const domain = label(one, topologyKey);
			if (domain === undefined || pod.spec === undefined || !matchesNode(pod.spec, one)) continue;
			const matching = on(ground, one).filter(({ metadata }) => selects(labelSelector, metadata.labels)).length;
			counts.set(domain, (counts.get(domain) ?? 0) + matching);
		}
		const self = selects(labelSelector, pod.metadata.labels) ? 1 : 0;
		return (counts.get(here) ?? 0) + self - Math.min(...counts.values()) <= maxSkew;
	});
}

function fits(ground: Ground, pod: Pod, node: Node): boolean {
	const { spec } = pod;
	if (spec === undefined) return false;
	const here = on(ground, node);
	if (node.spec?.unschedulable === true || untolerated(node, spec.tolerations ?? []) !== undefined) return false;
	if (!matchesNode(spec, node)) return false;
	if (hostPorts(pod).some((port) => here.flatMap(hostPorts).some((taken) => hostPortsClash(port, taken)))) return false;
	const { pods, cpu } = node.status?.allocatable ?? {};
	if (pods !== undefined && here.length + 1 > Number(pods)) return false;
	const used = here.reduce((sum, one) => sum + milli(one), 0);
	if (cpu !== undefined && milli(pod) > 0 && used + milli(pod) > Number.parseInt(cpu, 10)) return false;
	if (!spreads(ground, pod, node)) return false;
	for (const term of spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
		if (inDomain(ground, term, node)) continue;
		const alone = selected(term, pod) && label(node, term.topologyKey) !== undefined;
		const isAnywhere = ground.pods.some((other) => {
			const there = nodeOf(ground, other);
			return there !== undefined && label(there, term.topologyKey) !== undefined && selected(term, other);
		});
		if (!alone || isAnywhere) return false;
	}
	if (antiAffinity(pod).some((term) => inDomain(ground, term, node))) return false;
	return !ground.pods.some((other) => {
		const there = nodeOf(ground, other);
		return antiAffinity(other).some((term) => {
			const domain = there && label(there, term.topologyKey);
			return domain !== undefined && domain === label(node, term.topologyKey) && selected(term, pod);
		});
	});
}

type Scored = (node: Node) => number;

/** To 0 … 100 by the highest. */
function shares(nodes: readonly Node[], raw: Scored, reverse = false): Scored {
	const most = Math.max(0, ...nodes.map(raw));
	return (node) => {
		const share = most === 0 ? 0 : Math.floor((100 * raw(node)) / most);
		return reverse ? 100 - share : share;
	};
}

/** Of cpu alone: the test's nodes say no more. */
function leastAllocated(ground: Ground, pod: Pod): Scored {
	const counted = (one: Pod) =>
		one.spec?.containers[0]?.resources?.requests?.["cpu"] === undefined ? 100 : milli(one);
	return (node) => {
		const has = Number.parseInt(node.status?.allocatable?.["cpu"] ?? "0", 10);
		const taken = on(ground, node).reduce((sum, one) => sum + counted(one), counted(pod));
		return taken > has ? 0 : Math.floor((100 * (has - taken)) / has);
	};
}

/** By host with a maxSkew of 3, by zone with one of 5. */
function defaultSpread(ground: Ground, pod: Pod, nodes: readonly Node[]): Scored {
	const wanted = ground.siblings(pod);
	if (wanted === null || (pod.spec?.topologySpreadConstraints ?? []).length > 0) return () => 0;
	const matches = (one: Pod) => selects({ matchLabels: { ...wanted } }, one.metadata.labels);
	const raw: Scored = (node) => {
		const here = on(ground, node).filter(matches).length * Math.log(nodes.length + 2) + 2;
		const zone = label(node, ZONE);
		if (zone === undefined) return Math.round(here);
		const zones = new Set(nodes.map((one) => label(one, ZONE) ?? ""));
		const counting = ground.nodes.filter(
			(one) => label(one, ZONE) === zone && pod.spec !== undefined && matchesNode(pod.spec, one),
		);
		const there = counting.flatMap((one) => on(ground, one)).filter(matches).length;
		return Math.round(here + there * Math.log(zones.size + 2) + 4);
	};
	const [least, most] = [Math.min(...nodes.map(raw)), Math.max(...nodes.map(raw))];
	return (node) => (most === 0 ? 100 : Math.floor((100 * (most + least - raw(node))) / most));
}

/** What the pod prefers of others, and they of it; who needs company is glad of any. */
function company(ground: Ground, pod: Pod, nodes: readonly Node[]): Scored {
	const raw: Scored = (node) => {
		let sum = 0;
		for (const other of ground.pods) {
			const there = nodeOf(ground, other);
			const weigh = (term: PodAffinityTerm, of: Pod, weight: number) => {
				const domain = there && label(there, term.topologyKey);
				if (domain !== undefined && domain === label(node, term.topologyKey) && selected(term, of)) sum += weight;
			};
			const prefers = (who: Pod, whom: Pod) => {
				const { podAffinity, podAntiAffinity } = who.spec?.affinity ?? {};
				for (const one of podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
					weigh(one.podAffinityTerm, whom, one.weight);
				for (const one of podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
					weigh(one.podAffinityTerm, whom, -one.weight);
			};
			prefers(pod, other);
			prefers(other, pod);
			for (const term of other.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
				weigh(term, pod, 1);
		}
		return sum;
	};
	const [least, most] = [Math.min(...nodes.map(raw)), Math.max(...nodes.map(raw))];
	return (node) => (most === least ? 0 : Math.floor((100 * (raw(node) - least)) / (most - least)));
}

/** One of each zone in turn. */
function inTurn(nodes: readonly Node[]): Node[] {
	const zones = [...new Set(nodes.map((node) => label(node, ZONE)))];
	const round = (node: Node) => nodes.filter((one) => label(one, ZONE) === label(node, ZONE)).indexOf(node);
	const zone = (node: Node) => zones.indexOf(label(node, ZONE));
	return [...nodes].sort((a, b) => round(a) - round(b) || zone(a) - zone(b));
}

/** The name of the best node; null where the pod fits on none. */
export function placeOf(ground: Ground, pod: Pod): string | null {
	const nodes = inTurn(ground.nodes).filter((node) => fits(ground, pod, node));
	const disliked = (node: Node) =>
		(node.spec?.taints ?? []).filter(
			(taint) =>
				taint.effect === "PreferNoSchedule" && !(pod.spec?.tolerations ?? []).some((one) => tolerates(one, taint)),
		).length;
	const scores: [number, Scored][] = [
		[3, shares(nodes, disliked, true)],
		[2, shares(nodes, (node) => (pod.spec === undefined ? 0 : preference(pod.spec, node)))],
		[2, defaultSpread(ground, pod, nodes)],
		[2, company(ground, pod, nodes)],
		[1, leastAllocated(ground, pod)],
	];
	const total = (node: Node) => scores.reduce((sum, [weight, score]) => sum + weight * score(node), 0);
	const ranked = nodes.map((node) => ({ node, score: total(node), pods: on(ground, node).length }));
	ranked.sort((a, b) => b.score - a.score || a.pods - b.pods);
	return ranked[0]?.node.metadata.name ?? null;
}
