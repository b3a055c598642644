// How often the tests try a property, and with which seed. The gate has one seed, so that a commit passes or fails alike each
// time; `npm run fuzz` looks further, with a fresh one and more runs.

/** Of the gate. Another number would do as well. */
const SEED = 20_259;

const seed = whole("FAST_CHECK_SEED", SEED, -0x8000_0000);
/** How many times the runs of the gate. */
const factor = whole("FAST_CHECK_FACTOR", 1, 1);

/** Parameters of fc.assert and fc.sample: so many runs in the gate, more in a fuzz. `nth`: for another sequence of values. */
export function runs(inGate = 100, nth = 0): { numRuns: number; seed: number } {
	return { numRuns: inGate * factor, seed: (seed + nth) | 0 };
}

/** The milliseconds that a property may take, given those that it may take in the gate. */
export function patience(inGate: number): number {
	return inGate * factor;
}

/** Of the environment. */
function whole(name: string, otherwise: number, min: number): number {
	const text = process.env[name] ?? "";
	if (text === "") return otherwise;
	const value = Number(text);
	if (!Number.isInteger(value) || value < min)
		throw new RangeError(`${name}=${text}: expected a whole number from ${min} on`);
	return value;
}
