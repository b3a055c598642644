// What a snapshot says, as text: the same for two clusters that are the same, though in one of them two things may be one that are
// alike (a constant of a component is one thing with itself, and not with what was read from a file).

import { SnapshotFile } from "../../js/snapshot/file.ts";
import { ValueReader } from "../../js/snapshot/values.ts";

/** A line for every value that is unlike the others, numbered, and the numbers of those in it; the memory's bytes. */
export async function expanded(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
	const file = new SnapshotFile(bytes);
	const values = new ValueReader();
	const unlike = new Unlike();
	const roots = [];
	for (const name of ["objects", "cluster"]) roots.push(unlike.of(values.read(name, await file.section(name)), []));
	return [...unlike.lines, roots.join(" "), (await file.section("memory")).join(" ")].join("\n");
}

class Unlike {
	readonly #numbers = new Map<string, number>();
	readonly #known = new Map<object, string>();

	get lines(): Iterable<string> {
		return this.#numbers.keys();
	}

	/** `above`: what it is in. What is in itself is named by how far above. */
	of(value: unknown, above: readonly object[]): string {
		if (typeof value !== "object" || value === null)
			return `${typeof value} ${typeof value === "string" ? JSON.stringify(value) : Object.is(value, -0) ? "-0" : value}`;
		const depth = above.lastIndexOf(value);
		if (depth >= 0) return `^${above.length - depth}`;
		const known = this.#known.get(value);
		if (known !== undefined) return known;
		const below = [...above, value];
		const members: Iterable<readonly [unknown, unknown]> =
			value instanceof Map ? value : value instanceof Set ? [...value].entries() : Object.entries(value);
		const kind = `${value.constructor?.name ?? "bare"}${Object.isFrozen(value) ? " frozen" : ""}`;
		const line = `${kind}: ${Array.from(members, ([key, member]) => `${this.of(key, below)} ${this.of(member, below)}`).join(", ")}`;
		const number = this.#numbers.get(line) ?? this.#numbers.size;
		this.#numbers.set(line, number);
		this.#known.set(value, `#${number}`);
		return `#${number}`;
	}
}
