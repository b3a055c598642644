// ResourceQuotas in a cluster at work: what the API refuses in upstream's words, and what the quota's status says.

import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { Cluster } from "../../js/index.ts";

interface Counted extends KubernetesObject {
	status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

const quota = (name: string, hard: Record<string, string>, more: object = {}): KubernetesObject => ({
	apiVersion: "v1",
	kind: "ResourceQuota",
	metadata: { name, namespace: "default" },
	spec: { hard, ...more },
});

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };

const pod = (name: string, resources: Resources = {}, more: object = {}): KubernetesObject => ({
	apiVersion: "v1",
	kind: "Pod",
	metadata: { name, namespace: "default" },
	spec: { containers: [{ name: "c", image: "i", resources }], ...more },
});

const object = (kind: string, name: string, more: object = {}): KubernetesObject => ({
	apiVersion: "v1",
	kind,
	metadata: { name, namespace: "default" },
	...more,
});

describe("a ResourceQuota", () => {
	let cluster: Cluster;

	beforeEach(async () => {
		cluster = await Cluster.create({ nodes: 1 });
	});

	async function held(...objects: KubernetesObject[]): Promise<void> {
		for (const one of objects) await cluster.api.create(one);
		await cluster.settle();
	}

	async function used(name = "q"): Promise<Record<string, string> | undefined> {
		const { status } = (await cluster.api.get("v1", "ResourceQuota", name)) as Counted;
		return status?.used;
	}

	const refusal = (one: KubernetesObject) =>
		cluster.api.create(one).then(
			() => null,
			(error: Error) => error.message,
		);

	it("counts pods and what they ask for, and refuses what goes beyond", async () => {
		const hard = { pods: "2", "requests.cpu": "1", "limits.memory": "1Gi", "count/pods": "3" };
		await held(quota("q", hard));
		expect(await used()).toEqual({ pods: "0", "requests.cpu": "0", "limits.memory": "0", "count/pods": "0" });
		expect(await refusal(pod("bare"))).toBe(
			'pods "bare" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c',
		);
		const half: Resources = { requests: { cpu: "600m" }, limits: { memory: "512Mi" } };
		expect(await refusal(pod("a", half))).toBe(null);
		// Charged at once, before any controller has looked.
		expect(await used()).toEqual({ pods: "1", "requests.cpu": "600m", "limits.memory": "512Mi", "count/pods": "1" });
		expect(await refusal(pod("b", half))).toBe(
			'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
		);
		expect(await refusal(pod("b", { requests: { cpu: "500m" }, limits: { memory: "1Gi" } }))).toBe(
			'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=1Gi,requests.cpu=500m, used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1',
		);
		// A refusal charges nothing, a dry run neither.
		const small: Resources = { requests: { cpu: "0.4" }, limits: { memory: "512Mi" } };
		await cluster.api.create(pod("b", small), { dryRun: true });
		expect((await used())?.pods).toBe("1");
		expect(await refusal(pod("b", small))).toBe(null);
		await cluster.settle();
		expect(await used()).toEqual({ pods: "2", "requests.cpu": "1", "limits.memory": "1Gi", "count/pods": "2" });
		await cluster.api.delete("v1", "Pod", "a", { gracePeriodSeconds: 0 });
		await cluster.settle();
		expect(await used()).toEqual({ pods: "1", "requests.cpu": "400m", "limits.memory": "512Mi", "count/pods": "1" });
		expect(await refusal(pod("a", half))).toBe(null);
	});

	it("lets pods go uncharged that have ended, but for their count", async () => {
		await held(quota("q", { pods: "1", "count/pods": "2" }));
		const short = pod("a", {}, { restartPolicy: "Never" });
		short.metadata.annotations = { "podwire.dev/exits-after": "1s" };
		await held(short);
		await cluster.advance(5000);
		expect(await used()).toEqual({ pods: "0", "count/pods": "1" });
		expect(await refusal(pod("b"))).toBe(null);
		expect(await refusal(pod("c"))).toBe(
			'pods "c" is forbidden: exceeded quota: q, requested: count/pods=1,pods=1, used: count/pods=2,pods=1, limited: count/pods=2,pods=1',
		);
	});

	it("counts Services by their kind, also as they change", async () => {
		// The API's own Service is one of them.
		await held(quota("q", { services: "4", "services.nodeports": "2", "services.loadbalancers": "1" }));
		const service = (name: string, type: string, ports = 1) =>
			object("Service", name, {
				spec: { type, ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 80 + i })) },
			});
		await held(service("a", "ClusterIP"), service("b", "LoadBalancer"));
		expect(await used()).toEqual({ services: "3", "services.nodeports": "1", "services.loadbalancers": "1" });
		expect(await refusal(service("c", "NodePort", 2))).toBe(
			'services "c" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=1, limited: services.nodeports=2',
		);
		const to = (name: string, type: string) => cluster.api.patch("v1", "Service", name, { spec: { type } });
		await expect(to("a", "LoadBalancer")).rejects.toThrow(
			'services "a" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=1, limited: services.loadbalancers=1',
		);
		await to("b", "ClusterIP");
		await cluster.settle();
		expect(await used()).toEqual({ services: "3", "services.nodeports": "0", "services.loadbalancers": "0" });
		await to("a", "LoadBalancer");
		expect(await used()).toEqual({ services: "3", "services.nodeports": "1", "services.loadbalancers": "1" });
	});

	it("counts objects of any kind, and claims by their class", async () => {
		const fast = "fast.storageclass.storage.k8s.io";
		await held(
			quota("q", {
				...{ configmaps: "2", "count/secrets": "1", "count/deployments.apps": "0", resourcequotas: "1" },
				...{ "requests.storage": "3Gi", [`${fast}/requests.storage`]: "2Gi", [`${fast}/persistentvolumeclaims`]: "2" },
			}),
		);
		expect((await used())?.resourcequotas).toBe("1");
		expect(await refusal(quota("second", { pods: "1" }))).toContain("exceeded quota: q, requested: resourcequotas=1");
		await held(object("ConfigMap", "a"));
		const before = (await used())?.configmaps;
		expect(Number(before)).toBeGreaterThanOrEqual(1);
		await held(object("Secret", "s"));
		expect(await refusal(object("Secret", "t"))).toBe(
			'secrets "t" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1',
		);
		const spec = {
			selector: { matchLabels: { a: "b" } },
			template: { metadata: { labels: { a: "b" } }, spec: pod("x").spec },
		};
		expect(await refusal({ ...object("Deployment", "d", { spec }), apiVersion: "apps/v1" })).toBe(
			'deployments.apps "d" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0',
		);
		const claim = (name: string, storage: string, storageClassName?: string) =>
			object("PersistentVolumeClaim", name, {
				spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, storageClassName },
			});
		await held(claim("one", "1.5Gi", "fast"));
		expect(await refusal(claim("two", "1Gi", "fast"))).toContain(
			`exceeded quota: q, requested: ${fast}/requests.storage=1Gi, used: ${fast}/requests.storage=1536Mi`,
		);
		expect(await refusal(claim("two", "1Gi", "slow"))).toBe(null);
		await cluster.api.delete("v1", "ConfigMap", "a");
		await cluster.settle();
		expect((await used())?.configmaps).toBe(String(Number(before) - 1));
	});

	it.each([
		["BestEffort", { scopes: ["BestEffort"] }, pod("in"), pod("out", { requests: { cpu: "1" } })],
		["NotBestEffort", { scopes: ["NotBestEffort"] }, pod("in", { limits: { memory: "1Mi" } }), pod("out")],
		["Terminating", { scopes: ["Terminating"] }, pod("in", {}, { activeDeadlineSeconds: 60 }), pod("out")],
		["NotTerminating", { scopes: ["NotTerminating"] }, pod("in"), pod("out", {}, { activeDeadlineSeconds: 60 })],
		[
			"PriorityClass",
			{ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] } },
			pod("in", {}, { priorityClassName: "high" }),
			pod("out"),
		],
	])("of scope %s counts no other pods", async (_, scope, within, without) => {
		await cluster.api.create({
			apiVersion: "scheduling.k8s.io/v1",
			kind: "PriorityClass",
			metadata: { name: "high" },
			value: 1000,
		} as never);
		await held(quota("q", { pods: "0" }, scope));
		expect(await refusal(without)).toBe(null);
		expect(await refusal(within)).toBe(
			'pods "in" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
		);
		await cluster.settle();
		expect(await used()).toEqual({ pods: "0" });
	});

	it("holds a Deployment's pods back, which says so, until it is raised", async () => {
		await held(quota("q", { pods: "2" }));
		const spec = {
			...{ replicas: 3, selector: { matchLabels: { a: "b" } } },
			template: { metadata: { labels: { a: "b" } }, spec: pod("x").spec },
		};
		await held({ ...object("Deployment", "d", { spec }), apiVersion: "apps/v1" });
		const count = async () => (await cluster.api.list("v1", "Pod", { namespace: "default" })).items.length;
		expect(await count()).toBe(2);
		const events = await cluster.api.list("v1", "Event", { fieldSelector: "reason=FailedCreate" });
		expect(events.items.map((event) => (event as { message?: string }).message).join("\n")).toMatch(
			/Error creating: pods "d-\w+-\w+" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2/,
		);
		await cluster.api.patch("v1", "ResourceQuota", "q", { spec: { hard: { pods: "5" } } });
		await cluster.advance(1_100_000);
		expect(await count()).toBe(3);
		expect(await used()).toEqual({ pods: "3" });
	});

	it("holds from the start where it is in what the cluster begins with", async () => {
		await cluster.apply([quota("q", { pods: "1" }), pod("a")]);
		await cluster.settle();
		expect(await used()).toEqual({ pods: "1" });
		expect(await refusal(pod("b"))).toContain("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1");
	});
});
