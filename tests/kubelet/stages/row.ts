// Rows of the table of a pod's stages: a pod, what its programs are to do, what happens to it, and what is then to be seen of it at
// named times, in one line each.
//
//   Running PIrcS; i exit 0 Completed R; c waiting(CrashLoopBackOff) x1 last 3 Error
//
// The phase, with its reason; the conditions PodReadyToStartContainers, Initialized, Ready, ContainersReady, PodScheduled, capitals
// where they are true; then each container: its state, S where it has started, R where it is ready, its restarts, its last state.
//
// It is assumed throughout that a pod is placed at once, that its sandbox takes half a second and a container's start half a second.

import { expect, it } from "vitest";
import type { Container, ContainerStatus, Pod, PodSpec, Probe } from "../../../js/api/core.ts";
import { type AtWork, atWork } from "../../cluster/running.ts";

export interface Happening {
	/** s. */
	at: number;
	/** Of its annotations, without their prefix. */
	script?: Record<string, string>;
	/** With the grace period of its spec, or so many seconds. */
	remove?: true | number;
	/** A condition that somebody else writes. */
	condition?: { type: string; status: "True" | "False" };
	/** Of its node. */
	node?: Record<string, string>;
}

export interface Row {
	name: string;
	/** Where upstream has it. */
	source: string;
	spec?: Partial<PodSpec>;
	script?: Record<string, string>;
	happens?: readonly Happening[];
	/** s, and what is seen then; null: it is gone. */
	seen: readonly (readonly [number, string | null])[];
	/** `SECONDS REASON MESSAGE`; of the last second that is looked at and before. Those of ROUTINE are left out. */
	events?: readonly string[];
	/** Reasons and messages of conditions that do not hold, at the end: `Ready ContainersNotReady: containers with …`. */
	why?: readonly string[];
}

const ROUTINE = ["Scheduled", "Pulled", "Created", "Started"];
const CONDITIONS = {
	PodReadyToStartContainers: "P",
	Initialized: "I",
	Ready: "R",
	ContainersReady: "C",
	PodScheduled: "S",
};

export const container = (name = "c", rest: Partial<Container> = {}): Container => ({
	name,
	image: `${name}:1`,
	...rest,
});
export const sidecar = (name: string, rest: Partial<Container> = {}) =>
	container(name, { restartPolicy: "Always", ...rest });
export const http = (rest: Partial<Probe> = {}): Probe => ({ httpGet: { port: 80 }, ...rest });
export const preStop = (seconds: number) => ({ lifecycle: { preStop: { sleep: { seconds } } } });

function stateText(state: unknown): string {
	const { running, waiting, terminated } = (state ?? {}) as {
		running?: object;
		waiting?: { reason: string };
		terminated?: { exitCode: number; reason: string };
	};
	if (running !== undefined) return "running";
	if (waiting !== undefined) return `waiting(${waiting.reason})`;
	return terminated === undefined ? "" : `exit ${terminated.exitCode} ${terminated.reason}`;
}

function containerText({ name, state, lastState, ready, started, restartCount = 0 }: ContainerStatus): string {
	const is = `${started ? "S" : ""}${ready ? "R" : ""}`;
	const last = stateText(lastState);
	return [
		...[name, stateText(state), is, restartCount === 0 ? "" : `x${restartCount}`],
		...[last === "" ? "" : `last ${last}`],
	]
		.filter(Boolean)
		.join(" ");
}

export function textOf({ status }: Pod): string {
	const conditions = Object.entries(CONDITIONS).map(([type, letter]) =>
		status?.conditions?.find((one) => one.type === type)?.status === "True" ? letter : letter.toLowerCase(),
	);
	const phase = status?.reason === undefined ? status?.phase : `${status.phase}(${status.reason})`;
	const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
	return [`${phase} ${conditions.join("")}`, ...containers.map(containerText)].join("; ");
}

function happen(world: AtWork, { script, remove, condition, node }: Happening): void {
	const annotations = (from: Record<string, string>) =>
		Object.fromEntries(Object.entries(from).map(([key, value]) => [`podwire.dev/${key}`, value]));
	if (script !== undefined)
		world.patch("/api/v1/namespaces/d/pods/a", { metadata: { annotations: annotations(script) } });
	if (node !== undefined) world.patch("/api/v1/nodes/node-1", { metadata: { annotations: annotations(node) } });
	const pod = world.pod("a") as Pod;
	if (condition !== undefined) {
		const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition];
		world.store.updateStatus<Pod>("pods", { ...pod, status: { ...pod.status, conditions } });
	}
	if (remove !== undefined)
		world.store.delete("pods", pod, typeof remove === "number" ? { gracePeriodSeconds: remove } : {});
}

function run({ spec, script = {}, happens = [], seen, events, why }: Row): void {
	const world = atWork({ nodes: 1 });
	const annotations = Object.fromEntries(Object.entries(script).map(([key, value]) => [`podwire.dev/${key}`, value]));
	world.store.create<Pod>("pods", {
		apiVersion: "v1",
		kind: "Pod",
		metadata: { namespace: "d", name: "a", annotations },
		spec: { containers: [container()], terminationGracePeriodSeconds: 30, ...spec },
	});
	const begin = world.now();
	const { uid = "" } = world.pod("a")?.metadata ?? {};
	const goTo = (at: number) => world.simulation.advance(begin + at * 1000 - world.now(), 100_000);
	const due = [...happens].sort((one, other) => one.at - other.at);
	const found = seen.map(([at]): readonly [number, string | null] => {
		for (let next = due[0]; next !== undefined && next.at <= at; next = due[0]) {
			goTo(next.at);
			happen(world, next);
			due.shift();
		}
		goTo(at);
		const pod = world.pod("a");
		return [at, pod === undefined ? null : textOf(pod)];
	});
	expect(found).toEqual(seen);
	if (events !== undefined) {
		const said = world.heard.flatMap((line, i) => {
			const [, reason, message] = /^\w+ (\w+) Pod d\/a: (.*)$/.exec(line) ?? [];
			const at = ((world.heardAt[i] as number) - begin) / 1000;
			return reason === undefined || ROUTINE.includes(reason)
				? []
				: [`${at} ${reason} ${message?.replaceAll(uid, "UID")}`];
		});
		expect(said).toEqual(events);
	}
	if (why !== undefined) {
		const conditions = world.pod("a")?.status?.conditions?.filter(({ reason }) => reason !== undefined) ?? [];
		expect(conditions.map(({ type, reason, message }) => `${type} ${reason}${message ? `: ${message}` : ""}`)).toEqual(
			why,
		);
	}
	expect(due).toEqual([]);
}

export function rows(all: readonly Row[]): void {
	it.each(all)("$name ($source)", run);
}
