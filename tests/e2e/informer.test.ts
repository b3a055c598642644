// Informers of `@kubernetes/client-node` against our API: through a rolling update, a dropped connection, and a revision that
// is kept no more. What they hold in the end is what is there, and each object's events came in the order of its life.

import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { describe, expect, it } from "vitest";
import type { KubernetesObject as Stored } from "../../js/api/meta.ts";
import { Cluster } from "../../js/index.ts";
import { emptyRegistry } from "../apiserver/registry.ts";
import { checkLives, type Event, informed, outlive, record, staleWatch } from "./informing.ts";

const web = (image: string): Stored => ({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web", namespace: "default" },
	spec: {
		replicas: 3,
		selector: { matchLabels: { app: "web" } },
		template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } },
	},
});

describe("an informer in this process", () => {
	it("sees a rolling update", async () => {
		const cluster = await Cluster.create({ nodes: 2 });
		await cluster.apply([web("nginx:1")]);
		await cluster.settle();
		const config = await cluster.kubeConfig(KubeConfig);
		const core = config.makeApiClient(CoreV1Api);
		const events: Event[] = [];
		const informer = makeInformer(config, "/api/v1/namespaces/default/pods", () =>
			core.listNamespacedPod({ namespace: "default" }),
		);
		record(events, informer);
		await informer.start();
		const names = async () =>
			(await core.listNamespacedPod({ namespace: "default" })).items.map((pod) => pod.metadata?.name);
		const old = await names();
		expect(events.map(([type, name]) => [type, name])).toEqual(old.map((name) => ["add", name]));
		await cluster.api.update(web("nginx:2"));
		await cluster.settle();
		const now = await names();
		expect(now.some((name) => old.includes(name))).toBe(false);
		await expect
			.poll(() =>
				informer
					.list("default")
					?.map(({ metadata }) => metadata?.name)
					.sort(),
			)
			.toEqual([...now].sort());
		checkLives(events);
		expect(events.filter(([type]) => type === "delete").length).toBe(3);
		await informer.stop();
	});
});

describe("an informer over a socket", () => {
	it("misses nothing through a dropped connection", async () => {
		expect(await informed(emptyRegistry("default"), () => {})).toEqual([]);
	});

	it("begins anew where its revision is kept no more", async () => {
		const registry = emptyRegistry("default");
		expect(await informed(registry, () => outlive(registry))).toEqual(["410"]);
	});
});

describe("a watch that comes too late", () => {
	it("is told so, and ends", async () => {
		const { code, events } = await staleWatch(emptyRegistry("default"));
		expect(code).toBe(200);
		const status = { kind: "Status", status: "Failure", reason: "Expired", code: 410 };
		expect(events).toMatchObject([{ type: "ERROR", object: status }]);
	});
});
