// Where the API's objects are, as etcd has them: one revision counter for everything, objects by key in order, every change
// kept for a while so that watches can begin in the past (k8s.io/apiserver/pkg/storage/etcd3). It knows no kinds: what may be
// written is decided above. Objects that are given out are frozen and never change; a copy of the storage costs a few references.

import { withMember } from "../../api/member.ts";
import type { KubernetesObject } from "../../api/meta.ts";
import { type Change, ChangeLog, type ChangeLogState } from "./log.ts";
import { entriesFrom, getEntry, rankOf, sizeOf, type Treap, treapOf, withEntry, withoutEntry } from "./treap.ts";

type Objects = Treap<KubernetesObject>;

export interface ListRequest {
	/** Without: of all namespaces. Cluster-scoped objects are in the namespace ``. */
	namespace?: string;
	/** The key after which to go on, from `ListResult.next`. */
	after?: string;
	/** As things were then; without: as they are now. */
	revision?: number;
	/** Most items; 0: all. */
	limit?: number;
	/** Items that do not pass count for nothing. */
	passes?: (object: KubernetesObject) => boolean;
}

export interface ListResult {
	items: KubernetesObject[];
	revision: number;
	/** Where to go on; null at the end. */
	next: string | null;
	/** Items that follow, selected or not; 0 at the end. */
	remaining: number;
}

/** The revision asked for is no longer kept: HTTP 410, reason Expired. */
export class RevisionExpired extends Error {
	override readonly name = "RevisionExpired";
	readonly revision: number;
	/** The oldest one from which a watch can go on. */
	readonly oldest: number;

	constructor(revision: number, oldest: number) {
		super(`too old resource version: ${revision} (${oldest})`);
		this.revision = revision;
		this.oldest = oldest;
	}
}

/** The revision asked for is not there yet: HTTP 504, with a cause that tells clients to try again. */
export class RevisionTooLarge extends Error {
	override readonly name = "RevisionTooLarge";

	constructor(revision: number, current: number) {
		super(`Too large resource version: ${revision}, current: ${current}`);
	}
}

export interface StorageState {
	/** By resource, in order of namespace and name. */
	objects: ReadonlyMap<string, readonly KubernetesObject[]>;
	revision: number;
	compacted: number;
	log: ChangeLogState;
}

/** Lists that are still being read page by page, most. */
const READINGS = 256;

export class Storage {
	#objects: Map<string, Objects>;
	#log: ChangeLog;
	#revision: number;
	#compacted = 0;
	/** Objects at the revisions of lists that are read page by page, so that they need not be made again. */
	#readings: Map<string, Objects>;

	/** `window`: changes that a watch can reach back, at least. */
	constructor(window = 65_536) {
		this.#objects = new Map();
		this.#readings = new Map();
		// As in etcd, the first revision is that of the empty store.
		this.#revision = 1;
		this.#log = new ChangeLog(window, 2);
	}

	/** Of the last change. */
	get revision(): number {
		return this.#revision;
	}

	get(resource: string, namespace: string, name: string): KubernetesObject | undefined {
		return this.at(resource, `${namespace}/${name}`);
	}

	/** By its key, `NAMESPACE/NAME`. */
	at(resource: string, key: string): KubernetesObject | undefined {
		return getEntry(this.#objects.get(resource) ?? null, key);
	}

	/** All objects of a resource with their keys, in order. */
	entries(resource: string): Iterable<{ readonly key: string; readonly value: KubernetesObject }> {
		return entriesFrom(this.#objects.get(resource) ?? null);
	}

	/** The same as long as nothing of a resource changed: to be compared, not to be read. */
	version(resource: string): unknown {
		return this.#objects.get(resource) ?? null;
	}

	/** Objects of a resource, of any namespace. */
	count(resource: string): number {
		return sizeOf(this.#objects.get(resource) ?? null);
	}

	/** In order of namespace and name. Throws RevisionExpired where `revision` is kept no more, RevisionTooLarge where it is to come. */
	list(resource: string, request: ListRequest = {}): ListResult {
		const { namespace, after, limit = 0, passes = () => true } = request;
		const revision = request.revision ?? this.#revision;
		const objects = this.#at(resource, revision);
		const prefix = namespace === undefined ? "" : `${namespace}/`;
		const end = namespace === undefined ? sizeOf(objects) : rankOf(objects, `${namespace}0`); // "0" follows "/"
		const items: KubernetesObject[] = [];
		for (const { key, value } of entriesFrom(objects, after === undefined ? prefix : `${after}\0`)) {
			if (!key.startsWith(prefix)) break;
			if (!passes(value)) continue;
			items.push(value);
			if (items.length !== limit) continue;
			const remaining = end - rankOf(objects, key) - 1;
			if (remaining === 0) break;
			this.#keep(resource, revision, objects);
			return { items, revision, next: key, remaining };
		}
		return { items, revision, next: null, remaining: 0 };
	}

	#at(resource: string, revision: number): Objects {
		if (revision === this.#revision) return this.#objects.get(resource) ?? null;
		if (revision > this.#revision) throw new RevisionTooLarge(revision, this.#revision);
		const kept = this.#readings.get(`${revision} ${resource}`);
		return kept === undefined ? this.#undone(resource, revision) : kept;
	}

	/** The objects without what happened after a revision. */
	#undone(resource: string, revision: number): Objects {
		const oldest = Math.max(this.#compacted, this.#log.first - 1);
		if (revision < oldest) throw new RevisionExpired(revision, oldest);
		let objects = this.#objects.get(resource) ?? null;
		for (const change of this.#log.back(revision)) {
			if (change.resource !== resource) continue;
			const { namespace = "", name = "" } = change.object.metadata;
			const key = `${namespace}/${name}`;
			objects = change.previous === undefined ? withoutEntry(objects, key) : withEntry(objects, key, change.previous);
		}
		return objects;
	}

	#keep(resource: string, revision: number, objects: Objects): void {
		const key = `${revision} ${resource}`;
		this.#readings.delete(key);
		this.#readings.set(key, objects);
		const [oldest] = this.#readings.keys();
		if (this.#readings.size > READINGS && oldest !== undefined) this.#readings.delete(oldest);
	}

	/** Writes an object under its namespace and name, and gives it the new revision; `object` itself is left as it is. */
	put(resource: string, object: KubernetesObject): KubernetesObject {
		const { namespace = "", name = "" } = object.metadata;
		const key = `${namespace}/${name}`;
		const objects = this.#objects.get(resource) ?? null;
		const previous = getEntry(objects, key);
		const stored = this.#revised(object);
		this.#objects.set(resource, withEntry(objects, key, stored));
		const type = previous === undefined ? "ADDED" : "MODIFIED";
		this.#log.append({ revision: this.#revision, type, resource, object: stored, previous });
		return stored;
	}

	/** As `put` one after the other, of objects that are not there yet: the work is in proportion to them, whatever there is. */
	load(objects: Iterable<readonly [resource: string, object: KubernetesObject]>): void {
		const made = new Map<string, Map<string, KubernetesObject>>();
		for (const [resource, object] of objects) {
			const { namespace = "", name = "" } = object.metadata;
			const stored = this.#revised(object);
			this.#log.append({ revision: this.#revision, type: "ADDED", resource, object: stored, previous: undefined });
			const own = made.get(resource);
			if (own === undefined) made.set(resource, new Map([[`${namespace}/${name}`, stored]]));
			else own.set(`${namespace}/${name}`, stored);
		}
		for (const [resource, own] of made) {
			for (const { key, value } of this.entries(resource)) own.set(key, value);
			this.#objects.set(resource, treapOf([...own].sort(([a], [b]) => (a < b ? -1 : 1))));
		}
	}

	/** Removes an object; undefined where there is none. What it returns has the revision of the deletion. */
	remove(resource: string, namespace: string, name: string): KubernetesObject | undefined {
		const key = `${namespace}/${name}`;
		const objects = this.#objects.get(resource) ?? null;
		const previous = getEntry(objects, key);
		if (previous === undefined) return undefined;
		const object = this.#revised(previous);
		this.#objects.set(resource, withoutEntry(objects, key));
		this.#log.append({ revision: this.#revision, type: "DELETED", resource, object, previous });
		return object;
	}

	#revised(object: KubernetesObject): KubernetesObject {
		this.#revision++;
		const metadata = withMember(object.metadata, "resourceVersion", String(this.#revision));
		return frozen(withMember(object, "metadata", metadata));
	}

	/** Everything that changed after `revision`, oldest first. Throws RevisionExpired. */
	since(revision: number): Iterable<Change> {
		if (revision + 1 < this.#log.first) throw new RevisionExpired(revision, this.#log.first - 1);
		return this.#log.since(revision);
	}

	/** Forgets changes before `revision`, and lists begun before it. */
	compact(revision: number): void {
		this.#log.compact(revision);
		this.#compacted = Math.max(this.#compacted, revision);
		for (const key of this.#readings.keys()) if (Number.parseInt(key, 10) < revision) this.#readings.delete(key);
	}

	/** As plain values, with what happened after `revision`, as far as it is kept. Lists that are being read page by page are not in it. */
	stateAfter(revision: number): StorageState {
		const objects = new Map(
			Array.from(this.#objects, ([resource, tree]) => [resource, Array.from(entriesFrom(tree), ({ value }) => value)]),
		);
		return { objects, revision: this.#revision, compacted: this.#compacted, log: this.#log.stateAfter(revision) };
	}

	/** Goes on where another one was. */
	static of({ objects, revision, compacted, log }: StorageState): Storage {
		const storage = new Storage();
		storage.#objects = new Map(Array.from(objects, ([resource, all]) => [resource, treapOf(all.map(keyed))]));
		storage.#revision = revision;
		storage.#compacted = compacted;
		storage.#log = ChangeLog.of(log);
		return storage;
	}

	/** The same objects and past, and a future of its own. */
	fork(): Storage {
		const copy = new Storage();
		copy.#objects = new Map(this.#objects);
		copy.#readings = new Map(this.#readings);
		copy.#revision = this.#revision;
		copy.#compacted = this.#compacted;
		copy.#log = this.#log.fork();
		return copy;
	}
}

function keyed(object: KubernetesObject): [key: string, object: KubernetesObject] {
	const { namespace = "", name = "" } = object.metadata;
	return [`${namespace}/${name}`, object];
}

function frozen<T>(value: T): T {
	if (typeof value === "object" && value !== null && !Object.isFrozen(value)) freeze(value);
	return value;
}

function freeze(value: object): void {
	Object.freeze(value);
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length; i++) frozen(value[i]);
	} else for (const name in value) frozen((value as Record<string, unknown>)[name]);
}
