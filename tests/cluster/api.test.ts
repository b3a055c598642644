// The API of a cluster in this process: what controllers made is there, what clients write counts with the next settling.

import { beforeEach, describe, expect, it } from "vitest";
import { Cluster, StatusError, UnsettledError } from "../../js/index.ts";
import { QUESTION, served } from "./manifests.ts";

const WEB = served(2, "i");

let cluster: Cluster;

beforeEach(async () => {
	cluster = await Cluster.create({ nodes: 2 });
	await cluster.apply(WEB);
	await cluster.settle();
});

describe("cluster.api", () => {
	it("has what the controllers made", async () => {
		const { api } = cluster;
		const pods = await api.list("v1", "Pod", { namespace: "default", labelSelector: "app=web" });
		expect(pods.items.map(({ kind, status }) => [kind, status?.phase])).toEqual([
			["Pod", "Running"],
			["Pod", "Running"],
		]);
		const deployment = await api.get("apps/v1", "Deployment", "web");
		expect(deployment.status?.readyReplicas).toBe(2);
		expect(deployment.metadata.generation).toBe(1);
		const names = (await api.list("v1", "Namespace")).items.map(({ metadata }) => metadata.name);
		expect(names).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
		expect((await api.list("v1", "Node")).items.length).toBe(2);
	});

	it("tells what is wrong, as the API server does", async () => {
		const { api } = cluster;
		await expect(api.get("v1", "Pod", "nobody")).rejects.toThrow('pods "nobody" not found');
		const error = await api.get("v1", "Pod", "nobody").catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(StatusError);
		expect((error as StatusError).status).toMatchObject({ code: 404, reason: "NotFound" });
		const metadata = { name: "x", namespace: "default" };
		const misspelt = { apiVersion: "v1", kind: "ConfigMap", metadata, dat: {} };
		await expect(api.create(misspelt)).rejects.toThrow('strict decoding error: unknown field "dat"');
		await expect(api.create({ ...misspelt, kind: "Confgmap" })).rejects.toThrow("no kind Confgmap in v1");
		const created = await api.create({ apiVersion: "v1", kind: "ConfigMap", metadata });
		const stale = { ...created, metadata: { ...created.metadata, resourceVersion: "1" } };
		await expect(api.update(stale)).rejects.toMatchObject({ status: { code: 409, reason: "Conflict" } });
	});

	it("writes in every way", async () => {
		const { api } = cluster;
		const metadata = { name: "x", namespace: "default" };
		const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "1" } };
		expect(await api.create(object, { dryRun: true })).toMatchObject({ data: { a: "1" } });
		await expect(api.get("v1", "ConfigMap", "x")).rejects.toThrow("not found");
		await api.create(object);
		expect(await api.patch("v1", "ConfigMap", "x", { data: { b: "2" } })).toMatchObject({ data: { a: "1", b: "2" } });
		const add = [{ op: "add", path: "/data/c", value: "3" }];
		expect(await api.patch("v1", "ConfigMap", "x", add, { type: "json" })).toMatchObject({ data: { c: "3" } });
		await expect(api.apply({ ...object, data: { a: "9" } }, { fieldManager: "other" })).rejects.toMatchObject({
			status: { code: 409 },
		});
		expect(await api.apply({ ...object, data: { a: "9" } }, { fieldManager: "other", force: true })).toMatchObject({
			data: { a: "9" },
		});
		expect(await api.delete("v1", "ConfigMap", "x")).toMatchObject({ status: "Success" });
		await expect(api.delete("v1", "ConfigMap", "x")).rejects.toThrow("not found");
	});

	it("lists in pages", async () => {
		const { api } = cluster;
		const first = await api.list("v1", "Pod", { limit: 2 });
		const next = first.metadata.continue ?? "";
		const second = await api.list("v1", "Pod", { limit: 2, continue: next });
		const all = await api.list("v1", "Pod");
		const names = [...first.items, ...second.items].map(({ metadata }) => metadata.name);
		expect(names).toEqual(all.items.map(({ metadata }) => metadata.name));
	});
});

describe("what clients write", () => {
	it("counts with the next settling, in traces too", async () => {
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 0 } });
		expect(() => cluster.trace(QUESTION)).toThrow(UnsettledError);
		await cluster.settle();
		expect(cluster.trace(QUESTION)).toMatchObject({ verdict: "rejected", reason: "no-endpoints" });
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 3 } });
		await cluster.settle();
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
		expect((await cluster.api.get("apps/v1", "Deployment", "web")).status?.readyReplicas).toBe(3);
	});

	it("counts with a settling that is asked for behind it, the API's first question too", async () => {
		const writing = cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 0 } });
		await cluster.settle();
		expect(cluster.trace(QUESTION)).toMatchObject({ verdict: "rejected", reason: "no-endpoints" });
		await writing;
	});

	it("may be a whole cluster", async () => {
		const written = await Cluster.create({ nodes: 2 });
		await written.settle();
		for (const object of cluster.objects.filter(({ kind }) => ["Deployment", "Service", "Pod"].includes(kind))) {
			if (object.metadata.ownerReferences || object.metadata.name === "kubernetes") continue;
			const { apiVersion, kind, metadata, spec } = JSON.parse(JSON.stringify(object));
			if (kind === "Service") for (const field of ["clusterIP", "clusterIPs"]) delete spec[field];
			await written.api.create({ apiVersion, kind, metadata: { name: metadata.name, namespace: "default" }, spec });
		}
		await written.settle();
		expect(written.trace(QUESTION).verdict).toBe("delivered");
	});

	it("takes objects away, and what was made for them", async () => {
		await cluster.api.delete("apps/v1", "Deployment", "web");
		await cluster.settle();
		expect((await cluster.api.list("v1", "Pod")).items.map(({ metadata }) => metadata.name)).toEqual(["client"]);
		expect((await cluster.api.list("apps/v1", "ReplicaSet")).items).toEqual([]);
		await cluster.api.delete("v1", "Service", "web");
		await cluster.settle();
		expect(() => cluster.trace(QUESTION)).toThrow("svc/default/web");
	});

	it("brings a deleted pod back as another one", async () => {
		const { items } = await cluster.api.list("v1", "Pod", { labelSelector: "app=web" });
		const [{ metadata }] = items as [(typeof items)[0]];
		await cluster.api.delete("v1", "Pod", metadata.name ?? "", { gracePeriodSeconds: 0 });
		await cluster.settle();
		const after = (await cluster.api.list("v1", "Pod", { labelSelector: "app=web" })).items;
		expect(after.length).toBe(2);
		expect(after.map((pod) => pod.metadata.uid)).not.toContain(metadata.uid);
	});

	it("keeps nodes, and what is said of one", async () => {
		await cluster.api.patch("v1", "Node", "node-1", { spec: { unschedulable: true } });
		await cluster.settle();
		const nodes = (await cluster.api.list("v1", "Node")).items;
		expect(nodes.map(({ metadata, spec }) => [metadata.name, spec?.unschedulable])).toEqual([
			["node-1", true],
			["node-2", undefined],
		]);
	});

	it("meets the controller that an object is of, which has the last word on what it counts", async () => {
		const { items } = await cluster.api.list("apps/v1", "ReplicaSet");
		const name = items[0]?.metadata.name ?? "";
		await cluster.api.patch("apps/v1", "ReplicaSet", name, { spec: { replicas: 7 } });
		await cluster.settle();
		expect((await cluster.api.get("apps/v1", "ReplicaSet", name)).spec?.replicas).toBe(2);
		expect(cluster.warnings).toEqual([]);
	});

	it("to a status that nobody else writes stays", async () => {
		const condition = { type: "example.com/Warm", status: "True", lastProbeTime: null, lastTransitionTime: null };
		await cluster.api.patch(
			"v1",
			"Pod",
			"client",
			{ status: { conditions: [condition] } },
			{ subresource: "status", type: "strategic" },
		);
		await cluster.settle();
		await cluster.api.patch("v1", "Pod", "client", { metadata: { labels: { seen: "yes" } } });
		await cluster.settle();
		const { status } = await cluster.api.get("v1", "Pod", "client");
		expect(status?.phase).toBe("Running");
		expect(status?.conditions?.find(({ type }) => type === "example.com/Warm")).toEqual({
			...{ type: "example.com/Warm", status: "True" },
		});
	});

	it("that no cluster can be made of leaves the cluster as it was", async () => {
		const { api } = cluster;
		const [first] = (await api.list("v1", "Node")).items;
		const { podCIDR = "" } = first?.spec ?? {};
		await api.create({
			apiVersion: "v1",
			kind: "Node",
			metadata: { name: "bad" },
			spec: { podCIDR, podCIDRs: [podCIDR] },
		});
		await expect(cluster.settle()).rejects.toThrow(podCIDR);
		expect(() => cluster.trace(QUESTION)).toThrow(UnsettledError);
		await api.delete("v1", "Node", "bad");
		await cluster.settle();
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
	});

	it("of policies that are not evaluated is told, until it is gone", async () => {
		const policy = {
			apiVersion: "networking.k8s.io/v1",
			kind: "NetworkPolicy",
			metadata: { name: "deny", namespace: "default" },
			spec: { podSelector: {}, policyTypes: ["Ingress"] },
		};
		await cluster.api.create(policy as never);
		await cluster.settle();
		expect(cluster.trace(QUESTION).notEvaluated).toEqual(["NetworkPolicy default/deny"]);
		await cluster.api.delete("networking.k8s.io/v1", "NetworkPolicy", "deny");
		await cluster.settle();
		expect(cluster.trace(QUESTION).notEvaluated).toEqual([]);
	});
});

describe("a watch", () => {
	it("tells what happened, and waits for what will", async () => {
		const { api } = cluster;
		const watch = await api.watch("v1", "ConfigMap", { namespace: "default" });
		const seen: string[] = [];
		const reading = (async () => {
			for await (const { type, object } of watch) {
				seen.push(`${type} ${object.metadata.name}`);
				if (seen.length === 3) break;
			}
		})();
		const metadata = { name: "x", namespace: "default" };
		await api.create({ apiVersion: "v1", kind: "ConfigMap", metadata });
		await api.patch("v1", "ConfigMap", "x", { data: { a: "1" } });
		await api.delete("v1", "ConfigMap", "x");
		await reading;
		expect(seen).toEqual(["ADDED x", "MODIFIED x", "DELETED x"]);
		expect(watch.take()).toEqual([]);
		expect(await watch.next()).toEqual({ done: true, value: undefined });
	});

	it("sees what settling changed", async () => {
		const { api } = cluster;
		const watch = await api.watch("v1", "Pod", { labelSelector: "app=web" });
		expect(watch.take().map(({ type }) => type)).toEqual(["ADDED", "ADDED"]);
		await api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 3 } });
		expect(watch.take()).toEqual([]);
		await cluster.settle();
		expect(watch.take().filter(({ type }) => type === "ADDED").length).toBe(1);
		watch.close();
	});

	it("goes on from where it was", async () => {
		const { api } = cluster;
		const { metadata } = await api.list("v1", "ConfigMap");
		await api.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "default" } });
		const from = { resourceVersion: metadata.resourceVersion ?? "" };
		const watch = await api.watch("v1", "ConfigMap", from);
		expect(watch.take().map(({ type }) => type)).toEqual(["ADDED"]);
	});
});
