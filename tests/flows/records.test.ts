// CSV flow records: what a record becomes, exactness of times and sizes, and errors with their place.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineError } from "../../js/flows/errors.ts";
import { RECORD_HEADER } from "../../js/flows/records.ts";
import { timeText } from "../../js/flows/time.ts";
import { runs } from "../runs.ts";
import { rowsAndError, rowsOf, source } from "./rows.ts";

const csv = (...lines: string[]) => [RECORD_HEADER, ...lines].join("\n");
const expand = async (line: string) =>
	(await rowsOf(source(csv(line)))).map((row) => [row.tcpFlags, row.ipBytes, row.repeat]);

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];

describe("a record", () => {
	it.each([
		[
			"277 packets, SYN to nothing",
			"tcp,277,18905,26",
			[
				[SYN, 68, 1],
				[ACK | PSH, 68, 207],
				[ACK | PSH, 69, 69],
			],
		],
		[
			"SYN to FIN",
			"tcp,5,500,27",
			[
				[SYN, 100, 1],
				[ACK | PSH, 100, 3],
				[FIN | ACK, 100, 1],
			],
		],
		[
			"without data",
			"tcp,5,200,19",
			[
				[SYN, 40, 1],
				[ACK, 40, 3],
				[FIN | ACK, 40, 1],
			],
		],
		[
			"with a remainder",
			"tcp,5,203,19",
			[
				[SYN, 40, 1],
				[ACK, 40, 1],
				[ACK | PSH, 41, 2],
				[FIN | ACK, 41, 1],
			],
		],
		[
			"SYN to RST",
			"tcp,3,150,6",
			[
				[SYN, 50, 1],
				[ACK | PSH, 50, 1],
				[RST, 50, 1],
			],
		],
		[
			"RST after FIN",
			"tcp,2,100,21",
			[
				[ACK | PSH, 50, 1],
				[RST, 50, 1],
			],
		],
		["one SYN", "tcp,1,60,2", [[SYN, 60, 1]]],
		["one packet of a whole connection", "tcp,1,60,27", [[SYN, 60, 1]]],
		["one FIN", "tcp,1,52,17", [[FIN | ACK, 52, 1]]],
		["one RST", "tcp,1,40,4", [[RST, 40, 1]]],
		["no flags known", "tcp,2,80,0", [[ACK, 40, 2]]],
		[
			"UDP",
			"udp,2,165,0",
			[
				[0, 82, 1],
				[0, 83, 1],
			],
		],
		["UDP, flags written all the same", "udp,1,82,18", [[0, 82, 1]]],
		["a protocol by number", "132,1,82,0", [[0, 82, 1]]],
		["most packets", "udp,4294967295,128849018850,0", [[0, 30, 4294967295]]],
	])("of %s", async (_, tail, rows) => {
		expect(await expand(`1795354258.692984723,10.0.0.1,4000,10.96.0.10,53,${tail}`)).toEqual(rows);
	});

	it("of a ping keeps its identifier and type", async () => {
		const rows = await rowsOf(
			source(csv("1.5,10.0.0.1,7,10.0.0.2,2048,icmp,1,84,0", "1.5,fd00::1,7,fd00::2,32768,icmp,1,104,0")),
		);
		expect(rows[0]).toMatchObject({ proto: 1, sport: 7, dport: 0x0800, payloadBytes: 56, origin: 2 });
		expect(rows[1]).toMatchObject({
			proto: 58,
			family: 6,
			src: "fd00::1",
			sport: 7,
			dport: 0x8000,
			payloadBytes: 56,
			origin: 3,
		});
	});

	it("may end with CRLF, without a line end, and behind a byte-order mark", async () => {
		const rows = await rowsOf(
			source(`\ufeff${RECORD_HEADER}\r\n1,10.0.0.1,1,10.0.0.2,2,udp,1,30,0\r\n\r\n2,10.0.0.1,1,10.0.0.2,2,udp,1,30,0`),
		);
		expect(rows.map((row) => row.timeNs)).toEqual([1_000_000_000n, 2_000_000_000n]);
	});

	const record = fc.record({
		time: fc.bigInt(0n, (1n << 32n) * 1_000_000_000n - 1n),
		proto: fc.constantFrom("tcp", "udp", "sctp", "47"),
		packets: fc.integer({ min: 1, max: 100_000 }),
		perPacket: fc.integer({ min: 20, max: 60_000 }),
		more: fc.nat(),
		flags: fc.nat(255),
		port: fc.nat(65535),
		address: fc.nat(0xffffffff),
	});

	it("keeps time, packets and bytes exactly, in any chunks", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(record, { minLength: 1, maxLength: 40 }),
				fc.integer({ min: 1, max: 200 }),
				async (records, size) => {
					records.sort((a, b) => (a.time < b.time ? -1 : 1));
					const quad = (n: number) => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join(".");
					const lines = records.map((r) => {
						const bytes = r.packets * r.perPacket + (r.more % r.packets);
						return `${timeText(r.time)},${quad(r.address)},${r.port},10.0.0.2,80,${r.proto},${r.packets},${bytes},${r.flags}`;
					});
					const rows = await rowsOf(source(csv(...lines), { size }));
					for (const [i, r] of records.entries()) {
						const own = rows.filter((row) => row.origin === i + 2);
						expect(own.length).toBeLessThanOrEqual(4);
						expect(
							own.every((row) => row.timeNs === r.time && row.src === quad(r.address) && row.sport === r.port),
						).toBe(true);
						expect(own.reduce((sum, row) => sum + row.repeat, 0)).toBe(r.packets);
						expect(own.reduce((sum, row) => sum + row.repeat * row.ipBytes, 0)).toBe(
							r.packets * r.perPacket + (r.more % r.packets),
						);
					}
				},
			),
			runs(150),
		);
	});
});

describe("errors", () => {
	const good = "1795354258.5,10.0.0.1,4000,10.96.0.10,53,udp,2,164,0";
	it.each([
		["five fields", "1,10.0.0.1,4000,10.96.0.10,53", "3:30: a record of 5 fields; expected 9 fields; next is proto"],
		["ten fields", `${good},1`, "3:54: more than 9 fields"],
		[
			"a time that is none",
			good.replace("1795354258.5", "yesterday"),
			'3:1: time "yesterday"; expected seconds since 1970',
		],
		["ten decimals", good.replace(".5", ".0123456789"), "3:1: time"],
		["a bare dot", good.replace(".5", "."), "3:1: time"],
		["a time past 2106", good.replace("1795354258", "4294967296"), "3:1: time"],
		[
			"an address that is none",
			good.replace("10.0.0.1", "10.0.0.256"),
			'3:14: src "10.0.0.256"; expected an IPv4 or IPv6 address',
		],
		["leading zeros", good.replace("10.0.0.1", "10.0.0.01"), "3:14: src"],
		["a family mix", good.replace("10.96.0.10", "fd00::1"), '3:28: dst "fd00::1"; expected an IPv4 address, as src is'],
		["a port too high", good.replace("4000", "70000"), '3:23: sport "70000"; expected a number from 0 to 65535'],
		["an empty port", good.replace("4000", ""), '3:23: sport ""'],
		["an unknown protocol", good.replace("udp", "quic"), '3:42: proto "quic"; expected a protocol: tcp'],
		["no packets", good.replace(",2,", ",0,"), '3:46: packets "0"; expected a number from 1'],
		["too few bytes", good.replace("164", "39"), "3:48: 39 bytes in 2 packets; expected at least 20 bytes a packet"],
		["flags over a byte", good.replace(/0$/, "256"), '3:52: flags "256"; expected a number from 0 to 255'],
		["a control character", good.replace("udp", "u\u001b[1m"), '3:42: proto "u?[1m"'],
	])("name %s, and keep the rows before", async (_, line, message) => {
		const { rows, error } = await rowsAndError(source(csv(good, line, good), { name: "flows.csv" }));
		expect(error).toBeInstanceOf(LineError);
		expect((error as Error).message.startsWith(`flows.csv:${message}`), (error as Error).message).toBe(true);
		expect(rows).toHaveLength(1);
	});

	it.each([
		["time,src,sport,dst,dport,proto,packets,bytes", "1:45: the header ends; expected flags"],
		["time,src,sport,dest,dport,proto,packets,bytes,flags", '1:16: header "dest"; expected dst'],
		[`${RECORD_HEADER},x`, '1:52: header "x"; expected nothing'],
		[`x${"y".repeat(5000)}`, "1:4096: a line of more than 4096 bytes"],
	])("name the header %s", async (header, message) => {
		const { error } = await rowsAndError(source(`${header}\n${good}\n`, { name: "flows.csv" }));
		expect((error as Error).message).toContain(`flows.csv:${message}`);
	});

	it("of any text are LineErrors", async () => {
		const field = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("tcp", "10.0.0.1", "1", "0", "::1", "80"));
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(field, { maxLength: 11 }), { maxLength: 5 }), async (lines) => {
				const { error } = await rowsAndError(source(csv(...lines.map((fields) => fields.join(",")))));
				if (error !== null && !(error instanceof LineError)) throw error;
			}),
			runs(500),
		);
	});
});
