// The API's registry as components meet it: typed reads of frozen objects, writes that are checked as a client's are, and
// indexes as informers keep them. Also where a simulation hears of changes.

import type { Index } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
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
import { ObjectIndex } from "./objectindex.ts";

export class RegistryStore implements Store, Changes {
	readonly registry: Registry;
	/** By resource, then by their names; each is made when it is first asked. */
	#indexes = new Map<string, Map<string, ObjectIndex>>();
	/** Up to which revision they know of changes. */
	#indexed: number;

	constructor(registry: Registry) {
		this.registry = registry;
		this.#indexed = registry.storage.revision;
	}

	/** Over a copy of the registry, with what is indexed by now. */
	fork(registry: Registry): RegistryStore {
		const copy = new RegistryStore(registry);
		copy.#indexed = this.#indexed;
		for (const [resource, own] of this.#indexes)
			copy.#indexes.set(resource, new Map(Array.from(own, ([name, index]) => [name, index.fork()])));
		return copy;
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

	indexed<T extends KubernetesObject>(index: Index<T>, value: string): readonly T[] {
		const { storage } = this.registry;
		return this.#index(index)
			.keys(value)
			.map((key) => storage.at(index.resource, key) as T);
	}

	countIndexed<T extends KubernetesObject>(index: Index<T>, value: string): number {
		return this.#index(index).count(value);
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

	#served(resource: string, { apiVersion, kind }: KubernetesObject): ServedResource {
		const { catalogue } = this.registry;
		const { resources } = catalogue;
		const own = catalogue.ofKind(apiVersion, kind);
		if (own?.name === resource) return own;
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

	#index<T extends KubernetesObject>({ resource, name, valuesOf }: Index<T>): ObjectIndex {
		this.#follow();
		let own = this.#indexes.get(resource);
		if (own === undefined) {
			own = new Map();
			this.#indexes.set(resource, own);
		}
		let index = own.get(name);
		if (index === undefined) {
			index = new ObjectIndex(valuesOf as Index["valuesOf"]);
			index.fill(this.registry.storage.entries(resource));
			own.set(name, index);
		}
		return index;
	}

	/** What changed since the indexes were last asked; all objects anew where the past is kept no more. */
	#follow(): void {
		const { revision } = this;
		if (revision === this.#indexed) return;
		const changes = this.since(this.#indexed);
		this.#indexed = revision;
		if (changes === null) {
			for (const [resource, own] of this.#indexes)
				for (const index of own.values()) index.fill(this.registry.storage.entries(resource));
			return;
		}
		for (const { type, resource, object, previous } of changes) {
			const own = this.#indexes.get(resource);
			if (own === undefined) continue;
			const key = keyOf(object);
			for (const index of own.values()) index.change(key, previous, type === "DELETED" ? undefined : object);
		}
	}
}
