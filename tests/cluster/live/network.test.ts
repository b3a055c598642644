// The network that is followed change by change, against the one that is planned from the same objects at once.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiServer } from "../../../js/cluster/apiserver.ts";
import { networkOfPlan, type Plan } from "../../../js/cluster/build.ts";
import { type Followed, LiveNetwork } from "../../../js/cluster/live/network.ts";
import { loadGiven } from "../../../js/cluster/options.ts";
import { Reality } from "../../../js/cluster/reality.ts";
import type { Configuration, Flags } from "../../../js/manifests/configuration.ts";
import { networkChange } from "../../../js/net/change.ts";
import { printIptablesSave } from "../../../js/net/iptables/index.ts";
import type { Netns, Network } from "../../../js/net/network.ts";
import type { Ruleset } from "../../../js/net/ruleset.ts";
import { networkOf } from "../../../js/realise/network.ts";
import { runs } from "../../runs.ts";

const deployment = (name: string, replicas: number, spec = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {${spec}containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}
`;
const service = (name: string, app: string, spec = "") =>
	`{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {selector: {app: ${app}}, ports: [{port: 80}], ${spec}}}`;

const START = [
	deployment("a", 2),
	deployment("b", 1),
	deployment("host", 1, "hostNetwork: true, "),
	service("a", "a"),
	service("nobody", "nobody"),
].join("\n---\n");

/** What is applied, in any order and as often as you like. */
const MANIFESTS = [
	...[0, 1, 3, 5].map((replicas) => deployment("a", replicas)),
	...[0, 2, 4].map((replicas) => deployment("b", replicas)),
	deployment("host", 2, "hostNetwork: true, "),
	deployment("host", 0, "hostNetwork: true, "),
	"{apiVersion: v1, kind: Pod, metadata: {name: mapped}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 9, hostPort: 9000}]}]}}",
	"{apiVersion: v1, kind: Pod, metadata: {name: other}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 9, hostPort: 9001}]}]}}",
	"{apiVersion: v1, kind: Pod, metadata: {name: any}, spec: {containers: [{name: c, image: i}]}}",
	service("b", "b"),
	service("b", "b", "sessionAffinity: ClientIP"),
	service("nodeport", "a", "type: NodePort"),
	service("local", "a", "type: NodePort, externalTrafficPolicy: Local"),
	service("inside", "b", "internalTrafficPolicy: Local"),
	service("balanced", "b", "type: LoadBalancer"),
	service("localbalanced", "a", "type: LoadBalancer, externalTrafficPolicy: Local"),
	service("ranges", "a", "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24]"),
	service("headless", "a", "clusterIP: None"),
	service("host", "host"),
];

type Operation =
	| { kind: "apply"; what: number }
	| { kind: "delete"; resource: string; which: number }
	| { kind: "label"; node: number; zone: string }
	| { kind: "advance"; seconds: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ kind: fc.constant("apply" as const), what: fc.nat(MANIFESTS.length - 1) }) },
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant("delete" as const),
			resource: fc.constantFrom("pods", "pods", "services", "nodes"),
			which: fc.nat(20),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant("label" as const), node: fc.nat(2), zone: fc.constantFrom("x", "y") }),
	},
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), seconds: fc.nat(40) }) },
);

/** A network without an engine: what is followed is put in its place. */
class Followers {
	readonly netns: Map<string, Netns>;

	constructor({ netns }: Network) {
		this.netns = new Map(netns.map((one) => [one.name, one]));
	}

	readonly of = (name: string): Netns => {
		const netns = this.netns.get(name);
		if (netns === undefined) throw new RangeError(`there is no netns ${name}`);
		return netns;
	};

	follow({ rules, netns }: Followed, plan: Plan): void {
		for (const { replaced, given } of rules) {
			for (const one of this.netns.values()) {
				one.ruleset = replacedBy(replaced, one.ruleset);
				one.ruleset6 = replacedBy(replaced, one.ruleset6);
			}
			for (const [name, ruleset] of given) {
				const node = this.netns.get(`node:${name}`);
				if (node !== undefined) node[ruleset.family === "ipv4" ? "ruleset" : "ruleset6"] = ruleset;
			}
		}
		const before = { netns: [...this.netns.values()] };
		const { added, removed, changed } = netns ?? networkChange(before, networkOfPlan(plan, new Map()).network);
		for (const name of removed) expect(this.netns.delete(name)).toBe(true);
		for (const one of added) expect(this.netns.has(one.name)).toBe(false);
		for (const one of changed) expect(this.netns.has(one.name)).toBe(true);
		for (const one of [...added, ...changed]) this.netns.set(one.name, one);
	}
}

function replacedBy(replaced: ReadonlyMap<Ruleset, Ruleset>, ruleset: Ruleset | null): Ruleset | null {
	return ruleset === null ? null : (replaced.get(ruleset) ?? ruleset);
}

/** In words; of rules what portmap leaves behind where no pod has a hostPort any more is the same as nothing. */
function described(netns: Iterable<Netns>): Record<string, unknown> {
	const all = [...netns].map(({ name, ruleset, ruleset6, sysctls, ...rest }) => {
		const text = ruleset === null ? "" : printIptablesSave(ruleset);
		const left = text.split("\n").filter((line) => !line.includes("CNI-HOSTPORT-") || line.includes("CNI-DN-"));
		const text6 = ruleset6 === null ? "" : printIptablesSave(ruleset6);
		return [name, { ...rest, sysctls: Object.fromEntries([...sysctls].sort()), rules: left, text6 }] as const;
	});
	return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function plannedAtOnce(server: ApiServer, configuration: Configuration): Network {
	const { objects } = server;
	const plan = LiveNetwork.of(objects, configuration, networkOf(objects, configuration, {}), {});
	return networkOfPlan(plan, new Map()).network;
}

function play(flags: Flags, operations: readonly Operation[]): void {
	const reality = new Reality({ ...flags, nodes: 3 }, []);
	reality.add(loadGiven(START, "default"));
	const start = reality.settle(null, () => {
		throw new Error("nothing is running yet");
	});
	const followers = new Followers(networkOfPlan(start.plan, new Map()).network);
	start.keep();
	const configuration = reality.configuration as Configuration;
	const server = ApiServer.over(reality.objects, reality.manifests, {
		...{ clock: { now: () => 0n }, seed: 1n, namespace: "default", configuration, heard: () => {} },
	});
	const follow = () => {
		const { plan, followed, keep } = reality.plan(server, followers.of);
		if (followed === null) throw new Error("a plan that was not followed");
		followers.follow(followed, plan);
		keep();
		return plan;
	};
	for (const operation of operations) {
		act(server, reality, operation);
		follow();
		// Rules are in time behind the objects.
		server.settle();
		const { topology } = follow();
		expect(described(followers.netns.values())).toEqual(described(plannedAtOnce(server, configuration).netns));
		expect([...topology.pods].map(({ name }) => name).sort()).toEqual(
			[...followers.netns.keys()]
				.filter((name) => name.startsWith("pod:"))
				.map((name) => name.slice(4))
				.sort(),
		);
	}
}

function act(server: ApiServer, reality: Reality, operation: Operation): void {
	if (operation.kind === "advance") server.advance(operation.seconds * 1000);
	else if (operation.kind === "apply") {
		const { objects } = loadGiven(MANIFESTS[operation.what] as string, "default");
		server.write(objects);
	} else if (operation.kind === "label") {
		const labels = { "topology.kubernetes.io/zone": operation.zone };
		const path = `/api/v1/nodes/node-${operation.node + 1}`;
		const merge = "application/merge-patch+json";
		if (server.respond({ method: "GET", url: path, headers: {}, body: new Uint8Array() }).code === 200)
			server.call("PATCH", path, "", { metadata: { labels } }, merge);
		server.settle();
	} else {
		const objects = reality.objects.filter(({ kind, metadata }) => {
			return `${kind.toLowerCase()}s` === operation.resource && metadata.name !== "kubernetes";
		});
		const object = objects[operation.which % Math.max(1, objects.length)];
		if (object === undefined) return;
		const { namespace, name } = object.metadata;
		const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
		server.call("DELETE", `/api/v1${within}/${operation.resource}/${name}`);
		server.settle();
	}
}

describe("a network that is followed", () => {
	it.each<Flags>([
		{ fabric: "routed" },
		{ fabric: "l2" },
		{ fabric: "vxlan" },
		{ fabric: "l2", podCIDR: "10.244.0.0/16,fd00:10:244::/56", serviceCIDR: "10.96.0.0/12,fd00:10:96::/112" },
	])(
		"is the one that is planned at once: %o",
		(flags) => {
			fc.assert(
				fc.property(fc.array(operation, { minLength: 1, maxLength: 10 }), (operations) => play(flags, operations)),
				runs(15),
			);
		},
		300_000,
	);
});
