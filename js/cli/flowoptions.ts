// Options of every command that replays traffic: `replay` itself, and those that print a node's state after one.

import { type Command, Option } from "commander";
import { parsePrefix } from "../net/address.ts";
import type { Reference } from "../net/reference.ts";
import { JOBS_MAX } from "../replay/replay.ts";
import { collect, reference, word } from "./options.ts";
import { UsageError } from "./status.ts";

/** What to replay, and how what the recording does not say is decided. */
export interface FlowFlags {
	/** Captures and flow records, in the order given; empty where nothing is replayed. */
	flows: string[];
	events: string | null;
	/** The cluster's components act as time passes. */
	live: boolean;
	replies: "mirror" | "none";
	/** Where a capture was taken. */
	tap: { netns: string; device: string } | null;
	/** TCP window tracking; null: on for captures, off for flow records. */
	tcpWindows: boolean | null;
	strictSources: boolean;
	/** False: each packet is carried, none repeated from the path cache. */
	pathCache: boolean;
	/** False: every stack looks at every packet, none is treated as others like it were. */
	megaflows: boolean;
	/** Threads. */
	jobs: number;
	/** False: threads hand buffers over. */
	sharedMemory: boolean;
	/** Addresses of the recording that belong to someone else here. */
	map: { prefix: string; to: Reference }[];
	/** Replay only what comes before this time, in nanoseconds. */
	at: bigint | null;
}

interface Raw {
	namespace: string;
	flows?: string[];
	events?: string;
	live?: boolean;
	replies?: "mirror" | "none";
	tap?: FlowFlags["tap"];
	tcpWindows?: "on" | "off";
	strictSources?: boolean;
	pathCache?: boolean;
	megaflows?: boolean;
	jobs?: number;
	sharedMemory?: boolean;
	map?: string[];
	at?: bigint;
}

/** `NETNS/DEVICE`; a pod's netns is `pod/NS/NAME`, so the device is the last part. */
function tap(text: string): { netns: string; device: string } {
	const slash = text.lastIndexOf("/");
	if (slash <= 0 || slash === text.length - 1)
		throw new UsageError(`--tap: expected NETNS/DEVICE, got ${JSON.stringify(text)}`);
	return { netns: text.slice(0, slash), device: text.slice(slash + 1) };
}

function mapping(text: string, namespace: string): { prefix: string; to: Reference } {
	const equals = text.indexOf("=");
	const prefix = text.slice(0, Math.max(0, equals));
	if (parsePrefix(prefix) === null) throw new UsageError(`--map: expected PREFIX=REF, got ${JSON.stringify(text)}`);
	return { prefix, to: reference("--map", text.slice(equals + 1), namespace) };
}

/** Seconds with up to nine decimals, to nanoseconds. */
export function nanoseconds(text: string): bigint {
	const parts = /^(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
	if (parts === null) throw new UsageError(`--at: expected seconds, as in 1795353824.5, got ${JSON.stringify(text)}`);
	return BigInt(parts[1] ?? "0") * 1_000_000_000n + BigInt((parts[2] ?? "").padEnd(9, "0"));
}

function jobs(text: string): number {
	const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
	if (count < 1 || count > JOBS_MAX)
		throw new UsageError(`--jobs: expected a number of threads from 1 to ${JOBS_MAX}, got ${JSON.stringify(text)}`);
	return count;
}

export function flowOptions(command: Command, mandatory: boolean): Command {
	const flows = new Option("--flows <file...>", "captures (pcap, pcapng) or flow records (CSV) to replay");
	if (mandatory) flows.makeOptionMandatory();
	command
		.addOption(flows)
		.option("--events <file>", "CSV of what happens meanwhile: rules reloaded, entries deleted, objects applied")
		.option(
			"--live",
			"components act as the recording's time passes: rollouts go on, objects of --events change",
			false,
		)
		.addOption(
			new Option("--replies <how>", "mirror: answer what the recording has no answer for; none").argParser(
				word("mirror", "none"),
			),
		)
		.addOption(
			new Option(
				"--tcp-windows <on|off>",
				"track TCP windows; default: on for captures, off for flow records",
			).argParser(word("on", "off")),
		)
		.addOption(new Option("--tap <netns/device>", "where the capture was taken").argParser(tap))
		.option("--no-path-cache", "carry every packet, also where it repeats the one before it; the answers are the same")
		.option("--no-megaflows", "let every stack look at every packet that is carried; the answers are the same")
		.addOption(new Option("--jobs <n>", "threads, default 1; the answers are the same").argParser(jobs))
		.option("--no-shared-memory", "of two threads one reads what the other carries, as where none can share memory")
		.option("--strict-sources", "an address that nobody owns is an error, not a machine outside", false)
		.addOption(
			new Option("--map <prefix=ref>", "who owns addresses of the recording here (repeatable)").argParser(collect),
		);
	return command;
}

/** `--node` and `--at`, of the commands that print one node's state. */
export function stateOptions(command: Command): Command {
	return command
		.requiredOption("--node <name>", "whose state")
		.addOption(new Option("--at <time>", "the state at this time of the replay, in seconds").argParser(nanoseconds));
}

export function flowFlags(raw: Raw): FlowFlags {
	const flows = raw.flows ?? [];
	if (raw.at !== undefined && flows.length === 0)
		throw new UsageError("--at needs --flows: without a replay there is one state only");
	return {
		flows,
		events: raw.events ?? null,
		live: raw.live ?? false,
		replies: raw.replies ?? "mirror",
		tap: raw.tap ?? null,
		tcpWindows: raw.tcpWindows === undefined ? null : raw.tcpWindows === "on",
		strictSources: raw.strictSources ?? false,
		pathCache: raw.pathCache ?? true,
		megaflows: raw.megaflows ?? true,
		jobs: raw.jobs ?? 1,
		sharedMemory: raw.sharedMemory ?? true,
		map: (raw.map ?? []).map((text) => mapping(text, raw.namespace)),
		at: raw.at ?? null,
	};
}
