// Kubernetes objects out of protobuf, as kubectl's typed commands send them: the envelope (k8s.io/apimachinery/pkg/runtime:
// Unknown, serializer/protobuf/protobuf.go), and in it the message of a type, as the JSON that Go would have made of it. Integers
// beyond 2⁵³ lose their last digits, as they do in JSON here.

import { isList, isMap, isReference } from "../../api/schema/lookup.ts";
import { protobuf } from "../../api/schema/protobuf.generated.ts";
import type { ApiSchema, FieldSchema, ProtobufMessage, Scalar } from "../../api/schema/schema.ts";
import type { Json } from "../patch/json.ts";
import { fieldsOf, packedOf, textOf, WireError, type WireField } from "./wire.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const MAGIC = [0x6b, 0x38, 0x73, 0]; // "k8s\0"
const DEPTH_MAX = 100;

export interface Envelope {
	apiVersion: string;
	kind: string;
	/** The message itself. */
	raw: Uint8Array;
}

/** Throws WireError. */
export function openEnvelope(body: Uint8Array): Envelope {
	if (!MAGIC.every((byte, i) => body[i] === byte)) throw new WireError("the body does not begin with the bytes k8s\\0");
	const envelope: Envelope = { apiVersion: "", kind: "", raw: new Uint8Array() };
	for (const { number, value } of fieldsOf(body.subarray(MAGIC.length))) {
		if (number === 2) envelope.raw = bytesOf(value);
		if (number !== 1) continue;
		for (const named of fieldsOf(bytesOf(value))) {
			if (named.number === 1) envelope.apiVersion = textOf(bytesOf(named.value));
			if (named.number === 2) envelope.kind = textOf(bytesOf(named.value));
		}
	}
	return envelope;
}

/** The message as JSON; undefined where the type has no form in protobuf. Throws WireError. */
export function unmarshal(schema: ApiSchema, type: string, raw: Uint8Array): Json | undefined {
	return Object.hasOwn(protobuf, type) ? struct(schema, type, raw, 0) : undefined;
}

function struct(schema: ApiSchema, type: string, bytes: Uint8Array, depth: number): Json {
	const message = Object.hasOwn(protobuf, type) ? protobuf[type] : undefined;
	const fields = schema.types[type]?.fields;
	if (message === undefined || fields === undefined) throw new WireError(`${type} has no form in protobuf`);
	const members = new Map<string, Json>();
	fill(schema, message, fields, bytes, members, depth);
	return Object.fromEntries(members);
}

function fill(
	schema: ApiSchema,
	message: ProtobufMessage,
	fields: Readonly<Record<string, FieldSchema>>,
	bytes: Uint8Array,
	members: Map<string, Json>,
	depth: number,
): void {
	if (depth > DEPTH_MAX) throw new WireError(`nested deeper than ${DEPTH_MAX}`);
	for (const { number, value } of fieldsOf(bytes)) {
		const known = message[number];
		// Of a newer client.
		if (known === undefined) continue;
		if (typeof known === "object") {
			fill(schema, known, fields, bytesOf(value), members, depth + 1);
			continue;
		}
		const name = known.replace("?", "");
		const field = fields[name] as FieldSchema;
		if (isList(field)) {
			const list = (members.get(name) ?? []) as Json[];
			for (const item of items(schema, field.list, value, depth + 1)) list.push(item);
			members.set(name, list);
		} else if (isMap(field)) {
			// Without a prototype: a key named `__proto__` is a key like any other.
			const map = (members.get(name) ?? Object.create(null)) as Record<string, Json>;
			const [key, item] = entry(schema, field.map, bytesOf(value), depth + 1);
			map[key] = item;
			members.set(name, map);
		} else {
			const read = single(schema, field, value, depth + 1);
			const isZero = read === "" || read === 0 || read === false;
			if (read !== null && !(isZero && name !== known)) members.set(name, read);
		}
	}
}

function items(schema: ApiSchema, field: FieldSchema, value: WireField["value"], depth: number): Json[] {
	const packed = (field === "int32" || field === "int64" || field === "boolean") && value instanceof Uint8Array;
	const values = packed ? [...packedOf(value)] : [value];
	return values.map((one) => single(schema, field, one, depth));
}

// A key and a value: field 1 and 2 of a message of their own.
function entry(schema: ApiSchema, field: FieldSchema, bytes: Uint8Array, depth: number): [string, Json] {
	let [key, item]: [string, Json] = ["", typeof field === "string" ? "" : {}];
	for (const { number, value } of fieldsOf(bytes)) {
		if (number === 1) key = textOf(bytesOf(value));
		if (number === 2) item = single(schema, field, value, depth);
	}
	return [key, item];
}

function single(schema: ApiSchema, field: FieldSchema, value: WireField["value"], depth: number): Json {
	if (isReference(field)) return struct(schema, field.type, bytesOf(value), depth);
	// A list that is an item or a map's value is a message with the items as its field 1 (`ExtraValue`).
	if (isList(field))
		return [...fieldsOf(bytesOf(value))].flatMap((one) => items(schema, field.list, one.value, depth + 1));
	if (isMap(field)) throw new WireError("a map of maps has no form in protobuf");
	return scalar(field, value);
}

function scalar(field: Scalar, value: WireField["value"]): Json {
	switch (field) {
		case "string":
			return textOf(bytesOf(value));
		case "int32":
		case "int64":
			return Number(BigInt.asIntN(64, numberOf(value)));
		case "boolean":
			return numberOf(value) !== 0n;
		case "number":
			return new Float64Array(BigUint64Array.of(numberOf(value)).buffer)[0] ?? 0;
		case "bytes":
			return base64(bytesOf(value));
		case "time":
		case "microTime":
			return time(bytesOf(value), field === "microTime");
		case "quantity":
			return textOf(bytesOf(member(bytesOf(value), 1) ?? new Uint8Array()));
		case "intOrString":
			return intOrString(bytesOf(value));
		case "object":
		case "any":
			return raw(bytesOf(member(bytesOf(value), 1) ?? new Uint8Array()));
	}
}

/** The last one, as a singular field has it. */
function member(bytes: Uint8Array, wanted: number): WireField["value"] | undefined {
	let found: WireField["value"] | undefined;
	for (const { number, value } of fieldsOf(bytes)) if (number === wanted) found = value;
	return found;
}

function time(bytes: Uint8Array, micro: boolean): string | null {
	const seconds = member(bytes, 1);
	if (seconds === undefined) return null;
	const ms = Number(BigInt.asIntN(64, numberOf(seconds))) * 1000;
	if (!(Math.abs(ms) <= 8.64e15)) throw new WireError(`a time of ${ms} ms since 1970`);
	const text = new Date(ms).toISOString().replace(/\.\d+Z$/, "");
	const nanos = numberOf(member(bytes, 2) ?? 0n);
	return micro ? `${text}.${String(nanos / 1000n).padStart(6, "0")}Z` : `${text}Z`;
}

function intOrString(bytes: Uint8Array): Json {
	if (numberOf(member(bytes, 1) ?? 0n) === 0n) return Number(BigInt.asIntN(64, numberOf(member(bytes, 2) ?? 0n)));
	return textOf(bytesOf(member(bytes, 3) ?? new Uint8Array()));
}

/** JSON within the message: RawExtension, FieldsV1. */
function raw(bytes: Uint8Array): Json {
	if (bytes.length === 0) return null;
	try {
		return JSON.parse(textOf(bytes));
	} catch {
		throw new WireError("raw bytes that are no JSON");
	}
}

function base64(bytes: Uint8Array): string {
	return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function bytesOf(value: WireField["value"]): Uint8Array {
	if (value instanceof Uint8Array) return value;
	throw new WireError("a number where bytes were expected");
}

function numberOf(value: WireField["value"]): bigint {
	if (typeof value === "bigint") return value;
	throw new WireError("bytes where a number was expected");
}
