// Pods: the status column is a story of its own (printers.go: printPod).

import type {
	CoreV1Container,
	CoreV1ContainerStateTerminated,
	CoreV1ContainerStatus,
	CoreV1Pod,
	CoreV1PodStatus,
} from "../../../api/schema/types.generated.ts";
import { age } from "./age.ts";
import { AGE, type Cell, columns, NAME, text, wide } from "./column.ts";

interface Story {
	ready: number;
	total: number;
	reason: string;
	restarts: number;
	lastRestart: string | null;
}

const isSidecar = ({ restartPolicy }: CoreV1Container) => restartPolicy === "Always";

function story({ spec, status = {}, metadata = {} }: CoreV1Pod): Story {
	const initial = spec?.initContainers ?? [];
	const sidecars = new Set(initial.filter(isSidecar).map(({ name }) => name));
	const told: Story = {
		ready: 0,
		total: (spec?.containers ?? []).length + sidecars.size,
		reason: status.reason || status.phase || "",
		restarts: 0,
		lastRestart: null,
	};
	for (const { type, status: is, reason } of status.conditions ?? [])
		if (type === "PodScheduled" && is === "False" && reason === "SchedulingGated") told.reason = reason;
	const initializing = tellInit(told, initial, status.initContainerStatuses ?? [], sidecars);
	if (!initializing) tellContainers(told, status);
	if (metadata.deletionTimestamp !== undefined && status.reason === "NodeLost") told.reason = "Unknown";
	else if (metadata.deletionTimestamp !== undefined && status.phase !== "Succeeded" && status.phase !== "Failed")
		told.reason = "Terminating";
	return told;
}

function restarted(told: Story, { restartCount = 0, lastState }: CoreV1ContainerStatus): void {
	told.restarts += restartCount;
	const finished = lastState?.terminated?.finishedAt;
	if (finished && (told.lastRestart === null || finished > told.lastRestart)) told.lastRestart = finished;
}

/** True while a pod is held back by its init containers. */
function tellInit(
	told: Story,
	initial: readonly CoreV1Container[],
	statuses: readonly CoreV1ContainerStatus[],
	sidecars: ReadonlySet<string>,
): boolean {
	for (const [i, container] of statuses.entries()) {
		const { name, state = {}, started, ready } = container;
		restarted(told, container);
		if (state.terminated?.exitCode === 0) continue;
		if (sidecars.has(name) && started === true) {
			if (ready === true) told.ready++;
			continue;
		}
		if (state.terminated !== undefined) told.reason = ended("Init:", state.terminated);
		else if (state.waiting?.reason && state.waiting.reason !== "PodInitializing")
			told.reason = `Init:${state.waiting.reason}`;
		else told.reason = `Init:${i}/${initial.length}`;
		return true;
	}
	return false;
}

function ended(prefix: string, { reason, signal, exitCode }: CoreV1ContainerStateTerminated): string {
	return prefix + (reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`));
}

function tellContainers(told: Story, status: CoreV1PodStatus): void {
	let running = false;
	for (const container of [...(status.containerStatuses ?? [])].reverse()) {
		const { state = {}, ready } = container;
		restarted(told, container);
		if (state.waiting?.reason) told.reason = state.waiting.reason;
		else if (state.terminated !== undefined) told.reason = ended("", state.terminated);
		else if (ready === true && state.running !== undefined) {
			running = true;
			told.ready++;
		}
	}
	// One container has ended well, another runs on.
	if (told.reason === "Completed" && running) {
		const isReady = (status.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
		told.reason = isReady ? "Running" : "NotReady";
	}
}

function restarts(pod: CoreV1Pod, now: bigint): Cell {
	const { restarts: times, lastRestart } = story(pod);
	return lastRestart === null || times === 0 ? String(times) : `${times} (${age(lastRestart, now)} ago)`;
}

function gates({ spec, status = {} }: CoreV1Pod): string {
	const wanted = spec?.readinessGates ?? [];
	if (wanted.length === 0) return "<none>";
	const met = wanted.filter(({ conditionType }) =>
		(status.conditions ?? []).some(({ type, status: is }) => type === conditionType && is === "True"),
	);
	return `${met.length}/${wanted.length}`;
}

export const POD = columns<CoreV1Pod>(
	NAME,
	text("Ready", (pod) => `${story(pod).ready}/${story(pod).total}`),
	text("Status", (pod) => story(pod).reason),
	text("Restarts", restarts),
	AGE,
	wide(text("IP", ({ status }) => status?.podIP || "<none>")),
	wide(text("Node", ({ spec }) => spec?.nodeName || "<none>")),
	wide(text("Nominated Node", ({ status }) => status?.nominatedNodeName || "<none>")),
	wide(text("Readiness Gates", gates)),
);
