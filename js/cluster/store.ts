// The API's registry as components meet it: typed reads of frozen objects, writes that are checked as a client's are, and an
// index by owner as informers keep it. Also where a simulation hears of changes.

import type { KubernetesObject } from "../api/meta.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { create } from "../apiserver/registry/create.ts";
import { remove } from "../apiserver/registry/delete.ts";
import { bind } from "../apiserver/registry/pod.ts";
import type { Registry, Subject } from "../apiserver/registry/request.ts";
import { update } from "../apiserver/registry/update.ts";
import { notFound } from "../apiserver/status.ts";
import { RevisionExpired } from "../apiserver/storage/storage.ts";
import type { Deletion, Store, StoreChange } from "../ports.ts";
import type { Changes } from "../sim/simulation.ts";

export class RegistryStore implements Store, Changes {
	readonly registry: Registry;
	/** Keys in the storage by resource and the uid of an owner; `` is nobody's. */
	#byOwner = new Map<string, Set<string>>();
	#indexed = 0;

	constructor(registry: Registry) {
		this.registry = registry;
	}

	get revision(): number {
		return this.registry.storage.revision;
	}

	since(revision: number): Iterable<StoreChange> | null {
		try {
			return this.registry.storage.since(revision);
		} catch (error) {
			if (error instanceof RevisionExpired) return null;
			throw error;
		}
	}

	*everything(): Iterable<StoreChange> {
		const { storage, catalogue } = this.registry;
		for (const resource of new Set(catalogue.resources.map(({ name }) => name)))
			for (const object of storage.list(resource).items) yield { type: "ADDED", resource, object, previous: undefined };
	}

	get<T extends KubernetesObject>(resource: string, namespace: string, name: string): T | undefined {
		return this.registry.storage.get(resource, namespace, name) as T | undefined;
	}

	list<T extends KubernetesObject>(resource: string, namespace?: string): readonly T[] {
		const request = namespace === undefined ? {} : { namespace };
		return this.registry.storage.list(resource, request).items as T[];
	}

	ownedBy<T extends KubernetesObject>(resource: string, uid: string): readonly T[] {
		this.#index();
		const keys = [...(this.#byOwner.get(`${resource} ${uid}`) ?? [])].sort();
		return keys.flatMap((key) => {
			const [namespace = "", name = ""] = key.split("/");
			return this.get<T>(resource, namespace, name) ?? [];
		});
	}

	create<T extends KubernetesObject>(resource: string, object: T): T {
		return create(this.registry, this.#served(resource, object), object) as T;
	}

	update<T extends KubernetesObject>(resource: string, object: T): T {
		return update(this.registry, this.#subject(resource, object), object) as T;
	}

	updateStatus<T extends KubernetesObject>(resource: string, object: T): T {
		return update(this.registry, this.#subject(resource, object), object, { status: true }) as T;
	}

	bind(pod: KubernetesObject, node: string): void {
		const { namespace = "", name = "", uid = "" } = pod.metadata;
		const binding = { apiVersion: "v1", kind: "Binding", metadata: { namespace, name, uid }, target: { name: node } };
		bind(this.registry, this.#subject("pods", pod), binding, {});
	}

	delete(resource: string, object: KubernetesObject, options: Deletion = {}): void {
		const { uid } = object.metadata;
		const preconditions = uid === undefined ? {} : { uid };
		remove(this.registry, this.#subject(resource, object), { ...options, preconditions });
	}

	#served(resource: string, { apiVersion }: KubernetesObject): ServedResource {
		const { resources } = this.registry.catalogue;
		const found =
			resources.find((known) => known.name === resource && known.apiVersion === apiVersion) ??
			resources.find((known) => known.name === resource);
		if (found !== undefined) return found;
		const [plural = "", ...group] = resource.split(".");
		throw notFound({ group: group.join("."), resource: plural }, "");
	}

	#subject(resource: string, object: KubernetesObject): Subject {
		const { namespace = "", name = "" } = object.metadata;
		return { resource: this.#served(resource, object), namespace, name };
	}

	#index(): void {
		const { revision } = this;
		if (revision === this.#indexed) return;
		let changes = this.#indexed === 0 ? null : this.since(this.#indexed);
		if (changes === null) {
			this.#byOwner = new Map();
			changes = this.everything();
		}
		for (const { type, resource, object, previous } of changes) {
			const { namespace = "", name = "" } = object.metadata;
			const key = `${namespace}/${name}`;
			if (previous !== undefined) for (const slot of slotsOf(resource, previous)) this.#byOwner.get(slot)?.delete(key);
			if (type === "DELETED") continue;
			for (const slot of slotsOf(resource, object)) {
				const known = this.#byOwner.get(slot);
				if (known === undefined) this.#byOwner.set(slot, new Set([key]));
				else known.add(key);
			}
		}
		this.#indexed = revision;
	}
}

function slotsOf(resource: string, { metadata }: KubernetesObject): string[] {
	const owners = metadata.ownerReferences ?? [];
	const slots = owners.map(({ uid }) => `${resource} ${uid}`);
	return owners.some(({ controller }) => controller === true) ? slots : [...slots, `${resource} `];
}
