// The registry as components meet it.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { reasonOf } from "../../js/api/reason.ts";
import { RegistryStore } from "../../js/cluster/store.ts";
import { emptyRegistry } from "../apiserver/registry.ts";

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
		const store = new RegistryStore(emptyRegistry("d"));
		for (const name of ["b", "a"]) store.create("configmaps", configMap(name, [owner]));
		store.create("configmaps", configMap("free"));
		expect(names(store.ownedBy("configmaps", "u-1"))).toEqual(["a", "b"]);
		expect(names(store.ownedBy("configmaps", ""))).toEqual(["free"]);
		const a = store.get("configmaps", "d", "a") as KubernetesObject;
		store.update("configmaps", { ...a, metadata: { ...a.metadata, ownerReferences: [] } });
		store.delete("configmaps", store.get("configmaps", "d", "b") as KubernetesObject);
		expect(names(store.ownedBy("configmaps", "u-1"))).toEqual([]);
		expect(names(store.ownedBy("configmaps", ""))).toEqual(["a", "free"]);
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
