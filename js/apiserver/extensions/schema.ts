// Structural schemas of custom resources (k8s.io/apiextensions-apiserver/pkg/apiserver/schema): what a
// CustomResourceDefinition says of an object, and the same as types for patches and for server-side apply.

import type { FieldSchema, TypeSchema } from "../../api/schema/schema.ts";
import type { Json } from "../patch/json.ts";

export interface Rule {
	rule: string;
	message?: string;
	messageExpression?: string;
	reason?: string;
	fieldPath?: string;
	optionalOldSelf?: boolean;
}

/** JSONSchemaProps, as far as a structural schema has them. */
export interface Schema {
	type?: string;
	format?: string;
	properties?: Readonly<Record<string, Schema>>;
	additionalProperties?: Schema | boolean;
	items?: Schema;
	required?: readonly string[];
	default?: Json;
	nullable?: boolean;
	enum?: readonly Json[];
	pattern?: string;
	minLength?: number;
	maxLength?: number;
	minimum?: number;
	maximum?: number;
	exclusiveMinimum?: boolean;
	exclusiveMaximum?: boolean;
	multipleOf?: number;
	minItems?: number;
	maxItems?: number;
	uniqueItems?: boolean;
	minProperties?: number;
	maxProperties?: number;
	allOf?: readonly Schema[];
	anyOf?: readonly Schema[];
	oneOf?: readonly Schema[];
	not?: Schema;
	"x-kubernetes-preserve-unknown-fields"?: boolean;
	"x-kubernetes-embedded-resource"?: boolean;
	"x-kubernetes-int-or-string"?: boolean;
	"x-kubernetes-list-type"?: "atomic" | "set" | "map";
	"x-kubernetes-list-map-keys"?: readonly string[];
	"x-kubernetes-map-type"?: "atomic" | "granular";
	"x-kubernetes-validations"?: readonly Rule[];
}

export const preserves = (schema: Schema) => schema["x-kubernetes-preserve-unknown-fields"] === true;

/** What every object has, whatever its schema says. */
const META: Readonly<Record<string, FieldSchema>> = {
	apiVersion: "string",
	kind: "string",
	metadata: { type: "meta.v1.ObjectMeta" },
};

/** The types of a schema, the object's own under `name`, those inside it below that name. */
export function typesOf(name: string, schema: Schema | undefined): Record<string, TypeSchema> {
	const types: Record<string, TypeSchema> = {};
	const struct = (type: string, { properties = {}, required, ...rest }: Schema, more = {}): void => {
		const fields = Object.entries(properties).map(([field, inner]) => [field, fieldOf(`${type}.${field}`, inner)]);
		types[type] = {
			fields: { ...Object.fromEntries(fields), ...more },
			...(required === undefined ? {} : { required }),
			...(rest["x-kubernetes-map-type"] === "atomic" ? { atomic: true } : {}),
		};
	};
	const fieldOf = (type: string, inner: Schema): FieldSchema => {
		if (inner["x-kubernetes-int-or-string"] === true) return "intOrString";
		if (inner.type === "array") {
			const as = inner["x-kubernetes-list-type"];
			const keys = inner["x-kubernetes-list-map-keys"];
			const list = fieldOf(`${type}[]`, inner.items ?? {});
			return { list, as: as ?? "atomic", ...(keys === undefined ? {} : { keys }) };
		}
		if (inner.type === "object" && inner.properties !== undefined && !preserves(inner)) {
			struct(type, inner);
			return { type };
		}
		if (inner.type === "object" && typeof inner.additionalProperties === "object")
			return { map: fieldOf(`${type}{}`, inner.additionalProperties) };
		if (inner.type === "integer") return inner.format === "int32" ? "int32" : "int64";
		if (inner.type === "string") return "string";
		return inner.type === "number" || inner.type === "boolean" ? inner.type : "any";
	};
	struct(name, schema ?? {}, META);
	return types;
}
