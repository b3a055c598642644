// The page of the benchmarks asks for nothing that a page cannot have: every import that it reaches is a source of ours or one
// that its import map names.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/run.mjs";

const page = readFileSync(join(ROOT, "bench/browser/index.html"), "utf8");
const { imports } = JSON.parse(/<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "{}") as {
	imports: Record<string, string>;
};

/** Imports that stay after types are gone. */
function importsOf(path: string): string[] {
	const { outputText } = ts.transpileModule(readFileSync(join(ROOT, path), "utf8"), {
		compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
	});
	return ts.preProcessFile(outputText).importedFiles.map(({ fileName }) => fileName);
}

it("reaches no module of Node", () => {
	const seen = new Set<string>();
	const strange: string[] = [];
	const visit = (path: string): void => {
		if (seen.has(path)) return;
		seen.add(path);
		for (const name of importsOf(path)) {
			if (!name.startsWith(".")) {
				if (!Object.keys(imports).some((known) => known === name || (known.endsWith("/") && name.startsWith(known))))
					strange.push(`${path}: ${name}`);
				continue;
			}
			const target = join("/", dirname(path), name);
			visit((imports[target] ?? target).slice(1));
		}
	};
	visit("bench/browser/page.ts");
	expect(seen.size).toBeGreaterThan(50);
	expect(strange).toEqual([]);
});
