// `podwire snapshot`: the cluster that files and flags describe, saved, so that other commands need not bring it up again.

import { Command } from "commander";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, engineOptions, examples } from "./options.ts";
import { writeWhole } from "./saving.ts";
import { openCluster } from "./source.ts";
import { type Status, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface SnapshotOptions {
	cluster: ClusterFlags;
	output: string;
}

type Raw = { output: string } & Partial<Record<keyof ClusterFlags, unknown>>;

export function snapshotCommand(context: Context, run: Run<SnapshotOptions> = snapshot): Command {
	const command = new Command("snapshot").description("save the cluster to a file that --restore goes on from");
	engineOptions(clusterOptions(command)).requiredOption("-o, --output <file>", "where it is saved");
	examples(command, [
		"podwire snapshot -f shop.yaml -o shop.podwire",
		"podwire trace --restore shop.podwire --from deploy/shop/frontend --to svc/shop/cart:7070",
		"podwire snapshot --restore shop.podwire -f change.yaml -o changed.podwire",
	]);
	return command.action((raw: Raw) => {
		return context.perform(() => run({ cluster: clusterFlags(raw), output: raw.output }, context.terminal));
	});
}

async function snapshot({ cluster: flags, output }: SnapshotOptions, terminal: Terminal): Promise<Status> {
	const cluster = await openCluster(flags, terminal);
	const bytes = await cluster.snapshot();
	writeWhole(output, bytes);
	terminal.say(`saved to ${output}: ${bytes.length} bytes`);
	return YES;
}
