// The native engine for tests, built where nothing looks for it by default, so that all other tests run on Wasm.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { engineModule } from "../../bindings/native.ts";
import { buildNative, missingForNative } from "../../scripts/native.mjs";

const ADDON = "build/native/core.node";
/** The published package with the addon in it, for Deno and for the command. */
export const PACKAGE = "build/native/package";

/** What is missing for a build, or null. */
export const missing = missingForNative();

/** The engine as `loadModule("native")` gives it. */
export async function builtModule() {
	await buildNative("build/core.wasm", ADDON);
	return engineModule(await readFile("build/core.wasm"), pathToFileURL(ADDON), "native");
}

/** Lays the package out. */
export function layPackage(): void {
	rmSync(PACKAGE, { recursive: true, force: true });
	mkdirSync(PACKAGE, { recursive: true });
	cpSync("package.json", `${PACKAGE}/package.json`);
	cpSync("dist", `${PACKAGE}/dist`, { recursive: true });
	mkdirSync(`${PACKAGE}/dist/bindings/native`, { recursive: true });
	cpSync("build/core.wasm", `${PACKAGE}/dist/bindings/core.wasm`);
	cpSync(ADDON, `${PACKAGE}/dist/bindings/native/core.node`);
}
