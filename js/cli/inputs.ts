// Reads what `-f` names: files, folders, patterns, `-` for stdin. A folder gives its *.yaml, *.yml and *.json, as with
// kubectl not those of folders below it unless asked.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { glob, isPattern } from "./glob.ts";
import { InputError } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface Input {
	/** As errors name it; `-` is stdin. */
	name: string;
	text: string;
}

const MANIFEST = /\.(ya?ml|json)$/i;

const exists = (path: string) =>
	stat(path).then(
		() => true,
		() => false,
	);

async function inFolder(folder: string, recursive: boolean): Promise<string[]> {
	const found = await readdir(folder, { withFileTypes: true });
	const sorted = found.sort((a, b) => (a.name < b.name ? -1 : 1));
	const below = await Promise.all(
		sorted.map(async (entry) => {
			const path = join(folder, entry.name);
			if (!(await stat(path)).isDirectory()) return MANIFEST.test(entry.name) ? [path] : [];
			return recursive && !entry.name.startsWith(".") ? inFolder(path, recursive) : [];
		}),
	);
	return below.flat();
}

async function expand(path: string, recursive: boolean): Promise<string[]> {
	if (path === "-") return [path];
	// A file may really be called `a[1].yaml`.
	if (isPattern(path) && !(await exists(path))) {
		const found = await glob(path);
		if (found.length === 0) throw new InputError(path, "matches no file");
		return (await Promise.all(found.map((it) => expand(it, recursive)))).flat();
	}
	if (!(await stat(path)).isDirectory()) return [path];
	const found = await inFolder(path, recursive);
	if (found.length === 0) throw new InputError(path, "no *.yaml, *.yml or *.json in this folder");
	return found;
}

/** Text of UTF-8 bytes; a byte order mark is dropped, what is no UTF-8 is an error. */
function decode(name: string, bytes: Uint8Array): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		throw new InputError(name, "expected UTF-8 text");
	}
}

/** The inputs in the order they were named, each path once. Several `-` are one. */
export async function readInputs(paths: readonly string[], recursive: boolean, terminal: Terminal): Promise<Input[]> {
	const expanded = await Promise.all(paths.map((path) => expand(path, recursive)));
	const names = [...new Set(expanded.flat())];
	const inputs: Input[] = [];
	for (const name of names) {
		const bytes = name === "-" ? await terminal.input() : await readFile(name);
		inputs.push({ name, text: decode(name, bytes) });
	}
	return inputs;
}
