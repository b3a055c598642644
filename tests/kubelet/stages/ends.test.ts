// How a pod ends: hooks, grace periods and kills, deletions in each of its stages, deadlines; and what is said of it last.

import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../../js/api/core.ts";
import { atWork } from "../../cluster/running.ts";
import { container, http, preStop, rows, sidecar, textOf } from "./row.ts";

const KILL = "kuberuntime_container.go killContainer";
const WORKERS = "pkg/kubelet/pod_workers.go calculateEffectiveGracePeriod";
const DEADLINE = "pkg/kubelet/active_deadline.go";
const MERGE = "pkg/kubelet/status/status_manager.go mergePodStatus";
const STOPPING = "5 Killing Stopping container c";
const c = (rest: object) => ({ containers: [container("c", rest)] });
const exec = { lifecycle: { preStop: { exec: { command: ["x"] } } } };

describe("a container that is stopped", () => {
	const remove = [{ at: 5, remove: true as const }];
	const runs = "Running PIRCS; c running SR";
	rows([
		{
			name: "ends when its program does",
			source: KILL,
			script: { "drains-for": "12s" },
			happens: remove,
			seen: [
				[16.9, runs],
				[17, null],
			],
			events: [STOPPING],
		},
		{
			name: "is killed when its grace period is over",
			source: KILL,
			script: { "drains-for": "ever" },
			happens: remove,
			seen: [
				[34.9, runs],
				[35, null],
			],
			events: [STOPPING],
		},
		{
			name: "sleeps first, within its grace period",
			source: `${KILL}, lifecycle/handlers.go runSleepHandler, KEP-3960`,
			spec: c(preStop(10)),
			script: { "drains-for": "ever" },
			happens: remove,
			seen: [
				[34.9, runs],
				[35, null],
			],
			events: [STOPPING],
		},
		{
			name: "has two seconds where its sleep took the whole of it",
			source: `${KILL}: minimumGracePeriodInSeconds`,
			spec: { terminationGracePeriodSeconds: 10, ...c(preStop(10)) },
			script: { "drains-for": "ever" },
			happens: remove,
			seen: [
				[16.9, runs],
				[17, null],
			],
		},
		{
			name: "whose hook takes longer than its grace period has two seconds after that",
			source: `${KILL}, executePreStopHook`,
			spec: { terminationGracePeriodSeconds: 10, ...c(exec) },
			script: { "drains-for": "ever", "prestop-takes": "40s" },
			happens: remove,
			seen: [
				[16.9, runs],
				[17, null],
			],
		},
		{
			name: "whose hook takes longer than its grace period may still end by itself in those two seconds",
			source: `${KILL}, executePreStopHook`,
			spec: { terminationGracePeriodSeconds: 10, ...c(exec) },
			script: { "drains-for": "1s", "prestop-takes": "40s" },
			happens: remove,
			seen: [
				[15.9, runs],
				[16, null],
			],
		},
		{
			name: "is counted whole seconds of its hook",
			source: `${KILL}: executePreStopHook returns seconds`,
			spec: { terminationGracePeriodSeconds: 10, ...c(exec) },
			script: { "drains-for": "ever", "prestop-takes": "3.7s" },
			happens: remove,
			// Seven seconds are left as its hook ends at 8.7 s.
			seen: [
				[15.6, runs],
				[15.7, null],
			],
		},
		{
			name: "whose hook fails hears SIGTERM then",
			source: `${KILL}, executePreStopHook`,
			spec: c(exec),
			script: { "prestop-takes": "3s", fails: "prestop", "drains-for": "2s" },
			happens: remove,
			seen: [
				[9.9, runs],
				[10, null],
			],
			events: [STOPPING, "8 FailedPreStopHook PreStopHook failed"],
		},
		{
			name: "that exits while its hook runs is waited for until that is over",
			source: `${KILL}: one after the other`,
			spec: { restartPolicy: "Never", ...c(preStop(8)) },
			script: { "exits-after": "6s" },
			happens: remove,
			seen: [
				[6.9, runs],
				[7, "Running PIrcS; c exit 0 Completed"],
				[12.9, "Running PIrcS; c exit 0 Completed"],
				[13, null],
			],
		},
		{
			name: "that hangs hears no SIGTERM",
			source: "docs concepts/workloads/pods/pod-lifecycle: forced termination",
			script: { "drains-for": "1s" },
			happens: [{ at: 4, script: { hang: "1" } }, ...remove],
			seen: [
				[34.9, "Running PIRCS; c running SR"],
				[35, null],
			],
		},
		{
			name: "that hangs while it is stopped is killed",
			source: "docs concepts/workloads/pods/pod-lifecycle: forced termination",
			script: { "drains-for": "10s" },
			happens: [...remove, { at: 7, script: { hang: "1" } }],
			seen: [
				[34.9, runs],
				[35, null],
			],
		},
		{
			name: "that crashes meanwhile has ended",
			source: KILL,
			script: { "drains-for": "ever" },
			happens: [...remove, { at: 7, script: { crash: "1" } }],
			seen: [
				[6.9, runs],
				[7, null],
			],
		},
		{
			name: "is asked for its readiness, not whether it lives",
			source: "pkg/kubelet/prober/worker.go doProbe: graceful shutdown",
			spec: c({
				readinessProbe: http({ periodSeconds: 2, failureThreshold: 1 }),
				livenessProbe: http({ periodSeconds: 2, failureThreshold: 1 }),
			}),
			script: { "drains-for": "20s" },
			happens: [...remove, { at: 6, script: { fails: "readiness,liveness" } }],
			seen: [
				[6.9, runs],
				[7, "Running PIrcS; c running S"],
				[24.9, "Running PIrcS; c running S"],
				[25, null],
			],
			events: [
				STOPPING,
				...[7, 9, 11, 13, 15, 17, 19, 21, 23, 25]
					.slice(0, -1)
					.map((at) => `${at} Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503`),
			],
		},
	]);
});

describe("a deletion", () => {
	rows([
		{
			name: "of a pod whose sandbox is not there yet is over at once",
			source: "pkg/kubelet/pod_workers.go: nothing runs",
			happens: [{ at: 0.2, remove: true }],
			seen: [
				[0.1, "Pending pIrcS; c waiting(ContainerCreating)"],
				[0.3, null],
			],
			events: [],
		},
		{
			name: "of a pod whose container is not there yet, too",
			source: "pkg/kubelet/pod_workers.go: nothing runs",
			happens: [{ at: 0.7, remove: true }],
			seen: [
				[0.7, null],
				[5, null],
			],
			events: [],
		},
		{
			name: "of a pod that is being initialized ends what runs, and nothing begins",
			source: KILL,
			spec: { initContainers: [container("i"), container("j")] },
			script: { "exits-after.i": "60s", "drains-for.i": "3s" },
			happens: [{ at: 2, remove: true }],
			seen: [
				[4.9, "Pending PircS; i running S; j waiting(PodInitializing); c waiting(PodInitializing)"],
				[5, null],
			],
			events: ["2 Killing Stopping container i"],
		},
		{
			name: "of a pod whose container waits for its next start is over at once",
			source: "pkg/kubelet/container/helpers.go ShouldContainerBeRestarted: deleted",
			script: { "exits-after": "1s", "exit-code": "1" },
			happens: [{ at: 6, remove: true }],
			seen: [[6, null]],
			events: ["3.5 BackOff Back-off restarting failed container c in pod a_d(UID)"],
		},
		{
			name: "of a pod that has ended is over at once",
			source: "pkg/kubelet/kubelet.go SyncTerminatedPod",
			spec: { restartPolicy: "Never" },
			script: { "exits-after": "1s", "drains-for": "ever" },
			happens: [{ at: 6, remove: true }],
			seen: [[6, null]],
			events: [],
		},
		{
			name: "has the grace period that it says",
			source: WORKERS,
			script: { "drains-for": "ever" },
			happens: [{ at: 5, remove: 7 }],
			seen: [
				[11.9, "Running PIRCS; c running SR"],
				[12, null],
			],
		},
		{
			name: "that has one second gives two",
			source: `${KILL}: minimumGracePeriodInSeconds`,
			script: { "drains-for": "ever" },
			happens: [{ at: 5, remove: 1 }],
			seen: [
				[6.9, "Running PIRCS; c running SR"],
				[7, null],
			],
		},
		{
			name: "that comes again shortens what is left",
			source: WORKERS,
			script: { "drains-for": "ever" },
			happens: [
				{ at: 5, remove: true },
				{ at: 10, remove: 4 },
			],
			seen: [
				[13.9, "Running PIRCS; c running SR"],
				[14, null],
			],
			events: ["5 Killing Stopping container c", "10 Killing Stopping container c"],
		},
		{
			name: "that comes again with more time changes nothing",
			source: WORKERS,
			script: { "drains-for": "ever" },
			happens: [
				{ at: 5, remove: 8 },
				{ at: 10, remove: 60 },
			],
			seen: [
				[12.9, "Running PIRCS; c running SR"],
				[13, null],
			],
			events: ["5 Killing Stopping container c"],
		},
		{
			name: "with no grace period takes the object away at once",
			source: "docs concepts/workloads/pods/pod-lifecycle: forced termination",
			script: { "drains-for": "ever" },
			happens: [{ at: 5, remove: 0 }],
			seen: [
				[4.9, "Running PIRCS; c running SR"],
				[5, null],
			],
		},
		{
			name: "that comes again with no grace period, too",
			source: "docs concepts/workloads/pods/pod-lifecycle: forced termination",
			script: { "drains-for": "ever" },
			happens: [
				{ at: 5, remove: true },
				{ at: 8, remove: 0 },
			],
			seen: [
				[7.9, "Running PIRCS; c running SR"],
				[8, null],
			],
		},
	]);

	const UNKNOWN = "exit 137 ContainerStatusUnknown";
	it.each<[string, Partial<PodSpec>, Record<string, string>, number, string]>([
		["of one that exits with 0", {}, {}, 5, "Succeeded pIrcS; c exit 0 Completed"],
		[
			"of one that had to be killed",
			{ terminationGracePeriodSeconds: 3 },
			{ "drains-for": "ever" },
			5,
			"Failed pIrcS; c exit 137 Error",
		],
		["of one that never began", {}, {}, 0.6, `Failed pIrcS; c ${UNKNOWN}`],
		[
			"of one in a crash loop",
			{},
			{ "exits-after": "1s", "exit-code": "4" },
			6,
			"Failed pIrcS; c exit 4 Error x1 last exit 4 Error",
		],
		[
			"of one that is being initialized: what was not initialized still waits",
			{ initContainers: [container("i"), container("j")] },
			{ "exits-after.i": "60s" },
			3,
			"Failed pircS; i exit 0 Completed R; j waiting(PodInitializing); c waiting(PodInitializing)",
		],
		[
			"of one that was not given time to begin: its first init container counts as lost",
			{ initContainers: [container("i"), container("j")] },
			{},
			0.6,
			`Failed pircS; i ${UNKNOWN}; j waiting(PodInitializing); c waiting(PodInitializing)`,
		],
		[
			"of one whose sidecar had to be killed",
			{ terminationGracePeriodSeconds: 3, initContainers: [sidecar("s")] },
			{ "drains-for.s": "ever" },
			5,
			"Succeeded pIrcS; s exit 137 Error; c exit 0 Completed",
		],
	])("is the last thing said %s (status/status_manager.go TerminatePod)", (_, spec, script, at, last) => {
		const world = atWork({ nodes: 1 });
		const annotations = Object.fromEntries(Object.entries(script).map(([key, value]) => [`podwire.dev/${key}`, value]));
		world.store.create<Pod>("pods", {
			apiVersion: "v1",
			kind: "Pod",
			metadata: { namespace: "d", name: "a", annotations },
			spec: { containers: [container()], ...spec },
		});
		world.simulation.advance(at * 1000);
		const before = world.store.revision;
		world.store.delete("pods", world.pod("a") as Pod);
		world.simulation.advance(60_000);
		const said = [...(world.store.since(before) ?? [])].filter(({ resource }) => resource === "pods");
		expect(said.at(-1)?.type).toBe("DELETED");
		expect(textOf(said.at(-1)?.object as Pod)).toBe(last);
	});
});

describe("activeDeadlineSeconds", () => {
	rows([
		{
			name: "have a pod's containers stopped, and it fail when they have",
			source: `${DEADLINE}, ${MERGE}`,
			spec: { activeDeadlineSeconds: 10 },
			script: { "drains-for": "4s" },
			seen: [
				[9.9, "Running PIRCS; c running SR"],
				[10, "Running PIrcS; c running SR"],
				[14, "Failed(DeadlineExceeded) pIrcS; c exit 0 Completed"],
				[700, "Failed(DeadlineExceeded) pIrcS; c exit 0 Completed"],
			],
			events: [
				"10 DeadlineExceeded Pod was active on the node longer than the specified deadline",
				"10 Killing Stopping container c",
			],
			why: ["Ready PodFailed", "ContainersReady PodFailed"],
		},
		{
			name: "count from when the kubelet saw it, through a crash loop",
			source: DEADLINE,
			spec: { activeDeadlineSeconds: 10, restartPolicy: "OnFailure" },
			script: { "exits-after": "1s", "exit-code": "1" },
			seen: [
				[9.9, "Running PIrcS; c waiting(CrashLoopBackOff) x1 last exit 1 Error"],
				[10, "Failed(DeadlineExceeded) pIrcS; c exit 1 Error x1 last exit 1 Error"],
				[60, "Failed(DeadlineExceeded) pIrcS; c exit 1 Error x1 last exit 1 Error"],
			],
		},
		{
			name: "do not matter to a pod that has ended by then",
			source: DEADLINE,
			spec: { activeDeadlineSeconds: 10, restartPolicy: "Never" },
			script: { "exits-after": "1s" },
			seen: [[60, "Succeeded pIrcS; c exit 0 Completed"]],
			events: [],
		},
	]);
});
