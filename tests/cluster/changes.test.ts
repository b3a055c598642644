// A cluster acts change by change on what clients write, what is applied later, and what time brings: in its objects, in its
// nodes' rules, and for the next packet.

import { beforeEach, describe, expect, it } from "vitest";
import type { Deployment } from "../../js/api/apps.ts";
import type { Pod } from "../../js/api/core.ts";
import { Cluster, InputErrors, UnsettledError } from "../../js/index.ts";
import { QUESTION, served, web } from "./manifests.ts";

const WEB = served(3, "web:1");

let cluster: Cluster;

beforeEach(async () => {
	cluster = await Cluster.create({ nodes: 3 });
	await cluster.apply(WEB);
	await cluster.settle();
});

const podsOf = (of: Cluster) =>
	of.objects.filter(({ kind, metadata }) => kind === "Pod" && metadata.name !== "client") as Pod[];
const addresses = (pods: readonly Pod[]) => pods.map(({ status }) => status?.podIP ?? "").sort();
/** Endpoints that a node's kube-proxy sends to. */
const endpoints = (of: Cluster, node = "node-2") =>
	[...of.iptables(node).matchAll(/--to-destination (10\.244\.\d+\.\d+):80/g)].map(([, ip]) => ip ?? "").sort();

describe("a pod that is deleted", () => {
	it("is replaced by another one; the others stay, and rules and packets follow", async () => {
		const before = podsOf(cluster);
		const [first, ...others] = before as [Pod, ...Pod[]];
		await cluster.api.delete("v1", "Pod", first.metadata.name ?? "");
		await cluster.settle();
		const after = podsOf(cluster);
		const [fresh] = after.filter(({ metadata }) => !before.some((pod) => pod.metadata.uid === metadata.uid)) as [Pod];
		expect(after.length).toBe(3);
		expect([fresh.metadata.name, fresh.status?.podIP]).not.toContain(first.metadata.name);
		expect(fresh.status?.podIP).not.toBe(first.status?.podIP);
		for (const pod of others) expect(after).toContain(pod);
		expect(endpoints(cluster)).toEqual(addresses(after));
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
	});

	it("drains out of sight of new connections", async () => {
		await cluster.api.patch("apps/v1", "Deployment", "web", {
			spec: { replicas: 1, template: { metadata: { annotations: { "podwire.dev/drains-for": "20s" } } } },
		});
		await cluster.settle();
		const [only] = podsOf(cluster) as [Pod];
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 0 } });
		await cluster.advance(5000);
		const [draining] = podsOf(cluster) as [Pod];
		expect(draining.metadata).toMatchObject({ name: only.metadata.name, deletionGracePeriodSeconds: 30 });
		// KEP-1669: where nothing is ready, what is terminating and serving takes the traffic.
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
		await cluster.advance(20_000);
		expect(podsOf(cluster)).toEqual([]);
		expect(cluster.trace(QUESTION)).toMatchObject({ verdict: "rejected", reason: "no-endpoints" });
	});
});

describe("pods of a StatefulSet and of a DaemonSet that were there from the start", () => {
	const SETS = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec: {serviceName: db, replicas: 3, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: db, ports: [{containerPort: 5432}]}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log}
spec: {selector: {matchLabels: {app: log}}, template: {metadata: {labels: {app: log}}, spec: {containers: [{name: log, image: log}]}}}
`;
	const uids = (of: Cluster) =>
		(of.objects as Pod[])
			.filter(({ kind, metadata }) => kind === "Pod" && /^(db|log)-/.test(metadata.name ?? ""))
			.map(({ metadata }) => metadata.uid);

	/** The pod `db-1` goes, and nothing else happens. */
	async function killed(of: Cluster) {
		const before = uids(of);
		const { metadata } = await of.api.get("v1", "Pod", "db-1");
		await of.api.delete("v1", "Pod", "db-1");
		await of.api.patch("apps/v1", "DaemonSet", "log", { metadata: { annotations: { touched: "yes" } } });
		await of.settle();
		expect(before).toHaveLength(6);
		expect(before.filter((uid) => !uids(of).includes(uid))).toEqual([metadata.uid]);
		const revisions = (await of.api.list("apps/v1", "ControllerRevision")).items;
		expect(revisions.map(({ metadata: { name = "" }, revision }) => `${name.replace(/-.*/, "")} ${revision}`)).toEqual([
			"db 1",
			"log 1",
		]);
	}

	it("stay as they are when something happens to one of them", async () => {
		const sets = await Cluster.create({ nodes: 3 });
		await sets.apply(SETS);
		await sets.settle();
		await killed(sets);
		await sets.api.patch("apps/v1", "StatefulSet", "db", {
			spec: { template: { spec: { containers: [{ name: "db", image: "db:2" }] } } },
		});
		await sets.settle();
		expect((await sets.api.get("apps/v1", "StatefulSet", "db")).status?.updatedReplicas).toBe(3);
	});

	it("stay where they come from an export without their revisions", async () => {
		const sets = await Cluster.create({ nodes: 3 });
		await sets.apply(SETS);
		await sets.settle();
		const kinds = [
			["v1", "Node"],
			["v1", "Pod"],
			["apps/v1", "StatefulSet"],
			["apps/v1", "DaemonSet"],
		] as const;
		const lists = await Promise.all(kinds.map(([version, kind]) => sets.api.list(version, kind)));
		const again = await Cluster.create();
		await again.apply(JSON.parse(JSON.stringify(lists.flatMap(({ items }): object[] => items))));
		await again.settle();
		await killed(again);
	});
});

describe("what is written", () => {
	it("touches only what it concerns", async () => {
		const [objects, rules] = [cluster.objects, cluster.iptables("node-1")];
		await cluster.api.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "default" } });
		await cluster.settle();
		expect(cluster.objects.slice(0, objects.length)).toEqual(objects);
		expect(cluster.objects.length).toBe(objects.length + 1);
		expect(cluster.iptables("node-1")).toBe(rules);
	});

	it("makes one pod more of a scale by one", async () => {
		const before = podsOf(cluster);
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 4 } });
		await cluster.settle();
		expect(podsOf(cluster).slice(0, 3)).toEqual(before);
		expect(endpoints(cluster)).toEqual(addresses(podsOf(cluster)));
		expect(podsOf(cluster).length).toBe(4);
	});

	it("is waited for by questions, what time brings is not", async () => {
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 1 } });
		expect(() => cluster.trace(QUESTION)).toThrow(UnsettledError);
		await cluster.advance(0);
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
		expect(podsOf(cluster).length).toBe(1);
	});
});

describe("a rolling update", () => {
	it("keeps to its bounds, and of pods that wait for kube-proxy before they end no packet is refused on its way", async () => {
		await cluster.api.patch("apps/v1", "Deployment", "web", {
			spec: {
				template: { spec: { containers: [{ name: "c", lifecycle: { preStop: { sleep: { seconds: 2 } } } }] } },
			},
		});
		await cluster.settle();
		const old = new Set(podsOf(cluster).map(({ metadata }) => metadata.name));
		await cluster.api.patch("apps/v1", "Deployment", "web", {
			spec: { template: { spec: { containers: [{ name: "c", image: "web:2" }] } } },
		});
		const isOver = () =>
			cluster.runUntil((objects) => {
				const { status, metadata } = objects.get<Deployment>("deployments.apps", "default", "web") as Deployment;
				return (
					status?.observedGeneration === metadata.generation &&
					status?.updatedReplicas === 3 &&
					status.replicas === 3 &&
					status.availableReplicas === 3
				);
			}, 100);
		let steps = 0;
		for (; !(await isOver()); steps++) {
			const pods = podsOf(cluster).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
			expect(pods.length).toBeLessThanOrEqual(4);
			expect(cluster.trace(QUESTION).verdict).toBe("delivered");
		}
		expect(steps).toBeGreaterThan(10);
		await cluster.settle();
		expect(podsOf(cluster).some(({ metadata }) => old.has(metadata.name))).toBe(false);
		expect(endpoints(cluster)).toEqual(addresses(podsOf(cluster)));
	});
});

describe("manifests that are applied later", () => {
	it("change what they say, and take back what they say no more", async () => {
		const before = podsOf(cluster);
		await cluster.apply(web(3, "web:1", "nodeSelector: {kubernetes.io/hostname: node-2}, "));
		await cluster.settle();
		expect(podsOf(cluster).map(({ spec }) => spec?.nodeName)).toEqual(["node-2", "node-2", "node-2"]);
		await cluster.apply(web(3, "web:1"));
		await cluster.settle();
		const after = podsOf(cluster);
		expect(after.every(({ spec }) => spec?.nodeSelector === undefined)).toBe(true);
		// The template is that of the beginning, so its ReplicaSet is too.
		expect(after.map(({ metadata }) => metadata.ownerReferences?.[0]?.name)).toEqual(
			before.map(({ metadata }) => metadata.ownerReferences?.[0]?.name),
		);
	});

	it("leave alone what clients said of other fields", async () => {
		await cluster.api.patch("v1", "Service", "web", { spec: { sessionAffinity: "ClientIP" } });
		await cluster.settle();
		await cluster.apply(
			"{apiVersion: v1, kind: Service, metadata: {name: web, labels: {a: b}}, spec: {selector: {app: web}, ports: [{port: 80}]}}",
		);
		await cluster.settle();
		const { spec, metadata } = await cluster.api.get("v1", "Service", "web");
		expect([spec?.sessionAffinity, metadata.labels?.["a"]]).toEqual(["ClientIP", "b"]);
	});

	it("are refused with their place, and nothing of them is kept", async () => {
		const bad =
			"apiVersion: v1\nkind: Service\nmetadata: {name: other}\nspec: {clusterIP: 1.2.3.4, ports: [{port: 80}]}\n";
		await cluster.apply([{ name: "bad.yaml", text: `${web(5, "web:1")}---\n${bad}` }]);
		const error = await cluster.settle().catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(InputErrors);
		expect((error as Error).message).toMatch(/bad\.yaml:\d+:\d+.*1\.2\.3\.4/s);
		expect(podsOf(cluster).length).toBe(3);
		expect(cluster.trace(QUESTION).verdict).toBe("delivered");
	});
});

describe("what the first manifests leave to time", () => {
	const TASK = "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}";
	const BATCH = `apiVersion: batch/v1
kind: Job
metadata: {name: once}
${TASK}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec: {schedule: "*/5 * * * *", jobTemplate: {${TASK}}}
`;

	it("are Jobs and CronJobs, which begin when it passes", async () => {
		const other = await Cluster.create({ nodes: 1 });
		await other.apply(BATCH);
		await other.settle();
		expect(podsOf(other)).toEqual([]);
		await other.advance(60_000);
		expect(podsOf(other).map(({ metadata, status }) => [metadata.labels?.["job-name"], status?.phase])).toEqual([
			["once", "Succeeded"],
		]);
		await other.advance(300_000);
		expect(
			podsOf(other)
				.map(({ metadata }) => metadata.labels?.["job-name"])
				.sort(),
		).toEqual(["once", expect.stringMatching(/^tick-\d+$/)]);
	});

	it("does not hold up a question in between", async () => {
		const other = await Cluster.create({ nodes: 1 });
		await other.apply(`${WEB}---\n${BATCH}`);
		await other.settle();
		expect(await other.api.get("batch/v1", "CronJob", "tick")).toMatchObject({ spec: { concurrencyPolicy: "Allow" } });
		expect(other.trace(QUESTION).verdict).toBe("delivered");
	});
});

describe("the same again", () => {
	it("gives the same to the byte", async () => {
		const told = async () => {
			const one = await Cluster.create({ nodes: 3, seed: 7 });
			await one.apply(WEB);
			await one.settle();
			await one.api.patch("apps/v1", "Deployment", "web", { spec: { replicas: 5 } });
			await one.advance(700);
			await one.api.delete("v1", "Pod", podsOf(one)[0]?.metadata.name ?? "");
			await one.settle();
			const { items } = await one.api.list("v1", "Event");
			return JSON.stringify([one.events, items, one.objects, one.iptables("node-1")]);
		};
		expect(await told()).toBe(await told());
	});
});
