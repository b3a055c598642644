// Judges the kinds of kube-proxy-units that are about endpoints: categorize, endpointslice-merge,
// endpointslice-changed, endpoints-map, local-ready.

import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { endpointSliceChanged, endpointsChange } from "../../js/kube-proxy/changes.ts";
import {
	buildEndpointsMap,
	type EndpointInfo,
	type EndpointsMap,
	localReadyEndpoints,
	mergeEndpointSlices,
} from "../../js/kube-proxy/endpointsmap.ts";
import type { TrafficPolicy } from "../../js/kube-proxy/servicemap.ts";
import { categorizeEndpoints } from "../../js/kube-proxy/topology.ts";
import type { Family } from "../../js/net/ruleset.ts";
import { compare, skipped } from "./judgement.ts";
import type { Result } from "./result.ts";

interface NodeFacts {
	name?: string;
	labels?: Record<string, string>;
}

/** An endpoint as the cases write it. */
interface EndpointFacts {
	endpoint: string;
	local?: boolean;
	ready?: boolean;
	serving?: boolean;
	terminating?: boolean;
	hints?: { forZones?: string[]; forNodes?: string[] } | null;
	zoneHints?: string[];
	nodeHints?: string[];
}

interface CategorizeCase {
	node?: NodeFacts;
	service?: {
		nodePort?: number;
		externalIPs?: string[];
		loadBalancerVIPs?: string[];
		externalTrafficPolicy?: string;
		internalTrafficPolicy?: string;
	};
	endpoints: EndpointFacts[] | null;
	/** null: the Service port does not use that set; of `all`: it is the one set that there is. */
	expect: {
		cluster: string[] | null;
		local: string[] | null;
		all?: string[] | null;
		hasAnyEndpoints?: boolean;
		onlyRemoteEndpoints?: boolean;
	};
	options?: { hintsAnnotationRequired?: boolean };
}

function endpointInfoOf(facts: EndpointFacts): EndpointInfo {
	const colon = facts.endpoint.lastIndexOf(":");
	return {
		endpoint: facts.endpoint,
		ip: facts.endpoint.slice(0, colon).replace(/[[\]]/g, ""),
		port: Number(facts.endpoint.slice(colon + 1)),
		local: facts.local ?? false,
		ready: facts.ready ?? true,
		serving: facts.serving ?? true,
		terminating: facts.terminating ?? false,
		zoneHints: new Set(facts.hints?.forZones ?? facts.zoneHints ?? []),
		nodeHints: new Set(facts.hints?.forNodes ?? facts.nodeHints ?? []),
	};
}

function trafficPolicyOf(service: CategorizeCase["service"] = {}): TrafficPolicy {
	return {
		nodePort: service.nodePort ?? 0,
		externalIPs: service.externalIPs ?? [],
		loadBalancerVIPs: service.loadBalancerVIPs ?? [],
		externalPolicyLocal: service.externalTrafficPolicy === "Local",
		internalPolicyLocal: service.internalTrafficPolicy === "Local",
	};
}

export function judgeCategories(data: CategorizeCase, name: string): Result {
	if (data.options?.hintsAnnotationRequired === true) {
		return skipped(name, "hints that need an annotation (before 1.27) are not modelled");
	}
	const endpoints = (data.endpoints ?? []).map(endpointInfoOf);
	const { expect, node = {} } = data;
	const got = categorizeEndpoints(endpoints, trafficPolicyOf(data.service), node.name ?? "", node.labels ?? {});
	const sorted = (list: string[] | null | undefined): string[] => [...(list ?? [])].sort();
	const names = (list: EndpointInfo[] | null): string[] => sorted(list?.map((info) => info.endpoint));
	const sets: Record<string, unknown> = { cluster: names(got.cluster), local: names(got.local) };
	const wanted: Record<string, unknown> = { cluster: sorted(expect.cluster), local: sorted(expect.local) };
	if (expect.all) [wanted.all, sets.all] = [sorted(expect.all), names(got.reachable)];
	const hasAny = expect.hasAnyEndpoints ?? (expect.onlyRemoteEndpoints || undefined);
	if (hasAny !== undefined) [wanted.hasAny, sets.hasAny] = [hasAny, got.hasAny];
	return compare(name, wanted, sets);
}

type ExpectedEndpoints = Record<string, EndpointFacts[]>;

function factsOf(info: EndpointInfo): EndpointFacts {
	return { ...info, zoneHints: [...info.zoneHints].sort(), nodeHints: [...info.nodeHints].sort() };
}

/** Only the fields that the expectation names. */
function endpointsAsExpected(got: EndpointsMap, expected: ExpectedEndpoints): Record<string, object[]> {
	const fields = new Set(Object.values(expected).flatMap((list) => list.flatMap((entry) => Object.keys(entry))));
	const keep = (info: EndpointInfo): object =>
		Object.fromEntries(Object.entries(factsOf(info)).filter(([field]) => fields.has(field)));
	return Object.fromEntries([...got].map(([key, infos]) => [key, infos.map(keep)]));
}

/** `ns/name:/TCP` and `ns/name/TCP` both name the port without a name. */
function withPlainKeys(expected: ExpectedEndpoints): ExpectedEndpoints {
	return Object.fromEntries(Object.entries(expected).map(([key, list]) => [key.replace(":/", "/"), list]));
}

export interface MergeCase {
	node?: NodeFacts;
	slices: EndpointSlice[];
	expect: ExpectedEndpoints;
}

export function judgeMerge(data: MergeCase, name: string): Result {
	const expected = withPlainKeys(data.expect);
	const got = mergeEndpointSlices(data.slices, data.node?.name ?? "");
	return compare(name, expected, endpointsAsExpected(got, expected));
}

export interface ChangedCase {
	from: unknown;
	to: unknown;
	changed: boolean;
}

export function judgeChanged(data: ChangedCase, name: string): Result {
	return compare(name, data.changed, endpointSliceChanged(data.from, data.to));
}

export interface EndpointsMapCase {
	node?: NodeFacts;
	before: EndpointSlice[];
	after: EndpointSlice[];
	expectBefore?: ExpectedEndpoints;
	expectAfter?: ExpectedEndpoints;
	conntrackCleanupRequired?: boolean;
	localReadyEndpoints?: Record<string, number>;
}

function familyOfSlices(slices: readonly EndpointSlice[]): Family {
	return slices.length > 0 && slices.every((slice) => slice.addressType === "IPv6") ? "ipv6" : "ipv4";
}

export function judgeEndpointsMap(data: EndpointsMapCase, name: string): Result {
	const family = familyOfSlices([...data.before, ...data.after]);
	const node = data.node?.name ?? "";
	const after = buildEndpointsMap(data.after, family, node);
	const wanted: Record<string, unknown> = {};
	const got: Record<string, unknown> = {};
	const endpoints = (field: string, expected: ExpectedEndpoints | undefined, map: EndpointsMap): void => {
		if (expected === undefined) return;
		wanted[field] = withPlainKeys(expected);
		got[field] = endpointsAsExpected(map, expected);
	};
	endpoints("expectBefore", data.expectBefore, buildEndpointsMap(data.before, family, node));
	endpoints("expectAfter", data.expectAfter, after);
	if (data.conntrackCleanupRequired !== undefined) {
		wanted.conntrackCleanupRequired = data.conntrackCleanupRequired;
		got.conntrackCleanupRequired = endpointsChange(data.before, data.after, family).conntrackCleanupRequired;
	}
	if (data.localReadyEndpoints !== undefined) {
		wanted.localReadyEndpoints = data.localReadyEndpoints;
		got.localReadyEndpoints = Object.fromEntries(localReadyEndpoints(after));
	}
	return compare(name, wanted, got);
}

export interface LocalReadyCase {
	node?: NodeFacts;
	objects: KubernetesObject[];
	expectServicesWithLocalReadyEndpoints: number;
}

export function judgeLocalReady(data: LocalReadyCase, name: string): Result {
	const slices = data.objects.filter((object) => object.kind === "EndpointSlice") as EndpointSlice[];
	const got = localReadyEndpoints(buildEndpointsMap(slices, familyOfSlices(slices), data.node?.name ?? ""));
	return compare(name, data.expectServicesWithLocalReadyEndpoints, got.size);
}
