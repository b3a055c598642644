// Watches as clients have them, selected by namespace, labels and fields, against plain snapshots: what a watcher knows after what it
// was told is what a list shows; nothing is lost, doubled or reordered, whenever it looks and wherever it resumes.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { ServedResource } from "../../js/apiserver/registry/catalogue.ts";
import { list } from "../../js/apiserver/registry/list.ts";
import type { Registry } from "../../js/apiserver/registry/request.ts";
import { isStream } from "../../js/apiserver/rest/message.ts";
import { respond } from "../../js/apiserver/rest/respond.ts";
import { type WatchOptions, watch } from "../../js/apiserver/rest/watch.ts";
import { runs } from "../runs.ts";
import { emptyRegistry, NOW } from "./registry.ts";

interface Told {
	type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
	object: KubernetesObject & { code?: number };
}

const read = (lines: string): Told[] => lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
const served = (registry: Registry) => registry.catalogue.ofKind("v1", "ConfigMap") as ServedResource;
const watching = (registry: Registry, options: WatchOptions) =>
	watch(registry, served(registry), options, (object) => object);

type Step = { does: "put" | "put" | "remove"; namespace: string; name: string; label: string };
const steps = fc.array(
	fc.record<Step>({
		does: fc.constantFrom("put", "put", "remove"),
		namespace: fc.constantFrom("a", "b"),
		name: fc.constantFrom("x", "y", "z"),
		label: fc.constantFrom("1", "2", "3"),
	}),
	{ maxLength: 40 },
);
const selections = fc.record({
	namespace: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
	labelSelector: fc.option(fc.constantFrom("l=1", "l in (1,2)", "l!=3"), { nil: undefined }),
	fieldSelector: fc.option(fc.constantFrom("metadata.name=x", "metadata.name!=z"), { nil: undefined }),
});
const given = (options: object) => JSON.parse(JSON.stringify(options)) as WatchOptions;

function step({ storage }: Registry, { does, namespace, name, label }: Step): void {
	if (does === "remove") storage.remove("configmaps", namespace, name);
	else
		storage.put("configmaps", {
			...{ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name, labels: { l: label } } },
		});
}

type Known = Map<string, string | undefined>;
const keyOf = ({ metadata }: KubernetesObject) => `${metadata.namespace}/${metadata.name}`;
const listed = (registry: Registry, options: WatchOptions): Known =>
	new Map(
		list(registry, served(registry), given(options)).items.map((one) => [keyOf(one), one.metadata.resourceVersion]),
	);

/** Throws where an event contradicts what is known. Returns the revision of the last. */
function learn(known: Known, told: readonly Told[], at: number): number {
	let revision = at;
	for (const { type, object } of told) {
		const version = Number(object.metadata.resourceVersion);
		expect(version).toBeGreaterThan(type === "BOOKMARK" ? revision - 1 : revision);
		revision = version;
		if (type === "BOOKMARK") continue;
		expect(known.has(keyOf(object)), `${type} ${keyOf(object)}`).toBe(type !== "ADDED");
		if (type === "DELETED") known.delete(keyOf(object));
		else known.set(keyOf(object), object.metadata.resourceVersion);
	}
	return revision;
}

describe("a watch", () => {
	it("tells each of 5 watchers of 1,000 histories what it selects, once and in order, from wherever it resumes", () => {
		const watchers = fc.array(fc.tuple(selections, fc.nat(40), fc.integer({ min: 1, max: 7 })), {
			minLength: 5,
			maxLength: 5,
		});
		const base = emptyRegistry("a");
		fc.assert(
			fc.property(steps, watchers, (history, wanted) => {
				const storage = base.storage.fork();
				const registry: Registry = { ...base, storage, catalogue: base.catalogue.fork(storage) };
				const open = wanted.map(([selection, begins, pace]) => ({
					options: given(selection),
					...{ begins, pace, known: new Map() as Known, at: 0, seen: [] as [number, Known][] },
					stream: null as ReturnType<typeof watching> | null,
				}));
				for (const [i, one] of history.entries()) {
					for (const each of open) {
						if (each.begins === i) {
							each.known = listed(registry, each.options);
							each.at = registry.storage.revision;
							each.stream = watching(registry, { ...each.options, resourceVersion: String(each.at) });
						}
						if (each.stream === null || i % each.pace !== 0) continue;
						each.at = learn(each.known, read(each.stream.take()), each.at);
						expect(each.known).toEqual(listed(registry, each.options));
						each.seen.push([registry.storage.revision, new Map(each.known)]);
					}
					step(registry, one);
				}
				for (const { options, seen } of open)
					for (const [revision, known] of seen) {
						const resumed = watching(registry, { ...options, resourceVersion: String(revision) });
						learn(known, read(resumed.take()), revision);
						expect(known).toEqual(listed(registry, options));
					}
			}),
			runs(1000),
		);
	});

	it("that begins with what is there says when that is all", () => {
		const registry = emptyRegistry("a");
		for (const name of ["x", "y"]) step(registry, { does: "put", namespace: "a", name, label: "1" });
		const { revision } = registry.storage;
		const stream = watching(registry, {
			...{ namespace: "a", sendInitialEvents: true, resourceVersionMatch: "NotOlderThan", allowWatchBookmarks: true },
		});
		const told = read(stream.take());
		expect(told.map(({ type, object }) => [type, object.metadata.name])).toEqual([
			["ADDED", "x"],
			["ADDED", "y"],
			["BOOKMARK", undefined],
		]);
		expect(told.at(-1)?.object).toMatchObject({
			...{ apiVersion: "v1", kind: "ConfigMap" },
			metadata: { resourceVersion: String(revision), annotations: { "k8s.io/initial-events-end": "true" } },
		});
		step(registry, { does: "put", namespace: "a", name: "z", label: "1" });
		expect(read(stream.take()).map(({ type, object }) => [type, object.metadata.name])).toEqual([["ADDED", "z"]]);
	});

	it("tells from time to time how far it is, where that is asked for, and can be resumed from there", () => {
		let now = NOW;
		const registry = emptyRegistry("a", () => now);
		const options = { namespace: "a", resourceVersion: String(registry.storage.revision) };
		const [with_, without] = [
			watching(registry, { ...options, allowWatchBookmarks: true }),
			watching(registry, options),
		];
		// Nothing of what it selects: other namespaces go on.
		for (let i = 0; i < 3000; i++) step(registry, { does: "put", namespace: "b", name: "x", label: String(i) });
		now += 120n * 1_000_000_000n;
		const [bookmark, ...more] = read(with_.take());
		expect([bookmark?.type, bookmark?.object.metadata.resourceVersion, more]).toEqual([
			"BOOKMARK",
			String(registry.storage.revision),
			[],
		]);
		expect(read(without.take())).toEqual([]);
		registry.storage.compact(registry.storage.revision);
		step(registry, { does: "put", namespace: "a", name: "x", label: "1" });
		const resourceVersion = bookmark?.object.metadata.resourceVersion ?? "";
		expect(read(watching(registry, { namespace: "a", resourceVersion }).take()).map(({ type }) => type)).toEqual([
			"ADDED",
		]);
		const [late] = read(watching(registry, options).take());
		expect([late?.type, late?.object.code]).toEqual(["ERROR", 410]);
	});

	it("ends when its time is up, and not before", () => {
		let now = NOW;
		const registry = emptyRegistry("a", () => now);
		const url = "/api/v1/configmaps?watch=1&resourceVersion=0&timeoutSeconds=";
		const open = (seconds: number) => {
			const { body } = respond(registry, { method: "GET", url: url + seconds, headers: {}, body: new Uint8Array() });
			if (!isStream(body)) throw new Error("no stream");
			body.take();
			return body;
		};
		const stream = open(7);
		now += 6_999_999_999n;
		stream.take();
		expect(stream.ended).toBe(false);
		now += 1n;
		stream.take();
		expect(stream.ended).toBe(true);
		expect(open(-1).ended).toBe(true);
	});
});
