// What `-f` and `--node-state` read: files, folders, patterns, stdin; what is not there is named.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { glob } from "../../js/cli/glob.ts";
import { readInputs } from "../../js/cli/inputs.ts";
import { readNodeState } from "../../js/cli/nodestate.ts";
import { complaint } from "../../js/cli/status.ts";
import { fakeTerminal } from "./fake.ts";

let root = "";
const at = (path: string) => join(root, path);

beforeAll(() => {
	root = mkdtempSync(join(tmpdir(), "podwire-inputs-"));
	for (const path of [
		"b.yaml",
		"a.yml",
		"c.JSON",
		"notes.txt",
		".hidden.yaml",
		"sub/d.yaml",
		"sub/deep/e.yaml",
		"x[1].yaml",
	]) {
		mkdirSync(join(at(path), ".."), { recursive: true });
		writeFileSync(at(path), `text of ${path}`);
	}
	mkdirSync(at("empty"));
	writeFileSync(at("sub/latin.bin"), Uint8Array.of(0x61, 0xe9, 0x62));
});

afterAll(() => rmSync(root, { recursive: true }));

const names = async (paths: string[], recursive = false) =>
	(
		await readInputs(
			paths.map((path) => (path === "-" ? path : at(path))),
			recursive,
			fakeTerminal("from stdin"),
		)
	).map(({ name }) => name.replace(`${root}/`, ""));

const failure = (promise: Promise<unknown>) =>
	promise.then(
		() => "nothing failed",
		(error: unknown) => complaint(error).replaceAll(root, "ROOT"),
	);

describe("readInputs", () => {
	it("takes files in the order given, each once", async () => {
		expect(await names(["b.yaml", "a.yml", "b.yaml"])).toEqual(["b.yaml", "a.yml"]);
	});

	it("takes a folder's manifests, and those below when asked", async () => {
		expect(await names(["."])).toEqual([".hidden.yaml", "a.yml", "b.yaml", "c.JSON", "x[1].yaml"]);
		expect(await names(["sub"], true)).toEqual(["sub/d.yaml", "sub/deep/e.yaml"]);
	});

	it("expands patterns that no shell expanded", async () => {
		expect(await names(["*.y*ml"])).toEqual(["a.yml", "b.yaml", "x[1].yaml"]);
		expect(await names(["**/*.yaml"])).toEqual(["b.yaml", "sub/d.yaml", "sub/deep/e.yaml", "x[1].yaml"]);
	});

	it("takes a file whose name looks like a pattern", async () => {
		expect(await names(["x[1].yaml"])).toEqual(["x[1].yaml"]);
	});

	it("reads stdin", async () => {
		expect(await readInputs(["-"], false, fakeTerminal("from stdin"))).toEqual([{ name: "-", text: "from stdin" }]);
	});

	it.each([
		["none.yaml", "ROOT/none.yaml: no such file or folder"],
		["*.toml", "ROOT/*.toml: matches no file"],
		["empty", "ROOT/empty: no *.yaml, *.yml or *.json in this folder"],
		["sub/latin.bin", "ROOT/sub/latin.bin: expected UTF-8 text"],
	])("says what is wrong with %s", async (path, message) => {
		expect(await failure(readInputs([at(path)], false, fakeTerminal()))).toBe(message);
	});
});

describe("glob", () => {
	it.each([
		["{a,b}.y*", ["a.yml", "b.yaml"]],
		["?.yaml", ["b.yaml"]],
		["[a-b].*", ["a.yml", "b.yaml"]],
		["[!a]*.yaml", ["b.yaml", "x[1].yaml"]],
		[".*.yaml", [".hidden.yaml"]],
		["*/d.yaml", ["sub/d.yaml"]],
		["su?/*/e.yaml", ["sub/deep/e.yaml"]],
		["nothing*", []],
	])("%s", async (pattern, found) => {
		expect((await glob(at(pattern))).map((path) => path.replace(`${root}/`, ""))).toEqual(found);
	});
});

describe("readNodeState", () => {
	it("reads a folder a node, naming each text", async () => {
		mkdirSync(at("nodes/node-1"), { recursive: true });
		mkdirSync(at("nodes/router"), { recursive: true });
		writeFileSync(at("nodes/node-1/iptables-save.txt"), "*filter\nCOMMIT\n");
		writeFileSync(at("nodes/node-1/conntrack.txt"), "");
		writeFileSync(at("nodes/router/ip-route.txt"), "blackhole 198.51.100.250\n");
		const state = await readNodeState(at("nodes"));
		expect([...state.keys()]).toEqual(["node-1", "router"]);
		expect(state.get("node-1")).toEqual({
			iptables: { file: at("nodes/node-1/iptables-save.txt"), text: "*filter\nCOMMIT\n" },
		});
	});

	it("refuses a folder that holds no node", async () => {
		expect(await failure(readNodeState(at("sub")))).toMatch(
			/^ROOT\/sub: expected a folder for each node, with any of iptables-save.txt/,
		);
		expect(await failure(readNodeState(at("nowhere")))).toBe("ROOT/nowhere: no such file or folder");
	});
});
