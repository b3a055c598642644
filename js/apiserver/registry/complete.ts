// An object with the defaults of its kind: of a built-in one by type, of a custom one by its schema.

import type { KubernetesObject } from "../../api/meta.ts";
import { kept } from "../conversion/versions.ts";
import { DEFAULTS } from "../defaults/groups.ts";
import { withDefaults } from "../defaults/walk.ts";
import { defaulted } from "../extensions/prune.ts";
import type { JsonObject } from "../patch/json.ts";
import type { ServedResource } from "./catalogue.ts";
import type { Registry } from "./request.ts";

/** In the version that is kept: with the defaults of the version that it is written in, then with that one's. */
export function complete(
	{ catalogue }: Registry,
	resource: ServedResource,
	object: KubernetesObject,
): KubernetesObject {
	const { custom } = resource;
	if (custom === undefined) {
		const { schema } = catalogue;
		const { apiVersion, kind } = resource;
		const written = withDefaults(schema, DEFAULTS, resource.type, { ...object, apiVersion, kind });
		const own = catalogue.kept(resource);
		return own === resource ? kept(written) : withDefaults(schema, DEFAULTS, own.type, kept(written));
	}
	const { metadata, ...rest } = object;
	const filled = defaulted(custom.schema, rest as unknown as JsonObject) as unknown as KubernetesObject;
	return { ...filled, metadata };
}
