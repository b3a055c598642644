// TCP options of captured packets: what window tracking wants to know of a SYN, and how far a receiver has selectively
// acknowledged; as tshark says of recorded captures, and in corners that those do not have.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildPacket } from "../../js/flows/frame.ts";
import { bytesOf, pcap } from "./capture.ts";
import { hasShared, hasTshark, SHARED, SHOP, source } from "./rows.ts";

const [SYN, ACK] = [2, 16];
const SCALE = 16;
const SACK_PERMITTED = 32;

/** A TCP packet with these option bytes, padded with NOPs; `caplen`: captured bytes. */
function packet(tcpFlags: number, ack: number, options: number[], caplen?: number): Uint8Array {
	const padded = [...options, ...Array<number>((4 - (options.length % 4)) % 4).fill(1)];
	const bytes = buildPacket({
		src: "10.0.0.1",
		dst: "10.0.0.2",
		proto: 6,
		tcpFlags,
		ack,
		payload: Uint8Array.from(padded),
	});
	bytes[20 + 12] = ((20 + padded.length) / 4) << 4;
	return bytes.subarray(0, caplen);
}

interface Options {
	options: number;
	mss: number;
	sack: number;
	seq: number;
	flags: number;
}

async function optionsOf(bytes: Uint8Array): Promise<Options[]> {
	const rows: (Options & { origin: number })[] = [];
	for await (const batch of source(bytes)) {
		for (let i = 0; i < batch.count; i++) {
			if (batch.proto[i] !== 6) continue;
			rows.push({
				options: batch.tcpOptions[i]!,
				mss: batch.mss[i]!,
				sack: batch.sack[i]!,
				seq: batch.seq[i]!,
				flags: batch.tcpFlags[i]!,
				origin: batch.origin[i]!,
			});
		}
	}
	return rows.sort((a, b) => a.origin - b.origin);
}

const one = async (frame: Uint8Array) => {
	const { options, mss, sack } = (await optionsOf(pcap([{ timeNs: 1n, frame }], 101, true, true)))[0]!;
	return { options, mss, sack };
};

describe("options", () => {
	it.each([
		["none", packet(SYN, 0, []), { options: 0, mss: 0, sack: 0 }],
		[
			"all of a SYN's",
			packet(SYN, 0, [2, 4, 5, 180, 4, 2, 1, 3, 3, 7]),
			{ options: 7 | SCALE | SACK_PERMITTED, mss: 1460, sack: 0 },
		],
		["a scale past the largest", packet(SYN, 0, [3, 3, 200]), { options: 14 | SCALE, mss: 0, sack: 0 }],
		["none behind the end of the list", packet(SYN, 0, [0, 3, 3, 7]), { options: 0, mss: 0, sack: 0 }],
		["none behind one that is too long", packet(SYN, 0, [8, 30, 3, 3, 7]), { options: 0, mss: 0, sack: 0 }],
		["none of a length that is none", packet(SYN, 0, [8, 0, 3, 3, 7]), { options: 0, mss: 0, sack: 0 }],
		["none that were not captured", packet(SYN, 0, [1, 1, 1, 1, 3, 3, 7, 1], 45), { options: 0, mss: 0, sack: 0 }],
		["a scale only of a SYN", packet(ACK, 9, [3, 3, 7]), { options: 0, mss: 0, sack: 9 }],
		["timestamps", packet(ACK, 9, [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]), { options: 0, mss: 0, sack: 9 }],
		[
			"the highest right edge",
			packet(ACK, 100, [1, 1, 5, 18, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 200, 0, 0, 0, 210]),
			{ options: 0, mss: 0, sack: 512 },
		],
		[
			"no right edge before the acknowledgement",
			packet(ACK, 100, [1, 1, 5, 10, 0, 0, 0, 10, 0, 0, 0, 20]),
			{ options: 0, mss: 0, sack: 100 },
		],
		[
			"a right edge past the wrap",
			packet(ACK, 0xfffffff0, [1, 1, 5, 10, 0xff, 0xff, 0xff, 0xf8, 0, 0, 0, 8]),
			{ options: 0, mss: 0, sack: 8 },
		],
	])("give %s", async (_, frame, expected) => {
		expect(await one(frame)).toEqual(expected);
	});

	it("are not left over from the batch before", async () => {
		const syn = packet(SYN, 0, [2, 4, 5, 180, 3, 3, 7]);
		const plain = packet(SYN, 0, []);
		const frames = [...Array(8).fill(syn), ...Array(40).fill(plain)] as Uint8Array[];
		const bytes = pcap(
			frames.map((frame, i) => ({ timeNs: BigInt(i), frame })),
			101,
			true,
			true,
		);
		const all: number[] = [];
		for await (const batch of source(bytes, { batchRows: 8 })) all.push(...batch.tcpOptions.subarray(0, batch.count));
		expect(all).toEqual(frames.map((frame) => (frame === syn ? 7 | SCALE : 0)));
	});
});

const FIELDS = ["tcp.seq_raw", "tcp.flags", "tcp.options.mss_val", "tcp.options.wscale.shift"];
const captures = [
	...(hasShared ? readdirSync(`${SHARED}pcap`).filter((name) => /\.pcap(ng)?$/.test(name)) : []).map(
		(name) => `${SHARED}pcap/${name}`,
	),
	`${SHOP}client-side.pcapng`,
];

describe.skipIf(!hasTshark)("tshark (skipped, no tshark)", () => {
	it.each(captures)("finds the same options in %s", (path) => expectSame(path));

	it("is asked about some", async () => {
		const found = await Promise.all(captures.map(async (path) => optionsOf(bytesOf(readFileSync(path)))));
		expect(found.flat().filter(({ mss }) => mss > 0).length).toBeGreaterThan(100);
	});
});

async function expectSame(path: string): Promise<void> {
	const args = ["-n", "-r", path, "-Y", "tcp && !icmp && !udp", "-T", "fields", "-E", "separator=|"];
	const { stdout, status, stderr } = spawnSync("tshark", [...args, ...FIELDS.flatMap((field) => ["-e", field])], {
		encoding: "utf8",
		maxBuffer: 1 << 28,
	});
	if (status !== 0) throw new Error(stderr);
	const lines = stdout
		.trimEnd()
		.split("\n")
		.filter((line) => line !== "");
	const theirs = lines.map((line) => {
		const [seq, flags, mss, scale] = line.split("|") as [string, string, string, string];
		const isSyn = (Number(flags) & SYN) !== 0;
		return {
			seq: Number(seq),
			flags: Number(flags) & 255,
			mss: Number(mss || 0),
			scale: isSyn && scale !== "" ? Number(scale) | SCALE : 0,
		};
	});
	const ours = (await optionsOf(new Uint8Array(readFileSync(path)))).map(({ seq, flags, mss, options }) => ({
		seq,
		flags,
		mss,
		scale: options & (SCALE | 15),
	}));
	expect(ours).toEqual(theirs);
}
