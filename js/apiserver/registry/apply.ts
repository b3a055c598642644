// PATCH with a configuration to apply: the object is made, or what it shall be is an update.

import type { KubernetesObject } from "../../api/meta.ts";
import { apply as applyTo } from "../apply/apply.ts";
import { inVersion } from "../conversion/versions.ts";
import { decode } from "../decode.ts";
import type { Json } from "../patch/json.ts";
import { badRequest, invalidValue, required, StatusError } from "../status.ts";
import { create } from "./create.ts";
import { type Registry, type Subject, stored, writerOf } from "./request.ts";
import { type UpdateOptions, update } from "./update.ts";

export const APPLY_PATCH = "application/apply-patch+yaml";

export interface ApplyOptions extends UpdateOptions {
	/** Takes what others own. */
	force?: boolean;
	/** Sees the unknown fields of a custom resource before anything is written, and may refuse. */
	check?: (unknown: readonly string[]) => void;
}

export interface Applied {
	object: KubernetesObject;
	created: boolean;
}

/** Throws StatusError. `body`: the configuration, as parsed. */
export function apply(registry: Registry, subject: Subject, body: Json, options: ApplyOptions): Applied {
	const { resource, namespace, name } = subject;
	const { schema } = registry.catalogue;
	const writer = writerOf(registry, options, options.status === true ? "status" : "");
	if (writer === undefined) {
		const missing = required("fieldManager", "is required for apply patch");
		throw new StatusError(422, "Invalid", `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${missing.message}`, {
			group: "meta.k8s.io",
			kind: "PatchOptions",
			causes: [missing],
		});
	}
	const { object: config, unknown } = decode(schema, resource, body);
	if (resource.custom !== undefined) options.check?.(unknown);
	else if (unknown.length > 0) throw undeclared(subject, unknown);
	if (config.apiVersion !== resource.apiVersion || config.kind !== resource.kind)
		throw badRequest(
			invalidValue("kind", config.kind ?? "", `expected ${resource.apiVersion} ${resource.kind}`).message,
		);
	const place = { name, ...(namespace === "" ? {} : { namespace }) };
	const placed = { ...config, metadata: { ...config.metadata, ...place } };
	const live = stored(registry, subject);
	if (live !== undefined && config.metadata.uid !== undefined && config.metadata.uid !== live.metadata.uid)
		throw badRequest(
			`the uid of the configuration (${config.metadata.uid}) is not the object's (${live.metadata.uid})`,
		);
	const { object, owners } = applyTo(
		schema,
		resource,
		live === undefined ? undefined : inVersion(resource, live),
		placed,
		writer,
		options.force === true,
	);
	if (live === undefined) return { object: create(registry, resource, object, { ...options, owners }), created: true };
	return { object: update(registry, subject, object, { ...options, owners }), created: false };
}

/** Whatever `fieldValidation` says: owners of fields are kept by the schema (sigs.k8s.io/structured-merge-diff typed.AsTyped). */
function undeclared({ resource, namespace, name }: Subject, unknown: readonly string[]): StatusError {
	const said = unknown.map((path) => `.${path}: field not declared in schema`);
	const all = said.length === 1 ? said[0] : `errors:\n${said.map((line) => `  ${line}`).join("\n")}`;
	const place = namespace === "" ? name : `${namespace}/${name}`;
	const { group, version, kind } = resource;
	const what = `${place}; ${group}/${version}, Kind=${kind}`;
	return new StatusError(500, "", `failed to create typed patch object (${what}): ${all}`);
}
