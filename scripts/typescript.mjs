// `node --import ./scripts/typescript.mjs FILE.ts`: runs TypeScript sources on Node 20, which cannot strip types itself.
// Each file is transpiled alone as it is imported (no type check: `npm run lint` does that), with an inline source map.

import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

// Node loads hooks on a thread of their own, from this very file: there, only the exports below count.
if (isMainThread) register(import.meta.url);

/** What package.json's imports name, as sources. @type {Record<string, string>} */
const IMPORTS = { "#core": "../bindings/node.ts", "#agent": "../js/serve/agent.ts" };

/** Sources take the engine's bytes from beside the sources, not from dist/ as package.json says. @type {import("node:module").ResolveHook} */
export function resolve(specifier, context, nextResolve) {
	const source = IMPORTS[specifier];
	if (source === undefined) return nextResolve(specifier, context);
	return { url: new URL(source, import.meta.url).href, shortCircuit: true };
}

/** @type {import("node:module").LoadHook} */
export async function load(url, context, nextLoad) {
	if (!url.startsWith("file:") || !url.endsWith(".ts")) return nextLoad(url, context);
	return { format: "module", source: await transpiled(fileURLToPath(url)), shortCircuit: true };
}

/** A TypeScript file as JavaScript. @param {string} fileName @returns {Promise<string>} */
export async function transpiled(fileName) {
	const { default: ts } = await import("typescript");
	const { outputText } = ts.transpileModule(await readFile(fileName, "utf8"), {
		fileName,
		compilerOptions: {
			module: ts.ModuleKind.ESNext,
			target: ts.ScriptTarget.ES2022,
			verbatimModuleSyntax: true,
			inlineSourceMap: true,
			inlineSources: true,
		},
	});
	return outputText;
}
