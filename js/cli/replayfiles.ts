// A replay of files over a cluster, as the flags describe it: captures, flow records, events and what they name.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openFlows } from "../cluster/recording.ts";
import type { Cluster } from "../cluster.ts";
import { type FlowEvent, parseEvents, type RestoreEvent } from "../flows/events.ts";
import { EventError, type TimedAction, timedActions } from "../replay/events.ts";
import type { FlowReport } from "../replay/flow.ts";
import { mappingOf } from "../replay/mapping.ts";
import type { ReplaySource } from "../replay/reading.ts";
import type { ReplayReport } from "../replay/report.ts";
import type { FlowFlags } from "./flowoptions.ts";
import { progressOn } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** Replays what `flags.flows` name. `nodeState`: the folder of `--node-state`, where a reload that names no file has its text. */
export async function replayFiles(
	cluster: Cluster,
	flags: FlowFlags,
	nodeState: string | null,
	terminal: Terminal,
	perFlow?: (flow: FlowReport) => void,
): Promise<ReplayReport> {
	const actions = flags.events === null ? [] : await actionsOf(flags.events, nodeState, flags.live);
	const progress = progressOn(terminal, "replay", "packets");
	try {
		return await cluster.replay(await Promise.all(flags.flows.map((path) => sourceOf(path, terminal))), {
			replies: flags.replies,
			actions,
			live: flags.live,
			strictSources: flags.strictSources,
			pathCache: flags.pathCache,
			megaflows: flags.megaflows,
			jobs: flags.jobs,
			...(flags.sharedMemory ? {} : { sharedMemory: false }),
			mappings: flags.map.map(({ prefix, to }) => mappingOf(prefix, cluster.addressesOf(to))),
			signal: terminal.signal,
			progress: (done, total) => progress.update(done, total),
			now: () => performance.now(),
			...(flags.tap === null ? {} : { taps: new Map([["*", `${flags.tap.netns}/${flags.tap.device}`]]) }),
			...(flags.tcpWindows === null ? {} : { tcpWindows: flags.tcpWindows }),
			...(flags.at === null ? {} : { untilNs: flags.at }),
			...(perFlow === undefined ? {} : { perFlow }),
		});
	} finally {
		progress.end();
	}
}

/** Says which of the captures ended inside a record. True: some did, so what was replayed is not the whole; `lenient` accepts that. */
export function isPartial({ recording }: ReplayReport, lenient: boolean, terminal: Terminal): boolean {
	for (const where of recording.truncated) terminal.say(`warning: truncated capture: ${where}`);
	if (recording.truncated.length === 0) return false;
	terminal.say(`only the packets before were replayed${lenient ? "" : " (--lenient accepts it)"}`);
	return !lenient;
}

/** A file is read twice; stdin is kept in memory for that. */
async function sourceOf(path: string, terminal: Terminal): Promise<ReplaySource> {
	if (path !== "-") return openFlows(path);
	const bytes = await terminal.input();
	return {
		name: path,
		async *open() {
			yield bytes;
		},
	};
}

async function actionsOf(path: string, nodeState: string | null, live: boolean): Promise<TimedAction[]> {
	const events = parseEvents(await readFile(path, "utf8"), path);
	const texts = new Map<FlowEvent, { file: string; text: string }>();
	for (const event of events) {
		const file = fileOf(event, path, nodeState);
		if (file !== null) texts.set(event, { file, text: await readFile(file, "utf8") });
	}
	const textOf = (event: FlowEvent) => texts.get(event) as { file: string; text: string };
	return timedActions(events, { restoreText: textOf, ...(live ? { manifestText: textOf } : {}) });
}

function fileOf(event: FlowEvent, events: string, nodeState: string | null): string | null {
	if (event.kind === "apply") return join(dirname(events), event.manifestFile);
	return event.kind === "iptables-restore" ? restoreFile(event, events, nodeState) : null;
}

function restoreFile(event: RestoreEvent, events: string, nodeState: string | null): string {
	if (event.textFile !== null) return join(dirname(events), event.textFile);
	if (nodeState === null)
		throw new EventError(
			event,
			"it names no file=PATH, and there is no --node-state folder with reload.iptables-restore.txt",
		);
	return join(nodeState, event.node, "reload.iptables-restore.txt");
}
