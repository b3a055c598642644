// A cluster that is saved at any moment of any history goes on, restored, as the one that never stopped: byte by byte, in what can be
// read off it, and in the next snapshot, which has all that cannot.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { Cluster } from "../../js/index.ts";
import { expanded } from "./expanded.ts";
import { Chance, happen, later, START } from "./history.ts";

/** As many as one likes from 1 on by SNAPSHOT_SEEDS. */
const COUNT = Number(process.env["SNAPSHOT_SEEDS"] ?? 4);
const seeds = Array.from({ length: COUNT }, (_, i) => i + 1);

const folder = mkdtempSync(join(tmpdir(), "podwire-snapshot-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function begun(seed: number): Promise<Cluster> {
	const chance = new Chance(seed);
	const cluster = await Cluster.create({ nodes: 2 + chance.below(3), seed });
	await cluster.apply(START);
	await cluster.settle();
	await happen(chance, cluster, chance.below(20));
	return cluster;
}

describe("a cluster restored at some moment of some history", () => {
	it.each(seeds)("goes on as if it had not stopped, and so does its fork: seed %i", async (seed) => {
		const cluster = await begun(seed);
		const bytes = await cluster.snapshot();
		const restored = await Cluster.restore(bytes);
		expect(Buffer.compare(await restored.snapshot(), bytes)).toBe(0);
		const fork = restored.fork();
		const wanted = await later(seed, cluster);
		expect(await later(seed, restored)).toBe(wanted);
		expect(await later(seed, fork)).toBe(wanted);
		const next = await expanded(await cluster.snapshot());
		expect((await expanded(await restored.snapshot())) === next).toBe(true);
		expect((await expanded(await fork.snapshot())) === next).toBe(true);
	});

	it("goes on so in another process", async () => {
		const run = promisify(execFile);
		const cluster = await begun(4);
		const file = join(folder, "4.podwire");
		writeFileSync(file, await cluster.snapshot());
		const program = ["--import", "./scripts/typescript.mjs", "tests/snapshot/going.ts", file, "4"];
		const there = await run(process.execPath, program, { maxBuffer: 1 << 30 });
		const here = `${await later(4, cluster)}\n${await expanded(await cluster.snapshot())}`;
		expect(there.stdout === here).toBe(true);
	});
});
