// Selectors as text: `-l` and `--field-selector` of kubectl, `labelSelector` and `fieldSelector` of the API
// (k8s.io/apimachinery/pkg/labels/selector.go, pkg/fields/selector.go).

import type { Labels } from "./selector.ts";

/** The text is no selector; `at`: the first character that does not fit, 0-based. */
export class SelectorError extends Error {
	override readonly name = "SelectorError";
	readonly at: number;

	constructor(message: string, at: number) {
		super(`unable to parse requirement: ${message}`);
		this.at = at;
	}
}

export type LabelOperator = "=" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
	key: string;
	operator: LabelOperator;
	/** Sorted; of `gt` and `lt` one integer. */
	values: readonly string[];
}

const TOKEN = /\s*(?:([()!,<>])|(==|=|!=)|([^\s()!,=<>]+))/y;

interface Token {
	text: string;
	at: number;
	word: boolean;
}

function tokens(text: string): Token[] {
	const found: Token[] = [];
	let at = 0;
	while (text.slice(at).trim() !== "") {
		// `!=` is one sign, `!` before a key another.
		TOKEN.lastIndex = at;
		const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
		if (text.startsWith("!=", start)) {
			found.push({ text: "!=", at: start, word: false });
			at = start + 2;
			continue;
		}
		const match = TOKEN.exec(text) as RegExpExecArray;
		found.push({ text: match[0].trim(), at: start, word: match[3] !== undefined });
		at = TOKEN.lastIndex;
	}
	return found;
}

/** All requirements must hold; of an empty text there is none. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelRequirement[] {
	const reading = new Reading(tokens(text), text.length);
	const requirements: LabelRequirement[] = [];
	while (!reading.ended) {
		requirements.push(reading.requirement());
		if (!reading.ended) reading.expect(",");
	}
	return requirements;
}

class Reading {
	#at = 0;
	readonly #tokens: readonly Token[];
	readonly #end: number;

	constructor(list: readonly Token[], end: number) {
		this.#tokens = list;
		this.#end = end;
	}

	get ended(): boolean {
		return this.#at >= this.#tokens.length;
	}

	#next(): Token | undefined {
		return this.#tokens[this.#at++];
	}

	#refuse(found: Token | undefined, expected: string): SelectorError {
		return new SelectorError(`found '${found?.text ?? ""}', expected: ${expected}`, found?.at ?? this.#end);
	}

	expect(sign: string): void {
		const found = this.#next();
		if (found?.text !== sign) throw this.#refuse(found, sign === "," ? "',' or 'end of string'" : `'${sign}'`);
	}

	#word(expected: string): string {
		const found = this.#next();
		if (found?.word !== true) throw this.#refuse(found, expected);
		return found.text;
	}

	requirement(): LabelRequirement {
		if (this.#tokens[this.#at]?.text === "!") {
			this.#at++;
			return { key: this.#word("identifier"), operator: "!", values: [] };
		}
		const key = this.#word("!, identifier, or 'end of string'");
		const sign = this.#tokens[this.#at];
		if (sign === undefined || sign.text === ",") return { key, operator: "exists", values: [] };
		this.#at++;
		switch (sign.text) {
			case "=":
			case "==":
				return { key, operator: "=", values: [this.#value()] };
			case "!=":
				return { key, operator: "!=", values: [this.#value()] };
			case "in":
			case "notin":
				return { key, operator: sign.text, values: this.#values() };
			case ">":
			case "<":
				return { key, operator: sign.text === ">" ? "gt" : "lt", values: [this.#integer()] };
			default:
				throw this.#refuse(sign, "in, notin, =, ==, !=, gt, lt");
		}
	}

	/** May be empty: `key=`. */
	#value(): string {
		const next = this.#tokens[this.#at];
		return next === undefined || next.text === "," ? "" : this.#word("identifier");
	}

	#integer(): string {
		const place = this.#tokens[this.#at];
		const text = this.#word("identifier");
		if (!/^[+-]?\d+$/.test(text))
			throw new SelectorError(`found '${text}', expected: an integer`, place?.at ?? this.#end);
		return text;
	}

	#values(): string[] {
		this.expect("(");
		const values: string[] = [];
		for (;;) {
			const next = this.#tokens[this.#at];
			if (next?.word === true) values.push(this.#word("identifier"));
			else if (next?.text === "," || next?.text === ")") values.push("");
			const sign = this.#next();
			if (sign?.text === ")") return values.sort();
			if (sign?.text !== ",") throw this.#refuse(sign, "',' or ')'");
		}
	}
}

/** Canonical text: what `parseLabelSelector` reads back as the same. */
export function printLabelSelector(requirements: readonly LabelRequirement[]): string {
	return requirements
		.map(({ key, operator, values }) => {
			if (operator === "exists") return key;
			if (operator === "!") return `!${key}`;
			if (operator === "in" || operator === "notin") return `${key} ${operator} (${values.join(",")})`;
			return `${key}${operator === "gt" ? ">" : operator === "lt" ? "<" : operator}${values[0]}`;
		})
		.join(",");
}

export function matchesLabels(requirements: readonly LabelRequirement[], labels: Labels = {}): boolean {
	return requirements.every((requirement) => {
		const { key } = requirement;
		return matchesValue(requirement, Object.hasOwn(labels, key) ? labels[key] : undefined);
	});
}

function matchesValue({ operator, values }: LabelRequirement, value: string | undefined): boolean {
	switch (operator) {
		case "=":
		case "in":
			return value !== undefined && values.includes(value);
		case "!=":
		case "notin":
			return value === undefined || !values.includes(value);
		case "exists":
			return value !== undefined;
		case "!":
			return value === undefined;
		case "gt":
		case "lt": {
			if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
			const [is, than] = [BigInt(value), BigInt(values[0] as string)];
			return operator === "gt" ? is > than : is < than;
		}
	}
}

export interface FieldRequirement {
	field: string;
	equal: boolean;
	value: string;
}

/** `a=b,c!=d`; `\` before `,`, `=` and `\` in a value. Throws SelectorError. */
export function parseFieldSelector(text: string): FieldRequirement[] {
	if (text.trim() === "") return [];
	return splitTerms(text).map(({ term, at }) => {
		const [, field, sign, value] = /^([^=!]+)(==|!=|=)(.*)$/s.exec(term) ?? [];
		if (field === undefined || sign === undefined)
			throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`, at);
		return { field: field.trim(), equal: sign !== "!=", value: (value ?? "").replace(/\\([\\,=])/g, "$1") };
	});
}

function splitTerms(text: string): { term: string; at: number }[] {
	const terms: { term: string; at: number }[] = [];
	let start = 0;
	for (let i = 0; i <= text.length; i++) {
		if (text[i] === "\\") i++;
		else if (i === text.length || text[i] === ",") {
			terms.push({ term: text.slice(start, i), at: start });
			start = i + 1;
		}
	}
	return terms;
}
