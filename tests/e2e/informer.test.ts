// Informers of `@kubernetes/client-node` against our API: through a rolling update, a dropped connection, and a revision that
// is kept no more. What they hold in the end is what is there, and each object's events came in the order of its life.

import { CoreV1Api, KubeConfig, type KubernetesObject, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import { afterEach, describe, expect, it } from "vitest";
import type { KubernetesObject as Stored } from "../../js/api/meta.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import type { ApiRequest } from "../../js/apiserver/rest/message.ts";
import { isStream } from "../../js/apiserver/rest/message.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { Cluster } from "../../js/index.ts";
import { type ApiListener, listen } from "../../js/serve/http.ts";
import { emptyRegistry, made } from "../apiserver/registry.ts";

type Event = [type: string, name: string, version: number];

function record(events: Event[], informer: ReturnType<typeof makeInformer<KubernetesObject>>): void {
	for (const type of ["add", "update", "delete"] as const)
		informer.on(type, ({ metadata }) => events.push([type, metadata?.name ?? "", Number(metadata?.resourceVersion)]));
}

/** Each object is added first, deleted last, and gets only newer; it may come again after its end. */
function expectLives(events: readonly Event[]): void {
	const alive = new Map<string, number>();
	for (const [type, name, version] of events) {
		const before = alive.get(name);
		expect([type, name, before === undefined]).toEqual([type, name, type === "add"]);
		if (before !== undefined) expect(version).toBeGreaterThanOrEqual(before);
		if (type === "delete") alive.delete(name);
		else alive.set(name, version);
	}
}

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
		expectLives(events);
		expect(events.filter(([type]) => type === "delete").length).toBe(3);
		await informer.stop();
	});
});

describe("an informer over a socket", () => {
	let server: ApiListener | null = null;
	afterEach(async () => {
		await server?.close();
		server = null;
	});

	/** The API on one port again and again, and how its watches ended. */
	function served(registry: Registry) {
		const told: string[] = [];
		let port = 0;
		const answer = (request: ApiRequest) => {
			const response = respond(registry, request);
			const { body } = response;
			if (!isStream(body)) return response;
			const seen = {
				take: () => {
					const lines = body.take();
					if (lines.includes('"code":410')) told.push("410");
					return lines;
				},
				get ended() {
					return body.ended;
				},
			};
			return { ...response, body: seen };
		};
		const up = async () => {
			server = await listen(answer, { port });
			port = Number(new URL(server.url).port);
		};
		return { told, up };
	}

	async function informed(registry: Registry, whileAway: () => void): Promise<string[]> {
		const { told, up } = served(registry);
		await up();
		const config = new KubeConfig();
		config.loadFromOptions({
			clusters: [{ name: "c", server: server?.url, skipTLSVerify: true }],
			users: [{ name: "u" }],
			contexts: [{ name: "x", cluster: "c", user: "u" }],
			currentContext: "x",
		});
		const core = config.makeApiClient(CoreV1Api);
		const events: Event[] = [];
		const informer = makeInformer<V1ConfigMap>(config, "/api/v1/namespaces/default/configmaps", () =>
			core.listNamespacedConfigMap({ namespace: "default" }),
		);
		record(events, informer as never);
		// As client-node's own example does after an error.
		const again = () => informer.start().catch(() => setTimeout(again, 20));
		informer.on("error", () => setTimeout(again, 20));
		const configMap = (name: string) => ({
			apiVersion: "v1",
			kind: "ConfigMap",
			metadata: { name, namespace: "default" },
		});
		const held = () =>
			informer
				.list("default")
				?.map(({ metadata }) => metadata?.name)
				.sort();

		for (const name of ["a", "b"]) made(registry, configMap(name));
		await informer.start();
		made(registry, configMap("c"));
		await expect.poll(held).toEqual(["a", "b", "c"]);

		await server?.close();
		registry.storage.remove("configmaps", "default", "a");
		made(registry, configMap("d"));
		const b = registry.storage.get("configmaps", "default", "b") as Stored;
		registry.storage.put("configmaps", { ...b, metadata: { ...b.metadata, labels: { changed: "yes" } } });
		whileAway();
		await up();

		await expect.poll(held, { timeout: 20_000 }).toEqual(["b", "c", "d"]);
		made(registry, configMap("e"));
		registry.storage.remove("configmaps", "default", "c");
		await expect.poll(held, { timeout: 20_000 }).toEqual(["b", "d", "e"]);
		expect(informer.get("b", "default")?.metadata?.labels).toEqual({ changed: "yes" });
		expectLives(events);
		expect(events.filter(([type]) => type === "delete").map(([, name]) => name)).toEqual(["a", "c"]);
		await informer.stop();
		return told;
	}

	it("misses nothing through a dropped connection", async () => {
		expect(await informed(emptyRegistry("default"), () => {})).toEqual([]);
	});

	it("begins anew where its revision is kept no more", async () => {
		const registry = emptyRegistry("default");
		const told = await informed(registry, () => {
			const node = made(registry, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
			for (let i = 0; i < 3000; i++)
				registry.storage.put("nodes", { ...node, metadata: { ...node.metadata, labels: { i: String(i) } } });
			registry.storage.compact(registry.storage.revision);
		});
		expect(told).toEqual(["410"]);
	});
});
