// A container's life on a node as a table of stages, each with what ends it (pkg/kubelet/kuberuntime/kuberuntime_manager.go,
// kuberuntime_container.go):
//
//   waiting   its turn                     → unpulled, starting
//   unpulled  its image                    → starting
//   starting  START_MS                     → poststart, running
//   poststart its postStart hook           → running, hook; it exits → exited
//   running   it exits, or is to stop      → exited, hook
//   hook      preStop                      → turn, stopping; it exits → exited
//   turn      those that go before it      → stopping; it exits → exited
//   stopping  SIGTERM, SIGKILL             → exited
//   exited    the restart policy           → starting, backoff; else it stays
//   backoff   10 s, twice as long each time → starting
//   ended     never begun, and its pod ends
//   observed  found as it is by a kubelet that does not know what it does

import type { Container, Pod } from "../api/core.ts";
import { type App, appOf, type ProbeKind } from "./app.ts";
import { failsHook, hookErrorOf, hookMsOf } from "./hook.ts";
import { ask, beginProbe, count, probeOf, willPass } from "./probe.ts";
import { isMissing, isTooSoon } from "./pull.ts";
import { BACK_OFF_MS, backOff, restarts, restartsUnhealthy } from "./restart.ts";
import { after, type ContainerRun, exited, isAlive, isSeen, type Surroundings } from "./run.ts";
import { stop, stopFurther, takeTurn } from "./stop.ts";

const PROBES = ["startup", "readiness", "liveness"] as const satisfies ProbeKind[];
const START_MS = 500;

export function begin(run: ContainerRun, container: Container, { pod, since, now, say }: Surroundings): void {
	if (isMissing(run, container, pod, since, now, say)) return;
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
	const { now, terminating } = around;
	const due = run.until !== null && run.until <= now;
	switch (run.stage) {
		case "unpulled":
			if (due && !isTooSoon(run, container, now, around.say)) begin(run, container, around);
			return due;
		case "starting":
			if (due) started(run, container, around);
			return due;
		case "poststart":
		case "running":
		case "hook":
		case "turn":
		case "stopping":
			return moved(run, container, around, due) || probed(run, container, around);
		case "exited":
			if (run.until !== null) {
				if (due) run.until = null;
				return due;
			}
			return !terminating && restarts(run, container, around.pod) ? restart(run, container, around) : false;
		case "backoff":
			if (due) again(run, container, around);
			return due;
		default:
			return false;
	}
}

/** What runs exits by itself, or is stopped further. */
function moved(run: ContainerRun, container: Container, around: Surroundings, due: boolean): boolean {
	const { pod, now, isNext } = around;
	const { exitsAt, until } = run;
	if (exitsAt !== null && exitsAt <= now && (until === null || exitsAt <= until)) {
		exited(run, exitsAt, {
			code: run.exitsWith,
			...(run.lastWords === null || run.exitsWith === 0 ? {} : { message: run.lastWords }),
		});
		return true;
	}
	const isTurn = run.stage === "turn" && isNext(run);
	if (isTurn) takeTurn(run, container, pod, now);
	else if (due && run.stage === "poststart") hooked(run, container, around);
	else if (due) {
		if (run.stage === "hook" && failsHook("preStop", container, pod, run))
			around.say("Warning", "FailedPreStopHook", "PreStopHook failed");
		stopFurther(run, container, pod);
	}
	return due || isTurn;
}

/** Its postStart hook has ended: it is stopped where that failed. */
function hooked(run: ContainerRun, container: Container, { pod, say }: Surroundings): void {
	const at = run.until as bigint;
	run.hookError = hookErrorOf(container, pod, run);
	if (run.hookError === null) {
		run.stage = "running";
		run.until = null;
		run.unsaid = false;
		return;
	}
	say("Warning", "FailedPostStartHook", "PostStartHook failed");
	say("Normal", "Killing", "FailedPostStartHook");
	stop(run, container, pod, at, (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000, false);
}

function started(run: ContainerRun, container: Container, { pod, say, clash }: Surroundings): void {
	const at = run.until as bigint;
	const { exitsAfterMs, listensAfterMs, exitCode } = appOf(pod, container, run.kind);
	const taken = clash(run, container);
	if (run.exit !== null) run.restarts++;
	const hook = hookMsOf("postStart", container, pod, run);
	run.stage = hook === null ? "running" : "poststart";
	run.until = hook === null ? null : after(at, hook);
	run.unsaid = hook !== null;
	run.startedAt = at;
	run.hung = false;
	// What cannot listen ends when it would, unless it has done its work by then.
	const fails = taken !== undefined && (exitsAfterMs === null || listensAfterMs <= exitsAfterMs);
	const exits = fails ? listensAfterMs : exitsAfterMs;
	run.exitsAt = exits === null ? null : after(at, exits);
	run.exitsWith = fails ? 1 : exitCode;
	run.lastWords = fails ? taken : null;
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

/** Its program comes to a sudden end. */
export function crash(run: ContainerRun, pod: Pod, container: Container, now: bigint): void {
	if (!isAlive(run)) return;
	exited(run, now, { code: appOf(pod, container, run.kind).exitCode || 1 });
}

/** Its program does nothing any more, nor what it would have done by itself. */
export function hang(run: ContainerRun): void {
	if (!isAlive(run)) return;
	run.hung = true;
	run.exitsAt = null;
}

/** Its machine went, and it with it; what is to run again begins anew, without a back-off. `again`: whether it is to. */
export function lose(run: ContainerRun, now: bigint, again: boolean): void {
	if (isAlive(run)) exited(run, now, { code: 255, reason: "Unknown" });
	run.backOffMs = 0;
	if (run.stage === "exited") run.until = null;
	if (run.stage === "observed" || run.stage === "ended" || !again) return;
	run.stage = "waiting";
	run.until = null;
}

/**
 * One that a probe had stopped was to begin in the same breath, so the exit that counts is the one before (SyncPod); where that
 * has it wait, it is one like any other from then on.
 */
function restart(run: ContainerRun, container: Container, around: Surroundings): boolean {
	const until = backOff(run, run.unhealthy ? run.before : run.exit, around.now);
	if (until === null) {
		begin(run, container, around);
		return true;
	}
	const { name, namespace, uid } = around.pod.metadata;
	const message = `Back-off restarting failed container ${run.name} in pod ${name}_${namespace}(${uid})`;
	around.say("Warning", "BackOff", message);
	if (run.unhealthy) run.unhealthy = false;
	else {
		run.hookError = null;
		run.stage = "backoff";
		run.until = until;
	}
	return true;
}

function again(run: ContainerRun, container: Container, around: Surroundings): void {
	backOff(run, run.exit, around.now);
	begin(run, container, around);
}

function probed(run: ContainerRun, container: Container, around: Surroundings): boolean {
	const { pod, podIP, now, say, reach } = around;
	if (!run.isKnown) return false;
	let any = false;
	for (const kind of PROBES) {
		const asked = run.probes[kind];
		const probe = probeOf(container, kind);
		if (asked === undefined || probe === undefined || !isAsked(run, kind)) continue;
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
			say("Normal", "Killing", unhealthy(run, container, pod, kind));
			const grace = probe.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
			stop(run, container, pod, now, grace * 1000, false);
			run.unhealthy = true;
			asked.row = 0;
			return true;
		}
	}
	return any;
}

/** computePodActions says what is to come of it, computeInitContainerActions does not. */
function unhealthy({ name, kind }: ContainerRun, container: Container, pod: Pod, probe: ProbeKind): string {
	if (kind !== "main") return `Init container ${name} failed ${probe} probe`;
	return `Container ${name} failed ${probe} probe${restartsUnhealthy(container, pod) ? ", will be restarted" : ""}`;
}

/** A startup probe ends with its first success, and the others wait for it; what is on its way out is asked for its readiness alone. */
function isAsked({ started, stage }: ContainerRun, kind: ProbeKind): boolean {
	if (kind === "startup" ? started : !started) return false;
	return kind === "readiness" || stage === "running";
}

/** Its startup probe has passed: the others are asked at once. */
function isUp(run: ContainerRun, now: bigint): void {
	run.started = true;
	for (const kind of ["readiness", "liveness"] as const) {
		const waiting = run.probes[kind];
		if (waiting !== undefined && waiting.nextAt < now) waiting.nextAt = now;
	}
}

/** Whether it counts for the pod's readiness. */
export function isContainerReady(run: ContainerRun): boolean {
	if (run.stage === "observed") return run.status?.ready === true;
	if (run.kind === "init") return run.stage === "exited" && run.exit?.code === 0;
	if (!isSeen(run)) return false;
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
	{ pod, podIP, now }: Pick<Surroundings, "pod" | "podIP" | "now">,
): { at: bigint; idle: boolean }[] {
	const found: { at: bigint; idle: boolean }[] = [];
	if (run.until !== null)
		found.push({
			at: run.until,
			idle:
				run.stage === "backoff" ||
				run.stage === "unpulled" ||
				(run.stage === "starting" && run.backOffMs > BACK_OFF_MS),
		});
	if (!isAlive(run)) return found;
	if (run.exitsAt !== null) {
		const completes = run.kind === "init" || (pod.spec?.restartPolicy ?? "Always") !== "Always";
		found.push({ at: run.exitsAt, idle: run.stage === "running" && !completes });
	}
	if (run.unsaid) return found;
	const listens = listensAt(run, container, pod);
	if (listens > now) found.push({ at: listens, idle: run.backOffMs > 0 });
	for (const kind of PROBES) {
		const asked = run.probes[kind];
		const probe = probeOf(container, kind);
		if (asked === undefined || probe === undefined || !isAsked(run, kind)) continue;
		const app: App = appOf(pod, container, run.kind);
		const { startedAt, hung } = run;
		const coming = willPass({ pod, container, kind, probe, app, startedAt, podIP, hung });
		const idle = asked.result === coming || asked.isCut || run.backOffMs > 0 || kind === "liveness";
		found.push({ at: asked.pending?.at ?? asked.nextAt, idle });
	}
	return found;
}
