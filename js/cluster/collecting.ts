// The garbage collector and the namespace controller at work on a store: what changed since they last looked is what they
// look at, until nothing is left to do.

import type { KubernetesObject, OwnerReference } from "../api/meta.ts";
import type { CoreV1Namespace } from "../api/schema/types.generated.ts";
import { equalJson, type Json } from "../apiserver/patch/json.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { remove } from "../apiserver/registry/delete.ts";
import { finalize } from "../apiserver/registry/namespace.ts";
import { type Registry, timestamp } from "../apiserver/registry/request.ts";
import { update } from "../apiserver/registry/update.ts";
import { StatusError } from "../apiserver/status.ts";
import { RevisionExpired } from "../apiserver/storage/storage.ts";
import { type Collection, collect, type Graph } from "../controllers/garbagecollector.ts";
import { remainingConditions } from "../controllers/namespace.ts";

export class Collector implements Graph {
	readonly #registry: Registry;
	#revision = 0;
	/** Keys of objects by the uid of an owner that they name. */
	#byOwner = new Map<string, Set<string>>();

	constructor(registry: Registry) {
		this.#registry = registry;
	}

	/** Does what there is to do; whether there was anything. */
	run(): boolean {
		const { storage } = this.#registry;
		const { revision } = storage;
		for (let waiting = this.#changed(); waiting.size > 0; waiting = this.#changed())
			for (const key of waiting) this.#look(key);
		return storage.revision !== revision;
	}

	owner(dependent: KubernetesObject, reference: OwnerReference): KubernetesObject | null | undefined {
		const resource = this.#resourceOf(reference);
		if (resource === undefined) return undefined;
		const namespace = resource.namespaced ? (dependent.metadata.namespace ?? "") : "";
		return this.#registry.storage.get(resource.name, namespace, reference.name) ?? null;
	}

	dependents(uid: string): readonly KubernetesObject[] {
		return [...(this.#byOwner.get(uid) ?? [])].flatMap((key) => this.#at(key) ?? []);
	}

	/** In whatever version the reference has it: a group's kind is one resource. */
	#resourceOf({ apiVersion, kind }: { apiVersion: string; kind: string }): ServedResource | undefined {
		const { catalogue } = this.#registry;
		const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
		return (
			catalogue.ofKind(apiVersion, kind) ??
			catalogue.resources.find((known) => known.group === group && known.kind === kind)
		);
	}

	/** Objects to look at, by what changed since the last time. */
	#changed(): Set<string> {
		const { storage } = this.#registry;
		const keys = new Set<string>();
		const look = (uid = "") => {
			for (const key of this.#byOwner.get(uid) ?? []) keys.add(key);
		};
		try {
			for (const { resource, object, previous, type } of storage.since(this.#revision)) {
				this.#revision = storage.revision;
				const key = keyOf(resource, object);
				if (previous !== undefined) this.#forget(key, previous);
				if (type !== "DELETED") {
					this.#remember(key, object);
					keys.add(key);
				}
				const goes = type === "DELETED" || object.metadata.deletionTimestamp !== undefined;
				if (goes) look(object.metadata.uid);
				// Owners and a namespace may wait for it.
				for (const reference of previous?.metadata.ownerReferences ?? []) this.#addOwner(keys, object, reference);
				if (goes && object.metadata.namespace) keys.add(`namespaces /${object.metadata.namespace}`);
			}
		} catch (error) {
			if (!(error instanceof RevisionExpired)) throw error;
			return this.#everything();
		}
		return keys;
	}

	#addOwner(keys: Set<string>, object: KubernetesObject, reference: OwnerReference): void {
		const owner = this.owner(object, reference);
		const resource = this.#resourceOf(reference);
		if (owner && resource !== undefined) keys.add(keyOf(resource.name, owner));
	}

	/** After a past that is forgotten: all objects anew. */
	#everything(): Set<string> {
		const { storage, catalogue } = this.#registry;
		this.#byOwner = new Map();
		this.#revision = storage.revision;
		const keys = new Set<string>();
		for (const name of new Set(catalogue.resources.map((resource) => resource.name)))
			for (const object of storage.list(name).items) {
				this.#remember(keyOf(name, object), object);
				keys.add(keyOf(name, object));
			}
		return keys;
	}

	#remember(key: string, { metadata }: KubernetesObject): void {
		for (const { uid } of metadata.ownerReferences ?? []) {
			const known = this.#byOwner.get(uid);
			if (known === undefined) this.#byOwner.set(uid, new Set([key]));
			else known.add(key);
		}
	}

	#forget(key: string, { metadata }: KubernetesObject): void {
		for (const { uid } of metadata.ownerReferences ?? []) {
			const known = this.#byOwner.get(uid);
			known?.delete(key);
			if (known?.size === 0) this.#byOwner.delete(uid);
		}
	}

	#at(key: string): KubernetesObject | undefined {
		const [resource = "", rest = ""] = key.split(" ");
		const [namespace = "", name = ""] = rest.split("/");
		return this.#registry.storage.get(resource, namespace, name);
	}

	#look(key: string): void {
		const object = this.#at(key);
		if (object === undefined) return;
		if (key.startsWith("namespaces ")) this.#empty(object);
		for (const action of collect(object, this)) this.#perform(action);
	}

	#perform(action: Collection): void {
		const { object } = action;
		const resource = this.#resourceOf(object);
		if (resource === undefined) return;
		const { namespace = "", name = "", uid = "" } = object.metadata;
		const subject = { resource, namespace, name };
		try {
			if (action.does === "update") update(this.#registry, subject, object);
			else remove(this.#registry, subject, { propagationPolicy: action.propagationPolicy, preconditions: { uid } });
		} catch (error) {
			// What changed meanwhile is looked at again, because it changed.
			if (!(error instanceof StatusError)) throw error;
		}
	}

	#empty(namespace: KubernetesObject): void {
		const { deletionTimestamp, name = "" } = namespace.metadata;
		const { spec, status } = namespace as CoreV1Namespace;
		if (deletionTimestamp === undefined || !(spec?.finalizers ?? []).includes("kubernetes")) return;
		for (const { resource, objects } of this.#contents(name))
			for (const { metadata } of objects)
				if (metadata.deletionTimestamp === undefined)
					remove(
						this.#registry,
						{ resource, namespace: name, name: metadata.name ?? "" },
						{ propagationPolicy: "Background" },
					);
		const contents = this.#contents(name).map(({ resource, objects }) => ({ resource: resource.name, objects }));
		const conditions = remainingConditions(contents, status?.conditions ?? [], timestamp(this.#registry.clock));
		const resource = this.#registry.catalogue.ofKind("v1", "Namespace") as ServedResource;
		const subject = { resource, namespace: "", name };
		if (conditions === null) {
			const finalizers = (spec?.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
			finalize(this.#registry, subject, { ...namespace, spec: { finalizers } });
		} else if (!equalJson(conditions as unknown as Json, (status?.conditions ?? []) as unknown as Json)) {
			update(this.#registry, subject, { ...namespace, status: { ...status, conditions } }, { status: true });
		}
	}

	#contents(namespace: string): { resource: ServedResource; objects: KubernetesObject[] }[] {
		const { storage, catalogue } = this.#registry;
		const byName = new Map(catalogue.resources.map((resource) => [resource.name, resource]));
		return [...byName.values()]
			.filter(({ namespaced }) => namespaced)
			.map((resource) => ({ resource, objects: storage.list(resource.name, { namespace }).items }));
	}
}

const keyOf = (resource: string, { metadata }: KubernetesObject) =>
	`${resource} ${metadata.namespace ?? ""}/${metadata.name}`;
