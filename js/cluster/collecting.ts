// The garbage collector and the namespace controller at work on the API's registry: they know no kinds, so they look at changes
// of every resource.

import { byOwner } from "../api/indexes.ts";
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
import type { Component, Store, StoreChange } from "../ports.ts";
import type { RegistryStore } from "./store.ts";

/** Whose store these components are given: the registry's own. */
const registryOf = (store: Store): Registry => (store as RegistryStore).registry;

/** Keys are `RESOURCE NAMESPACE/NAME`. */
export const garbageCollector: Component = {
	name: "generic-garbage-collector",
	watches: { "*": keysOfChange },
	reconcile(key, { store }) {
		const registry = registryOf(store);
		const object = at(registry, key);
		if (object !== undefined) for (const action of collect(object, graphOf(store))) perform(registry, action);
		return undefined;
	},
};

function graphOf(store: Store): Graph {
	return {
		owner: (dependent, reference) => ownerOf(registryOf(store), dependent, reference),
		dependents: (uid) => dependentsOf(store, uid).map(({ object }) => object),
	};
}

/** Of any resource. */
function dependentsOf(store: Store, uid: string): { resource: string; object: KubernetesObject }[] {
	const resources = new Set(registryOf(store).catalogue.resources.map(({ name }) => name));
	return [...resources].flatMap((resource) =>
		store.indexed(byOwner(resource), uid).map((object) => ({ resource, object })),
	);
}

function keysOfChange({ type, resource, object, previous }: StoreChange, store: Store): Iterable<string> {
	const registry = registryOf(store);
	const { ownerReferences, deletionTimestamp, uid = "" } = object.metadata;
	// What owners, finalizers and deletions have to do with is all in the metadata, and most changes are of a status.
	if (type === "MODIFIED" && previous !== undefined && isSameToGarbage(object, previous)) return [];
	const keys = new Set<string>();
	// Who has no owner, and is not going, is nobody's business.
	if (type !== "DELETED" && (ownerReferences !== undefined || deletionTimestamp !== undefined))
		keys.add(keyOf(resource, object));
	if (type === "DELETED" || deletionTimestamp !== undefined)
		for (const dependent of dependentsOf(store, uid)) keys.add(keyOf(dependent.resource, dependent.object));
	// An owner may wait for it.
	for (const reference of previous?.metadata.ownerReferences ?? []) {
		const owner = ownerOf(registry, object, reference);
		const known = resourceOf(registry, reference);
		if (owner && known !== undefined) keys.add(keyOf(known.name, owner));
	}
	return keys;
}

const isSameToGarbage = ({ metadata: now }: KubernetesObject, { metadata: before }: KubernetesObject) =>
	now.deletionTimestamp === before.deletionTimestamp &&
	now.uid === before.uid &&
	equalJson((now.ownerReferences ?? []) as unknown as Json, (before.ownerReferences ?? []) as unknown as Json) &&
	equalJson(now.finalizers ?? [], before.finalizers ?? []);

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
	const names = new Set(catalogue.resources.map(({ name }) => name));
	return [...names]
		.map((name) => catalogue.ofName(name) as ServedResource)
		.filter(({ namespaced }) => namespaced)
		.map((resource) => ({ resource, objects: storage.list(resource.name, { namespace }).items }));
}

const keyOf = (resource: string, { metadata }: KubernetesObject) =>
	`${resource} ${metadata.namespace ?? ""}/${metadata.name}`;
