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

const DECIMAL = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/**
 * As upstream prints it: in the suffixes that it was given in, with the largest one that leaves a whole number (`0.1` is
 * `100m`, `1024Mi` is `1Gi`, `1000m` is `1`). Finer than a nano it is rounded up. A text that is no quantity stays as it is.
 */
export function canonicalQuantity(given: string | number): string {
	const text = typeof given === "number" ? plainDigits(given) : given;
	const match = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]|)$/.exec(text);
	if (match === null) return text;
	const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
	if (whole === "" && fraction === "") return text;
	const digits = BigInt(whole + fraction);
	const minus = sign === "-" && digits !== 0n ? "-" : "";
	if (suffix.endsWith("i")) {
		const scaled = digits * 1024n ** BigInt(BINARY.indexOf(suffix));
		const [bytes, exact] = divided(scaled, 10n ** BigInt(fraction.length));
		if (exact && (bytes >= 1024n || bytes === 0n)) return minus + scaledBy(bytes, 1024n, BINARY);
		return minus + decimal(scaled, -fraction.length);
	}
	const exponent = /^[eE]/.test(suffix) ? Number(suffix.slice(1)) : (DECIMAL.indexOf(suffix) - 3) * 3;
	if (/^[eE]/.test(suffix)) return minus + exponential(digits, exponent - fraction.length);
	return minus + decimal(digits, exponent - fraction.length);
}

function plainDigits(value: number): string {
	return String(value).replace("e+", "e");
}

function divided(value: bigint, by: bigint): [bigint, boolean] {
	return [value / by, value % by === 0n];
}

/** digits × 10^exponent in decimal suffixes. */
function decimal(digits: bigint, exponent: number): string {
	const nanos = exponent + 9;
	let value = nanos >= 0 ? digits * 10n ** BigInt(nanos) : digits / 10n ** BigInt(-nanos);
	if (nanos < 0 && digits % 10n ** BigInt(-nanos) !== 0n) value++;
	return value === 0n ? "0" : scaledBy(value, 1000n, DECIMAL);
}

function exponential(digits: bigint, exponent: number): string {
	let [value, power] = [digits, exponent];
	if (value === 0n) return "0";
	while (value % 10n === 0n) [value, power] = [value / 10n, power + 1];
	while (power % 3 !== 0) [value, power] = [value * 10n, power - 1];
	return power === 0 ? String(value) : `${value}e${power}`;
}

function scaledBy(value: bigint, by: bigint, suffixes: readonly string[]): string {
	let [rest, step] = [value, 0];
	while (step < suffixes.length - 1 && rest !== 0n && rest % by === 0n) [rest, step] = [rest / by, step + 1];
	return `${rest}${suffixes[step]}`;
}

/** In nanos, for sums without a remainder; of what is no quantity 0. */
function nanosOf(text: string): bigint {
	const match = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]|)$/.exec(text);
	if (match === null) return 0n;
	const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
	const digits = BigInt(`${sign}${whole}${fraction}` || "0") * 10n ** 9n;
	const parts = 10n ** BigInt(fraction.length);
	if (suffix.endsWith("i")) return (digits * 1024n ** BigInt(BINARY.indexOf(suffix))) / parts;
	const exponent = /^[eE]/.test(suffix) ? Number(suffix.slice(1)) : (DECIMAL.indexOf(suffix) - 3) * 3;
	return exponent >= 0 ? (digits * 10n ** BigInt(exponent)) / parts : digits / (parts * 10n ** BigInt(-exponent));
}

/** The sum as upstream prints it: in the kind of suffixes that the first one has, or where that is 0 the second. */
export function addQuantities(a: string, b: string): string {
	const [first, second] = [nanosOf(a), nanosOf(b)];
	const [sum, format] = [first + second, first === 0n ? b : a];
	const units = sum / 10n ** 9n;
	if (!format.endsWith("i") || sum % 10n ** 9n !== 0n) return canonicalQuantity(`${sum}n`);
	return units % 1024n === 0n ? canonicalQuantity(`${units / 1024n}Ki`) : String(units);
}

/** Less than 0 where the first is less. */
export function compareQuantities(a: string, b: string): number {
	const difference = nanosOf(a) - nanosOf(b);
	return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
