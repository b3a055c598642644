// How a container is stopped (pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer, kuberuntime_termination_order.go):
// its preStop hook, its turn (of a sidecar: KEP-753), SIGTERM, and SIGKILL when the grace period is over. What hook and turn took
// is counted in whole seconds, and two are left in any case.

import type { Container, Pod } from "../api/core.ts";
import { appOf } from "./app.ts";
import { hookMsOf } from "./hook.ts";
import { after, type ContainerRun, exited, isAlive } from "./run.ts";

/** minimumGracePeriodInSeconds */
const GRACE_LEAST_MS = 2000;
const S = 1_000_000_000n;
const MS = 1_000_000n;
const KILLED = 137;

/**
 * Whether it has to be waited for; one that does not run is not started again. `graceMs`: of this order. `inTurn`: its pod ends, and
 * not it alone, so that sidecars wait for their turn.
 */
export function stop(
	run: ContainerRun,
	container: Container,
	pod: Pod,
	now: bigint,
	graceMs: number,
	inTurn: boolean,
): boolean {
	if (!isAlive(run)) {
		if (run.stage !== "exited") {
			run.stage = "ended";
			run.until = null;
		}
		return false;
	}
	// An order that comes while another one is carried out may only have more of a hurry.
	const left =
		run.stage === "running" || run.stage === "poststart"
			? graceMs
			: Math.min(graceMs, Number((run.graceEnds - now) / MS));
	run.graceEnds = after(now, left);
	run.leftMs = left;
	run.since = now;
	run.inTurn = inTurn && run.kind === "sidecar";
	const takes = left > 0 ? hookMsOf("preStop", container, pod, run) : null;
	if (takes === null) wait(run, container, pod, now);
	else {
		run.stage = "hook";
		run.until = after(now, Math.min(takes, left));
	}
	return true;
}

/** A stage of it that was due has ended. */
export function stopFurther(run: ContainerRun, container: Container, pod: Pod): void {
	const at = run.until as bigint;
	if (run.stage === "stopping") {
		exited(run, at, { code: KILLED });
		return;
	}
	spend(run, at);
	if (run.stage === "hook") wait(run, container, pod, at);
	else terminate(run, container, pod, at);
}

/** It is its turn. */
export function takeTurn(run: ContainerRun, container: Container, pod: Pod, at: bigint): void {
	spend(run, at);
	terminate(run, container, pod, at);
}

function spend(run: ContainerRun, at: bigint): void {
	run.leftMs = Math.max(0, run.leftMs - Number((at - run.since) / S) * 1000);
	run.since = at;
}

function wait(run: ContainerRun, container: Container, pod: Pod, at: bigint): void {
	if (!run.inTurn || run.leftMs <= 0) terminate(run, container, pod, at);
	else {
		run.stage = "turn";
		run.until = after(at, run.leftMs);
	}
}

/** SIGTERM. */
function terminate(run: ContainerRun, container: Container, pod: Pod, at: bigint): void {
	run.stage = "stopping";
	run.since = at;
	run.until = after(at, Math.max(run.leftMs, GRACE_LEAST_MS));
	const { drainsForMs } = appOf(pod, container, run.kind);
	if (run.hung || !Number.isFinite(drainsForMs)) return;
	const drained = after(at, drainsForMs);
	if (run.exitsAt !== null && run.exitsAt <= drained) return;
	run.exitsAt = drained;
	run.exitsWith = 0;
}
