// Exit statuses, and how an error becomes lines on stderr.
// 0 yes or done; 1 the answer is no; 2 bad usage, bad input, or no trustworthy answer; 130 stopped by Ctrl-C.

export const YES = 0;
export const NO = 1;
export const UNUSABLE = 2;
export const INTERRUPTED = 130;

export type Status = typeof YES | typeof NO | typeof UNUSABLE | typeof INTERRUPTED;

/** A command line that cannot be obeyed. The message is one line and says what to write instead. */
export class UsageError extends Error {
	override name = "UsageError";
}

/** A file or folder that is not what it should be. */
export class InputError extends Error {
	override name = "InputError";
	readonly file: string;

	constructor(file: string, problem: string) {
		super(`${file}: ${problem}`);
		this.file = file;
	}
}

const ERRORS_MAX = 50;

const SYSTEM: Record<string, string> = {
	ENOENT: "no such file or folder",
	EACCES: "permission denied",
	EISDIR: "is a folder",
	ENOTDIR: "is no folder",
	EMFILE: "too many open files",
	ENOSPC: "no space left on the device",
	EADDRINUSE: "address already in use",
};

/** Errors that only a fault of ours raises: they show where. */
const INTERNAL = new Set(["TypeError", "RangeError", "ReferenceError", "SyntaxError", "RuntimeError", "Error"]);

function several(error: unknown): readonly unknown[] | null {
	const errors = (error as { errors?: unknown } | null)?.errors;
	return Array.isArray(errors) && errors.length > 0 ? errors : null;
}

function one(error: unknown): string {
	if (!(error instanceof Error)) return `podwire: ${String(error)}`;
	const { code, path } = error as NodeJS.ErrnoException;
	const system = code === undefined ? undefined : SYSTEM[code];
	if (system !== undefined) return path === undefined ? `podwire: ${system}` : `${path}: ${system}`;
	if (INTERNAL.has(error.name)) return `podwire: internal error: ${error.stack ?? error.message}`;
	const excerpt = (error as { excerpt?: unknown }).excerpt;
	const shown = typeof excerpt === "string" && excerpt !== "" ? `\n${excerpt}` : "";
	const placed = "file" in error ? "" : "podwire: ";
	return `${placed}${error.message}${shown}`;
}

/** The lines that say what is wrong: one error, or the errors of a whole file, at most 50 of them. */
export function complaint(error: unknown): string {
	const errors = several(error) ?? [error];
	const lines = errors.slice(0, ERRORS_MAX).map(one);
	if (errors.length > ERRORS_MAX) lines.push(`… and ${errors.length - ERRORS_MAX} more errors`);
	return lines.join("\n");
}
