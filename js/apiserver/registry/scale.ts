// `/scale`: how many replicas, of any kind that has them (pkg/registry/apps/deployment/storage/storage.go: ScaleREST and its
// neighbours).

import type { KubernetesObject } from "../../api/meta.ts";
import type {
	ApiextensionsV1CustomResourceSubresourceScale,
	AutoscalingV1Scale,
	MetaV1LabelSelector,
} from "../../api/schema/types.generated.ts";
import { printLabelSelector } from "../../api/selectortext.ts";
import { valueAt } from "../extensions/custom.ts";
import { type FieldError, invalid, invalidValue, notFound } from "../status.ts";
import { type Registry, type Subject, stored } from "./request.ts";
import { type UpdateOptions, update } from "./update.ts";

interface Replicated {
	spec?: { replicas?: number; selector?: MetaV1LabelSelector | Record<string, string> };
	status?: { replicas?: number };
}

export type Scale = AutoscalingV1Scale & KubernetesObject;

/** Throws StatusError 404. */
export function readScale(registry: Registry, subject: Subject): Scale {
	const { resource, name } = subject;
	const object = stored(registry, subject);
	if (object === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
	return scaleOf(object, resource.custom?.scale);
}

/** Writes the replicas alone. Throws StatusError. */
export function writeScale(
	registry: Registry,
	subject: Subject,
	scale: KubernetesObject,
	options: UpdateOptions,
): Scale {
	const { name } = subject;
	const before = stored(registry, subject);
	if (before === undefined) readScale(registry, subject);
	const { replicas } = ((scale as Scale).spec ?? {}) as { replicas?: number };
	const errors: FieldError[] =
		replicas !== undefined && replicas < 0
			? [invalidValue("spec.replicas", replicas, "must be greater than or equal to 0")]
			: [];
	if (errors.length > 0) throw invalid("autoscaling", "Scale", name, errors);
	const { resourceVersion } = scale.metadata;
	const { metadata, spec, ...rest } = before as KubernetesObject;
	const marked = { ...metadata, ...(resourceVersion ? { resourceVersion } : {}) };
	const custom = subject.resource.custom?.scale;
	const wanted: KubernetesObject =
		custom === undefined
			? { ...rest, metadata: marked, spec: { ...(spec as object), replicas: replicas ?? 0 } }
			: { ...withValue(before as KubernetesObject, custom.specReplicasPath, replicas ?? 0), metadata: marked };
	return scaleOf(update(registry, subject, wanted, options), custom);
}

/** `object` with another value where a path leads, `.spec.replicas`. */
function withValue(object: KubernetesObject, path: string, value: number): KubernetesObject {
	const [first = "", ...rest] = path.split(".").slice(1);
	const written = (inner: unknown, names: readonly string[]): unknown => {
		const [name, ...more] = names;
		if (name === undefined) return value;
		const members = (inner ?? {}) as Record<string, unknown>;
		return { ...members, [name]: written(members[name], more) };
	};
	return { ...object, [first]: written((object as unknown as Record<string, unknown>)[first], rest) };
}

/** What the paths of a custom resource's scale lead to, as the built-in ones have it. */
function replicatedAt(object: KubernetesObject, paths: ApiextensionsV1CustomResourceSubresourceScale): Replicated {
	const count = (path: string) => Number(valueAt(object, path) ?? 0);
	return { spec: { replicas: count(paths.specReplicasPath) }, status: { replicas: count(paths.statusReplicasPath) } };
}

function scaleOf(object: KubernetesObject, custom?: ApiextensionsV1CustomResourceSubresourceScale): Scale {
	const { spec = {}, status = {} } = custom === undefined ? (object as Replicated) : replicatedAt(object, custom);
	const selected = custom?.labelSelectorPath === undefined ? undefined : valueAt(object, custom.labelSelectorPath);
	const selector = custom === undefined ? selectorText(spec.selector) : selected;
	const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
	const metadata = JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp }));
	return {
		kind: "Scale",
		apiVersion: "autoscaling/v1",
		metadata,
		spec: { replicas: spec.replicas ?? 0 },
		status: { replicas: status.replicas ?? 0, ...(selector === undefined ? {} : { selector: String(selector) }) },
	};
}

function selectorText(selector: MetaV1LabelSelector | Record<string, string> = {}): string {
	const isMap = Object.values(selector).every((value) => typeof value === "string");
	const { matchLabels, matchExpressions = [] } = isMap
		? { matchLabels: selector as Record<string, string> }
		: (selector as MetaV1LabelSelector);
	const equal = Object.entries(matchLabels ?? {}).map(([key, value]) => ({
		key,
		operator: "=" as const,
		values: [value],
	}));
	const others = matchExpressions.map(({ key, operator, values = [] }) => ({
		key,
		operator: OPERATORS[operator] ?? ("exists" as const),
		values: [...values].sort(),
	}));
	return printLabelSelector([...equal, ...others].sort((a, b) => (a.key < b.key ? -1 : 1)));
}

const OPERATORS: Readonly<Record<string, "in" | "notin" | "exists" | "!">> = {
	In: "in",
	NotIn: "notin",
	Exists: "exists",
	DoesNotExist: "!",
};
