// Load shares as recorded and as replayed: chi-square tests of homogeneity, one for each choice that chance made, before and
// after the reload apart. A flow counts once: the two questions of a DNS exchange share one.

import { nanoseconds } from "./recording.mjs";

/**
 * @typedef {import("./compare.mjs").Match} Match
 * @typedef {{ choice: string, period: string, recorded: Map<string, number>, replayed: Map<string, number>, p: number }} Shares
 */

/** @param {Match[]} matches @param {{ from: bigint, to: bigint }} reload @returns {Shares[]} */
export function shares(matches, reload) {
	/** @type {Map<string, Shares>} */
	const all = new Map();
	const counted = new Set();
	/** @param {string} choice @param {string} period @param {string} was @param {string} is */
	const count = (choice, period, was, is) => {
		const key = `${choice} ${period}`;
		const entry = all.get(key) ?? { choice, period, recorded: new Map(), replayed: new Map(), p: 1 };
		entry.recorded.set(was, (entry.recorded.get(was) ?? 0) + 1);
		entry.replayed.set(is, (entry.replayed.get(is) ?? 0) + 1);
		all.set(key, entry);
	};
	for (const { row, flow } of matches) {
		if (counted.has(flow) || !row.server || flow.delivered === null || flow.service === null) continue;
		counted.add(flow);
		const at = nanoseconds(flow.time);
		// On the way from one node's reload to the next the sets differ by node.
		if (at >= reload.from && at <= reload.to) continue;
		const period = at < reload.from ? "before" : "after";
		const policy = flow.service.includes("-local:") ? ` at ${row.dst_ip}` : "";
		count(`${flow.service}${policy}`, period, row.server_ip ?? "", flow.delivered.address);
		if (row.dst_ip === "203.0.113.80" && row.entry_node)
			count("nodes of the load balancer", period, row.entry_node, flow.entryNode ?? "");
	}
	const several = [...all.values()].filter(
		({ recorded, replayed }) => new Set([...recorded.keys(), ...replayed.keys()]).size > 1,
	);
	for (const entry of several) entry.p = homogeneity(entry.recorded, entry.replayed);
	return several.sort((a, b) => (a.choice < b.choice ? -1 : a.choice > b.choice ? 1 : a.period > b.period ? -1 : 1));
}

/** Probability of a difference at least this large where both come from one distribution. @param {Map<string, number>} a @param {Map<string, number>} b */
export function homogeneity(a, b) {
	const keys = [...new Set([...a.keys(), ...b.keys()])];
	const sum = (/** @type {Map<string, number>} */ counts) =>
		[...counts.values()].reduce((total, one) => total + one, 0);
	const total = sum(a) + sum(b);
	let statistic = 0;
	for (const counts of [a, b]) {
		for (const key of keys) {
			const expected = (sum(counts) * ((a.get(key) ?? 0) + (b.get(key) ?? 0))) / total;
			statistic += ((counts.get(key) ?? 0) - expected) ** 2 / expected;
		}
	}
	return upperTail(statistic, keys.length - 1);
}

/** P(chi-square with `freedom` degrees ≥ x), by Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1). @param {number} x @param {number} freedom */
export function upperTail(x, freedom) {
	const half = Math.max(0, x) / 2;
	const odd = freedom % 2 === 1;
	let tail = odd ? erfc(Math.sqrt(half)) : Math.exp(-half);
	let term = odd ? Math.exp(-half) * Math.sqrt(half) * (2 / Math.sqrt(Math.PI)) : Math.exp(-half) * half;
	for (let a = odd ? 0.5 : 1; a < freedom / 2; a++) {
		tail += term;
		term *= half / (a + 1);
	}
	return tail;
}

/** Complementary error function, |relative error| < 1.2e-7: a Chebyshev fit. @param {number} z */
function erfc(z) {
	const t = 1 / (1 + z / 2);
	const poly = [
		1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277,
	];
	const inner = poly.reduceRight((sum, c) => c + t * sum, 0);
	return t * Math.exp(-z * z - 1.26551223 + t * inner);
}
