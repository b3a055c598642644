// A capture larger than memory would allow to hold: what the reader keeps does not grow with the file.

import { describe, expect, it } from "vitest";
import { buildFrame } from "../../js/flows/frame.ts";
import { openFlows } from "../../js/flows/open.ts";
import { bytesOf, pcap } from "./capture.ts";

describe("a long stream", () => {
	it("is read in bounded memory: 400 MB within 64 MiB", async () => {
		const frame = buildFrame({
			src: "10.0.0.1",
			dst: "10.0.0.2",
			proto: 6,
			sport: 1,
			dport: 2,
			payload: new Uint8Array(1400),
		});
		const file = pcap([{ timeNs: 1_000_000_000n, frame }], 1, true, true);
		const record = file.subarray(24);
		const chunk = bytesOf(...Array.from({ length: 100 }, () => record));
		const chunks = Math.ceil(400e6 / chunk.length);
		async function* stream() {
			yield file.subarray(0, 24);
			for (let i = 0; i < chunks; i++) yield chunk;
		}
		const before = process.memoryUsage().rss;
		let most = before;
		let packets = 0;
		for await (const batch of openFlows({ name: "long.pcap", stream: stream() })) {
			packets += batch.count;
			most = Math.max(most, process.memoryUsage().rss);
		}
		expect(packets).toBe(chunks * 100);
		expect(most - before).toBeLessThan(64 * 1024 * 1024);
	});
});
