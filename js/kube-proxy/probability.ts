// `-m statistic --probability` as kube-proxy writes it: 1/n with ten decimals, as Go's "%0.10f".

const DECIMALS = 10;

/**
 * The probability with which the first of `n` remaining endpoints is chosen, `0.3333333333` for 3.
 * A tie (n a power of two above 1024) goes to the even digit, as in Go; JavaScript's `toFixed` takes the larger.
 * @param n at least 1
 */
export function formatProbability(n: number): string {
	if (!Number.isInteger(n) || n < 1)
		throw new RangeError(`probability of 1 in n: n must be an integer from 1, got ${n}`);
	const text = (1 / n).toFixed(DECIMALS);
	const isTie = Number.isInteger(Math.log2(n)) && (2n * 10n ** BigInt(DECIMALS)) % BigInt(n) === 0n && n > 1024;
	return isTie ? formatTie(n) : text;
}

/** 10^10/n has the fraction one half: round to even. */
function formatTie(n: number): string {
	const floor = 10n ** BigInt(DECIMALS) / BigInt(n);
	const even = floor % 2n === 0n ? floor : floor + 1n;
	return `0.${even.toString().padStart(DECIMALS, "0")}`;
}
