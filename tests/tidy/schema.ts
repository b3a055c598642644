// TypeScript types of answers to JSON Schema (draft 2020-12): what the published schemas in docs/schema are made of, so that
// they cannot drift. `node scripts/ts.mjs tests/tidy/schema.ts` writes them; schema.test.ts holds them to the types.
// Interfaces of literals, strings, numbers, booleans, arrays, records, unions with null; anything else is an error.

import { readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

export type Schema = { [key: string]: unknown };

export const PUBLISHED = [
	{ file: "docs/schema/trace.json", source: "js/trace/path.ts", type: "TracePath", title: "podwire trace -o json" },
	{
		file: "docs/schema/replay.json",
		source: "js/replay/report.ts",
		type: "ReplayReport",
		title: "podwire replay -o json",
	},
	{ file: "docs/schema/flow.json", source: "js/replay/flow.ts", type: "FlowReport", title: "a line of --per-flow" },
];

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The schema of an exported type, with the types that it names under `$defs`. */
export function schemaOf(source: string, type: string, title: string): Schema {
	const conversion = new Conversion();
	const { $ref } = conversion.named(source, type);
	const { [type]: root, ...defs } = conversion.defs;
	return {
		$schema: "https://json-schema.org/draft/2020-12/schema",
		title,
		...(root as Schema),
		...(Object.keys(defs).length > 0 ? { $defs: defs } : {}),
		...($ref === `#/$defs/${type}` ? {} : { $ref }),
	};
}

class Conversion {
	readonly defs: Schema = {};
	readonly #files = new Map<string, ts.SourceFile>();

	named(source: string, name: string): Schema {
		const found = this.#find(source, name);
		if (!(name in this.defs)) {
			this.defs[name] = null;
			const { declaration, file } = found;
			this.defs[name] = ts.isInterfaceDeclaration(declaration)
				? this.#interface(declaration, file)
				: { ...describe(declaration), ...this.#type(declaration.type, file) };
		}
		return { $ref: `#/$defs/${name}` };
	}

	#file(path: string): ts.SourceFile {
		const known = this.#files.get(path);
		if (known !== undefined) return known;
		const file = ts.createSourceFile(path, readFileSync(ROOT + path, "utf8"), ts.ScriptTarget.ES2022, true);
		this.#files.set(path, file);
		return file;
	}

	/** The declaration of a name in a file, or in the file that it is imported from. */
	#find(path: string, name: string): { declaration: ts.InterfaceDeclaration | ts.TypeAliasDeclaration; file: string } {
		for (const node of this.#file(path).statements) {
			const declares = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
			if (declares && node.name.text === name) return { declaration: node, file: path };
			if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) continue;
			const bindings = node.importClause?.namedBindings;
			if (!bindings || !ts.isNamedImports(bindings) || !bindings.elements.some((one) => one.name.text === name))
				continue;
			return this.#find(posix.join(posix.dirname(path), node.moduleSpecifier.text), name);
		}
		throw new RangeError(`${path}: there is no type ${name}`);
	}

	#interface(node: ts.InterfaceDeclaration, file: string): Schema {
		const bases = (node.heritageClauses ?? []).flatMap((clause) =>
			clause.types.map((base) => base.expression.getText()),
		);
		for (const base of bases) this.named(file, base);
		const inherited = bases.map((base) => this.#base(file, base));
		const own = this.#members(node.members, file);
		return {
			...describe(node),
			type: "object",
			properties: Object.assign({}, ...inherited.map(({ properties }) => properties), own.properties),
			required: [...inherited.flatMap(({ required }) => required as string[]), ...(own.required as string[])],
		};
	}

	#base(file: string, name: string): Schema {
		const { declaration, file: from } = this.#find(file, name);
		if (!ts.isInterfaceDeclaration(declaration)) throw new RangeError(`${name} is no interface`);
		return this.#interface(declaration, from);
	}

	#members(members: ts.NodeArray<ts.TypeElement>, file: string): Schema {
		const properties: Schema = {};
		const required: string[] = [];
		for (const member of members) {
			if (!ts.isPropertySignature(member) || !member.type || !member.name)
				throw new RangeError(`${file}: ${member.getText()}`);
			const name = member.name.getText();
			properties[name] = { ...describe(member), ...this.#type(member.type, file) };
			if (!member.questionToken) required.push(name);
		}
		return { type: "object", properties, required };
	}

	#type(node: ts.TypeNode, file: string): Schema {
		if (ts.isUnionTypeNode(node)) return this.#union(node, file);
		if (ts.isArrayTypeNode(node)) return { type: "array", items: this.#type(node.elementType, file) };
		if (ts.isTypeLiteralNode(node)) return this.#members(node.members, file);
		if (ts.isTemplateLiteralTypeNode(node)) return { type: "string" };
		if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) return { const: node.literal.text };
		if (ts.isTypeReferenceNode(node)) return this.#reference(node, file);
		const words: Partial<Record<ts.SyntaxKind, string>> = {
			[ts.SyntaxKind.StringKeyword]: "string",
			[ts.SyntaxKind.NumberKeyword]: "number",
			[ts.SyntaxKind.BooleanKeyword]: "boolean",
		};
		const type = node.getText() === "null" ? "null" : words[node.kind];
		if (type === undefined) throw new RangeError(`${file}: no schema for ${node.getText()}`);
		return { type };
	}

	#reference(node: ts.TypeReferenceNode, file: string): Schema {
		const name = node.typeName.getText();
		const [key, value] = node.typeArguments ?? [];
		if (name !== "Record" || !key || !value) return this.named(file, name);
		const keys = key.kind === ts.SyntaxKind.StringKeyword ? {} : { propertyNames: this.#type(key, file) };
		return { type: "object", ...keys, additionalProperties: this.#type(value, file) };
	}

	#union(node: ts.UnionTypeNode, file: string): Schema {
		const parts = node.types.map((type) => this.#type(type, file));
		if (parts.every((part) => "const" in part)) return { enum: parts.map((part) => part["const"]) };
		return { anyOf: parts };
	}
}

/** A declaration's own comment. */
function describe(node: ts.Node): Schema {
	const text = ts
		.getJSDocCommentsAndTags(node)
		.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
		.join(" ")
		.replace(/\s+/g, " ")
		.trim();
	return text === "" ? {} : { description: text };
}

export function schemaText({ source, type, title }: (typeof PUBLISHED)[number]): string {
	return `${JSON.stringify(schemaOf(source, type, title), null, "\t")}\n`;
}

/** Where a value breaks a schema; null: nowhere. As much of JSON Schema as the published ones use. */
export function violation(schema: Schema, value: unknown, root: Schema = schema, path = ""): string | null {
	const { $ref, type, items, anyOf, properties, required, additionalProperties, propertyNames } = schema;
	const at = path === "" ? "the whole" : path;
	if (typeof $ref === "string") {
		const defs = root["$defs"] as Record<string, Schema>;
		return violation(defs[$ref.slice("#/$defs/".length)] as Schema, value, root, path);
	}
	if (Array.isArray(anyOf)) {
		const misses = (anyOf as Schema[]).map((one) => violation(one, value, root, path));
		return misses.includes(null) ? null : (misses.at(-1) ?? null);
	}
	if ("const" in schema) return value === schema["const"] ? null : `${at} is not ${schema["const"]}`;
	if (Array.isArray(schema["enum"]))
		return schema["enum"].includes(value) ? null : `${at} is none of ${schema["enum"]}`;
	const actual = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
	if (type !== undefined && actual !== type) return `${at} is ${actual}, not ${type}`;
	if (Array.isArray(value)) {
		const misses = value.map((one, i) => violation(items as Schema, one, root, `${path}[${i}]`));
		return misses.find((miss) => miss !== null) ?? null;
	}
	if (actual !== "object") return null;
	const missing = ((required ?? []) as string[]).find((name) => !(name in (value as object)));
	if (missing !== undefined) return `${at} has no ${missing}`;
	for (const [name, one] of Object.entries(value as object)) {
		const known =
			(properties as Record<string, Schema> | undefined)?.[name] ?? (additionalProperties as Schema | undefined);
		const miss =
			known === undefined
				? `${at} has ${name}, which no type has`
				: ((propertyNames && violation(propertyNames as Schema, name, root, `${path} key`)) ??
					violation(known, one, root, `${path}.${name}`));
		if (typeof miss === "string") return miss;
	}
	return null;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
	for (const published of PUBLISHED) writeFileSync(ROOT + published.file, schemaText(published));
