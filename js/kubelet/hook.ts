// Hooks of a container (pkg/kubelet/lifecycle/handlers.go): how long one takes, and what is said of one that fails.

import type { Container, Pod } from "../api/core.ts";
import { appOf } from "./app.ts";
import type { ContainerRun } from "./run.ts";

interface Action {
	exec?: { command?: readonly string[] };
	httpGet?: { path?: string };
	sleep?: { seconds: number };
}

type Which = "postStart" | "preStop";

const actionOf = (container: Container, which: Which) =>
	(container["lifecycle"] as Partial<Record<Which, Action>> | undefined)?.[which];

/** ms that a hook takes; null: it has none. */
export function hookMsOf(which: Which, container: Container, pod: Pod, { kind }: ContainerRun): number | null {
	const action = actionOf(container, which);
	if (action === undefined) return null;
	if (action.sleep !== undefined) return action.sleep.seconds * 1000;
	const { postStartMs, preStopMs } = appOf(pod, container, kind);
	return which === "postStart" ? postStartMs : preStopMs;
}

/** Whether a hook fails, as none does that sleeps. */
export function failsHook(which: Which, container: Container, pod: Pod, { kind }: ContainerRun): boolean {
	const fails = appOf(pod, container, kind).fails.has(which.toLowerCase());
	return fails && actionOf(container, which)?.sleep === undefined;
}

/** Why its postStart hook failed; null: it did not. */
export function hookErrorOf(container: Container, pod: Pod, run: ContainerRun): string | null {
	if (!failsHook("postStart", container, pod, run)) return null;
	const action = actionOf(container, "postStart");
	const { name, namespace, uid } = pod.metadata;
	const whose = `for Container "${container.name}" in Pod "${name}_${namespace}(${uid})" failed - error`;
	const command = action?.exec?.command ?? [];
	return action?.exec === undefined
		? `HTTP lifecycle hook (${action?.httpGet?.path ?? ""}) ${whose}: HTTP probe failed with statuscode: 503`
		: `Exec lifecycle hook ([${command.join(" ")}]) ${whose}: command '${command.join(" ")}' exited with 1: , message: ""`;
}
