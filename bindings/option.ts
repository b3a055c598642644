// Reading the options of a typed match or target. An option or value that a caller did not expect makes the whole
// extension carried (`Carried`): the engine answers "unknown" where a packet reaches it, and never guesses.

import { ipv4ToNumber } from "../js/net/address.ts";
import type { Extension, Option, Prefix, Target, Value } from "../js/net/ruleset.ts";
import { halves, mask6, wordsOf } from "./addresses.ts";

/** Thrown while encoding an extension that is not evaluated in this form. */
export class Carried extends Error {
	constructor(extension: string, what: string) {
		super(`${extension}: ${what} is not evaluated`);
		this.name = "Carried";
	}
}

/** u32 mask of a prefix length or a dotted mask. */
export function ipv4Mask(mask: number | string): number {
	if (typeof mask === "string") return ipv4ToNumber(mask);
	if (!Number.isInteger(mask) || mask < 0 || mask > 32)
		throw new RangeError(`expected a prefix length 0-32, got ${mask}`);
	return mask === 0 ? 0 : (-1 << (32 - mask)) >>> 0;
}

/** Network and mask of an IPv4 prefix; host bits are cleared. */
export function network(prefix: Prefix): { address: number; mask: number } {
	const mask = ipv4Mask(prefix.mask);
	return { address: (ipv4ToNumber(prefix.address) & mask) >>> 0, mask };
}

/** Network and mask of an IPv6 prefix as 8 words: address, mask, each its first and last 64 bits. */
export function network6(prefix: Prefix): number[] {
	const [hi, lo] = halves(prefix.address);
	const [maskHi, maskLo] = mask6(prefix.mask);
	return wordsOf(hi & maskHi, lo & maskLo, maskHi, maskLo);
}

type Kind = Value["kind"];
type Of<K extends Kind> = Extract<Value, { kind: K }>;

/** The options of one extension, each to be asked for by name; `done` refuses those that nobody asked for. */
export class Options {
	readonly #name: string;
	readonly #rest: Map<string, Option>;

	constructor(extension: Extension | Target) {
		this.#name = extension.name;
		if (extension.carried !== null) throw new Carried(extension.name, "an extension without an option table");
		this.#rest = new Map(extension.options.map((option) => [option.name, option]));
		if (this.#rest.size !== extension.options.length) throw new Carried(extension.name, "an option given twice");
	}

	/** The option's value and negation, where it is there. */
	take<K extends Kind>(name: string, kind: K): { value: Of<K>; not: boolean } | null {
		const option = this.#rest.get(name);
		if (option === undefined) return null;
		if (option.value.kind !== kind) throw new Carried(this.#name, `--${name} with a ${option.value.kind}`);
		this.#rest.delete(name);
		return { value: option.value as Of<K>, not: option.not };
	}

	/** As `take`, for an option that the extension cannot be without. */
	need<K extends Kind>(name: string, kind: K): { value: Of<K>; not: boolean } {
		const found = this.take(name, kind);
		if (found === null) throw new Carried(this.#name, `a form without --${name}`);
		return found;
	}

	/** Is the flag there, and not negated? A negated one is carried. */
	flag(name: string): boolean {
		const found = this.take(name, "flag");
		if (found?.not) throw new Carried(this.#name, `! --${name}`);
		return found !== null;
	}

	/** Throws Carried where options are left. */
	done(): void {
		for (const name of this.#rest.keys()) throw new Carried(this.#name, `--${name}`);
	}
}
