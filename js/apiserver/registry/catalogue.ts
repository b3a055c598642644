// The resources that are served: the built-in ones of a release, and what CustomResourceDefinitions add.

import type { ApiSchema, ResourceSchema } from "../../api/schema/schema.ts";
import { qualified } from "../status.ts";
import { CATEGORIES, SHORT_NAMES } from "./names.ts";

export interface ServedResource extends ResourceSchema {
	/** `pods`, `deployments.apps`: what messages and the storage call it, whatever the version. */
	name: string;
	singular: string;
	shortNames: readonly string[];
	categories: readonly string[];
	/** `apps/v1`, `v1`. */
	apiVersion: string;
}

export class Catalogue {
	readonly schema: ApiSchema;
	readonly #resources: ServedResource[];

	constructor(schema: ApiSchema) {
		this.schema = schema;
		this.#resources = schema.resources.map(served);
	}

	/** In discovery's order: the core group, then as the schema has them. */
	get resources(): readonly ServedResource[] {
		return this.#resources;
	}

	/** By path: group (`` is core), version and plural. */
	find(group: string, version: string, plural: string): ServedResource | undefined {
		return this.#resources.find(
			(known) => known.group === group && known.version === version && known.plural === plural,
		);
	}

	ofKind(apiVersion: string, kind: string): ServedResource | undefined {
		return this.#resources.find((known) => known.apiVersion === apiVersion && known.kind === kind);
	}
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
	return group === "" ? version : `${group}/${version}`;
}

function served(resource: ResourceSchema): ServedResource {
	const name = qualified({ group: resource.group, resource: resource.plural });
	return {
		...resource,
		name,
		singular: resource.kind.toLowerCase(),
		shortNames: SHORT_NAMES[name] ?? [],
		categories: CATEGORIES[name] ?? [],
		apiVersion: apiVersionOf(resource),
	};
}
