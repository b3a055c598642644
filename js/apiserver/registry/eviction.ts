// A pod that is asked to go, where disruption budgets allow it (pkg/registry/core/pod/storage/eviction.go). Of several budgets over
// one pod none can be spent; a pod that is not ready spends none where enough others are.

import type { Pod } from "../../api/core.ts";
import { type BudgetStatus, DISRUPTION_ALLOWED, SYNC_FAILED, withDisruptionAllowed } from "../../api/disruption.ts";
import type { Condition, KubernetesObject, LabelSelector } from "../../api/meta.ts";
import { isFinished, isReady } from "../../api/pod.ts";
import type { PolicyV1Eviction } from "../../api/schema/types.generated.ts";
import { selects } from "../../api/selector.ts";
import { badRequest, forbidden, StatusError } from "../status.ts";
import { remove } from "./delete.ts";
import { podOf } from "./pod.ts";
import { type DeleteOptions, type Registry, type Subject, timestamp, type WriteOptions } from "./request.ts";

const BUDGETS = "poddisruptionbudgets.policy";
/** Evictions that were allowed and that the controller has not seen done (MaxDisruptedPodSize). */
const DISRUPTED_MAX = 2000;
/** After so many seconds the controller should have looked. */
const RETRY_AFTER = 10;

interface Budget extends KubernetesObject {
	spec?: { selector?: LabelSelector; unhealthyPodEvictionPolicy?: string };
	status?: Partial<BudgetStatus>;
}

/** Throws StatusError 429 where a disruption budget does not allow it now, 500 where several are over the pod. */
export function evict(registry: Registry, subject: Subject, eviction: KubernetesObject, options: WriteOptions): void {
	if (eviction.metadata?.name !== subject.name) throw badRequest("name in URL does not match name in Eviction object");
	const asked = askedOf(eviction, options);
	const pod = podOf(registry, subject) as Pod;
	// What runs no more, or not yet, is nobody's budget.
	const runs = !isFinished(pod) && pod.status?.phase !== "Pending" && pod.metadata.deletionTimestamp === undefined;
	if (runs) spend(registry, pod, asked);
	removeTold(registry, subject, pod, asked);
}

/** Whether it is only tried may be said in the request, or in what it carries (kubectl drain --dry-run=server). */
function askedOf(eviction: KubernetesObject, options: WriteOptions): DeleteOptions {
	const { deleteOptions = {} } = eviction as unknown as PolicyV1Eviction;
	const { gracePeriodSeconds, preconditions, dryRun = [] } = deleteOptions;
	const inside = dryRun.includes("All");
	const given = JSON.parse(JSON.stringify({ gracePeriodSeconds, preconditions })) as DeleteOptions;
	return { ...options, ...given, ...((inside || options.dryRun === true) && { dryRun: true }) };
}

/** The pod says why it goes. */
function removeTold(registry: Registry, subject: Subject, pod: Pod, options: DeleteOptions): void {
	// What is wrong with the options is said before anything is written.
	remove(registry, subject, { ...options, dryRun: true });
	if (options.dryRun === true) return;
	const condition: Condition = {
		type: "DisruptionTarget",
		status: "True",
		lastTransitionTime: timestamp(registry.clock),
		reason: "EvictionByEvictionAPI",
		message: "Eviction API: evicting",
	};
	const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
	registry.storage.put("pods", { ...pod, status: { ...pod.status, conditions: [...others, condition] } } as Pod);
	const { preconditions, ...rest } = options;
	const { uid } = preconditions ?? {};
	remove(registry, subject, uid === undefined ? rest : { ...rest, preconditions: { uid } });
}

function spend(registry: Registry, pod: Pod, { dryRun }: WriteOptions): void {
	const { name = "", namespace = "", labels } = pod.metadata;
	const budgets = (registry.storage.list(BUDGETS, { namespace }).items as Budget[]).filter(({ spec }) =>
		selects(spec?.selector, labels),
	);
	const [budget, ...more] = budgets;
	if (budget === undefined) return;
	if (more.length > 0) {
		const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
		throw new StatusError(500, "", message);
	}
	if (!isReady(pod) && mayGoUnready(budget)) return;
	checkAllowance(budget);
	if (dryRun === true) return;
	const before = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0, ...budget.status };
	const disruptedPods = { ...before.disruptedPods, [name]: timestamp(registry.clock) };
	const status: BudgetStatus = { ...before, disruptionsAllowed: before.disruptionsAllowed - 1, disruptedPods };
	const now = registry.clock.now();
	const told = status.disruptionsAllowed === 0 ? withDisruptionAllowed(status, now) : status;
	registry.storage.put(BUDGETS, { ...budget, status: told });
}

/** A pod that is not ready counts for nothing: it may go where enough others are, or always (KEP-3017). */
function mayGoUnready({ spec, status }: Budget): boolean {
	const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
	return spec?.unhealthyPodEvictionPolicy === "AlwaysAllow" || (currentHealthy >= desiredHealthy && desiredHealthy > 0);
}

/** Throws StatusError 429 where no disruption is allowed now, 403 where the budget's status makes no sense. */
function checkAllowance({ metadata, status = {} }: Budget): void {
	const { name = "", generation = 0 } = metadata;
	if ((status.observedGeneration ?? 0) < generation)
		throw refused(`The disruption budget ${name} is still being processed by the server.`, RETRY_AFTER);
	const allowed = status.disruptionsAllowed ?? 0;
	const about = { group: "policy", resource: "poddisruptionbudget" };
	if (allowed < 0) throw forbidden(about, name, "pdb disruptions allowed is negative");
	if (Object.keys(status.disruptedPods ?? {}).length > DISRUPTED_MAX) {
		const why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
		throw forbidden(about, name, why);
	}
	if (allowed === 0) throw refused(`The disruption budget ${name} ${whyNone(status)}`);
}

function whyNone({ conditions = [], currentHealthy = 0, desiredHealthy = 0 }: Partial<BudgetStatus>): string {
	const condition = conditions.find(({ type }) => type === DISRUPTION_ALLOWED);
	const said = condition?.status === "False" && condition.message ? condition : undefined;
	const none = "does not allow evicting pods currently";
	// Counts are not to be trusted where they could not be made.
	if (said?.reason === SYNC_FAILED) return `${none} because it failed sync: ${said.message}`;
	if (currentHealthy <= desiredHealthy)
		return `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
	return said === undefined ? none : `${none} (${said.reason}): ${said.message}`;
}

function refused(message: string, retryAfterSeconds?: number): StatusError {
	return new StatusError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
		causes: [{ reason: "DisruptionBudget", message }],
		...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
	});
}
