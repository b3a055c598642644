// PodDisruptionBudgets: how many of a budget's pods may go now (pkg/controller/disruption/disruption.go). Owners by the scale
// subresource of custom resources are not looked for.

import type { Deployment, ReplicaSet } from "../api/apps.ts";
import type { Pod } from "../api/core.ts";
import { type BudgetStatus, withDisruptionAllowed } from "../api/disruption.ts";
import { semanticEqual } from "../api/equality.ts";
import { keyOf } from "../api/key.ts";
import type { IntOrString, KubernetesObject, LabelSelector, OwnerReference } from "../api/meta.ts";
import { isReady } from "../api/pod.ts";
import { NotYet } from "../api/reason.ts";
import { nanosOf } from "../api/time.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";
import { scaledValue } from "./bounds.ts";
import { objectAt, ownKey } from "./claim.ts";
import { selected, selecting } from "./lookup.ts";
import { controllerOf } from "./pod.ts";

const BUDGETS = "poddisruptionbudgets.policy";
/** How long an evicted pod may take to be deleted. */
const DELETION_TIMEOUT = 120n * 1_000_000_000n;

interface Budget extends KubernetesObject {
	spec?: { selector?: LabelSelector; minAvailable?: IntOrString; maxUnavailable?: IntOrString };
	status?: BudgetStatus;
}

export const disruption: Component = { name: "disruption", watches: { [BUDGETS]: ownKey, pods: keysOfPod }, reconcile };

function keysOfPod({ object, previous }: StoreChange, store: Store): string[] {
	const keysOf = ({ metadata }: KubernetesObject) =>
		selecting<Budget>(store, BUDGETS, ({ spec }) => spec?.selector, metadata).map(keyOf);
	if (previous === undefined || previous.metadata.labels === object.metadata.labels) return keysOf(object);
	return [...new Set([...keysOf(object), ...keysOf(previous)])].sort();
}

function reconcile(key: string, world: World): Later | undefined {
	const { store, clock } = world;
	const budget = objectAt<Budget>(store, BUDGETS, key);
	if (budget === undefined) return undefined;
	const pods = selected<Pod>(store, "pods", budget.metadata.namespace ?? "", budget.spec?.selector);
	if (pods.length === 0) world.recorder.event(budget, "Normal", "NoPods", "No matching pods found");
	try {
		return count(budget, pods, world);
	} catch (error) {
		if (!(error instanceof NotYet)) throw error;
		world.recorder.event(
			budget,
			"Warning",
			"CalculateExpectedPodCountFailed",
			`Failed to calculate the number of expected pods: ${error.message}`,
		);
		// Nothing may go where nobody knows what is there.
		const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0, ...rest } = budget.status ?? {};
		const status = { ...rest, currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: 0 };
		write(store, budget, withDisruptionAllowed(status, clock.now(), error.message));
		return undefined;
	}
}

function count(budget: Budget, pods: readonly Pod[], world: World): Later | undefined {
	const now = world.clock.now();
	const [expectedPods, desiredHealthy] = expected(budget, pods, world);
	const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
	const disrupted: Record<string, string> = {};
	let recheck: bigint | null = null;
	for (const pod of staying) {
		const name = pod.metadata.name ?? "";
		const time = budget.status?.disruptedPods?.[name];
		const until = (nanosOf(time) ?? 0n) + DELETION_TIMEOUT;
		if (time === undefined) continue;
		if (until < now) {
			const { namespace } = budget.metadata;
			// Upstream prints the namespace twice.
			const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`;
			world.recorder.event(pod, "Warning", "NotDeleted", message);
		} else {
			disrupted[name] = time;
			if (recheck === null || until < recheck) recheck = until;
		}
	}
	const healthy = staying.filter((pod) => isReady(pod) && disrupted[pod.metadata.name ?? ""] === undefined).length;
	const allowed = expectedPods <= 0 ? 0 : Math.max(0, healthy - desiredHealthy);
	const status: BudgetStatus = {
		currentHealthy: healthy,
		desiredHealthy,
		disruptionsAllowed: allowed,
		expectedPods,
		...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
		observedGeneration: budget.metadata.generation ?? 0,
		conditions: budget.status?.conditions ?? [],
	};
	write(world.store, budget, withDisruptionAllowed(status, now));
	return recheck === null ? undefined : { idleMs: Number(recheck - now) / 1e6 + 1 };
}

function write(store: Store, budget: Budget, status: BudgetStatus): void {
	if (!semanticEqual(status, budget.status)) store.updateStatus(BUDGETS, { ...budget, status });
}

/** How many pods there shall be, and how many of them must be healthy (getExpectedPodCount). */
function expected(budget: Budget, pods: readonly Pod[], world: World): [pods: number, healthy: number] {
	const { minAvailable, maxUnavailable } = budget.spec ?? {};
	if (maxUnavailable !== undefined) {
		const scale = scaleOf(budget, pods, world);
		return [scale, Math.max(0, scale - scaledValue(maxUnavailable, scale, "up"))];
	}
	if (typeof minAvailable === "number") return [pods.length, minAvailable];
	if (minAvailable === undefined) return [0, 0];
	const scale = scaleOf(budget, pods, world);
	return [scale, scaledValue(minAvailable, scale, "up")];
}

/** What the pods' owners are scaled to. Pods without an owner do not count, and are told of. Throws NotYet. */
function scaleOf(budget: Budget, pods: readonly Pod[], { store, recorder }: World): number {
	const scales = new Map<string, number>();
	let unmanaged = false;
	for (const pod of pods) {
		const controller = controllerOf(pod);
		if (controller === undefined) {
			unmanaged = true;
			continue;
		}
		if (scales.has(controller.uid)) continue;
		const found = ownerScale(store, pod.metadata.namespace ?? "", controller);
		if (found === undefined) throw new NotYet(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
		scales.set(found.uid, found.replicas);
	}
	if (unmanaged)
		recorder.event(
			budget,
			"Warning",
			"UnmanagedPods",
			`Pods selected by this PodDisruptionBudget (selector: ${goSelector(budget.spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`,
		);
	return [...scales.values()].reduce((total, replicas) => total + replicas, 0);
}

const RESOURCES: Readonly<Record<string, string>> = {
	ReplicaSet: "replicasets.apps",
	StatefulSet: "statefulsets.apps",
	ReplicationController: "replicationcontrollers",
};

interface Scale {
	uid: string;
	replicas: number;
}

function ownerScale(store: Store, namespace: string, reference: OwnerReference): Scale | undefined {
	const { apiVersion, kind, name, uid } = reference;
	const resource = RESOURCES[kind];
	const group = apiVersion.includes("/") ? `.${apiVersion.split("/")[0]}` : "";
	if (resource === undefined)
		throw new NotYet(`${kind.toLowerCase()}s${group} does not implement the scale subresource`);
	const owner = store.get<ReplicaSet>(resource, namespace, name);
	if (owner?.metadata.uid !== uid) return undefined;
	const above = kind === "ReplicaSet" ? controllerOf(owner) : undefined;
	if (above?.kind !== "Deployment") return { uid, replicas: owner.spec?.replicas ?? 1 };
	const deployment = store.get<Deployment>("deployments.apps", namespace, above.name);
	if (deployment?.metadata.uid !== above.uid) return undefined;
	return { uid: above.uid, replicas: deployment.spec?.replicas ?? 1 };
}

/** A selector as Go prints one. */
function goSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
	const labels = Object.entries(matchLabels)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, value]) => `${key}: ${value},`);
	const expressions = matchExpressions.map(
		({ key, operator, values = [] }) =>
			`LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(" ")}],}`,
	);
	return `&LabelSelector{MatchLabels:map[string]string{${labels.join("")}},MatchExpressions:[]LabelSelectorRequirement{${expressions.map((one) => `${one},`).join("")}},}`;
}
