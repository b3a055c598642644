// A pod's life on its node: sandbox, init containers one after the other, the others beside each other, and its end
// (pkg/kubelet/kubelet.go SyncPod, SyncTerminatingPod; kuberuntime_manager.go computePodActions).

import type { Container, ContainerStatus, Node, Pod } from "../api/core.ts";
import { isFinished } from "../api/pod.ts";
import { nanosOf } from "../api/time.ts";
import type { Later, Random } from "../ports.ts";
import { appOf, type ContainerKind } from "./app.ts";
import { advance, begin, lose, nextOf } from "./container.ts";
import { hookMsOf } from "./hook.ts";
import { beginProbe, probeOf } from "./probe.ts";
import { restarts } from "./restart.ts";
import { forgetAll, restartsAll, stopAll } from "./restartall.ts";
import { type ContainerRun, isAlive, isOver, newRun, type Surroundings } from "./run.ts";
import { stop } from "./stop.ts";

/** Plain values alone: a fork copies them. */
export interface PodRun {
	readonly uid: string;
	/** Primary first; empty: its sandbox has none yet. */
	ips: readonly string[];
	/** ns; when the sandbox is ready, null: it is. */
	sandboxUntil: bigint | null;
	/** ns; when the kubelet saw it first. */
	readonly startedAt: bigint;
	/** Init containers and sidecars in their order, then the others. */
	containers: ContainerRun[];
	/** ns; when its containers have to be gone, null: they need not. */
	deadline: bigint | null;
	/** Why its kubelet has it fail, whatever its containers do; null: nothing. */
	verdict: { reason: string; message: string } | null;
	/** All its containers are stopped, to begin anew. */
	restarting: boolean;
	/** ns; the boot of its machine that it runs since; 0: the first one. */
	boot: bigint;
	/** How often a sandbox was tried. */
	attempts: number;
	/** Its kubelet would not have it. */
	isRejected: boolean;
}

const MS = 1_000_000n;
const SANDBOX_MS = 500;

export const kindOf = (pod: Pod, { name }: Container): ContainerKind => {
	const init = pod.spec?.initContainers?.find((known) => known.name === name);
	return init === undefined ? "main" : init.restartPolicy === "Always" ? "sidecar" : "init";
};

export function containersOf({ spec }: Pod): Container[] {
	return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

/** A pod that its node has just been given. */
export function newPodRun(pod: Pod, now: bigint): PodRun {
	const containers = containersOf(pod).map((container) => newRun(container.name, kindOf(pod, container)));
	const { uid = "" } = pod.metadata;
	return {
		...{ uid, ips: [], sandboxUntil: now + BigInt(SANDBOX_MS) * MS, startedAt: now, containers },
		...{ deadline: null, verdict: null, restarting: false, boot: 0n, attempts: 0, isRejected: false },
	};
}

/** One that runs already, as its status has it: what is ready stays so, what is not is left as it was found. */
export function foundPodRun(pod: Pod, now: bigint, random: Random): PodRun {
	const { status, metadata } = pod;
	const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
	const created = nanosOf(status?.startTime ?? metadata.creationTimestamp) ?? now;
	const containers = containersOf(pod).map((container) => {
		const known = statuses.find(({ name }) => name === container.name);
		return foundRun(pod, container, known, created, now, random);
	});
	const ips = (status?.podIPs ?? []).map(({ ip }) => ip);
	if (ips.length === 0 && status?.podIP) ips.push(status.podIP);
	return {
		...{ uid: metadata.uid ?? "", ips, sandboxUntil: null, startedAt: created, containers },
		...{ deadline: null, verdict: null, restarting: false, boot: 0n, attempts: 0, isRejected: false },
	};
}

function foundRun(
	pod: Pod,
	container: Container,
	status: ContainerStatus | undefined,
	created: bigint,
	now: bigint,
	random: Random,
): ContainerRun {
	const kind = kindOf(pod, container);
	const run = newRun(container.name, kind);
	const { running, terminated } = (status?.state ?? {}) as {
		running?: { startedAt?: string };
		terminated?: { exitCode?: number };
	};
	if (kind === "init" && (status === undefined || terminated?.exitCode === 0)) {
		run.stage = "exited";
		run.exit = { code: 0, startedAt: created, finishedAt: created };
		run.status = status ?? null;
		return run;
	}
	if (running === undefined || status?.ready !== true) {
		run.stage = "observed";
		run.status = status ?? null;
		return run;
	}
	run.stage = "running";
	// What is ready has had the time that its program takes to be, whatever is said of when it began.
	const ready = now - BigInt(Math.ceil(appOf(pod, container, kind).readyAfterMs)) * MS;
	const began = nanosOf(running.startedAt) ?? created;
	run.startedAt = began < ready ? began : ready;
	run.restarts = status.restartCount ?? 0;
	run.started = true;
	run.isKnown = true;
	for (const probed of ["readiness", "liveness"] as const) {
		const probe = probeOf(container, probed);
		if (probe === undefined) continue;
		// A kubelet that has just started does not ask all at once (prober/worker.go run).
		const wait = random.integer((probe.periodSeconds ?? 10) * 1000, "probe", pod.metadata.uid ?? "", run.name, probed);
		run.probes[probed] = { ...beginProbe(probe, now), nextAt: now + BigInt(wait) * MS, last: true, result: true };
	}
	return run;
}

export type Say = Surroundings["say"];

/** Everything that is due by now happens. `addresses`: of a new sandbox; null where there is none, which has been said. */
export function step(
	run: PodRun,
	pod: Pod,
	now: bigint,
	say: Say,
	addresses: () => readonly string[] | null,
	reach: Surroundings["reach"],
): void {
	if (pod.metadata.deletionTimestamp !== undefined || isFinished(pod)) terminate(run, pod, now, say);
	if (isOverdue(run, pod, now) && run.verdict === null) {
		run.verdict = { reason: "DeadlineExceeded", message: OVERDUE };
		say("Normal", run.verdict.reason, run.verdict.message);
		terminate(run, pod, now, say);
	}
	if (run.sandboxUntil !== null && run.deadline === null) {
		if (run.sandboxUntil > now) return;
		const ips = addresses();
		if (ips === null) return;
		run.ips = ips;
		run.sandboxUntil = null;
	}
	const containers = new Map(containersOf(pod).map((container) => [container.name, container]));
	const clash = (each: ContainerRun, container: Container) => clashOf(run, each, container, containers);
	const isNext = (each: ContainerRun) => isTurn(run, each);
	for (let again = true; again; ) {
		again = false;
		if (run.deadline === null && !run.restarting && restartsAll(run.containers, containers)) {
			run.restarting = true;
			stopAll(run.containers, containers, pod, now, say);
		}
		const terminating = isEnding(run);
		const around = { pod, podIP: run.ips[0] ?? "", since: run.startedAt, now, terminating, say, clash, isNext, reach };
		for (const each of run.containers) again = advance(each, containers.get(each.name) as Container, around) || again;
		if (!terminating) again = beginNext(run, containers, around) || again;
		else if (run.deadline === null && forgetAll(run.containers, now)) {
			run.restarting = false;
			again = true;
		}
	}
}

/** Whether nothing of it is started again, for good or for now. */
const isEnding = ({ deadline, restarting }: PodRun) => deadline !== null || restarting;

/** active_deadline.go */
const OVERDUE = "Pod was active on the node longer than the specified deadline";

/** ns; when it has been active for `activeDeadlineSeconds`, null: never. */
function overdueAt({ startedAt }: PodRun, { spec }: Pod): bigint | null {
	const seconds = spec?.["activeDeadlineSeconds"] as number | undefined;
	return seconds === undefined ? null : startedAt + BigInt(seconds) * 1000n * MS;
}

function isOverdue(run: PodRun, pod: Pod, now: bigint): boolean {
	const at = overdueAt(run, pod);
	return at !== null && at <= now && !hasEnded(run);
}

/** All containers share one netns: what the program says that finds its port taken by one that listens. */
function clashOf(
	run: PodRun,
	own: ContainerRun,
	{ ports = [] }: Container,
	containers: ReadonlyMap<string, Container>,
): string | undefined {
	// An init container does its work and goes.
	if (own.kind === "init") return undefined;
	for (const { containerPort, protocol = "TCP" } of ports) {
		const isTaken = run.containers.some((other) => {
			if (other === own || other.kind === "init" || other.lastWords !== null) return false;
			if (!isAlive(other)) return false;
			const theirs = containers.get(other.name)?.ports ?? [];
			return theirs.some((port) => port.containerPort === containerPort && (port.protocol ?? "TCP") === protocol);
		});
		if (isTaken) return `listen ${protocol.toLowerCase()} :${containerPort}: bind: address already in use`;
	}
	return undefined;
}

/**
 * Its machine has been rebooted: the sandbox is gone, and its containers with it. A new one is made, with new addresses, unless
 * nothing is to run in it (computePodActions).
 */
export function reboot(run: PodRun, pod: Pod, now: bigint, say: Say): void {
	const policy = pod.spec?.restartPolicy ?? "Always";
	const begun = run.containers.some((each) => each.exit !== null || isAlive(each));
	run.restarting = false;
	const ends = isDone(run, pod) || run.deadline !== null;
	const again = !ends && !(policy === "Never" && begun);
	for (const each of run.containers) {
		const isComplete = each.kind === "main" && policy === "OnFailure" && each.exit?.code === 0;
		lose(each, now, again && !(isComplete && each.stage === "exited"));
	}
	if (!again) return;
	if (run.ips.length > 0) say("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
	run.ips = [];
	run.sandboxUntil = now + BigInt(SANDBOX_MS) * MS;
}

/** What comes next begins; where nothing is left to do, what remains is stopped: sidecars keep no pod alive. */
function beginNext(run: PodRun, containers: ReadonlyMap<string, Container>, around: Surroundings): boolean {
	let any = false;
	for (const each of run.containers) {
		if (each.kind === "init" && each.stage === "exited" && each.exit?.code === 0) continue;
		if (each.stage === "waiting") {
			begin(each, containers.get(each.name) as Container, around);
			any = true;
		}
		// Its kubelet does nothing else while a postStart hook runs.
		const isStarting = each.stage === "starting" || each.stage === "poststart";
		if (isStarting && hookMsOf("postStart", containers.get(each.name) as Container, around.pod, each) !== null) break;
		// A sidecar holds up what follows until it has started, an init container until it has succeeded.
		if (each.kind === "init" && each.stage !== "observed") break;
		if (each.kind === "sidecar" && !each.started && each.stage !== "observed") break;
	}
	if (!isDone(run, around.pod)) return any;
	terminate(run, around.pod, around.now, around.say);
	return true;
}

const graceOf = ({ metadata, spec }: Pod) =>
	BigInt(metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30) * 1000n * MS;

/** All that runs is told to stop, sidecars too, which wait for their turn; more of a hurry than before counts. */
function terminate(run: PodRun, pod: Pod, now: bigint, say: Say): void {
	const deadline = now + graceOf(pod);
	if (run.deadline !== null && run.deadline <= deadline) return;
	run.deadline = deadline;
	run.sandboxUntil = null;
	run.restarting = false;
	for (const container of containersOf(pod)) {
		const each = run.containers.find(({ name }) => name === container.name) as ContainerRun;
		if (stop(each, container, pod, now, Number((deadline - now) / MS), true))
			say("Normal", "Killing", `Stopping container ${each.name}`);
	}
}

/** A sidecar's turn comes when the others and the sidecars behind it are gone (terminationOrdering). */
function isTurn({ containers }: PodRun, own: ContainerRun): boolean {
	const behind = containers.slice(containers.indexOf(own) + 1);
	return containers.every(
		(each) => isOver(each) || !(each.kind === "main" || (each.kind === "sidecar" && behind.includes(each))),
	);
}

/** Whether nothing of it runs any more, nor will. */
export function hasEnded(run: PodRun): boolean {
	return run.deadline !== null && run.containers.every(isOver);
}

/** Whether nothing of it runs that its kubelet knows of. */
export function isAtRest({ containers }: PodRun): boolean {
	return containers.every((each) => isOver(each) || each.stage === "observed");
}

/** Whether its containers have run to completion, or an init container has failed for good. */
export function isDone(run: PodRun, pod: Pod): boolean {
	if (run.restarting) return false;
	const containers = new Map(containersOf(pod).map((container) => [container.name, container]));
	const isFinal = (each: ContainerRun) => isOver(each) && !restarts(each, containers.get(each.name) as Container, pod);
	if (
		run.containers.some((each) => each.kind === "init" && each.exit?.code !== 0 && each.exit !== null && isFinal(each))
	)
		return true;
	return run.containers.every((each) => each.kind !== "main" || isFinal(each));
}

/** When something is due. */
export function laterOf(run: PodRun, pod: Pod, now: bigint): Later | undefined {
	const around = { pod, podIP: run.ips[0] ?? "", now };
	const due = run.containers.flatMap((each) => {
		const container = containersOf(pod).find(({ name }) => name === each.name);
		return container === undefined ? [] : nextOf(each, container, around);
	});
	const overdue = overdueAt(run, pod);
	if (overdue !== null && overdue > now && run.deadline === null) due.push({ at: overdue, idle: true });
	if (run.sandboxUntil !== null && run.sandboxUntil > now) due.push({ at: run.sandboxUntil, idle: false });
	const soonest = (idle: boolean) => {
		const times = due.filter((one) => one.idle === idle).map(({ at }) => Number(at - now) / Number(MS));
		return times.length === 0 ? undefined : Math.max(0, Math.min(...times));
	};
	const [progressMs, idleMs] = [soonest(false), soonest(true)];
	const later = { ...(progressMs === undefined ? {} : { progressMs }), ...(idleMs === undefined ? {} : { idleMs }) };
	return Object.keys(later).length === 0 ? undefined : later;
}

/** The node's addresses as a status has them. */
export function hostIPsOf(node: Node): string[] {
	return (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);
}
