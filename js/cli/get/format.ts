// Objects in the formats that are no table of the server's: JSON, YAML, names, JSONPath, columns of one's own.

import type { KubernetesObject } from "../../api/meta.ts";
import type { ObjectsRequest } from "./asking.ts";
import { customRows, layOut, parseCustomColumns } from "./columns.ts";
import { marshalJson } from "./goformat.ts";
import { parseJsonPath } from "./jsonpath.ts";
import { executeTemplate } from "./jsonpathwalk.ts";
import type { Resource } from "./resources.ts";
import { yamlText } from "./yamltext.ts";

export function groupKind({ group, kind }: Pick<Resource, "group" | "kind">): string {
	return group === "" ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}

/** Whether who owns which field is shown, or of no concern to the format. */
export function isShownWhole({ managedFields, output }: ObjectsRequest): boolean {
	return managedFields || (output !== "json" && output !== "yaml");
}

export function withoutManagedFields(object: KubernetesObject): KubernetesObject {
	const metadata = { ...object.metadata };
	delete (metadata as { managedFields?: unknown }).managedFields;
	return { ...object, metadata };
}

/** `whole`: the one object, or the list of all. */
export function formatted(
	{ output, headers }: ObjectsRequest,
	objects: readonly KubernetesObject[],
	whole: object,
): string {
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

export function nameOf({ apiVersion, kind, metadata }: KubernetesObject): string {
	const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
	return `${groupKind({ group, kind })}/${metadata.name ?? ""}`;
}
