// How the data plane touches memory, and what its module asks of the host: nothing.
// The rules are reliability's: raw loads and stores only where a record is defined, a reason at every unchecked access,
// memory that grows in one place.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RECORDS } from "./allow.ts";
import { code, linesWith, place, sources } from "./sources.ts";

const assembly = sources().filter((path) => path.startsWith("assembly/") && !path.includes("__tests__"));
/** The stub runtime's allocator: fixed arrays of the module's top level come from it. */
const ALLOCATOR = "~lib/rt/stub/__new";
const RAW = /\b(load|store)<|\bv128\.(load|store)|\bmemory\.(copy|fill)\(/;

describe("AssemblyScript sources", () => {
	it("touch raw memory only in the modules of records", () => {
		const outside = assembly.filter((path) => !(path in RECORDS));
		const raw = outside.flatMap((path) => {
			const lines = linesWith(code(path), RAW);
			return lines.length > 0 ? [`${path}: lines ${lines.join(" ")}`] : [];
		});
		expect(raw).toEqual([]);
	});

	it("list no record module that touches none", () => {
		const present = Object.keys(RECORDS).filter((path) => existsSync(path));
		expect(present.filter((path) => linesWith(code(path), RAW).length === 0)).toEqual([]);
	});

	it("give a bound at every unchecked access", () => {
		const bare = assembly.flatMap((path) => {
			const lines = readFileSync(path, "utf8").split("\n");
			return linesWith(code(path), /\bunchecked\(/)
				.filter((line) => !`${lines[line - 2] ?? ""}${lines[line - 1] ?? ""}`.includes("// bound:"))
				.map((line) => place(path, line));
		});
		expect(bare).toEqual([]);
	});

	it("keep layout.ts to plain constants, which both compilers read alike", () => {
		if (!existsSync("assembly/layout.ts")) return;
		const odd = code("assembly/layout.ts")
			.split("\n")
			.flatMap((line, index) => (/^\s*$|^export const [A-Z][A-Z0-9_]* = [^:]+;\s*$/.test(line) ? [] : [index + 1]));
		expect(odd).toEqual([]);
	});
});

describe.skipIf(!existsSync("build/core.wasm"))("core.wasm", () => {
	const bytes = () => readFileSync("build/core.wasm");

	it("imports nothing", () => {
		expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes()))).toEqual([]);
	});

	it("grows its memory where tables are laid out, and for the one table whose size compilation finds", () => {
		const functions = functionsOf(readFileSync("build/core.wat", "utf8"));
		const growing = functions.filter(({ text }) => /\bmemory\.grow\b/.test(text)).map(({ name }) => name);
		expect(growing.filter((name) => name !== ALLOCATOR)).toEqual([
			"assembly/arena/reach",
			"assembly/arena/placeAsIs",
			"assembly/index/seal",
			"assembly/arena/stretch",
		]);
		expect(assembly.filter((path) => linesWith(code(path), /\bmemory\.grow\b/).length > 0)).toEqual([
			"assembly/arena.ts",
		]);
	});

	it("allocates objects only when it is instantiated", () => {
		const functions = functionsOf(readFileSync("build/core.wat", "utf8"));
		const allocating = functions.filter(({ text }) => text.includes(`call $${ALLOCATOR}`)).map(({ name }) => name);
		expect(allocating.filter((name) => !/^(~start|start:)/.test(name))).toEqual([]);
	});

	it("exports nothing that index.ts does not document", () => {
		const index = readFileSync("assembly/index.ts", "utf8");
		const exported = WebAssembly.Module.exports(new WebAssembly.Module(bytes()))
			.filter(({ kind }) => kind === "function")
			.map(({ name }) => name);
		expect(exported.filter((name) => !documented(index, name))).toEqual([]);
	});
});

/** Every function of a module's text. */
function functionsOf(wat: string): { name: string; text: string }[] {
	return wat
		.split(/^ \(func \$/m)
		.slice(1)
		.map((text) => ({ name: /^[^\s()]+/.exec(text)?.[0] ?? "", text }));
}

/** Whether a name is exported in the text with a comment on or above its line. */
function documented(text: string, name: string): boolean {
	const lines = text.split("\n");
	const at = lines.findIndex((line) => new RegExp(`\\bexport\\b.*\\b${name}\\b|^\\s*${name},?\\s*(//|$)`).test(line));
	if (at < 0) return false;
	const above = (lines[at - 1] ?? "").trim();
	return (lines[at] ?? "").includes("//") || /^(\/\/|\*\/|\/\*\*|@)/.test(above);
}
