// `podwire get KIND`: what the cluster is made of. KIND is `config` now: each value and where it comes from; API objects
// are an error until the API server's issue.

import { Argument, Command } from "commander";
import { stringify } from "yaml";
import { type Setting, settingsOf } from "../cluster.ts";
import type { Context, Run } from "./command.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, examples, outputOption, word } from "./options.ts";
import { openCluster } from "./source.ts";
import { type Status, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface GetOptions {
	cluster: ClusterFlags;
	kind: "config";
	output: "text" | "json" | "yaml";
}

type Raw = { namespace: string; output: GetOptions["output"] };

export function getCommand(context: Context, run: Run<GetOptions> = get): Command {
	const command = new Command("get")
		.description("show the cluster's configuration, each value with its source")
		.addArgument(new Argument("<kind>", "config").argParser(word("config")));
	outputOption(command, "text", "json", "yaml");
	clusterOptions(command);
	examples(command, [
		"podwire get config -f shop.yaml",
		"podwire get config -f dump.yaml -o json",
		"podwire get config -f shop.yaml --pod-cidr 10.200.0.0/16 --fabric l2",
	]);
	return command.action((kind: GetOptions["kind"], raw: Raw) =>
		context.perform(() => run({ cluster: clusterFlags(raw), kind, output: raw.output }, context.terminal)),
	);
}

async function get({ cluster: flags, output }: GetOptions, terminal: Terminal): Promise<Status> {
	const cluster = await openCluster(flags, terminal);
	const settings = settingsOf(cluster);
	const object = Object.fromEntries(settings.map(({ name, value, source }) => [name, { value, source }]));
	if (output === "json") await terminal.print(`${JSON.stringify(object, null, 2)}\n`);
	else if (output === "yaml") await terminal.print(stringify(object));
	else await terminal.print(table(settings));
	return YES;
}

/** kubectl's columns: three blanks between them. */
function table(settings: readonly Setting[]): string {
	const rows = [["NAME", "VALUE", "SOURCE"], ...settings.map(({ name, value, source }) => [name, cell(value), source])];
	const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
	return rows
		.map(
			(row) =>
				`${row
					.map((text, i) => text.padEnd(widths[i] ?? 0))
					.join("   ")
					.trimEnd()}\n`,
		)
		.join("");
}

function cell(value: unknown): string {
	if (Array.isArray(value)) return value.join(",");
	return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
