// What the program in a container does, as far as a kubelet and the network can tell. No image runs: it is assumed, and
// scripted by annotations of the pod. `podwire.dev/KEY` holds for all containers of its spec, `podwire.dev/KEY.CONTAINER` for one.

import type { Container, Pod } from "../api/core.ts";
import { PREFIX, parseDuration } from "../api/script.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";
export type ContainerKind = "init" | "sidecar" | "main";

export interface App {
	/** From its pod's start until its image is to be had, ms; Infinity: it never is. `image-missing-for`, a duration or `ever`. */
	imageMissingMs: number;
	/** From its start until it accepts connections, ms. `listens-after`. */
	listensAfterMs: number;
	/** From its start until readiness probes pass, ms. `ready-after`. */
	readyAfterMs: number;
	/** From its start until it exits by itself, ms; null: it does not. `exits-after`. */
	exitsAfterMs: number | null;
	/** `exit-code`. */
	exitCode: number;
	/** From SIGTERM until it exits, ms; Infinity: it never does. `drains-for`, a duration or `ever`. */
	drainsForMs: number;
	/** How long a postStart hook takes that is no `sleep`, ms. `poststart-takes`. */
	postStartMs: number;
	/** How long a preStop hook takes that is no `sleep`, ms. `prestop-takes`. */
	preStopMs: number;
	/** Probes that fail, whatever they ask, and hooks. `fails`, as in `readiness,liveness`. */
	fails: ReadonlySet<string>;
	/** Annotations that say nothing: what was expected. */
	problems: readonly string[];
}

const FAILING: readonly string[] = ["startup", "readiness", "liveness", "poststart", "prestop"];
/** Durations that may be `ever`. */
const EVER: readonly string[] = ["drains-for", "image-missing-for"];
/** What runs to completion is taken to take that long. */
const COMPLETES_MS = 1000;

export function appOf(pod: Pod, container: Container, kind: ContainerKind): App {
	const { annotations = {}, ownerReferences = [] } = pod.metadata;
	const problems: string[] = [];
	const said = (key: string) => annotations[`${PREFIX}${key}.${container.name}`] ?? annotations[`${PREFIX}${key}`];
	const duration = (key: string): number | null => {
		const text = said(key);
		if (text === undefined) return null;
		const ms = EVER.includes(key) && text === "ever" ? Number.POSITIVE_INFINITY : parseDuration(text);
		if (ms === null) problems.push(`${PREFIX}${key}: expected a duration as in 1.5s, got ${JSON.stringify(text)}`);
		return ms;
	};
	const completes = kind === "init" || (kind === "main" && ownerReferences.some((owner) => owner.kind === "Job"));
	const listensAfterMs = duration("listens-after") ?? 0;
	const code = said("exit-code") ?? "0";
	if (!/^\d{1,3}$/.test(code)) problems.push(`${PREFIX}exit-code: expected 0-255, got ${JSON.stringify(code)}`);
	const fails = (said("fails") ?? "").split(",").filter(Boolean);
	for (const word of fails)
		if (!FAILING.includes(word))
			problems.push(`${PREFIX}fails: expected ${FAILING.join(", ")}, got ${JSON.stringify(word)}`);
	return {
		imageMissingMs: duration("image-missing-for") ?? 0,
		listensAfterMs,
		readyAfterMs: Math.max(listensAfterMs, duration("ready-after") ?? 0),
		exitsAfterMs: duration("exits-after") ?? (completes ? COMPLETES_MS : null),
		exitCode: Number.parseInt(code, 10) || 0,
		drainsForMs: duration("drains-for") ?? 0,
		postStartMs: duration("poststart-takes") ?? 0,
		preStopMs: duration("prestop-takes") ?? 0,
		fails: new Set(fails),
		problems,
	};
}
