// JSON patch (RFC 6902) with JSON pointers (RFC 6901). Either every operation is done, or none.

import { equalJson, isArray, isObject, type Json, type JsonObject } from "./json.ts";

/** An operation cannot be done: `at` is its place in the patch, 0-based. */
export class JsonPatchError extends Error {
	override readonly name = "JsonPatchError";
	readonly at: number;

	constructor(at: number, message: string) {
		super(message);
		this.at = at;
	}
}

/** What should be a patch is no list. */
export class PatchShapeError extends Error {
	override readonly name = "PatchShapeError";
}

export class TooManyOperations extends Error {
	override readonly name = "TooManyOperations";
}

/** More operations than the API server takes in one patch (k8s.io/apiserver/pkg/endpoints/handlers/patch.go). */
const OPERATIONS_MAX = 10_000;

const MEMBERS: ReadonlySet<string> = new Set(["op", "path", "from", "value"]);

/** Members of operations that none has, `[0].values`. */
export function unknownMembers(patch: Json): string[] {
	if (!isArray(patch)) return [];
	return patch.flatMap((operation, i) =>
		isObject(operation) ? Object.keys(operation).flatMap((name) => (MEMBERS.has(name) ? [] : [`[${i}].${name}`])) : [],
	);
}

/** `target` patched; it is not changed itself. Throws JsonPatchError, PatchShapeError, TooManyOperations. */
export function jsonPatch(target: Json, patch: Json): Json {
	if (!isArray(patch))
		throw new PatchShapeError(`json: cannot unmarshal ${goKind(patch)} into Go value of type []handlers.jsonPatchOp`);
	if (patch.length > OPERATIONS_MAX)
		throw new TooManyOperations(
			`The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`,
		);
	return patch.reduce<Json>((document, operation, at) => {
		if (!isObject(operation)) throw new JsonPatchError(at, "an operation is an object");
		try {
			return perform(document, operation);
		} catch (error) {
			if (error instanceof Refusal) throw new JsonPatchError(at, error.message);
			throw error;
		}
	}, target);
}

function goKind(value: Json): string {
	return typeof value === "object" ? "object" : typeof value === "boolean" ? "bool" : typeof value;
}

class Refusal extends Error {}

function perform(document: Json, operation: JsonObject): Json {
	const path = pointer(operation, "path");
	switch (operation.op) {
		case "add":
			return put(document, path, givenValue(operation), "add");
		case "replace":
			read(document, path, "replace");
			return put(document, path, givenValue(operation), "replace");
		case "remove":
			read(document, path, "remove");
			return without(document, path);
		case "test":
			if (equalJson(read(document, path, "test"), givenValue(operation))) return document;
			throw new Refusal(`testing value ${String(operation.path)} failed: test failed`);
		case "copy":
			return put(document, path, read(document, pointer(operation, "from"), "copy"), "add");
		case "move": {
			const from = pointer(operation, "from");
			const value = read(document, from, "move");
			if (path.length > from.length && from.every((step, i) => step === path[i]))
				throw new Refusal("move operation does not apply: a value cannot be moved into itself");
			return put(without(document, from), path, value, "add");
		}
		default:
			throw new Refusal(`unexpected kind: ${String(operation.op)}`);
	}
}

function givenValue(operation: JsonObject): Json {
	const { value } = operation;
	if (value === undefined) throw new Refusal(`${String(operation.op)} operation without value`);
	return value;
}

function pointer(operation: JsonObject, name: "path" | "from"): string[] {
	const text = operation[name];
	if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
		throw new Refusal(`${String(operation.op)} operation: ${name} ${JSON.stringify(text ?? null)} is no JSON pointer`);
	return text
		.split("/")
		.slice(1)
		.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const missing = (op: string, path: readonly string[]) =>
	new Refusal(`${op} operation does not apply: doc is missing path: "/${path.join("/")}": missing value`);

function read(document: Json, path: readonly string[], op: string): Json {
	return path.reduce<Json>((value, step) => {
		if (isArray(value)) return value[place(step, value.length - 1, op, path)] as Json;
		if (isObject(value) && Object.hasOwn(value, step)) return value[step] as Json;
		throw missing(op, path);
	}, document);
}

function place(step: string, last: number, op: string, path: readonly string[]): number {
	if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) > last) throw missing(op, path);
	return Number(step);
}

/** `whole` is the path for messages, `depth` how far it has been followed. */
function put(value: Json, whole: readonly string[], wanted: Json, op: "add" | "replace", depth = 0): Json {
	const step = whole[depth];
	if (step === undefined) return wanted;
	const last = depth === whole.length - 1;
	if (isArray(value)) {
		const items = [...value];
		if (last && op === "add")
			items.splice(step === "-" ? items.length : place(step, items.length, op, whole), 0, wanted);
		else {
			const i = place(step, items.length - 1, op, whole);
			items[i] = put(items[i] as Json, whole, wanted, op, depth + 1);
		}
		return items;
	}
	if (!isObject(value) || !(last || Object.hasOwn(value, step))) throw missing(op, whole);
	const members = new Map(Object.entries(value));
	members.set(step, last ? wanted : put(value[step] as Json, whole, wanted, op, depth + 1));
	return Object.fromEntries(members);
}

/** The caller has seen that the path leads somewhere. */
function without(value: Json, path: readonly string[], depth = 0): Json {
	const step = path[depth];
	if (step === undefined) return null;
	const last = depth === path.length - 1;
	if (isArray(value)) {
		const i = Number(step);
		if (last) return value.filter((_, at) => at !== i);
		return value.map((item, at) => (at === i ? without(item, path, depth + 1) : item));
	}
	const members = new Map(Object.entries(value as JsonObject));
	if (last) members.delete(step);
	else members.set(step, without(members.get(step) as Json, path, depth + 1));
	return Object.fromEntries(members);
}
