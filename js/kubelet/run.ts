// What a kubelet keeps of one container, as a runtime does: a stage, and what is due in it. js/kubelet/container.ts has the table.

import type { Container, ContainerStatus, Pod } from "../api/core.ts";
import type { ContainerKind, ProbeKind } from "./app.ts";
import type { ProbeRun, Reach } from "./probe.ts";
import type { Pull } from "./pull.ts";

export type Stage =
	| "waiting"
	| "unpulled"
	| "starting"
	| "poststart"
	| "running"
	| "hook"
	| "turn"
	| "stopping"
	| "exited"
	| "backoff"
	| "ended"
	| "observed";

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
	/** ns; when the stage ends by itself, null: not. Of `exited`: when the preStop hook ends that it did not live to see. */
	until: bigint | null;
	/** ns; of what runs. */
	startedAt: bigint;
	restarts: number;
	/** How long the next restart waits after the exit; 0: not at all. */
	backOffMs: number;
	/** ns; when that became so. */
	backedOffAt: bigint;
	/** Whether it has started up, as its startup probe sees it. */
	started: boolean;
	probes: Partial<Record<ProbeKind, ProbeRun>>;
	/** Of `unpulled`: its image is not to be had. */
	pull: Pull | null;
	/** Its kubelet waits for its postStart hook, and has not said yet that it runs. */
	unsaid: boolean;
	/** Why its postStart hook failed; null: it did not. */
	hookError: string | null;
	/** Its pod's status says that it runs: what looks there, as probes and the network do, knows of it. */
	isKnown: boolean;
	/** Of its last run that ended, and of the one before. */
	exit: Exit | null;
	before: Exit | null;
	/** ns; when its program ends by itself, null: it does not; and with which code. */
	exitsAt: bigint | null;
	exitsWith: number;
	/** ms of its grace period that are left as its stage begins, and ns when all of it is over. Of `hook`, `turn` and `stopping`. */
	leftMs: number;
	graceEnds: bigint;
	/** ns; since when it is in `hook`, `turn` or `stopping`. */
	since: bigint;
	/** Whether it has to wait for its turn. */
	inTurn: boolean;
	/** A probe had it stopped. */
	unhealthy: boolean;
	/** It does nothing any more, until it is started again. */
	hung: boolean;
	/** What it will say as it finds that it cannot listen; null: it can. */
	lastWords: string | null;
	/** Of `observed`. */
	status: ContainerStatus | null;
}

export interface Surroundings {
	pod: Pod;
	podIP: string;
	/** ns; since when its kubelet has its pod. */
	since: bigint;
	now: bigint;
	/** Whether the pod is going: nothing is started again. */
	terminating: boolean;
	say: (type: "Normal" | "Warning", reason: string, message: string) => void;
	/** What a container says that listens where another one does already; undefined: none does. */
	clash: (run: ContainerRun, container: Container) => string | undefined;
	/** Whether those are gone that go before it. */
	isNext: (run: ContainerRun) => boolean;
	/** The network between the node and the pod; undefined: what listens is reached. */
	reach: Reach | undefined;
}

const MS = 1_000_000n;

export function newRun(name: string, kind: ContainerKind): ContainerRun {
	return {
		...{ name, kind, stage: "waiting", until: null, startedAt: 0n, restarts: 0, backOffMs: 0, backedOffAt: 0n },
		...{
			started: false,
			probes: {},
			pull: null,
			unsaid: false,
			hookError: null,
			isKnown: false,
			exit: null,
			before: null,
			exitsAt: null,
			exitsWith: 0,
		},
		...{
			leftMs: 0,
			graceEnds: 0n,
			since: 0n,
			inTurn: false,
			unhealthy: false,
			hung: false,
			lastWords: null,
			status: null,
		},
	};
}

/** Whether its program runs. */
export const isAlive = ({ stage }: ContainerRun) =>
	stage === "poststart" || stage === "running" || stage === "hook" || stage === "turn" || stage === "stopping";

/** Whether it is said to run. */
export const isSeen = (run: ContainerRun) => isAlive(run) && !run.unsaid;

/** Whether nothing of it runs or is waited for. */
export const isOver = ({ stage, until }: ContainerRun) => stage === "ended" || (stage === "exited" && until === null);

/** `ms` after a time, ns. */
export const after = (at: bigint, ms: number) => at + BigInt(Math.round(ms)) * MS;

/** Its program has ended. */
export function exited(run: ContainerRun, at: bigint, how: Pick<Exit, "code" | "reason" | "message">): void {
	run.before = run.exit;
	run.exit = { ...how, startedAt: run.startedAt, finishedAt: at };
	// Whoever stops it waits for its hook all the same.
	if (run.stage !== "hook") run.until = null;
	run.stage = "exited";
	run.exitsAt = null;
	run.unsaid = false;
	run.started = false;
	run.hung = false;
	run.lastWords = null;
}
