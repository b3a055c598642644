// `podwire get` of API objects: asks the cluster's API as kubectl does, and prints what kubectl prints
// (kubectl's pkg/cmd/get/get.go).

import type { KubernetesObject } from "../../api/meta.ts";
import { NO, type Status, YES } from "../status.ts";
import { type Api, Asking, checkWords, type ObjectsRequest, TABLES } from "./asking.ts";
import { layOut, type Table, tableRows } from "./columns.ts";
import { formatted, groupKind, isShownWhole, withoutManagedFields } from "./format.ts";
import { type Resource, type Target, targetsOf } from "./resources.ts";
import { sortedBy } from "./sort.ts";

export interface Printed {
	out: string;
	/** Lines for stderr. */
	said: string[];
	status: Status;
}

/** Throws UsageError, JsonPathError. */
export async function getObjects(api: Api, request: ObjectsRequest): Promise<Printed> {
	checkWords(request);
	const targets = await targetsOf(api, request.words);
	const asking = new Asking(api, request);
	return request.output === "text" || request.output === "wide"
		? tables(asking, targets, request)
		: generic(asking, targets, request);
}

const isNamespaced = ({ namespaced }: Resource) => namespaced;

async function tables(asking: Asking, targets: readonly Target[], request: ObjectsRequest): Promise<Printed> {
	const { output, allNamespaces, namespace, headers, labels, labelColumns, sortBy } = request;
	const answers = await asking.all<Table>(targets, TABLES);
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
	const { sortBy } = request;
	const sorted = sortBy === null ? objects : sortedBy(objects, (object) => object, sortBy);
	const shown = isShownWhole(request) ? sorted : sorted.map(withoutManagedFields);
	const status = asking.errors.length > 0 ? NO : YES;
	if (single && asking.errors.length > 0) return { out: "", said: asking.errors, status };
	const list = { apiVersion: "v1", items: shown, kind: "List", metadata: { resourceVersion: "" } };
	return { out: formatted(request, shown, single ? (shown[0] ?? list) : list), said: asking.errors, status };
}
