// PATCH by content type: what the patch makes of the object that is there is then an update
// (k8s.io/apiserver/pkg/endpoints/handlers/patch.go).

import type { KubernetesObject } from "../../api/meta.ts";
import type { ApiSchema } from "../../api/schema/schema.ts";
import { inVersion } from "../conversion/versions.ts";
import { decode } from "../decode.ts";
import { StrategicPatchError } from "../patch/directive.ts";
import { isObject, type Json, type JsonObject } from "../patch/json.ts";
import { JsonPatchError, jsonPatch, PatchShapeError, TooManyOperations } from "../patch/jsonpatch.ts";
import { mergePatch } from "../patch/merge.ts";
import { strategicMergePatch } from "../patch/strategic.ts";
import { badRequest, notFound, StatusError, tooLarge, unsupportedMediaType } from "../status.ts";
import { type Registry, type Subject, stored } from "./request.ts";
import { type UpdateOptions, update } from "./update.ts";

export const JSON_PATCH = "application/json-patch+json";
export const MERGE_PATCH = "application/merge-patch+json";
export const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** Throws StatusError. `check` sees the unknown fields, and what the patch made, before anything is written, and may refuse. */
export function patch(
	registry: Registry,
	subject: Subject,
	contentType: string,
	body: Json,
	options: UpdateOptions & { check?: (unknown: readonly string[], made: Json) => void } = {},
): KubernetesObject {
	const { resource, name } = subject;
	if (resource.custom !== undefined && contentType === STRATEGIC_MERGE_PATCH)
		throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, "application/apply-patch+yaml"]);
	const before = stored(registry, subject);
	if (before === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
	const wanted = patched(registry.catalogue.schema, resource.type, contentType, inVersion(resource, before), body);
	const { object, unknown } = decode(registry.catalogue.schema, resource, wanted);
	options.check?.(unknown, wanted);
	return update(registry, subject, object, options);
}

/** What the patch makes of an object of a type. Throws StatusError. */
export function patched(
	schema: ApiSchema,
	type: string,
	contentType: string,
	before: KubernetesObject,
	body: Json,
): Json {
	const original = before as unknown as JsonObject;
	try {
		switch (contentType) {
			case JSON_PATCH:
				return jsonPatch(original, body);
			case MERGE_PATCH:
				if (!isObject(body)) throw badRequest("a merge patch is an object");
				return mergePatch(original, body);
			case STRATEGIC_MERGE_PATCH:
				if (!isObject(body)) throw badRequest("a strategic merge patch is an object");
				return strategicMergePatch(schema, type, original, body);
			default:
				throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH]);
		}
	} catch (error) {
		if (error instanceof StrategicPatchError) throw badRequest(error.message);
		if (error instanceof PatchShapeError) throw badRequest(`error decoding patch: ${error.message}`);
		if (error instanceof TooManyOperations) throw tooLarge(error.message);
		// The server tells clients the general sentence; the particular one is for people.
		if (error instanceof JsonPatchError)
			throw new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {
				causes: [{ reason: "UnexpectedServerResponse", message: error.message, field: "" }],
			});
		throw error;
	}
}
