// A pod's status as its kubelet writes it (pkg/kubelet/kubelet_pods.go generateAPIPodStatus, pkg/kubelet/status/generate.go).

import type { Container, ContainerStatus, Pod, PodStatus } from "../api/core.ts";
import type { Condition } from "../api/meta.ts";
import { HUNG, LISTENING } from "../api/script.ts";
import { timeOf } from "../api/time.ts";
import { type ContainerRun, type Exit, isContainerReady, listensAt } from "./container.ts";
import { containersOf, hasFailed, isDone, type PodRun } from "./podrun.ts";

/** `hostIPs`: of its node, primary first. `now`: ns. */
export function statusOf(run: PodRun, pod: Pod, hostIPs: readonly string[], now: bigint): PodStatus {
	const phase = phaseOf(run, pod);
	const { podIP: _, podIPs: __, ...others } = pod.status ?? {};
	// A sandbox that is made anew has no address yet.
	const before = run.sandboxUntil === null ? (pod.status ?? {}) : others;
	const inits = run.containers.filter(({ kind }) => kind !== "main");
	const mains = run.containers.filter(({ kind }) => kind === "main");
	const initialized = inits.every((each) =>
		each.kind === "sidecar" ? each.started || each.stage === "observed" || over(run, pod) : isContainerReady(each),
	);
	const statuses = (runs: readonly ContainerRun[]) =>
		runs.map((each) => containerStatus(each, pod, initialized && run.ips.length > 0));
	const status: PodStatus = {
		...before,
		phase,
		conditions: conditionsOf(run, pod, phase, initialized, now),
		// One that was found running keeps what was said of it, and no more.
		...(before.startTime === undefined && pod.status?.podIP !== undefined
			? {}
			: { startTime: before.startTime ?? timeOf(run.startedAt) }),
		...(hostIPs.length === 0 ? {} : { hostIP: hostIPs[0] ?? "", hostIPs: hostIPs.map((ip) => ({ ip })) }),
		...(run.ips.length === 0 ? {} : { podIP: run.ips[0] ?? "", podIPs: run.ips.map((ip) => ({ ip })) }),
		...(mains.length === 0 ? {} : { containerStatuses: statuses(mains) }),
	};
	if (inits.length > 0 && (before.initContainerStatuses !== undefined || run.sandboxUntil !== null || isOwn(inits)))
		status.initContainerStatuses = statuses(inits);
	return status;
}

/** A status that was found without init containers keeps none. */
const isOwn = (inits: readonly ContainerRun[]) =>
	inits.some(({ stage }) => stage !== "exited" && stage !== "observed") ||
	inits.some(({ exit, status }) => exit !== null && status === null);

const over = (run: PodRun, pod: Pod) => isDone(run, pod);

function phaseOf(run: PodRun, pod: Pod): NonNullable<PodStatus["phase"]> {
	if (isDone(run, pod)) return hasFailed(run) ? "Failed" : "Succeeded";
	const begun = ({ stage, exit }: ContainerRun) => exit !== null || ["running", "stopping", "observed"].includes(stage);
	if (run.containers.some((each) => each.kind === "init" && !isContainerReady(each) && each.stage !== "observed"))
		return "Pending";
	return run.containers.every((each) => each.kind !== "main" || begun(each) || each.stage === "ended")
		? "Running"
		: "Pending";
}

function conditionsOf(run: PodRun, pod: Pod, phase: string, initialized: boolean, now: bigint): Condition[] {
	const before = pod.status?.conditions ?? [];
	const condition = (type: string, holds: boolean, why: Pick<Condition, "reason" | "message"> = {}): Condition => {
		const status = holds ? "True" : "False";
		const known = before.find((one) => one.type === type);
		if (known?.status !== status) return { type, status, lastTransitionTime: timeOf(now), ...why };
		const { reason: _, message: __, ...kept } = known;
		return { ...kept, ...why };
	};
	const done = phase === "Succeeded" || phase === "Failed";
	const notInitialized = run.containers.filter((each) => each.kind !== "main" && !isInitialized(each));
	const unready = run.containers.filter((each) => each.kind !== "init" && !isContainerReady(each));
	const ready = unready.length === 0 && !done;
	const names = (runs: readonly ContainerRun[]) => `[${runs.map(({ name }) => name).join(" ")}]`;
	const whyNot = done
		? { reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" }
		: { reason: "ContainersNotReady", message: `containers with unready status: ${names(unready)}` };
	const gate = gateOf(pod);
	const hangs = run.containers.some(({ hung }) => hung);
	const deaf = run.containers.filter((each) => isDeaf(each, pod, now)).map(({ name }) => name);
	const whyDeaf = deaf.length === 0 ? {} : { reason: "Starting", message: deaf.join(",") };
	const own = [
		condition("PodReadyToStartContainers", run.ips.length > 0 && !(done && run.deadline !== null)),
		condition(
			"Initialized",
			initialized || phase === "Succeeded",
			phase === "Succeeded"
				? { reason: "PodCompleted" }
				: initialized
					? {}
					: {
							reason: "ContainersNotInitialized",
							message: `containers with incomplete status: ${names(notInitialized)}`,
						},
		),
		condition(
			"Ready",
			ready && gate === null,
			!ready ? whyNot : gate === null ? {} : { reason: "ReadinessGatesNotReady", message: gate },
		),
		condition("ContainersReady", ready, ready ? {} : whyNot),
		condition("PodScheduled", true),
		...(hangs || before.some(({ type }) => type === HUNG) ? [condition(HUNG, hangs)] : []),
		...(deaf.length > 0 || before.some(({ type }) => type === LISTENING)
			? [condition(LISTENING, deaf.length === 0, whyDeaf)]
			: []),
	];
	// Others' conditions stay as they are.
	return [...own, ...before.filter(({ type }) => !own.some((one) => one.type === type))];
}

/** Whether it runs, and its app does not listen yet. */
function isDeaf(each: ContainerRun, pod: Pod, now: bigint): boolean {
	const container = containersOf(pod).find(({ name }) => name === each.name);
	return each.stage === "running" && container !== undefined && listensAt(each, container, pod) > now;
}

const isInitialized = (each: ContainerRun) => (each.kind === "sidecar" ? each.started : isContainerReady(each));

/** The first readiness gates that are not open, in upstream's words; null where all are. */
function gateOf({ spec, status }: Pod): string | null {
	const closed = (spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
		const found = status?.conditions?.find(({ type }) => type === conditionType);
		if (found === undefined)
			return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
		return found.status === "True"
			? []
			: [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
	});
	return closed.length === 0 ? null : closed.join(", ");
}

function containerStatus(run: ContainerRun, pod: Pod, initialized: boolean): ContainerStatus {
	if (run.status !== null && (run.stage === "observed" || run.stage === "exited")) return run.status;
	const container = containersOf(pod).find(({ name }) => name === run.name) as Container;
	const known = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find(
		({ name }) => name === run.name,
	);
	const { state, lastState } = statesOf(run, pod, initialized, known);
	return {
		...known,
		name: run.name,
		ready: isContainerReady(run),
		started: run.started && (run.stage === "running" || run.stage === "stopping"),
		restartCount: run.restarts,
		image: known?.image ?? container.image ?? "",
		state,
		...(known !== undefined && known.lastState === undefined && run.exit === null ? {} : { lastState }),
	};
}

function statesOf(
	run: ContainerRun,
	pod: Pod,
	initialized: boolean,
	known: ContainerStatus | undefined,
): { state: object; lastState: object } {
	const last = run.exit === null ? {} : { terminated: terminated(run.exit) };
	switch (run.stage) {
		case "running":
		case "stopping": {
			const running = (known?.state as { running?: { startedAt?: string } } | undefined)?.running;
			// One that was found running keeps what was said of its start.
			const found = running !== undefined && running.startedAt === undefined && run.restarts === known?.restartCount;
			return { state: { running: found ? running : { startedAt: timeOf(run.startedAt) } }, lastState: last };
		}
		case "exited":
			return { state: last, lastState: {} };
		case "backoff": {
			const { name, namespace, uid } = pod.metadata;
			const message = `back-off ${goDuration(run.backOffMs)} restarting failed container=${run.name} pod=${name}_${namespace}(${uid})`;
			return { state: { waiting: { reason: "CrashLoopBackOff", message } }, lastState: last };
		}
		default:
			if (run.exit !== null) return { state: last, lastState: {} };
			return {
				state: { waiting: { reason: initialized || !hasInits(pod) ? "ContainerCreating" : "PodInitializing" } },
				lastState: {},
			};
	}
}

const hasInits = ({ spec }: Pod) => (spec?.initContainers ?? []).length > 0;

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
