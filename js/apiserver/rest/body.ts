// A request's body by its media type: JSON, YAML where the caller can read it, and Kubernetes' protobuf
// (k8s.io/apiserver/pkg/endpoints/handlers/negotiation, k8s.io/apimachinery/pkg/runtime/serializer).

import type { ApiSchema } from "../../api/schema/schema.ts";
import { DEPTH_MAX } from "../decode.ts";
import { isObject, type Json } from "../patch/json.ts";
import { unknownMembers } from "../patch/jsonpatch.ts";
import { openEnvelope, PROTOBUF, unmarshal } from "../protobuf/unmarshal.ts";
import { WireError } from "../protobuf/wire.ts";
import { APPLY_PATCH } from "../registry/apply.ts";
import { JSON_PATCH } from "../registry/patch.ts";
import { badRequest, tooLarge, unsupportedMediaType } from "../status.ts";
import { parseMediaType } from "./accept.ts";
import { duplicateFields } from "./duplicates.ts";
import type { ApiRequest } from "./message.ts";

/** Bytes of a body, at most. */
export const BODY_MAX = 3 * 1024 * 1024;

const JSON_TYPE = "application/json";
export const YAML = "application/yaml";

/** One document as JSON has it; `strict` refuses duplicate keys. Throws Error with a message for people. */
export type ReadYaml = (text: string, strict: boolean) => unknown;

/** What kind of object is meant; the type names its message. */
interface Expected {
	kind: string;
	type: string;
}

export class Body {
	readonly type: string;
	readonly #bytes: Uint8Array;
	readonly #yaml: ReadYaml | undefined;
	readonly #strict: boolean;

	/** `strict`: YAML may not say a thing twice. Throws StatusError 413. */
	constructor({ headers, body }: ApiRequest, yaml: ReadYaml | undefined, strict: boolean) {
		if (body.length > BODY_MAX) throw tooLarge(`limit is ${BODY_MAX}`);
		this.#bytes = body;
		this.#yaml = yaml;
		this.#strict = strict;
		this.type = parseMediaType(headers["content-type"] ?? JSON_TYPE).type;
	}

	get isEmpty(): boolean {
		return this.#bytes.length === 0;
	}

	/** What is wrong with a body of JSON that can be read all the same, as messages say it; of an apply patch nothing is said. */
	get oddities(): string[] {
		const isJson = this.type === JSON_TYPE || this.type.endsWith("+json");
		if (!isJson || this.isEmpty) return [];
		const text = new TextDecoder().decode(this.#bytes);
		const twice = duplicateFields(text).map((path) => `duplicate field "${path}"`);
		if (this.type !== JSON_PATCH) return twice;
		const unknown = unknownMembers(JSON.parse(text) as Json).map((path) => `unknown field "${path}"`);
		return [...twice, ...unknown].map((said) => `json patch ${said}`);
	}

	/** A patch: JSON whatever its media type, an apply patch YAML. Throws StatusError 400. */
	patch(kind: string): Json {
		return this.type === APPLY_PATCH ? this.#apply(kind) : this.#json(kind);
	}

	// JSON is YAML too, and what programs send.
	#apply(kind: string): Json {
		if (this.#bytes[0] === 0x7b || this.#yaml === undefined) return this.#json(kind);
		return this.#yamlDocument(kind, this.#yaml);
	}

	/** An object; `null` is one in which nothing is said. Throws StatusError 400 and 415. */
	object(schema: ApiSchema, expected: Expected): Json {
		return this.#read(schema, expected) ?? {};
	}

	#read(schema: ApiSchema, { kind, type }: Expected): Json {
		if (this.type === JSON_TYPE) return this.#json(kind);
		if (this.type === YAML && this.#yaml !== undefined) return this.#yamlDocument(kind, this.#yaml);
		if (this.type === PROTOBUF) return this.#protobuf(schema, kind, type);
		throw unsupportedMediaType([JSON_TYPE, ...(this.#yaml === undefined ? [] : [YAML]), PROTOBUF]);
	}

	#protobuf(schema: ApiSchema, kind: string, type: string): Json {
		try {
			const envelope = openEnvelope(this.#bytes);
			// The envelope says what is inside; who says nothing means what the path does.
			const named = Object.fromEntries(
				[
					["apiVersion", envelope.apiVersion],
					["kind", envelope.kind],
				].filter(([, value]) => value !== ""),
			);
			if (envelope.kind !== "" && envelope.kind !== kind) return named;
			const object = unmarshal(schema, type, envelope.raw);
			if (object === undefined) throw unsupportedMediaType([JSON_TYPE]);
			return { ...named, ...(isObject(object) ? object : {}) };
		} catch (error) {
			if (error instanceof WireError) throw unrecognised(kind, error);
			throw error;
		}
	}

	#json(kind: string): Json {
		const text = this.#text(kind);
		if (isNestedDeeper(text, DEPTH_MAX)) throw unrecognised(kind, new Error(`nested deeper than ${DEPTH_MAX}`));
		try {
			return JSON.parse(text);
		} catch {
			// What exactly is wrong every host says in its own words.
			throw unrecognised(kind, new Error("invalid JSON"));
		}
	}

	#yamlDocument(kind: string, yaml: ReadYaml): Json {
		const text = this.#text(kind);
		try {
			return yaml(text, this.#strict) as Json;
		} catch (error) {
			throw unrecognised(kind, error as Error);
		}
	}

	#text(kind: string): string {
		try {
			return new TextDecoder("utf-8", { fatal: true }).decode(this.#bytes);
		} catch {
			throw unrecognised(kind, new Error("invalid UTF-8"));
		}
	}
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPEN: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSE: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether brackets of the JSON text nest deeper: what walks the value afterwards calls itself. */
function isNestedDeeper(text: string, most: number): boolean {
	let depth = 0;
	let quoted = false;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (quoted && code === BACKSLASH) i++;
		else if (code === QUOTE) quoted = !quoted;
		else if (!quoted && OPEN.has(code)) depth++;
		else if (!quoted && CLOSE.has(code)) depth--;
		if (depth > most) return true;
	}
	return false;
}

function unrecognised(kind: string, { message }: Error): Error {
	return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${message}`);
}
