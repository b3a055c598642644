// What a checker says about one probe of a case, or about the case where it has no probes.

export interface Result {
	/** Case and probe, as the file names them; only for people. */
	name: string;
	status: "passed" | "failed" | "skipped";
	expected?: unknown;
	got?: unknown;
	/** Why it was skipped, or what a failure is about. */
	reason?: string;
}

/** Judges one file's content; `path` serves to find what lies beside it, never to recognise it. */
export type Check = (content: never, path: string) => Result[] | Promise<Result[]>;

const WIDTH_MAX = 600;

function shown(value: unknown): string {
	const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
	return text.length > WIDTH_MAX ? `${text.slice(0, WIDTH_MAX)}…` : text;
}

/** One line for a failure. */
export function line(path: string, { name, expected, got, reason }: Result): string {
	const why = reason === undefined ? "" : ` (${reason})`;
	return `FAIL ${path}: ${name}: expected ${shown(expected)}, got ${shown(got)}${why}`;
}
