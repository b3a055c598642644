// What changed between two syncs, which decides what a partial sync writes and whether UDP conntrack entries are looked
// at. Upstream: pkg/proxy/endpointslicecache.go (any difference of a slice counts, order included),
// endpointschangetracker.go, servicechangetracker.go.

import type { EndpointSlice } from "../api/discovery.ts";
import type { Family } from "../net/ruleset.ts";
import { buildEndpointsMap, type EndpointsMap, serviceOfKey, serviceOfSlice } from "./endpointsmap.ts";
import type { ServicePortInfo, ServicePortMap } from "./servicemap.ts";

export interface EndpointsChange {
	/** `namespace/name` of every Service with a slice added, changed or removed. */
	updatedServices: Set<string>;
	/** A Service among them has or had a UDP port. */
	conntrackCleanupRequired: boolean;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null;
}

function deepEqual(a: unknown, b: unknown): boolean {
	if (Object.is(a, b)) return true;
	if (a instanceof Set && b instanceof Set) return deepEqual([...a], [...b]);
	if (!isRecord(a) || !isRecord(b) || Array.isArray(a) !== Array.isArray(b)) return false;
	const keys = Object.keys(a);
	return keys.length === Object.keys(b).length && keys.every((key) => key in b && deepEqual(a[key], b[key]));
}

/** Whether an update of a slice is a change; the order of ports and endpoints counts. */
export function endpointSliceChanged(from: unknown, to: unknown): boolean {
	return !deepEqual(from, to);
}

function slicesByName(slices: readonly EndpointSlice[]): Map<string, EndpointSlice> {
	return new Map(slices.map((slice) => [`${slice.metadata.namespace}/${slice.metadata.name}`, slice]));
}

function changedSlices(before: readonly EndpointSlice[], after: readonly EndpointSlice[]): EndpointSlice[] {
	const old = slicesByName(before);
	const young = slicesByName(after);
	const removed = [...old].filter(([name]) => !young.has(name)).map(([, slice]) => slice);
	const written = [...young].filter(([name, slice]) => !deepEqual(old.get(name), slice)).map(([, slice]) => slice);
	return [...removed, ...written];
}

function hasUdpPort(endpoints: EndpointsMap, services: ReadonlySet<string>): boolean {
	return [...endpoints.keys()].some((key) => key.endsWith("/UDP") && services.has(serviceOfKey(key)));
}

/** The difference between the slices of two syncs. */
export function endpointsChange(
	before: readonly EndpointSlice[],
	after: readonly EndpointSlice[],
	family: Family,
): EndpointsChange {
	const addressType = family === "ipv4" ? "IPv4" : "IPv6";
	const changed = changedSlices(before, after).filter((slice) => slice.addressType === addressType);
	const updatedServices = new Set(changed.map(serviceOfSlice).filter((service) => service !== null));
	const maps = [buildEndpointsMap(before, family, ""), buildEndpointsMap(after, family, "")];
	return { updatedServices, conntrackCleanupRequired: maps.some((map) => hasUdpPort(map, updatedServices)) };
}

function portsOfService(ports: ServicePortMap): Map<string, ServicePortInfo[]> {
	const byService = new Map<string, ServicePortInfo[]>();
	for (const info of ports.values()) {
		const list = byService.get(info.service);
		if (list === undefined) byService.set(info.service, [info]);
		else list.push(info);
	}
	return byService;
}

/** `namespace/name` of every Service that was added, removed, or changed in what the proxy reads of it. */
export function servicesChange(before: ServicePortMap, after: ServicePortMap): Set<string> {
	const old = portsOfService(before);
	const young = portsOfService(after);
	const names = new Set([...old.keys(), ...young.keys()]);
	return new Set([...names].filter((name) => !deepEqual(old.get(name), young.get(name))));
}
