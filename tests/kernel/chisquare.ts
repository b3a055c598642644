// Pearson's chi-square test of counts against expected shares.

/** The probability that chance alone deviates at least so far; 0 where something unexpected was counted. */
export function chiSquareP(counts: Record<string, number>, shares: Record<string, number>): number {
	if (Object.keys(counts).some((key) => !(key in shares))) return 0;
	const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
	let statistic = 0;
	for (const [key, share] of Object.entries(shares))
		statistic += ((counts[key] ?? 0) - total * share) ** 2 / (total * share);
	return upperGamma((Object.keys(shares).length - 1) / 2, statistic / 2);
}

/** Regularised upper incomplete gamma function Q(a, x) by its series, for the small a of a few classes. */
function upperGamma(a: number, x: number): number {
	let term = 1 / a;
	let sum = term;
	for (let n = 1; n < 500 && term > sum * 1e-15; n++) {
		term *= x / (a + n);
		sum += term;
	}
	return Math.max(0, 1 - (sum * Math.exp(a * Math.log(x || 1e-300) - x)) / gamma(a));
}

/** Γ(a) for multiples of 1/2. */
function gamma(a: number): number {
	return a === 0.5 ? Math.sqrt(Math.PI) : a === 1 ? 1 : (a - 1) * gamma(a - 1);
}
