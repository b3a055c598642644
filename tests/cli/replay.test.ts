// `podwire replay` of captures that end too early, as an operator has them from a tcpdump that was stopped.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../js/cli/commands.ts";
import { main } from "../../js/cli/program.ts";
import { buildFrame } from "../../js/flows/frame.ts";
import { bytesOf, pcap } from "../flows/capture.ts";
import { fakeTerminal } from "./fake.ts";

const scene = JSON.parse(readFileSync(new URL("../hash/scene.json", import.meta.url), "utf8"));
const T0 = 1_795_354_258_000_000_000n;
let folder = "";

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "podwire-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function podwire(...words: string[]) {
	const terminal = fakeTerminal(scene.cluster.manifests);
	const status = await main(words, terminal, "0", COMMANDS);
	return { status, out: terminal.out, err: terminal.err };
}

/** A capture of as many connections' first packets, without its last `missing` bytes. */
function capture(name: string, ports: readonly number[], missing: number): string {
	const packets = ports.map((sport) => ({
		timeNs: T0 + BigInt(sport) * 1_000_000n,
		frame: buildFrame({ src: "10.244.0.2", dst: "10.244.1.2", proto: 6, sport, dport: 8080, tcpFlags: 2, seq: sport }),
	}));
	const bytes = bytesOf(pcap(packets, 1, true, true));
	writeFileSync(join(folder, name), bytes.subarray(0, bytes.length - missing));
	return join(folder, name);
}

const replay = (...more: string[]) => podwire("replay", "-f", "-", "-o", "json", "--flows", ...more);

describe("podwire replay of a truncated capture", () => {
	it("reports the packets before the end, warns with the place, and does not call that an answer", async () => {
		const { status, out, err } = await replay(capture("cut.pcap", [1, 2, 3], 10));
		expect(status).toBe(2);
		const { flows, packets, recording } = JSON.parse(out);
		expect([flows, packets, recording.records]).toEqual([2, 2, 2]);
		expect(recording.truncated).toEqual([expect.stringMatching(/cut\.pcap: offset=164: the file ends 60 bytes into/)]);
		expect(err).toContain(`warning: truncated capture: ${recording.truncated[0]}`);
		expect(err).toContain("only the packets before were replayed (--lenient accepts it)");
	});

	it("is an answer with --lenient, which still warns", async () => {
		const { status, err } = await replay(capture("cut.pcap", [1, 2, 3], 10), "--lenient");
		expect(status).toBe(0);
		expect(err).toContain("warning: truncated capture");
	});

	it("reads other captures to their ends", async () => {
		const files = [capture("cut.pcap", [1, 2, 3], 10), capture("whole.pcap", [1001, 1002, 1003, 1004], 0)];
		const { status, out } = await replay(...files);
		expect(status).toBe(2);
		expect(JSON.parse(out)).toMatchObject({
			flows: 6,
			recording: { truncated: [expect.stringContaining("cut.pcap")] },
		});
	});

	it("says nothing where the replay ends before that", async () => {
		const path = capture("cut.pcap", [1, 2000, 3000], 10);
		const state = ["conntrack", "-f", "-", "--node", "node-1", "--flows", path, "--at"];
		expect(await podwire(...state, "1795354259")).toMatchObject({ status: 0, err: "" });
		expect(await podwire(...state, "1795354261.5")).toMatchObject({ status: 2 });
	});

	it("is an error where nothing can be read, or what is there is damaged", async () => {
		const header = await replay(capture("cut.pcap", [1], 80));
		expect(header.status).toBe(2);
		expect(header.out).toBe("");
		const path = capture("bad.pcap", [1, 2], 0);
		const bytes = readFileSync(path);
		bytes.writeUInt32LE(2_000_000_000, 28);
		writeFileSync(path, bytes);
		const damaged = await replay(path);
		expect(damaged.status).toBe(2);
		expect(damaged.out).toBe("");
		expect(damaged.err).toContain("fraction of a second");
	});

	it("is said by the commands that show the state after it", async () => {
		const at = capture("cut.pcap", [1, 2, 3], 10);
		for (const command of [["conntrack"], ["iptables", "-c"]]) {
			const { status, out, err } = await podwire(...command, "-f", "-", "--node", "node-1", "--flows", at);
			expect(status).toBe(2);
			expect(out).not.toBe("");
			expect(err).toContain("warning: truncated capture");
		}
	});
});
