// `podwire trace`: one packet from one end to the other, and its answer back, hop by hop and rule by rule.

import { Command, Option } from "commander";
import { stringify } from "yaml";
import type { Reference } from "../net/reference.ts";
import { tracePcapng } from "../trace/capture.ts";
import { mermaidText } from "../trace/mermaid.ts";
import type { TracePath } from "../trace/path.ts";
import { traceText } from "../trace/text.ts";
import { paintFor } from "./colour.ts";
import type { Context, Run } from "./command.ts";
import {
	type ClusterFlags,
	clusterFlags,
	clusterOptions,
	engineOptions,
	examples,
	integer,
	outputOption,
	reference,
	word,
} from "./options.ts";
import { openCluster } from "./source.ts";
import { NO, type Status, UNUSABLE, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

const FORMATS = ["text", "json", "yaml", "wide", "name", "mermaid", "pcapng"] as const;
type Format = (typeof FORMATS)[number];

export interface TraceOptions {
	cluster: ClusterFlags;
	from: Reference;
	to: Reference;
	/** null: that of the Service port or container port, else tcp. */
	proto: "tcp" | "udp" | "sctp" | "icmp" | null;
	sport: number | null;
	color: "auto" | "always" | "never";
	output: Format;
}

interface Raw {
	namespace: string;
	from: string;
	to: string;
	proto?: "tcp" | "udp" | "sctp" | "icmp";
	sport?: number;
	color: TraceOptions["color"];
	output: Format;
}

export function traceCommand(context: Context, run: Run<TraceOptions> = trace): Command {
	const command = new Command("trace")
		.description("carry one packet through the cluster and its answer back, and say what every hop and rule did")
		.requiredOption("--from <ref>", "who sends: pod/NS/NAME, deploy/NS/NAME, node/NAME, host/IP")
		.requiredOption(
			"--to <ref>",
			"to whom: svc/NS/NAME:PORT, pod/NS/NAME:PORT, node/NAME:PORT, IP:PORT, http://HOST/PATH",
		)
		.addOption(
			new Option("--proto <protocol>", "tcp, udp, sctp, icmp (default: the Service port's, else tcp)").argParser(
				word("tcp", "udp", "sctp", "icmp"),
			),
		)
		.addOption(new Option("--sport <port>", "source port (default: an ephemeral one)").argParser(integer(1, 65535)));
	command.addOption(
		new Option("--color <when>", "auto, always, never").argParser(word("auto", "always", "never")).default("auto"),
	);
	outputOption(command, ...FORMATS);
	engineOptions(clusterOptions(command));
	examples(command, [
		"podwire trace -f shop.yaml --from deploy/default/frontend --to svc/default/cartservice:7070",
		"podwire trace -f dump.yaml --node-state nodes/ --from host/198.51.100.21 --to 203.0.113.80:80 -o json",
		"kubectl get -A -o yaml no,po,svc,endpointslices | podwire trace -f - --from pod/shop/web-0 --to 10.96.0.10:53 --proto udp",
	]);
	return command.action((raw: Raw) => context.perform(() => run(traceOptions(raw), context.terminal)));
}

function traceOptions(raw: Raw): TraceOptions {
	return {
		cluster: clusterFlags(raw),
		from: reference("--from", raw.from, raw.namespace),
		to: reference("--to", raw.to, raw.namespace),
		proto: raw.proto ?? null,
		sport: raw.sport ?? null,
		color: raw.color,
		output: raw.output,
	};
}

async function trace(options: TraceOptions, terminal: Terminal): Promise<Status> {
	const cluster = await openCluster(options.cluster, terminal);
	const { from, to, proto, sport } = options;
	const path = cluster.trace({ from, to, ...(proto ? { proto } : {}), ...(sport === null ? {} : { sport }) });
	await write(path, options, terminal);
	return statusOf(path, options.cluster.lenient, terminal);
}

async function write(path: TracePath, { output, color }: TraceOptions, terminal: Terminal): Promise<void> {
	switch (output) {
		case "json":
			return terminal.print(`${JSON.stringify(path, null, 2)}\n`);
		case "yaml":
			return terminal.print(stringify(path, { lineWidth: 0 }));
		case "name":
			return terminal.print(`${nameOf(path)}\n`);
		case "mermaid":
			return terminal.print(mermaidText(path));
		case "pcapng":
			return terminal.write(tracePcapng(path));
		default: {
			const paint = paintFor(color, terminal);
			return terminal.write(traceText(path, { paint, wide: output === "wide" }));
		}
	}
}

/** Who got it, as kubectl's `-o name` names things; else the verdict. */
function nameOf({ delivered, verdict }: TracePath): string {
	if (delivered === null) return verdict;
	const name = delivered.namespace === null ? delivered.name : `${delivered.namespace}/${delivered.name}`;
	return `${delivered.kind.toLowerCase()}/${name}`;
}

/** 0: there and back. 1: not. 2: nobody knows, or something that could change it is not evaluated. */
function statusOf({ verdict, reply, notEvaluated }: TracePath, lenient: boolean, terminal: Terminal): Status {
	if (verdict === "unknown" || reply?.verdict === "unknown") return UNUSABLE;
	if (notEvaluated.length > 0 && !lenient) {
		for (const text of notEvaluated) terminal.say(`not-evaluated: ${text}`);
		terminal.say("the answer does not take these into account (--lenient accepts it)");
		return UNUSABLE;
	}
	return verdict === "delivered" && reply?.verdict === "delivered" ? YES : NO;
}
