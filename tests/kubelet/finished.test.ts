// Pods that have ended: those that came so, and those of which somebody else says it (pkg/kubelet/pod_workers.go UpdatePod).

import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import { atWork } from "../cluster/running.ts";

const probe = { tcpSocket: { port: 80 } };
const pod = (name: string): Pod => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { namespace: "d", name, annotations: { "podwire.dev/drains-for": "3s" } },
	spec: {
		nodeName: "node-1",
		containers: [{ name: "c", image: "web:1", ports: [{ containerPort: 80 }], readinessProbe: probe }],
	},
});

describe("a pod that has ended", () => {
	it("is none to be started, though nothing is said of its containers: as one that was evicted", () => {
		const world = atWork();
		const made = world.store.create<Pod>("pods", pod("evicted"));
		const status = { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." } as const;
		world.store.updateStatus<Pod>("pods", { ...made, status });
		world.heard.length = 0;
		world.simulation.settle();
		world.simulation.advance(60_000);
		world.patch("/api/v1/namespaces/d/pods/evicted", { metadata: { labels: { looked: "at" } } });
		world.simulation.advance(60_000);
		const { phase, podIP, containerStatuses } = world.pod("evicted")?.status ?? {};
		expect({ phase, podIP, containerStatuses }).toEqual({ phase: "Failed" });
		expect(world.heard.filter((line) => line.includes("d/evicted"))).toEqual([]);
	});

	it("has its containers stopped, where somebody else says so of one that runs", () => {
		const world = atWork();
		world.store.create("pods", pod("a"));
		world.simulation.settle();
		expect(world.pod("a")?.status?.phase).toBe("Running");
		world.patch("/api/v1/namespaces/d/pods/a/status", { status: { phase: "Failed", reason: "NodeLost" } });
		world.simulation.advance(1000);
		const state = () => world.pod("a")?.status?.containerStatuses?.[0]?.state;
		expect(state()).toHaveProperty("running");
		expect(world.heard).toContain("Normal Killing Pod d/a: Stopping container c");
		world.simulation.advance(5000);
		expect(state()).toMatchObject({ terminated: { exitCode: 0 } });
		expect(world.pod("a")?.status).toMatchObject({ phase: "Failed", reason: "NodeLost" });
	});
});
