// What a kubelet says of a probe, by whether it got through and by what the app answers.

import { describe, expect, it } from "vitest";
import type { Pod, Probe } from "../../js/api/core.ts";
import { appOf } from "../../js/kubelet/app.ts";
import { failureOf, type Reach } from "../../js/kubelet/probe.ts";
import type { Reached } from "../../js/ports.ts";

const http = { httpGet: { path: "healthz", port: "web" } };
const tcp = { tcpSocket: { port: 80 } };
const grpc = { grpc: { port: 80 } };

function said(probe: Probe, reached: Reached | null, script: Record<string, string> = {}): string | null {
	const container = { name: "c", ports: [{ name: "web", containerPort: 80 }] };
	const annotations = Object.fromEntries(Object.entries(script).map(([key, value]) => [`podwire.dev/${key}`, value]));
	const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { annotations }, spec: { containers: [container] } };
	const asked: unknown[] = [];
	const reach: Reach | undefined =
		reached === null
			? undefined
			: (...what) => {
					asked.push(what);
					return reached;
				};
	const app = appOf(pod, container, "main");
	const common = {
		pod,
		container,
		kind: "readiness",
		probe,
		app,
		startedAt: 0n,
		podIP: "10.0.0.2",
		hung: false,
	} as const;
	const failure = failureOf(common, 5_000_000_000n, reach);
	if (reached !== null && probe.exec === undefined)
		expect(asked).toEqual([[{ protocol: "tcp", address: "10.0.0.2", port: 80 }, 1000]]);
	return failure;
}

describe("a probe that crosses a network", () => {
	it.each([
		["HTTP", http, 'Get "http://10.0.0.2:80/healthz": dial tcp 10.0.0.2:80: connect: connection refused'],
		["TCP", tcp, "dial tcp 10.0.0.2:80: connect: connection refused"],
		["gRPC", grpc, 'timeout: failed to connect service "10.0.0.2:80" within 1s: context deadline exceeded'],
	])("is refused: %s", (_, probe, text) => {
		expect(said(probe, "refused")).toBe(text);
	});

	it.each([
		[
			"HTTP",
			http,
			'Get "http://10.0.0.2:80/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
		],
		["TCP", tcp, "dial tcp 10.0.0.2:80: i/o timeout"],
	])("hears nothing: %s", (_, probe, text) => {
		expect(said(probe, "timeout")).toBe(text);
	});

	it("gets through, and hears what the app answers", () => {
		expect(said(http, "connected")).toBeNull();
		expect(said(http, "connected", { fails: "readiness" })).toBe("HTTP probe failed with statuscode: 503");
		// What listens is the network's word then, not the script's.
		expect(said(http, "connected", { "listens-after": "1m", "ready-after": "2s" })).toBe(
			"HTTP probe failed with statuscode: 503",
		);
	});

	it("that is a command asks nobody but the app", () => {
		expect(said({ exec: { command: ["x"] } }, "refused")).toBeNull();
	});

	it("is answered by the script where there is no network", () => {
		expect(said(tcp, null)).toBeNull();
		expect(said(tcp, null, { "listens-after": "1m" })).toBe("dial tcp 10.0.0.2:80: connect: connection refused");
	});
});
