// `podwire get`: the API's objects as the controllers left them, in kubectl's columns and formats, and `config`: what the
// cluster is made of, each value with where it comes from.

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { type Setting, settingsOf } from "../cluster.ts";
import type { Context, Run } from "./command.ts";
import { type AccessFlags, accessOf } from "./get/access.ts";
import { layOut } from "./get/columns.ts";
import { JsonPathError } from "./get/jsonpath.ts";
import { getObjects, type Printed } from "./get/objects.ts";
import { ServerApi } from "./get/server.ts";
import { type WatchRequest, watchObjects } from "./get/watching.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, collect, examples } from "./options.ts";
import { openCluster } from "./source.ts";
import { type Status, UsageError, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface GetOptions extends WatchRequest {
	cluster: ClusterFlags;
	/** null: of the cluster that the input describes. */
	server: AccessFlags | null;
	watch: boolean;
}

interface Raw extends Partial<Record<keyof ClusterFlags, unknown>> {
	namespace: string;
	output: string;
	allNamespaces: boolean;
	selector?: string;
	fieldSelector?: string;
	sortBy?: string;
	headers: boolean;
	showLabels: boolean;
	labelColumns?: string[];
	showManagedFields: boolean;
	watch: boolean;
	watchOnly: boolean;
	outputWatchEvents: boolean;
	kubeconfig?: string;
	server?: string;
	context?: string;
}

const FORMATS = ["text", "wide", "json", "yaml", "name"];

function format(text: string): string {
	if (FORMATS.includes(text) || /^(jsonpath|custom-columns)=/.test(text)) return text;
	throw new InvalidArgumentError(`Expected ${FORMATS.join(", ")}, jsonpath=TEMPLATE, custom-columns=SPEC.`);
}

export function getCommand(context: Context, run: Run<GetOptions> = get): Command {
	const command = new Command("get")
		.description("show the cluster's objects as kubectl does, or its configuration")
		.addArgument(new Argument("<what...>", "pods, deploy/web, svc web, all …; config"));
	clusterOptions(command, { filesOptional: true });
	const ofCluster = command.options.filter((option) => option.attributeName() !== "namespace");
	command
		.option("--kubeconfig <file>", "objects of a server that runs, as podwire serve writes it")
		.option("--context <name>", "of the kubeconfig, instead of its current one")
		.option("-s, --server <url>", "objects of a server that runs, instead of the kubeconfig's")
		.option("-w, --watch", "after what there is, every change as it comes; of a server alone", false)
		.option("--watch-only", "changes alone", false)
		.option("--output-watch-events", "with -w: each change with its type", false)
		.addOption(
			new Option("-o, --output <format>", `${FORMATS.join(", ")}, jsonpath=, custom-columns=`)
				.argParser(format)
				.default("text"),
		)
		.option("-A, --all-namespaces", "objects of all namespaces", false)
		.option("-l, --selector <labels>", "objects with these labels: app=web,tier!=back")
		.option("--field-selector <fields>", "objects with these fields: spec.nodeName=node-1")
		.option("--sort-by <path>", "by what a JSONPath finds: .metadata.name")
		.option("--no-headers", "without the columns' names")
		.option("--show-labels", "all labels, as the last column", false)
		.addOption(
			new Option("-L, --label-columns <label>", "a label as a column (repeatable)").argParser(
				(text: string, before: string[] | undefined) => text.split(",").reduce((all, one) => collect(one, all), before),
			),
		)
		.option("--show-managed-fields", "who owns which field, in JSON and YAML", false);
	examples(command, [
		"podwire get pods -A -o wide -f shop.yaml",
		"podwire get svc -f shop.yaml -o custom-columns=NAME:.metadata.name,IP:.spec.clusterIP",
		"podwire get pods -w --kubeconfig podwire.kubeconfig",
	]);
	return command.action((words: string[], raw: Raw) =>
		context.perform(() => {
			const server = serverOf(raw);
			const given = (option: Option) => command.getOptionValueSource(option.attributeName()) === "cli";
			const other = server === null ? undefined : ofCluster.find(given);
			if (other !== undefined)
				throw new UsageError(`${other.long}: the cluster is the server's; leave one of them out`);
			if (server === null && raw.filename === undefined)
				throw new UsageError("expected -f FILE, or --kubeconfig FILE or --server URL of a server that runs");
			const request = requestOf(words, raw);
			if (server !== null && command.getOptionValueSource("namespace") !== "cli") request.namespace = "";
			return run(
				{ cluster: clusterFlags(raw), server, watch: raw.watch || raw.watchOnly, ...request },
				context.terminal,
			);
		}),
	);
}

function serverOf({ kubeconfig, server, context }: Raw): AccessFlags | null {
	if (kubeconfig === undefined && server === undefined) return null;
	return { kubeconfig: kubeconfig ?? null, server: server ?? null, context: context ?? null };
}

function requestOf(words: string[], raw: Raw): WatchRequest {
	return {
		...{ words, output: raw.output, namespace: raw.namespace, allNamespaces: raw.allNamespaces },
		selector: raw.selector ?? null,
		fieldSelector: raw.fieldSelector ?? null,
		sortBy: raw.sortBy ?? null,
		headers: raw.headers,
		labels: raw.showLabels,
		labelColumns: raw.labelColumns ?? [],
		managedFields: raw.showManagedFields,
		watchOnly: raw.watchOnly,
		watchEvents: raw.outputWatchEvents,
	};
}

async function get(options: GetOptions, terminal: Terminal): Promise<Status> {
	const { words, output, server } = options;
	if (words[0] === "config" && !["text", "json", "yaml"].includes(output))
		throw new UsageError(`-o ${output}: the configuration is shown as text, json, yaml`);
	try {
		return server === null ? await ofInput(options, terminal) : await ofServer(options, server, terminal);
	} catch (error) {
		if (error instanceof JsonPathError) throw new UsageError(`error parsing jsonpath: ${error.message}`);
		throw error;
	}
}

async function ofInput(options: GetOptions, terminal: Terminal): Promise<Status> {
	const { cluster: flags, words, output, watch } = options;
	if (watch) throw new UsageError("-w: nothing changes in what files describe; expected --kubeconfig or --server");
	const cluster = await openCluster(flags, terminal, { now: () => BigInt(Date.now()) * 1_000_000n });
	if (words[0] !== "config") return print(await getObjects(cluster.api, options), terminal);
	await terminal.print(configuration(settingsOf(cluster), output));
	return YES;
}

async function ofServer(options: GetOptions, flags: AccessFlags, terminal: Terminal): Promise<Status> {
	if (options.words[0] === "config") throw new UsageError("config: is of what -f describes, not of a server");
	const { access, namespace } = accessOf(flags);
	const api = new ServerApi(access);
	const request = { ...options, namespace: options.namespace || namespace };
	if (options.watch) return watchObjects(api, request, terminal);
	return print(await getObjects(api, request), terminal);
}

async function print({ out, said, status }: Printed, terminal: Terminal): Promise<Status> {
	await terminal.print(out);
	for (const line of said) terminal.say(line);
	return status;
}

function configuration(settings: readonly Setting[], output: string): string {
	const object = Object.fromEntries(settings.map(({ name, value, source }) => [name, { value, source }]));
	if (output === "json") return `${JSON.stringify(object, null, 2)}\n`;
	if (output === "yaml") return stringify(object);
	return layOut([
		["NAME", "VALUE", "SOURCE"],
		...settings.map(({ name, value, source }) => [name, cell(value), source]),
	]);
}

function cell(value: unknown): string {
	if (Array.isArray(value)) return value.join(",");
	return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
