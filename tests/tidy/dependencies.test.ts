// Dependencies are a list with reasons: package.json, the build and docs/dependencies.md name the same packages, those in
// the bundle stay few, and the lockfile points at no host.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BUNDLED, SERVING } from "../../scripts/bundle.mjs";
import { importsOf } from "./imports.ts";

interface Manifest {
	dependencies: Record<string, string>;
	devDependencies: Record<string, string>;
}

const RUNTIME_MAX = 6;
const manifest: Manifest = JSON.parse(readFileSync("package.json", "utf8"));
const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(readFileSync("package-lock.json", "utf8"));

/** Packages in the first column of the table under a heading. */
function rows(heading: string): string[] {
	const text = readFileSync("docs/dependencies.md", "utf8");
	const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
	return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? "").sort();
}

describe("docs/dependencies.md", () => {
	it("gives a reason for every runtime dependency, and only for those", () => {
		expect(rows("At run time")).toEqual(Object.keys(manifest.dependencies).sort());
	});

	it("gives a reason for every package in the bundle, and only for those", () => {
		expect(rows("Bundled\n")).toEqual([...BUNDLED].sort());
		expect(rows("Bundled for servers")).toEqual([...SERVING].sort());
	});

	it("gives a reason for every other package, and only for those", () => {
		const all = ["Bundled\n", "Bundled for servers", "For building and testing"].flatMap(rows).sort();
		expect(all).toEqual(Object.keys(manifest.devDependencies).sort());
	});
});

describe("package.json", () => {
	it(`has at most ${RUNTIME_MAX} packages at run time, those in the bundle among them, beside what servers alone read`, () => {
		expect(Object.keys(manifest.dependencies).length + BUNDLED.length).toBeLessThanOrEqual(RUNTIME_MAX);
	});
});

describe("what servers alone read", () => {
	it("is nothing that the library or another command imports at its start", () => {
		const reached = new Set<string>();
		const visit = (file: string) => {
			if (reached.has(file)) return;
			reached.add(file);
			if (!existsSync(file)) return;
			for (const { to, typeOnly, dynamic } of importsOf(file, readFileSync(file, "utf8")))
				if (!typeOnly && !dynamic) visit(to);
		};
		for (const entry of ["js/index.ts", "js/cli/podwire.ts"]) visit(entry);
		expect(reached).toContain("yaml");
		const packages = [...reached].filter((to) => SERVING.some((name) => to === name || to.startsWith(`${name}/`)));
		expect(packages).toEqual([]);
	});
});

describe("package-lock.json", () => {
	it("names no registry host", () => {
		const hosts = Object.values(lock.packages).flatMap(({ resolved }) => resolved ?? []);
		expect(hosts).toEqual([]);
	});
});
