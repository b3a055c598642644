// The twin of `assembly/capture`, as far as the benchmark's files go: records of a pcap, Ethernet, IPv4 without options, TCP
// without options, into typed arrays of 4096 rows. No time order is checked, nothing is compared with what was seen before.

import { closeSync, openSync, readSync } from "node:fs";

const ROWS = 4096;
const BLOCK = 1 << 18;

export class PcapRows {
	count = 0;
	readonly time = new BigInt64Array(ROWS);
	readonly timeWords = new Uint32Array(this.time.buffer);
	readonly src = new Uint32Array(ROWS);
	readonly dst = new Uint32Array(ROWS);
	readonly sport = new Uint16Array(ROWS);
	readonly dport = new Uint16Array(ROWS);
	readonly tcpFlags = new Uint8Array(ROWS);
	readonly ttl = new Uint8Array(ROWS);
	readonly tos = new Uint8Array(ROWS);
	readonly ipId = new Uint16Array(ROWS);
	readonly ipBytes = new Uint32Array(ROWS);
	readonly payloadBytes = new Uint32Array(ROWS);
	readonly seq = new Uint32Array(ROWS);
	readonly ack = new Uint32Array(ROWS);
	readonly window = new Uint16Array(ROWS);

	/** Rows of a file, batch after batch, in these arrays. */
	read(path: string, batch: () => void): void {
		const bytes = new Uint8Array(BLOCK * 2);
		const view = new DataView(bytes.buffer);
		const file = openSync(path, "r");
		let [start, end] = [24, 0];
		for (let more = readSync(file, bytes, end, BLOCK, null); more > 0; more = readSync(file, bytes, end, BLOCK, null)) {
			end += more;
			while (end - start >= 16) {
				const caplen = view.getUint32(start + 8, true);
				if (end - start - 16 < caplen) break;
				this.#row(view, start, start + 16 + caplen);
				start += 16 + caplen;
				if (this.count < ROWS) continue;
				batch();
				this.count = 0;
			}
			bytes.copyWithin(0, start, end);
			end -= start;
			start = 0;
		}
		closeSync(file);
		batch();
		this.count = 0;
	}

	#row(view: DataView, at: number, end: number): void {
		const ip = at + 16 + 14;
		if (view.getUint16(ip - 2) !== 0x0800 || end - ip < 40) return;
		const head = view.getUint32(ip);
		const tcp = ip + ((head >>> 24) & 15) * 4;
		if (head >>> 28 !== 4 || view.getUint8(ip + 9) !== 6 || end - tcp < 20) return;
		const row = this.count++;
		const seconds = view.getUint32(at, true);
		const nanoseconds = view.getUint32(at + 4, true);
		const low = (seconds & 0xffff) * 1e9 + nanoseconds;
		const high = (seconds >>> 16) * 1e9;
		const rest = (high % 65536) * 65536 + low;
		this.timeWords[row * 2] = rest % 0x1_0000_0000;
		this.timeWords[row * 2 + 1] = Math.floor(high / 65536) + Math.floor(rest / 0x1_0000_0000);
		this.tos[row] = head >>> 16;
		this.ipBytes[row] = head & 0xffff;
		this.ipId[row] = view.getUint16(ip + 4);
		this.ttl[row] = view.getUint8(ip + 8);
		this.src[row] = view.getUint32(ip + 12);
		this.dst[row] = view.getUint32(ip + 16);
		const ports = view.getUint32(tcp);
		const flags = view.getUint32(tcp + 12);
		this.sport[row] = ports >>> 16;
		this.dport[row] = ports;
		this.seq[row] = view.getUint32(tcp + 4);
		this.ack[row] = view.getUint32(tcp + 8);
		this.tcpFlags[row] = flags >>> 16;
		this.window[row] = flags;
		this.payloadBytes[row] = (head & 0xffff) - (tcp - ip) - (flags >>> 28) * 4;
	}
}
