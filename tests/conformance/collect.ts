// Walks folders for case files and lets the checker of each one's format judge it.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { CHECKS, NOT_MODELLED } from "./checks.ts";
import { formatOf, probeCount } from "./format.ts";
import type { Result } from "./result.ts";

export interface Judged {
	path: string;
	results: Result[];
}

/** Every *.json below the paths, sorted by code unit, each once. Throws where a path does not exist. */
export function caseFiles(paths: string[]): string[] {
	const walk = (path: string): string[] => {
		if (!statSync(path).isDirectory()) return path.endsWith(".json") ? [path] : [];
		return readdirSync(path)
			.sort()
			.flatMap((name) => walk(join(path, name)));
	};
	return [...new Set(paths.flatMap(walk))];
}

const skipped = (count: number, reason: string): Result[] =>
	Array.from({ length: count }, (_, index) => ({ name: `probe ${index + 1}`, status: "skipped", reason }));

/** Judges one file; null where it is no case but belongs to others (results, base objects). */
export async function judge(path: string): Promise<Judged | null> {
	let content: unknown;
	try {
		content = JSON.parse(readFileSync(path, "utf8"));
	} catch (error) {
		return { path, results: [{ name: "file", status: "failed", expected: "JSON", got: String(error) }] };
	}
	const format = formatOf(content);
	if (format === "kernel result" || format === "base objects") return null;
	if (format === null) return { path, results: skipped(1, "no case format that we know") };
	const reason = NOT_MODELLED[format];
	if (reason !== undefined) return { path, results: skipped(probeCount(content), reason) };
	const check = CHECKS[format];
	if (check === undefined) return { path, results: skipped(probeCount(content), `no checker for ${format}`) };
	try {
		return { path, results: await check(content as never, path) };
	} catch (error) {
		const got = error instanceof Error ? (error.stack ?? error.message) : String(error);
		return { path, results: [{ name: "file", status: "failed", expected: "a judgement", got }] };
	}
}

/** Judges every case file below the paths, in order. */
export async function* judgeAll(paths: string[]): AsyncGenerator<Judged> {
	for (const path of caseFiles(paths)) {
		const judged = await judge(path);
		if (judged !== null) yield judged;
	}
}
