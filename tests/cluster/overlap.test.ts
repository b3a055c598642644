// Mistakes of which nobody is told: selectors that match pods of another controller, names that are taken, a headless Service that is
// not there. Each with the place in upstream's source that makes it so.

import { describe, expect, it } from "vitest";
import type { Cluster } from "../../js/index.ts";
import { CONTAINERS, deployment, done, pod, template, told } from "./mistakes.ts";

/** Names of pods by their controller, `KIND/NAME`. */
async function owned({ api }: Cluster): Promise<Record<string, string[]>> {
	const owners: Record<string, string[]> = {};
	for (const { metadata } of (await api.list("v1", "Pod")).items) {
		const { kind, name } = metadata.ownerReferences?.find(({ controller }) => controller) ?? { kind: "none", name: "" };
		owners[`${kind}/${name}`] = [...(owners[`${kind}/${name}`] ?? []), metadata.name ?? ""];
	}
	return owners;
}

// pkg/controller/controller_ref_manager.go ClaimObject: what another one controls is left alone, and nobody is told.
describe("a selector that matches pods of another controller", () => {
	it("takes none of them, and has pods of its own; the Service over both has all", async () => {
		const service =
			"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}";
		const cluster = await done({
			manifests: [deployment("one", "app: web"), deployment("two", "app: web"), service],
		});
		const before = await owned(cluster);
		expect(Object.keys(before).map((owner) => owner.replace(/-[^-]+$/, ""))).toEqual([
			"ReplicaSet/one",
			"ReplicaSet/two",
		]);
		expect(Object.values(before).map((names) => names.length)).toEqual([2, 2]);
		// Both have the same hash in their selectors: only who controls a pod tells them apart.
		await cluster.api.patch("apps/v1", "Deployment", "one", { spec: { replicas: 1 } });
		await cluster.settle();
		expect(Object.values(await owned(cluster)).map((names) => names.length)).toEqual([1, 2]);
		const rules = cluster.iptables("node-1").match(/--to-destination \S+:80$/gm);
		expect(rules).toHaveLength(3);
		expect(cluster.events.filter(({ type }) => type === "Warning")).toEqual([]);
		cluster.dispose();
	});

	it("of a pod that nobody controls takes it, and lets it go when it is labelled otherwise", async () => {
		const replicaSet = `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: set}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, ${template("app: web")}}}`;
		const cluster = await done({ manifests: [pod("alone", CONTAINERS), replicaSet] });
		const before = (await owned(cluster))["ReplicaSet/set"];
		expect(before).toContain("alone");
		expect(before).toHaveLength(2);
		await cluster.api.patch("v1", "Pod", "alone", { metadata: { labels: { app: "other" } } });
		await cluster.settle();
		const after = await owned(cluster);
		expect(after["none/"]).toEqual(["alone"]);
		expect(after["ReplicaSet/set"]).toHaveLength(2);
		expect(told(cluster, ["SuccessfulDelete"])).toEqual([]);
		cluster.dispose();
	});
});

// pkg/controller/replicaset/replica_set.go manageReplicas: pods that are not ready, or came last, go first.
describe("a pod that is made by hand, with the labels of a ReplicaSet that has all of its own", () => {
	it("is taken, and deleted as one too many", async () => {
		const replicaSet = `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: set}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, ${template("app: web")}}}`;
		const cluster = await done({ manifests: [replicaSet, pod("alone", CONTAINERS)] });
		expect(told(cluster, ["SuccessfulDelete"])).toEqual([
			"Normal SuccessfulDelete ReplicaSet default/set: Deleted pod: alone",
		]);
		const { "none/": nobodys, "ReplicaSet/set": own } = await owned(cluster);
		expect([nobodys, own?.length]).toEqual([undefined, 2]);
		cluster.dispose();
	});
});

// pkg/controller/statefulset/stateful_pod_control.go CreateStatefulPod: that a name is taken is no event; it is tried again.
describe("a StatefulSet whose first pod's name another pod has", () => {
	it("has no pod at all, until the name is free", async () => {
		const set = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, ${template("app: db")}}}`;
		const cluster = await done({ manifests: [pod("db-0", CONTAINERS), set], advanceMs: 10_000 });
		expect(await owned(cluster)).toEqual({ "none/": ["db-0"] });
		expect(cluster.events.filter(({ object }) => object === "StatefulSet default/db")).toEqual([]);
		await cluster.api.delete("v1", "Pod", "db-0");
		// Nobody waits for an orphan: the next try is client-go's, which comes after 1000 s at most.
		await cluster.advance(1_010_000);
		expect(await owned(cluster)).toEqual({ "StatefulSet/db": ["db-0", "db-1"] });
		cluster.dispose();
	});
});

// pkg/controller/statefulset has no look at Services: `serviceName` is a name for the pods' subdomain, whether it is there or not.
describe("a StatefulSet without its headless Service", () => {
	it("has its pods, by name, and nothing that leads to them; nobody is told", async () => {
		const set = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 2, selector: {matchLabels: {app: db}}, ${template("app: db")}}}`;
		const cluster = await done({ manifests: [set] });
		const { items } = await cluster.api.list("v1", "Pod");
		expect(
			items.map(({ metadata, spec, status }) => [metadata.name, spec?.hostname, spec?.subdomain, status?.phase]),
		).toEqual([
			["db-0", "db-0", "db", "Running"],
			["db-1", "db-1", "db", "Running"],
		]);
		expect(cluster.events.filter(({ type }) => type === "Warning")).toEqual([]);
		const slices = await cluster.api.list("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default" });
		expect(slices.items.filter(({ metadata }) => metadata.name?.startsWith("db"))).toEqual([]);
		expect(() => cluster.trace({ from: "pod/default/db-0", to: "svc/default/db:80" })).toThrow(/svc\/default\/db/);
		expect(cluster.trace({ from: "pod/default/db-0", to: "pod/default/db-1:80" }).verdict).toBe("delivered");
		cluster.dispose();
	});
});
