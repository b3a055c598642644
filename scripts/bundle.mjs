// JavaScript for dist/, as few files: what a program that imports podwire has to open and read before its first line.
// Types are tsc's. Packages that run everywhere end in the bundle too, their licences beside it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installed, ROOT } from "./run.mjs";

/** Files that something opens by their name, or that look for a file beside them; all else ends in `dist/js/chunks/`. */
const ENTRIES = [
	"js/index.ts",
	"js/cli/podwire.ts",
	"js/verify/agent.ts",
	"bindings/node.ts",
	"bindings/deno.ts",
	"bindings/browser.ts",
];
/** Packages whose code ends in the bundle, their licences with it. */
export const BUNDLED = ["@noble/hashes", "yaml"];
/** @param {string} path */
const hasOwnFile = (path) => path.endsWith("js/verify/agent.ts");

/** White space goes, names stay: a stack trace is read by people. */
export async function bundle() {
	const { rolldown } = await import("rolldown");
	const bundled = await rolldown({
		cwd: ROOT,
		input: Object.fromEntries(ENTRIES.map((path) => [path.replace(/\.ts$/, ""), path])),
		external: ["#core", "commander", /^node:/],
		// tsc's target: Node 20 has no `using`.
		transform: { target: "es2022" },
		// The packages' forms that run everywhere.
		platform: "neutral",
		resolve: { conditionNames: ["default"], mainFields: ["module", "main"] },
	});
	await bundled.write({
		dir: join(ROOT, "dist"),
		format: "esm",
		sourcemap: true,
		minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
		entryFileNames: "[name].js",
		// What looks for a file beside it stays in its folder.
		chunkFileNames: ({ moduleIds }) => `${moduleIds.some(hasOwnFile) ? "js/verify" : "js/chunks"}/[name]-[hash].js`,
	});
	await bundled.close();
	const notices = BUNDLED.map((name) => `# ${name}\n\n${readFileSync(installed(`${name}/LICENSE`), "utf8")}`);
	writeFileSync(join(ROOT, "dist/js/LICENSES.md"), notices.join("\n"));
}
