// A capture on disk of the two nodes' traffic, as tcpdump on the clients' side shows it: Ethernet frames of 64 bytes, nanosecond
// pcap, every connection opened, then its packets of ten bytes and their answers, connections in turns, all within their
// windows. One file a size, in the machine's folder for such, deleted when the process ends.

import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as L from "../../assembly/layout.ts";
import { CLIENTS, connection } from "./services.ts";

const FRAME_BYTES = 64;
export const RECORD_BYTES = 16 + FRAME_BYTES;
const SERVICES = 100;
const PAYLOAD = 10;
/** As a million packets a second are recorded. */
const GAP_NS = 1000;

export interface Recorded {
	path: string;
	packets: number;
}

/** `rounds` packets of each connection and as many answers; the first pair opens it. */
export function recorded(connections: number, rounds: number): Recorded {
	const path = join(tmpdir(), `podwire-bench-${process.pid}-${connections}-${rounds}.pcap`);
	const file = openSync(path, "w");
	process.once("exit", () => rmSync(path, { force: true }));
	const header = new DataView(new ArrayBuffer(24));
	for (const [at, word] of [0xa1b23c4d, 0x0004_0002, 0, 0, 262144, 1].entries()) header.setUint32(at * 4, word, true);
	writeSync(file, header);
	const bytes = new Uint8Array(connections * 2 * RECORD_BYTES);
	let time = 0;
	for (let round = 0; round < rounds; round++) {
		for (let i = 0; i < connections; i++) {
			const at = i * 2 * RECORD_BYTES;
			record(new DataView(bytes.buffer, at), ++time, i, round, false);
			record(new DataView(bytes.buffer, at + RECORD_BYTES), ++time, i, round, true);
		}
		writeSync(file, bytes);
	}
	closeSync(file);
	return { path, packets: connections * rounds * 2 };
}

/** Packet `number` of the capture: connection `i`'s of this round, or the answer to it. */
function record(view: DataView, number: number, i: number, round: number, answers: boolean): void {
	const { src, dst, sport } = connection(i, SERVICES, CLIENTS);
	const opens = round === 0;
	const payload = opens ? 0 : PAYLOAD;
	// Sent by each side before this round; a SYN counts as a byte.
	const sent = opens ? 0 : 1 + (round - 1) * PAYLOAD;
	const [client, server] = [Math.imul(i, 0x9e3779b1), Math.imul(i, 0x85ebca6b)];
	const acked = opens && !answers ? 0 : answers ? client + sent + (opens ? 1 : payload) : server + sent;
	const ns = number * GAP_NS;
	view.setUint32(0, 1 + Math.floor(ns / 1e9), true);
	view.setUint32(4, ns % 1e9, true);
	view.setUint32(8, FRAME_BYTES, true);
	view.setUint32(12, FRAME_BYTES, true);
	view.setUint16(16 + 12, 0x0800);
	const ip = 16 + 14;
	view.setUint16(ip, 0x4500);
	view.setUint16(ip + 2, 40 + payload);
	view.setUint32(ip + 4, ((number & 0xffff) << 16) | 0x4000);
	view.setUint16(ip + 8, (64 << 8) | L.PROTO_TCP);
	view.setUint32(ip + 12, answers ? dst : src);
	view.setUint32(ip + 16, answers ? src : dst);
	view.setUint32(ip + 20, answers ? 80 * 65536 + sport : sport * 65536 + 80);
	view.setUint32(ip + 24, answers ? server + sent : client + sent);
	view.setUint32(ip + 28, acked);
	view.setUint16(ip + 32, 0x5000 | (opens ? L.TCP_SYN : L.TCP_ACK) | (answers ? L.TCP_ACK : 0));
	view.setUint16(ip + 34, 65535);
}
