// `npm run build:native`: the engine ahead of time. wasm2c translates `build/core.wasm` to C, gcc and g++ make an addon of
// that and `bindings/native/`. Needs g++ and Debian's libsimde-dev (the module has SIMD); downloads nothing.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bootstrap } from "./bootstrap.mjs";
import { changed, files, installed, node, ROOT } from "./run.mjs";
import { buildIn } from "./stamp.mjs";

const SOURCES = "bindings/native";
const MODULE = "build/core.wasm";
/** Beside the sources and beside what is built from them, where `bindings/native.ts` looks. */
const ADDONS = ["bindings/native/core.node", "dist/bindings/native/core.node"];
const FLAGS = ["-O3", "-march=native", "-fPIC", "-fvisibility=hidden"];

/** @type {Record<string, string>} */
const TYPES = { u32: "i32", u64: "i64", f64: "f64", void: "void" };

/**
 * A line an export, for `calls.c` and `addon.cc`, from the header that wasm2c writes.
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

/**
 * @param {"gcc" | "g++"} compiler
 * @param {string[]} args
 */
function compile(compiler, args) {
	const { status, error } = spawnSync(compiler, args, { cwd: ROOT, stdio: "inherit" });
	if (status !== 0) throw new Error(`${compiler}: ${error?.message ?? `exit ${status}`}`);
}

/** What is missing for a build, or null. */
export function missingForNative() {
	if (process.platform !== "linux") return "Linux";
	for (const compiler of ["gcc", "g++"]) if (spawnSync(compiler, ["--version"]).status !== 0) return compiler;
	return existsSync("/usr/include/simde/wasm/simd128.h") ? null : "libsimde-dev";
}

/**
 * Does nothing where the addon is newer than all it is made of.
 * @param {string} module  a Wasm file, relative to the checkout, as `addon`
 * @param {string} addon  the file to write
 */
export async function buildNative(module, addon) {
	const sources = files(SOURCES).filter((path) => /\.(c|cc|h)$/.test(path));
	if (changed(addon) > Math.max(...[module, "scripts/native.mjs", ...sources].map(changed))) return;
	const folder = join(ROOT, `${addon}.c`);
	mkdirSync(folder, { recursive: true });
	const code = join(folder, "core.c");
	await node("wasm2c", [installed("wabt/bin/wasm2c"), join(ROOT, module), "-n", "core", "-o", code]);
	writeFileSync(join(folder, "exports.h"), exportsOf(readFileSync(join(folder, "core.h"), "utf8")));
	const bytes = readFileSync(join(ROOT, module));
	const digest = createHash("sha256").update(bytes).digest("hex");
	const headers = [folder, join(ROOT, SOURCES)].map((path) => `-I${path}`);
	const nodeApi = ["node-addon-api", "node-api-headers/include"].flatMap((path) => ["-isystem", installed(path)]);
	const strict = ["-Wall", "-Wextra", "-Werror"];
	const c = [...FLAGS, ...headers, "-std=gnu11"];
	const cpp = [
		...FLAGS,
		...headers,
		...nodeApi,
		"-std=c++17",
		"-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL",
		`-DCORE_SHA256="${digest}"`,
		`-DCORE_BUILD="${buildIn(bytes)}"`,
	];
	/** @param {"gcc" | "g++"} compiler @param {string[]} flags @param {string} source */
	const object = (compiler, flags, source) => {
		const output = join(folder, `${basename(source)}.o`);
		compile(compiler, [...flags, "-c", source, "-o", output]);
		return output;
	};
	// What wasm2c writes has unused variables by the hundred: warnings are for what we write.
	const objects = [
		object("gcc", [...c, "-w", "-DNDEBUG"], code),
		object("gcc", [...c, ...strict], join(ROOT, SOURCES, "memory.c")),
		object("gcc", [...c, ...strict], join(ROOT, SOURCES, "calls.c")),
		object("g++", [...cpp, ...strict], join(ROOT, SOURCES, "addon.cc")),
	];
	compile("g++", ["-shared", ...objects, "-o", join(ROOT, addon), "-lm", "-lpthread"]);
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
