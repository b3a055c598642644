// The structure of API types: what fields they have, how lists and maps merge. Values are made by `scripts/openapi.ts` out of
// the OpenAPI v2 document of a Kubernetes release, and out of CustomResourceDefinitions at run time.

/**
 * What a field holds. Scalars by name: `int32` and `int64` are integers, `number` is a double, `bytes` base64 text, `time` and
 * `microTime` RFC 3339, `intOrString` and `quantity` as upstream's types of those names, `any` any JSON value, `object` any JSON
 * object (FieldsV1, RawExtension).
 */
export type FieldSchema = Scalar | TypeReference | ListSchema | MapSchema;

export type Scalar =
	| "string"
	| "int32"
	| "int64"
	| "number"
	| "boolean"
	| "bytes"
	| "time"
	| "microTime"
	| "intOrString"
	| "quantity"
	| "any"
	| "object";

export interface TypeReference {
	/** A name in `ApiSchema.types`. */
	type: string;
	/** x-kubernetes-map-type of the field: server-side apply owns it as a whole. */
	atomic?: true;
	/** `$patch` strategies of a strategic merge: `retainKeys`, `replace`. */
	patch?: readonly string[];
}

export interface ListSchema {
	list: FieldSchema;
	/** x-kubernetes-list-type (KEP-555); none is `atomic` to server-side apply. */
	as?: "atomic" | "set" | "map";
	/** x-kubernetes-list-map-keys, of `as: "map"`. */
	keys?: readonly string[];
	/** x-kubernetes-patch-merge-key and -strategy: a strategic merge merges items of equal key; without, it replaces the list. */
	mergeKey?: string;
	patch?: readonly string[];
}

export interface MapSchema {
	map: FieldSchema;
	atomic?: true;
	patch?: readonly string[];
}

export interface TypeSchema {
	fields: Readonly<Record<string, FieldSchema>>;
	required?: readonly string[];
	/** x-kubernetes-map-type atomic: owned as a whole wherever it is used. */
	atomic?: true;
}

/** One resource of a group and version, as discovery tells it. */
export interface ResourceSchema {
	/** `` is the core group. */
	group: string;
	version: string;
	kind: string;
	/** As in paths. */
	plural: string;
	namespaced: boolean;
	/** get list watch create update patch delete deletecollection, in discovery's order. */
	verbs: readonly string[];
	/** `status`, `scale`, `binding` … with the kind that they take and their verbs. */
	subresources: Readonly<Record<string, { group: string; version: string; kind: string; verbs: readonly string[] }>>;
	/** A name in `ApiSchema.types`. */
	type: string;
}

export interface ApiSchema {
	/** The release, `1.36`. */
	release: string;
	resources: readonly ResourceSchema[];
	types: Readonly<Record<string, TypeSchema>>;
}

/**
 * A message of protobuf by field number: the name that JSON has for the field, with `?` where JSON leaves the zero value out, or
 * the message of a Go struct whose fields JSON has at this level.
 */
export interface ProtobufMessage {
	readonly [number: number]: string | ProtobufMessage;
}
