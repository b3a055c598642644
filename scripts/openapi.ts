// `node scripts/ts.mjs scripts/openapi.ts FILE RELEASE`: writes js/api/schema/*.generated.ts from the OpenAPI v2 document of a
// Kubernetes release: the kinds below and every type that they reach, structure only, as a value and as TypeScript types.
// Descriptions and defaults stay behind.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FieldSchema, ResourceSchema, Scalar, TypeSchema } from "../js/api/schema/schema.ts";
import { ROOT } from "./run.mjs";

/** Kinds that are served, by group and version; their lists, subresources and every type they name come along. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
	v1: [
		...[
			"Namespace",
			"Node",
			"Pod",
			"Service",
			"Endpoints",
			"ConfigMap",
			"Secret",
			"ServiceAccount",
			"Event",
			"PodTemplate",
		],
		...["ReplicationController", "PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "LimitRange"],
	],
	"apps/v1": ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"],
	"autoscaling/v1": ["HorizontalPodAutoscaler"],
	"autoscaling/v2": ["HorizontalPodAutoscaler"],
	"batch/v1": ["Job", "CronJob"],
	"coordination.k8s.io/v1": ["Lease"],
	"discovery.k8s.io/v1": ["EndpointSlice"],
	"events.k8s.io/v1": ["Event"],
	"networking.k8s.io/v1": ["Ingress", "IngressClass", "NetworkPolicy", "ServiceCIDR", "IPAddress"],
	"policy/v1": ["PodDisruptionBudget"],
	"rbac.authorization.k8s.io/v1": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
	"scheduling.k8s.io/v1": ["PriorityClass"],
	"storage.k8s.io/v1": ["StorageClass"],
	"apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
	"authorization.k8s.io/v1": ["SelfSubjectAccessReview", "SelfSubjectRulesReview"],
	"authentication.k8s.io/v1": ["SelfSubjectReview"],
};

/** Types that no kind names and that requests carry all the same. */
const BESIDE = [
	"meta.v1.Status",
	"meta.v1.DeleteOptions",
	"policy.v1.Eviction",
	"core.v1.Binding",
	"autoscaling.v1.Scale",
];

const SCALARS: Readonly<Record<string, Scalar>> = {
	"io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "microTime",
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "object",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Patch": "object",
	"io.k8s.apimachinery.pkg.runtime.RawExtension": "object",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intOrString",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "any",
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
};

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const ACTIONS: Readonly<Record<string, string>> = { post: "create", put: "update" };

interface Property {
	$ref?: string;
	type?: string;
	format?: string;
	items?: Property;
	additionalProperties?: Property;
	"x-kubernetes-list-type"?: "atomic" | "set" | "map";
	"x-kubernetes-list-map-keys"?: string[];
	"x-kubernetes-map-type"?: string;
	"x-kubernetes-patch-merge-key"?: string;
	"x-kubernetes-patch-strategy"?: string;
}

interface Definition extends Property {
	properties?: Record<string, Property>;
	required?: string[];
	"x-kubernetes-group-version-kind"?: GroupVersionKind[];
}

interface GroupVersionKind {
	group: string;
	version: string;
	kind: string;
}

interface Operation {
	"x-kubernetes-action"?: string;
	"x-kubernetes-group-version-kind"?: GroupVersionKind;
}

interface Document {
	definitions: Record<string, Definition>;
	paths: Record<string, Record<string, Operation>>;
}

function shortName(definition: string): string {
	return definition
		.replace("io.k8s.apimachinery.pkg.apis.", "")
		.replace("io.k8s.apiextensions-apiserver.pkg.apis.", "")
		.replace("io.k8s.api.", "");
}

function scalarOf({ type, format }: Property): Scalar {
	if (type === "integer") return format === "int32" ? "int32" : "int64";
	if (type === "string") return format === "byte" ? "bytes" : format === "date-time" ? "time" : "string";
	if (type === "number" || type === "boolean" || type === "object") return type;
	throw new Error(`a field of type ${type}, format ${format}: expected a scalar of OpenAPI v2`);
}

function fieldOf(property: Property, reached: (definition: string) => void): FieldSchema {
	const patch = property["x-kubernetes-patch-strategy"]?.split(",");
	const atomic = property["x-kubernetes-map-type"] === "atomic" ? ({ atomic: true } as const) : {};
	if (property.$ref !== undefined) {
		const definition = property.$ref.replace("#/definitions/", "");
		const scalar = SCALARS[definition];
		if (scalar !== undefined) return scalar;
		reached(definition);
		return { type: shortName(definition), ...atomic, ...(patch ? { patch } : {}) };
	}
	if (property.type === "array") {
		const as = property["x-kubernetes-list-type"];
		const keys = property["x-kubernetes-list-map-keys"];
		const mergeKey = property["x-kubernetes-patch-merge-key"];
		return {
			list: fieldOf(property.items ?? {}, reached),
			...(as ? { as } : {}),
			...(keys ? { keys } : {}),
			...(mergeKey ? { mergeKey } : {}),
			...(patch ? { patch } : {}),
		};
	}
	if (property.additionalProperties !== undefined)
		return { map: fieldOf(property.additionalProperties, reached), ...atomic, ...(patch ? { patch } : {}) };
	return scalarOf(property);
}

function typeOf(definition: Definition, reached: (definition: string) => void): TypeSchema {
	const fields = Object.entries(definition.properties ?? {}).map(([name, property]) => [
		name,
		fieldOf(property, reached),
	]);
	return {
		fields: Object.fromEntries(fields),
		...(definition.required ? { required: definition.required } : {}),
		...(definition["x-kubernetes-map-type"] === "atomic" ? { atomic: true } : {}),
	};
}

/** Every type reached from the given definitions, by short name, sorted. */
function typesFrom(document: Document, roots: readonly string[]): Record<string, TypeSchema> {
	const types = new Map<string, TypeSchema>();
	const waiting = [...roots];
	for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
		if (types.has(shortName(name))) continue;
		const definition = document.definitions[name];
		if (definition === undefined) throw new Error(`no definition ${name}`);
		types.set(
			shortName(name),
			typeOf(definition, (next) => waiting.push(next)),
		);
	}
	return Object.fromEntries([...types].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function definitionOf(document: Document, { group, version, kind }: GroupVersionKind): string {
	const found = Object.entries(document.definitions).find(
		([, definition]) =>
			definition["x-kubernetes-group-version-kind"]?.length === 1 &&
			definition["x-kubernetes-group-version-kind"].every(
				(known) => known.group === group && known.version === version && known.kind === kind,
			),
	);
	if (found === undefined) throw new Error(`no definition of ${kind} in ${group}/${version}`);
	return found[0];
}

function verbsOf(actions: ReadonlySet<string>): string[] {
	return VERBS.filter((verb) => actions.has(verb));
}

function resourceOf(document: Document, wanted: GroupVersionKind): ResourceSchema {
	const prefix = wanted.group === "" ? `/api/${wanted.version}/` : `/apis/${wanted.group}/${wanted.version}/`;
	const verbs = new Set<string>();
	const beneath = new Map<string, { kind: GroupVersionKind; verbs: Set<string> }>();
	let plural = "";
	let namespaced = false;
	const paths = Object.entries(document.paths)
		.filter(([path]) => path.startsWith(prefix))
		.map(([path, operations]) => ({ rest: path.slice(prefix.length), operations: Object.values(operations) }));
	for (const { rest, operations } of paths) {
		const [, scope, name] = /^(namespaces\/\{namespace\}\/)?([a-z]+)(?:\/\{name\})?$/.exec(rest) ?? [];
		if (name === undefined) continue;
		for (const operation of operations) {
			const kind = operation["x-kubernetes-group-version-kind"];
			if (kind?.kind !== wanted.kind || operation["x-kubernetes-action"] === undefined) continue;
			plural = name;
			if (scope !== undefined) namespaced = true;
			verbs.add(ACTIONS[operation["x-kubernetes-action"]] ?? operation["x-kubernetes-action"]);
		}
	}
	if (plural === "") throw new Error(`no path of ${wanted.kind} below ${prefix}`);
	if (verbs.has("list")) verbs.add("watch");
	for (const { rest, operations } of paths) {
		const [, name, sub] = /^(?:namespaces\/\{namespace\}\/)?([a-z]+)\/\{name\}\/([a-z]+)$/.exec(rest) ?? [];
		if (name !== plural || sub === undefined) continue;
		for (const operation of operations) {
			const kind = operation["x-kubernetes-group-version-kind"];
			const action = operation["x-kubernetes-action"];
			if (kind === undefined || action === undefined) continue;
			const known = beneath.get(sub) ?? { kind, verbs: new Set<string>() };
			known.verbs.add(ACTIONS[action] ?? action);
			beneath.set(sub, known);
		}
	}
	const subresources = [...beneath].map(([name, { kind, verbs }]) => [name, { ...kind, verbs: verbsOf(verbs) }]);
	return {
		...wanted,
		plural,
		namespaced,
		verbs: verbsOf(verbs),
		subresources: Object.fromEntries(subresources),
		type: shortName(definitionOf(document, wanted)),
	};
}

/** `core.v1.Pod` as a type's name: `CoreV1Pod`. */
function typeName(type: string): string {
	return type
		.split(".")
		.map((part) => part.charAt(0).toUpperCase() + part.slice(1))
		.join("");
}

const TYPESCRIPT: Readonly<Record<Scalar, string>> = {
	string: "string",
	int32: "number",
	int64: "number",
	number: "number",
	boolean: "boolean",
	bytes: "string",
	time: "string",
	microTime: "string",
	intOrString: "number | string",
	quantity: "string | number",
	any: "unknown",
	object: "Record<string, unknown>",
};

function fieldType(field: FieldSchema): string {
	if (typeof field === "string") return TYPESCRIPT[field];
	if ("type" in field) return typeName(field.type);
	return "list" in field ? `Array<${fieldType(field.list)}>` : `Record<string, ${fieldType(field.map)}>`;
}

/** One line a type. Everything is optional but what upstream requires. */
function declaration(name: string, { fields, required = [] }: TypeSchema): string {
	const members = Object.entries(fields).map(([field, schema]) => {
		const key = /^[A-Za-z]\w*$/.test(field) ? field : JSON.stringify(field);
		return `${key}${required.includes(field) ? "" : "?"}: ${fieldType(schema)}`;
	});
	return `export interface ${typeName(name)} { ${members.join("; ")} }`;
}

function kindMember(apiVersion: string, kind: string): string {
	const found = resources.find(
		(one) => one.kind === kind && apiVersion === `${one.group}/${one.version}`.replace(/^\//, ""),
	);
	return `${kind}: ${typeName(found?.type ?? "")}`;
}

/** As a template literal has it. */
function inTemplate(text: string): string {
	return text.replace(/[`\\]|\$\{/g, "\\$&");
}

/** One member a line, so that a new release shows as a small difference. */
function lines(record: Readonly<Record<string, unknown>>): string {
	return Object.entries(record)
		.map(([name, value]) => `\t\t${JSON.stringify(name)}: ${JSON.stringify(value)},`)
		.join("\n");
}

const [file, release] = process.argv.slice(2);
if (file === undefined || release === undefined) {
	process.stderr.write("usage: node scripts/ts.mjs scripts/openapi.ts FILE RELEASE\n");
	process.exit(2);
}
const document: Document = JSON.parse(readFileSync(file, "utf8"));
const wanted = Object.entries(KINDS).flatMap(([groupVersion, kinds]) => {
	const [version, group = ""] = groupVersion.split("/").reverse() as [string, string?];
	return kinds.map((kind) => ({ group, version, kind }));
});
const resources = wanted.map((kind) => resourceOf(document, kind));
const beside = Object.keys(document.definitions).filter((name) => BESIDE.includes(shortName(name)));
const types = typesFrom(document, [...wanted.map((kind) => definitionOf(document, kind)), ...beside]);
writeFileSync(
	join(ROOT, "js/api/schema/kubernetes.generated.ts"),
	`// Written by \`scripts/openapi.ts\` from the OpenAPI v2 document of Kubernetes ${release} (Apache-2.0): structure only.

import type { ApiSchema } from "./schema.ts";

// JSON, which engines read much faster than the same as a literal.
export const kubernetes: ApiSchema = JSON.parse(\`{
	"release": ${JSON.stringify(release)},
	"resources": [
${inTemplate(resources.map((resource) => `\t\t${JSON.stringify(resource)}`).join(",\n"))}
	],
	"types": {
${inTemplate(lines(types).replace(/,$/, ""))}
	}
}\`);
`,
);
writeFileSync(
	join(ROOT, "js/api/schema/types.generated.ts"),
	`// Written by \`scripts/openapi.ts\` from the OpenAPI v2 document of Kubernetes ${release} (Apache-2.0): structure only.

/** Every kind that is served, by apiVersion. */
export interface Kinds {
${Object.entries(KINDS)
	.map(
		([apiVersion, kinds]) =>
			`\t${JSON.stringify(apiVersion)}: { ${kinds.map((kind) => kindMember(apiVersion, kind)).join("; ")} };`,
	)
	.join("\n")}
}

${Object.entries(types)
	.map(([name, type]) => declaration(name, type))
	.join("\n")}
`,
);
process.stdout.write(`${resources.length} resources, ${Object.keys(types).length} types\n`);
