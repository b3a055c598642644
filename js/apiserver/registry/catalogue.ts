// The resources that are served: the built-in ones of a release, and what the CustomResourceDefinitions in the storage add.

import type { ApiSchema, ResourceSchema } from "../../api/schema/schema.ts";
import { keptVersion } from "../conversion/versions.ts";
import { type Custom, DEFINITIONS, type DefinedResource, definedBy } from "../extensions/definition.ts";
import { isEstablished } from "../extensions/naming.ts";
import { qualified } from "../status.ts";
import type { Storage } from "../storage/storage.ts";
import { CATEGORIES, SHORT_NAMES } from "./names.ts";

export interface ServedResource extends ResourceSchema {
	/** `pods`, `deployments.apps`: what messages and the storage call it, whatever the version. */
	name: string;
	singular: string;
	shortNames: readonly string[];
	categories: readonly string[];
	/** `apps/v1`, `v1`. */
	apiVersion: string;
	/** The resource whose objects these are in another version: `events` of `events.events.k8s.io`. */
	keptAs: string;
	/** Of custom resources. */
	custom?: Custom;
}

interface Served {
	resources: readonly ServedResource[];
	schema: ApiSchema;
	/** By apiVersion and kind. */
	byKind: ReadonlyMap<string, ServedResource>;
}

function servedOf(schema: ApiSchema, resources: readonly ServedResource[]): Served {
	const byKind = new Map<string, ServedResource>();
	for (const resource of resources) {
		const key = `${resource.apiVersion} ${resource.kind}`;
		if (!byKind.has(key)) byKind.set(key, resource);
	}
	return { schema, resources, byKind };
}

export class Catalogue {
	readonly #builtIn: Served;
	readonly #storage: Storage | undefined;
	/** With the definitions of `#version`. */
	#served: Served;
	#version: unknown = null;

	/** `storage`: where definitions are; without, the built-in resources are all. */
	constructor(schema: ApiSchema | Served, storage?: Storage) {
		this.#builtIn = "schema" in schema ? schema : servedOf(schema, schema.resources.map(served));
		this.#served = this.#builtIn;
		this.#storage = storage;
	}

	/** Of a copy of the storage: definitions are read again where they change. */
	fork(storage: Storage): Catalogue {
		const copy = new Catalogue(this.#builtIn, storage);
		copy.#served = this.#served;
		copy.#version = this.#version;
		return copy;
	}

	/** Types of everything that is served. */
	get schema(): ApiSchema {
		return this.#now.schema;
	}

	/** In discovery's order: the core group, then as the schema has them, then custom ones by name. */
	get resources(): readonly ServedResource[] {
		return this.#now.resources;
	}

	get #now(): Served {
		const version = this.#storage?.version(DEFINITIONS) ?? null;
		if (version !== this.#version) {
			this.#version = version;
			this.#served = this.#withDefinitions();
		}
		return this.#served;
	}

	#withDefinitions(): Served {
		const { schema, resources } = this.#builtIn;
		const objects = this.#storage?.list(DEFINITIONS).items ?? [];
		const defined = objects.filter((one) => isEstablished(one as never)).map(definedBy);
		const types = Object.assign({}, schema.types, ...defined.map((one) => one.types));
		const custom = defined.flatMap((one) => one.resources.map(servedCustom));
		return servedOf({ ...schema, types }, [...resources, ...custom]);
	}

	/** By path: group (`` is core), version and plural. */
	find(group: string, version: string, plural: string): ServedResource | undefined {
		return this.resources.find(
			(known) => known.group === group && known.version === version && known.plural === plural,
		);
	}

	/** The resource in the version in which its objects are kept. */
	kept(resource: ServedResource): ServedResource {
		const version = keptVersion(resource);
		return version === resource.apiVersion ? resource : (this.ofKind(version, resource.kind) ?? resource);
	}

	/** By its name, `widgets.example.com`: of its versions the one that is kept, or any where that is not served. */
	ofName(name: string): ServedResource | undefined {
		const versions = this.resources.filter((known) => known.name === name);
		return versions.find(({ custom, apiVersion }) => custom?.kept === apiVersion) ?? versions[0];
	}

	ofKind(apiVersion: string, kind: string): ServedResource | undefined {
		return this.#now.byKind.get(`${apiVersion} ${kind}`);
	}
}

export function apiVersionOf({ group, version }: { group: string; version: string }): string {
	return group === "" ? version : `${group}/${version}`;
}

function servedCustom(resource: DefinedResource): ServedResource {
	const name = qualified({ group: resource.group, resource: resource.plural });
	return { ...resource, name, keptAs: name, apiVersion: apiVersionOf(resource) };
}

function served(resource: ResourceSchema): ServedResource {
	const name = qualified({ group: resource.group, resource: resource.plural });
	const apiVersion = apiVersionOf(resource);
	const version = keptVersion({ apiVersion, kind: resource.kind });
	const group = version.includes("/") ? version.slice(0, version.indexOf("/")) : "";
	return {
		...resource,
		name,
		keptAs: qualified({ group, resource: resource.plural }),
		singular: resource.kind.toLowerCase(),
		shortNames: SHORT_NAMES[name] ?? [],
		categories: CATEGORIES[name] ?? [],
		apiVersion,
	};
}
