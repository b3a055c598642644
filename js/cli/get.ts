// `podwire get`: the API's objects as the controllers left them, in kubectl's columns and formats, and `config`: what the
// cluster is made of, each value with where it comes from.

import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { type Setting, settingsOf } from "../cluster.ts";
import type { Context, Run } from "./command.ts";
import { layOut } from "./get/columns.ts";
import { JsonPathError } from "./get/jsonpath.ts";
import { getObjects, type ObjectsRequest } from "./get/objects.ts";
import { type ClusterFlags, clusterFlags, clusterOptions, collect, examples } from "./options.ts";
import { openCluster } from "./source.ts";
import { type Status, UsageError, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

export interface GetOptions extends ObjectsRequest {
	cluster: ClusterFlags;
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
	clusterOptions(command)
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
		"podwire get config -f dump.yaml -o json",
	]);
	return command.action((words: string[], raw: Raw) =>
		context.perform(() => run({ cluster: clusterFlags(raw), ...requestOf(words, raw) }, context.terminal)),
	);
}

function requestOf(words: string[], raw: Raw): ObjectsRequest {
	return {
		...{ words, output: raw.output, namespace: raw.namespace, allNamespaces: raw.allNamespaces },
		selector: raw.selector ?? null,
		fieldSelector: raw.fieldSelector ?? null,
		sortBy: raw.sortBy ?? null,
		headers: raw.headers,
		labels: raw.showLabels,
		labelColumns: raw.labelColumns ?? [],
		managedFields: raw.showManagedFields,
	};
}

async function get(options: GetOptions, terminal: Terminal): Promise<Status> {
	const { cluster: flags, words, output } = options;
	if (words[0] === "config" && !["text", "json", "yaml"].includes(output))
		throw new UsageError(`-o ${output}: the configuration is shown as text, json, yaml`);
	const cluster = await openCluster(flags, terminal, () => BigInt(Date.now()) * 1_000_000n);
	if (words[0] === "config") {
		await terminal.print(configuration(settingsOf(cluster), output));
		return YES;
	}
	try {
		const { out, said, status } = await getObjects(cluster.api, options);
		await terminal.print(out);
		for (const line of said) terminal.say(line);
		return status;
	} catch (error) {
		if (error instanceof JsonPathError) throw new UsageError(`error parsing jsonpath: ${error.message}`);
		throw error;
	}
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
