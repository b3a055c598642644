// The API of a cluster in this process: the same requests that a client of Kubernetes sends, as typed calls. An object that
// the API refuses is a StatusError with upstream's code, reason and message, and changes nothing.

import type { KubernetesObject, ListMeta } from "../api/meta.ts";
import type { Kinds } from "../api/schema/types.generated.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { type ApiRequest, type ApiResponse, isStream } from "../apiserver/rest/message.ts";
import type { Status } from "../apiserver/status.ts";
import type { Fault } from "../sim/faults.ts";
import type { ApiServer } from "./apiserver.ts";
import { ApiWatch } from "./watch.ts";

export { StatusError } from "../apiserver/status.ts";
export type { Fault } from "../sim/faults.ts";
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

/** What answers is loaded by the first question: half of the package's code, which most programs do without. */
export class ClusterApi {
	readonly #load: () => Promise<ApiServer>;
	readonly #namespace: string;
	readonly #listeners = new Set<() => void>();
	#opening: Promise<ApiServer> | null = null;
	#server: ApiServer | null = null;

	/** A cluster makes it: `cluster.api`. `load`: makes the server, with the objects as they are settled by then. `server`: it is made. */
	constructor(namespace: string, load: () => Promise<ApiServer>, server: ApiServer | null = null) {
		this.#namespace = namespace;
		this.#load = load;
		if (server !== null) this.#opening = Promise.resolve(this.#opened(server));
	}

	#opened(server: ApiServer): ApiServer {
		this.#server = server;
		server.onChange(() => {
			for (const listener of [...this.#listeners]) listener();
		});
		return server;
	}

	/** What answers; null where nobody has asked anything yet. Who asks first is answered first. */
	get opened(): Promise<ApiServer> | null {
		return this.#opening;
	}

	/** What answers, which is loaded where it is not there yet. */
	open(): Promise<ApiServer> {
		this.#opening ??= this.#load().then(
			(server) => this.#opened(server),
			(error: unknown) => {
				this.#opening = null;
				throw error;
			},
		);
		return this.#opening;
	}

	/** Whether clients wrote anything that the cluster has not settled. */
	get changed(): boolean {
		return this.#server?.changed === true;
	}

	/** Any request of the API, as HTTP has it: what `podwire serve` and clients in this process ask. */
	async respond(request: ApiRequest): Promise<ApiResponse> {
		return (await this.open()).respond(request);
	}

	/** Calls back after every change; the function that is returned ends that. */
	onChange(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Something goes wrong between the API and its components, now or later in virtual time (docs/time.md). All or nothing: throws RangeError. */
	async inject(...faults: readonly Fault[]): Promise<void> {
		(await this.open()).inject(faults);
	}

	/** Throws StatusError 404. */
	async get<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		name: string,
		scope: Scope = {},
	): Promise<KindOf<V, K>> {
		const server = await this.open();
		return server.call("GET", this.#path(server.resource(apiVersion, kind), scope.namespace, name)) as KindOf<V, K>;
	}

	async list<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		request: ListRequest = {},
	): Promise<ObjectsOf<KindOf<V, K>>> {
		const server = await this.open();
		const path = this.#collection(server.resource(apiVersion, kind), request.namespace);
		const listed = server.call("GET", path, query(request));
		const { items, ...rest } = listed as unknown as ObjectsOf<KindOf<V, K>>;
		return { ...rest, items: items.map((item) => ({ ...item, apiVersion, kind })) };
	}

	/** Changes as they happen, beginning with what is there, or after `resourceVersion`. Ends by `return` or `break`. */
	async watch<V extends VersionName, K extends KindName<V>>(
		apiVersion: V,
		kind: K,
		request: Selection & { resourceVersion?: string; allowWatchBookmarks?: boolean } = {},
	): Promise<ApiWatch<KindOf<V, K>>> {
		const server = await this.open();
		const { resourceVersion, allowWatchBookmarks, ...selection } = request;
		const path = this.#collection(server.resource(apiVersion, kind), selection.namespace);
		const asked = { ...selection, watch: true, resourceVersion, allowWatchBookmarks };
		const { body } = server.checked({ method: "GET", url: path + query(asked), headers: {}, body: new Uint8Array() });
		if (!isStream(body)) throw new TypeError("a watch is answered by a stream");
		return new ApiWatch(body, (listener) => this.onChange(listener));
	}

	/** Throws StatusError 409 where it is there, 422 where it is invalid. */
	async create<T extends KubernetesObject>(object: T, request: WriteRequest = {}): Promise<T> {
		const server = await this.open();
		const { apiVersion, kind, metadata } = object;
		const path = this.#collection(server.resource(apiVersion, kind), metadata.namespace ?? this.#namespace);
		return server.call("POST", path, query(written(request)), object) as T;
	}

	/** Replaces it; with a `resourceVersion` only where that is still the one. Throws StatusError 404, 409, 422. */
	async update<T extends KubernetesObject>(object: T, request: WriteRequest = {}): Promise<T> {
		const server = await this.open();
		return server.call("PUT", this.#pathOf(server, object, request), query(written(request)), object) as T;
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
		const server = await this.open();
		const path = this.#path(server.resource(apiVersion, kind), namespace, name, options.subresource);
		return server.call("PATCH", path, query(written(options)), patch, PATCHES[type]) as KindOf<V, K>;
	}

	/** Server-side apply. `force`: takes fields that others own; without it that is StatusError 409. */
	async apply<T extends KubernetesObject>(object: T, request: WriteRequest & { force?: boolean } = {}): Promise<T> {
		const { force, ...options } = request;
		const asked = { ...written(options), force };
		const server = await this.open();
		return server.call("PATCH", this.#pathOf(server, object, request), query(asked), object, PATCHES.apply) as T;
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
		const server = await this.open();
		return server.call("DELETE", this.#path(server.resource(apiVersion, kind), namespace, name), "", body);
	}

	#pathOf(server: ApiServer, object: KubernetesObject, { subresource }: WriteRequest): string {
		const { apiVersion, kind, metadata } = object;
		return this.#path(server.resource(apiVersion, kind), metadata.namespace, metadata.name ?? "", subresource);
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
