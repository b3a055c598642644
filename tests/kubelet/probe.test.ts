// What a kubelet asks, and says of a probe, by whether it got through and by what the app answers.

import { describe, expect, it } from "vitest";
import type { Pod, Probe } from "../../js/api/core.ts";
import { appOf } from "../../js/kubelet/app.ts";
import { type Answer, ask, beginProbe, type ProbeRun, type Reach } from "../../js/kubelet/probe.ts";
import type { Destination, Reached } from "../../js/ports.ts";

const http = { httpGet: { path: "healthz", port: "web" } };
const tcp = { tcpSocket: { port: 80 } };
const grpc = { grpc: { port: 80 } };
const S = 1_000_000_000n;

/** Answers of the network one after the other; the last one stays. */
function asking(probe: Probe, reached: readonly Reached[], script: Record<string, string> = {}, hung = false) {
	const container = { name: "c", ports: [{ name: "web", containerPort: 80 }] };
	const annotations = Object.fromEntries(Object.entries(script).map(([key, value]) => [`podwire.dev/${key}`, value]));
	const metadata = { namespace: "d", name: "a", annotations };
	const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [container] } };
	const dialled: { to: Destination; port: number | null }[] = [];
	const reach: Reach = (to, port) => {
		dialled.push({ to, port });
		return { reached: reached[Math.min(dialled.length, reached.length) - 1] as Reached, port: port ?? 40_000 };
	};
	const app = appOf(pod, container, "main");
	const common = { pod, container, probe, app, startedAt: 0n, podIP: "10.0.0.2", hung };
	const asked = { ...common, kind: "readiness" } as const;
	const run: ProbeRun = beginProbe(probe, 5n * S);
	const at = (now: bigint): Answer => ask(run, asked, now, reached.length === 0 ? undefined : reach);
	return { run, dialled, at };
}

/** What is said in the end, and when, in seconds since it was asked. */
function said(...given: Parameters<typeof asking>): [string | null, number] {
	const { run, at } = asking(...given);
	let now = 5n * S;
	for (let answer = at(now); ; answer = at(now)) {
		if (answer.is === "pending") now = (run.pending as NonNullable<ProbeRun["pending"]>).at;
		else return [answer.is === "pass" ? null : answer.says, Number((now - 5n * S) / 1_000_000n) / 1000];
	}
}

describe("a probe that crosses a network", () => {
	it.each([
		["HTTP", http, 'Get "http://10.0.0.2:80/healthz": dial tcp 10.0.0.2:80: connect: connection refused', 0],
		["TCP", tcp, "dial tcp 10.0.0.2:80: connect: connection refused", 0],
		["gRPC", grpc, 'timeout: failed to connect service "10.0.0.2:80" within 1s: context deadline exceeded', 1],
	])("is refused: %s", (_, probe, text, after) => {
		expect(said(probe, ["ECONNREFUSED"])).toEqual([text, after]);
	});

	it.each<[Reached, string]>([
		["EHOSTUNREACH", "no route to host"],
		["ENETUNREACH", "network is unreachable"],
		["EACCES", "permission denied"],
	])("has no way: %s", (reached, text) => {
		expect(said(tcp, [reached])).toEqual([`dial tcp 10.0.0.2:80: connect: ${text}`, 0]);
	});

	it.each<[string, Probe, Reached, string]>([
		[
			"HTTP",
			http,
			"waiting",
			'Get "http://10.0.0.2:80/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
		],
		[
			"HTTP",
			http,
			"unanswered",
			'Get "http://10.0.0.2:80/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
		],
		["TCP", tcp, "waiting", "dial tcp 10.0.0.2:80: i/o timeout"],
		["gRPC", grpc, "waiting", 'timeout: failed to connect service "10.0.0.2:80" within 4s: context deadline exceeded'],
	])("hears nothing until its time is over: %s, %#", (_, probe, reached, text) => {
		expect(said({ ...probe, timeoutSeconds: 4 }, [reached])).toEqual([text, 4]);
	});

	it("sends its SYN again from the same port, and is answered late", () => {
		const { run, dialled, at } = asking({ ...tcp, timeoutSeconds: 5, periodSeconds: 3 }, [
			"waiting",
			"waiting",
			"connected",
		]);
		expect([at(5n * S).is, run.pending?.at]).toEqual(["pending", 6n * S]);
		expect([at(6n * S).is, run.pending?.at]).toEqual(["pending", 7n * S]);
		expect(at(7n * S)).toEqual({ is: "pass" });
		expect(dialled.map(({ port }) => port)).toEqual([null, 40_000, 40_000]);
		// Periods are counted from when it was asked.
		expect(run.nextAt).toBe(8n * S);
	});

	it("goes to the pod's address, or to another one, and says something or not", () => {
		const { dialled, at } = asking(http, ["connected"]);
		at(5n * S);
		const other = asking({ tcpSocket: { port: 80, host: "192.0.2.7" } }, ["connected"]);
		other.at(5n * S);
		expect([...dialled, ...other.dialled].map(({ to }) => to)).toEqual([
			{ address: "10.0.0.2", port: 80, pod: "d/a", asks: true },
			{ address: "192.0.2.7", port: 80, pod: null, asks: false },
		]);
	});

	it("gets through, and hears what the app answers", () => {
		expect(said(http, ["connected"])).toEqual([null, 0]);
		expect(said(http, ["connected"], { fails: "readiness" })).toEqual(["HTTP probe failed with statuscode: 503", 0]);
		expect(said(grpc, ["connected"], { fails: "readiness" })[0]).toBe(
			'service unhealthy (responded with "NOT_SERVING")',
		);
		// What listens is the network's word then, not the script's.
		expect(said(http, ["connected"], { "listens-after": "1m", "ready-after": "2s" })[0]).toBe(
			"HTTP probe failed with statuscode: 503",
		);
	});

	it("that is a command asks nobody but the app", () => {
		expect(said({ exec: { command: ["x"] } }, ["ECONNREFUSED"])).toEqual([null, 0]);
	});

	it("is answered by the script where there is no network", () => {
		expect(said(tcp, [])).toEqual([null, 0]);
		expect(said(tcp, [], { "listens-after": "1m" })).toEqual(["dial tcp 10.0.0.2:80: connect: connection refused", 0]);
		expect(said(tcp, [], {}, true)).toEqual(["dial tcp 10.0.0.2:80: i/o timeout", 1]);
	});

	it.each([
		["www", 'strconv.Atoi: parsing "www": invalid syntax'],
		["0", "invalid port number: 0"],
	])("of a port that there is not cannot be asked: %s", (port, says) => {
		const { at, dialled } = asking({ httpGet: { port } }, ["connected"]);
		expect(at(5n * S)).toEqual({ is: "none", says });
		expect(dialled).toEqual([]);
	});
});
