// How the data plane touches memory, and what its module asks of the host: nothing.
// The rules are reliability's: raw loads and stores only where a record is defined, a reason at every unchecked access,
// memory that grows in one place.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RECORDS } from "./allow.ts";
import { code, linesWith, place, sources } from "./sources.ts";

const assembly = sources().filter((path) => path.startsWith("assembly/") && !path.includes("__tests__"));
const RAW = /\b(load|store)<|\bv128\.(load|store)|\bmemory\.(copy|fill)\(/;

describe("AssemblyScript sources", () => {
	it("touch raw memory only in the modules of records", () => {
		const outside = assembly.filter((path) => !(path in RECORDS));
		const raw = outside.flatMap((path) => linesWith(code(path), RAW).map((line) => place(path, line)));
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

	it("grows its memory in one place", () => {
		const wat = readFileSync("build/core.wat", "utf8");
		expect(wat.match(/\bmemory\.grow\b/g) ?? []).toHaveLength(1);
	});

	it("exports nothing that index.ts does not document", () => {
		const index = readFileSync("assembly/index.ts", "utf8");
		const exported = WebAssembly.Module.exports(new WebAssembly.Module(bytes()))
			.filter(({ kind }) => kind === "function")
			.map(({ name }) => name);
		expect(exported.filter((name) => !documented(index, name))).toEqual([]);
	});
});

/** Whether a name is exported in the text with a comment on or above its line. */
function documented(text: string, name: string): boolean {
	const lines = text.split("\n");
	const at = lines.findIndex((line) => new RegExp(`\\bexport\\b.*\\b${name}\\b|^\\s*${name},?\\s*(//|$)`).test(line));
	if (at < 0) return false;
	const above = (lines[at - 1] ?? "").trim();
	return (lines[at] ?? "").includes("//") || /^(\/\/|\*\/|\/\*\*|@)/.test(above);
}
