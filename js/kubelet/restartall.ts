// One container's exit has all of its pod begin anew, in the sandbox that they have (KEP-5532): whatever runs is killed, with no hook
// and no grace period, and forgotten; then the first init container begins.

import type { Container, Pod } from "../api/core.ts";
import { ruleOf } from "./restart.ts";
import { type ContainerRun, isOver, type Surroundings } from "./run.ts";
import { stop } from "./stop.ts";

/** Condition of a pod that has such a rule. */
export const RESTARTING_ALL = "AllContainersRestarting";
/** Of what was forgotten: its reason, waiting and before that. */
export const FORGOTTEN = "RestartingAllContainers";
const ACTION = "RestartAllContainers";
const MESSAGE = "The container is removed because RestartAllContainers in place";

type Containers = ReadonlyMap<string, Container>;

/** Whether a container of a pod has a rule that restarts all. */
export function hasRuleForAll({ spec }: Pod): boolean {
	const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
	return all.some(({ restartPolicyRules: rules }) =>
		((rules ?? []) as { action?: string }[]).some(({ action }) => action === ACTION),
	);
}

/** Whether one of them has exited as such a rule says. */
export function restartsAll(runs: readonly ContainerRun[], containers: Containers): boolean {
	return runs.some((run) => {
		const container = containers.get(run.name);
		if (container === undefined || run.exit === null || run.exit.reason === FORGOTTEN) return false;
		return run.stage === "exited" && isOver(run) && ruleOf(container, run.exit.code) === ACTION;
	});
}

/** They are told to stop. Upstream: one after the other; here: at once. */
export function stopAll(
	runs: readonly ContainerRun[],
	containers: Containers,
	pod: Pod,
	now: bigint,
	say: Surroundings["say"],
): void {
	for (const run of runs)
		if (stop(run, containers.get(run.name) as Container, pod, now, 0, false)) say("Normal", "Killing", "killing");
}

/** Whether they have; if so, all that has run is forgotten and waits for its turn. */
export function forgetAll(runs: readonly ContainerRun[], now: bigint): boolean {
	if (runs.some((run) => !isOver(run))) return false;
	for (const run of runs) {
		if (run.exit !== null) {
			run.exit = { code: 137, reason: FORGOTTEN, message: MESSAGE, startedAt: run.exit.startedAt, finishedAt: now };
			run.before = null;
		}
		run.backOffMs = 0;
		run.stage = "waiting";
		run.until = null;
	}
	return true;
}
