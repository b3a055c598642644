// The registry as components meet it.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byLabel, byOwner, bySelector, type Index, labelIn, orphansOf } from "../../js/api/indexes.ts";
import { keyOf } from "../../js/api/key.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { reasonOf } from "../../js/api/reason.ts";
import { RegistryStore } from "../../js/cluster/store.ts";
import { labelled, selecting } from "../../js/controllers/lookup.ts";
import { emptyRegistry } from "../apiserver/registry.ts";
import { runs } from "../runs.ts";

const owner = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "u-1", controller: true };
const configMap = (name: string, owners: object[] = []): KubernetesObject =>
	({
		apiVersion: "v1",
		kind: "ConfigMap",
		metadata: { namespace: "d", name, ownerReferences: owners },
	}) as KubernetesObject;
const names = (objects: readonly KubernetesObject[]) => objects.map(({ metadata }) => metadata.name);

describe("the store", () => {
	it("knows what an owner has, and what nobody has, through every change", () => {
		const index = byOwner("configmaps");
		const store = new RegistryStore(emptyRegistry("d"));
		for (const name of ["b", "a"]) store.create("configmaps", configMap(name, [owner]));
		store.create("configmaps", configMap("free"));
		expect(names(store.indexed(index, "u-1"))).toEqual(["a", "b"]);
		expect(names(store.indexed(index, orphansOf("d")))).toEqual(["free"]);
		const a = store.get("configmaps", "d", "a") as KubernetesObject;
		store.update("configmaps", { ...a, metadata: { ...a.metadata, ownerReferences: [] } });
		store.delete("configmaps", store.get("configmaps", "d", "b") as KubernetesObject);
		expect(names(store.indexed(index, "u-1"))).toEqual([]);
		expect(names(store.indexed(index, orphansOf("d")))).toEqual(["a", "free"]);
	});

	it("refuses what is not the latest, and what is another object of the name", () => {
		const store = new RegistryStore(emptyRegistry("d"));
		const first = store.create("configmaps", configMap("a"));
		store.update("configmaps", { ...first, data: { k: "v" } } as KubernetesObject);
		const refused = (call: () => unknown) => {
			try {
				call();
			} catch (error) {
				return reasonOf(error);
			}
			return "written";
		};
		expect(refused(() => store.update("configmaps", { ...first, data: { k: "w" } } as KubernetesObject))).toBe(
			"Conflict",
		);
		expect(refused(() => store.create("configmaps", configMap("a")))).toBe("AlreadyExists");
		const other = { ...first, metadata: { ...first.metadata, uid: "another" } };
		expect(refused(() => store.delete("configmaps", other))).toBe("Conflict");
		expect(refused(() => store.delete("configmaps", configMap("none")))).toBe("NotFound");
		expect(reasonOf(new Error("x"))).toBeNull();
	});
});

interface Step {
	/** Of which fork, modulo how many there are. */
	on: number;
	does: "put" | "remove" | "fork" | "look" | "forget";
	namespace: string;
	name: string;
	labels: Record<string, string>;
	owners: string[];
}

const INDEXES: readonly Index[] = [
	byOwner("configmaps"),
	byLabel("configmaps"),
	bySelector("configmaps", ({ metadata }) => metadata.labels),
];
const LABELS = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.constantFrom("", "1", "2"), { maxKeys: 3 });
const STEPS = fc.array(
	fc.record<Step>({
		on: fc.nat(7),
		does: fc.constantFrom("put", "put", "put", "remove", "fork", "look", "forget"),
		namespace: fc.constantFrom("d", "d-1"),
		name: fc.constantFrom("x", "x-1", "y", "z"),
		labels: LABELS,
		owners: fc.array(fc.constantFrom("u", "v"), { maxLength: 2 }),
	}),
	{ maxLength: 40 },
);

/** What an index is to find, object by object. */
function scanned(store: RegistryStore, { resource, valuesOf }: Index, value: string): string[] {
	return store
		.list(resource)
		.filter((object) => valuesOf(object).includes(value))
		.map(keyOf);
}

function check(store: RegistryStore): void {
	for (const index of INDEXES) {
		const values = new Set(store.list(index.resource).flatMap((object) => index.valuesOf(object)));
		for (const value of [...values, "u", "v", orphansOf("d"), labelIn("d", "a", "1")]) {
			const found = store.indexed(index, value);
			expect(found.map(keyOf)).toEqual(scanned(store, index, value));
			expect(store.countIndexed(index, value)).toBe(found.length);
			for (const object of found)
				expect(store.get(index.resource, object.metadata.namespace ?? "", object.metadata.name ?? "")).toBe(object);
		}
	}
}

describe("an index", () => {
	it("finds what a scan finds, in any fork, after any changes, though the past be forgotten", () => {
		fc.assert(
			fc.property(STEPS, (steps) => {
				const stores = [new RegistryStore(emptyRegistry("d"))];
				for (const { on, does, namespace, name, labels, owners } of steps) {
					const store = stores[on % stores.length] as RegistryStore;
					const { storage } = store.registry;
					const ownerReferences = owners.map((uid, i) => ({ ...owner, uid, controller: i === 1 }));
					const metadata = { namespace, name, labels, ...(owners.length > 0 && { ownerReferences }) };
					if (does === "put") storage.put("configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata });
					else if (does === "remove") storage.remove("configmaps", namespace, name);
					else if (does === "fork") stores.push(store.fork({ ...store.registry, storage: storage.fork() }));
					else if (does === "look") check(store);
					else for (let i = 0; i < 2100; i++) storage.put("secrets", { apiVersion: "v1", kind: "Secret", metadata });
					if (does === "forget") storage.compact(storage.revision);
				}
				for (const store of stores) check(store);
			}),
			runs(30),
		);
	});

	it("serves selectors both ways: who carries the labels, and who selects them", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.constantFrom("d", "d-1"), LABELS), { maxLength: 12 }), LABELS, (made, asked) => {
				const store = new RegistryStore(emptyRegistry("d"));
				for (const [i, [namespace, labels]] of made.entries())
					store.registry.storage.put("configmaps", {
						...{ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name: `m-${i}`, labels } },
					});
				const all = store.list("configmaps", "d");
				const includes = (whole: Record<string, string> = {}, part: Record<string, string> = {}) =>
					Object.entries(part).every(([key, value]) => whole[key] === value);
				expect(labelled(store, "configmaps", "d", asked)).toEqual(
					all.filter(({ metadata }) => includes(metadata.labels, asked)),
				);
				const selectorOf = ({ metadata }: KubernetesObject) => ({ matchLabels: metadata.labels ?? {} });
				expect(selecting(store, "configmaps", selectorOf, { namespace: "d", labels: asked })).toEqual(
					all.filter(({ metadata }) => includes(asked, metadata.labels)),
				);
			}),
			runs(30),
		);
	});
});
