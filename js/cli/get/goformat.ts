// Values of JSON as Go prints them: `fmt.Sprint` of what encoding/json decoded, and encoding/json's own text, with sorted keys
// and `<`, `>`, `&` escaped.

export function isMap(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** By bytes of UTF-8, which is by code point. */
export function sortedEntries(map: Record<string, unknown>): [string, unknown][] {
	const points = (text: string) => Array.from(text, (char) => char.codePointAt(0) ?? 0);
	return Object.entries(map).sort(([a], [b]) => {
		const [left, right] = [points(a), points(b)];
		const at = left.findIndex((point, i) => point !== right[i]);
		return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
	});
}

function textOfNumber(value: number): string {
	if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return String(value);
	// %v of a float64: an exponent from 21 digits on, with two digits at least.
	return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** `map[a:1 b:[x y]]`, `<nil>`. */
export function sprint(value: unknown): string {
	if (value === null || value === undefined) return "<nil>";
	if (Array.isArray(value)) return `[${value.map(sprint).join(" ")}]`;
	if (isMap(value))
		return `map[${sortedEntries(value)
			.map(([name, held]) => `${name}:${sprint(held)}`)
			.join(" ")}]`;
	return typeof value === "number" ? textOfNumber(value) : String(value);
}

const HTML: Readonly<Record<string, string>> = {
	"<": "\\u003c",
	">": "\\u003e",
	"&": "\\u0026",
	"\u2028": "\\u2028",
	"\u2029": "\\u2029",
};

function quoted(text: string): string {
	return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => HTML[char] ?? char);
}

/** `indent`: of a level, or empty for one line. */
export function marshalJson(value: unknown, indent = "", level = ""): string {
	const [open, comma, close] =
		indent === "" ? ["", ",", ""] : [`\n${level}${indent}`, `,\n${level}${indent}`, `\n${level}`];
	const within = level + indent;
	if (Array.isArray(value)) {
		if (value.length === 0) return "[]";
		return `[${open}${value.map((item) => marshalJson(item, indent, within)).join(comma)}${close}]`;
	}
	if (isMap(value)) {
		const entries = sortedEntries(value).filter(([, held]) => held !== undefined);
		if (entries.length === 0) return "{}";
		const colon = indent === "" ? ":" : ": ";
		const members = entries.map(([name, held]) => `${quoted(name)}${colon}${marshalJson(held, indent, within)}`);
		return `{${open}${members.join(comma)}${close}}`;
	}
	return typeof value === "string" ? quoted(value) : typeof value === "number" ? textOfNumber(value) : String(value);
}
