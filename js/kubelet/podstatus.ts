// A pod's status as its kubelet writes it (pkg/kubelet/kubelet_pods.go generateAPIPodStatus, pkg/kubelet/status/status_manager.go
// TerminatePod).

import type { Container, ContainerStatus, Pod, PodStatus } from "../api/core.ts";
import type { Condition } from "../api/meta.ts";
import { isFinished } from "../api/pod.ts";
import { HUNG, LISTENING } from "../api/script.ts";
import { timeOf } from "../api/time.ts";
import { listensAt } from "./container.ts";
import { containerStatus, unlocated } from "./containerstatus.ts";
import { containersReady, initialized, phaseOf, podReady, type Statuses } from "./phase.ts";
import { containersOf, hasEnded, isDone, type PodRun } from "./podrun.ts";
import { hasRuleForAll, RESTARTING_ALL } from "./restartall.ts";
import type { ContainerRun } from "./run.ts";

/** `hostIPs`: of its node, primary first. `now`: ns. */
export function statusOf(run: PodRun, pod: Pod, hostIPs: readonly string[], now: bigint): PodStatus {
	const { podIP: _, podIPs: __, ...others } = pod.status ?? {};
	// A sandbox that is made anew has no address yet.
	const before = run.sandboxUntil === null ? (pod.status ?? {}) : others;
	const all = new Map(run.containers.map((each) => [each.name, containerStatus(each, pod)]));
	const phase = decide(run, pod, all);
	if (hasEnded(run)) unlocated(run, all);
	const statuses = (isMain: boolean) =>
		run.containers
			.filter(({ kind }) => (kind === "main") === isMain)
			.map(({ name }) => all.get(name) as ContainerStatus);
	const [mains, inits] = [statuses(true), statuses(false)];
	const status: PodStatus = {
		...before,
		// One whose containers may still run is not said to have ended, though its conditions are those of the end (mergePodStatus).
		...(isEnded(phase) && !hasEnded(run) && !isFinished(pod)
			? { phase: pod.status?.phase ?? "Pending" }
			: { phase, ...run.verdict }),
		conditions: conditionsOf(run, pod, phase, all, now),
		// One that was found running keeps what was said of it, and no more.
		...(before.startTime === undefined && pod.status?.podIP !== undefined
			? {}
			: { startTime: before.startTime ?? timeOf(run.startedAt) }),
		...(hostIPs.length === 0 ? {} : { hostIP: hostIPs[0] ?? "", hostIPs: hostIPs.map((ip) => ({ ip })) }),
		...(run.ips.length === 0 ? {} : { podIP: run.ips[0] ?? "", podIPs: run.ips.map((ip) => ({ ip })) }),
		...(mains.length === 0 ? {} : { containerStatuses: mains }),
	};
	const isOwn = before.initContainerStatuses !== undefined || run.sandboxUntil !== null || haveRun(run);
	if (inits.length > 0 && isOwn) status.initContainerStatuses = inits;
	return status;
}

/** A status that was found without init containers keeps none. */
const haveRun = ({ containers }: PodRun) =>
	containers.some(
		({ kind, stage, exit, status }) =>
			kind !== "main" && ((stage !== "exited" && stage !== "observed") || (exit !== null && status === null)),
	);

/** What has ended has succeeded or failed, whatever it was doing; what was found as it is stays so. */
function decide(run: PodRun, pod: Pod, all: Statuses): NonNullable<PodStatus["phase"]> {
	if (run.verdict !== null) return "Failed";
	if (run.containers.some(({ stage }) => stage === "observed")) return pod.status?.phase ?? "Running";
	const phase = phaseOf(pod, all, hasEnded(run));
	if (isFinished(pod)) return pod.status?.phase ?? phase;
	if (hasEnded(run)) return phase === "Succeeded" ? phase : "Failed";
	// One that is about to run again, or whose hook is waited for, is none that has ended.
	return isEnded(phase) && !isDone(run, pod) ? "Running" : phase;
}

const isEnded = (phase: string) => phase === "Succeeded" || phase === "Failed";

function conditionsOf(
	run: PodRun,
	pod: Pod,
	phase: NonNullable<PodStatus["phase"]>,
	all: Statuses,
	now: bigint,
): Condition[] {
	const before = pod.status?.conditions ?? [];
	const condition = (type: string, { status, ...why }: Omit<Condition, "type">): Condition => {
		const known = before.find((one) => one.type === type);
		if (known?.status !== status) return { type, status, lastTransitionTime: timeOf(now), ...why };
		const { reason: _, message: __, ...kept } = known;
		return { ...kept, ...why };
	};
	const holds = (is: boolean) => ({ status: is ? "True" : "False" }) as const;
	const ready = containersReady(pod, all, phase);
	const hangs = run.containers.some(({ hung }) => hung);
	const deaf = run.containers.filter((each) => isDeaf(each, pod, now)).map(({ name }) => name);
	const whyDeaf = deaf.length === 0 ? {} : { reason: "Starting", message: deaf.join(",") };
	const anew: Omit<Condition, "type"> = run.restarting
		? { status: "True", reason: "RestartAllContainersStarted", message: "container exited with restart policy rule" }
		: { status: "False", ...(isEnded(phase) ? { reason: ready.reason as string } : {}) };
	const own = [
		condition("PodReadyToStartContainers", holds(run.ips.length > 0 && !hasEnded(run))),
		condition("Initialized", initialized(pod, all, phase)),
		condition("Ready", podReady(pod, ready)),
		condition("ContainersReady", ready),
		condition("PodScheduled", holds(true)),
		...(hasRuleForAll(pod) ? [condition(RESTARTING_ALL, anew)] : []),
		...(hangs || before.some(({ type }) => type === HUNG) ? [condition(HUNG, holds(hangs))] : []),
		...(deaf.length > 0 || before.some(({ type }) => type === LISTENING)
			? [condition(LISTENING, { ...holds(deaf.length === 0), ...whyDeaf })]
			: []),
	];
	// Others' conditions stay as they are.
	return [...own, ...before.filter(({ type }) => !own.some((one) => one.type === type))];
}

/** Whether it runs, and its app does not listen yet. */
function isDeaf(each: ContainerRun, pod: Pod, now: bigint): boolean {
	const container = containersOf(pod).find(({ name }) => name === each.name) as Container | undefined;
	return each.stage === "running" && container !== undefined && listensAt(each, container, pod) > now;
}
