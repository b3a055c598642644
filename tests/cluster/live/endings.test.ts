// What becomes of a pod, and what the network makes of it: EndpointSlices, a node's iptables-save text, the next packets. One row a
// way to end, looked at as its seconds go by.

import { describe, expect, it } from "vitest";
import type { EndpointSlice } from "../../../js/api/discovery.ts";
import { Cluster } from "../../../js/index.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.50, selector: {app: web}, ports: [{port: 80, targetPort: 80}]}
`;

const podOf = (name: string, { spec = "", container = "", script = "" }) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: web}, annotations: {${script}}}
spec:
  terminationGracePeriodSeconds: 20
  ${spec}
  containers: [{name: c, image: web, ports: [{containerPort: 80}]${container === "" ? "" : `, ${container}`}}]
`;

interface Row {
	name: string;
	/** Of the pod `a`; `b` stands beside it and nothing happens to it, unless it is not there. */
	a: { spec?: string; container?: string; script?: string };
	alone?: true;
	happens: (cluster: Cluster) => Promise<unknown>;
	/** Seconds after that, and what is seen then. */
	seen: readonly (readonly [number, string])[];
}

const annotate = (annotations: Record<string, string>) => (cluster: Cluster) =>
	cluster.api.patch("v1", "Pod", "a", {
		metadata: {
			annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`podwire.dev/${key}`, value])),
		},
	});
const remove = ({ api }: Cluster) => api.delete("v1", "Pod", "a");

/** `ENDPOINTS | RULES | SERVICE | POD`: endpoints as a R(eady) S(erving) T(erminating); whom rules lead to; who answers; whether a does. */
async function look(cluster: Cluster, address: string): Promise<string> {
	const { items } = await cluster.api.list("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default" });
	const slices = (items as EndpointSlice[]).filter(
		({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "web",
	);
	const nameOf = (ip: string) => (ip === address ? "a" : ip === "10.244.0.3" ? "b" : "new");
	const endpoints = slices
		.flatMap(({ endpoints: all }) => all ?? [])
		.map(({ addresses, conditions: { ready, serving, terminating } = {} }) => {
			const is = `${ready ? "R" : ""}${serving ? "S" : ""}${terminating ? "T" : ""}`;
			return `${nameOf(addresses[0] ?? "")}:${is}`;
		});
	const rules = [...cluster.iptables("node-1").matchAll(/--to-destination (10\.244\.\d+\.\d+):80/g)];
	const answers = new Set<string>();
	for (let n = 0; n < 8; n++) {
		const { delivered, verdict, reason } = cluster.trace({ from: "pod/default/client", to: "svc/default/web:80" });
		answers.add(delivered === null ? `${verdict}(${reason})` : nameOf(delivered.address));
	}
	const direct = cluster.trace({ from: "pod/default/client", to: `${address}:80` });
	return [
		endpoints.sort().join(" "),
		[...new Set(rules.map(([, ip]) => nameOf(ip ?? "")))].sort().join(" "),
		[...answers].sort().join(" "),
		direct.verdict === "delivered" ? "answers" : `${direct.verdict}(${direct.reason})`,
	].join(" | ");
}

const BOTH = "a:RS b:RS | a b | a b | answers";

describe("a pod", () => {
	it.each<Row>([
		{
			name: "that crashes is out until it has begun again",
			a: {},
			happens: annotate({ crash: "1" }),
			seen: [
				[0.1, "a: b:RS | b | b | rejected(port-closed)"],
				[2, BOTH],
			],
		},
		{
			name: "that crashes again is out for as long as it has to wait",
			a: {},
			happens: async (cluster) => {
				await annotate({ crash: "1" })(cluster);
				await cluster.advance(2000);
				await annotate({ crash: "2" })(cluster);
			},
			seen: [
				[0.1, "a: b:RS | b | b | rejected(port-closed)"],
				[10.4, "a: b:RS | b | b | rejected(port-closed)"],
				[12, BOTH],
			],
		},
		{
			name: "that is not to run again has failed, and is out for good",
			a: { spec: "restartPolicy: Never" },
			happens: annotate({ crash: "1" }),
			seen: [
				[0.1, "b:RS | b | b | unreachable(neighbour-failed)"],
				[30, "b:RS | b | b | unreachable(neighbour-failed)"],
			],
		},
		{
			name: "that hangs takes packets away until a probe has it killed",
			a: { container: "livenessProbe: {httpGet: {port: 80}, periodSeconds: 2, failureThreshold: 2}" },
			happens: annotate({ hang: "1" }),
			seen: [
				[0.1, "a:RS b:RS | a b | b dropped(silent) | dropped(silent)"],
				[30, BOTH],
			],
		},
		{
			name: "that is not ready still answers who has its address",
			a: { container: "readinessProbe: {httpGet: {port: 80}, periodSeconds: 2, failureThreshold: 1}" },
			happens: annotate({ fails: "readiness" }),
			seen: [[3, "a: b:RS | b | b | answers"]],
		},
		{
			name: "that a probe has stopped serves on while its hook runs",
			a: {
				container:
					"livenessProbe: {httpGet: {port: 80}, periodSeconds: 2, failureThreshold: 1}, lifecycle: {preStop: {sleep: {seconds: 10}}}",
			},
			happens: annotate({ fails: "liveness" }),
			seen: [[5, BOTH]],
		},
		{
			name: "that is deleted serves on until it ends, without new connections",
			a: { script: '"podwire.dev/drains-for": 8s' },
			happens: remove,
			seen: [
				[0.1, "a:ST b:RS | b | b | answers"],
				[7.9, "a:ST b:RS | b | b | answers"],
				[8.1, "b:RS | b | b | unreachable(neighbour-failed)"],
			],
		},
		{
			name: "that is deleted and the last one is sent to until it ends",
			a: { script: '"podwire.dev/drains-for": 8s' },
			alone: true,
			happens: remove,
			seen: [
				[0.1, "a:ST | a | a | answers"],
				[7.9, "a:ST | a | a | answers"],
				[8.1, " |  | rejected(no-endpoints) | unreachable(neighbour-failed)"],
			],
		},
		{
			name: "that is deleted and sleeps first is killed when its grace period is over",
			a: {
				container: "lifecycle: {preStop: {sleep: {seconds: 5}}}",
				script: '"podwire.dev/drains-for": ever',
			},
			happens: remove,
			seen: [
				[19.9, "a:ST b:RS | b | b | answers"],
				[20.1, "b:RS | b | b | unreachable(neighbour-failed)"],
			],
		},
		{
			name: "that is deleted without a grace period is gone at once",
			a: { script: '"podwire.dev/drains-for": ever' },
			happens: ({ api }) => api.delete("v1", "Pod", "a", { gracePeriodSeconds: 0 }),
			seen: [[0.1, "b:RS | b | b | unreachable(neighbour-failed)"]],
		},
		{
			name: "that was active for too long is not ready at once, and ends after that",
			a: { spec: "activeDeadlineSeconds: 15", script: '"podwire.dev/drains-for": 5s' },
			happens: async () => {},
			seen: [
				[5, BOTH],
				[11, "a: b:RS | b | b | answers"],
				[20, "b:RS | b | b | unreachable(neighbour-failed)"],
			],
		},
		{
			name: "whose machine is rebooted has another address",
			a: {},
			happens: ({ api }) =>
				api.patch("v1", "Node", "node-1", {
					metadata: { annotations: { "podwire.dev/reboot": "1", "podwire.dev/reboot-takes": "10s" } },
				}),
			seen: [
				[9, BOTH],
				[12, "new:RS new:RS | new | new | unreachable(neighbour-failed)"],
			],
		},
	])("$name", async ({ a, alone, happens, seen }) => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.apply(SERVICE);
		await cluster.settle();
		await cluster.apply(podOf("a", a));
		await cluster.settle();
		if (alone === undefined) await cluster.apply(podOf("b", {}));
		await cluster.apply(
			"{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: c, image: web}]}}",
		);
		await cluster.settle();
		await cluster.advance(5000);
		const [address = ""] = cluster.addressesOf("pod/default/a");
		const found: (readonly [number, string])[] = [];
		await happens(cluster);
		let now = 0;
		for (const [at] of seen) {
			await cluster.advance((at - now) * 1000);
			now = at;
			found.push([at, await look(cluster, address)]);
		}
		expect(found).toEqual(seen);
		cluster.dispose();
	});
});
