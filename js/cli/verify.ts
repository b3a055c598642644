// `podwire verify`: the same cluster out of real Linux network namespaces on this machine, real packets through both,
// and whatever differs.

import { Command, Option } from "commander";
import { agreementTable, differenceLines } from "../verify/agreement.ts";
import { type ClusterAgreement, verifyCluster } from "../verify/cluster.ts";
import { type Backend, missingForLab } from "../verify/lab.ts";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples, integer, outputOption, word } from "./options.ts";
import { progressOn } from "./progress.ts";
import { openCluster } from "./source.ts";
import { NO, type Status, UNUSABLE, UsageError, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface VerifyOptions {
	cluster: ClusterFlags;
	backend: Backend;
	maxPods: number;
	maxNodes: number;
	maxProbes: number;
	output: "text" | "json";
}

type Raw = { namespace: string } & Omit<VerifyOptions, "cluster">;

export function verifyCommand(context: Context, run: Run<VerifyOptions> = verify): Command {
	const command = new Command("verify")
		.description("build the same cluster of Linux network namespaces, send real packets, compare (needs root on Linux)")
		.addOption(
			new Option("--backend <iptables>", "legacy or nft (default legacy)")
				.argParser(word("legacy", "nft"))
				.default("legacy"),
		)
		.addOption(
			new Option("--max-pods <count>", "refuse clusters with more pods").argParser(integer(1, 1000)).default(100),
		)
		.addOption(
			new Option("--max-nodes <count>", "refuse clusters with more nodes").argParser(integer(1, 100)).default(10),
		)
		.addOption(
			new Option("--max-probes <count>", "of more questions an even choice")
				.argParser(integer(1, 100_000))
				.default(300),
		);
	outputOption(command, "text", "json");
	clusterOptions(command);
	examples(command, [
		"sudo podwire verify -f shop.yaml",
		"sudo podwire verify -f shop.yaml --backend nft --fabric l2",
		"sudo podwire verify -f dump.yaml --max-pods 200 --max-probes 2000 -o json",
	]);
	return command.action(({ backend, maxPods, maxNodes, maxProbes, output, ...raw }: Raw) =>
		context.perform(() =>
			run({ cluster: clusterFlags(raw), backend, maxPods, maxNodes, maxProbes, output }, context.terminal),
		),
	);
}

async function verify(options: VerifyOptions, terminal: Terminal): Promise<Status> {
	const { cluster: flags, backend, maxPods, maxNodes, maxProbes, output } = options;
	if (flags.nodeState !== null)
		throw new UsageError("--node-state: verify builds the rules that podwire makes; leave it out");
	const missing = missingForLab(backend);
	if (missing !== null) {
		terminal.say(`skipped, ${missing}`);
		return UNUSABLE;
	}
	using cluster = await openCluster(flags, terminal);
	const progress = progressOn(terminal, "verify", "probes");
	try {
		const agreement = await verifyCluster(cluster, {
			backend,
			probesMax: maxProbes,
			limits: { pods: maxPods, nodes: maxNodes },
			...(flags.seed === null ? {} : { seed: flags.seed }),
			signal: terminal.signal,
			onProbe: (done, total) => progress.update(done, total),
		});
		progress.end();
		await report(agreement, output, terminal);
		return statusOf(agreement);
	} finally {
		progress.end();
	}
}

/** 0: all agree. 1: something differs. 2: nothing could be asked. */
function statusOf({ verified }: ClusterAgreement): Status {
	if (verified.length === 0) return UNUSABLE;
	return verified.every(({ differences }) => differences.length === 0) ? YES : NO;
}

async function report(agreement: ClusterAgreement, output: VerifyOptions["output"], terminal: Terminal): Promise<void> {
	const { rows, verified, questions } = agreement;
	const differing = verified.filter(({ differences }) => differences.length > 0);
	if (verified.length === 0) terminal.say("there is nobody to ask: the cluster has no pods and no Services");
	if (verified.length < questions)
		terminal.say(`${verified.length} of ${questions} questions were asked (--max-probes)`);
	if (output === "json") {
		const agree = verified.length - differing.length;
		const object = { probes: verified.length, agree, differ: differing.length, rows, differing };
		await terminal.print(`${JSON.stringify(object, null, 2)}\n`);
		return;
	}
	await terminal.print(agreementTable(rows));
	const lines = differing.flatMap(differenceLines);
	if (lines.length > 0) await terminal.print(`\nexpected is Linux, got is podwire:\n${lines.join("\n")}\n`);
}
