// Probes that cross the network of a running cluster: what a rule, a route, an app that does not listen and a stack that hangs do
// to them, to readiness and to endpoints; what they leave on a node; that forks and replays have the same.

import { describe, expect, it } from "vitest";
import * as L from "../../../assembly/layout.ts";
import { connectionSizes } from "../../../bindings/sizes.ts";
import type { EndpointSlice } from "../../../js/api/discovery.ts";
import { Cluster, type ClusterOptions, NotModelledError } from "../../../js/index.ts";
import { applyRestore } from "../../../js/net/iptables/index.ts";
import { timedActions } from "../../../js/replay/events.ts";

interface Scene {
	probe?: string;
	annotations?: string;
	spec?: string;
	replicas?: number;
	options?: ClusterOptions;
}

const HTTP = "readinessProbe: {httpGet: {path: /healthz, port: 80}, periodSeconds: 5}";

/** One node with one pod behind a Service, or several. */
async function cluster({ probe = HTTP, annotations = "", spec = "", replicas = 1, options }: Scene = {}) {
	const made = await Cluster.create({ nodes: 1, ...options });
	await made.apply(`
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.50, selector: {app: web}, ports: [{port: 80}]}
`);
	await made.settle();
	await made.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {${annotations}}}
    spec: {${spec}containers: [{name: c, image: web, ports: [{containerPort: 80}], ${probe}}]}
`);
	await made.settle();
	return made;
}

async function endpoints({ api }: Cluster): Promise<(boolean | null | undefined)[]> {
	const { items } = await api.list("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default" });
	const own = items.filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "web");
	return own.flatMap((slice) => (slice as EndpointSlice).endpoints?.map(({ conditions }) => conditions?.ready) ?? []);
}

const said = ({ events }: Cluster) => [
	...new Set(events.filter(({ reason }) => reason === "Unhealthy").map(({ message }) => message)),
];

/** What an administrator feeds to iptables-restore --noflush on the node. */
function restore({ machine }: Cluster, rule: string): void {
	const rules = machine.rulesetOf("node:node-1");
	if (rules === null) throw new Error("the node has no rules");
	machine.loadRuleset("node:node-1", applyRestore(rules, `*filter\n${rule}\nCOMMIT\n`, { noflush: true }));
}

const REFUSED =
	'Readiness probe failed: Get "http://10.244.0.2:80/healthz": dial tcp 10.244.0.2:80: connect: connection refused';
const UNHEARD =
	'Readiness probe failed: Get "http://10.244.0.2:80/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)';

describe("a probe", () => {
	it.each([
		["refused by a rule", "-j REJECT --reject-with tcp-reset", HTTP, REFUSED],
		["refused by ICMP", "-j REJECT", HTTP, REFUSED],
		[
			"told that it is not to pass",
			"-j REJECT --reject-with icmp-admin-prohibited",
			HTTP,
			REFUSED.replace("connection refused", "no route to host"),
		],
		["dropped", "-j DROP", HTTP, UNHEARD],
		[
			"dropped, of TCP",
			"-j DROP",
			"readinessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}",
			"Readiness probe failed: dial tcp 10.244.0.2:80: i/o timeout",
		],
		[
			"dropped, of gRPC",
			"-j DROP",
			"readinessProbe: {grpc: {port: 80}, periodSeconds: 5}",
			'Readiness probe failed: timeout: failed to connect service "10.244.0.2:80" within 1s: context deadline exceeded',
		],
	])("that is %s has its pod unready, and out of endpoints, until that is mended", async (_, target, probe, text) => {
		const made = await cluster({ probe });
		expect(await endpoints(made)).toEqual([true]);
		const rule = `OUTPUT -p tcp -m tcp --dport 80 ${target}`;
		restore(made, `-A ${rule}`);
		await made.advance(10_000);
		expect(await endpoints(made)).toEqual([true]);
		await made.advance(7000);
		expect([await endpoints(made), said(made)]).toEqual([[false], [text]]);
		restore(made, `-D ${rule}`);
		await made.advance(5000);
		expect(await endpoints(made)).toEqual([true]);
	});

	it("has no way where the node has no route to its pods", async () => {
		const made = await cluster();
		const { machine } = made;
		const node = machine.netnsOf("node:node-1");
		machine.update({ added: [], removed: [], changed: [{ ...node, routes: [] }] });
		await made.advance(16_000);
		expect([await endpoints(made), said(made)]).toEqual([
			[false],
			[REFUSED.replace("connection refused", "network is unreachable")],
		]);
		machine.update({ added: [], removed: [], changed: [{ ...machine.netnsOf("node:node-1"), routes: node.routes }] });
		await made.advance(5000);
		expect(await endpoints(made)).toEqual([true]);
	});

	it("is refused while the app does not listen, as any other connection is", async () => {
		const made = await cluster({ annotations: '"podwire.dev/listens-after": 8s', spec: "", replicas: 1 });
		expect([await endpoints(made), said(made)]).toEqual([[true], [REFUSED]]);
		const slow = await cluster({ annotations: '"podwire.dev/listens-after": 8s', probe: "" });
		const pod = { from: "node/node-1", to: "10.244.0.2:80" };
		expect(slow.trace(pod).verdict).toBe("delivered");
		const { items } = await slow.api.list("v1", "Pod", { namespace: "default" });
		await slow.api.patch("v1", "Pod", items[0]?.metadata.name ?? "", {
			metadata: { annotations: { "podwire.dev/crash": "1" } },
		});
		await slow.advance(2000);
		expect(slow.trace(pod)).toMatchObject({ verdict: "rejected", reason: "port-closed" });
		await slow.advance(8000);
		expect(slow.trace(pod).verdict).toBe("delivered");
	});

	it("of a port that nobody listens on has a container started again and again", async () => {
		const probe = "livenessProbe: {tcpSocket: {port: 81}, periodSeconds: 1}";
		const made = await cluster({ probe, spec: "terminationGracePeriodSeconds: 0, " });
		await made.advance(10_000);
		expect(said(made)).toEqual(["Liveness probe failed: dial tcp 10.244.0.2:81: connect: connection refused"]);
		expect(made.events.some(({ message }) => message === "Container c failed liveness probe, will be restarted")).toBe(
			true,
		);
	});

	it("hears nothing of an app that hangs", async () => {
		const made = await cluster();
		const { items } = await made.api.list("v1", "Pod", { namespace: "default" });
		const hang = { metadata: { annotations: { "podwire.dev/hang": "1" } } };
		await made.api.patch("v1", "Pod", items[0]?.metadata.name ?? "", hang);
		await made.advance(17_000);
		expect([await endpoints(made), said(made)]).toEqual([[false], [UNHEARD]]);
	});

	it("finds a pod on its node's own network", async () => {
		const made = await cluster({ spec: "hostNetwork: true, " });
		expect(await endpoints(made)).toEqual([true]);
		restore(made, "-I INPUT -i lo -p tcp -m tcp --dport 80 -j DROP");
		await made.advance(17_000);
		expect(await endpoints(made)).toEqual([false]);
		expect(said(made)[0]).toMatch(/^Readiness probe failed: Get "http:\/\/[\d.]+:80\/healthz": context deadline/);
	});

	it("is asked of pods that were there from the start, too", async () => {
		const made = await Cluster.create({ nodes: 1 });
		await made.apply(`
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: c, ports: [{containerPort: 80}], ${HTTP}}]}
`);
		await made.settle();
		restore(made, "-A OUTPUT -p tcp -m tcp --dport 80 -j DROP");
		await made.advance(21_000);
		expect(said(made)).toEqual([UNHEARD]);
	});

	it("finds those well, however long their programs take from a start", async () => {
		const made = await Cluster.create({ nodes: 1 });
		await made.apply(`
apiVersion: v1
kind: Pod
metadata: {name: a, annotations: {podwire.dev/listens-after: 30s, podwire.dev/ready-after: 60s}}
spec: {containers: [{name: c, ports: [{containerPort: 80}], ${HTTP}}]}
`);
		await made.settle();
		await made.advance(20_000);
		expect(said(made)).toEqual([]);
		expect((await made.api.get("v1", "Pod", "a")).status?.containerStatuses?.[0]).toMatchObject({
			ready: true,
			restartCount: 0,
		});
	});

	it("is answered without a network where that is wished for", async () => {
		const made = await cluster({ options: { probes: "app" } });
		restore(made, "-A OUTPUT -p tcp -m tcp --dport 80 -j DROP");
		await made.advance(30_000);
		expect([await endpoints(made), said(made), made.conntrack("node-1")]).toEqual([[true], [], ""]);
	});
});

describe("connections of probes", () => {
	it("are in conntrack as they are on a node", async () => {
		const made = await cluster({
			probe: `${HTTP}, livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 5}`,
		});
		await made.advance(4000);
		const lines = made.conntrack("node-1").trim().split("\n");
		expect(lines).toHaveLength(2);
		for (const line of lines)
			expect(line).toMatch(
				/^tcp +6 11\d TIME_WAIT src=10\.244\.0\.1 dst=10\.244\.0\.2 sport=\d+ dport=80 src=10\.244\.0\.2 dst=10\.244\.0\.1 sport=80 dport=\d+ \[ASSURED\]/,
			);
		restore(made, "-A OUTPUT -p tcp -m tcp --dport 80 -j DROP");
		await made.advance(140_000);
		// What is dropped in OUTPUT is never confirmed.
		expect(made.conntrack("node-1")).toBe("");
	});

	it("get more room where there is none left, or say that there is none", async () => {
		const small = { [L.TABLE_CT]: 64, [L.TABLE_TUPLE]: 256, [L.TABLE_BYSOURCE]: 64 };
		const made = await cluster({ replicas: 20, options: { capacities: small } });
		await expect(made.advance(60_000)).rejects.toThrow(NotModelledError);
		const own = await cluster({ replicas: 20 });
		await own.advance(60_000);
		expect(own.machine.core.engine.capacity(L.TABLE_CT)).toBeGreaterThanOrEqual(16384);
		expect([said(own), connectionSizes(100)[L.TABLE_TUPLE]]).toEqual([[], 512]);
	});

	it("go on alike in a fork", async () => {
		const made = await cluster({ replicas: 3 });
		await made.advance(7000);
		const fork = made.fork();
		for (const one of [made, fork]) await one.advance(33_000);
		expect(fork.conntrack("node-1")).toBe(made.conntrack("node-1"));
		restore(fork, "-A OUTPUT -p tcp -m tcp --dport 80 -j DROP");
		for (const one of [made, fork]) await one.advance(20_000);
		expect([await endpoints(made), await endpoints(fork)]).toEqual([
			[true, true, true],
			[false, false, false],
		]);
	});
});

describe("a replay while probes are asked", () => {
	const START = 1_800_000_000;
	const HEADER = "time,src,sport,dst,dport,proto,packets,bytes,flags";
	const bytes = new TextEncoder().encode(
		[
			HEADER,
			...Array.from({ length: 60 }, (_, i) => `${START + i}.5,10.244.0.2,${30_000 + i},10.96.0.50,80,tcp,3,300,27`),
			"",
		].join("\n"),
	);

	async function replayed(rule: string | null, pathCache = true) {
		const made = await cluster({ replicas: 2, probe: HTTP });
		const source = {
			name: "flows.csv",
			async *open() {
				yield bytes;
			},
		};
		const events = ["-A", "-D"].map((what, i) => ({
			kind: "iptables-restore" as const,
			node: "node-1",
			line: 1 + i,
			text: `*filter\n${what} OUTPUT -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n`,
			doneNs: BigInt(START + 10 + i * 25) * 1_000_000_000n,
		}));
		const texts = { restoreText: ({ line }: { line: number }) => ({ file: "x", text: events[line - 1]?.text ?? "" }) };
		const actions = rule === null ? [] : timedActions(events as never, texts);
		const {
			seconds: _,
			packetsPerSecond: __,
			...report
		} = await made.replay(source, { live: true, actions, pathCache });
		return { report, entries: made.conntrack("node-1"), said: said(made), endpoints: await endpoints(made) };
	}

	it("has them in its conntrack, and is the same again without the path cache", async () => {
		const once = await replayed(null);
		expect(once.report.verdicts.delivered).toBe(60);
		expect(once.entries.split("\n").filter((line) => line.includes("src=10.244.0.1 dst=10.244.0."))).toHaveLength(24);
		expect(await replayed(null)).toEqual(once);
		expect(await replayed(null, false)).toEqual(once);
	});

	it("has them meet what an event does to a node's rules", async () => {
		const once = await replayed("DROP");
		expect(once.said).toContain(UNHEARD);
		expect(once.endpoints).toEqual([true, true]);
		expect(await replayed("DROP", false)).toEqual(once);
	});
});
