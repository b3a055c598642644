// The shop's files: the cluster with its nodes' own texts, the events, and what really happened (truth.csv).

import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Cluster, parseEvents, timedActions } from "podwire";

export const SHOP = fileURLToPath(new URL(".", import.meta.url));

const TEXTS = {
	iptables: "iptables-save.txt",
	routes: "ip-route.txt",
	addresses: "ip-addr.txt",
};

const text = (/** @type {string} */ name) => readFile(`${SHOP}${name}`, "utf8");

/** @returns {Promise<import("podwire").NodeStates>} by node, and `router` */
async function nodeStates() {
	const folders = await readdir(`${SHOP}node-state`);
	const states = folders.sort().map(async (node) => {
		const files = Object.entries(TEXTS).map(async ([kind, name]) => {
			const file = `node-state/${node}/${name}`;
			return [kind, { file, text: await text(file) }];
		});
		return /** @type {const} */ ([node, Object.fromEntries(await Promise.all(files))]);
	});
	return new Map(await Promise.all(states));
}

/** The cluster as it was at the start, its nodes and router with the rules, routes and addresses that they had. */
export async function openShop(seed = 1) {
	const cluster = await Cluster.create({ seed, nodeState: await nodeStates() });
	await cluster.apply([{ name: "cluster.yaml", text: await text("cluster.yaml") }]);
	await cluster.settle();
	return cluster;
}

/** API objects as they are after the reload. */
export async function objectsAfterReload() {
	const files = ["cluster.yaml", "endpointslice-after-reload.yaml"];
	const cluster = await Cluster.create();
	await cluster.apply(await Promise.all(files.map(async (name) => ({ name, text: await text(name) }))));
	await cluster.settle();
	return cluster.objects;
}

/** What happened beside the traffic, and when the reload began and was through. */
export async function events() {
	const all = parseEvents(await text("events.csv"), "events.csv");
	const reloads = all.filter(({ kind }) => kind === "iptables-restore");
	const texts = new Map();
	for (const { node } of reloads) {
		const file = `node-state/${node}/reload.iptables-restore.txt`;
		texts.set(node, { file, text: await text(file) });
	}
	return {
		actions: timedActions(all, { restoreText: ({ node }) => texts.get(node) }),
		reload: {
			from: reloads.map(({ timeNs }) => timeNs).sort()[0] ?? 0n,
			to:
				reloads
					.map(({ doneNs }) => doneNs)
					.sort()
					.at(-1) ?? 0n,
		},
	};
}

/** The capture, or the flow records. @returns {import("podwire").ReplaySource} */
export function recording(name = "client-side.pcapng") {
	return { name, open: () => createReadStream(`${SHOP}${name}`, { highWaterMark: 1 << 18 }) };
}

/** `1795354258.692984723` in nanoseconds. @param {string} seconds */
export function nanoseconds(seconds) {
	const [whole = "0", part = ""] = seconds.split(".");
	return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, "0"));
}

/**
 * Rows of truth.csv, each with its line in the file.
 * @typedef {Record<string, string> & { line: number }} Row
 * @returns {Promise<Row[]>}
 */
export async function truth() {
	const [header = "", ...lines] = (await text("truth.csv")).trim().split("\n");
	const names = header.split(",");
	return lines.map((line, i) => {
		const fields = line.split(",");
		const row = Object.fromEntries(names.map((name, at) => [name, fields[at] ?? ""]));
		return /** @type {Row} */ (Object.assign(row, { line: i + 2 }));
	});
}
