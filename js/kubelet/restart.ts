// Whether a container that has ended runs again, and when (pkg/api/v1/pod/util.go ContainerShouldRestart; kuberuntime_manager.go
// doBackOff; client-go's util/flowcontrol/backoff.go).

import type { Container, Pod } from "../api/core.ts";
import { after, type ContainerRun, type Exit } from "./run.ts";

export const BACK_OFF_MS = 10_000;
const BACK_OFF_MOST_MS = 300_000;

interface RestartRule {
	action: string;
	exitCodes?: { operator: string; values?: readonly number[] };
}

/** The first of a container's `restartPolicyRules` (KEP-5307) that an exit code meets: what it says. */
export function ruleOf(container: Container, code: number): string | undefined {
	const rules = (container["restartPolicyRules"] ?? []) as readonly RestartRule[];
	return rules.find(({ exitCodes }) => {
		if (exitCodes === undefined) return false;
		const { operator, values = [] } = exitCodes;
		return values.includes(code) === (operator === "In");
	})?.action;
}

/** Whether it is to run again after an exit with that code: its rules, its own policy, its pod's. */
export function restartsAfter(container: Container, { spec }: Pod, code: number): boolean {
	const own = container.restartPolicy;
	if (own !== undefined && ruleOf(container, code) === "Restart") return true;
	const policy = own ?? spec?.restartPolicy ?? "Always";
	return policy === "Always" || (policy === "OnFailure" && code !== 0);
}

/** Whether it is to run again after a probe had it stopped, whatever it said: rules are for those that exit by themselves. */
export const restartsUnhealthy = (container: Container, { spec }: Pod) =>
	(container.restartPolicy ?? spec?.restartPolicy) !== "Never";

/** Whether what has ended is to run again. */
export function restarts(run: ContainerRun, container: Container, pod: Pod): boolean {
	const code = run.exit?.code ?? 0;
	if (run.kind === "init" && code === 0) return false;
	return (run.unhealthy && restartsUnhealthy(container, pod)) || restartsAfter(container, pod, code);
}

/**
 * Whether it may begin now: null; else ns until when not. `last`: the exit that the kubelet knows of; the first restart comes at once,
 * each one after that waits twice as long, and ten minutes without one make it a first one again.
 */
export function backOff(run: ContainerRun, last: Exit | null, now: bigint): bigint | null {
	if (last === null) return null;
	if (now > after(run.backedOffAt, 2 * BACK_OFF_MOST_MS)) run.backOffMs = 0;
	const until = after(last.finishedAt, run.backOffMs);
	if (run.backOffMs > 0 && until > now) return until;
	run.backOffMs = run.backOffMs === 0 ? BACK_OFF_MS : Math.min(2 * run.backOffMs, BACK_OFF_MOST_MS);
	run.backedOffAt = now;
	return null;
}
