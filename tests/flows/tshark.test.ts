// Our reader against tshark's, field by field: the recorded captures, and generated ones of every format and link type.
// And what we write: tshark finds nothing malformed in it and every checksum right.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildFrame, buildPacket, type FrameSpec } from "../../js/flows/frame.ts";
import { type CapturedFrame, pcapngFile } from "../../js/flows/pcapng-writer.ts";
import { canonicalAddress } from "../../js/net/address.ts";
import { runs } from "../runs.ts";
import { frameSpec } from "./arbitrary.ts";
import { bytesOf, linked, pcap, pcapngBlocks } from "./capture.ts";
import { hasShared, hasTshark, type Row, rowsOf, SHARED, SHOP, source } from "./rows.ts";

const FIELDS = [
	"frame.time_epoch",
	"ip.src",
	"ip.dst",
	"ip.len",
	"ip.ttl",
	"ip.proto",
	"ip.id",
	"ipv6.src",
	"ipv6.dst",
	"ipv6.plen",
	"ipv6.hlim",
	"tcp.srcport",
	"tcp.dstport",
	"tcp.flags",
	"tcp.seq_raw",
	"tcp.ack_raw",
	"tcp.window_size_value",
	"tcp.len",
	"udp.srcport",
	"udp.dstport",
	"sctp.srcport",
	"sctp.dstport",
	"icmp.type",
	"icmp.code",
	"icmp.ident",
	"icmp.seq",
	"icmpv6.type",
	"icmpv6.code",
	"icmpv6.echo.identifier",
	"icmpv6.echo.sequence_number",
	"vlan.id",
	"frame.packet_flags_direction",
] as const;
type Field = (typeof FIELDS)[number];

/** The only dissectors that may run: random ports and payloads would else be taken for random applications. */
const PROTOCOLS =
	"frame,eth,ethertype,sll,null,raw,vlan,ieee8021ad,arp,ip,ipv6,tcp,udp,icmp,icmpv6,sctp,pcapng,data".split(",");

/** A configuration folder for tshark in which all other protocols are off. */
function configure(folder: string): void {
	const { stdout } = spawnSync("tshark", ["-G", "protocols"], { encoding: "utf8", maxBuffer: 1 << 26 });
	const names = stdout.split("\n").map((line) => line.split("\t")[2] ?? "");
	writeFileSync(
		join(folder, "disabled_protos"),
		names.filter((name) => name !== "" && !PROTOCOLS.includes(name)).join("\n"),
	);
}

let folder = "";

function tshark(file: string, fields: readonly string[], ...more: string[]): string[][] {
	const args = ["-n", "-r", file, "-T", "fields", "-E", "occurrence=f", "-E", "separator=|", ...more];
	const { stdout, status, stderr } = spawnSync("tshark", [...args, ...fields.flatMap((field) => ["-e", field])], {
		encoding: "utf8",
		maxBuffer: 1 << 28,
		env: { ...process.env, LC_ALL: "C", WIRESHARK_CONFIG_DIR: folder },
	});
	if (status !== 0) throw new Error(stderr);
	return stdout
		.trimEnd()
		.split("\n")
		.map((line) => line.split("|"));
}

/** tshark's words for an IP packet, in the form of our row; null for other frames. */
function fromTshark(words: string[]) {
	const icmp = words[FIELDS.indexOf("icmp.type")] !== "" || words[FIELDS.indexOf("icmpv6.type")] !== "";
	// Beside an ICMP message these are of the packet that it quotes.
	const of = (field: Field) => (icmp && /^(tcp|udp|sctp)/.test(field) ? "" : (words[FIELDS.indexOf(field)] as string));
	const number = (...fields: Field[]) => {
		for (const field of fields) if (of(field) !== "" && of(field) !== undefined) return Number(of(field));
		return 0;
	};
	if (of("ip.src") === "" && of("ipv6.src") === "") return null;
	const [sec, fraction] = of("frame.time_epoch").split(".") as [string, string];
	return {
		timeNs: BigInt(sec) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0")),
		// tshark writes `::128.139.255.247` as the C library does.
		src: canonicalAddress(of("ip.src") || of("ipv6.src")),
		dst: canonicalAddress(of("ip.dst") || of("ipv6.dst")),
		ipBytes: of("ip.src") === "" ? number("ipv6.plen") + 40 : number("ip.len"),
		ttl: number("ip.ttl", "ipv6.hlim"),
		sport: number("tcp.srcport", "udp.srcport", "sctp.srcport", "icmp.ident", "icmpv6.echo.identifier"),
		dport: icmp
			? number("icmp.type", "icmpv6.type") * 256 + number("icmp.code", "icmpv6.code")
			: number("tcp.dstport", "udp.dstport", "sctp.dstport"),
		tcpFlags: number("tcp.flags") & 255,
		seq: number("tcp.seq_raw", "icmp.seq", "icmpv6.echo.sequence_number"),
		ack: number("tcp.ack_raw"),
		window: number("tcp.window_size_value"),
		...(of("tcp.len") === "" ? {} : { payloadBytes: number("tcp.len") }),
		vlan: number("vlan.id"),
	};
}

/** Of ours, what tshark tells too; SCTP keeps its tag and chunk type in columns that tshark has other names for. */
function comparable(row: Row) {
	const { timeNs, src, dst, ipBytes, ttl, sport, dport, ack, window, vlan, proto, payloadBytes } = row;
	const sctp = proto === 132;
	const common = {
		timeNs,
		src,
		dst,
		ipBytes,
		ttl,
		sport,
		dport,
		ack,
		window,
		vlan,
		tcpFlags: sctp ? 0 : row.tcpFlags,
		seq: sctp ? 0 : row.seq,
	};
	return proto === 6 ? { ...common, payloadBytes } : common;
}

async function expectSame(file: string): Promise<number> {
	const theirs = tshark(file, FIELDS)
		.map(fromTshark)
		.filter((row) => row !== null);
	const flows = source(readFileSync(file));
	const ours = await rowsOf(flows);
	// tshark lists packets as they are in the file, we in time order.
	const inFile = [...ours].sort((a, b) => a.origin - b.origin);
	expect(inFile.map(comparable)).toEqual(theirs);
	return ours.length;
}

describe.skipIf(!hasTshark)("tshark (skipped, no tshark)", () => {
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "podwire-flows-"));
		configure(folder);
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	const written = (name: string, bytes: Uint8Array): string => {
		const path = join(folder, name);
		writeFileSync(path, bytes);
		return path;
	};

	describe.skipIf(!hasShared)("of the small captures (skipped, no shared data)", () => {
		const files = hasShared ? readdirSync(`${SHARED}pcap`).filter((name) => /\.pcap(ng)?$/.test(name)) : [];
		it.each(files)("reads %s alike", async (name) => {
			expect(await expectSame(`${SHARED}pcap/${name}`)).toBeGreaterThan(0);
		});
	});

	it("reads the shop's capture alike, all 50,560 IP packets", async () => {
		expect(await expectSame(`${SHOP}client-side.pcapng`)).toBe(50560);
	});

	const specs = (nth: number, count: number): FrameSpec[] => fc.sample(frameSpec, runs(count, nth));
	const T0 = 1_795_354_258_000_000_000n;

	it.each([1, 113, 276, 101, 228, 0, 108])("reads generated pcap of link type %i alike", async (link) => {
		for (const [i, nano] of [true, false].entries()) {
			const packets = specs(link * 2 + i, 250)
				.filter((spec) => link !== 228 || !spec.src.includes(":"))
				.map((spec, n) => ({ timeNs: T0 + BigInt(n) * 1_001_000n, frame: linked(link, buildPacket(spec), n % 5) }));
			await expectSame(written(`link-${link}-${nano}.pcap`, pcap(packets, link, nano, nano)));
		}
	});

	it("reads generated pcapng of two sections, both byte orders and several time units alike", async () => {
		const sections = [true, false].flatMap((little) => {
			const b = pcapngBlocks(little);
			const frames = specs(little ? 3 : 4, 150).map((spec) => buildFrame(spec));
			return [
				b.section(),
				b.interface(1),
				b.interface(1, [[9, [9]]]),
				...frames.map((frame, n) =>
					n % 2 === 0
						? b.packet(0, T0 / 1000n + BigInt(n), frame)
						: b.packet(1, T0 + BigInt(n) * 1000n, frame, [[2, b.u32(1 + (n % 2))]]),
				),
			];
		});
		await expectSame(written("sections.pcapng", bytesOf(...sections)));
	});

	it("finds every checksum right and nothing malformed in what we write", () => {
		// Of SCTP's chunks, those whose bytes may be anything: DATA, and COOKIE ACK where there are too few for that.
		const sound = (spec: FrameSpec): FrameSpec => {
			if (spec.proto !== 132) return spec;
			return spec.payload!.length > 12
				? { ...spec, tcpFlags: 0 }
				: { ...spec, tcpFlags: 11, payload: new Uint8Array(0) };
		};
		const frames: CapturedFrame[] = specs(77, 400)
			.map(sound)
			.map((spec, n) => ({
				timeNs: T0 + BigInt(n),
				interface: `node-${n % 3}/eth0`,
				bytes: buildFrame(spec),
				comment: `FORWARD/filter rule ${n}`,
				direction: 1 + (n % 2),
			}));
		const path = written("written.pcapng", pcapngFile(frames));
		const checks = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((name) => [
			"-o",
			`${name}:TRUE`,
		]);
		const fields = [
			"frame.comment",
			"frame.interface_name",
			"frame.packet_flags_direction",
			"_ws.malformed",
			"ip.checksum.status",
			"tcp.checksum.status",
			"udp.checksum.status",
			"icmp.checksum.status",
			"icmpv6.checksum.status",
			"sctp.checksum.status",
		];
		const rows = tshark(path, fields, ...checks, "-o", "sctp.checksum:CRC 32c");
		expect(rows).toHaveLength(frames.length);
		for (const [n, words] of rows.entries()) {
			expect(words.slice(0, 2)).toEqual([frames[n]!.comment, frames[n]!.interface]);
			expect(Number(words[2])).toBe(frames[n]!.direction);
			expect(words[3]).toBe("");
			const statuses = words.slice(4).filter((word) => word !== "");
			expect(statuses.length).toBeGreaterThanOrEqual(1);
			expect(new Set(statuses), `packet ${n + 1}`).toEqual(new Set(["1"]));
		}
	});
});
