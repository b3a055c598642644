// Informers of `@kubernetes/client-node` over a socket, through what befalls a connection: the same code for Node and Deno.

import { CoreV1Api, KubeConfig, type KubernetesObject, makeInformer, type V1ConfigMap } from "@kubernetes/client-node";
import type { KubernetesObject as Stored } from "../../js/api/meta.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import type { ApiRequest } from "../../js/apiserver/rest/message.ts";
import { isStream } from "../../js/apiserver/rest/message.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { type ApiListener, listen } from "../../js/serve/http.ts";
import { made } from "../apiserver/registry.ts";

export type Event = [type: string, name: string, version: number];

export function record(events: Event[], informer: ReturnType<typeof makeInformer<KubernetesObject>>): void {
	for (const type of ["add", "update", "delete"] as const)
		informer.on(type, ({ metadata }) => events.push([type, metadata?.name ?? "", Number(metadata?.resourceVersion)]));
}

/** Each object is added first, deleted last, and gets only newer; it may come again after its end. Throws where not. */
export function checkLives(events: readonly Event[]): void {
	const alive = new Map<string, number>();
	for (const event of events) {
		const [type, name, version] = event;
		const before = alive.get(name);
		if ((before === undefined) !== (type === "add")) throw new Error(`out of order: ${event} of ${events.join("; ")}`);
		if (before !== undefined && version < before) throw new Error(`went back: ${event} after ${before}`);
		if (type === "delete") alive.delete(name);
		else alive.set(name, version);
	}
}

async function until(held: () => unknown, wanted: unknown): Promise<void> {
	for (let tries = 0; tries < 2400; tries++) {
		if (JSON.stringify(held()) === JSON.stringify(wanted)) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`never came to ${JSON.stringify(wanted)}, but ${JSON.stringify(held())}`);
}

/** The API on one port again and again, and how its watches ended. */
class Served {
	/** One entry a watch that was too late. */
	readonly told: string[] = [];
	readonly #registry: Registry;
	#server: ApiListener | null = null;
	#port = 0;

	constructor(registry: Registry) {
		this.#registry = registry;
	}

	get url(): string {
		return this.#server?.url ?? "";
	}

	async up(): Promise<void> {
		this.#server = await listen((request) => this.#answer(request), { port: this.#port });
		this.#port = Number(new URL(this.url).port);
	}

	async down(): Promise<void> {
		await this.#server?.close();
		this.#server = null;
	}

	#answer(request: ApiRequest) {
		const response = respond(this.#registry, request);
		const { body } = response;
		if (!isStream(body)) return response;
		const take = () => {
			const lines = body.take();
			if (lines.includes('"code":410')) this.told.push("410");
			return lines;
		};
		return {
			...response,
			body: {
				take,
				get ended() {
					return body.ended;
				},
			},
		};
	}
}

const configMap = (name: string) => ({
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { name, namespace: "default" },
});

/**
 * An informer of ConfigMaps whose server goes away, and comes back after changes and `whileAway`; how its watches ended. Throws
 * where it does not hold what there is, or heard of it in another order.
 */
export async function informed(registry: Registry, whileAway: () => void): Promise<string[]> {
	const server = new Served(registry);
	await server.up();
	const config = new KubeConfig();
	config.loadFromOptions({
		clusters: [{ name: "c", server: server.url, skipTLSVerify: true }],
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
	const held = () =>
		informer
			.list("default")
			?.map(({ metadata }) => metadata?.name)
			.sort();
	try {
		for (const name of ["a", "b"]) made(registry, configMap(name));
		await informer.start();
		made(registry, configMap("c"));
		await until(held, ["a", "b", "c"]);

		await server.down();
		registry.storage.remove("configmaps", "default", "a");
		made(registry, configMap("d"));
		const b = registry.storage.get("configmaps", "default", "b") as Stored;
		registry.storage.put("configmaps", { ...b, metadata: { ...b.metadata, labels: { changed: "yes" } } });
		whileAway();
		await server.up();

		await until(held, ["b", "c", "d"]);
		made(registry, configMap("e"));
		registry.storage.remove("configmaps", "default", "c");
		await until(held, ["b", "d", "e"]);
		await until(() => informer.get("b", "default")?.metadata?.labels, { changed: "yes" });
		checkLives(events);
		await until(() => events.filter(([type]) => type === "delete").map(([, name]) => name), ["a", "c"]);
	} finally {
		await informer.stop();
		await server.down();
	}
	return server.told;
}

/** So many changes that revisions up to now are kept no more. */
export function outlive(registry: Registry): void {
	const node = made(registry, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
	for (let i = 0; i < 3000; i++)
		registry.storage.put("nodes", { ...node, metadata: { ...node.metadata, labels: { i: String(i) } } });
	registry.storage.compact(registry.storage.revision);
}

/** What a watch over a socket says that begins at a revision which is kept no more: its whole answer. */
export async function staleWatch(registry: Registry): Promise<{ code: number; events: unknown[] }> {
	const begin = registry.storage.revision;
	outlive(registry);
	const server = new Served(registry);
	await server.up();
	try {
		const path = `/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=${begin}`;
		const response = await fetch(server.url + path);
		const lines = (await response.text()).split("\n").filter((line) => line !== "");
		return { code: response.status, events: lines.map((line) => JSON.parse(line) as unknown) };
	} finally {
		await server.down();
	}
}
