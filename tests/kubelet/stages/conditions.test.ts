// What a pod's conditions say beyond its containers: readiness gates, and what a machine that goes leaves of a pod in each stage.

import { describe, expect, it } from "vitest";
import type { Pod } from "../../../js/api/core.ts";
import { atWork } from "../../cluster/running.ts";
import { container, http, rows, sidecar } from "./row.ts";

const READY = "pkg/kubelet/status/generate.go GeneratePodReadyCondition";
const ACTIONS = "kuberuntime_manager.go computePodActions: createPodSandbox";
const gates = (...types: string[]) => ({ readinessGates: types.map((conditionType) => ({ conditionType })) });
const NOT_TRUE = 'the status of pod readiness gate "example.com/lb" is not "True", but False';
const MISSING = (type: string) => `corresponding condition of pod readiness gate "${type}" does not exist.`;

describe("readiness gates", () => {
	rows([
		{
			name: "that nobody has said anything of",
			source: READY,
			spec: gates("example.com/lb", "example.com/x"),
			seen: [[1, "Running PIrCS; c running SR"]],
			why: [`Ready ReadinessGatesNotReady: ${MISSING("example.com/lb")}, ${MISSING("example.com/x")}`],
		},
		{
			name: "that are closed",
			source: READY,
			spec: gates("example.com/lb"),
			happens: [{ at: 2, condition: { type: "example.com/lb", status: "False" } }],
			seen: [[3, "Running PIrCS; c running SR"]],
			why: [`Ready ReadinessGatesNotReady: ${NOT_TRUE}`],
		},
		{
			name: "that open and close",
			source: READY,
			spec: gates("example.com/lb"),
			happens: [
				{ at: 2, condition: { type: "example.com/lb", status: "True" } },
				{ at: 4, condition: { type: "example.com/lb", status: "False" } },
			],
			seen: [
				[1.9, "Running PIrCS; c running SR"],
				[3, "Running PIRCS; c running SR"],
				[5, "Running PIrCS; c running SR"],
			],
		},
		{
			name: "matter only once the containers are ready",
			source: READY,
			spec: { ...gates("example.com/lb"), containers: [container("c", { readinessProbe: http() })] },
			script: { "ready-after": "60s" },
			seen: [[2, "Running PIrcS; c running S"]],
			why: [
				"Ready ContainersNotReady: containers with unready status: [c]",
				"ContainersReady ContainersNotReady: containers with unready status: [c]",
			],
		},
	]);

	it("have transitions when Ready has, and not otherwise (pkg/kubelet/status/status_manager.go updateLastTransitionTime)", () => {
		const world = atWork({ nodes: 1 });
		world.store.create<Pod>("pods", {
			apiVersion: "v1",
			kind: "Pod",
			metadata: { namespace: "d", name: "a", annotations: { "podwire.dev/exits-after": "9s" } },
			spec: { containers: [container()] },
		});
		const times = () =>
			Object.fromEntries(
				(world.pod("a")?.status?.conditions ?? []).map(({ type, lastTransitionTime }) => [
					type,
					lastTransitionTime?.slice(17, 19),
				]),
			);
		world.simulation.advance(5000);
		const since = { PodReadyToStartContainers: "00", Initialized: "00", PodScheduled: "00" };
		expect(times()).toEqual({ ...since, Ready: "01", ContainersReady: "01" });
		world.simulation.advance(5000);
		expect(times()).toEqual({ ...since, Ready: "10", ContainersReady: "10" });
	});
});

describe("a machine that is rebooted, ten seconds", () => {
	const reboot = [{ at: 5, node: { reboot: "1", "reboot-takes": "10s" } }];
	rows([
		{
			name: "runs everything anew, init containers too",
			source: ACTIONS,
			spec: { initContainers: [container("i"), sidecar("s")] },
			happens: reboot,
			seen: [
				[4, "Running PIRCS; i exit 0 Completed R; s running SR; c running SR"],
				[14.9, "Running PIRCS; i exit 0 Completed R; s running SR; c running SR"],
				[16, "Pending PIrcS; i running S x1 last exit 0 Completed; s exit 255 Unknown; c exit 255 Unknown"],
				[
					18,
					"Running PIRCS; i exit 0 Completed R x1 last exit 0 Completed; s running SR x1 last exit 255 Unknown; c running SR x1 last exit 255 Unknown",
				],
			],
			events: ["15 SandboxChanged Pod sandbox changed, it will be killed and re-created."],
		},
		{
			name: "leaves what has succeeded where the policy is OnFailure",
			source: ACTIONS,
			spec: { restartPolicy: "OnFailure", containers: [container("a"), container("b")] },
			script: { "exits-after.a": "1s" },
			happens: reboot,
			seen: [
				[15.2, "Running pIrcS; a exit 0 Completed; b exit 255 Unknown"],
				[16, "Running PIrcS; a exit 0 Completed; b running SR x1 last exit 255 Unknown"],
			],
		},
		{
			name: "has pods fail whose policy is Never",
			source: ACTIONS,
			spec: { restartPolicy: "Never" },
			happens: reboot,
			seen: [
				[15, "Failed pIrcS; c exit 255 Unknown"],
				[700, "Failed pIrcS; c exit 255 Unknown"],
			],
			events: [],
		},
		{
			name: "forgets how long a crash loop has to wait",
			source: "kuberuntime_manager.go doBackOff: a kubelet that has just started keeps nothing",
			script: { "exits-after": "1s", "exit-code": "1" },
			happens: reboot,
			seen: [
				[5, "Running PIrcS; c waiting(CrashLoopBackOff) x1 last exit 1 Error"],
				[16, "Running PIRCS; c running SR x2 last exit 1 Error"],
			],
		},
	]);
});
