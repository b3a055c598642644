// The house's doors: every import goes where the table of rooms lets it, and no way leads back.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { allImports, cycle, fault, fileGraph, type Import, importsOf, tableGraph } from "./imports.ts";
import { DOCUMENT, withTable } from "./table.ts";

const edge = (from: string, to: string, typeOnly = false): Import => ({
	from,
	line: 1,
	to,
	ours: /\//.test(to) && !to.startsWith("node:") && !to.startsWith("@"),
	typeOnly,
	dynamic: false,
});

describe("reading imports", () => {
	it("sees static, re-exported, dynamic and type imports", () => {
		const text = [
			'import { a } from "./a.ts";',
			'import type { B } from "../net/b.ts";',
			'import { type C, type D } from "./c.ts";',
			'export * from "./e.ts";',
			'const f = await import("node:fs");',
			'type G = import("./g.ts").G;',
			'// import "./comment.ts"',
		].join("\n");
		expect(
			importsOf("js/cni/x.ts", text).map(({ line, to, typeOnly, dynamic }) => [line, to, typeOnly, dynamic]),
		).toEqual([
			[1, "js/cni/a.ts", false, false],
			[2, "js/net/b.ts", true, false],
			[3, "js/cni/c.ts", true, false],
			[4, "js/cni/e.ts", false, false],
			[5, "node:fs", false, true],
			[6, "js/cni/g.ts", true, false],
		]);
	});

	it("gives AssemblyScript's imports their extension", () => {
		expect(importsOf("assembly/netfilter/nat.ts", 'import { mix } from "../hash";')[0]?.to).toBe("assembly/hash.ts");
	});
});

describe("the table", () => {
	it.each([
		["js/cni/bridge.ts", "js/kube-proxy/rules.ts", "js/cni may not import js/kube-proxy"],
		["js/net/iptables/parse.ts", "js/api/core.ts", "js/net may not import js/api"],
		["js/verify/compare.ts", "js/cluster.ts", "js/verify/compare.ts may not import js/cluster.ts"],
		["js/flows/capture.ts", "bindings/encode.ts", "js/flows may not import bindings"],
		["js/flows/capture.ts", "node:fs", "js/flows may not import the package node:fs"],
		["examples/shop/demo.mjs", "js/index.ts", "examples may not import js/index.ts"],
	])("refuses %s → %s", (from, to, why) => {
		expect(fault(edge(from, to))).toBe(why);
	});

	it.each([
		["js/cni/bridge.ts", "js/cni/routes.ts"],
		["js/flows/capture.ts", "bindings/capture.ts"],
		["js/verify/run.ts", "js/verify/compare.ts"],
		["js/cluster.ts", "js/realise.ts"],
		["js/realise.ts", "js/realise/nodes.ts"],
		["js/lab.ts", "js/realise.ts"],
		["js/cli/read.ts", "node:fs"],
		["tests/net/x.test.ts", "js/cli/podwire.ts"],
	])("allows %s → %s", (from, to) => {
		expect(fault(edge(from, to))).toBeNull();
	});

	it("lets bindings take types of js/net, and nothing else of it", () => {
		expect(fault(edge("bindings/encode.ts", "js/net/ruleset.ts", true))).toBeNull();
		expect(fault(edge("bindings/encode.ts", "js/net/ruleset.ts"))).toBe("bindings may import only types of js/net");
	});

	it("has no way back in it", () => {
		expect(cycle(tableGraph())).toBeNull();
	});

	it("is what ARCHITECTURE.md shows", () => {
		const text = readFileSync(DOCUMENT, "utf8");
		expect(text, "run `npm run rooms`").toBe(withTable(text));
	});
});

describe("our sources", () => {
	const imports = allImports();

	it("import only what their room may", () => {
		expect(broken(imports)).toEqual([]);
	});

	it("import only files that exist", () => {
		const missing = imports.filter(({ ours, to }) => ours && !existsSync(to) && !to.endsWith(".wasm"));
		expect(missing.map(({ from, line, to }) => `${from}:${line}: ${to}`)).toEqual([]);
	});

	// Inside assembly/ the packet's way is itself a ring: a frame goes up from a bridge into a stack, and the stack sends by
	// a bridge again. Everywhere else a cycle is an error, and no room may be part of one (`the table`).
	it("have no cycles", () => {
		const within = ({ from, to }: Import) => from.startsWith("assembly/") && to.startsWith("assembly/");
		expect(cycle(fileGraph(imports.filter((it) => !within(it))))).toBeNull();
	});

	it('load no API server with `import "podwire"`', () => {
		const loaded = loadedWith("js/index.ts", imports);
		expect(loaded).toContain("js/manifests/yaml.ts");
		expect(loaded).not.toContain("js/cluster/apiserver.ts");
		expect(loaded).not.toContain("@marcbachmann/cel-js");
	});

	it("finds a cycle where there is one", () => {
		const ring = new Map([
			["a", ["b"]],
			["b", ["c", "d"]],
			["d", ["b"]],
		]);
		expect(cycle(ring)).toEqual(["b", "d", "b"]);
	});
});

/** What is read before the first line of a program that imports the file. */
function loadedWith(entry: string, imports: readonly Import[]): string[] {
	const loaded = new Set([entry]);
	for (const path of loaded)
		for (const { from, to, typeOnly, dynamic } of imports) if (from === path && !typeOnly && !dynamic) loaded.add(to);
	return [...loaded];
}

function broken(imports: Import[]): string[] {
	return imports.flatMap((it) => {
		const why = fault(it);
		return why === null ? [] : [`${it.from}:${it.line}: ${why} (${it.to})`];
	});
}
