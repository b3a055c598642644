// Templates of `-o jsonpath=`: text, and in braces JSONPath in Kubernetes' dialect (k8s.io/client-go/util/jsonpath/parser.go):
// `{range .items[*]}{.metadata.name}{"\n"}{end}`. Read here; `jsonpathwalk.ts` finds what they mean.

export type Node =
	| { kind: "text"; text: string }
	| { kind: "number"; value: number }
	| { kind: "boolean"; value: boolean }
	| { kind: "field"; name: string }
	| { kind: "slice"; from: number | null; to: number | null; step: number | null; single: boolean }
	| { kind: "wildcard" }
	| { kind: "recursive" }
	| { kind: "union"; of: Node[][] }
	| { kind: "filter"; left: Node[]; operator: string; right: Node[] }
	| { kind: "range" }
	| { kind: "end" };

/** A list is what stands in one pair of braces, or the text between two. */
export type Template = Node[][];

export class JsonPathError extends Error {
	override name = "JsonPathError";
}

const END = /[\s.,[\]$@{}]/;
const KEY = /^'([^']*)'$/;
const SLICE = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/;
const COMPARISON = /^([^!<>=]+)([!<>=]+)(.+?)$/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\u0007", b: "\b", f: "\f", v: "\v" };

/** Throws JsonPathError. */
export function parseJsonPath(text: string): Template {
	const template: Template = [];
	for (let at = 0; at < text.length; ) {
		const open = text.indexOf("{", at);
		if (open !== at) template.push([{ kind: "text", text: text.slice(at, open < 0 ? undefined : open) }]);
		if (open < 0) break;
		const reader = new Reader(text, open + 1);
		template.push(reader.action());
		at = reader.at;
	}
	return template;
}

/** One action without its braces. */
function actionOf(text: string): Node[] {
	return new Reader(`${text}}`, 0).action();
}

class Reader {
	readonly #text: string;
	at: number;

	constructor(text: string, at: number) {
		this.#text = text;
		this.at = at;
	}

	/** Up to the closing brace, and past it. */
	action(): Node[] {
		const nodes: Node[] = [];
		for (;;) {
			const rest = this.#text.slice(this.at);
			const next = rest[0];
			if (next === undefined || next === "\n" || next === "\r") throw new JsonPathError("unclosed action");
			if (next === "}") {
				this.at++;
				return nodes;
			}
			if (next === " " || next === "@" || next === "$") this.at++;
			else if (rest.startsWith("[?(")) nodes.push(this.#filter());
			else if (rest.startsWith("..")) nodes.push(...this.#recursive(nodes.at(-1)));
			else if (next === "[") nodes.push(...this.#brackets());
			else if (next === '"' || next === "'") nodes.push({ kind: "text", text: this.#quoted(next) });
			else if (next === ".") nodes.push(this.#field(1));
			else if (/[+\-\d]/.test(next)) nodes.push(this.#number());
			else if (/[\p{L}_]/u.test(next)) nodes.push(this.#identifier());
			else throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(next)}`);
		}
	}

	#recursive(before: Node | undefined): Node[] {
		if (before?.kind === "recursive") throw new JsonPathError("invalid multiple recursive descent");
		this.at += 2;
		const named = /[\p{L}\p{Nd}_]/u.test(this.#text[this.at] ?? "");
		return named ? [{ kind: "recursive" }, this.#field(0)] : [{ kind: "recursive" }];
	}

	/** A name up to what may follow one; a backslash takes the meaning of the next character. */
	#field(skip: number): Node {
		this.at += skip;
		let name = "";
		for (;;) {
			const next = this.#text[this.at];
			if (next === undefined) break;
			if (next === "\\") {
				name += this.#text[this.at + 1] ?? "";
				this.at += 2;
				continue;
			}
			if (END.test(next)) break;
			name += next;
			this.at++;
		}
		return name === "*" ? { kind: "wildcard" } : { kind: "field", name };
	}

	#identifier(): Node {
		const start = this.at;
		while (this.at < this.#text.length && !END.test(this.#text[this.at] ?? "")) this.at++;
		const word = this.#text.slice(start, this.at);
		if (word === "true" || word === "false") return { kind: "boolean", value: word === "true" };
		if (word === "range" || word === "end") return { kind: word };
		throw new JsonPathError(`unrecognized identifier ${word}`);
	}

	#number(): Node {
		const [text = ""] = /^[+-]?[\d.]*/.exec(this.#text.slice(this.at)) ?? [];
		this.at += text.length;
		const value = Number(text);
		if (text === "" || Number.isNaN(value)) throw new JsonPathError(`cannot parse number ${text}`);
		return { kind: "number", value };
	}

	#quoted(quote: string): string {
		let value = "";
		for (let i = this.at + 1; ; i++) {
			const next = this.#text[i];
			if (next === undefined || next === "\n") throw new JsonPathError("unterminated quoted string");
			if (next === quote) {
				this.at = i + 1;
				return value;
			}
			if (next !== "\\") {
				value += next;
				continue;
			}
			i++;
			const escaped = this.#text[i] ?? "";
			const [, hex] = /^u([0-9a-fA-F]{4})/.exec(this.#text.slice(i)) ?? [];
			if (hex !== undefined) i += 4;
			value += hex === undefined ? (ESCAPES[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(hex, 16));
		}
	}

	#brackets(): Node[] {
		const close = this.#text.indexOf("]", this.at);
		if (close < 0) throw new JsonPathError("unterminated array");
		const inside = this.#text.slice(this.at + 1, close);
		this.at = close + 1;
		const parts = inside.split(",");
		if (parts.length > 1) return [{ kind: "union", of: parts.map((part) => actionOf(`[${part.trim()}]`)) }];
		const [, key] = KEY.exec(inside) ?? [];
		if (key !== undefined) return actionOf(`.${key}`);
		return [sliceOf(inside === "*" ? ":" : inside)];
	}

	#filter(): Node {
		const start = this.at + 3;
		let quote = "";
		let i = start;
		for (; ; i++) {
			const next = this.#text[i];
			if (next === undefined || next === "\n") throw new JsonPathError("unterminated filter");
			if (quote !== "") {
				if (next === quote && this.#text[i - 1] !== "\\") quote = "";
			} else if (next === '"' || next === "'") quote = next;
			else if (next === ")") break;
		}
		if (this.#text[i + 1] !== "]") throw new JsonPathError("unclosed array expect ]");
		this.at = i + 2;
		const condition = this.#text.slice(start, i);
		const [, left, operator = "exists", right] = COMPARISON.exec(condition) ?? [];
		if (left === undefined || right === undefined)
			return { kind: "filter", left: actionOf(condition), operator: "exists", right: [] };
		return { kind: "filter", left: actionOf(left), operator, right: actionOf(right) };
	}
}

function sliceOf(inside: string): Node {
	const found = SLICE.exec(inside);
	if (found === null || inside === "") throw new JsonPathError(`invalid array index ${inside}`);
	const [, from = "", to, step] = found;
	const number = (text: string | undefined) => {
		const digits = text?.replace(":", "") ?? "";
		return digits === "" ? null : Number(digits);
	};
	return { kind: "slice", from: number(from), to: number(to), step: number(step), single: to === undefined };
}
