// A replay whose rows another thread reads: what comes out is what comes out of one thread, in every format, of several files, up to a
// time, with events between packets, and where something fails. Rows are never kept here, so that all of them are read twice.

import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openFile } from "../../bindings/node.ts";
import { events, openShop, recording } from "../../examples/shop/recording.mjs";
import { Cluster } from "../../js/cluster.ts";
import type { FlowReport, ReplayRequest, ReplaySource } from "../../js/index.ts";
import { bytes, records, TOPOLOGY } from "./network.ts";

const TRANSFERRED = { jobs: 2, sharedMemory: false, keptRows: 0 };

/** All that can be seen of a replay. */
async function replayed(
	cluster: Cluster,
	sources: ReplaySource | ReplaySource[],
	request: ReplayRequest,
	node: string,
) {
	const flows: FlowReport[] = [];
	const report = await cluster.replay(sources, { ...request, perFlow: (flow) => flows.push(flow) });
	const rules = cluster.iptables(node, { counters: true });
	return { report, flows, rules, conntrack: cluster.conntrack(node) };
}

async function inShop(sources: ReplaySource[], request: ReplayRequest = {}) {
	const cluster = await openShop(1);
	const alone = await replayed(cluster, sources, { keptRows: 0, ...request }, "node-1");
	const transferred = await replayed(cluster, sources, { ...request, ...TRANSFERRED }, "node-1");
	return { alone, transferred };
}

async function wholeOf(source: ReplaySource): Promise<Uint8Array> {
	const pieces: Uint8Array[] = [];
	for await (const piece of source.open() as AsyncIterable<Uint8Array>) pieces.push(piece.slice());
	return Buffer.concat(pieces);
}

const many = records(
	...Array.from({ length: 12_000 }, (_, i) => [
		`${i}.5,10.0.1.2,${1024 + i},10.96.0.1,80,tcp,5,300,27`,
		`${i}.6,10.0.1.2,${1024 + i},10.96.0.2,53,udp,2,120,0`,
		`${i}.7,203.0.113.${i % 250},${1024 + i},10.0.2.9,80,tcp,1,60,2`,
	]).flat(),
);

describe("rows that another thread reads", () => {
	it.each(["client-side.pcapng", "flows.csv"])("come to what one thread comes to: %s", async (file) => {
		const { alone, transferred } = await inShop([recording(file)]);
		expect(alone.report.packets).toBeGreaterThan(10_000);
		expect(transferred).toEqual(alone);
	});

	it("of several files, one gzipped, that are merged", async () => {
		const first = recording("client-side.pcapng");
		const source = {
			name: "again.pcapng.gz",
			async *open() {
				yield gzipSync(await wholeOf(first));
			},
		};
		const { alone, transferred } = await inShop([first, source]);
		expect(alone.report.recording.duplicates).toBeGreaterThan(1000);
		expect(transferred).toEqual(alone);
	});

	it("up to a time, and with events between packets", async () => {
		const { actions } = await events();
		const between = await inShop([recording("client-side.pcapng")], { actions });
		expect(between.transferred).toEqual(between.alone);
		const untilNs = (actions[0] as (typeof actions)[number]).timeNs;
		const until = await inShop([recording("client-side.pcapng")], { untilNs });
		expect(until.alone.report.packets).toBeLessThan(between.alone.report.packets);
		expect(until.transferred).toEqual(until.alone);
	});

	it("more than one message of them, in blocks of any size", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const alone = await replayed(cluster, many, { keptRows: 0 }, "n1");
		expect(alone.report.packets).toBeGreaterThan(90_000);
		expect(await replayed(cluster, many, TRANSFERRED, "n1")).toEqual(alone);
		const whole = await wholeOf(many);
		const cut = {
			name: many.name,
			async *open() {
				for (let at = 0, size = 1; at < whole.length; at += size, size = (size * 7) % 1_000_003) {
					yield whole.subarray(at, at + size);
				}
			},
		};
		expect(await replayed(cluster, cut, TRANSFERRED, "n1")).toEqual(alone);
		// What was opened is its owner's, whole as before.
		expect(whole.length).toBeGreaterThan(0);
	});

	it("that stand for more packets than 16 bits count", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const many = records("1,10.0.1.2,1,10.96.0.2,53,udp,200001,20000100,0");
		const alone = await replayed(cluster, many, { keptRows: 0 }, "n1");
		expect(alone.report.packets).toBe(200_001);
		expect(await replayed(cluster, many, {}, "n1")).toEqual(alone);
		expect(await replayed(cluster, many, TRANSFERRED, "n1")).toEqual(alone);
	});

	it("leave what was read to one thread where the survey has kept it", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const alone = await replayed(cluster, many, {}, "n1");
		expect(await replayed(cluster, many, { jobs: 2, sharedMemory: false }, "n1")).toEqual(alone);
	});
});

describe("where it fails", () => {
	it.each([
		["a damaged line", records("1,10.0.1.2,1,10.96.0.1,80,tcp,1,60,2", "not,a,record")],
		["a file of no format", bytes(new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]))],
		["an empty file", bytes("")],
		["a gzip file that is cut", bytes(gzipSync("time,src").subarray(0, 20))],
	])("%s is the same error", async (_, source) => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		let opened = 0;
		// The survey has to pass: what is wrong is wrong only when it is read again.
		const good = records("1,10.0.1.2,1,10.96.0.1,80,tcp,1,60,2");
		const changing = () => ({ name: "rows", open: () => (opened++ === 0 ? good : source).open() });
		const failure = async (request: ReplayRequest) => {
			opened = 0;
			return cluster.replay(changing(), request).catch((error: unknown) => error);
		};
		const alone = (await failure({ keptRows: 0 })) as Error;
		const transferred = (await failure(TRANSFERRED)) as Error;
		expect(transferred).toBeInstanceOf(alone.constructor);
		expect({ ...transferred }).toEqual({ ...alone });
		expect([transferred.name, transferred.message]).toEqual([alone.name, alone.message]);
		expect(transferred.cause).toEqual(alone.cause);
	});

	it("a source's own error is that one, and its files are let go of", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		let opened = 0;
		let closed = 0;
		const failing = new Error("the disk is gone");
		const source: ReplaySource = {
			name: "rows",
			async *open() {
				const first = opened++ === 0;
				try {
					yield* many.open() as AsyncIterable<Uint8Array>;
					if (!first) throw failing;
				} finally {
					closed++;
				}
			},
		};
		await expect(cluster.replay(source, TRANSFERRED)).rejects.toBe(failing);
		expect(closed).toBe(opened);
	});

	it("one that is given up ends the thread and lets go of the file", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		const given = new AbortController();
		const progress = (packets: number) => {
			if (packets > 1000) given.abort();
		};
		await expect(cluster.replay(many, { ...TRANSFERRED, signal: given.signal, progress })).rejects.toThrow(/abort/i);
		const alone = await replayed(cluster, many, { keptRows: 0 }, "n1");
		expect(await replayed(cluster, many, TRANSFERRED, "n1")).toEqual(alone);
	});

	it("a file that is not there is the host's error", async () => {
		const cluster = await Cluster.fromNodes(TOPOLOGY);
		let opened = 0;
		const source = { name: "rows", open: () => (opened++ === 0 ? many.open() : openFile("/nowhere/at/all")) };
		await expect(cluster.replay(source, TRANSFERRED)).rejects.toMatchObject({ code: "ENOENT" });
	});
});
