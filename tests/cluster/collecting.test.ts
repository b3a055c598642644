// The garbage collector and the namespace controller over a store: what goes with its owner, what stays, what waits.

import * as fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject, OwnerReference } from "../../js/api/meta.ts";
import type { CoreV1Namespace } from "../../js/api/schema/types.generated.ts";
import type { ServedResource } from "../../js/apiserver/registry/catalogue.ts";
import { remove } from "../../js/apiserver/registry/delete.ts";
import type { PropagationPolicy, Registry } from "../../js/apiserver/registry/request.ts";
import { update } from "../../js/apiserver/registry/update.ts";
import { garbageCollector, namespaceController } from "../../js/cluster/collecting.ts";
import { made } from "../apiserver/registry.ts";
import { running } from "../controllers/running.ts";
import { runs } from "../runs.ts";

let registry: Registry;
let collect: () => void;

beforeEach(() => {
	const { registry: own, simulation } = running([garbageCollector, namespaceController], "shop");
	registry = own;
	collect = () => simulation.settle();
});

const refer = (owner: KubernetesObject, blocks = true): OwnerReference => {
	const { name = "", uid = "" } = owner.metadata;
	return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, ...(blocks ? { blockOwnerDeletion: true } : {}) };
};
const configMap = (name: string, owners: OwnerReference[] = [], finalizers: string[] = []): KubernetesObject =>
	made(registry, {
		apiVersion: "v1",
		kind: "ConfigMap",
		metadata: {
			...{ name, namespace: "shop" },
			...(owners.length > 0 ? { ownerReferences: owners } : {}),
			...(finalizers.length > 0 ? { finalizers } : {}),
		},
	});
const resource = () => registry.catalogue.ofKind("v1", "ConfigMap") as ServedResource;
const subject = (name: string) => ({ resource: resource(), namespace: "shop", name });
const at = (name: string) => registry.storage.get("configmaps", "shop", name);
const names = () =>
	registry.storage.list("configmaps", { namespace: "shop" }).items.map(({ metadata }) => metadata.name);
const free = (name: string) => {
	const object = at(name) as KubernetesObject;
	const { finalizers: _, ...metadata } = object.metadata;
	update(registry, subject(name), { ...object, metadata });
};
const drop = (name: string, propagationPolicy: PropagationPolicy) => {
	remove(registry, subject(name), { propagationPolicy });
	collect();
};

describe("a deletion", () => {
	it("in the background takes dependents of dependents with it", () => {
		const a = configMap("a");
		const b = configMap("b", [refer(a)]);
		configMap("c", [refer(b)]);
		configMap("d");
		drop("a", "Background");
		expect(names()).toEqual(["d"]);
	});

	it("in the foreground waits for dependents that block it, the last first", () => {
		const a = configMap("a");
		const b = configMap("b", [refer(a)]);
		configMap("c", [refer(b)], ["example.com/held"]);
		drop("a", "Foreground");
		expect(names()).toEqual(["a", "b", "c"]);
		expect(at("a")?.metadata.finalizers).toEqual(["foregroundDeletion"]);
		expect(at("b")?.metadata.finalizers).toEqual(["foregroundDeletion"]);
		expect(at("c")?.metadata.deletionTimestamp).toBeDefined();
		free("c");
		collect();
		expect(names()).toEqual([]);
	});

	it("in the foreground does not wait for dependents that do not block it", () => {
		const a = configMap("a");
		configMap("b", [refer(a, false)], ["example.com/held"]);
		drop("a", "Foreground");
		expect(names()).toEqual(["b"]);
		expect(at("b")?.metadata.deletionTimestamp).toBeDefined();
	});

	it("that orphans leaves dependents without their owner", () => {
		const a = configMap("a");
		const other = configMap("other");
		configMap("b", [refer(a), refer(other)]);
		configMap("c", [refer(a)]);
		drop("a", "Orphan");
		expect(names()).toEqual(["b", "c", "other"]);
		expect(at("b")?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(["other"]);
		expect(at("c")?.metadata.ownerReferences).toBeUndefined();
	});

	it("leaves what has another owner, without the one that is gone", () => {
		const [a, b] = [configMap("a"), configMap("b")];
		configMap("c", [refer(a), refer(b)]);
		drop("a", "Background");
		expect(names()).toEqual(["b", "c"]);
		expect(at("c")?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(["b"]);
		drop("b", "Background");
		expect(names()).toEqual([]);
	});

	it("is that of an object whose owner never was, or is another one now", () => {
		const a = configMap("a");
		configMap("b", [{ ...refer(a), uid: "0ther" }]);
		configMap("c", [{ ...refer(a), name: "nobody", uid: "none" }]);
		configMap("d", [{ apiVersion: "example.com/v1", kind: "Unknown", name: "x", uid: "y" }]);
		collect();
		expect(names()).toEqual(["a", "d"]);
	});

	it("of an owner that owns itself in a circle comes to its end", () => {
		const a = configMap("a");
		const b = configMap("b", [refer(a)]);
		update(registry, subject("a"), { ...a, metadata: { ...a.metadata, ownerReferences: [refer(b)] } });
		collect();
		expect(names()).toEqual(["a", "b"]);
		drop("a", "Foreground");
		expect(names()).toEqual([]);
	});
});

describe("what is left", () => {
	it("is what an owner still there reaches, whatever the order of deletions", () => {
		const steps = fc.array(fc.tuple(fc.nat(7), fc.constantFrom<PropagationPolicy>("Background", "Foreground")), {
			maxLength: 5,
		});
		// Owners come before their dependents, so nothing owns itself.
		const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 12 });
		fc.assert(
			fc.property(edges, steps, (pairs, deletions) => {
				const { storage } = registry;
				const ownersOf = (i: number) => [
					...new Set(pairs.filter(([owner, to]) => to === i && owner < i).map(([owner]) => owner)),
				];
				const objects: KubernetesObject[] = [];
				for (let i = 0; i < 8; i++)
					objects.push(
						configMap(
							`n${i}`,
							ownersOf(i).map((owner) => refer(objects[owner] as KubernetesObject)),
						),
					);
				collect();
				const alive = new Set(objects.keys());
				for (const [i, propagationPolicy] of deletions) {
					if (!alive.has(i)) continue;
					remove(registry, subject(`n${i}`), { propagationPolicy });
					collect();
					alive.delete(i);
					for (let j = 0; j < 8; j++)
						if (ownersOf(j).length > 0 && ownersOf(j).every((owner) => !alive.has(owner))) alive.delete(j);
				}
				expect(names()).toEqual([...alive].sort().map((i) => `n${i}`));
				for (const i of alive) storage.remove("configmaps", "shop", `n${i}`);
			}),
			runs(200),
		);
	});
});

describe("a namespace that is deleted", () => {
	const drop = () => {
		const namespaces = registry.catalogue.ofKind("v1", "Namespace") as ServedResource;
		remove(registry, { resource: namespaces, namespace: "", name: "shop" });
		collect();
	};
	const namespace = () => registry.storage.get("namespaces", "", "shop");

	it("is emptied, and goes", () => {
		configMap("a");
		made(registry, {
			apiVersion: "v1",
			kind: "Service",
			metadata: { name: "web", namespace: "shop" },
			spec: { clusterIP: "10.96.5.5", ports: [{ port: 80 }] },
		});
		drop();
		expect(namespace()).toBeUndefined();
		expect(names()).toEqual([]);
		expect(registry.storage.get("ipaddresses.networking.k8s.io", "", "10.96.5.5")).toBeUndefined();
	});

	it("waits for what finalizers hold, and says so", () => {
		configMap("a", [], ["example.com/held"]);
		configMap("b");
		drop();
		expect(names()).toEqual(["a"]);
		const { conditions = [] } = (namespace() as CoreV1Namespace | undefined)?.status ?? {};
		expect(conditions.map(({ type, status, message }) => [type, status, message])).toEqual([
			["NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered"],
			["NamespaceDeletionGroupVersionParsingFailure", "False", "All legacy kube types successfully parsed"],
			["NamespaceDeletionContentFailure", "False", "All content successfully deleted, may be waiting on finalization"],
			["NamespaceContentRemaining", "True", "Some resources are remaining: configmaps. has 1 resource instances"],
			[
				"NamespaceFinalizersRemaining",
				"True",
				"Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances",
			],
		]);
		free("a");
		collect();
		expect(namespace()).toBeUndefined();
	});
});
