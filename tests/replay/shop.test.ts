// The shop replayed against what a Linux kernel did with the same packets: every recorded connection, exchange and ping, from
// the capture and from flow records, and the load shares. Other seeds choose other endpoints and agree as well.

import { beforeAll, describe, expect, it } from "vitest";
import { compare, Flows, type Knowledge, type Match } from "../../examples/shop/compare.mjs";
import { endpointsOf, nodesOf } from "../../examples/shop/endpoints.mjs";
import { events, objectsAfterReload, openShop, type Row, recording, truth } from "../../examples/shop/recording.mjs";
import { homogeneity, shares, upperTail } from "../../examples/shop/shares.mjs";
import { openFlows } from "../../js/index.ts";
import type { FlowReport } from "../../js/replay/flow.ts";
import type { ReplayReport } from "../../js/replay/report.ts";
import { reportText } from "../../js/replay/text.ts";

interface Outcome {
	report: ReplayReport;
	matches: Match[];
	disagreements: string[];
	/** Counters of node-1's rules after it, as iptables-save -c prints them. */
	counters: string;
	/** Connections of node-1 after it. */
	conntrack: string;
}

let rows: Row[];
let known: Knowledge;

async function replayed(file: string, seed: number, pathCache = true): Promise<Outcome> {
	const cluster = await openShop(seed);
	const { actions } = await events();
	const flows = new Flows();
	const report = await cluster.replay([recording(file)], {
		actions,
		pathCache,
		perFlow: (flow) => flows.add(flow),
	});
	const counters = cluster.iptables("node-1", { counters: true });
	return { report, ...compare(rows, flows, known), counters, conntrack: cluster.conntrack("node-1") };
}

beforeAll(async () => {
	rows = await truth();
	const { objects } = await openShop();
	const { reload } = await events();
	const endpoints = { before: endpointsOf(objects), after: endpointsOf(await objectsAfterReload()) };
	known = { reload, endpoints, nodes: nodesOf(objects) };
});

describe("the shop's capture", () => {
	let outcome: Outcome;

	beforeAll(async () => {
		outcome = await replayed("client-side.pcapng", 1);
	});

	it("ends as the kernel ended it, all 5,321 rows", () => {
		expect(rows).toHaveLength(5321);
		expect(outcome.disagreements).toEqual([]);
		expect(outcome.matches).toHaveLength(5321);
	});

	it("counts each packet once", () => {
		const { report } = outcome;
		const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
		expect(report.recording).toMatchObject({
			offered: sum("pkts_out"),
			replies: sum("pkts_in"),
			icmpErrors: 42,
			unowned: 0,
		});
		expect(report.packets).toBe(sum("pkts_out") + sum("pkts_in"));
		expect(report.flows).toBe(3514);
		expect(Object.values(report.verdicts).reduce((total, count) => total + count, 0)).toBe(report.flows);
		const notDelivered = report.flows - report.verdicts.delivered;
		expect(Object.values(report.reasons).reduce((total, count) => total + count, 0)).toBe(notDelivered);
	});

	it("spreads load as the kernel did, within sampling error, before and after the reload", () => {
		const tested = shares(outcome.matches, known.reload);
		expect(tested.length).toBeGreaterThan(12);
		expect(tested.filter(({ p }) => p < 0.0005)).toEqual([]);
	});

	it("counts at each rule that chance does not choose what the kernel counted", () => {
		const counted = (word: string) =>
			outcome.counters.split("\n").filter((line) => line.startsWith("[") && line.includes(word));
		expect(counted("DNAT --to-destination 10.244.3.5:8080")).toEqual([expect.stringMatching(/^\[26:1560\]/)]);
		expect(counted("DNAT --to-destination 10.244.3.3:50051")).toEqual([expect.stringMatching(/^\[26:1560\]/)]);
		expect(counted("shoppingassistantservice:http has no endpoints")).toEqual([expect.stringMatching(/^\[28:1680\]/)]);
	});

	it("reads well", () => {
		const text = reportText(outcome.report);
		expect(text).toMatch(/^3,514 flows, 25,295 packets over 80\.4 s, replayed, TCP windows on, seed 1\n/);
		expect(text).toMatch(/^no-local-endpoints {6}12$/m);
		expect(text).not.toMatch(/[ \t]+$/m);
		expect(text).not.toMatch(/NaN|undefined|null/);
	});
});

it("the capture with every packet carried ends the same way", async () => {
	const [cached, carried] = [await replayed("client-side.pcapng", 1), await replayed("client-side.pcapng", 1, false)];
	expect(cached.report).toEqual(carried.report);
	expect(cached.matches).toEqual(carried.matches);
	expect(cached.counters).toBe(carried.counters);
	expect(cached.conntrack).toBe(carried.conntrack);
});

it("flow records of the same traffic end the same way", async () => {
	const { report, disagreements } = await replayed("flows.csv", 1);
	expect(disagreements).toEqual([]);
	// Two records use ports again within the 30 s of LAST_ACK: a record ends with its FIN, so conntrack never sees the last ACK.
	expect(report.flows).toBe(3512);
});

it.each([2, 3])("seed %i: other choices, the same outcomes", async (seed) => {
	const { matches, disagreements } = await replayed("client-side.pcapng", seed);
	expect(disagreements).toEqual([]);
	expect(shares(matches, known.reload).filter(({ p }) => p < 0.0005)).toEqual([]);
});

it("flows come one at a time too, and then the report", async () => {
	const [called, cluster] = [await openShop(1), await openShop(1)];
	const wanted: FlowReport[] = [];
	const report = await called.replay([recording("client-side.pcapng")], { perFlow: (flow) => wanted.push(flow) });
	const flows = cluster.replayFlows(openFlows("examples/shop/client-side.pcapng"));
	const got: FlowReport[] = [];
	let step = await flows.next();
	for (; !step.done; step = await flows.next()) got.push(step.value);
	expect(got).toEqual(wanted);
	expect(step.value).toEqual({ ...report });
});

it("the same seed gives the same report", async () => {
	const [a, b] = [await replayed("client-side.pcapng", 7), await replayed("client-side.pcapng", 7)];
	expect(a.report).toEqual(b.report);
});

describe("the chi-square test", () => {
	// Critical values of the usual tables.
	it.each([
		[3.841, 1, 0.05],
		[5.991, 2, 0.05],
		[7.815, 3, 0.05],
		[11.345, 3, 0.01],
		[13.277, 4, 0.01],
		[20.515, 5, 0.001],
	])("of %f at %i degrees is %f", (x, freedom, p) => {
		expect(upperTail(x, freedom)).toBeCloseTo(p, 4);
	});

	it("tells shares apart that differ", () => {
		const counts = (a: number, b: number) =>
			new Map([
				["a", a],
				["b", b],
			]);
		expect(homogeneity(counts(100, 100), counts(104, 96))).toBeGreaterThan(0.5);
		expect(homogeneity(counts(100, 100), counts(150, 50))).toBeLessThan(1e-6);
	});
});
