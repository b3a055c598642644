// The API's objects beside what a cluster is planned from: a standing start is written to the store as it is, manifests that come
// later are applied to it as a client's, and what changed there since a plan was made is what the next one looks at.

import { merged, withMember } from "../api/member.ts";
import type { KubernetesObject, ObjectMeta } from "../api/meta.ts";
import type { Quota } from "../api/quota.ts";
import type { ApiSchema } from "../api/schema/schema.ts";
import { ownersOf } from "../apiserver/apply/managers.ts";
import { DEFAULTS } from "../apiserver/defaults/groups.ts";
import { Defaults } from "../apiserver/defaults/walk.ts";
import { cleanJson, equalJson, type Json } from "../apiserver/patch/json.ts";
import { apply } from "../apiserver/registry/apply.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { create } from "../apiserver/registry/create.ts";
import { GENERATIONS } from "../apiserver/registry/names.ts";
import { type Registry, timestamp } from "../apiserver/registry/request.ts";
import { repairServices } from "../apiserver/services/repair.ts";
import { StatusError } from "../apiserver/status.ts";
import type { Change } from "../apiserver/storage/log.ts";
import { RevisionExpired } from "../apiserver/storage/storage.ts";
import { quotaStatus } from "../controllers/resourcequota.ts";
import { plain } from "../manifests/document.ts";
import type { ManifestError } from "../manifests/error.ts";
import type { Manifest } from "../manifests/manifest.ts";
import { clashesOf } from "../realise/clashes.ts";
import { keyOf } from "../realise/inventory.ts";
import { InputErrors } from "./errors.ts";
import { ensureAccounts } from "./serviceaccounts.ts";

/** What is no part of a plan: what the server alone writes as Services come and go, and what components say. */
const ASIDE: ReadonlySet<string> = new Set(["ipaddresses.networking.k8s.io", "events", "leases.coordination.k8s.io"]);

/** Of whoever applies manifests. */
const MANAGER = "podwire";

/** By the inventory's keys. */
export interface ObjectChanges {
	written: ReadonlyMap<string, KubernetesObject>;
	gone: ReadonlySet<string>;
	/** What those were that are written or gone; null: there was none. */
	before: ReadonlyMap<string, KubernetesObject | null>;
}

export interface ClusterObjectsState {
	objects: Map<string, KubernetesObject>;
	/** Revision of the store up to which they are read. */
	read: number;
	written: Map<string, KubernetesObject>;
	gone: Set<string>;
	before: Map<string, KubernetesObject | null>;
	applied: Map<string, KubernetesObject>;
}

export class ClusterObjects {
	readonly registry: Registry;
	readonly #namespace: string;
	/** Of the schema as it was last. */
	#defaults: { schema: ApiSchema; defaults: Defaults } | null = null;
	/** What a plan is made from, in the order of the standing start and then as it came. */
	#objects = new Map<string, KubernetesObject>();
	/** Of the store, that `#objects` is as new as. */
	#read: number;
	/** Since `keep`. */
	#written = new Map<string, KubernetesObject>();
	#gone = new Set<string>();
	#before = new Map<string, KubernetesObject | null>();
	/** Manifests by key: what was applied last. */
	#applied = new Map<string, KubernetesObject>();

	/** Over what a server has before anybody wrote to it. `namespace`: of objects that name none. */
	constructor(registry: Registry, namespace: string) {
		this.registry = registry;
		this.#namespace = namespace;
		this.#read = registry.storage.revision;
	}

	/** Copied. */
	get state(): ClusterObjectsState {
		return {
			objects: new Map(this.#objects),
			read: this.#read,
			written: new Map(this.#written),
			gone: new Set(this.#gone),
			before: new Map(this.#before),
			applied: new Map(this.#applied),
		};
	}

	/** Goes on where another one was, over a copy of its registry. */
	static of(state: ClusterObjectsState, registry: Registry, namespace: string): ClusterObjects {
		const own = new ClusterObjects(registry, namespace);
		own.#objects = state.objects;
		own.#read = state.read;
		own.#written = state.written;
		own.#gone = state.gone;
		own.#before = state.before;
		own.#applied = state.applied;
		return own;
	}

	/** The same over a copy of the registry. */
	fork(registry: Registry): ClusterObjects {
		return ClusterObjects.of(this.state, registry, this.#namespace);
	}

	/** What a plan is made from, now. */
	get current(): KubernetesObject[] {
		this.#follow();
		return [...this.#objects.values()];
	}

	/** Whether the store has something that no plan knows. */
	get changed(): boolean {
		this.#follow();
		return this.#written.size + this.#gone.size > 0;
	}

	/** What changed since `keep`. */
	get changes(): ObjectChanges {
		this.#follow();
		return { written: new Map(this.#written), gone: new Set(this.#gone), before: new Map(this.#before) };
	}

	/** A plan knows of everything by now. */
	keep(): void {
		this.#follow();
		this.#written.clear();
		this.#gone.clear();
		this.#before.clear();
	}

	/** Writes what a standing start came to, as it is. `rootCA`: PEM of the API server's authority; null: nobody knows it. */
	publish(objects: readonly KubernetesObject[], manifests: readonly Manifest[], rootCA: string | null): void {
		for (const { object } of manifests) this.#applied.set(keyOf(this.#placed(object)), object);
		const again: [ServedResource, KubernetesObject][] = [];
		this.registry.storage.load(this.#published(objects, again));
		for (const [resource, object] of again) this.#put(this.registry, resource, object);
		repairServices(this.registry);
		ensureAccounts(this.registry, rootCA);
		this.#count();
		this.#read = this.registry.storage.revision;
	}

	/** What is not in the store yet, as it is to be there; the rest ends in `again`. */
	*#published(
		objects: readonly KubernetesObject[],
		again: [ServedResource, KubernetesObject][],
	): Generator<[resource: string, object: KubernetesObject], void> {
		const { storage } = this.registry;
		const seen = new Set<string>();
		const created = timestamp(this.registry.clock);
		for (const made of objects) {
			const object = this.#placed(made);
			this.#objects.set(keyOf(object), made);
			const resource = this.#resourceOf(this.registry, object);
			if (resource === undefined) continue;
			const { namespace = "", name = "" } = object.metadata;
			const slot = `${resource.name} ${namespace}/${name}`;
			if (seen.has(slot) || storage.get(resource.name, namespace, name) !== undefined) again.push([resource, object]);
			else yield [resource.name, this.#completed(this.registry, resource, object, undefined, created)];
			seen.add(slot);
		}
	}

	// Quotas hold from the start, as where their controller has long been at work.
	#count(): void {
		const { storage, clock } = this.registry;
		const store = {
			list: <T extends KubernetesObject>(resource: string, namespace = "") =>
				storage.list(resource, { namespace }).items as T[],
		};
		for (const quota of storage.list("resourcequotas").items as readonly Quota[])
			if (quota.status?.hard === undefined)
				storage.put("resourcequotas", { ...quota, status: quotaStatus(quota, store, clock.now()) });
	}

	/** Manifests that come later: applied as by a client, observed ones as they are. All or nothing: throws InputErrors. */
	write(manifests: readonly Manifest[]): void {
		const storage = this.registry.storage.fork();
		const trial: Registry = { ...this.registry, storage, catalogue: this.registry.catalogue.fork(storage) };
		const errors = manifests.flatMap((manifest): ManifestError[] => {
			try {
				this.#apply(trial, manifest);
				return [];
			} catch (error) {
				if (!(error instanceof StatusError)) throw error;
				return [manifest.error([], error.message)];
			}
		});
		const all = ["nodes", "pods"].flatMap((resource) => storage.list(resource).items);
		for (const { object, path, message } of clashesOf(all)) {
			const manifest = manifests.find((one) => keyOf(this.#placed(one.object)) === keyOf(object));
			if (manifest !== undefined) errors.push(manifest.error(path, message));
		}
		if (errors.length > 0) throw new InputErrors(errors);
		for (const manifest of manifests) {
			this.#apply(this.registry, manifest);
			this.#applied.set(keyOf(this.#placed(manifest.object)), manifest.object);
		}
	}

	#apply(registry: Registry, { object: given, observed }: Manifest): void {
		const object = this.#placed(plain(given) as KubernetesObject);
		const resource = this.#resourceOf(registry, object);
		const { namespace = "", name = "" } = object.metadata;
		if (resource?.namespaced && registry.storage.get("namespaces", "", namespace) === undefined)
			create(registry, registry.catalogue.ofKind("v1", "Namespace") as ServedResource, {
				...{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
			});
		if (resource === undefined) {
			if (registry !== this.registry) return;
			this.#remember(keyOf(object));
			this.#objects.set(keyOf(object), object);
			this.#written.set(keyOf(object), object);
		} else if (observed) this.#put(registry, resource, object);
		else if (name === "") create(registry, resource, object, { fieldManager: MANAGER });
		else {
			const subject = { resource, namespace, name };
			const live = registry.storage.get(resource.name, namespace, name);
			const before = this.#applied.get(keyOf(object));
			// What was applied at the start, or observed, has no owner yet; what is not said any more is to go.
			if (live !== undefined && before !== undefined && !isApplied(live)) this.#own(registry, subject, before);
			apply(registry, subject, cleanJson(object), { fieldManager: MANAGER, force: true });
		}
	}

	#own(registry: Registry, subject: Parameters<typeof apply>[1], before: KubernetesObject): void {
		const { status: _, ...config } = this.#placed(plain(before) as KubernetesObject);
		apply(registry, subject, cleanJson(config), { fieldManager: MANAGER, force: true });
	}

	/** Reads what happened in the store. */
	#follow(): void {
		const { storage } = this.registry;
		if (storage.revision === this.#read) return;
		for (const { type, resource, object } of this.#since(this.#read)) {
			if (ASIDE.has(resource)) continue;
			const key = keyOf(object);
			this.#remember(key);
			if (type === "DELETED") {
				this.#objects.delete(key);
				this.#written.delete(key);
				this.#gone.add(key);
			} else {
				this.#objects.set(key, object);
				this.#written.set(key, object);
				this.#gone.delete(key);
			}
		}
		this.#read = storage.revision;
	}

	/** What a plan knows of an object that is about to change. */
	#remember(key: string): void {
		if (!this.#before.has(key)) this.#before.set(key, this.#objects.get(key) ?? null);
	}

	/** All objects anew where the past is kept no more. */
	*#since(revision: number): Generator<Pick<Change, "type" | "resource" | "object">, void> {
		const { storage, catalogue } = this.registry;
		try {
			yield* storage.since(revision);
		} catch (error) {
			if (!(error instanceof RevisionExpired)) throw error;
			for (const [key, object] of [...this.#objects]) {
				const resource = this.#resourceOf(this.registry, object);
				const { namespace = "", name = "" } = this.#placed(object).metadata;
				if (resource === undefined || storage.get(resource.name, namespace, name) !== undefined) continue;
				this.#remember(key);
				this.#objects.delete(key);
				this.#gone.add(key);
			}
			for (const resource of new Set(catalogue.resources.map(({ name }) => name)))
				for (const object of storage.list(resource).items) yield { type: "MODIFIED", resource, object };
		}
	}

	#resourceOf({ catalogue }: Registry, { apiVersion, kind }: KubernetesObject): ServedResource | undefined {
		return catalogue.ofKind(apiVersion, kind);
	}

	/** In the namespace that a kind without a model was written for. */
	#placed(object: KubernetesObject): KubernetesObject {
		const { apiVersion, kind, metadata } = object;
		const namespaced = this.registry.catalogue.ofKind(apiVersion, kind)?.namespaced === true;
		return metadata.namespace || !namespaced
			? object
			: { ...object, metadata: { ...metadata, namespace: this.#namespace } };
	}

	/** Past all rules, with its status. */
	#put(registry: Registry, resource: ServedResource, object: KubernetesObject): void {
		const { namespace = "", name = "" } = object.metadata;
		const before = registry.storage.get(resource.name, namespace, name);
		const wanted = this.#completed(registry, resource, object, before);
		if (before === undefined || !equalJson(json(wanted), json(before))) registry.storage.put(resource.name, wanted);
	}

	/** As the store is to have it. */
	#completed(
		{ catalogue, clock }: Registry,
		resource: ServedResource,
		object: KubernetesObject,
		before: KubernetesObject | undefined,
		created = timestamp(clock),
	): KubernetesObject {
		if (this.#defaults?.schema !== catalogue.schema)
			this.#defaults = { schema: catalogue.schema, defaults: new Defaults(catalogue.schema, DEFAULTS) };
		const completed = this.#defaults.defaults.of(resource.type, object);
		const metadata = merged<ObjectMeta>(before?.metadata ?? {}, completed.metadata);
		metadata.creationTimestamp ??= created;
		if (before === undefined && GENERATIONS.has(resource.name)) metadata.generation ??= 1;
		if (before?.metadata.uid) metadata.uid = before.metadata.uid;
		return cleanJson(withMember(completed, "metadata", metadata)) as unknown as KubernetesObject;
	}
}

const json = (object: KubernetesObject) => object as unknown as Json;

const isApplied = ({ metadata }: KubernetesObject) =>
	ownersOf(metadata).some(({ manager, operation }) => manager === MANAGER && operation === "Apply");
