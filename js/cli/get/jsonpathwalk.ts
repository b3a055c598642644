// What a JSONPath template finds in an object, and its text (k8s.io/client-go/util/jsonpath/jsonpath.go). Where Go walks a map
// in no order, the order here is that of the keys.

import { isMap, marshalJson, sortedEntries, sprint } from "./goformat.ts";
import { JsonPathError, type Node, type Template } from "./jsonpath.ts";

export interface WalkOptions {
	/** A field that is not there is nothing, not an error. */
	allowMissing: boolean;
}

/** One list of values a node list of the template. Throws JsonPathError. */
export function findResults(template: Template, data: unknown, options: WalkOptions): unknown[][] {
	return new Walk(template, options).from(0, data).results;
}

/** The template's text for an object. Throws JsonPathError. */
export function executeTemplate(template: Template, data: unknown, options: WalkOptions): string {
	return findResults(template, data, options)
		.map((results) => results.map(printed).join(" "))
		.join("");
}

function printed(value: unknown): string {
	if (Array.isArray(value) || isMap(value)) return marshalJson(value);
	return value === null ? "null" : sprint(value);
}

class Walk {
	readonly #template: Template;
	readonly #options: WalkOptions;

	constructor(template: Template, options: WalkOptions) {
		this.#template = template;
		this.#options = options;
	}

	/** From a list of the template on, to the end of it or of the range; `next`: the list that follows. */
	from(start: number, data: unknown, within = false): { results: unknown[][]; next: number } {
		const results: unknown[][] = [];
		for (let i = start; i < this.#template.length; i++) {
			const nodes = this.#template[i] as Node[];
			const [first, ...rest] = nodes;
			if (first?.kind === "end") {
				if (!within) throw new JsonPathError("not in range, nothing to end");
				return { results, next: i + 1 };
			}
			if (first?.kind !== "range") {
				results.push(this.walk([data], nodes));
				continue;
			}
			const values = this.walk([data], rest);
			let next = i + 1;
			for (const value of values) {
				const round = this.from(i + 1, value, true);
				results.push(...round.results);
				next = round.next;
			}
			if (values.length === 0) next = this.#endOf(i + 1);
			i = next - 1;
		}
		return { results, next: this.#template.length };
	}

	#endOf(start: number): number {
		let depth = 1;
		let i = start;
		for (; i < this.#template.length && depth > 0; i++) {
			const kind = this.#template[i]?.[0]?.kind;
			if (kind === "range") depth++;
			if (kind === "end") depth--;
		}
		return i;
	}

	walk(input: unknown[], nodes: readonly Node[]): unknown[] {
		return nodes.reduce((values, node) => this.#node(values, node), input);
	}

	#node(input: unknown[], node: Node): unknown[] {
		switch (node.kind) {
			case "text":
				return [node.text];
			case "number":
			case "boolean":
				return input.map(() => node.value);
			case "field":
				return this.#field(input, node.name);
			case "wildcard":
				return input.flatMap(membersOf);
			case "recursive":
				return input.flatMap(descendants);
			case "union":
				return node.of.flatMap((list) => this.walk(input, list));
			case "slice":
				return input.flatMap((value) => slice(value, node));
			case "filter":
				return input.flatMap((value) => this.#filter(value, node));
			default:
				throw new JsonPathError(`unexpected ${node.kind}`);
		}
	}

	#field(input: unknown[], name: string): unknown[] {
		if (input.length === 0) return [];
		const found = input.flatMap((value) => (isMap(value) && Object.hasOwn(value, name) ? [value[name]] : []));
		if (found.length === 0 && !this.#options.allowMissing) throw new JsonPathError(`${name} is not found`);
		return found;
	}

	#filter(value: unknown, { left, operator, right }: Extract<Node, { kind: "filter" }>): unknown[] {
		if (!Array.isArray(value)) throw new JsonPathError(`${sprint(value)} is not array or slice and cannot be filtered`);
		return value.filter((item) => {
			const lefts = this.#side(item, left, operator === "exists");
			if (operator === "exists") return lefts.length > 0;
			const rights = lefts.length === 0 ? [] : this.#side(item, right, false);
			if (lefts.length === 0 || rights.length === 0) return false;
			if (lefts.length > 1 || rights.length > 1) throw new JsonPathError("can only compare one element at a time");
			return compares(lefts[0], operator, rights[0]);
		});
	}

	#side(item: unknown, nodes: readonly Node[], mayFail: boolean): unknown[] {
		try {
			return this.walk([item], nodes);
		} catch (error) {
			if (mayFail && error instanceof JsonPathError) return [];
			throw error;
		}
	}
}

function membersOf(value: unknown): unknown[] {
	if (Array.isArray(value)) return value;
	return isMap(value) ? sortedEntries(value).map(([, held]) => held) : [];
}

/** What holds something, from the outside inwards. */
function descendants(value: unknown): unknown[] {
	const members = membersOf(value);
	return members.length === 0 ? [] : [value, ...members.flatMap(descendants)];
}

function slice(value: unknown, { from, to, step, single }: Extract<Node, { kind: "slice" }>): unknown[] {
	if (value === null || value === undefined) return [];
	if (!Array.isArray(value)) throw new JsonPathError(`${typeof value} is not array or slice`);
	const { length } = value;
	let start = from ?? 0;
	if (start < 0) start += length;
	let end = single ? (from ?? 0) + 1 : (to ?? length);
	if (end < 0 || (end === 0 && single)) end += length;
	const outside = (index: number) => new JsonPathError(`array index out of bounds: index ${index}, length ${length}`);
	if (start === end) return [];
	if (start >= length || start < 0) throw outside(start);
	if (end > length || end < 0) throw outside(end - 1);
	if (start > end) throw new JsonPathError(`starting index ${start} is greater than ending index ${end}`);
	if (step !== null && step <= 0) throw new JsonPathError("step must be > 0");
	const chosen = value.slice(start, end);
	return step === null ? chosen : chosen.filter((_, i) => i % step === 0);
}

function compares(left: unknown, operator: string, right: unknown): boolean {
	if (typeof left !== typeof right || typeof left === "object")
		throw new JsonPathError("incompatible types for comparison");
	const [a, b] = [left as string | number | boolean, right as string | number | boolean];
	switch (operator) {
		case "==":
			return a === b;
		case "!=":
			return a !== b;
		case "<":
			return a < b;
		case "<=":
			return a <= b;
		case ">":
			return a > b;
		case ">=":
			return a >= b;
		default:
			throw new JsonPathError(`unrecognized filter operator ${operator}`);
	}
}
