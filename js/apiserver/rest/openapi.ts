// The types as OpenAPI documents, made back out of the schema: v3 group by group, as kubectl asks for validation and `explain`;
// v2 whole, for older clients. Structure only: there are no descriptions.

import { isList, isMap, isReference } from "../../api/schema/lookup.ts";
import type { ApiSchema, FieldSchema, Scalar, TypeSchema } from "../../api/schema/schema.ts";
import { GNOSTIC, gnostic, isGnostic } from "../protobuf/gnostic.ts";
import { apiVersionOf, type Catalogue, type ServedResource } from "../registry/catalogue.ts";
import type { MediaType } from "./accept.ts";
import { type ApiResponse, json } from "./message.ts";

const SCALARS: Readonly<Record<Scalar, object>> = {
	string: { type: "string" },
	int32: { type: "integer", format: "int32" },
	int64: { type: "integer", format: "int64" },
	number: { type: "number", format: "double" },
	boolean: { type: "boolean" },
	bytes: { type: "string", format: "byte" },
	time: { type: "string", format: "date-time" },
	microTime: { type: "string", format: "date-time" },
	intOrString: { type: "string", format: "int-or-string" },
	quantity: { type: "string" },
	any: {},
	object: { type: "object" },
};

/** `core.v1.Pod` as upstream's documents name it. */
function definitionName(type: string): string {
	if (type.startsWith("meta.")) return `io.k8s.apimachinery.pkg.apis.${type}`;
	if (type.startsWith("apiextensions.")) return `io.k8s.apiextensions-apiserver.pkg.apis.${type}`;
	return `io.k8s.api.${type}`;
}

class Document {
	readonly #schema: ApiSchema;
	readonly #prefix: string;
	readonly #kinds: ReadonlyMap<string, ServedResource>;
	readonly definitions = new Map<string, Record<string, unknown>>();

	/** `prefix` of references: `#/components/schemas/` or `#/definitions/`. */
	constructor(catalogue: Catalogue, prefix: string) {
		this.#schema = catalogue.schema;
		this.#prefix = prefix;
		this.#kinds = new Map(catalogue.resources.map((resource) => [resource.type, resource]));
	}

	add(type: string): void {
		const name = definitionName(type);
		if (this.definitions.has(name)) return;
		const { fields, required, atomic } = this.#schema.types[type] as TypeSchema;
		this.definitions.set(name, {});
		const kind = this.#kinds.get(type);
		const properties = Object.entries(fields).map(([field, schema]) => [field, this.#property(schema)]);
		this.definitions.set(name, {
			type: "object",
			...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
			...(required ? { required } : {}),
			...(atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
			...(kind ? { "x-kubernetes-group-version-kind": [gvk(kind)] } : {}),
		});
	}

	#property(field: FieldSchema): object {
		if (typeof field === "string") return SCALARS[field];
		const patch = field.patch ? { "x-kubernetes-patch-strategy": field.patch.join(",") } : {};
		if (isReference(field)) {
			this.add(field.type);
			return { $ref: this.#prefix + definitionName(field.type), ...patch };
		}
		if (isList(field))
			return {
				type: "array",
				items: this.#property(field.list),
				...(field.as ? { "x-kubernetes-list-type": field.as } : {}),
				...(field.keys ? { "x-kubernetes-list-map-keys": field.keys } : {}),
				...(field.mergeKey ? { "x-kubernetes-patch-merge-key": field.mergeKey } : {}),
				...patch,
			};
		const atomic = isMap(field) && field.atomic ? { "x-kubernetes-map-type": "atomic" } : {};
		return { type: "object", additionalProperties: this.#property(field.map), ...atomic, ...patch };
	}
}

function gvk({ group, version, kind }: ServedResource): object {
	return { group, version, kind };
}

const PARAMETERS = ["dryRun", "fieldManager", "fieldValidation", "pretty"].map((name) => ({
	in: "query",
	name,
	schema: { type: "string", uniqueItems: true },
}));

/** `/openapi/v3`: where each group's document is. */
function index(catalogue: Catalogue): ApiResponse {
	const versions = new Set(catalogue.resources.map(({ apiVersion }) => apiVersion));
	const paths = [...versions].map((apiVersion) => {
		const path = apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`;
		return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${catalogue.schema.release}` }];
	});
	return json(200, { paths: Object.fromEntries(paths) });
}

function collectionPath(resource: ServedResource): string {
	const { group, version, plural, namespaced } = resource;
	const root = group === "" ? `/api/${version}` : `/apis/${apiVersionOf({ group, version })}`;
	return namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
}

/** kubectl looks here for whether a kind's PATCH and POST take `fieldValidation` and `dryRun`. */
function pathsOf(resources: readonly ServedResource[]): Record<string, Record<string, unknown>> {
	const entries = resources.flatMap((resource) => {
		const operation = { parameters: PARAMETERS, "x-kubernetes-group-version-kind": gvk(resource) };
		const collection = collectionPath(resource);
		const verbs = { post: { ...operation, "x-kubernetes-action": "post" } };
		const single = {
			get: { "x-kubernetes-action": "get", "x-kubernetes-group-version-kind": gvk(resource) },
			put: { ...operation, "x-kubernetes-action": "put" },
			patch: { ...operation, "x-kubernetes-action": "patch" },
		};
		return [
			[collection, verbs],
			[`${collection}/{name}`, single],
		];
	});
	return Object.fromEntries(entries);
}

/** undefined: no such document. */
export function openapi(catalogue: Catalogue, pathname: string, accept: readonly MediaType[]): ApiResponse | undefined {
	const info = { title: "Kubernetes", version: `v${catalogue.schema.release}.0` };
	if (pathname === "/openapi/v3") return index(catalogue);
	if (pathname === "/openapi/v2") {
		const document = new Document(catalogue, "#/definitions/");
		for (const { type } of catalogue.resources) document.add(type);
		const definitions = Object.fromEntries(document.definitions);
		const whole = { swagger: "2.0", info, paths: pathsOf(catalogue.resources), definitions };
		if (!isGnostic(accept[0]?.type)) return json(200, whole);
		return { code: 200, headers: { "content-type": GNOSTIC }, body: gnostic(whole) };
	}
	const [, apiVersion] = /^\/openapi\/v3\/apis?\/(.+)$/.exec(pathname) ?? [];
	const resources = catalogue.resources.filter((resource) => resource.apiVersion === apiVersion);
	if (resources.length === 0) return undefined;
	const document = new Document(catalogue, "#/components/schemas/");
	for (const { type } of resources) document.add(type);
	const components = { schemas: Object.fromEntries(document.definitions) };
	return json(200, { openapi: "3.0.0", info, paths: pathsOf(resources), components });
}
