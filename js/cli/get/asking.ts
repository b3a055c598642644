// Questions of `podwire get` to an API, one target after the other.

import type { ClusterApi } from "../../cluster/api.ts";
import { UsageError } from "../status.ts";
import type { Resource, Target } from "./resources.ts";

/** An API, in this process or across a connection. */
export type Api = Pick<ClusterApi, "respond">;

export interface ObjectsRequest {
	/** `pods`, `deploy/web`, `svc web`. */
	words: readonly string[];
	/** `text`, `wide`, `json`, `yaml`, `name`, `jsonpath=…`, `custom-columns=…`. */
	output: string;
	namespace: string;
	allNamespaces: boolean;
	selector: string | null;
	fieldSelector: string | null;
	sortBy: string | null;
	headers: boolean;
	labels: boolean;
	labelColumns: readonly string[];
	managedFields: boolean;
}

/** The media type of what a server lays out in columns itself. */
export const TABLES = "application/json;as=Table;v=v1;g=meta.k8s.io";

interface Answer<T> {
	resource: Resource;
	value: T;
}

/** Throws UsageError. */
export function checkWords({ words, allNamespaces, selector, fieldSelector }: ObjectsRequest): void {
	const named = words.length > 1 || words.some((word) => word.includes("/"));
	if (named && allNamespaces) throw new UsageError("a resource cannot be retrieved by name across all namespaces");
	if (named && (selector !== null || fieldSelector !== null))
		throw new UsageError("name cannot be provided when a selector is specified");
}

/** Asks for targets one by one; what is refused is remembered. */
export class Asking {
	readonly errors: string[] = [];
	readonly #api: Api;
	readonly #request: ObjectsRequest;

	constructor(api: Api, request: ObjectsRequest) {
		this.#api = api;
		this.#request = request;
	}

	async all<T>(targets: readonly Target[], accept: string): Promise<Answer<T>[]> {
		const answers: Answer<T>[] = [];
		for (const { resource, name } of targets) {
			const query = selection(this.#request);
			query.set("includeObject", "Object");
			const url = `${pathOf(this.#request, resource, name)}?${query}`;
			const request = { method: "GET", url, headers: { accept }, body: new Uint8Array() };
			const { code, body } = await this.#api.respond(request);
			const value = JSON.parse(new TextDecoder().decode(body as Uint8Array));
			if (code < 400) answers.push({ resource, value: value as T });
			else this.errors.push(`Error from server (${value.reason}): ${value.message}`);
		}
		return answers;
	}
}

/** Where a resource is: its collection, or one object of it. */
export function pathOf(
	{ namespace, allNamespaces }: ObjectsRequest,
	{ group, version, plural, namespaced }: Resource,
	name: string | null,
): string {
	const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
	const within = namespaced && !allNamespaces ? `/namespaces/${encodeURIComponent(namespace)}` : "";
	return `${root}${within}/${plural}${name === null ? "" : `/${encodeURIComponent(name)}`}`;
}

/** What of it is selected, as a query's parameters. */
export function selection({ selector, fieldSelector }: ObjectsRequest): URLSearchParams {
	const query = new URLSearchParams();
	if (selector !== null) query.set("labelSelector", selector);
	if (fieldSelector !== null) query.set("fieldSelector", fieldSelector);
	return query;
}
