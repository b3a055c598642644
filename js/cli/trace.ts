// `podwire trace`: one packet from one end to the other, and its answer back, hop by hop and rule by rule.

import { Command, Option } from "commander";
import type { Reference } from "../net/reference.ts";
import type { Context, Run } from "./command.ts";
import {
	type ClusterFlags,
	clusterFlags,
	clusterOptions,
	examples,
	integer,
	outputOption,
	reference,
	word,
} from "./options.ts";

export interface TraceOptions {
	cluster: ClusterFlags;
	from: Reference;
	to: Reference;
	proto: "tcp" | "udp" | "sctp" | "icmp";
	sport: number | null;
	output: "text" | "json" | "yaml";
}

interface Raw {
	namespace: string;
	from: string;
	to: string;
	proto: TraceOptions["proto"];
	sport?: number;
	output: TraceOptions["output"];
}

export function traceCommand(context: Context, run: Run<TraceOptions>): Command {
	const command = new Command("trace")
		.description("carry one packet through the cluster and its answer back, and say what every hop and rule did")
		.requiredOption("--from <ref>", "who sends: pod/NS/NAME, deploy/NS/NAME, node/NAME, host/IP")
		.requiredOption(
			"--to <ref>",
			"to whom: svc/NS/NAME:PORT, pod/NS/NAME:PORT, node/NAME:PORT, IP:PORT, http://HOST/PATH",
		)
		.addOption(
			new Option("--proto <protocol>", "tcp, udp, sctp, icmp")
				.argParser(word("tcp", "udp", "sctp", "icmp"))
				.default("tcp"),
		)
		.addOption(new Option("--sport <port>", "source port (default: an ephemeral one)").argParser(integer(1, 65535)));
	outputOption(command, "text", "json", "yaml");
	clusterOptions(command);
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
		proto: raw.proto,
		sport: raw.sport ?? null,
		output: raw.output,
	};
}
