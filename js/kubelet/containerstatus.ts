// What a kubelet says of one container (pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses): its state, the state before, and
// whether it has started and is ready.

import type { Container, ContainerStatus, Pod } from "../api/core.ts";
import { timeOf } from "../api/time.ts";
import { isContainerReady } from "./container.ts";
import { containersOf, type PodRun } from "./podrun.ts";
import { FORGOTTEN } from "./restartall.ts";
import { type ContainerRun, type Exit, isSeen } from "./run.ts";

export function containerStatus(run: ContainerRun, pod: Pod): ContainerStatus {
	if (run.status !== null && (run.stage === "observed" || run.stage === "exited")) return run.status;
	const container = containersOf(pod).find(({ name }) => name === run.name) as Container;
	const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
		({ name }) => name === run.name,
	);
	const { state, lastState } = statesOf(run, pod, known);
	return {
		...known,
		name: run.name,
		ready: isContainerReady(run),
		started: run.started && isSeen(run),
		restartCount: run.restarts,
		image: known?.image ?? container.image ?? "",
		state,
		...(run.exit === null && known !== undefined ? {} : { lastState }),
	};
}

interface States {
	state: object;
	lastState: object;
}

function statesOf(run: ContainerRun, pod: Pod, known: ContainerStatus | undefined): States {
	const last = run.exit === null ? {} : { terminated: terminated(run.exit) };
	if (isSeen(run)) {
		const running = (known?.state as { running?: { startedAt?: string } } | undefined)?.running;
		// One that was found running keeps what was said of its start.
		const found = running !== undefined && running.startedAt === undefined && run.restarts === known?.restartCount;
		return { state: { running: found ? running : { startedAt: timeOf(run.startedAt) } }, lastState: last };
	}
	if (run.stage === "unpulled" && run.pull !== null) {
		const { reason, message } = run.pull;
		return { state: { waiting: { reason, message } }, lastState: last };
	}
	if (run.stage === "backoff") {
		const { name, namespace, uid } = pod.metadata;
		const message = `back-off ${goDuration(run.backOffMs)} restarting failed container=${run.name} pod=${name}_${namespace}(${uid})`;
		return { state: { waiting: { reason: "CrashLoopBackOff", message } }, lastState: last };
	}
	if (run.exit?.reason === FORGOTTEN)
		return { state: { waiting: { reason: FORGOTTEN, message: run.exit.message } }, lastState: last };
	// One that begins again is what it was until then.
	const { waiting } = (known?.state ?? {}) as { waiting?: { reason?: string } };
	const begins = run.stage === "starting" || run.unsaid;
	if (run.hookError !== null && (run.stage === "starting" || run.stage === "poststart"))
		return { state: { waiting: { reason: "PostStartHookError", message: run.hookError } }, lastState: last };
	if (begins && waiting !== undefined) return { state: { waiting }, lastState: last };
	if (run.exit !== null)
		return { state: last, lastState: run.before === null ? {} : { terminated: terminated(run.before) } };
	const hasInits = (pod.spec?.initContainers ?? []).length > 0;
	return { state: { waiting: { reason: hasInits ? "PodInitializing" : "ContainerCreating" } }, lastState: {} };
}

function terminated({ code, startedAt, finishedAt, reason, message }: Exit): object {
	return {
		exitCode: code,
		reason: reason ?? (code === 0 ? "Completed" : "Error"),
		...(message === undefined ? {} : { message }),
		startedAt: timeOf(startedAt),
		finishedAt: timeOf(finishedAt),
	};
}

/** As Go prints a time.Duration of whole seconds. */
function goDuration(ms: number): string {
	const seconds = Math.round(ms / 1000);
	return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/**
 * A pod that has ended has no container that waits: those of a pod that was initialized count as lost, and so do init containers up
 * to the last one that began, the first one in any case (TerminatePod).
 */
export function unlocated(run: PodRun, all: Map<string, ContainerStatus>): void {
	const inits = run.containers.filter(({ kind }) => kind !== "main");
	const last = inits.at(-1);
	const isInitialized =
		last === undefined ||
		(last.kind === "init" && last.exit?.code === 0) ||
		run.containers.some(({ kind, exit }) => kind === "main" && exit !== null);
	const begun = Math.max(
		0,
		inits.findLastIndex(({ exit }) => exit !== null),
	);
	const message = "The container could not be located when the pod was terminated";
	const lost = { terminated: { exitCode: 137, reason: "ContainerStatusUnknown", message } };
	for (const { name, kind } of run.containers) {
		const status = all.get(name) as ContainerStatus & { state?: { terminated?: object } };
		const counts = kind === "main" ? isInitialized : inits.findIndex((one) => one.name === name) <= begun;
		if (counts && status.state?.terminated === undefined) all.set(name, { ...status, state: lost });
	}
}
