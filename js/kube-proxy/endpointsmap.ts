// EndpointSlices as kube-proxy sees them: merged per (Service, port name, protocol) into a list of endpoints in the
// order of the string `ip:port`. An endpoint that two slices hold is taken once, a running one before a terminating
// one. Upstream: pkg/proxy/endpointslicecache.go, endpointschangetracker.go.

import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import type { Protocol } from "../api/meta.ts";
import type { Family } from "../net/ruleset.ts";
import { joinHostPort, requireAddress } from "./addresses.ts";
import { compareText, servicePortName } from "./servicemap.ts";

export interface EndpointInfo {
	/** `ip:port`, IPv6 in brackets: what endpoints are ordered and hashed by. */
	endpoint: string;
	ip: string;
	port: number;
	/** On the proxy's own node; an endpoint that names no node is remote. */
	local: boolean;
	ready: boolean;
	serving: boolean;
	terminating: boolean;
	/** Empty: no hints. */
	zoneHints: ReadonlySet<string>;
	nodeHints: ReadonlySet<string>;
}

/** By `namespace/name:port/PROTOCOL`; a Service port without endpoints has no entry. */
export type EndpointsMap = Map<string, EndpointInfo[]>;

/** `namespace/name` of the Service that a slice belongs to; null: it belongs to none and is ignored. */
export function serviceOfSlice(slice: EndpointSlice): string | null {
	const { namespace, name, labels } = slice.metadata;
	const service = labels?.[SERVICE_NAME] ?? "";
	return service === "" || !namespace || !name ? null : `${namespace}/${service}`;
}

const NO_HINTS: ReadonlySet<string> = new Set();

function hintNames(hints: { name: string }[] | undefined): ReadonlySet<string> {
	return hints === undefined || hints.length === 0 ? NO_HINTS : new Set(hints.map((hint) => hint.name));
}

function endpointOf(endpoint: Endpoint, port: number, nodeName: string, where: string): EndpointInfo {
	const ip = requireAddress(endpoint.addresses[0] ?? "", `${where}, endpoints[].addresses[0]`);
	const { ready, serving, terminating } = endpoint.conditions ?? {};
	return {
		endpoint: joinHostPort(ip, port),
		ip,
		port,
		local: nodeName !== "" && endpoint.nodeName === nodeName,
		ready: ready ?? true,
		serving: serving ?? true,
		terminating: terminating ?? false,
		zoneHints: hintNames(endpoint.hints?.forZones),
		nodeHints: hintNames(endpoint.hints?.forNodes),
	};
}

type Merged = Map<string, Map<string, EndpointInfo>>;

/** A port without a name or a number is skipped: what it would mean ("all ports") upstream does not do either. */
function portKey(service: string, port: EndpointPort): string | null {
	if (port.name === undefined || port.name === null || !port.port) return null;
	const protocol: Protocol = port.protocol ?? "TCP";
	return `${servicePortName(service, port.name)}/${protocol}`;
}

function mergeSlice(merged: Merged, slice: EndpointSlice, service: string, nodeName: string): void {
	const where = `EndpointSlice ${slice.metadata.namespace}/${slice.metadata.name}`;
	for (const port of slice.ports ?? []) {
		const key = portKey(service, port);
		if (key === null || !port.port) continue;
		const endpoints = merged.get(key) ?? new Map<string, EndpointInfo>();
		for (const endpoint of slice.endpoints ?? []) {
			if (endpoint.addresses.length === 0) continue;
			const info = endpointOf(endpoint, port.port, nodeName, where);
			// A new pod may already own the address of one that still terminates.
			if (!endpoints.has(info.endpoint) || !info.terminating) endpoints.set(info.endpoint, info);
		}
		merged.set(key, endpoints);
	}
}

function sorted(endpoints: Iterable<EndpointInfo>): EndpointInfo[] {
	return [...endpoints].sort((a, b) => compareText(a.endpoint, b.endpoint));
}

/**
 * All endpoints by Service port, whatever the slices' address type.
 * Slices are merged in the order of their names; upstream in Go's random map order.
 * @param nodeName the proxy's own node; "" where it has none: nothing is local
 * @throws AddressError where an address cannot be read
 */
export function mergeEndpointSlices(slices: readonly EndpointSlice[], nodeName: string): EndpointsMap {
	const merged: Merged = new Map();
	const inOrder = [...slices].sort((a, b) => compareText(a.metadata.name ?? "", b.metadata.name ?? ""));
	for (const slice of inOrder) {
		const service = serviceOfSlice(slice);
		if (service !== null) mergeSlice(merged, slice, service, nodeName);
	}
	const filled = [...merged].filter(([, endpoints]) => endpoints.size > 0);
	return new Map(filled.map(([key, endpoints]) => [key, sorted(endpoints.values())]));
}

/** The endpoints that a proxy of one family handles. */
export function buildEndpointsMap(slices: readonly EndpointSlice[], family: Family, nodeName: string): EndpointsMap {
	const addressType = family === "ipv4" ? "IPv4" : "IPv6";
	return mergeEndpointSlices(
		slices.filter((slice) => slice.addressType === addressType),
		nodeName,
	);
}

/** The Service of an endpoints key: `namespace/name:port/PROTOCOL` to `namespace/name`. */
export function serviceOfKey(key: string): string {
	const end = key.indexOf("/", key.indexOf("/") + 1);
	const colon = key.indexOf(":");
	return key.slice(0, colon < 0 ? end : colon);
}

/** Distinct local ready IPs by Service: the count that a health-check node port answers with. */
export function localReadyEndpoints(endpoints: EndpointsMap): Map<string, number> {
	const ips = new Map<string, Set<string>>();
	for (const [key, infos] of endpoints) {
		for (const info of infos) {
			if (!info.ready || !info.local) continue;
			const service = serviceOfKey(key);
			ips.set(service, (ips.get(service) ?? new Set()).add(info.ip));
		}
	}
	return new Map([...ips].map(([service, set]) => [service, set.size]));
}
