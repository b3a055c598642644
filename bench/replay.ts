// A capture of 64-byte packets from disk: `parse-pcap` only reads it, into columns; `replay-pcap` replays it through the two
// nodes, TCP windows tracked, as `Cluster.replay` does: its survey, its engines, emptied from one replay to the next, and its report
// are all in the time. Half of the packets are recorded answers.

import * as L from "../assembly/layout.ts";
import type { Instance } from "../bindings/core.ts";
import { Machine } from "../bindings/machine.ts";
import { SpareRecordings } from "../bindings/spares.ts";
import { planOfLab } from "../js/cluster/build.ts";
import { DataPlane } from "../js/cluster/dataplane.ts";
import { openFlows } from "../js/cluster/recording.ts";
import { openFlows as readFlows } from "../js/flows/open.ts";
import { loadTopology } from "../js/lab.ts";
import type { Address } from "../js/net/network.ts";
import { capacitiesFor, replay as replayed } from "../js/replay/replay.ts";
import { survey } from "../js/replay/survey.ts";
import { PcapRows } from "./baseline/capture.ts";
import { TwoNodes } from "./baseline/forward.ts";
import type { Case, Subject } from "./figure.ts";
import { benchModule } from "./module.ts";
import { checksum } from "./scenes/carrying.ts";
import { recorded } from "./scenes/recorded.ts";
import { CLUSTER_IP, twoNodes } from "./scenes/services.ts";

const SERVICES = 100;
/** Packets of a connection, and answers to it. */
const ROUNDS = 10;
const virtual = new Set<Address>(Array.from({ length: SERVICES }, (_, i) => CLUSTER_IP + i));

async function parse(connections: number): Promise<Case> {
	const { path, packets } = recorded(connections, ROUNDS);
	const module = await benchModule();
	const rows = new PcapRows();
	let [sum, twinSum] = [0, 0];
	return {
		perRun: packets,
		engine: {
			async run() {
				const source = openFlows(path);
				const input = { name: path, stream: source.open() };
				for await (const { count, src, seq } of readFlows(input, { module })) {
					sum += count + (src[count - 1] as number) + (seq[count - 1] as number);
				}
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				rows.read(path, () => {
					if (rows.count === 0) return;
					twinSum += rows.count + (rows.src[rows.count - 1] as number) + (rows.seq[rows.count - 1] as number);
				});
			},
			checksum: () => twinSum,
		},
	};
}

/** Called with the packets that a survey has read so far, when the engine is ready, and with those that were carried. */
export interface Steps {
	surveyed?: (packets: number) => void;
	opened?: () => void;
	carried?: (packets: number) => void;
}

/** Replays of one capture, again and again; each says its flows and what its rules and flows add up to. */
export async function replays(path: string): Promise<(steps?: Steps) => Promise<number>> {
	const module = await benchModule();
	const network = loadTopology(twoNodes(SERVICES));
	const plan = planOfLab(twoNodes(SERVICES));
	const plane = new DataPlane(module, {});
	const spares = new SpareRecordings();
	plane.open(plan);
	return ({ surveyed: progress, opened, carried } = {}) =>
		spares.lend(async (take) => {
			const options = { module, take, virtual, ...(progress && { progress }) };
			const surveyed = await survey(network, [openFlows(path)], options);
			plane.openAgain(plan, { capacities: capacitiesFor(surveyed), windows: surveyed.tcpWindows });
			opened?.();
			const { machine } = plane.loaded as NonNullable<DataPlane["loaded"]>;
			const report = await replayed(machine, surveyed, { assumed: [], ...(carried && { progress: carried }) });
			return report.flows + checksum({ machine, loops: machine.core.engine as Instance });
		});
}

async function prepare(connections: number): Promise<Case> {
	const { path, packets } = recorded(connections, ROUNDS);
	const replay = await replays(path);
	const network = loadTopology(twoNodes(SERVICES));
	const first = new Machine(await benchModule(), network);
	const clients = new Map(
		network.netns.flatMap(({ name, devices }) =>
			devices.flatMap(({ addresses }) => addresses.map(({ ip }) => [ip, first.netnsRow(name)] as const)),
		),
	);
	let [sum, twinSum] = [0, 0];
	return {
		perRun: packets,
		engine: {
			async run() {
				sum += await replay();
			},
			checksum: () => sum,
		},
		twin: {
			run() {
				const rows = new PcapRows();
				rows.read(path, () => undefined);
				const nodes = new TwoNodes(first, connections);
				const words = new Uint32Array((4096 * L.BATCH_STRIDE) / 4);
				rows.read(path, () => nodes.offer(words, 0, batch(rows, words, clients), 1e9, true));
				twinSum += connections + nodes.checksum();
			},
			checksum: () => twinSum,
		},
	};
}

/** Rows that a client sends as batch records; the twin's server answers by itself. Returns how many. */
function batch(rows: PcapRows, words: Uint32Array, clients: ReadonlyMap<number, number>): number {
	let count = 0;
	for (let row = 0; row < rows.count; row++) {
		const netns = clients.get(rows.src[row] as number);
		if (netns === undefined) continue;
		const at = (count++ * L.BATCH_STRIDE) / 4;
		words[at] = rows.src[row] as number;
		words[at + 1] = rows.dst[row] as number;
		words[at + 2] = (rows.sport[row] as number) + (rows.dport[row] as number) * 65536;
		words[at + 3] = L.PROTO_TCP | (4 << 8) | (64 << 16) | ((rows.tcpFlags[row] as number) << 24);
		words[at + 4] = rows.ipBytes[row] as number;
		words[at + L.BATCH_NETNS / 4] = netns;
	}
	return count;
}

/** `size`: connections, each with 10 packets and 10 answers. */
export const replay: Subject[] = [
	{ name: "parse-pcap", unit: "Mpps", size: 20_000, prepare: parse },
	{ name: "replay-pcap", unit: "Mpps", size: 20_000, prepare },
];
