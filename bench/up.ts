// A cluster of the size that Kubernetes promises to run, from objects as people write them: everything comes up, then a Deployment
// gets one pod more. Each size has a process of its own, whose heap is bounded; seconds and milliseconds are of CPU time, all
// threads of the process together.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ROOT } from "../scripts/run.mjs";
import type { Samples } from "./figure.ts";
import { INTENT_OPTIONS, intent } from "./scenes/intent.ts";

/** Node's heap, MiB; the engine's memory is beside it. What is young has room: most of a change's objects live no longer. */
const HEAP_MIB = 3072;
const YOUNG_MIB = 64;

/** What `scenes/up.mjs` prints. */
interface Up {
	/** CPU seconds from objects to the first answer of controllers to a change. */
	seconds: number;
	/** Most that the process ever had, MiB. */
	rss: number;
	/** CPU milliseconds of the first changes, while code is compiled. */
	first: number[];
	/** Of each further one. */
	changes: number[];
	/** The same, with the engine brought up to it. */
	live: number[];
	/** Pods, of which all are ready. */
	pods: number;
}

/** Figures of one size are of one run. */
const runs = new Map<number, Promise<Up>>();

function upOf(nodes: number): Promise<Up> {
	const known = runs.get(nodes) ?? run(nodes);
	runs.set(nodes, known);
	return known;
}

async function run(nodes: number): Promise<Up> {
	const heap = [`--max-old-space-size=${HEAP_MIB}`, `--max-semi-space-size=${YOUNG_MIB}`];
	const child = spawn(process.execPath, [...heap, "bench/scenes/up.mjs"], {
		cwd: ROOT,
		stdio: ["pipe", "pipe", "inherit"],
	});
	child.stdin.end(JSON.stringify({ objects: intent(nodes), options: INTENT_OPTIONS }));
	const up = JSON.parse(await text(child.stdout)) as Up;
	if (up.pods < nodes * 30) throw new Error(`up: ${up.pods} pods of ${nodes * 30} are ready`);
	return up;
}

const SIZES = { "50": 50, "500": 500, "5k": 5000 };

export const up: Samples[] = Object.entries(SIZES).flatMap(([size, nodes]): Samples[] => [
	{ name: `up-${size}`, unit: "s", samples: async () => [(await upOf(nodes)).seconds] },
	{ name: `up-${size}-rss`, unit: "MiB", samples: async () => [(await upOf(nodes)).rss] },
	{ name: `scale-one-${size}`, unit: "ms", samples: async () => (await upOf(nodes)).changes },
	{ name: `scale-one-first-${size}`, unit: "ms", samples: async () => (await upOf(nodes)).first },
	{ name: `scale-one-live-${size}`, unit: "ms", samples: async () => (await upOf(nodes)).live },
]);
