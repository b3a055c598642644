// YAML text to documents, read as kubectl reads it: scalars by `scalar.ts`, keys become strings, `<<` merges in the
// order of the text (a later field overwrites an earlier one, whichever is merged), a duplicate key is an error unless
// `strict` is off (then the last wins, as in kubectl). Parsing is the `yaml` package's; limits are checked on its
// tokens, before anything recursive walks them.

import {
	Composer,
	type CST,
	isAlias,
	isMap,
	isPair,
	isScalar,
	isSeq,
	Parser,
	type Scalar,
	type YAMLMap,
	type Document as YamlDocument,
} from "yaml";
import { type Document, type Limits, Places, type Text } from "./document.ts";
import type { ManifestError } from "./error.ts";
import { quote } from "./error.ts";
import { keyText, resolvePlain, tagOf } from "./scalar.ts";

export interface YamlOptions {
	limits: Limits;
	/** Duplicate keys are errors. */
	strict: boolean;
}

/** Documents of a YAML text, and every error in it. A document with an error is left out. */
export function parseYaml(text: Text, options: YamlOptions): { documents: Document[]; errors: ManifestError[] } {
	const documents: Document[] = [];
	const errors: ManifestError[] = [];
	// Scalars are resolved here, from their source text: the composer need not guess.
	const composer = new Composer({ schema: "failsafe", uniqueKeys: false, prettyErrors: false, logLevel: "silent" });
	const take = (composed: Iterable<YamlDocument.Parsed>): void => {
		for (const document of composed) {
			const read = readDocument(text, document, options);
			if ("errors" in read) errors.push(...read.errors);
			else if (read.root !== null) documents.push(read);
		}
	};
	for (const token of new Parser().parse(text.text)) {
		const deep = tooDeep(token, options.limits.depthMax);
		if (deep >= 0) {
			errors.push(text.error(deep, "", `nested deeper than ${options.limits.depthMax} levels`));
			return { documents, errors };
		}
		take(composer.next(token));
		if (documents.length > options.limits.documentsMax) {
			errors.push(text.error(token.offset ?? 0, "", `more than ${options.limits.documentsMax} documents in one file`));
			return { documents, errors };
		}
	}
	take(composer.end(false, text.text.length));
	return { documents, errors };
}

/** Offset at which the token nests deeper than `depthMax`, or -1. Iterative: a hostile text nests 10⁶ deep. */
function tooDeep(root: CST.Token, depthMax: number): number {
	const stack: { token: CST.Token | null | undefined; depth: number }[] = [{ token: root, depth: 0 }];
	for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
		const { token, depth } = entry;
		if (token === null || token === undefined) continue;
		if (depth > depthMax) return token.offset ?? 0;
		if (token.type === "document") stack.push({ token: token.value, depth });
		if (!("items" in token)) continue;
		for (const item of token.items) {
			stack.push({ token: item.value, depth: depth + 1 });
			if (item.key) stack.push({ token: item.key, depth: depth + 1 });
		}
	}
	return -1;
}

function readDocument(
	text: Text,
	document: YamlDocument.Parsed,
	options: YamlOptions,
): Document | { errors: ManifestError[] } {
	if (document.errors.length > 0) {
		return { errors: document.errors.map((error) => text.error(error.pos[0], "", `YAML: ${lower(error.message)}`)) };
	}
	const reader = new Reader(text, document, options);
	const root = reader.value(document.contents);
	if (reader.errors.length > 0) return { errors: reader.errors };
	return { text, root, offset: offsetOf(document.contents) ?? document.range[0], places: reader.places };
}

function lower(message: string): string {
	return message.charAt(0).toLowerCase() + message.slice(1);
}

function offsetOf(node: unknown): number | undefined {
	const range = (node as { range?: [number, number, number] | null } | null)?.range;
	return range?.[0];
}

/** Turns the nodes of one document into plain values. */
class Reader {
	readonly places = new Places();
	readonly errors: ManifestError[] = [];
	private readonly text: Text;
	private readonly document: YamlDocument.Parsed;
	private readonly options: YamlOptions;
	private aliasCount = 0;
	/** Anchors being expanded now: one that contains itself has no value. */
	private readonly open = new Set<string>();

	constructor(text: Text, document: YamlDocument.Parsed, options: YamlOptions) {
		this.text = text;
		this.document = document;
		this.options = options;
	}

	value(node: unknown): unknown {
		if (isScalar(node)) return this.scalar(node);
		if (isMap(node)) return this.map(node);
		if (isSeq(node)) return this.list(node);
		if (isAlias(node)) return this.alias(node);
		return null;
	}

	private fail(node: unknown, detail: string): null {
		if (this.errors.length < this.options.limits.errorsMax) {
			this.errors.push(this.text.error(offsetOf(node) ?? 0, "", `YAML: ${detail}`));
		}
		return null;
	}

	private list(node: { items: unknown[] }): unknown[] {
		const list: unknown[] = [];
		for (const item of node.items) {
			const at = offsetOf(item) ?? 0;
			this.places.set(list, String(list.length), { key: at, value: at });
			list.push(this.value(item));
		}
		return list;
	}

	private map(node: YAMLMap): Record<string, unknown> {
		const map: Record<string, unknown> = Object.create(null);
		const own = new Set<string>();
		for (const pair of node.items) {
			if (!isPair(pair)) continue;
			if (isMergeKey(pair.key)) this.merge(map, pair.value);
			else this.field(map, own, pair.key, pair.value);
		}
		return map;
	}

	private field(map: Record<string, unknown>, own: Set<string>, keyNode: unknown, valueNode: unknown): void {
		const key = keyText(this.value(keyNode));
		if (key === null) {
			this.fail(keyNode, "a key must be a string, a number or a boolean");
			return;
		}
		if (own.has(key) && this.options.strict) {
			this.fail(keyNode, `key ${quote(key)} is already defined in this map`);
			return;
		}
		own.add(key);
		map[key] = this.value(valueNode);
		const at = offsetOf(keyNode) ?? 0;
		this.places.set(map, key, { key: at, value: offsetOf(valueNode) ?? at });
	}

	/** `<<: *a` or `<<: [*a, *b]`: in a list the first one wins. */
	private merge(map: Record<string, unknown>, node: unknown): void {
		const source = this.value(node);
		const sources = Array.isArray(source) ? [...source].reverse() : [source];
		for (const from of sources) {
			if (typeof from !== "object" || from === null || Array.isArray(from)) {
				this.fail(node, "a merge key (<<) needs a map or a list of maps");
				return;
			}
			for (const [key, value] of Object.entries(from)) {
				map[key] = value;
				this.places.copy(from, map, key);
			}
		}
	}

	private alias(node: { source: string; resolve(document: YamlDocument.Parsed): unknown }): unknown {
		this.aliasCount++;
		const { aliasesMax } = this.options.limits;
		if (this.aliasCount > aliasesMax) {
			return this.aliasCount === aliasesMax + 1
				? this.fail(node, `more than ${aliasesMax} alias expansions in one document`)
				: null;
		}
		if (this.open.has(node.source)) return this.fail(node, `anchor ${quote(node.source)} contains itself`);
		const target = node.resolve(this.document);
		if (target === undefined) return this.fail(node, `no anchor ${quote(node.source)} above this alias`);
		this.open.add(node.source);
		const value = this.value(target);
		this.open.delete(node.source);
		return value;
	}

	private scalar(node: Scalar): unknown {
		const source = node.source ?? "";
		if (source.length > this.options.limits.scalarCharsMax) {
			return this.fail(node, `a scalar of more than ${this.options.limits.scalarCharsMax} characters`);
		}
		const plain = node.type === "PLAIN";
		const tag = node.tag;
		if (tag === undefined) return plain ? this.finite(node, resolvePlain(source)) : source;
		return this.tagged(node, tag, source, plain);
	}

	/** An explicit tag: the core ones convert or refuse, any other leaves the text. */
	private tagged(node: Scalar, tag: string, source: string, plain: boolean): unknown {
		const name = tag.replace(/^tag:yaml\.org,2002:/, "");
		if (name === "binary") return this.binary(node, source);
		if (name !== "int" && name !== "float" && name !== "bool" && name !== "null") return source;
		const value = plain || name !== "null" ? resolvePlain(source) : source;
		const found = tagOf(value);
		if (found !== name && !(name === "float" && found === "int")) {
			return this.fail(node, `!!${name} cannot hold ${quote(source)}`);
		}
		return this.finite(node, value);
	}

	private finite(node: Scalar, value: unknown): unknown {
		if (typeof value === "number" && !Number.isFinite(value))
			return this.fail(node, "infinity and NaN have no JSON form");
		return value;
	}

	private binary(node: Scalar, source: string): unknown {
		try {
			const bytes = Uint8Array.from(atob(source.replace(/\s/g, "")), (character) => character.charCodeAt(0));
			return new TextDecoder().decode(bytes);
		} catch {
			return this.fail(node, "!!binary is not base64");
		}
	}
}

function isMergeKey(node: unknown): boolean {
	return isScalar(node) && node.type === "PLAIN" && node.source === "<<" && node.tag === undefined;
}
