// The API of a cluster in this process: the same requests that a client of Kubernetes sends, as typed calls. An object that
// the API refuses is a StatusError with upstream's code, reason and message, and changes nothing.

import type { KubernetesObject, ListMeta } from "../api/meta.ts";
import { kubernetes } from "../api/schema/kubernetes.generated.ts";
import type { Kinds } from "../api/schema/types.generated.ts";
import { Catalogue, type ServedResource } from "../apiserver/registry/catalogue.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { strategyOf } from "../apiserver/registry/strategies.ts";
import { type ApiRequest, type ApiResponse, isStream } from "../apiserver/rest/message.ts";
import { respond } from "../apiserver/rest/respond.ts";
import { noSuchResource, type Status, StatusError } from "../apiserver/status.ts";
import { Storage } from "../apiserver/storage/storage.ts";
import type { Manifest } from "../manifests/manifest.ts";
import { readSingleYaml } from "../manifests/single.ts";
import type { AddressPrefix } from "../net/address.ts";
import type { Clock } from "../ports.ts";
import { seededRandom } from "../sim/random.ts";
import { ClusterObjects, type Intents } from "./objects.ts";
import { ApiWatch } from "./watch.ts";

export { StatusError } from "../apiserver/status.ts";
export type { ApiWatch, WatchEvent } from "./watch.ts";

/** `v1`, `apps/v1`: those whose kinds have types. */
export type ApiVersion = keyof Kinds;

/** The type of a kind that has one; of any other, what every object has. */
export type KindOf<V extends string, K extends string> = V extends ApiVersion
	? K extends keyof Kinds[V]
		? Kinds[V][K] & KubernetesObject
		: KubernetesObject
	: KubernetesObject;

/** A kind's name: of a version that has types, one of those or any other. */
type KindName<V extends string> = V extends ApiVersion ? (keyof Kinds[V] & string) | (string & {}) : string;
type VersionName = ApiVersion | (string & {});

export interface Scope {
	/** Default: the cluster's default namespace; of cluster-scoped kinds nothing. */
	namespace?: string;
}

export interface Selection {
	/** Without: all namespaces. */
	namespace?: string;
	/** `app=web,tier in (front,back)`. */
	labelSelector?: string;
	/** `metadata.name=web,status.phase!=Running`. */
	fieldSelector?: string;
}

export interface ListRequest extends Selection {
	limit?: number;
	/** From `metadata.continue` of the page before. */
	continue?: string;
}

export interface ObjectsOf<T> {
	apiVersion: string;
	kind: string;
	metadata: ListMeta;
	items: T[];
}

export interface WriteRequest {
	/** Everything is checked and answered, nothing is written. */
	dryRun?: boolean;
	/** Who owns the fields that are written; default `podwire`. */
	fieldManager?: string;
	/** What becomes of fields that the kind does not have; default `Strict`: an error. */
	fieldValidation?: "Strict" | "Warn" | "Ignore";
	/** Writes the status alone. */
	subresource?: "status";
}

export interface DeleteRequest extends Scope {
	dryRun?: boolean;
	gracePeriodSeconds?: number;
	propagationPolicy?: "Orphan" | "Background" | "Foreground";
	preconditions?: { uid?: string; resourceVersion?: string };
}

export type PatchType = "strategic" | "merge" | "json";

const PATCHES: Readonly<Record<PatchType | "apply", string>> = {
	strategic: "application/strategic-merge-patch+json",
	merge: "application/merge-patch+json",
	json: "application/json-patch+json",
	apply: "application/apply-patch+yaml",
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ClusterApi {
	readonly #registry: Registry;
	readonly #objects: ClusterObjects;
	readonly #namespace: string;
	readonly #listeners = new Set<() => void>();

	/** A cluster makes it: `cluster.api`. */
	constructor(clock: Clock, seed: bigint, namespace: string, serviceCIDRs: readonly AddressPrefix[]) {
		const random = seededRandom(Number(BigInt.asUintN(32, seed)));
		const storage = new Storage();
		const catalogue = new Catalogue(kubernetes, storage);
		this.#registry = { storage, catalogue, clock, random, strategy: strategyOf };
		this.#objects = new ClusterObjects(this.#registry, namespace, serviceCIDRs);
		this.#namespace = namespace;
	}

	/** Whether clients wrote anything that the cluster has not settled. */
	get changed(): boolean {
		return this.#objects.changed;
	}

	/** The manifests, with what clients wrote. */
	intents(manifests: readonly Manifest[]): Intents {
		return this.#objects.intents(manifests);
	}

	/** Takes the objects as the controllers left them. */
	publish(objects: readonly KubernetesObject[], manifests: readonly Manifest[]): void {
		this.#objects.publish(objects, manifests);
		this.#tell();
	}

	/** Any request of the API, as HTTP has it: what `podwire serve` and clients in this process ask. */
	respond(request: ApiRequest): ApiResponse {
		const { storage } = this.#registry;
		const { revision } = storage;
		const response = respond(this.#registry, request, readSingleYaml);
		if (storage.revision !== revision) {
			this.#objects.collect();
			this.#tell();
		}
		return response;
	}

	/** Calls back after every change; the function that is returned ends that. */
	onChange(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	#tell(): void {
		for (const listener of [...this.#listeners]) listener();
	}

	/** Throws StatusError 404. */
	async get<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		name: string,
		scope: Scope = {},
	): Promise<KindOf<V, K>> {
		return this.#call("GET", this.#path(this.#resource(apiVersion, kind), scope.namespace, name)) as KindOf<V, K>;
	}

	async list<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		request: ListRequest = {},
	): Promise<ObjectsOf<KindOf<V, K>>> {
		const resource = this.#resource(apiVersion, kind);
		const listed = this.#call("GET", this.#collection(resource, request.namespace), query(request));
		const { items, ...rest } = listed as unknown as ObjectsOf<KindOf<V, K>>;
		return { ...rest, items: items.map((item) => ({ ...item, apiVersion, kind })) };
	}

	/** Changes as they happen, beginning with what is there, or after `resourceVersion`. Ends by `return` or `break`. */
	watch<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		request: Selection & { resourceVersion?: string; allowWatchBookmarks?: boolean } = {},
	): ApiWatch<KindOf<V, K>> {
		const { resourceVersion, allowWatchBookmarks, ...selection } = request;
		const path = this.#collection(this.#resource(apiVersion, kind), selection.namespace);
		const asked = { ...selection, watch: true, resourceVersion, allowWatchBookmarks };
		const { body } = this.#checked({ method: "GET", url: path + query(asked), headers: {}, body: new Uint8Array() });
		if (!isStream(body)) throw new TypeError("a watch is answered by a stream");
		return new ApiWatch(body, (listener) => this.onChange(listener));
	}

	/** Throws StatusError 409 where it is there, 422 where it is invalid. */
	async create<T extends KubernetesObject>(object: T, request: WriteRequest = {}): Promise<T> {
		const path = this.#collection(this.#resourceOf(object), this.#namespaceOf(object));
		return this.#call("POST", path, query(written(request)), object) as T;
	}

	/** Replaces it; with a `resourceVersion` only where that is still the one. Throws StatusError 404, 409, 422. */
	async update<T extends KubernetesObject>(object: T, request: WriteRequest = {}): Promise<T> {
		return this.#call("PUT", this.#pathOf(object, request), query(written(request)), object) as T;
	}

	/** Throws StatusError 404, 409, 422. `type` default: strategic. */
	async patch<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		name: string,
		patch: object,
		request: WriteRequest & Scope & { type?: PatchType } = {},
	): Promise<KindOf<V, K>> {
		const { type = "strategic", namespace, ...options } = request;
		const path = this.#path(this.#resource(apiVersion, kind), namespace, name, options.subresource);
		return this.#call("PATCH", path, query(written(options)), patch, PATCHES[type]) as KindOf<V, K>;
	}

	/** Server-side apply. `force`: takes fields that others own; without it that is StatusError 409. */
	async apply<T extends KubernetesObject>(object: T, request: WriteRequest & { force?: boolean } = {}): Promise<T> {
		const { force, ...options } = request;
		const asked = { ...written(options), force };
		return this.#call("PATCH", this.#pathOf(object, request), query(asked), object, PATCHES.apply) as T;
	}

	/** The object as it was or, where finalizers or a grace period hold it, as it is now. Throws StatusError 404, 409. */
	async delete<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		name: string,
		request: DeleteRequest = {},
	): Promise<KubernetesObject | Status> {
		const { namespace, dryRun, ...options } = request;
		const body = { ...options, ...(dryRun === true ? { dryRun: ["All"] } : {}) };
		return this.#call("DELETE", this.#path(this.#resource(apiVersion, kind), namespace, name), "", body);
	}

	#resource(apiVersion: string, kind: string): ServedResource {
		const found = this.#registry.catalogue.ofKind(apiVersion, kind);
		if (found !== undefined) return found;
		const { status } = noSuchResource();
		throw new StatusError(404, "NotFound", `no kind ${kind} in ${apiVersion}: ${status.message}`, {});
	}

	#resourceOf({ apiVersion, kind }: KubernetesObject): ServedResource {
		return this.#resource(apiVersion, kind);
	}

	#namespaceOf({ metadata }: KubernetesObject): string {
		return metadata.namespace ?? this.#namespace;
	}

	#pathOf(object: KubernetesObject, { subresource }: WriteRequest): string {
		return this.#path(this.#resourceOf(object), object.metadata.namespace, object.metadata.name ?? "", subresource);
	}

	#collection({ group, version, plural, namespaced }: ServedResource, namespace: string | undefined): string {
		const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
		return namespaced && namespace !== undefined
			? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
			: `${root}/${plural}`;
	}

	#path(resource: ServedResource, namespace = this.#namespace, name = "", subresource?: string): string {
		const path = `${this.#collection(resource, namespace)}/${encodeURIComponent(name)}`;
		return subresource === undefined ? path : `${path}/${subresource}`;
	}

	#call(method: string, path: string, search = "", body?: object, type = "application/json"): KubernetesObject {
		const headers = { "content-type": type, accept: "application/json", "user-agent": "podwire" };
		const bytes = body === undefined ? new Uint8Array() : encoder.encode(JSON.stringify(body));
		const response = this.#checked({ method, url: path + search, headers, body: bytes });
		return JSON.parse(decoder.decode(response.body as Uint8Array)) as KubernetesObject;
	}

	#checked(request: ApiRequest): ApiResponse {
		const response = this.respond(request);
		if (response.code < 400 || isStream(response.body)) return response;
		const { code, reason, message, details, metadata } = JSON.parse(decoder.decode(response.body)) as Status;
		throw new StatusError(code, reason ?? "", message ?? "", details, metadata);
	}
}

function written({ dryRun, fieldManager = "podwire", fieldValidation = "Strict" }: WriteRequest) {
	return { fieldManager, fieldValidation, ...(dryRun === true ? { dryRun: "All" } : {}) };
}

/** `?a=1&b=2`; a namespace is the path's. */
function query(parameters: object): string {
	const entries = Object.entries(parameters).filter(
		([name, value]) => name !== "namespace" && value !== undefined && value !== "",
	);
	const search = new URLSearchParams(entries.map(([name, value]) => [name, String(value)]));
	return entries.length === 0 ? "" : `?${search}`;
}
