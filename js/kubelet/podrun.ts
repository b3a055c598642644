// A pod's life on its node: sandbox, init containers one after the other, the others beside each other, and its end
// (pkg/kubelet/kubelet.go SyncPod, SyncTerminatingPod; kuberuntime_manager.go computePodActions).

import type { Container, ContainerStatus, Node, Pod } from "../api/core.ts";
import { nanosOf } from "../api/time.ts";
import type { Later, Random } from "../ports.ts";
import { appOf, type ContainerKind } from "./app.ts";
import {
	advance,
	begin,
	type ContainerRun,
	isContainerReady,
	lose,
	newRun,
	nextOf,
	restarts,
	type Surroundings,
	stop,
} from "./container.ts";
import { beginProbe, probeOf } from "./probe.ts";

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
		...{ deadline: null, boot: 0n, attempts: 0, isRejected: false },
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
		...{ deadline: null, boot: 0n, attempts: 0, isRejected: false },
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
	if (pod.metadata.deletionTimestamp !== undefined) terminate(run, pod, now, say);
	const terminating = run.deadline !== null;
	if (run.sandboxUntil !== null && !terminating) {
		if (run.sandboxUntil > now) return;
		const ips = addresses();
		if (ips === null) return;
		run.ips = ips;
		run.sandboxUntil = null;
	}
	const containers = new Map(containersOf(pod).map((container) => [container.name, container]));
	const clash = (each: ContainerRun, container: Container) => clashOf(run, each, container, containers);
	const around = { pod, podIP: run.ips[0] ?? "", now, terminating, say, clash, reach };
	for (let again = true; again; ) {
		again = false;
		for (const each of run.containers) again = advance(each, containers.get(each.name) as Container, around) || again;
		again = (terminating ? endSidecars(run, pod, now) : beginNext(run, containers, around)) || again;
	}
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
			if (other.stage !== "running" && other.stage !== "stopping") return false;
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
	const begun = run.containers.some(({ stage, exit }) => exit !== null || stage === "running" || stage === "stopping");
	const isOver = isDone(run, pod) || run.deadline !== null;
	const again = !isOver && !(policy === "Never" && begun);
	for (const each of run.containers) {
		const isComplete = each.kind === "main" && policy === "OnFailure" && each.exit?.code === 0;
		lose(each, now, again && !(isComplete && each.stage === "exited"));
	}
	if (!again) return;
	if (run.ips.length > 0) say("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
	run.ips = [];
	run.sandboxUntil = now + BigInt(SANDBOX_MS) * MS;
}

function beginNext(run: PodRun, containers: ReadonlyMap<string, Container>, around: Surroundings): boolean {
	let any = false;
	for (const each of run.containers) {
		if (each.kind !== "main" && each.stage === "exited" && each.exit?.code === 0) continue;
		if (each.stage === "waiting") {
			begin(each, containers.get(each.name) as Container, around);
			any = true;
		}
		// A sidecar holds up what follows until it has started, an init container until it has succeeded.
		if (each.kind === "init" && each.stage !== "observed") return any;
		if (each.kind === "sidecar" && !each.started && each.stage !== "observed") return any;
	}
	// Sidecars end with the last of the others.
	if (isDone(run, around.pod)) {
		run.deadline = around.now + graceOf(around.pod);
		endSidecars(run, around.pod, around.now);
	}
	return any;
}

const graceOf = ({ metadata, spec }: Pod) =>
	BigInt(metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30) * 1000n * MS;

/** Its containers are told to stop; more of a hurry than before counts. */
function terminate(run: PodRun, pod: Pod, now: bigint, say: Say): void {
	const deadline = now + graceOf(pod);
	if (run.deadline !== null && run.deadline <= deadline) return;
	const first = run.deadline === null;
	run.deadline = deadline;
	run.sandboxUntil = null;
	for (const container of containersOf(pod)) {
		const each = run.containers.find(({ name }) => name === container.name) as ContainerRun;
		if (each.kind === "sidecar") continue;
		if (first && each.stage === "running") say("Normal", "Killing", `Stopping container ${each.name}`);
		stop(each, container, pod, now, Number((deadline - now) / MS));
	}
}

const isOver = ({ stage }: ContainerRun) => stage === "exited" || stage === "ended";

/** In the reverse of their order, once all others are gone (KEP-753). */
function endSidecars(run: PodRun, pod: Pod, now: bigint): boolean {
	if (run.containers.some((each) => each.kind !== "sidecar" && !isOver(each))) return false;
	const last = [...run.containers].reverse().find((each) => each.kind === "sidecar" && !isOver(each));
	if (last === undefined || last.stage === "stopping") return false;
	const container = containersOf(pod).find(({ name }) => name === last.name) as Container;
	stop(last, container, pod, now, Number(((run.deadline ?? now) - now) / MS));
	return true;
}

/** Whether nothing of it runs any more, nor will. */
export function hasEnded(run: PodRun): boolean {
	return run.deadline !== null && run.containers.every(isOver);
}

/** Whether its containers have run to completion, or one has failed for good. */
export function isDone(run: PodRun, pod: Pod): boolean {
	const failed = (each: ContainerRun) => each.stage === "exited" && each.exit?.code !== 0 && !restarts(each, pod);
	if (run.containers.some((each) => each.kind === "init" && failed(each))) return true;
	return run.containers.every(
		(each) => each.kind !== "main" || ((each.stage === "exited" || each.stage === "ended") && !restarts(each, pod)),
	);
}

/** Why it ended: whether any container failed. */
export function hasFailed({ containers }: PodRun): boolean {
	return containers.some(({ kind, exit }) => kind !== "sidecar" && exit !== null && exit.code !== 0);
}

export function isReadyRun(run: PodRun): boolean {
	return run.containers.every((each) => each.kind === "init" || isContainerReady(each));
}

/** When something is due. */
export function laterOf(run: PodRun, pod: Pod, now: bigint): Later | undefined {
	const due = run.containers.flatMap((each) => {
		const container = containersOf(pod).find(({ name }) => name === each.name);
		return container === undefined ? [] : nextOf(each, container, pod, run.ips[0] ?? "", now);
	});
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
