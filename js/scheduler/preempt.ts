// Pods that make room for one of higher priority (pkg/scheduler/framework/preemption/preemption.go;
// plugins/defaultpreemption/default_preemption.go): on which node, and which of them.

import type { Pod } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import { nanosOf } from "../api/time.ts";
import type { NodeState, Occupancy } from "./occupancy.ts";
import { explain, type Refusal } from "./refusal.ts";

/** What a PodDisruptionBudget says here. */
export interface Budget extends KubernetesObject {
	spec?: { selector?: LabelSelector };
	status?: { disruptionsAllowed?: number; disruptedPods?: Record<string, string> };
}

export interface Preemption {
	node: string;
	/** Most important first. */
	victims: readonly Pod[];
}

export interface Question {
	pod: Pod;
	occupancy: Occupancy;
	/** By node: why it was refused. */
	refusals: ReadonlyMap<string, Refusal>;
	budgets: readonly Budget[];
	/** Why a node does not take the pod as it is now; null: it does. */
	refusalOf: (state: NodeState) => Refusal | null;
}

/** Reason of a victim's condition `DisruptionTarget`. */
export const BY_SCHEDULER = "PreemptionByScheduler";

export const priorityOf = ({ spec }: Pod) => spec?.priority ?? 0;

/** Room, or why there is none, as a failure of scheduling says it: `preemption: …`. */
export function preempt(question: Question): Preemption | string {
	const { occupancy, refusals } = question;
	const no = ineligible(question);
	if (no !== null) return `preemption: ${no}`;
	const answers = new Map<string, Refusal>();
	const found: Candidate[] = [];
	const enough = Math.max(100, Math.floor(occupancy.size / 10));
	for (const slot of occupancy.order) {
		const state = occupancy.at(slot);
		// calculateNumCandidates
		if (found.length >= enough && found.some(({ violations }) => violations === 0)) break;
		if (refusals.get(state.name)?.resolvable !== true) {
			answers.set(state.name, { reasons: ["Preemption is not helpful for scheduling"], resolvable: false });
			continue;
		}
		const answer = victimsOn(state, question);
		if ("reasons" in answer) answers.set(state.name, answer);
		else found.push(answer);
	}
	if (found.length === 0) return `preemption: ${explain(occupancy.size, answers.values())}`;
	const { node, victims } = chosen(found);
	return { node, victims: victims.sort(byImportance) };
}

/** In upstream's words; null: it may. */
function ineligible({ pod, occupancy, refusals }: Question): string | null {
	if (pod.spec?.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
	const nominated = pod.status?.nominatedNodeName ?? "";
	if (nominated === "" || refusals.get(nominated)?.resolvable === false) return null;
	for (const other of occupancy.state(nominated)?.pods.values() ?? [])
		if (priorityOf(other) < priorityOf(pod) && isMakingRoom(other))
			return "not eligible due to a terminating pod on the nominated node.";
	return null;
}

const isMakingRoom = ({ metadata, status }: Pod) =>
	metadata.deletionTimestamp !== undefined &&
	(status?.conditions ?? []).some((one) => one.type === "DisruptionTarget" && one.reason === BY_SCHEDULER);

interface Candidate {
	node: string;
	victims: Pod[];
	/** How many budgets would be broken. */
	violations: number;
}

/** The fewest that have to go: all that may are taken away, and then brought back as long as the pod still fits. */
function victimsOn(state: NodeState, { pod, occupancy, budgets, refusalOf }: Question): Candidate | Refusal {
	const lesser = [...state.pods.values()].filter((other) => priorityOf(other) < priorityOf(pod));
	if (lesser.length === 0) return { reasons: ["No preemption victims found for incoming pod"], resolvable: false };
	for (const other of lesser) occupancy.release(other);
	const away = new Set(lesser);
	try {
		const refused = refusalOf(state);
		if (refused !== null) return refused;
		const [violating, others] = byBudgets(lesser.sort(byImportance), budgets);
		let violations = 0;
		for (const other of [...violating, ...others]) {
			occupancy.occupy(other);
			away.delete(other);
			if (refusalOf(state) === null) continue;
			occupancy.release(other);
			away.add(other);
			if (violating.includes(other)) violations++;
		}
		return { node: state.name, victims: [...away], violations };
	} finally {
		for (const other of away) occupancy.occupy(other);
	}
}

/** Higher priority, then the longer running one (util.MoreImportantPod); of those the first by name. */
function byImportance(a: Pod, b: Pod): number {
	const [first, second] = [startOf(a), startOf(b)];
	const older = first === second ? 0 : first < second ? -1 : 1;
	return priorityOf(b) - priorityOf(a) || older || (keyOf(a) < keyOf(b) ? -1 : 1);
}

/** One that has not started yet is the youngest. */
const startOf = ({ status }: Pod) => nanosOf(status?.startTime) ?? 2n ** 63n;

/** Those that a budget cannot spare, and the others, each in order (filterPodsWithPDBViolation). */
function byBudgets(pods: readonly Pod[], budgets: readonly Budget[]): [Pod[], Pod[]] {
	const left = budgets.map(({ status }) => status?.disruptionsAllowed ?? 0);
	const [violating, others]: [Pod[], Pod[]] = [[], []];
	for (const pod of pods) {
		let violates = false;
		for (const [i, { metadata, spec, status }] of budgets.entries()) {
			const { labels = {}, namespace, name = "" } = pod.metadata;
			if (metadata.namespace !== namespace || Object.keys(labels).length === 0) continue;
			if (isEmpty(spec?.selector) || !selects(spec?.selector, labels)) continue;
			if (status?.disruptedPods !== undefined && name in status.disruptedPods) continue;
			left[i] = (left[i] ?? 0) - 1;
			if ((left[i] ?? 0) < 0) violates = true;
		}
		(violates ? violating : others).push(pod);
	}
	return [violating, others];
}

const isEmpty = (selector: LabelSelector | undefined) =>
	Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length === 0;

/** pickOneNodeForPreemption: the first criterion that tells them apart decides, else the first node. */
function chosen(found: readonly Candidate[]): Candidate {
	const priorities = ({ victims }: Candidate) => victims.map(priorityOf);
	const criteria: ((candidate: Candidate) => bigint)[] = [
		({ violations }) => BigInt(violations),
		(candidate) => BigInt(Math.max(...priorities(candidate))),
		// Each counts, even where its priority is negative.
		(candidate) => priorities(candidate).reduce((sum, priority) => sum + BigInt(priority) + 2n ** 31n, 0n),
		({ victims }) => BigInt(victims.length),
		(candidate) => -earliestStart(candidate),
	];
	let left = [...found];
	for (const criterion of criteria) {
		const values = left.map(criterion);
		const least = leastOf(values);
		left = left.filter((_, i) => values[i] === least);
		if (left.length === 1) break;
	}
	return left[0] as Candidate;
}

/** Of the victims with the highest priority, ns. */
function earliestStart({ victims }: Candidate): bigint {
	const most = Math.max(...victims.map(priorityOf));
	return leastOf(victims.filter((pod) => priorityOf(pod) === most).map(startOf));
}

function leastOf(values: readonly bigint[]): bigint {
	let [least = 0n] = values;
	for (const value of values) if (value < least) least = value;
	return least;
}
