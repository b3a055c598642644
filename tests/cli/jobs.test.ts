// `podwire replay --jobs`: the report, each flow and a node's state after it are the same to the byte, whatever number of threads.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SHOP } from "../../examples/shop/recording.mjs";
import { COMMANDS } from "../../js/cli/commands.ts";
import { main } from "../../js/cli/program.ts";
import { fakeTerminal } from "./fake.ts";

let folder = "";

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "podwire-jobs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function podwire(...words: string[]) {
	const terminal = fakeTerminal("");
	const status = await main(words, terminal, "0", COMMANDS);
	return { status, out: terminal.out, err: terminal.err };
}

const CLUSTER = ["-f", `${SHOP}cluster.yaml`, "--node-state", `${SHOP}node-state`];

/** Everything that comes out but how fast it went. */
async function replayed(file: string, jobs: number, ...flags: string[]) {
	const flows = join(folder, `${jobs}.ndjson`);
	const recorded = ["--flows", `${SHOP}${file}`, "--events", `${SHOP}events.csv`, "--jobs", String(jobs), ...flags];
	const { status, out, err } = await podwire("replay", ...CLUSTER, ...recorded, "-o", "json", "--per-flow", flows);
	expect([status, err]).toEqual([0, ""]);
	const { seconds, packetsPerSecond, ...report } = JSON.parse(out);
	const state = ["--node", "node-1", ...recorded];
	const rules = await podwire("iptables", ...CLUSTER, "--counters", ...state);
	const connections = await podwire("conntrack", ...CLUSTER, ...state);
	return {
		report: JSON.stringify(report),
		flows: readFileSync(flows, "utf8"),
		rules: rules.out,
		connections: connections.out,
	};
}

describe("podwire replay --jobs", () => {
	it.each(["client-side.pcapng", "flows.csv"])(
		"changes nothing of %s",
		async (file) => {
			const alone = await replayed(file, 1);
			expect(alone.flows.length).toBeGreaterThan(1_000_000);
			expect(alone.rules).toContain("KUBE-SERVICES");
			for (const jobs of [2, 4]) expect(await replayed(file, jobs)).toEqual(alone);
			expect(await replayed(file, 2, "--no-shared-memory")).toEqual(alone);
		},
		240_000,
	);

	it.each(["0", "17", "two", "1.5"])("says what was expected instead of %s", async (jobs) => {
		const { status, out, err } = await podwire("replay", ...CLUSTER, "--flows", "none.pcap", "--jobs", jobs);
		expect([status, out]).toEqual([2, ""]);
		expect(err).toContain(`--jobs: expected a number of threads from 1 to 16, got "${jobs}"`);
	});

	it("says that the native engine has one thread", async () => {
		const asked = ["--flows", `${SHOP}client-side.pcapng`, "--jobs", "2", "--backend", "native"];
		const { status, err } = await podwire("replay", ...CLUSTER, ...asked);
		expect(status).toBe(2);
		// Where it is not built, that comes first.
		expect(err).toMatch(
			/jobs: 2: the native engine runs on one thread; give backend wasm, or jobs 1|native engine is not built/,
		);
	});
});
