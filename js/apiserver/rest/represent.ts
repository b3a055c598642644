// Objects in the version that a path names, and in the form that a client asks for: whole, as metadata, or as a table
// (k8s.io/apiserver/pkg/endpoints/handlers/response.go).

import type { KubernetesObject, ListMeta } from "../../api/meta.ts";
import { inVersion } from "../conversion/versions.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import type { MediaType } from "./accept.ts";
import { type Row, rowOf, tableColumns } from "./table.ts";

export type Form = "whole" | "metadata" | "table";

/** What of the client's wishes there is; undefined: nothing. */
export function formOf(accept: readonly MediaType[]): Form | undefined {
	for (const { type, parameters } of accept) {
		if (type !== "application/json" && type !== "application/*" && type !== "*/*") continue;
		if (parameters.as === undefined) return "whole";
		if (parameters.as === "Table" && parameters.v === "v1") return "table";
		if (parameters.as === "PartialObjectMetadata" || parameters.as === "PartialObjectMetadataList") return "metadata";
	}
	return undefined;
}

/** How much of the object goes with a table's row: `includeObject`. */
export type Included = "None" | "Metadata" | "Object";

export interface Representation {
	form: Form;
	included: Included;
	/** Of ages, ns. */
	now: bigint;
}

function whole(resource: ServedResource, object: KubernetesObject): KubernetesObject {
	const { kind: _, apiVersion: __, ...rest } = inVersion(resource, object);
	return { kind: resource.kind, apiVersion: resource.apiVersion, ...rest };
}

function partial({ metadata }: KubernetesObject): object {
	return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata };
}

function row(
	resource: ServedResource,
	object: KubernetesObject,
	{ included, now }: Representation,
): Row & { object: unknown } {
	const cells = rowOf(resource, object, now);
	const shown = included === "Object" ? whole(resource, object) : included === "Metadata" ? partial(object) : null;
	return { ...cells, object: shown };
}

function table(resource: ServedResource, metadata: object, rows: object[]): object {
	return { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata, columnDefinitions: tableColumns(resource), rows };
}

export function showObject(resource: ServedResource, object: KubernetesObject, as: Representation): unknown {
	if (as.form === "whole") return whole(resource, object);
	if (as.form === "metadata") return partial(object);
	const { resourceVersion } = object.metadata;
	return table(resource, { resourceVersion }, [row(resource, object, as)]);
}

export function showList(
	resource: ServedResource,
	{ items, metadata }: { items: readonly KubernetesObject[]; metadata: ListMeta },
	as: Representation,
): unknown {
	if (as.form === "table")
		return table(
			resource,
			metadata,
			items.map((object) => row(resource, object, as)),
		);
	if (as.form === "metadata")
		return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items: items.map(partial) };
	// Items of a list name no kind: the list does.
	const bare = items.map((item) => {
		const { kind: _, apiVersion: __, ...rest } = inVersion(resource, item);
		return rest;
	});
	return { kind: `${resource.kind}List`, apiVersion: resource.apiVersion, metadata, items: bare };
}
