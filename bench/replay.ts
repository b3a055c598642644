// A capture from disk through a cluster: the shop's own capture, its API objects and its nodes' own texts. One replay reads
// the file twice (who is outside, then the packets), opens a fresh engine and makes the report; all of it is in the time.

import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readNodeState } from "../js/cli/nodestate.ts";
import { Cluster } from "../js/cluster.ts";
import { ROOT } from "../scripts/run.mjs";
import type { Case, Subject } from "./figure.ts";
import { benchModule } from "./module.ts";

const SHOP = join(ROOT, "examples/shop");

async function prepare(): Promise<Case> {
	const nodeState = await readNodeState(join(SHOP, "node-state"));
	const cluster = await Cluster.create({ wasm: await benchModule(), nodeState });
	await cluster.apply([{ name: "cluster.yaml", text: await readFile(join(SHOP, "cluster.yaml"), "utf8") }]);
	await cluster.settle();
	const capture = join(SHOP, "client-side.pcapng");
	const source = { name: capture, open: () => createReadStream(capture, { highWaterMark: 1 << 20 }) };
	const first = await cluster.replay([source]);
	let flows = 0;
	return {
		perRun: first.packets,
		engine: {
			async run() {
				flows += (await cluster.replay([source])).flows;
			},
			checksum: () => flows,
		},
		twin: null,
	};
}

/** One size only: the capture's. */
export const replay: Subject = { name: "replay-pcap", unit: "Mpps", size: 1, prepare };
