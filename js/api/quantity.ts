// Resource quantities (apimachinery pkg/api/resource): `500m`, `1.5`, `64Mi`, `2e3`. As a double: exact up to 2^53
// units, which is more than any node has.

const SCALE = new Map<string, number>([
	["n", 1e-9],
	["u", 1e-6],
	["m", 1e-3],
	["", 1],
	["k", 1e3],
	["M", 1e6],
	["G", 1e9],
	["T", 1e12],
	["P", 1e15],
	["E", 1e18],
	["Ki", 2 ** 10],
	["Mi", 2 ** 20],
	["Gi", 2 ** 30],
	["Ti", 2 ** 40],
	["Pi", 2 ** 50],
	["Ei", 2 ** 60],
]);

/** The quantity as a number (cores, bytes, pods), or null where the text is none. */
export function parseQuantity(text: string | number | undefined): number | null {
	if (typeof text === "number") return text;
	const match = /^([+-]?[0-9]*\.?[0-9]*)([eE][+-]?[0-9]+|[numkMGTPE]i?|)$/.exec(text ?? "");
	const digits = match?.[1] ?? "";
	if (match === null || !/[0-9]/.test(digits)) return null;
	const suffix = match[2] ?? "";
	if (/^[eE][+-]?[0-9]/.test(suffix)) return Number(digits + suffix);
	const scale = SCALE.get(suffix);
	return scale === undefined ? null : Number(digits) * scale;
}
