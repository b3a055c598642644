// Which nodes a pod may run on: nodeSelector, required and preferred node affinity, taints and tolerations
// (component-helpers scheduling/corev1). The scheduler and the DaemonSet controller ask the same questions.

import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Taint, Toleration } from "./core.ts";
import { selectsLabels } from "./selector.ts";

/** Taints that keep a pod from being placed. */
const HARD: readonly Taint["effect"][] = ["NoSchedule", "NoExecute"];

/** Whether nodeSelector and required node affinity let the pod run on the node. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
	if (!selectsLabels(spec.nodeSelector ?? {}, node.metadata.labels)) return false;
	const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
	return (
		required === undefined || required === null || required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
	);
}

/** A term without any requirement matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
	const expressions = term.matchExpressions ?? [];
	const fields = term.matchFields ?? [];
	if (expressions.length + fields.length === 0) return false;
	return (
		expressions.every((requirement) => satisfies(requirement, node.metadata.labels?.[requirement.key])) &&
		fields.every((requirement) => requirement.key === "metadata.name" && satisfies(requirement, node.metadata.name))
	);
}

function satisfies({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
	switch (operator) {
		case "In":
			return value !== undefined && values.includes(value);
		case "NotIn":
			return value === undefined || !values.includes(value);
		case "Exists":
			return value !== undefined;
		case "DoesNotExist":
			return value === undefined;
		case "Gt":
			return compare(value, values[0], (a, b) => a > b);
		case "Lt":
			return compare(value, values[0], (a, b) => a < b);
	}
}

/** Gt and Lt compare integers; anything else never matches. */
function compare(a: string | undefined, b: string | undefined, holds: (a: number, b: number) => boolean): boolean {
	const integer = /^[+-]?[0-9]+$/;
	return a !== undefined && b !== undefined && integer.test(a) && integer.test(b) && holds(Number(a), Number(b));
}

/** The first taint with one of the effects that no toleration covers. */
export function untolerated(node: Node, tolerations: readonly Toleration[], effects = HARD): Taint | undefined {
	return (node.spec?.taints ?? []).find(
		(taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)),
	);
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
	if (toleration.effect && toleration.effect !== taint.effect) return false;
	if (toleration.key && toleration.key !== taint.key) return false;
	switch (toleration.operator ?? "Equal") {
		case "Exists":
			return true;
		case "Equal":
			return Boolean(toleration.key) && (toleration.value ?? "") === (taint.value ?? "");
		case "Gt":
			return compare(taint.value, toleration.value, (a, b) => a > b);
		case "Lt":
			return compare(taint.value, toleration.value, (a, b) => a < b);
	}
}

/** Sum of the weights of the preferred terms that the node meets. */
export function preference(spec: PodSpec, node: Node): number {
	const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
	return preferred.reduce((sum, { weight, preference: term }) => sum + (matchesTerm(term, node) ? weight : 0), 0);
}

/** A host port that a pod takes on its node. */
export interface HostPort {
	protocol: string;
	/** `0.0.0.0` is every address. */
	address: string;
	port: number;
}

/** Host ports of the pod's containers; of a hostNetwork pod every declared port. */
export function hostPorts(pod: Pod): HostPort[] {
	const hostNetwork = pod.spec?.hostNetwork === true;
	const containers = [
		...(pod.spec?.containers ?? []),
		...(pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always"),
	];
	return containers.flatMap((container) =>
		(container.ports ?? []).flatMap((entry) => {
			const port = entry.hostPort || (hostNetwork ? entry.containerPort : 0);
			return port === 0 ? [] : [{ protocol: entry.protocol ?? "TCP", address: entry.hostIP || "0.0.0.0", port }];
		}),
	);
}

export function hostPortsClash(a: HostPort, b: HostPort): boolean {
	if (a.port !== b.port || a.protocol !== b.protocol) return false;
	return a.address === b.address || a.address === "0.0.0.0" || b.address === "0.0.0.0";
}
