// The slow reference of placement: every node and every pod is looked at for every question, and the best of all that fit is taken.

import type { Node, Pod, PodAffinityTerm } from "../../js/api/core.ts";
import { ZONE } from "../../js/api/labels.ts";
import { hostPorts, hostPortsClash, matchesNode, preference, tolerates, untolerated } from "../../js/api/placement.ts";
import { selects } from "../../js/api/selector.ts";

/** What runs where, in the nodes' order. */
export interface Ground {
	nodes: readonly Node[];
	/** Bound ones. */
	pods: readonly Pod[];
}

const label = (node: Node, key: string) => node.metadata.labels?.[key];
const nodeOf = ({ nodes }: Ground, pod: Pod) => nodes.find(({ metadata }) => metadata.name === pod.spec?.nodeName);
const on = ({ pods }: Ground, node: Node) => pods.filter(({ spec }) => spec?.nodeName === node.metadata.name);
const antiAffinity = (pod: Pod) =>
	pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const controller = ({ metadata }: Pod) => metadata.ownerReferences?.find((one) => one.controller === true)?.name;
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
		if (!alone || ground.pods.some((other) => nodeOf(ground, other) && selected(term, other))) return false;
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

/** The name of the best node; null where the pod fits on none. */
export function placeOf(ground: Ground, pod: Pod): string | null {
	const owner = controller(pod);
	const siblings = ground.pods.filter((one) => owner !== undefined && controller(one) === owner);
	const scored = ground.nodes.flatMap((node, order) => {
		if (!fits(ground, pod, node)) return [];
		const disliked = (node.spec?.taints ?? []).filter(
			(taint) =>
				taint.effect === "PreferNoSchedule" && !(pod.spec?.tolerations ?? []).some((one) => tolerates(one, taint)),
		).length;
		const zone = siblings.filter((one) => {
			const there = nodeOf(ground, one);
			return there !== undefined && label(there, ZONE) === label(node, ZONE);
		});
		const preferred = pod.spec === undefined ? 0 : preference(pod.spec, node);
		const here = siblings.filter(({ spec }) => spec?.nodeName === node.metadata.name);
		return [{ node, score: [disliked, -preferred, here.length, zone.length, on(ground, node).length, order] }];
	});
	scored.sort((a, b) => {
		const i = a.score.findIndex((value, at) => value !== b.score[at]);
		return i < 0 ? 0 : (a.score[i] ?? 0) - (b.score[i] ?? 0);
	});
	return scored[0]?.node.metadata.name ?? null;
}
