// What annotations script where no image runs and no machine stands (docs/apps.md): their names, and the durations in them.
// Some say how something is; others are events, which happen whenever their value becomes another one.

import type { Node } from "./core.ts";
import type { KubernetesObject } from "./meta.ts";

export const PREFIX = "podwire.dev/";
/** On a pod: what a runtime would ask host-local for, as its capability `ips`. */
export const IPS = `${PREFIX}ips`;
/** Condition of a pod whose app hangs: it takes no packet. */
export const HUNG = `${PREFIX}Hung`;
/** Condition of a pod whose apps are to listen and do not yet; its message names their containers, with commas between. */
export const LISTENING = `${PREFIX}Listening`;
const KUBELET = `${PREFIX}kubelet`;
const REBOOT = `${PREFIX}reboot`;
const REBOOT_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** ms of `1.5s`, `2m`, `300ms`; null of anything else. */
export function parseDuration(text: string): number | null {
	const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
	return number === "" ? null : Number.parseFloat(number) * (UNITS[unit] ?? 0);
}

/** Whether something happened: an annotation has a value, and another one than before. */
export function happened(key: string, now: KubernetesObject, before: KubernetesObject | undefined): boolean {
	const value = now.metadata.annotations?.[key];
	return before !== undefined && value !== undefined && value !== before.metadata.annotations?.[key];
}

/** A node whose kubelet does not run: `podwire.dev/kubelet: stopped`. */
export const isStopped = ({ metadata }: Node) => metadata.annotations?.[KUBELET] === "stopped";

/** A node that begins to reboot: ms that it takes; null where it does not. */
export function rebootOf(node: Node, before: Node | undefined): number | null {
	if (!happened(REBOOT, node, before)) return null;
	return parseDuration(node.metadata.annotations?.[`${REBOOT}-takes`] ?? "") ?? REBOOT_MS;
}
