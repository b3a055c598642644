// A Job's pod, whose containers end and whose sidecars do not; a pod whose programs hang; probes by each way of asking.

import { describe, expect, it } from "vitest";
import type { Job } from "../../../js/api/batch.ts";
import type { Pod, Probe } from "../../../js/api/core.ts";
import { atWork } from "../../cluster/running.ts";
import { container, rows, sidecar, textOf } from "./row.ts";

describe("a Job whose pods have sidecars (KEP-753)", () => {
	const job = (backoffLimit: number, annotations: Record<string, string>): Job => ({
		apiVersion: "batch/v1",
		kind: "Job",
		metadata: { namespace: "d", name: "j" },
		spec: {
			backoffLimit,
			template: {
				metadata: { annotations },
				spec: { restartPolicy: "Never", initContainers: [sidecar("s")], containers: [container("c")] },
			},
		},
	});
	const conditions = (world: ReturnType<typeof atWork>) =>
		world.store
			.get<Job>("jobs.batch", "d", "j")
			?.status?.conditions?.filter(({ status }) => status === "True")
			.map(({ type }) => type);

	it("is complete once they have ended, which they do after the others", () => {
		const world = atWork({ nodes: 1 });
		world.store.create("jobs.batch", job(0, { "podwire.dev/drains-for.s": "5s", "podwire.dev/exits-after.c": "3s" }));
		// Started at 1.5 s, done at 4.5 s; the sidecar drains until 9.5 s.
		world.simulation.advance(9400);
		expect(conditions(world)).toBeUndefined();
		expect(world.pods().map(textOf)).toEqual(["Running PIrcS; s running SR; c exit 0 Completed"]);
		world.simulation.advance(200);
		world.simulation.settle();
		expect(conditions(world)).toEqual(["SuccessCriteriaMet", "Complete"]);
		expect(world.pods().map(textOf)).toEqual(["Succeeded pIrcS; s exit 0 Completed; c exit 0 Completed"]);
	});

	it("has failed where its container did, though the sidecar ended well", () => {
		const world = atWork({ nodes: 1 });
		world.store.create("jobs.batch", job(0, { "podwire.dev/exit-code.c": "7" }));
		world.simulation.settle();
		expect(conditions(world)).toEqual(["FailureTarget", "Failed"]);
		expect(world.pods().map(textOf)).toEqual(["Failed pIrcS; s exit 0 Completed; c exit 7 Error"]);
	});
});

describe("a pod whose programs hang", () => {
	const by = (probe: Probe) => ({
		terminationGracePeriodSeconds: 3,
		containers: [container("c", { livenessProbe: { periodSeconds: 4, failureThreshold: 1, ...probe } })],
	});
	const hang = [{ at: 4, script: { hang: "1" } }];
	const seen = [
		// Asked at 5 s, unheard at 6, killed at 9.
		[5.9, "Running PIRCS; c running SR"],
		[8.9, "Running PIRCS; c running SR"],
		[9, "Running PIrcS; c exit 137 Error"],
		[9.5, "Running PIRCS; c running SR x1 last exit 137 Error"],
		[30, "Running PIRCS; c running SR x1 last exit 137 Error"],
	] as const;
	const events = (text: string) => [
		`6 Unhealthy Liveness probe failed: ${text}`,
		"6 Killing Container c failed liveness probe, will be restarted",
	];
	const awaiting = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
	rows([
		{
			name: "is restarted by a probe of HTTP",
			source: "pkg/probe/http/http.go DoHTTPProbe",
			spec: by({ httpGet: { path: "/live", port: 80 } }),
			happens: hang,
			seen,
			events: events(`Get "http://10.244.0.2:80/live": ${awaiting}`),
		},
		{
			name: "is restarted by a probe of TCP",
			source: "pkg/probe/tcp/tcp.go DoTCPProbe",
			spec: by({ tcpSocket: { port: 80 } }),
			happens: hang,
			seen,
			events: events("dial tcp 10.244.0.2:80: i/o timeout"),
		},
		{
			name: "is restarted by a probe of gRPC",
			source: "pkg/probe/grpc/grpc.go Probe",
			spec: by({ grpc: { port: 80 } }),
			happens: hang,
			seen,
			events: events('timeout: failed to connect service "10.244.0.2:80" within 1s: context deadline exceeded'),
		},
		{
			name: "is restarted by a command that does not return",
			source: "pkg/probe/exec/exec.go Probe",
			spec: by({ exec: { command: ["cat", "/x"] } }),
			happens: hang,
			seen,
			events: events('command timed out: "cat /x" timed out after 1s'),
		},
	]);

	it("says so until it is restarted", () => {
		const world = atWork({ nodes: 1 });
		world.store.create<Pod>("pods", {
			apiVersion: "v1",
			kind: "Pod",
			metadata: { namespace: "d", name: "a" },
			spec: by({ tcpSocket: { port: 80 } }),
		});
		const hung = () => world.pod("a")?.status?.conditions?.find(({ type }) => type === "podwire.dev/Hung")?.status;
		world.simulation.advance(4000);
		expect(hung()).toBeUndefined();
		world.patch("/api/v1/namespaces/d/pods/a", { metadata: { annotations: { "podwire.dev/hang": "1" } } });
		world.simulation.advance(4000);
		expect(hung()).toBe("True");
		world.simulation.advance(2000);
		expect(hung()).toBe("False");
	});
});
