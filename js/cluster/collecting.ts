// The garbage collector and the namespace controller at work on the API's registry: they know no kinds, so they look at changes
// of every resource.

import type { KubernetesObject, OwnerReference } from "../api/meta.ts";
import type { CoreV1Namespace } from "../api/schema/types.generated.ts";
import { equalJson, type Json } from "../apiserver/patch/json.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { remove } from "../apiserver/registry/delete.ts";
import { finalize } from "../apiserver/registry/namespace.ts";
import { type Registry, timestamp } from "../apiserver/registry/request.ts";
import { update } from "../apiserver/registry/update.ts";
import { StatusError } from "../apiserver/status.ts";
import { type Collection, collect, type Graph } from "../controllers/garbagecollector.ts";
import { remainingConditions } from "../controllers/namespace.ts";
import type { Component, Store, StoreChange, World } from "../ports.ts";
import { ObjectIndex } from "./objectindex.ts";
import type { RegistryStore } from "./store.ts";

/** Whose store these components are given: the registry's own. */
const registryOf = (store: Store): Registry => (store as RegistryStore).registry;

/** Keys are `RESOURCE NAMESPACE/NAME`. */
export class GarbageCollector implements Component {
	readonly name = "generic-garbage-collector";
	readonly watches: Component["watches"] = { "*": (change, store) => this.#onChange(change, registryOf(store)) };
	/** By the uid of an owner that they name; null until it is first asked. */
	#byOwner: ObjectIndex | null = null;

	fork(): GarbageCollector {
		const copy = new GarbageCollector();
		copy.#byOwner = this.#byOwner?.fork() ?? null;
		return copy;
	}

	reconcile(key: string, { store }: World): undefined {
		const registry = registryOf(store);
		const object = at(registry, key);
		if (object !== undefined) for (const action of collect(object, this.#graph(registry))) perform(registry, action);
	}

	#graph(registry: Registry): Graph {
		return {
			owner: (dependent, reference) => ownerOf(registry, dependent, reference),
			dependents: (uid) =>
				this.#index(registry)
					.keys(uid)
					.flatMap((key) => at(registry, key) ?? []),
		};
	}

	#index(registry: Registry): ObjectIndex {
		if (this.#byOwner !== null) return this.#byOwner;
		this.#byOwner = new ObjectIndex(ownersOf);
		this.#byOwner.fill(everything(registry));
		return this.#byOwner;
	}

	#onChange({ type, resource, object, previous }: StoreChange, registry: Registry): Set<string> {
		const byOwner = this.#index(registry);
		const key = keyOf(resource, object);
		const keys = new Set<string>();
		byOwner.change(key, previous, type === "DELETED" ? undefined : object);
		if (type !== "DELETED") {
			// Who has no owner, and is not going, is nobody's business.
			if (object.metadata.ownerReferences !== undefined || object.metadata.deletionTimestamp !== undefined)
				keys.add(key);
		}
		if (type === "DELETED" || object.metadata.deletionTimestamp !== undefined)
			for (const dependent of byOwner.keys(object.metadata.uid ?? "")) keys.add(dependent);
		// An owner may wait for it.
		for (const reference of previous?.metadata.ownerReferences ?? []) {
			const owner = ownerOf(registry, object, reference);
			const known = resourceOf(registry, reference);
			if (owner && known !== undefined) keys.add(keyOf(known.name, owner));
		}
		return keys;
	}
}

/** Keys are namespaces. */
export const namespaceController: Component = {
	name: "namespace",
	watches: {
		"*": ({ type, resource, object }) => {
			if (resource === "namespaces") return [object.metadata.name ?? ""];
			const { namespace, deletionTimestamp } = object.metadata;
			return namespace && (type === "DELETED" || deletionTimestamp !== undefined) ? [namespace] : [];
		},
	},
	reconcile(name, { store }) {
		const registry = registryOf(store);
		const namespace = registry.storage.get("namespaces", "", name);
		if (namespace !== undefined) empty(registry, namespace);
		return undefined;
	},
};

function ownerOf(
	registry: Registry,
	dependent: KubernetesObject,
	reference: OwnerReference,
): KubernetesObject | null | undefined {
	const resource = resourceOf(registry, reference);
	if (resource === undefined) return undefined;
	const namespace = resource.namespaced ? (dependent.metadata.namespace ?? "") : "";
	return registry.storage.get(resource.name, namespace, reference.name) ?? null;
}

/** In whatever version the reference has it: a group's kind is one resource. */
function resourceOf(
	{ catalogue }: Registry,
	{ apiVersion, kind }: { apiVersion: string; kind: string },
): ServedResource | undefined {
	const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
	return (
		catalogue.ofKind(apiVersion, kind) ??
		catalogue.resources.find((known) => known.group === group && known.kind === kind)
	);
}

const ownersOf = ({ metadata }: KubernetesObject) => (metadata.ownerReferences ?? []).map(({ uid }) => uid);

function* everything({ catalogue, storage }: Registry): Iterable<[key: string, object: KubernetesObject]> {
	for (const name of new Set(catalogue.resources.map((resource) => resource.name)))
		for (const object of storage.list(name).items) yield [keyOf(name, object), object];
}

function at({ storage }: Registry, key: string): KubernetesObject | undefined {
	const [resource = "", rest = ""] = key.split(" ");
	const [namespace = "", name = ""] = rest.split("/");
	return storage.get(resource, namespace, name);
}

function perform(registry: Registry, action: Collection): void {
	const { object } = action;
	const resource = resourceOf(registry, object);
	if (resource === undefined) return;
	const { namespace = "", name = "", uid = "" } = object.metadata;
	const subject = { resource, namespace, name };
	try {
		if (action.does === "update") update(registry, subject, object);
		else remove(registry, subject, { propagationPolicy: action.propagationPolicy, preconditions: { uid } });
	} catch (error) {
		// What changed meanwhile is looked at again, because it changed.
		if (!(error instanceof StatusError)) throw error;
	}
}

function empty(registry: Registry, namespace: KubernetesObject): void {
	const { deletionTimestamp, name = "" } = namespace.metadata;
	const { spec, status } = namespace as CoreV1Namespace;
	if (deletionTimestamp === undefined || !(spec?.finalizers ?? []).includes("kubernetes")) return;
	for (const { resource, objects } of contentsOf(registry, name))
		for (const { metadata } of objects)
			if (metadata.deletionTimestamp === undefined)
				remove(registry, { resource, namespace: name, name: metadata.name ?? "" }, { propagationPolicy: "Background" });
	const contents = contentsOf(registry, name).map(({ resource, objects }) => ({ resource: resource.name, objects }));
	const conditions = remainingConditions(contents, status?.conditions ?? [], timestamp(registry.clock));
	const resource = registry.catalogue.ofKind("v1", "Namespace") as ServedResource;
	const subject = { resource, namespace: "", name };
	if (conditions === null) {
		const finalizers = (spec?.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
		finalize(registry, subject, { ...namespace, spec: { finalizers } });
	} else if (!equalJson(conditions as unknown as Json, (status?.conditions ?? []) as unknown as Json)) {
		update(registry, subject, { ...namespace, status: { ...status, conditions } }, { status: true });
	}
}

function contentsOf(
	{ storage, catalogue }: Registry,
	namespace: string,
): { resource: ServedResource; objects: KubernetesObject[] }[] {
	const byName = new Map(catalogue.resources.map((resource) => [resource.name, resource]));
	return [...byName.values()]
		.filter(({ namespaced }) => namespaced)
		.map((resource) => ({ resource, objects: storage.list(resource.name, { namespace }).items }));
}

const keyOf = (resource: string, { metadata }: KubernetesObject) =>
	`${resource} ${metadata.namespace ?? ""}/${metadata.name}`;
