// The conformance runner itself: formats by content, counts, lines, exit status.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caseFiles, judge } from "./collect.ts";
import { formatOf, probeCount } from "./format.ts";
import { line } from "./result.ts";

describe("formatOf", () => {
	it.each([
		[{ probes: [], nodes: [], fabric: {}, objects: [] }, "kernel"],
		[{ scenario: "x", backend: "nft", probes: [] }, "kernel result"],
		[{ node: {}, objects: [], probes: [], steps: [] }, "kube-proxy"],
		[{ node: {}, iptablesSave: "", probes: [] }, "kube-proxy"],
		[{ kind: "categorize", node: {}, cases: [] }, "units"],
		[{ kind: "service-health", steps: [] }, "units"],
		[{ families: ["IPv4"], cases: [] }, "iptables"],
		[{ zones: [], objects: [], cases: [] }, "dns"],
		[{ cluster: {}, cases: [] }, "netpol"],
		[{ cases: [{ cluster: {}, steps: [] }] }, "netpol"],
		[{ objects: [], requests: [] }, "http"],
		[{ cases: [{ objects: [], requests: [] }] }, "http"],
		[{ name: "base", objects: [] }, "base objects"],
		[{ swagger: "2.0" }, null],
		[[], null],
		["text", null],
	])("%j is %s", (content, format) => {
		expect(formatOf(content)).toBe(format);
	});
});

describe("probeCount", () => {
	it.each([
		[{ probes: [1, 2, 3] }, 3],
		[{ cases: [{}, {}] }, 2],
		[{ requests: [1, 2] }, 2],
		[{ cases: [{ requests: [1, 2] }, { requests: [1] }] }, 3],
		[{ probes: [], steps: [1, 2] }, 2],
		[{}, 1],
	])("of %j is %i", (content, count) => {
		expect(probeCount(content)).toBe(count);
	});
});

describe("a failure's line", () => {
	it("names file, probe, expected and got", () => {
		expect(line("a/b.json", { name: "case: probe", status: "failed", expected: ["DROP"], got: [] })).toBe(
			'FAIL a/b.json: case: probe: expected ["DROP"], got []',
		);
	});
});

describe("the runner", () => {
	let folder = "";

	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "podwire-conformance-"));
		mkdirSync(join(folder, "deep/er"), { recursive: true });
		writeFileSync(join(folder, "deep/er/names.json"), JSON.stringify({ zones: [], cases: [{}, {}] }));
		writeFileSync(join(folder, "base.json"), JSON.stringify({ objects: [] }));
		writeFileSync(join(folder, "readme.md"), "{");
	});

	afterAll(() => rmSync(folder, { recursive: true }));

	const run = (...paths: string[]): Promise<{ status: number; stdout: string; stderr: string }> =>
		new Promise((resolve) => {
			const args = ["--import", "./scripts/typescript.mjs", "tests/conformance/run.ts", ...paths];
			execFile(process.execPath, args, (error, stdout, stderr) => {
				resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
			});
		});

	it("finds files in any depth, each once, and only JSON", () => {
		expect(caseFiles([folder, join(folder, "deep")]).map((path) => path.slice(folder.length + 1))).toEqual([
			"base.json",
			"deep/er/names.json",
		]);
	});

	it("skips what is not modelled, with its reason and its count", async () => {
		const { status, stdout } = await run(folder);
		expect(stdout).toBe("skipped 2: DNS is not modelled yet\n0 passed, 0 failed, 2 skipped\n");
		expect(status).toBe(0);
	});

	it("fails on a file that is no JSON", async () => {
		const broken = join(folder, "deep/broken.json");
		writeFileSync(broken, "{");
		const { status, stdout } = await run(broken);
		expect(stdout).toMatch(
			/^FAIL .*broken\.json: file: expected JSON, got SyntaxError: .*\n0 passed, 1 failed, 0 skipped\n$/,
		);
		expect(status).toBe(1);
		rmSync(broken);
	});

	it("says when there is nothing to run", async () => {
		expect((await run(join(folder, "base.json"))).status).toBe(2);
		expect((await run(join(folder, "nowhere"))).stderr).toContain("nowhere: no such file or folder");
		expect((await run()).stderr).toContain("usage: npm run conformance -- DIR…");
	});

	it("judges base objects and results as part of other files", async () => {
		expect(await judge(join(folder, "base.json"))).toBeNull();
	});
});
