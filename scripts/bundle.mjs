// JavaScript for dist/, as few files: what a program that imports podwire has to open and read before its first line.
// Types are tsc's. Packages that run everywhere end in the bundle too, their licences beside it.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installed, ROOT } from "./run.mjs";

/** Files that something opens by their name, or that look for a file beside them; all else ends in `dist/js/chunks/`. */
const ENTRIES = [
	"js/index.ts",
	"js/cli/podwire.ts",
	"js/serve/agent.ts",
	"js/cluster/noagent.ts",
	"js/verify/agent.ts",
	"bindings/node.ts",
	"bindings/deno.ts",
	"bindings/browser.ts",
];
/** What the thread that reads recordings runs: one file, for hosts start a thread from one. */
const READER = "js/replay/thread/program.ts";
/** Packages whose code ends in the bundle, their licences with it. */
export const BUNDLED = ["@marcbachmann/cel-js", "@noble/hashes", "yaml"];
/** Likewise, and read by servers alone: `podwire serve`, and clients of Node's in this process. */
export const SERVING = ["@hono/node-server", "@peculiar/x509", "hono", "reflect-metadata"];
/** @param {string} path */
const hasOwnFile = (path) => path.endsWith("js/verify/agent.ts");

/** @type {import("rolldown").InputOptions} */
const INPUT = {
	cwd: ROOT,
	external: ["#agent", "#core", "commander", /^node:/],
	// tsc's target: Node 20 has no `using`.
	transform: { target: "es2022" },
	// The packages' forms that run everywhere.
	platform: "neutral",
	resolve: { conditionNames: ["import", "default"], mainFields: ["module", "main"] },
};
/**
 * White space goes, names stay: a stack trace is read by people. One character beyond ASCII would make a text of two bytes each of
 * the whole file, decoded one by one.
 * @type {import("rolldown").OutputOptions}
 */
const OUTPUT = {
	format: "esm",
	sourcemap: true,
	minify: { mangle: false, compress: false, codegen: { removeWhitespace: true, asciiOnly: true } },
};

/**
 * What goes together: a file less to find and open is half a millisecond of each start. The engine's side is for itself, for
 * `bindings/*.ts` import it and are imported.
 * @type {import("rolldown").CodeSplittingOptions}
 */
const TOGETHER = {
	groups: [
		{ name: "engine", test: /[\\/]bindings[\\/]core\.ts$/, priority: 1 },
		{ name: "podwire", test: /[\\/]js[\\/]index\.ts$/ },
	],
};

export async function bundle() {
	const { rolldown } = await import("rolldown");
	const input = Object.fromEntries(ENTRIES.map((path) => [path.replace(/\.ts$/, ""), path]));
	const bundled = await rolldown({ ...INPUT, input });
	const { output } = await bundled.write({
		...OUTPUT,
		dir: join(ROOT, "dist"),
		codeSplitting: TOGETHER,
		entryFileNames: "[name].js",
		// What looks for a file beside it stays in its folder.
		chunkFileNames: ({ moduleIds }) => `${moduleIds.some(hasOwnFile) ? "js/verify" : "js/chunks"}/[name]-[hash].js`,
	});
	await bundled.close();
	const packages = new Set(output.flatMap((chunk) => ("moduleIds" in chunk ? chunk.moduleIds.flatMap(packageOf) : [])));
	const notices = [...packages].sort().map((name) => `# ${name}\n\n${licenceOf(name)}`);
	writeFileSync(join(ROOT, "dist/js/LICENSES.md"), notices.join("\n"));
	await bundleReader(rolldown);
}

/** Beside the engine in the package, and beside the sources. @param {typeof import("rolldown").rolldown} rolldown */
async function bundleReader(rolldown) {
	const reader = await rolldown({ ...INPUT, input: READER });
	for (const folder of ["dist/bindings", "bindings"]) {
		await reader.write({ ...OUTPUT, file: join(ROOT, folder, "reader.js"), codeSplitting: false });
	}
	await reader.close();
}

/** The package that a module is from; none of our own. @param {string} path */
const packageOf = (path) => path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? [];

/** The text of a package's licence. @param {string} name */
function licenceOf(name) {
	const [file] = readdirSync(installed(name)).filter((entry) => /^licen[cs]e/i.test(entry));
	if (file === undefined) throw new Error(`${name}: ends in the bundle and has no licence's text`);
	return readFileSync(installed(`${name}/${file}`), "utf8");
}
