// What is wrong with a snapshot, and where in it.

/** A snapshot that cannot be read: foreign, damaged, cut off, of another format or engine. */
export class SnapshotError extends Error {
	override readonly name = "SnapshotError";
	/** Part of the file: `header`, `directory`, a section's name. */
	readonly part: string;
	/** Bytes from the beginning of the file, or of a section that is unpacked; null: the part as a whole. */
	readonly offset: number | null;

	constructor(part: string, offset: number | null, problem: string) {
		super(`snapshot: ${part}${offset === null ? "" : `, byte ${offset}`}: ${problem}`);
		this.part = part;
		this.offset = offset;
	}
}
