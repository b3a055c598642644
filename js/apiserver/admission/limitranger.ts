// The admission plugin LimitRanger (plugin/pkg/admission/limitranger): containers get the requests and limits that the
// LimitRanges of their namespace give, and what is beyond their bounds is refused.

import { podResources } from "../../api/podresources.ts";
import { compareQuantities, parseQuantity } from "../../api/quantity.ts";
import type {
	CoreV1Container,
	CoreV1LimitRange,
	CoreV1LimitRangeItem,
	CoreV1PersistentVolumeClaim,
	CoreV1Pod,
} from "../../api/schema/types.generated.ts";
import type { Storage } from "../storage/storage.ts";

type Amounts = Readonly<Record<string, string | number>>;

const ANNOTATION = "kubernetes.io/limit-ranger";

function itemsOf(storage: Storage, namespace: string): CoreV1LimitRangeItem[][] {
	const ranges = storage.list("limitranges", { namespace }).items as unknown as CoreV1LimitRange[];
	return ranges.map(({ spec }) => spec?.limits ?? []);
}

/** A new pod with what its containers do not say, of every LimitRange. */
export function withLimits(storage: Storage, namespace: string, pod: CoreV1Pod): CoreV1Pod {
	return itemsOf(storage, namespace).reduce(filled, pod);
}

function filled(pod: CoreV1Pod, items: readonly CoreV1LimitRangeItem[]): CoreV1Pod {
	if (pod.spec === undefined) return pod;
	const own = items.filter(({ type }) => type === "Container");
	const requests: Amounts = Object.assign({}, ...own.map((item) => item.defaultRequest));
	const limits: Amounts = Object.assign({}, ...own.map((item) => item.default));
	const said: string[] = [];
	const fill = (title: string) => (container: CoreV1Container) => {
		const { resources = {}, name } = container;
		const lacks = (wanted: Amounts, given: Amounts = {}) =>
			Object.keys(wanted)
				.filter((key) => !Object.hasOwn(given, key))
				.sort();
		const [asked, bounded] = [lacks(requests, resources.requests), lacks(limits, resources.limits)];
		if (asked.length > 0) said.push(`${asked.join(", ")} request for ${title} ${name}`);
		if (bounded.length > 0) said.push(`${bounded.join(", ")} limit for ${title} ${name}`);
		if (asked.length + bounded.length === 0) return container;
		const all = { requests: { ...requests, ...resources.requests }, limits: { ...limits, ...resources.limits } };
		const some = Object.fromEntries(Object.entries(all).filter(([, amounts]) => Object.keys(amounts).length > 0));
		return { ...container, resources: { ...resources, ...some } };
	};
	const containers = pod.spec.containers.map(fill("container"));
	const initContainers = pod.spec.initContainers?.map(fill("init container"));
	if (said.length === 0) return pod;
	const annotations = { ...pod.metadata?.annotations, [ANNOTATION]: `LimitRanger plugin set: ${said.join("; ")}` };
	const spec = { ...pod.spec, containers, ...(initContainers === undefined ? {} : { initContainers }) };
	return { ...pod, metadata: { ...pod.metadata, annotations }, spec };
}

/** What LimitRanges say against a pod: of the first that says anything. */
export function podProblems(storage: Storage, namespace: string, pod: CoreV1Pod): string[] {
	const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
	const asked = (list: "requests" | "limits") => (container: CoreV1Container) => container.resources?.[list] ?? {};
	const problems = itemsOf(storage, namespace).map((items) =>
		items.flatMap((item) => {
			if (item.type === "Container")
				return containers.flatMap((one) => beyond(item, asked("requests")(one), asked("limits")(one)));
			return item.type === "Pod" ? beyond(item, podResources(pod, "requests"), podResources(pod, "limits")) : [];
		}),
	);
	return distinct(problems);
}

/** The same of a claim, whose limits are nobody's wish. */
export function claimProblems(storage: Storage, namespace: string, claim: CoreV1PersistentVolumeClaim): string[] {
	const requests = claim.spec?.resources?.requests ?? {};
	const problems = itemsOf(storage, namespace).map((items) =>
		items
			.filter(({ type }) => type === "PersistentVolumeClaim")
			.flatMap((item) => [
				...each(item.min, (name, bound) => tooLittle(item.type, name, bound, requests, {})),
				...each(item.max, (name, bound) => {
					const request = requests[name];
					const rule = `maximum ${name} usage per ${item.type} is ${bound}`;
					if (request === undefined) return `${rule}.  No request is specified`;
					return compare(request, bound) > 0 ? `${rule}, but request is ${request}` : undefined;
				}),
			]),
	);
	return distinct(problems);
}

// The aggregate says each thing once, and one LimitRange that refuses is enough.
const distinct = (problems: readonly (readonly string[])[]) => [
	...new Set(problems.find((found) => found.length > 0) ?? []),
];

const compare = (a: string | number, b: string | number) => compareQuantities(String(a), String(b));

function each(bounds: Amounts = {}, rule: (name: string, bound: string) => string | undefined): string[] {
	return Object.entries(bounds).flatMap(([name, bound]) => rule(name, String(bound)) ?? []);
}

function beyond(item: CoreV1LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
	return [
		...each(item.min, (name, bound) => tooLittle(item.type, name, bound, requests, limits)),
		...each(item.max, (name, bound) => tooMuch(item.type, name, bound, requests, limits)),
		...each(item.maxLimitRequestRatio, (name, bound) => tooWide(item.type, name, bound, requests, limits)),
	];
}

function tooLittle(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | undefined {
	const rule = `minimum ${name} usage per ${type} is ${bound}`;
	const [request, limit] = [requests[name], limits[name]];
	if (request === undefined) return `${rule}.  No request is specified`;
	if (compare(request, bound) < 0) return `${rule}, but request is ${request}`;
	return limit !== undefined && compare(limit, bound) < 0 ? `${rule}, but limit is ${limit}` : undefined;
}

function tooMuch(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | undefined {
	const rule = `maximum ${name} usage per ${type} is ${bound}`;
	const [request, limit] = [requests[name], limits[name]];
	if (limit === undefined) return `${rule}.  No limit is specified`;
	if (compare(limit, bound) > 0) return `${rule}, but limit is ${limit}`;
	return request !== undefined && compare(request, bound) > 0 ? `${rule}, but request is ${request}` : undefined;
}

function tooWide(type: string, name: string, bound: string, requests: Amounts, limits: Amounts): string | undefined {
	const rule = `${name} max limit to request ratio per ${type} is ${bound}`;
	const [request, limit] = [requests, limits].map((amounts) => parseQuantity(amounts[name]) ?? 0) as [number, number];
	if (request === 0) return `${rule}, but no request is specified or request is 0`;
	if (limit === 0) return `${rule}, but no limit is specified or limit is 0`;
	const ratio = limit / request;
	return ratio > (parseQuantity(bound) ?? 0) ? `${rule}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}
