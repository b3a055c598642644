// What a path of the API names (k8s.io/apiserver/pkg/endpoints/request/requestinfo.go).

import type { Catalogue, ServedResource } from "../registry/catalogue.ts";

export interface ResourcePath {
	resource: ServedResource;
	/** undefined: all namespaces, or cluster-scoped. */
	namespace: string | undefined;
	/** undefined: the collection. */
	name: string | undefined;
	/** `status`, `scale` …; undefined: the object itself. */
	subresource: string | undefined;
	/** The old form `/api/v1/watch/…`. */
	watch: boolean;
}

/** undefined: nothing is served there. Throws URIError where a segment is badly escaped. */
export function parseResourcePath(catalogue: Catalogue, pathname: string): ResourcePath | undefined {
	const parts = pathname
		.split("/")
		.filter((part) => part !== "")
		.map(decodeURIComponent);
	const core = parts[0] === "api";
	if (!core && parts[0] !== "apis") return undefined;
	const group = core ? "" : (parts[1] ?? "");
	const version = parts[core ? 1 : 2] ?? "";
	let rest = parts.slice(core ? 2 : 3);
	const watch = rest[0] === "watch";
	if (watch) rest = rest.slice(1);
	let namespace: string | undefined;
	// `namespaces/x` alone is the namespace itself, and so are its subresources.
	const own = rest[2] === undefined || rest[2] === "status" || rest[2] === "finalize";
	if (rest[0] === "namespaces" && rest[1] !== undefined && !(core && own)) {
		namespace = rest[1];
		rest = rest.slice(2);
	}
	const [plural = "", name, subresource, ...more] = rest;
	const resource = catalogue.find(group, version, plural);
	if (resource === undefined || more.length > 0) return undefined;
	if (namespace !== undefined && !resource.namespaced) return undefined;
	if (resource.namespaced && namespace === undefined && name !== undefined) return undefined;
	return { resource, namespace, name, subresource, watch };
}
