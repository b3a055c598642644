// File name patterns as shells have them: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`, and `**` for any depth of folders.
// Names that begin with a dot are matched only by a pattern that does. POSIX: glob(7); braces and `**` as in bash.

import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Whether a path is a pattern rather than a name. */
export function isPattern(path: string): boolean {
	return /[*?[{]/.test(path);
}

/** Every way to choose one of each `{a,b}`. */
function braces(pattern: string): string[] {
	const found = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
	if (found === null) return [pattern];
	const [whole, list = ""] = found;
	const before = pattern.slice(0, found.index);
	const after = pattern.slice(found.index + whole.length);
	return list.split(",").flatMap((choice) => braces(before + choice + after));
}

/** One path segment as an expression over a whole name. */
function segment(text: string): RegExp {
	const source = text.replace(/\[!?[^\]]+\]|[*?]|[^\w]/g, (part) => {
		if (part === "*") return "[^/]*";
		if (part === "?") return "[^/]";
		if (part.length > 1)
			return `[${part.startsWith("[!") ? "^" : ""}${part.slice(part.startsWith("[!") ? 2 : 1, -1).replace(/[\\\]^]/g, "\\$&")}]`;
		return `\\${part}`;
	});
	return new RegExp(`^${text.startsWith(".") ? "" : "(?!\\.)"}${source}$`, "u");
}

async function entries(folder: string): Promise<{ name: string; folder: boolean }[]> {
	try {
		const found = await readdir(folder === "" ? "." : folder, { withFileTypes: true });
		return found.map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
	} catch {
		return [];
	}
}

/** Paths below `folder` that match the segments. */
async function match(folder: string, segments: readonly string[]): Promise<string[]> {
	const [first, ...rest] = segments;
	if (first === undefined) return [];
	const last = rest.length === 0;
	const found = await entries(folder);
	if (first === "**") {
		const deeper = found.filter((entry) => entry.folder && !entry.name.startsWith("."));
		const below = await Promise.all(deeper.map(({ name }) => match(join(folder, name), segments)));
		const here = last ? found.map(({ name }) => join(folder, name)) : await match(folder, rest);
		return [...here, ...below.flat()];
	}
	if (!isPattern(first)) return last ? named(folder, first, found) : match(join(folder, first), rest);
	const pattern = segment(first);
	const hits = found.filter((entry) => pattern.test(entry.name) && (last || entry.folder));
	if (last) return hits.map(({ name }) => join(folder, name));
	return (await Promise.all(hits.map(({ name }) => match(join(folder, name), rest)))).flat();
}

const named = (folder: string, name: string, found: { name: string }[]) =>
	found.some((entry) => entry.name === name) ? [join(folder, name)] : [];

/** Files and folders that match the pattern, each once, sorted by code unit. */
export async function glob(pattern: string): Promise<string[]> {
	const all = await Promise.all(
		braces(pattern).map((text) => {
			const absolute = text.startsWith("/");
			const segments = text.split("/").filter((part) => part !== "" && part !== ".");
			return match(absolute ? "/" : "", segments);
		}),
	);
	return [...new Set(all.flat())].sort();
}
