// What a plain YAML scalar means to kubectl: the resolver of goyaml v2, which sigs.k8s.io/yaml uses. YAML 1.1 booleans
// (`yes`, `on`, `Y`), a leading 0 is octal, `0o`, `0b`, `0x`, `_` between digits; no sexagesimal, no timestamps.
// Compared with the real kubectl in tests/manifests. Integers beyond 2^53 lose digits, as they do in a JSON number here.

const WORDS = new Map<string, unknown>();
for (const word of ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]) WORDS.set(word, true);
for (const word of ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]) WORDS.set(word, false);
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, null);
for (const word of [".nan", ".NaN", ".NAN"]) WORDS.set(word, Number.NaN);
for (const word of [".inf", ".Inf", ".INF"]) {
	WORDS.set(word, Number.POSITIVE_INFINITY);
	WORDS.set(`+${word}`, Number.POSITIVE_INFINITY);
	WORDS.set(`-${word}`, Number.NEGATIVE_INFINITY);
}

const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** Only a text that begins so can be a number. */
const NUMERIC = /^[-+.0-9]/;

/** Value of an untagged plain scalar: null, a boolean, a number, or the text itself. */
export function resolvePlain(text: string): null | boolean | number | string {
	if (WORDS.has(text)) return WORDS.get(text) as null | boolean | number;
	if (!NUMERIC.test(text)) return text;
	const digits = text.replace(/_/g, "");
	const integer = resolveInteger(digits);
	if (integer !== null) return integer;
	if (!FLOAT.test(digits)) return text;
	const float = Number.parseFloat(digits);
	return Number.isFinite(float) ? float : text;
}

function resolveInteger(digits: string): number | null {
	const match = INTEGER.exec(digits);
	if (match === null) return null;
	const [, sign, hex, binary, octal, decimal] = match;
	let value: number;
	if (hex !== undefined) value = Number.parseInt(hex, 16);
	else if (binary !== undefined) value = Number.parseInt(binary, 2);
	else if (octal !== undefined) value = Number.parseInt(octal, 8);
	else value = Number(decimal);
	return sign === "-" && value !== 0 ? -value : value;
}

/** Name of the type a value resolved to, as YAML's tags have it. */
export function tagOf(value: unknown): "null" | "bool" | "int" | "float" | "str" {
	if (value === null) return "null";
	if (typeof value === "boolean") return "bool";
	if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
	return "str";
}

/** The text that a key becomes: JSON knows only strings. Null where kubectl refuses it. */
export function keyText(value: unknown): string | null {
	if (typeof value === "string") return value;
	if (typeof value === "boolean") return String(value);
	if (typeof value === "number" && Number.isFinite(value)) return String(value);
	return null;
}
