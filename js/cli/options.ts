// Options that several commands share, with kubectl's habits, and their values as the library takes them.
// A wrong value is a usage error that names the flag; what needs the cluster to be judged is judged by the cluster.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClusterOptions } from "../cluster.ts";
import { maskPrefix, parsePrefix, printPrefix } from "../net/address.ts";
import { nearestWord, TextError } from "../net/error.ts";
import { parseReference, type Reference } from "../net/reference.ts";

/** Where the cluster comes from and how it is made, as the flags say; null where they say nothing. */
export interface ClusterFlags {
	filename: string[];
	recursive: boolean;
	namespace: string;
	nodeState: string | null;
	nodes: number | null;
	podCidr: string | null;
	serviceCidr: string | null;
	clusterDomain: string | null;
	proxyMode: "iptables" | "nftables" | null;
	fabric: "routed" | "l2" | "vxlan" | null;
	hairpinMode: "hairpin-veth" | "promiscuous-bridge" | "none" | null;
	/** Prefixes that are not masqueraded; empty for `none`. */
	nonMasquerade: string[] | null;
	/** `ADDRESS:PORT` or `none`. */
	apiServer: string | null;
	disableAdmissionPlugins: string | null;
	reconcile: boolean;
	strictPorts: boolean;
	/** Whether probes cross the network, or are answered by what apps are taken to do. */
	probes: NonNullable<ClusterOptions["probes"]>;
	lenient: boolean;
	seed: bigint | null;
	backend: NonNullable<ClusterOptions["backend"]> | null;
	/** Off: the same answers without the index of chains. */
	index: boolean;
	/** A snapshot that the cluster goes on from. */
	restore: string | null;
}

/** What a snapshot says itself. */
const OF_SNAPSHOTS = [
	...["nodeState", "nodes", "podCidr", "serviceCidr", "clusterDomain", "proxyMode", "fabric"],
	...["hairpinMode", "nonMasquerade"],
	...["apiServer", "disableAdmissionPlugins", "reconcile", "strictPorts", "probes", "seed", "index"],
];

/** Adds a value to those given before: for flags that may be repeated. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

/** A whole number between two bounds, both included. */
export function integer(min: number, max: number): (text: string) => number {
	return (text) => {
		const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
		if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
		return value;
	};
}

/** One of some words; the nearest is suggested. */
export function word<W extends string>(...words: W[]): (text: string) => W {
	return (text) => {
		const found = words.find((it) => it === text);
		if (found !== undefined) return found;
		const nearest = nearestWord(text, words);
		const hint = nearest === null ? "" : ` Did you mean ${nearest}?`;
		throw new InvalidArgumentError(`Expected ${words.join(", ")}.${hint}`);
	};
}

/** An address prefix, or an IPv4 and an IPv6 one with a comma between them; canonical. */
export function prefixes(text: string): string {
	return text.split(",").map(prefix).join(",");
}

function prefix(text: string): string {
	const parsed = parsePrefix(text);
	if (parsed === null) throw new InvalidArgumentError(`Expected ADDRESS/LENGTH, got ${JSON.stringify(text)}.`);
	const masked = printPrefix(maskPrefix(parsed));
	if (masked !== printPrefix(parsed)) throw new InvalidArgumentError(`Host bits are set; did you mean ${masked}?`);
	return masked;
}

function seed(text: string): bigint {
	const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
	if (value < 0n || value >= 1n << 64n) throw new InvalidArgumentError("Expected a whole number below 2^64.");
	return value;
}

function domain(text: string): string {
	const labels = text.replace(/\.$/, "").split(".");
	const fine = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
	if (!fine) throw new InvalidArgumentError("Expected a domain name in lowercase.");
	return labels.join(".");
}

/** A reference; names without namespace get that of `-n`, so it is read when all flags are known. */
export function reference(flag: string, text: string, namespace: string): Reference {
	try {
		return parseReference(text, { namespace, file: flag });
	} catch (error) {
		if (error instanceof TextError) throw new ReferenceUsageError(flag, text, error);
		throw error;
	}
}

/** A reference that cannot be read, with a caret under the word that is wrong. */
class ReferenceUsageError extends Error {
	override name = "UsageError";

	constructor(flag: string, text: string, { column, expected, nearest }: TextError) {
		const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
		super(`${flag}: expected ${expected}${hint}\n  ${text}\n  ${" ".repeat(column - 1)}^`);
	}
}

/** `-f` and what says how its objects become a cluster. */
export function clusterOptions(command: Command, { filesOptional = false } = {}): Command {
	return command
		.addOption(
			new Option(
				"-f, --filename <path>",
				"manifests or a dump: a file, a folder, a pattern, or - for stdin (repeatable)",
			)
				.argParser(collect)
				.makeOptionMandatory(!filesOptional),
		)
		.option("-R, --recursive", "read the folders below a folder too", false)
		.option("-n, --namespace <name>", "namespace of names that give none", "default")
		.option(
			"--node-state <dir>",
			"a folder a node with iptables-save.txt, ip-route.txt …: what is given replaces what podwire makes",
		)
		.addOption(
			new Option("--nodes <count>", "nodes to invent where the input has none (default 3)").argParser(integer(1, 5000)),
		)
		.addOption(new Option("--pod-cidr <prefix>", "the pods' addresses").argParser(prefixes))
		.addOption(new Option("--service-cidr <prefix>", "the Services' addresses").argParser(prefixes))
		.addOption(new Option("--cluster-domain <name>", "DNS domain (default cluster.local)").argParser(domain))
		.addOption(new Option("--proxy-mode <mode>", "iptables or nftables").argParser(word("iptables", "nftables")))
		.addOption(
			new Option(
				"--fabric <kind>",
				"routed: a cloud route per node; l2: one segment; vxlan: tunnels (default routed)",
			).argParser(word("routed", "l2", "vxlan")),
		)
		.addOption(
			new Option(
				"--hairpin-mode <mode>",
				"how a pod reaches itself through its Service: hairpin-veth, promiscuous-bridge, none (default hairpin-veth)",
			).argParser(word("hairpin-veth", "promiscuous-bridge", "none")),
		)
		.addOption(
			new Option(
				"--non-masquerade <prefixes>",
				"destinations that keep the pod's address, with commas, or none",
			).argParser((text) => (text === "none" ? [] : text.split(",").map(prefix))),
		)
		.addOption(
			new Option(
				"--api-server <addr:port>",
				"where default/kubernetes leads, or none (default: a control plane node, else a machine beside the nodes)",
			),
		)
		.option("--disable-admission-plugins <names>", "ServiceAccount: pods get no account and no token's volume")
		.option("--reconcile", "let the controllers act on a dump, which otherwise is taken as it was observed", false)
		.option("--strict-ports", "a pod listens only on the ports that it declares", false)
		.addOption(
			new Option("--probes <by>", "probes cross the network, or apps answer them unasked (default network)").argParser(
				word("network", "app"),
			),
		)
		.option(
			"--lenient",
			"answer even where something that could change the answer is not evaluated, or a capture is truncated",
			false,
		)
		.addOption(new Option("--seed <number>", "of every choice that chance makes").argParser(seed))
		.addOption(
			new Option("--restore <file>", "a snapshot instead: the cluster goes on from there; -f is applied to it")
				.implies({ filename: [] })
				.conflicts(OF_SNAPSHOTS),
		);
}

/** For the commands whose time is the engine's: what it runs on, and switches of what makes it fast and changes no answer. */
export function engineOptions(command: Command): Command {
	return command
		.addOption(
			new Option(
				"--backend <name>",
				"what the engine runs on: wasm, native (default: native where it is built)",
			).argParser(word("wasm", "native")),
		)
		.option("--no-index", "read rules one by one, without the index of chains: the same answers, slower");
}

type Raw = Partial<Record<keyof ClusterFlags, unknown>>;

/** The shared part of a command's parsed options. */
export function clusterFlags(raw: Raw): ClusterFlags {
	const given = <K extends keyof ClusterFlags>(name: K, otherwise: ClusterFlags[K]) =>
		(raw[name] ?? otherwise) as ClusterFlags[K];
	return {
		filename: given("filename", []),
		recursive: given("recursive", false),
		namespace: given("namespace", "default"),
		nodeState: given("nodeState", null),
		nodes: given("nodes", null),
		podCidr: given("podCidr", null),
		serviceCidr: given("serviceCidr", null),
		clusterDomain: given("clusterDomain", null),
		proxyMode: given("proxyMode", null),
		fabric: given("fabric", null),
		hairpinMode: given("hairpinMode", null),
		nonMasquerade: given("nonMasquerade", null),
		apiServer: given("apiServer", null),
		disableAdmissionPlugins: given("disableAdmissionPlugins", null),
		reconcile: given("reconcile", false),
		strictPorts: given("strictPorts", false),
		probes: given("probes", "network"),
		lenient: given("lenient", false),
		seed: given("seed", null),
		backend: given("backend", null),
		index: given("index", true),
		restore: given("restore", null),
	};
}

/** `-o`, with the formats that a command has; the first is the default. */
export function outputOption<W extends string>(command: Command, ...formats: [W, ...W[]]): Command {
	const option = new Option("-o, --output <format>", formats.join(", ")).argParser(word(...formats));
	return command.addOption(option.default(formats[0]));
}

/** Three or so commands that can be run as they stand, below the flags of `--help`. */
export function examples(command: Command, lines: readonly string[]): Command {
	return command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`);
}
