// Pods from their node's first look to their end: stages and their times, probes, restarts, what a deletion gives them.

import { describe, expect, it } from "vitest";
import type { Container, Pod, PodSpec } from "../../js/api/core.ts";
import { type AtWork, atWork } from "../cluster/running.ts";

const container = (rest: Partial<Container> = {}): Container => ({
	...{ name: "c", image: "web:1", ports: [{ containerPort: 80 }] },
	...rest,
});

const pod = (name: string, spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}): Pod => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { namespace: "d", name, labels: { app: "web" }, annotations },
	spec: { containers: [container()], ...spec },
});

const condition = (of: Pod | undefined, type: string) => of?.status?.conditions?.find((one) => one.type === type);
const ready = (of: Pod | undefined) => condition(of, "Ready")?.status;
const state = (of: Pod | undefined) => of?.status?.containerStatuses?.[0]?.state;

/** When something came to hold, ms since the pod was made. */
function when(world: AtWork, begin: number, holds: () => boolean): number {
	expect(world.simulation.runUntil(holds)).toBe(true);
	return world.now() - begin;
}

describe("a pod", () => {
	it("is placed, gets its address, and runs", () => {
		const world = atWork();
		world.store.create("pods", pod("a"));
		const begin = world.now();
		expect(when(world, begin, () => world.pod("a")?.status?.podIP !== undefined)).toBe(500);
		expect(world.pod("a")?.status).toMatchObject({
			phase: "Pending",
			podIP: "10.244.0.2",
			hostIP: "192.0.2.11",
			qosClass: "BestEffort",
			containerStatuses: [{ name: "c", ready: false, state: { waiting: { reason: "ContainerCreating" } } }],
		});
		expect(when(world, begin, () => ready(world.pod("a")) === "True")).toBe(1000);
		expect(world.simulation.settle()).toBe(true);
		expect(world.pod("a")?.status).toMatchObject({
			phase: "Running",
			startTime: "2026-01-01T00:00:00Z",
			containerStatuses: [{ ready: true, started: true, restartCount: 0, state: { running: {} } }],
		});
		expect(world.pod("a")?.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
			"PodReadyToStartContainers=True",
			"Initialized=True",
			"Ready=True",
			"ContainersReady=True",
			"PodScheduled=True",
		]);
		expect(world.heard).toEqual([
			"Normal Scheduled Pod d/a: Successfully assigned d/a to node-1",
			'Normal Pulled Pod d/a: Container image "web:1" already present on machine and can be accessed by the pod',
			"Normal Created Pod d/a: Container created",
			"Normal Started Pod d/a: Container started",
		]);
	});

	it("runs init containers one after the other, and sidecars beside", () => {
		const world = atWork();
		const init = [
			container({ name: "i1" }),
			container({ name: "side", restartPolicy: "Always", ports: [] }),
			container({ name: "i2" }),
		];
		world.store.create("pods", pod("a", { initContainers: init }, { "podwire.dev/exits-after.i1": "3s" }));
		world.simulation.advance(2000);
		expect(condition(world.pod("a"), "Initialized")).toMatchObject({
			status: "False",
			reason: "ContainersNotInitialized",
			message: "containers with incomplete status: [i1 side i2]",
		});
		expect(state(world.pod("a"))).toEqual({ waiting: { reason: "PodInitializing" } });
		expect(world.simulation.settle()).toBe(true);
		// Sandbox, i1 for 3 s, side, i2 for a second, c; half a second each to start.
		expect(world.now()).toBe(500 + 500 + 3000 + 500 + 500 + 1000 + 500);
		expect(world.pod("a")?.status?.initContainerStatuses?.map(({ name, ready: is }) => [name, is])).toEqual([
			["i1", true],
			["side", true],
			["i2", true],
		]);
		expect(ready(world.pod("a"))).toBe("True");
	});

	it("waits for an address where the node has none left", () => {
		const world = atWork({ nodes: 1, nodeMask: 30 });
		world.store.create("pods", pod("a"));
		world.simulation.settle();
		world.store.create("pods", pod("b"));
		expect(world.simulation.settle()).toBe(true);
		expect(world.pod("b")?.status).toMatchObject({ phase: "Pending" });
		expect(world.heard.at(-1)).toMatch(
			/^Warning FailedCreatePodSandBox Pod d\/b: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="bridge" failed \(add\): failed to allocate for range 0: no IP addresses available in range set: 10\.244\.0\.1-10\.244\.0\.2$/,
		);
		expect(state(world.pod("b"))).toEqual({ waiting: { reason: "ContainerCreating" } });
		world.store.delete("pods", world.pod("a") as Pod);
		world.simulation.advance(15_000);
		expect(world.pod("b")?.status).toMatchObject({ phase: "Running", podIP: "10.244.0.2" });
	});

	it("is told what an annotation should have said", () => {
		const world = atWork();
		world.store.create("pods", pod("a", {}, { "podwire.dev/exits-after": "soon" }));
		world.simulation.settle();
		expect(world.heard).toContain(
			'Warning InvalidAnnotation Pod d/a: podwire.dev/exits-after: expected a duration as in 1.5s, got "soon"',
		);
	});
});

describe("probes", () => {
	const http = { httpGet: { path: "/healthz", port: 80 } };

	it("make a pod ready when its app is", () => {
		const world = atWork();
		const readinessProbe = { ...http, initialDelaySeconds: 1, periodSeconds: 2 };
		world.store.create(
			"pods",
			pod("a", { containers: [container({ readinessProbe })] }, { "podwire.dev/ready-after": "4s" }),
		);
		const begin = world.now();
		// Started at 1 s; asked at 2, 4, 6 s; ready from 5 s on.
		expect(when(world, begin, () => ready(world.pod("a")) === "True")).toBe(6000);
		expect(world.heard.filter((line) => line.includes("Unhealthy"))).toEqual([
			"Warning Unhealthy Pod d/a: Readiness probe failed: HTTP probe failed with statuscode: 503",
			"Warning Unhealthy Pod d/a: Readiness probe failed: HTTP probe failed with statuscode: 503",
		]);
	});

	it("fail where nothing listens, and nothing waits for that to change", () => {
		const world = atWork();
		const readinessProbe = { httpGet: { path: "/healthz", port: 81 } };
		world.store.create("pods", pod("a", { containers: [container({ readinessProbe })] }));
		expect(world.simulation.settle()).toBe(true);
		expect(ready(world.pod("a"))).toBe("False");
		expect(condition(world.pod("a"), "Ready")?.message).toBe("containers with unready status: [c]");
		expect(world.heard.at(-1)).toBe(
			'Warning Unhealthy Pod d/a: Readiness probe failed: Get "http://10.244.0.2:81/healthz": dial tcp 10.244.0.2:81: connect: connection refused',
		);
	});

	it("of readiness wait for the one of startup", () => {
		const world = atWork();
		const startupProbe = { ...http, periodSeconds: 5, failureThreshold: 3 };
		const readinessProbe = { ...http, periodSeconds: 1 };
		world.store.create(
			"pods",
			pod("a", { containers: [container({ startupProbe, readinessProbe })] }, { "podwire.dev/listens-after": "7s" }),
		);
		// Started at 1 s; asked at 1, 6, 11 s.
		expect(when(world, world.now(), () => ready(world.pod("a")) === "True")).toBe(11_000);
		expect(world.pod("a")?.status?.containerStatuses?.[0]).toMatchObject({ started: true, restartCount: 0 });
	});

	it("of liveness have a container started again", () => {
		const world = atWork();
		const livenessProbe = { ...http, periodSeconds: 10 };
		world.store.create("pods", pod("a", { containers: [container({ livenessProbe })] }));
		world.simulation.settle();
		world.patch("/api/v1/namespaces/d/pods/a", { metadata: { annotations: { "podwire.dev/fails": "liveness" } } });
		world.simulation.advance(45_000);
		expect(world.heard.filter((line) => line.includes("Killing"))).toEqual([
			"Normal Killing Pod d/a: Container c failed liveness probe, will be restarted",
		]);
		expect(world.pod("a")?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
	});
});

describe("a container that exits", () => {
	it("is started again at once, then later and later", () => {
		const world = atWork();
		world.store.create("pods", pod("a", {}, { "podwire.dev/exits-after": "1s", "podwire.dev/exit-code": "3" }));
		const begin = world.now();
		const restarts = () => world.pod("a")?.status?.containerStatuses?.[0]?.restartCount ?? 0;
		const running = () => state(world.pod("a")) !== undefined && "running" in (state(world.pod("a")) as object);
		const starts: number[] = [];
		for (let n = 0; n < 5; n++) starts.push(when(world, begin, () => restarts() === n && running()));
		// It runs for a second, and half a second goes by before it runs: at once, 10 s, 20 s, 40 s after its exit.
		expect(starts.map((at, i) => at - (starts[i - 1] ?? 0))).toEqual([1000, 1500, 11_500, 21_500, 41_500]);
		world.simulation.runUntil(() => !running());
		world.simulation.advance(0);
		expect(state(world.pod("a"))).toEqual({
			waiting: {
				reason: "CrashLoopBackOff",
				message: `back-off 1m20s restarting failed container=c pod=a_d(${world.pod("a")?.metadata.uid})`,
			},
		});
		expect(world.pod("a")?.status?.containerStatuses?.[0]?.lastState).toMatchObject({
			terminated: { exitCode: 3, reason: "Error" },
		});
		// A crash loop is no progress.
		expect(world.simulation.settle()).toBe(true);
	});

	it("ends its pod where it is not to run again, and gives its address back", () => {
		for (const [code, phase] of [
			["0", "Succeeded"],
			["2", "Failed"],
		] as const) {
			const world = atWork({ nodes: 1, nodeMask: 30 });
			const script = { "podwire.dev/exits-after": "2s", "podwire.dev/exit-code": code };
			world.store.create("pods", pod("a", { restartPolicy: "Never" }, script));
			expect(world.simulation.settle()).toBe(true);
			expect(world.pod("a")?.status?.phase).toBe(phase);
			world.store.create("pods", pod("b"));
			world.simulation.settle();
			expect(world.pod("b")?.status?.podIP).toBe("10.244.0.2");
		}
	});
});

describe("a pod that is deleted", () => {
	function deleted(spec: Partial<PodSpec>, script: Record<string, string>, grace?: number): number {
		const world = atWork();
		world.store.create("pods", pod("a", spec, script));
		world.simulation.settle();
		const begin = world.now();
		world.store.delete("pods", world.pod("a") as Pod, grace === undefined ? {} : { gracePeriodSeconds: grace });
		const gone = when(world, begin, () => world.pod("a") === undefined);
		expect(world.simulation.settle()).toBe(true);
		return gone;
	}
	const preStop = (hook: object) => ({ containers: [container({ lifecycle: { preStop: hook } })] });

	it.each([
		["ends with its app", {}, {}, undefined, 0],
		["drains", {}, { "podwire.dev/drains-for": "12s" }, undefined, 12_000],
		["is killed when its grace period is over", {}, { "podwire.dev/drains-for": "ever" }, undefined, 30_000],
		[
			"has the grace period of its spec",
			{ terminationGracePeriodSeconds: 5 },
			{ "podwire.dev/drains-for": "ever" },
			undefined,
			5000,
		],
		["has the one that the deletion says", {}, { "podwire.dev/drains-for": "ever" }, 7, 7000],
		["sleeps first", preStop({ sleep: { seconds: 4 } }), { "podwire.dev/drains-for": "2s" }, undefined, 6000],
		[
			"runs its hook first",
			preStop({ exec: { command: ["x"] } }),
			{ "podwire.dev/prestop-takes": "3s" },
			undefined,
			3000,
		],
		[
			"has two seconds after a hook that took too long",
			preStop({ exec: { command: ["x"] } }),
			{ "podwire.dev/prestop-takes": "40s", "podwire.dev/drains-for": "ever" },
			undefined,
			32_000,
		],
	] as const)("%s", (_, spec, script, grace, ms) => {
		expect(deleted(spec as Partial<PodSpec>, script, grace)).toBe(ms);
	});

	it("ends its sidecars last", () => {
		const world = atWork();
		const initContainers = ["s1", "s2"].map((name) => container({ name, restartPolicy: "Always", ports: [] }));
		world.store.create("pods", pod("a", { initContainers }, { "podwire.dev/drains-for": "3s" }));
		world.simulation.settle();
		const begin = world.now();
		world.store.delete("pods", world.pod("a") as Pod);
		const ended = (name: string) =>
			when(world, begin, () => {
				const { initContainerStatuses = [], containerStatuses = [] } = world.pod("a")?.status ?? {};
				const found = [...initContainerStatuses, ...containerStatuses].find((one) => one.name === name);
				return found === undefined || "terminated" in (found.state as object);
			});
		expect([ended("c"), ended("s2"), ended("s1")]).toEqual([3000, 6000, 9000]);
	});

	it("stays ready for its readiness, not for its endpoints", () => {
		const world = atWork();
		world.store.create("services", {
			apiVersion: "v1",
			kind: "Service",
			metadata: { namespace: "d", name: "web" },
			spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
		} as never);
		world.store.create("pods", pod("a", {}, { "podwire.dev/drains-for": "5s" }));
		world.simulation.settle();
		const endpoints = () =>
			world.store
				.list<import("../../js/api/discovery.ts").EndpointSlice>("endpointslices.discovery.k8s.io", "d")
				.flatMap((slice) => slice.endpoints ?? [])
				.map(({ conditions }) => conditions);
		expect(endpoints()).toEqual([{ ready: true, serving: true, terminating: false }]);
		world.store.delete("pods", world.pod("a") as Pod);
		world.simulation.advance(1000);
		expect(endpoints()).toEqual([{ ready: false, serving: true, terminating: true }]);
		world.simulation.settle();
		expect(endpoints()).toEqual([]);
	});
});
