// The checkout's own source files, and their text without comments and strings.
// Tests run with the checkout as working directory, so paths are relative to it, with `/`.

import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

const ROOTS = ["assembly", "bindings", "js", "web", "examples", "bench", "tests", "scripts"];
/** `reader.js` is built, as what is in `dist`. */
const SKIPPED = new Set(["node_modules", "dist", "build", "cases", "golden", "reader.js"]);

function walk(folder: string): string[] {
	const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !SKIPPED.has(name));
	return entries.flatMap((entry) => {
		const path = `${folder}/${entry.name}`;
		return entry.isDirectory() ? walk(path) : [path];
	});
}

let known: string[] | null = null;

/** Every TypeScript and JavaScript file of ours, sorted by code unit. */
export function sources(): string[] {
	known ??= readdirSync(".")
		.filter((name) => ROOTS.includes(name))
		.flatMap(walk)
		.filter((path) => /\.(ts|tsx|mjs|js)$/.test(path) && !path.endsWith(".d.ts"))
		.sort();
	return known;
}

/** A place in a file, as an editor takes it. */
export const place = (path: string, line: number) => `${path}:${line}`;

const parsed = new Map<string, ts.SourceFile>();

/** A file's syntax tree; read and parsed once. */
export function tree(path: string): ts.SourceFile {
	const known = parsed.get(path);
	if (known !== undefined) return known;
	const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
	parsed.set(path, file);
	return file;
}

const blanked = new Map<string, string>();

/** The text with every comment and string blanked by spaces, line breaks kept: positions stay true. */
export function code(path: string): string {
	const known = blanked.get(path);
	if (known !== undefined) return known;
	const file = tree(path);
	const out = file.text.split("");
	const blank = (from: number, to: number) => {
		for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " ";
	};
	for (const { pos, end } of comments(file)) blank(pos, end);
	const visit = (node: ts.Node): void => {
		if (ts.isStringLiteralLike(node) || ts.isRegularExpressionLiteral(node)) blank(node.getStart() + 1, node.end - 1);
		else if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node))
			blank(node.getStart(), node.end);
		ts.forEachChild(node, visit);
	};
	visit(file);
	const text = out.join("");
	blanked.set(path, text);
	return text;
}

/** Every comment of a file, in order. */
export function comments(file: ts.SourceFile): { pos: number; end: number }[] {
	const found = new Map<number, number>();
	const at = (ranges: ts.CommentRange[] | undefined) => {
		for (const { pos, end } of ranges ?? []) found.set(pos, end);
	};
	const visit = (node: ts.Node): void => {
		at(ts.getLeadingCommentRanges(file.text, node.getFullStart()));
		at(ts.getTrailingCommentRanges(file.text, node.end));
		for (const child of node.getChildren(file)) visit(child);
	};
	visit(file);
	return [...found].map(([pos, end]) => ({ pos, end })).sort((a, b) => a.pos - b.pos);
}

/** Lines (1-based) of a text on which a pattern is found. */
export function linesWith(text: string, pattern: RegExp): number[] {
	return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}
