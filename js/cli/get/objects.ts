// `podwire get` of API objects: asks the cluster's API as kubectl does, and prints what kubectl prints
// (kubectl's pkg/cmd/get/get.go).

import type { KubernetesObject } from "../../api/meta.ts";
import type { ClusterApi } from "../../cluster/api.ts";
import { NO, type Status, UsageError, YES } from "../status.ts";
import { customRows, layOut, parseCustomColumns, type Table, tableRows } from "./columns.ts";
import { marshalJson } from "./goformat.ts";
import { parseJsonPath } from "./jsonpath.ts";
import { executeTemplate } from "./jsonpathwalk.ts";
import { type Resource, type Target, targetsOf } from "./resources.ts";
import { sortedBy } from "./sort.ts";
import { yamlText } from "./yamltext.ts";

export interface ObjectsRequest {
	/** `pods`, `deploy/web`, `svc web`. */
	words: readonly string[];
	/** `text`, `wide`, `json`, `yaml`, `name`, `jsonpath=…`, `custom-columns=…`. */
	output: string;
	namespace: string;
	allNamespaces: boolean;
	selector: string | null;
	fieldSelector: string | null;
	sortBy: string | null;
	headers: boolean;
	labels: boolean;
	labelColumns: readonly string[];
	managedFields: boolean;
}

export interface Printed {
	out: string;
	/** Lines for stderr. */
	said: string[];
	status: Status;
}

interface Answer<T> {
	resource: Resource;
	value: T;
}

/** Throws UsageError, JsonPathError. */
export async function getObjects(api: ClusterApi, request: ObjectsRequest): Promise<Printed> {
	checkWords(request);
	const targets = await targetsOf(api, request.words);
	const asking = new Asking(api, request);
	return request.output === "text" || request.output === "wide"
		? tables(asking, targets, request)
		: generic(asking, targets, request);
}

function checkWords({ words, allNamespaces, selector, fieldSelector }: ObjectsRequest): void {
	const named = words.length > 1 || words.some((word) => word.includes("/"));
	if (named && allNamespaces) throw new UsageError("a resource cannot be retrieved by name across all namespaces");
	if (named && (selector !== null || fieldSelector !== null))
		throw new UsageError("name cannot be provided when a selector is specified");
}

/** Asks for targets one by one; what is refused is remembered. */
class Asking {
	readonly errors: string[] = [];
	readonly #api: ClusterApi;
	readonly #request: ObjectsRequest;

	constructor(api: ClusterApi, request: ObjectsRequest) {
		this.#api = api;
		this.#request = request;
	}

	async all<T>(targets: readonly Target[], accept: string): Promise<Answer<T>[]> {
		const answers: Answer<T>[] = [];
		for (const { resource, name } of targets) {
			const request = { method: "GET", url: this.#url(resource, name), headers: { accept }, body: new Uint8Array() };
			const { code, body } = await this.#api.respond(request);
			const value = JSON.parse(new TextDecoder().decode(body as Uint8Array));
			if (code < 400) answers.push({ resource, value: value as T });
			else this.errors.push(`Error from server (${value.reason}): ${value.message}`);
		}
		return answers;
	}

	#url({ group, version, plural, namespaced }: Resource, name: string | null): string {
		const { namespace, allNamespaces, selector, fieldSelector } = this.#request;
		const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
		const within = namespaced && !allNamespaces ? `/namespaces/${encodeURIComponent(namespace)}` : "";
		const path = `${root}${within}/${plural}${name === null ? "" : `/${encodeURIComponent(name)}`}`;
		const query = new URLSearchParams({ includeObject: "Object" });
		if (selector !== null) query.set("labelSelector", selector);
		if (fieldSelector !== null) query.set("fieldSelector", fieldSelector);
		return `${path}?${query}`;
	}
}

const isNamespaced = ({ namespaced }: Resource) => namespaced;

function groupKind({ group, kind }: Resource): string {
	return group === "" ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

async function tables(asking: Asking, targets: readonly Target[], request: ObjectsRequest): Promise<Printed> {
	const { output, allNamespaces, namespace, headers, labels, labelColumns, sortBy } = request;
	const answers = await asking.all<Table>(targets, "application/json;as=Table;v=v1;g=meta.k8s.io");
	const kinds = new Set(answers.map(({ resource }) => groupKind(resource)));
	const blocks: { resource: Resource; rows: string[][] }[] = [];
	for (const { resource, value } of answers) {
		const rows = sortBy === null ? value.rows : sortedBy(value.rows, ({ object }) => object, sortBy);
		const last = blocks.at(-1);
		const goesOn =
			last !== undefined && last.resource.plural === resource.plural && last.resource.group === resource.group;
		const texts = tableRows(
			{ ...value, rows },
			{
				...{ wide: output === "wide", labels, labelColumns },
				headers: headers && !(goesOn && last.rows.length > 0),
				// Once there, kubectl's column stays for kinds that are in no namespace.
				namespace: allNamespaces && [resource, ...blocks.map((block) => block.resource)].some(isNamespaced),
				kind: kinds.size > 1 ? groupKind(resource) : null,
			},
		);
		if (goesOn) last.rows.push(...texts);
		else blocks.push({ resource, rows: texts });
	}
	const filled = blocks.filter(({ rows }) => rows.length > 0);
	const out = filled.map(({ rows }) => layOut(rows)).join(headers ? "\n" : "");
	const namespaced = !allNamespaces && answers.every(({ resource }) => resource.namespaced);
	const nothing = `No resources found${namespaced ? ` in ${namespace} namespace.` : ""}`;
	const said = out === "" && asking.errors.length === 0 ? [nothing] : asking.errors;
	return { out, said, status: asking.errors.length > 0 ? NO : YES };
}

interface ObjectList {
	items: KubernetesObject[];
}

async function generic(asking: Asking, targets: readonly Target[], request: ObjectsRequest): Promise<Printed> {
	const answers = await asking.all<KubernetesObject | ObjectList>(targets, "application/json");
	const single = targets.length === 1 && targets[0]?.name !== null;
	const objects = answers.flatMap(({ resource, value }) => {
		const { kind, group, version } = resource;
		const apiVersion = group === "" ? version : `${group}/${version}`;
		return "items" in value ? value.items.map((item) => ({ ...item, apiVersion, kind })) : [value];
	});
	const { sortBy, managedFields, output } = request;
	const sorted = sortBy === null ? objects : sortedBy(objects, (object) => object, sortBy);
	const whole = managedFields || (output !== "json" && output !== "yaml");
	const shown = whole ? sorted : sorted.map(withoutManagedFields);
	const status = asking.errors.length > 0 ? NO : YES;
	if (single && asking.errors.length > 0) return { out: "", said: asking.errors, status };
	const list = { apiVersion: "v1", items: shown, kind: "List", metadata: { resourceVersion: "" } };
	return { out: formatted(request, shown, single ? (shown[0] ?? list) : list), said: asking.errors, status };
}

function withoutManagedFields(object: KubernetesObject): KubernetesObject {
	const metadata = { ...object.metadata };
	delete (metadata as { managedFields?: unknown }).managedFields;
	return { ...object, metadata };
}

/** `whole`: the one object, or the list of all. */
function formatted({ output, headers }: ObjectsRequest, objects: readonly KubernetesObject[], whole: object): string {
	const [format = "", ...rest] = output.split("=");
	const expression = rest.join("=");
	switch (format) {
		case "json":
			return `${marshalJson(whole, "    ")}\n`;
		case "yaml":
			return yamlText(whole);
		case "name":
			return objects.map((object) => `${nameOf(object)}\n`).join("");
		case "jsonpath":
			return executeTemplate(parseJsonPath(expression), whole, { allowMissing: true });
		default:
			return layOut(customRows(parseCustomColumns(expression), objects, headers));
	}
}

function nameOf({ apiVersion, kind, metadata }: KubernetesObject): string {
	const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
	return `${groupKind({ group, kind } as Resource)}/${metadata.name ?? ""}`;
}
