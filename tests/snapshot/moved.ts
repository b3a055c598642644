// A cluster that is saved in one runtime and goes on in another: what each of them has to say, as one text.

import type { Cluster as ClusterType } from "../../js/index.ts";
import { expanded } from "./expanded.ts";
import { Chance, happen, later, START } from "./history.ts";

const SEED = 4;

type Podwire = { Cluster: typeof ClusterType };

/** A cluster with a past, saved. */
export async function saved({ Cluster }: Podwire): Promise<Uint8Array<ArrayBuffer>> {
	const chance = new Chance(SEED);
	const cluster = await Cluster.create({ nodes: 3, seed: SEED });
	await cluster.apply(START);
	await cluster.settle();
	await happen(chance, cluster, 12);
	const bytes = await cluster.snapshot();
	cluster.dispose();
	return bytes;
}

/** SHA-256 of what was saved, of what comes after it, and of what would be saved then: the same in all runtimes, whoever saved it. */
export async function goneOn({ Cluster }: Podwire, bytes: Uint8Array<ArrayBuffer>): Promise<string[]> {
	const cluster = await Cluster.restore(bytes);
	const texts = [
		await expanded(bytes),
		await expanded(await cluster.snapshot()),
		await later(SEED, cluster),
		await expanded(await cluster.snapshot()),
	];
	cluster.dispose();
	return Promise.all(texts.map(digest));
}

async function digest(text: string): Promise<string> {
	const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
