// Reads the imports of our sources and holds them to the table of rooms: what a room may import, and no cycles.
// A specifier is resolved as written (explicit `.ts`; AssemblyScript leaves it out), never searched for.

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";
import { ROOMS, type Room, roomOf } from "./rooms.ts";
import { sources } from "./sources.ts";

export interface Import {
	from: string;
	line: number;
	/** A file of ours relative to the checkout, or a package name. */
	to: string;
	ours: boolean;
	typeOnly: boolean;
	/** `import()`: loaded when the program comes there. */
	dynamic: boolean;
}

/** Whether nothing of an import or export declaration is left at run time. */
function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
	if (ts.isExportDeclaration(node)) return node.isTypeOnly;
	const clause = node.importClause;
	if (clause === undefined) return false;
	if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
	const named = clause.namedBindings;
	return (
		clause.name === undefined &&
		named !== undefined &&
		ts.isNamedImports(named) &&
		named.elements.length > 0 &&
		named.elements.every((element) => element.isTypeOnly)
	);
}

function target(from: string, specifier: string): { to: string; ours: boolean } {
	if (!specifier.startsWith(".")) return { to: specifier, ours: false };
	const joined = posix.join(posix.dirname(from), specifier);
	const file = /\.\w+$/.test(joined) ? joined : `${joined}.ts`;
	return { to: file, ours: true };
}

/** Static imports, re-exports and `import()` of literals. */
export function importsOf(path: string, text: string): Import[] {
	const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
	const found: Import[] = [];
	const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean, dynamic = false) => {
		if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
		const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
		found.push({ from: path, line, typeOnly, dynamic, ...target(path, specifier.text) });
	};
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, isTypeOnly(node));
		else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
			add(node, node.arguments[0], false, true);
		else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
		ts.forEachChild(node, visit);
	};
	visit(file);
	return found;
}

const covers = (allowed: string, path: string) => path === allowed || path.startsWith(`${allowed}/`);

function packageFault(room: Room, { to }: Import): string | null {
	const allowed = room.packages ?? [];
	const ok = allowed.some((name) => (name.endsWith(":") ? to.startsWith(name) : covers(name, to)));
	return ok ? null : `${room.name} may not import the package ${to}`;
}

/** Why an import breaks the table, or null. */
export function fault(edge: Import): string | null {
	const room = roomOf(edge.from);
	if (room === null) return null;
	if (!edge.ours) return packageFault(room, edge);
	const other = roomOf(edge.to);
	if (other === null) return `${room.name} may not import ${edge.to}, which is in no room of the table`;
	if (other === room) return null;
	// `may` names a room or one file of it; a room inside another (js/verify/compare.ts) needs its own mention.
	const allows = (list: string[]) =>
		list.some((name) => name === other.name || (covers(name, edge.to) && roomOf(name) === other));
	if (allows(room.may)) return null;
	if (allows(room.types ?? [])) return edge.typeOnly ? null : `${room.name} may import only types of ${other.name}`;
	return `${room.name} may not import ${other.name}`;
}

/** A path of edges that ends where it began, or null. */
export function cycle(edges: Map<string, string[]>): string[] | null {
	const done = new Set<string>();
	const walk = (at: string, way: string[]): string[] | null => {
		const seen = way.indexOf(at);
		if (seen >= 0) return [...way.slice(seen), at];
		if (done.has(at)) return null;
		for (const next of edges.get(at) ?? []) {
			const found = walk(next, [...way, at]);
			if (found !== null) return found;
		}
		done.add(at);
		return null;
	};
	for (const start of edges.keys()) {
		const found = walk(start, []);
		if (found !== null) return found;
	}
	return null;
}

/** Every import of a file that the table binds. Specs and generated glue are not part of the house. */
export function allImports(): Import[] {
	const bound = sources().filter((path) => roomOf(path) !== null && !path.includes("__tests__"));
	return bound.flatMap((path) => importsOf(path, readFileSync(path, "utf8")));
}

/** File to files, of what is imported at run time. */
export function fileGraph(imports: Import[]): Map<string, string[]> {
	const graph = new Map<string, string[]>();
	for (const { from, to, ours, typeOnly } of imports) {
		if (ours && !typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
	}
	return graph;
}

/** Room to rooms, as the table allows it. */
export function tableGraph(): Map<string, string[]> {
	return new Map(ROOMS.map((room) => [room.name, room.may.map((name) => roomOf(name)?.name ?? name)]));
}
