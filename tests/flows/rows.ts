// What the tests of js/flows share: sources out of bytes, and rows as objects that can be compared.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type PacketColumns, SHAPE_INNER } from "../../js/flows/columns.ts";
import { type FlowOptions, type FlowSource, openFlows } from "../../js/flows/open.ts";

export const SHARED = new URL("../../../shared/data/", import.meta.url).pathname;
export const hasShared = existsSync(`${SHARED}pcap/index.json`);
export const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
export const SHOP = new URL("../../examples/shop/", import.meta.url).pathname;

export async function* chunked(bytes: Uint8Array, size = 65536): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function source(
	bytes: Uint8Array | string,
	options: FlowOptions & { size?: number; name?: string } = {},
): FlowSource {
	const raw = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
	return openFlows({ name: options.name ?? "flows.bin", stream: chunked(raw, options.size) }, options);
}

export type Row = ReturnType<typeof rowOf>;

export function rowOf(columns: PacketColumns, i: number, text: (family: number, value: number) => string) {
	const family = columns.family[i] as number;
	const inner = (columns.shape[i] as number) & SHAPE_INNER;
	return {
		timeNs: columns.timeNs[i] as bigint,
		family,
		src: text(family, columns.src[i] as number),
		dst: text(family, columns.dst[i] as number),
		sport: columns.sport[i] as number,
		dport: columns.dport[i] as number,
		proto: columns.proto[i] as number,
		tcpFlags: columns.tcpFlags[i] as number,
		ttl: columns.ttl[i] as number,
		tos: columns.tos[i] as number,
		ipId: columns.ipId[i] as number,
		ipBytes: columns.ipBytes[i] as number,
		payloadBytes: columns.payloadBytes[i] as number,
		seq: columns.seq[i] as number,
		ack: columns.ack[i] as number,
		window: columns.window[i] as number,
		shape: columns.shape[i] as number,
		payloadHash: columns.payloadHash[i] as number,
		interfaceIndex: columns.interfaceIndex[i] as number,
		direction: columns.direction[i] as number,
		vlan: columns.vlan[i] as number,
		vni: columns.vni[i] as number,
		repeat: columns.repeat[i] as number,
		origin: columns.origin[i] as number,
		inner: inner
			? {
					proto: columns.innerProto[i] as number,
					src: text(family, columns.innerSrc[i] as number),
					dst: text(family, columns.innerDst[i] as number),
					sport: columns.innerSport[i] as number,
					dport: columns.innerDport[i] as number,
				}
			: null,
	};
}

/** All rows; where the source fails, those before, and the error. */
export async function rowsAndError(
	flows: FlowSource,
	batches: AsyncIterable<PacketColumns> = flows,
): Promise<{ rows: Row[]; error: unknown }> {
	const rows: Row[] = [];
	const text = (family: number, value: number) => flows.addresses.addressText(family, value);
	try {
		for await (const batch of batches) {
			for (let i = 0; i < batch.count; i++) rows.push(rowOf(batch, i, text));
		}
	} catch (error) {
		return { rows, error };
	}
	return { rows, error: null };
}

export async function rowsOf(flows: FlowSource, batches: AsyncIterable<PacketColumns> = flows): Promise<Row[]> {
	const { rows, error } = await rowsAndError(flows, batches);
	if (error !== null) throw error;
	return rows;
}
