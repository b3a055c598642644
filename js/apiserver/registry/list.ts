// GET of a collection: selected by labels and fields, whole or in pages (k8s.io/apiserver/pkg/endpoints/handlers/get.go,
// pkg/storage/continue.go).

import type { KubernetesObject, ListMeta } from "../../api/meta.ts";
import {
	type FieldRequirement,
	matchesLabels,
	parseFieldSelector,
	parseLabelSelector,
	SelectorError,
} from "../../api/selectortext.ts";
import { inVersion } from "../conversion/versions.ts";
import { badRequest, expired } from "../status.ts";
import { RevisionExpired } from "../storage/storage.ts";
import type { ServedResource } from "./catalogue.ts";
import { checkRevisionOptions, type RevisionOptions, revisionOf } from "./listoptions.ts";
import type { Registry } from "./request.ts";

export interface ListOptions extends RevisionOptions {
	/** Without: all namespaces. */
	namespace?: string;
	labelSelector?: string;
	fieldSelector?: string;
	limit?: number;
}

export interface ObjectList {
	items: KubernetesObject[];
	metadata: ListMeta;
}

export type Selects = (object: KubernetesObject) => boolean;

/** Throws StatusError 400 where a selector cannot be read, 410 where a revision or `continue` is too old, 504 where it is to come. */
export function list(registry: Registry, resource: ServedResource, options: ListOptions = {}): ObjectList {
	const passes = selection(registry, resource, options);
	const { namespace, limit = 0 } = options;
	checkRevisionOptions(options, false);
	const revision = revisionOf(options, limit, registry.storage.revision);
	const begun = revision === undefined ? {} : { revision };
	const from: Continue = options.continue ? readContinue(options.continue) : begun;
	const where = namespace === undefined ? {} : { namespace };
	try {
		const found = registry.storage.list(resource.keptAs, { ...where, limit, passes, ...from });
		const metadata: ListMeta = { resourceVersion: String(found.revision) };
		if (found.next !== null) {
			metadata.continue = writeContinue(found.revision, found.next);
			// What no selector was asked of can be counted.
			if (!options.labelSelector && !options.fieldSelector) metadata.remainingItemCount = found.remaining;
		}
		return { items: found.items, metadata };
	} catch (error) {
		if (!(error instanceof RevisionExpired)) throw error;
		if (from.after === undefined) throw expired("The resourceVersion for the provided list is too old.");
		throw expired(
			"The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
			writeContinue(registry.storage.revision, from.after),
		);
	}
}

interface Continue {
	revision?: number;
	after?: string;
}

function writeContinue(revision: number, after: string): string {
	return btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: after }))
		.replaceAll("+", "-")
		.replaceAll("/", "_")
		.replace(/=+$/, "");
}

function readContinue(token: string): Continue {
	try {
		const { v, rv, start } = JSON.parse(atob(token.replaceAll("-", "+").replaceAll("_", "/")));
		if (v === "meta.k8s.io/v1" && Number.isInteger(rv) && typeof start === "string")
			return { revision: rv, after: start };
	} catch {
		// Said below.
	}
	throw badRequest("invalid continue token: continue key is not valid");
}

/** What `labelSelector` and `fieldSelector` let through. Throws StatusError 400. */
export function selection(registry: Registry, resource: ServedResource, options: ListOptions): Selects {
	try {
		const labels = parseLabelSelector(options.labelSelector ?? "");
		const fields = parseFieldSelector(options.fieldSelector ?? "");
		const fieldsOf = fieldsFor(registry, resource);
		checkFields(resource, fields, fieldsOf);
		return (object) =>
			matchesLabels(labels, object.metadata.labels) && (fields.length === 0 || matchesFields(fields, fieldsOf(object)));
	} catch (error) {
		if (error instanceof SelectorError) throw badRequest(error.message);
		throw error;
	}
}

function fieldsFor(registry: Registry, resource: ServedResource): (object: KubernetesObject) => Record<string, string> {
	const strategy = registry.strategy(resource);
	return (object) => {
		const { name = "", namespace = "" } = object.metadata;
		const own = strategy.selectable?.(resource.custom === undefined ? object : inVersion(resource, object)) ?? {};
		return resource.namespaced
			? { "metadata.name": name, "metadata.namespace": namespace, ...own }
			: { "metadata.name": name, ...own };
	};
}

function checkFields(
	resource: ServedResource,
	wanted: readonly FieldRequirement[],
	fieldsOf: (object: KubernetesObject) => Record<string, string>,
): void {
	const known = fieldsOf({ apiVersion: resource.apiVersion, kind: resource.kind, metadata: {} });
	for (const { field } of wanted)
		if (!Object.hasOwn(known, field)) throw badRequest(`field label not supported: ${field}`);
}

function matchesFields(wanted: readonly FieldRequirement[], fields: Readonly<Record<string, string>>): boolean {
	return wanted.every(({ field, equal, value }) => (fields[field] === value) === equal);
}
