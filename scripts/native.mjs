// `npm run build:native`: the engine ahead of time. wasm2c translates `build/core.wasm` to C, gcc makes an addon of that and
// `bindings/native/`. Needs gcc and Debian's libsimde-dev (the module has SIMD); downloads nothing.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bootstrap } from "./bootstrap.mjs";
import { changed, files, installed, node, ROOT } from "./run.mjs";

const SOURCES = "bindings/native";
const MODULE = "build/core.wasm";
/** Beside the sources and beside what is built from them, where `bindings/native.ts` looks. */
const ADDONS = ["bindings/native/core.node", "dist/bindings/native/core.node"];
const FLAGS = ["-std=gnu11", "-O3", "-march=native", "-fPIC", "-fvisibility=hidden"];

/** @type {Record<string, string>} */
const TYPES = { u32: "i32", u64: "i64", f64: "f64", void: "void" };

/**
 * A line an export, for `addon.c`, from the header that wasm2c writes.
 * @param {string} header
 */
function exportsOf(header) {
	const prototypes = [...header.matchAll(/^(\w+) w2c_core_(\w+)\(w2c_core\*((?:, \w+)*)\);$/gm)];
	return prototypes
		.map(([, result = "", name, list = ""]) => {
			const types = list.split(", ").slice(1);
			const parameters = types.map((type, i) => `ARG_${TYPES[type]}(${i})`).join(" ");
			return `EXPORT(${name}, ${TYPES[result]}, ${types.length}, ${parameters})\n`;
		})
		.join("");
}

/** @param {string[]} args */
function gcc(args) {
	const { status, error } = spawnSync("gcc", args, { cwd: ROOT, stdio: "inherit" });
	if (status !== 0) throw new Error(`gcc: ${error?.message ?? `exit ${status}`}`);
}

/** What is missing for a build, or null. */
export function missingForNative() {
	if (process.platform !== "linux") return "Linux";
	if (spawnSync("gcc", ["--version"]).status !== 0) return "gcc";
	return existsSync("/usr/include/simde/wasm/simd128.h") ? null : "libsimde-dev";
}

/**
 * Does nothing where the addon is newer than all it is made of.
 * @param {string} module  a Wasm file, relative to the checkout, as `addon`
 * @param {string} addon  the file to write
 */
export async function buildNative(module, addon) {
	const sources = files(SOURCES).filter((path) => /\.[ch]$/.test(path));
	if (changed(addon) > Math.max(...[module, "scripts/native.mjs", ...sources].map(changed))) return;
	const folder = join(ROOT, `${addon}.c`);
	mkdirSync(folder, { recursive: true });
	const code = join(folder, "core.c");
	await node("wasm2c", [installed("wabt/bin/wasm2c"), join(ROOT, module), "-n", "core", "-o", code]);
	writeFileSync(join(folder, "exports.h"), exportsOf(readFileSync(join(folder, "core.h"), "utf8")));
	const headers = [folder, join(ROOT, SOURCES), installed("node-api-headers/include")].map((path) => `-I${path}`);
	const digest = createHash("sha256")
		.update(readFileSync(join(ROOT, module)))
		.digest("hex");
	const object = join(folder, "core.o");
	// What wasm2c writes has unused variables by the hundred: warnings are for what we write.
	gcc([...FLAGS, ...headers, "-w", "-DNDEBUG", "-c", code, "-o", object]);
	const own = ["addon.c", "memory.c"].map((file) => join(ROOT, SOURCES, file));
	const strict = ["-Wall", "-Wextra", "-Werror", `-DCORE_SHA256="${digest}"`];
	gcc([...FLAGS, ...headers, ...strict, "-shared", ...own, object, "-o", join(ROOT, addon), "-lm", "-lpthread"]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
	await bootstrap();
	const missing = missingForNative();
	if (missing !== null) throw new Error(`the native engine needs ${missing}`);
	await buildNative(MODULE, "build/native/core.node");
	for (const addon of ADDONS) {
		mkdirSync(dirname(join(ROOT, addon)), { recursive: true });
		copyFileSync(join(ROOT, "build/native/core.node"), join(ROOT, addon));
	}
}
