// The OpenAPI v2 document in the protobuf that kubectl before 1.27 asks for (github.com/google/gnostic-models/openapiv2/
// OpenAPIv2.proto): definitions with their extensions, and of paths what says which parameters an operation takes.

import { bytesField, flagField, message, textField } from "./writing.ts";

/** The document's media type; clients of old ask for it with an `@` that no media type may have (RFC 6838, 4.2). */
export const GNOSTIC = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export function isGnostic(type: string | undefined): boolean {
	return type?.replace("@", ".") === GNOSTIC;
}

type Json = Readonly<Record<string, unknown>>;

export interface OpenApiV2 {
	swagger: string;
	info: { title: string; version: string };
	paths: Readonly<Record<string, Json>>;
	definitions: Readonly<Record<string, Json>>;
}

const OPERATIONS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

export function gnostic({ swagger, info, paths, definitions }: OpenApiV2): Uint8Array {
	return message([
		textField(1, swagger),
		bytesField(2, message([textField(1, info.title), textField(2, info.version)])),
		bytesField(8, message(named(2, paths, pathItem))),
		bytesField(9, message(named(1, definitions, schema))),
	]);
}

/** A field each: a name, and what it names. */
function named(field: number, values: Json, write: (value: Json) => Uint8Array): Uint8Array[] {
	return Object.entries(values).map(([name, value]) =>
		bytesField(field, message([textField(1, name), bytesField(2, write(value as Json))])),
	);
}

function extensions(field: number, value: Json): Uint8Array[] {
	return Object.entries(value)
		.filter(([name]) => name.startsWith("x-"))
		.map(([name, held]) =>
			// JSON is YAML.
			bytesField(field, message([textField(1, name), bytesField(2, textField(2, JSON.stringify(held)))])),
		);
}

function pathItem(value: Json): Uint8Array {
	const operations = Object.entries(value).flatMap(([method, held]) => {
		const field = OPERATIONS[method];
		return field === undefined ? [] : [bytesField(field, operation(held as Json))];
	});
	return message(operations);
}

function operation(value: Json): Uint8Array {
	const parameters = ((value.parameters ?? []) as Json[]).map((parameter) => {
		const query = message([
			...[textField(2, String(parameter.in)), textField(4, String(parameter.name)), textField(6, "string")],
			flagField(20, true),
		]);
		return bytesField(8, bytesField(1, bytesField(2, bytesField(3, query))));
	});
	return message([...parameters, bytesField(9, message([])), ...extensions(13, value)]);
}

function schema(value: Json): Uint8Array {
	const { $ref, format, required, additionalProperties, type, items, properties } = value;
	return message([
		...(typeof $ref === "string" ? [textField(1, $ref)] : []),
		...(typeof format === "string" ? [textField(2, format)] : []),
		...((required ?? []) as string[]).map((name) => textField(19, name)),
		...(additionalProperties ? [bytesField(21, bytesField(1, schema(additionalProperties as Json)))] : []),
		...(typeof type === "string" ? [bytesField(22, textField(1, type))] : []),
		...(items ? [bytesField(23, bytesField(1, schema(items as Json)))] : []),
		...(properties ? [bytesField(25, message(named(1, properties as Json, schema)))] : []),
		...extensions(31, value),
	]);
}
