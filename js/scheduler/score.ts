// Which of the nodes that would do is best: the score plugins of the default scheduler with their weights (apis/config/v1
// default_plugins.go). Where upstream draws lots among the best, the one with the fewest pods is taken, and of those the first.

import type { Pod } from "../api/core.ts";
import type { LabelSelector } from "../api/meta.ts";
import { preference, tolerates } from "../api/placement.ts";
import type { Columns } from "./columns.ts";
import { companyScores } from "./company.ts";
import type { Needs, NodeState, Occupancy } from "./occupancy.ts";
import { spreadScores } from "./spread.ts";

const WEIGHTS = { taints: 3, affinity: 2, spread: 2, company: 2, fit: 1, balance: 1 } as const;

/** The slot of the best. `slots`: at least one. `siblings`: whom the pod is to be spread among by default. */
export function best(
	pod: Pod,
	needs: Needs,
	slots: Int32Array,
	occupancy: Occupancy,
	siblings: LabelSelector | null,
): number {
	if (slots.length === 1) return slots[0] as number;
	const { columns } = occupancy;
	const { worth } = columns.rated(needs.requests);
	const states = () => Array.from(slots, (slot) => occupancy.at(slot));
	const opinions: Opinion[] = [];
	const weigh = (weight: number, scores: Scores | null) => {
		if (scores !== null) opinions.push({ weight, scores });
	};
	weigh(WEIGHTS.spread, spreadScores(pod, slots, occupancy, siblings));
	if (occupancy.isDisliked)
		weigh(
			WEIGHTS.taints,
			normalised(states(), (state) => intolerable(pod, state), true),
		);
	const { spec } = pod;
	if (spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.length)
		weigh(
			WEIGHTS.affinity,
			normalised(states(), ({ node }) => preference(spec, node), false),
		);
	weigh(WEIGHTS.company, companyScores(pod, states, occupancy));
	const { usedPods } = columns.amounts;
	const [first, ...more] = opinions;
	let [found, most, fewest] = [slots[0] as number, Number.NEGATIVE_INFINITY, 0];
	// All numbers are whole ones: their sum is the same in any order.
	for (let i = 0; i < slots.length; i++) {
		const slot = slots[i] as number;
		let total = worth[slot] as number;
		if (Number.isNaN(total)) {
			total = WEIGHTS.fit * leastAllocated(needs, columns, slot) + WEIGHTS.balance * balanced(needs, columns, slot);
			worth[slot] = total;
		}
		if (first !== undefined) total += first.weight * (first.scores[i] as number);
		for (const { weight, scores } of more) total += weight * (scores[i] as number);
		if (total < most) continue;
		const pods = usedPods[slot] as number;
		if (total === most && pods >= fewest) continue;
		[found, most, fewest] = [slot, total, pods];
	}
	return found;
}

interface Opinion {
	weight: number;
	scores: Scores;
}

/** By the order of the nodes: 0 to 100. */
export type Scores = Readonly<ArrayLike<number>>;

/** Taints that the pod would rather not have. */
function intolerable({ spec }: Pod, { disliked }: NodeState): number {
	const tolerations = spec?.tolerations ?? [];
	return disliked.filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint))).length;
}

/** To 0 … 100, where most is 100, or turned round (plugins/helper/normalize_score.go). null: it makes no difference. */
function normalised(nodes: readonly NodeState[], rate: (state: NodeState) => number, reverse: boolean): Scores | null {
	const raw = nodes.map(rate);
	const most = Math.max(...raw);
	if (most === 0) return null;
	const scaled = raw.map((score) => Math.floor((100 * score) / most));
	return reverse ? scaled.map((score) => 100 - score) : scaled;
}

/** The share of cpu and memory that would be left (noderesources/least_allocated.go); 0 of a node that says neither. */
function leastAllocated({ requests: { counted } }: Needs, { amounts }: Columns, slot: number): number {
	const cpu = left(amounts.cpu[slot] as number, (amounts.countedCpu[slot] as number) + counted.cpu);
	const memory = left(amounts.memory[slot] as number, (amounts.countedMemory[slot] as number) + counted.memory);
	if (cpu === null) return memory ?? 0;
	return memory === null ? cpu : Math.floor((cpu + memory) / 2);
}

function left(has: number, taken: number): number | null {
	if (!(has > 0)) return null;
	return taken > has ? 0 : Math.floor(((has - taken) * 100) / has);
}

/** How alike the shares of cpu and memory are (noderesources/balanced_allocation.go); nothing of a pod that requests neither. */
function balanced({ requests: { said } }: Needs, { amounts }: Columns, slot: number): number {
	const { cpu = 0, memory = 0 } = said;
	if (cpu + memory === 0) return 0;
	const hasCpu = amounts.cpu[slot] as number;
	const hasMemory = amounts.memory[slot] as number;
	if (!(hasCpu > 0 && hasMemory > 0)) return 100;
	const ofCpu = Math.min(1, ((amounts.usedCpu[slot] as number) + cpu) / hasCpu);
	const ofMemory = Math.min(1, ((amounts.usedMemory[slot] as number) + memory) / hasMemory);
	return Math.floor((1 - Math.abs(ofCpu - ofMemory) / 2) * 100);
}
