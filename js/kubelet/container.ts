// A container's life on a node as a table of stages, each with what ends it (pkg/kubelet/kuberuntime/kuberuntime_manager.go,
// kuberuntime_container.go):
//
//   waiting   its turn                     → starting
//   starting  START_MS                     → running
//   running   it exits, or is to stop      → exited, stopping
//   stopping  preStop, SIGTERM, SIGKILL    → exited
//   exited    the restart policy           → starting, backoff; else it stays
//   backoff   10 s, twice as long each time → starting
//   ended     never begun, and its pod ends
//   observed  found as it is by a kubelet that does not know what it does

import type { Container, ContainerStatus, Pod } from "../api/core.ts";
import { type App, appOf, type ContainerKind, type ProbeKind } from "./app.ts";
import { ask, beginProbe, count, type ProbeRun, probeOf, type Reach, willPass } from "./probe.ts";

export type Stage = "waiting" | "starting" | "running" | "stopping" | "exited" | "backoff" | "ended" | "observed";

export interface Exit {
	code: number;
	/** ns. */
	startedAt: bigint;
	finishedAt: bigint;
	/** Default `Completed` or `Error`, by the code. */
	reason?: string;
	/** Its last words. */
	message?: string;
}

/** Plain values alone: a fork copies them. */
export interface ContainerRun {
	readonly name: string;
	readonly kind: ContainerKind;
	stage: Stage;
	/** ns; when the stage ends by itself, null: not. */
	until: bigint | null;
	/** ns; of what runs. */
	startedAt: bigint;
	restarts: number;
	/** How long the next restart waits after the exit; 0: not at all. */
	backOffMs: number;
	/** Whether it has started up, as its startup probe sees it. */
	started: boolean;
	probes: Partial<Record<ProbeKind, ProbeRun>>;
	/** Its pod's status says that it runs: what looks there, as probes and the network do, knows of it. */
	isKnown: boolean;
	exit: Exit | null;
	/** Exit code of what is stopping. */
	stopCode: number;
	/** A probe had it stopped. */
	unhealthy: boolean;
	/** It does nothing any more, until it is started again. */
	hung: boolean;
	/** With what it will exit as it finds that it cannot listen; null: it can. */
	lastWords: string | null;
	/** Of `observed`. */
	status: ContainerStatus | null;
}

export interface Surroundings {
	pod: Pod;
	podIP: string;
	now: bigint;
	/** Whether the pod is going: nothing is started again, liveness counts no more. */
	terminating: boolean;
	say: (type: "Normal" | "Warning", reason: string, message: string) => void;
	/** The name of a container that listens already where this one would; undefined: none does. */
	clash: (run: ContainerRun, container: Container) => string | undefined;
	/** The network between the node and the pod; undefined: what listens is reached. */
	reach: Reach | undefined;
}

const PROBES = ["startup", "readiness", "liveness"] as const satisfies ProbeKind[];
const MS = 1_000_000n;
const START_MS = 500;
const BACK_OFF_MS = 10_000;
const BACK_OFF_MOST_MS = 300_000;
/** minimumGracePeriodInSeconds */
const GRACE_LEAST_MS = 2000;

export function newRun(name: string, kind: ContainerKind): ContainerRun {
	return {
		...{ name, kind, stage: "waiting", until: null, startedAt: 0n, restarts: 0, backOffMs: 0, started: false },
		...{
			probes: {},
			isKnown: false,
			exit: null,
			stopCode: 0,
			unhealthy: false,
			hung: false,
			lastWords: null,
			status: null,
		},
	};
}

const after = (at: bigint, ms: number) => at + BigInt(Math.round(ms)) * MS;

export function begin(run: ContainerRun, container: Container, { now, say }: Surroundings): void {
	if (run.exit !== null) run.restarts++;
	run.stage = "starting";
	run.until = after(now, START_MS);
	run.unhealthy = false;
	if (container.image)
		say(
			"Normal",
			"Pulled",
			`Container image "${container.image}" already present on machine and can be accessed by the pod`,
		);
}

/** What is due by now happens; whether anything was. */
export function advance(run: ContainerRun, container: Container, around: Surroundings): boolean {
	const { pod, now, terminating } = around;
	const due = run.until !== null && run.until <= now;
	switch (run.stage) {
		case "starting":
			if (due) started(run, container, around);
			return due;
		case "running":
			if (due) ended(run, pod, container);
			return due || probed(run, container, around);
		case "stopping":
			if (due) exited(run, { code: run.stopCode });
			// What drains may still be ready.
			return due || probed(run, container, around);
		case "exited":
			return !terminating && restarts(run, pod) ? restart(run, container, around) : false;
		case "backoff":
			if (due) again(run, container, around);
			return due;
		default:
			return false;
	}
}

function started(run: ContainerRun, container: Container, { pod, say, clash }: Surroundings): void {
	const at = run.until as bigint;
	const { exitsAfterMs, listensAfterMs } = appOf(pod, container, run.kind);
	const taken = clash(run, container);
	run.stage = "running";
	run.startedAt = at;
	run.hung = false;
	run.lastWords = taken ?? null;
	const exits = taken === undefined ? exitsAfterMs : Math.min(exitsAfterMs ?? listensAfterMs, listensAfterMs);
	run.until = exits === null ? null : after(at, exits);
	run.isKnown = false;
	for (const kind of PROBES) {
		const probe = probeOf(container, kind);
		if (probe === undefined) continue;
		// A worker outlives its container: what it counted counts on (prober/worker.go).
		const { row = 0, last = null } = run.probes[kind] ?? {};
		run.probes[kind] = { ...beginProbe(probe, at), row, last };
	}
	run.started = run.probes.startup === undefined;
	say("Normal", "Created", "Container created");
	say("Normal", "Started", "Container started");
}

/** By itself: it has done its work, or could not. */
function ended(run: ContainerRun, pod: Pod, container: Container): void {
	const { lastWords } = run;
	if (lastWords === null) exited(run, { code: appOf(pod, container, run.kind).exitCode });
	else exited(run, { code: 1, message: lastWords });
}

function exited(run: ContainerRun, how: Omit<Exit, "startedAt" | "finishedAt">): void {
	run.exit = { ...how, startedAt: run.startedAt, finishedAt: run.until as bigint };
	run.stage = "exited";
	run.until = null;
	run.started = false;
	run.hung = false;
	run.lastWords = null;
}

/** Its program comes to a sudden end. */
export function crash(run: ContainerRun, pod: Pod, container: Container, now: bigint): void {
	if (run.stage !== "running" && run.stage !== "stopping") return;
	run.until = now;
	exited(run, { code: appOf(pod, container, run.kind).exitCode || 1 });
}

/** Its program does nothing any more. */
export function hang(run: ContainerRun): void {
	if (run.stage === "running" || run.stage === "stopping") run.hung = true;
	// What it would have done by itself it does no more.
	if (run.stage === "running") run.until = null;
}

/** Its machine went, and it with it; what is to run again begins anew, without a back-off. `again`: whether it is to. */
export function lose(run: ContainerRun, now: bigint, again: boolean): void {
	if (run.stage === "running" || run.stage === "stopping") {
		run.until = now;
		exited(run, { code: 255, reason: "Unknown" });
	}
	run.backOffMs = 0;
	if (run.stage === "observed" || run.stage === "ended" || !again) return;
	run.stage = "waiting";
	run.until = null;
}

/** Whether the restart policy has it run again. */
export function restarts({ kind, exit, unhealthy }: ContainerRun, { spec }: Pod): boolean {
	if (kind === "sidecar") return true;
	const policy = spec?.restartPolicy ?? "Always";
	if (kind === "init") return exit?.code !== 0 && policy !== "Never";
	return policy === "Always" || (policy === "OnFailure" && (exit?.code !== 0 || unhealthy));
}

/** doBackOff: the first restart comes at once. */
function restart(run: ContainerRun, container: Container, around: Surroundings): boolean {
	const { finishedAt, startedAt } = run.exit as Exit;
	if (finishedAt - startedAt > 2n * BigInt(BACK_OFF_MOST_MS) * MS) run.backOffMs = 0;
	const until = after(finishedAt, run.backOffMs);
	if (run.backOffMs === 0 || until <= around.now) {
		again(run, container, around);
		return true;
	}
	run.stage = "backoff";
	run.until = until;
	const { name, namespace, uid } = around.pod.metadata;
	around.say(
		"Warning",
		"BackOff",
		`Back-off restarting failed container ${run.name} in pod ${name}_${namespace}(${uid})`,
	);
	return true;
}

function again(run: ContainerRun, container: Container, around: Surroundings): void {
	run.backOffMs = run.backOffMs === 0 ? BACK_OFF_MS : Math.min(2 * run.backOffMs, BACK_OFF_MOST_MS);
	begin(run, container, around);
}

function probed(run: ContainerRun, container: Container, around: Surroundings): boolean {
	const { pod, podIP, now, terminating, say, reach } = around;
	if (!run.isKnown) return false;
	let any = false;
	for (const kind of PROBES) {
		const asked = run.probes[kind];
		const probe = probeOf(container, kind);
		if (asked === undefined || probe === undefined || !isAsked(run, kind, terminating)) continue;
		if ((asked.pending?.at ?? asked.nextAt) > now) continue;
		any = true;
		const app = appOf(pod, container, run.kind);
		const { startedAt, hung } = run;
		const answer = ask(asked, { pod, container, kind, probe, app, startedAt, podIP, hung }, now, reach);
		if (answer.is === "pending") continue;
		const Kind = kind.charAt(0).toUpperCase() + kind.slice(1);
		if (answer.is === "none") {
			say("Warning", "Unhealthy", `${Kind} probe errored and resulted in unknown state: ${answer.says}`);
			continue;
		}
		const passed = answer.is === "pass";
		if (!passed) say("Warning", "Unhealthy", `${Kind} probe failed: ${answer.says}`);
		if (!count(asked, probe, passed)) continue;
		if (kind === "startup" && passed) isUp(run, now);
		if (kind !== "readiness" && !passed) {
			say("Normal", "Killing", `Container ${run.name} failed ${kind} probe, will be restarted`);
			const grace = probe.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
			stop(run, container, pod, now, grace * 1000);
			run.unhealthy = true;
			asked.row = 0;
			return true;
		}
	}
	return any;
}

/** A startup probe ends with its first success, and the others wait for it; what is on its way out is asked for its readiness alone. */
function isAsked({ started, stage }: ContainerRun, kind: ProbeKind, terminating: boolean): boolean {
	if (kind === "startup" ? started : !started) return false;
	return kind === "readiness" || !(terminating || stage === "stopping");
}

/** Its startup probe has passed: the others are asked at once. */
function isUp(run: ContainerRun, now: bigint): void {
	run.started = true;
	for (const kind of ["readiness", "liveness"] as const) {
		const waiting = run.probes[kind];
		if (waiting !== undefined && waiting.nextAt < now) waiting.nextAt = now;
	}
}

interface Lifecycle {
	preStop?: { sleep?: { seconds: number } };
}

/** preStop, then SIGTERM, then, when the grace period is over, SIGKILL. */
export function stop(run: ContainerRun, container: Container, pod: Pod, now: bigint, graceMs: number): void {
	if (run.stage !== "running" && run.stage !== "stopping") {
		if (run.stage !== "exited") run.stage = "ended";
		run.until = null;
		return;
	}
	const { drainsForMs, preStopMs } = appOf(pod, container, run.kind);
	const hook = (container["lifecycle"] as Lifecycle | undefined)?.preStop;
	const takes = hook === undefined ? 0 : hook.sleep === undefined ? preStopMs : hook.sleep.seconds * 1000;
	const waited = Math.min(takes, graceMs);
	const left = Math.max(graceMs - waited, GRACE_LEAST_MS);
	const obeys = !run.hung && drainsForMs <= left;
	const until = after(now, waited + (obeys ? drainsForMs : left));
	// A deletion may shorten one that is under way.
	if (run.stage === "stopping" && run.until !== null && run.until <= until) return;
	run.stage = "stopping";
	run.until = until;
	run.stopCode = obeys ? 0 : 137;
}

/** Whether it counts for the pod's readiness. */
export function isContainerReady(run: ContainerRun): boolean {
	if (run.stage === "observed") return run.status?.ready === true;
	if (run.kind === "init") return run.stage === "exited" && run.exit?.code === 0;
	if (run.stage !== "running" && run.stage !== "stopping") return false;
	return run.started && (run.probes.readiness === undefined || run.probes.readiness.result === true);
}

/** When it begins to listen, ns. */
export function listensAt(run: ContainerRun, container: Container, pod: Pod): bigint {
	return after(run.startedAt, appOf(pod, container, run.kind).listensAfterMs);
}

/** When to look at it again, ns; `idle`: nothing new is on its way. */
export function nextOf(
	run: ContainerRun,
	container: Container,
	pod: Pod,
	podIP: string,
	now: bigint,
): { at: bigint; idle: boolean }[] {
	const found: { at: bigint; idle: boolean }[] = [];
	if (run.until !== null) {
		const completes = run.kind === "init" || (pod.spec?.restartPolicy ?? "Always") !== "Always";
		const waits = run.stage === "backoff" || (run.stage === "running" && !completes);
		found.push({ at: run.until, idle: waits || (run.stage === "starting" && run.backOffMs > BACK_OFF_MS) });
	}
	if (run.stage !== "running" && run.stage !== "stopping") return found;
	const listens = listensAt(run, container, pod);
	if (listens > now) found.push({ at: listens, idle: run.backOffMs > 0 });
	for (const kind of PROBES) {
		const asked = run.probes[kind];
		const probe = probeOf(container, kind);
		if (asked === undefined || probe === undefined || !isAsked(run, kind, false)) continue;
		const app: App = appOf(pod, container, run.kind);
		const { startedAt, hung } = run;
		const coming = willPass({ pod, container, kind, probe, app, startedAt, podIP, hung });
		const idle = asked.result === coming || asked.isCut || run.backOffMs > 0 || kind === "liveness";
		found.push({ at: asked.pending?.at ?? asked.nextAt, idle });
	}
	return found;
}
