// A pod's phase and conditions, read off what is said of its containers (pkg/kubelet/kubelet_pods.go getPhase,
// pkg/kubelet/status/generate.go).

import type { Container, ContainerStatus, Pod, PodStatus } from "../api/core.ts";
import type { Condition } from "../api/meta.ts";
import { restartsAfter } from "./restart.ts";
import { FORGOTTEN } from "./restartall.ts";

type Phase = NonNullable<PodStatus["phase"]>;
type Why = Pick<Condition, "status" | "reason" | "message">;
export type Statuses = ReadonlyMap<string, ContainerStatus>;

interface State {
	running?: object;
	waiting?: object;
	terminated?: { exitCode: number; reason?: string };
}

const stateOf = (status: ContainerStatus | undefined): State => (status?.state ?? {}) as State;
const lastOf = (status: ContainerStatus | undefined): State => (status?.lastState ?? {}) as State;
const isSidecar = ({ restartPolicy }: Container) => restartPolicy === "Always";

/** Whether what has ended is to run again. */
function isRestarted(container: Container, pod: Pod, { exitCode, reason }: NonNullable<State["terminated"]>): boolean {
	return reason === FORGOTTEN || restartsAfter(container, pod, exitCode);
}

/** What getPhase counts. */
interface Counts {
	waiting: number;
	running: number;
	stopped: number;
	/** Of `stopped`: that are not to run again. */
	final: number;
	succeeded: number;
}

function countMains(pod: Pod, statuses: Statuses): Counts {
	const counts = { waiting: 0, running: 0, stopped: 0, final: 0, succeeded: 0 };
	for (const container of pod.spec?.containers ?? []) {
		const { running, terminated } = stateOf(statuses.get(container.name));
		const ended = terminated ?? lastOf(statuses.get(container.name)).terminated;
		if (running !== undefined) counts.running++;
		else if (ended === undefined) counts.waiting++;
		else {
			counts.stopped++;
			if (!isRestarted(container, pod, ended)) counts.final++;
			if (terminated?.exitCode === 0) counts.succeeded++;
		}
	}
	return counts;
}

/** `isTerminal`: nothing of it runs or will, whatever its restart policy says. */
export function phaseOf(pod: Pod, statuses: Statuses, isTerminal: boolean): Phase {
	const inits = pod.spec?.initContainers ?? [];
	const { waiting, running, stopped, final, succeeded } = countMains(pod, statuses);
	let [pending, runningSidecars, hasFailed] = [false, 0, false];
	for (const container of inits) {
		const status = statuses.get(container.name);
		const { running: runs, terminated } = stateOf(status);
		const ended = terminated ?? lastOf(status).terminated;
		if (isSidecar(container)) {
			if (runs !== undefined) runningSidecars++;
			// Once the others have run, sidecars that begin again do not count.
			const isNew = runs === undefined && ended === undefined;
			if (isNew || (runs !== undefined && status?.started !== true && !hasBegun(pod, statuses))) pending = true;
		} else if (runs !== undefined || ended === undefined) pending = true;
		else if (ended.exitCode !== 0 && !isRestarted(container, pod, ended)) hasFailed = true;
	}
	if (hasFailed) return "Failed";
	if (pending || waiting > 0) return "Pending";
	if (running + runningSidecars > 0) return "Running";
	if (stopped === 0) return "Pending";
	if (!isTerminal && final < stopped) return "Running";
	return stopped === succeeded ? "Succeeded" : "Failed";
}

/** HasAnyRegularContainerStarted; a pod whose containers all begin anew stays initialized. */
function hasBegun({ spec }: Pod, statuses: Statuses): boolean {
	return (spec?.containers ?? []).some(({ name }) => {
		const { running, terminated } = stateOf(statuses.get(name));
		if (running !== undefined || terminated !== undefined) return true;
		return lastOf(statuses.get(name)).terminated?.reason === FORGOTTEN;
	});
}

const names = (containers: readonly Container[]) => `[${containers.map(({ name }) => name).join(" ")}]`;

/** GenerateContainersReadyCondition */
export function containersReady({ spec }: Pod, statuses: Statuses, phase: Phase): Why {
	if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
	if (phase === "Failed") return { status: "False", reason: "PodFailed" };
	const counted = [...(spec?.initContainers ?? []).filter(isSidecar), ...(spec?.containers ?? [])];
	const unready = counted.filter(({ name }) => statuses.get(name)?.ready !== true);
	if (unready.length === 0) return { status: "True" };
	const message = `containers with unready status: ${names(unready)}`;
	return { status: "False", reason: "ContainersNotReady", message };
}

/** GeneratePodReadyCondition */
export function podReady({ spec, status }: Pod, containers: Why): Why {
	if (containers.status !== "True") return containers;
	const closed = (spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
		const found = status?.conditions?.find(({ type }) => type === conditionType);
		if (found === undefined)
			return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
		return found.status === "True"
			? []
			: [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
	});
	return closed.length === 0
		? { status: "True" }
		: { status: "False", reason: "ReadinessGatesNotReady", message: closed.join(", ") };
}

/** GeneratePodInitializedCondition */
export function initialized(pod: Pod, statuses: Statuses, phase: Phase): Why {
	if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
	const incomplete = (pod.spec?.initContainers ?? []).filter((container) => {
		const status = statuses.get(container.name);
		return isSidecar(container) ? status?.started !== true : status?.ready !== true;
	});
	if (incomplete.length === 0 || hasBegun(pod, statuses)) return { status: "True" };
	const message = `containers with incomplete status: ${names(incomplete)}`;
	return { status: "False", reason: "ContainersNotInitialized", message };
}
