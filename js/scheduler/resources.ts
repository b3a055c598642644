// What a pod requests of a node, and what a node has left of it (component-helpers resource/helpers.go;
// pkg/scheduler/framework/plugins/noderesources/fit.go). Whole millicores and bytes, as upstream counts them.

import type { Container, Node, Pod } from "../api/core.ts";
import { parseQuantity } from "../api/quantity.ts";

/** By resource; of cpu thousandths. */
export type Amounts = Record<string, number>;

/** What a container that names no cpu or memory counts for where nodes are compared (schedutil/pod_resources.go). */
const MISSING: Amounts = { cpu: 100, memory: 200 * 2 ** 20 };

function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
	const amounts: Amounts = {};
	for (const [name, quantity] of Object.entries(list ?? {})) {
		const value = (parseQuantity(quantity) ?? 0) * (name === "cpu" ? 1000 : 1);
		// A double's last digit is no millicore.
		amounts[name] = Math.ceil(value - 1e-6);
	}
	return amounts;
}

export function addTo(sum: Amounts, more: Readonly<Amounts>, sign = 1): void {
	for (const name in more) sum[name] = (sum[name] ?? 0) + sign * (more[name] ?? 0);
}

function raiseTo(most: Amounts, other: Readonly<Amounts>): void {
	for (const name in other) most[name] = Math.max(most[name] ?? 0, other[name] ?? 0);
}

function containerRequests({ resources }: Container, missing: Readonly<Amounts>): Amounts {
	return { ...missing, ...amountsOf({ ...resources?.limits, ...resources?.requests }) };
}

/**
 * What a pod takes: its containers and sidecars together, or an init container with the sidecars before it, whatever is more;
 * cpu and memory of the pod as a whole instead, where it says them; and its overhead. `missing`: of containers that say nothing.
 */
function requestsOf({ spec }: Pod, missing: Readonly<Amounts> = {}): Amounts {
	const total: Amounts = {};
	for (const container of spec?.containers ?? []) addTo(total, containerRequests(container, missing));
	const sidecars: Amounts = {};
	const starting: Amounts = {};
	for (const container of spec?.initContainers ?? []) {
		const own = containerRequests(container, missing);
		if (container.restartPolicy === "Always") {
			addTo(total, own);
			addTo(sidecars, own);
			raiseTo(starting, sidecars);
		} else {
			addTo(own, sidecars);
			raiseTo(starting, own);
		}
	}
	raiseTo(total, starting);
	const whole = amountsOf({ ...spec?.resources?.limits, ...spec?.resources?.requests });
	Object.assign(total, whole);
	addTo(total, amountsOf(spec?.overhead));
	return total;
}

export interface Requests {
	/** As it says. */
	said: Amounts;
	/** With what counts for those that say nothing. */
	counted: { cpu: number; memory: number };
}

export function podRequests(pod: Pod): Requests {
	const { cpu = 0, memory = 0 } = requestsOf(pod, MISSING);
	return { said: requestsOf(pod), counted: { cpu, memory } };
}

/** null: a node that does not say has all that is asked for. */
export function allocatableOf({ status }: Node): Amounts | null {
	return status?.allocatable === undefined ? null : amountsOf(status.allocatable);
}

export interface Shortage {
	reasons: string[];
	/** Whether an empty node would do. */
	resolvable: boolean;
}

/** What a node lacks, in upstream's words; null where nothing. `pods`: how many run there. */
export function shortage(
	wanted: Readonly<Amounts>,
	allocatable: Readonly<Amounts> | null,
	requested: Readonly<Amounts>,
	pods: number,
): Shortage | null {
	if (allocatable === null) return null;
	let reasons: string[] | null = null;
	let resolvable = true;
	const most = allocatable["pods"];
	if (most !== undefined && pods + 1 > most) reasons = ["Too many pods"];
	for (const name in wanted) {
		const amount = wanted[name] as number;
		const has = allocatable[name] ?? (ASSUMED.has(name) ? Number.POSITIVE_INFINITY : 0);
		if (amount === 0 || amount <= has - (requested[name] ?? 0)) continue;
		(reasons ??= []).push(`Insufficient ${name}`);
		if (amount > has) resolvable = false;
	}
	return reasons === null ? null : { reasons, resolvable };
}

/** Of which a node that names some of its resources, and not these, is taken to have enough. */
const ASSUMED: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
