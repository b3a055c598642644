// Judges `kind` + `cases` documents (kube-proxy-units): the pure functions of js/kube-proxy against facts of upstream's
// unit tests. Each kind is one function from document to results; a kind that is unknown is skipped, never passed.

import type { Node, Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { endpointSliceChanged, endpointsChange } from "../../js/kube-proxy/changes.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import {
	buildEndpointsMap,
	type EndpointInfo,
	type EndpointsMap,
	localReadyEndpoints,
	mergeEndpointSlices,
} from "../../js/kube-proxy/endpointsmap.ts";
import {
	healthListeners,
	type ServiceHealthServers,
	serviceHealthAnswer,
	syncHealthEndpoints,
	syncHealthServices,
} from "../../js/kube-proxy/health.ts";
import { chainSuffix } from "../../js/kube-proxy/names.ts";
import { formatProbability } from "../../js/kube-proxy/probability.ts";
import { finishUpdate, healthzAnswer, livezAnswer } from "../../js/kube-proxy/proxyhealth.ts";
import type { TrafficPolicy } from "../../js/kube-proxy/servicemap.ts";
import { syncProxyRules } from "../../js/kube-proxy/sync.ts";
import { categorizeEndpoints } from "../../js/kube-proxy/topology.ts";
import { compare, skipped } from "./judgement.ts";
import type { Result } from "./result.ts";

// biome-ignore lint/suspicious/noExplicitAny: documents are data of many shapes; each judge reads the fields its kind has.
type Data = any;

type Judge = (document: Data) => Result[];

function caseName(data: Data, index: number): string {
	return String(data.name ?? data.servicePortName ?? data.n ?? data.node ?? `case ${index + 1}`);
}

function judgeCases(document: Data, judge: (data: Data, document: Data, name: string) => Result): Result[] {
	return document.cases.map((data: Data, index: number) => judge(data, document, caseName(data, index)));
}

function hintsOf(list: string[] | null | undefined): Set<string> {
	return new Set(list ?? []);
}

function endpointInfoOf(data: Data): EndpointInfo {
	const colon = data.endpoint.lastIndexOf(":");
	return {
		endpoint: data.endpoint,
		ip: data.endpoint.slice(0, colon).replace(/[[\]]/g, ""),
		port: Number(data.endpoint.slice(colon + 1)),
		local: data.local ?? false,
		ready: data.ready ?? true,
		serving: data.serving ?? true,
		terminating: data.terminating ?? false,
		zoneHints: hintsOf(data.hints?.forZones ?? data.zoneHints),
		nodeHints: hintsOf(data.hints?.forNodes ?? data.nodeHints),
	};
}

function trafficPolicyOf(service: Data): TrafficPolicy {
	return {
		nodePort: service.nodePort ?? 0,
		externalIPs: service.externalIPs ?? [],
		loadBalancerVIPs: service.loadBalancerVIPs ?? [],
		externalPolicyLocal: service.externalTrafficPolicy === "Local",
		internalPolicyLocal: service.internalTrafficPolicy === "Local",
	};
}

/** Null: the Service port does not use that set; for `all`: the union is the one set there is. */
function judgeCategory(data: Data, document: Data, name: string): Result {
	const options = { ...document.options, ...data.options };
	if (options.hintsAnnotationRequired === true) {
		return skipped(name, "hints that need an annotation (before 1.27) are not modelled");
	}
	const endpoints = (data.endpoints ?? []).map(endpointInfoOf);
	const policy = trafficPolicyOf(data.service ?? {});
	const got = categorizeEndpoints(endpoints, policy, data.node?.name ?? "", data.node?.labels ?? {});
	const { expect } = data;
	const names = (list: EndpointInfo[] | null): string[] => (list ?? []).map((info) => info.endpoint).sort();
	const sets: Record<string, unknown> = { cluster: names(got.cluster), local: names(got.local) };
	const wanted: Record<string, unknown> = {
		cluster: [...(expect.cluster ?? [])].sort(),
		local: [...(expect.local ?? [])].sort(),
	};
	if (expect.all) {
		sets.all = names(got.reachable);
		wanted.all = [...expect.all].sort();
	}
	const hasAny = expect.hasAnyEndpoints ?? expect.hasAny;
	if (hasAny !== undefined) {
		sets.hasAny = got.hasAny;
		wanted.hasAny = hasAny;
	}
	const onlyRemote = expect.onlyRemoteEndpoints ?? expect.onlyRemote;
	if (onlyRemote === true) {
		sets.hasAny = got.hasAny;
		wanted.hasAny = true;
	}
	return compare(name, wanted, sets);
}

/** Only the fields that the expectation names. */
function endpointsAsExpected(got: EndpointsMap, expected: Record<string, Data[]>): Record<string, Data[]> {
	const fields = new Set(Object.values(expected).flatMap((list) => list.flatMap((entry) => Object.keys(entry))));
	const keep = (info: EndpointInfo): Data =>
		Object.fromEntries(Object.entries(printable(info)).filter(([field]) => fields.has(field)));
	return Object.fromEntries([...got].map(([key, infos]) => [key, infos.map(keep)]));
}

function printable(info: EndpointInfo): Data {
	return { ...info, zoneHints: [...info.zoneHints].sort(), nodeHints: [...info.nodeHints].sort() };
}

/** `ns/name:/TCP` and `ns/name/TCP` both name the port without a name. */
function withPlainKeys(expected: Record<string, Data[]>): Record<string, Data[]> {
	return Object.fromEntries(Object.entries(expected).map(([key, list]) => [key.replace(":/", "/"), list]));
}

function nodeNameOf(data: Data, document: Data): string {
	return data.node?.name ?? document.node?.name ?? "";
}

function judgeMerge(data: Data, document: Data, name: string): Result {
	const expected = withPlainKeys(data.expect);
	const got = mergeEndpointSlices(data.slices as EndpointSlice[], nodeNameOf(data, document));
	return compare(name, expected, endpointsAsExpected(got, expected));
}

function familyOfSlices(slices: EndpointSlice[]): "ipv4" | "ipv6" {
	return slices.length > 0 && slices.every((slice) => slice.addressType === "IPv6") ? "ipv6" : "ipv4";
}

function judgeEndpointsMap(data: Data, document: Data, name: string): Result {
	const family = familyOfSlices([...data.before, ...data.after]);
	const node = nodeNameOf(data, document);
	const before = buildEndpointsMap(data.before, family, node);
	const after = buildEndpointsMap(data.after, family, node);
	const wanted: Data = {};
	const got: Data = {};
	for (const [field, map] of [
		["expectBefore", before],
		["expectAfter", after],
	] as const) {
		if (data[field] === undefined) continue;
		wanted[field] = withPlainKeys(data[field]);
		got[field] = endpointsAsExpected(map, wanted[field]);
	}
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

function judgeLocalReady(data: Data, document: Data, name: string): Result {
	const slices = data.objects.filter((object: Data) => object.kind === "EndpointSlice") as EndpointSlice[];
	const got = localReadyEndpoints(buildEndpointsMap(slices, familyOfSlices(slices), nodeNameOf(data, document)));
	return compare(name, data.expectServicesWithLocalReadyEndpoints, got.size);
}

function asMap(record: Record<string, number> | null): Map<string, number> {
	return new Map(Object.entries(record ?? {}));
}

function applyHealthStep(servers: ServiceHealthServers, step: Data): ServiceHealthServers {
	if (step.syncServices !== undefined) return syncHealthServices(servers, asMap(step.syncServices));
	if (step.syncEndpoints !== undefined) return syncHealthEndpoints(servers, asMap(step.syncEndpoints));
	return servers;
}

function answerOf(servers: ServiceHealthServers, service: string, healthy: boolean): [number, number] | null {
	const answer = serviceHealthAnswer(servers, service, healthy);
	return answer === null ? null : [answer.status, JSON.parse(answer.body).localEndpoints];
}

function judgeHealthSteps(steps: Data[], document: Data, prefix: string): Result[] {
	let servers: ServiceHealthServers = new Map();
	let healthy = true;
	const listen = document.listenAddresses ?? ["0.0.0.0"];
	return steps.map((step, index) => {
		servers = applyHealthStep(servers, step);
		healthy = step.proxyHealthy ?? healthy;
		const wanted: Data = {};
		const got: Data = {};
		if (step.expectServices !== undefined) {
			wanted.services = step.expectServices;
			got.services = servers.size;
		}
		if (step.expectOpenPorts !== undefined) {
			wanted.openPorts = [...step.expectOpenPorts].sort();
			got.openPorts = healthListeners(servers, listen).sort();
		}
		if (step.get !== undefined) {
			wanted.get = step.get;
			got.get = Object.fromEntries(Object.keys(step.get).map((service) => [service, answerOf(servers, service, healthy)]));
		}
		return compare(`${prefix}step ${index + 1}`, wanted, got);
	});
}

function judgeHealthServer(document: Data): Result[] {
	if (document.steps !== undefined) return judgeHealthSteps(document.steps, document, "");
	return document.cases.flatMap((data: Data, index: number) =>
		judgeHealthSteps(data.steps, { ...document, ...data }, `${caseName(data, index)}, `),
	);
}

/** The Node that the words of a case describe. */
function describedNode(text: string): Pick<Node, "metadata" | "spec"> {
	const taint = (key: string): Pick<Node, "metadata" | "spec"> => ({
		metadata: { name: "node" },
		spec: { taints: [{ key, effect: "NoSchedule" }] },
	});
	if (/deleted/i.test(text) && !/taint/i.test(text)) {
		return { metadata: { name: "node", deletionTimestamp: "2026-01-01T00:00:00Z" } };
	}
	if (/ToBeDeleted/i.test(text)) return taint("ToBeDeletedByClusterAutoscaler");
	return /taint/i.test(text) ? taint("other") : { metadata: { name: "node" } };
}

function judgeProxyHealth(data: Data, _document: Data, name: string): Result {
	const known = ["name", "node", "healthz", "livez"];
	const unknown = Object.keys(data).filter((field) => !known.includes(field));
	if (unknown.length > 0 || typeof data.node !== "string") {
		return skipped(name, `fields that this runner does not know: ${unknown.join(", ") || "node"}`);
	}
	// The rules are written and nothing waits.
	const state = finishUpdate({}, "ipv4", 0);
	const wanted: Data = {};
	const got: Data = {};
	if (data.healthz !== undefined) {
		wanted.healthz = data.healthz;
		got.healthz = healthzAnswer(state, describedNode(data.node), 1, 10).status;
	}
	if (data.livez !== undefined) {
		wanted.livez = data.livez;
		got.livez = livezAnswer(state, 1, 10).status;
	}
	return compare(name, wanted, got);
}

function configOf(options: Data): ProxyConfig {
	return {
		...DEFAULT_PROXY_CONFIG,
		masqueradeAll: options.masqueradeAll ?? DEFAULT_PROXY_CONFIG.masqueradeAll,
		localhostNodePorts: options.localhostNodePorts ?? DEFAULT_PROXY_CONFIG.localhostNodePorts,
		nodePortAddresses: options.nodePortAddresses ?? [],
		randomFully: options.randomFully ?? DEFAULT_PROXY_CONFIG.randomFully,
		conntrackTCPBeLiberal: options.conntrackTCPBeLiberal ?? false,
		nfacct: options.nfacct ?? false,
	};
}

/** The rules of a chain, `TABLE CHAIN`, out of a written text, without `-A CHAIN`. */
function rulesOfChain(restore: string, tableAndChain: string): string[] {
	const [table, chain] = tableAndChain.split(" ");
	const text = restore.split("\n*").find((part) => part.replace("*", "").startsWith(`${table}\n`)) ?? "";
	const prefix = `-A ${chain} `;
	return text
		.split("\n")
		.filter((line) => line.startsWith(prefix))
		.map((line) => line.slice(prefix.length));
}

function judgeChainRules(data: Data, document: Data, name: string): Result {
	const options = { ...document.options, ...data.options };
	const objects: Data[] = data.objects ?? document.objects ?? [];
	const { restore } = syncProxyRules({
		family: options.ipFamily === "IPv6" ? "ipv6" : "ipv4",
		node: { name: "node", ips: ["192.168.0.2"], podCIDRs: [], labels: {} },
		services: objects.filter((object) => object.kind === "Service") as Service[],
		endpointSlices: objects.filter((object) => object.kind === "EndpointSlice") as EndpointSlice[],
		config: configOf(options),
	});
	return compare(name, data.rules, rulesOfChain(restore, data.chain));
}

function judgeChainHash(data: Data, _document: Data, name: string): Result {
	const endpoint = data.endpoint ?? "";
	const title = `${name} ${data.protocol} ${endpoint}`.trimEnd();
	return compare(title, data.suffix, chainSuffix(data.servicePortName, data.protocol, endpoint));
}

function judgeProbability(document: Data): Result[] {
	return judgeCases(document, (data, _document, name) =>
		compare(`1/${name}`, data.probability, formatProbability(data.n)),
	);
}

const JUDGES: Record<string, Judge> = {
	categorize: (document) => judgeCases(document, judgeCategory),
	"endpointslice-merge": (document) => judgeCases(document, judgeMerge),
	"endpointslice-changed": (document) =>
		judgeCases(document, (data, _document, name) =>
			compare(name, data.changed, endpointSliceChanged(data.from, data.to)),
		),
	"endpoints-map": (document) => judgeCases(document, judgeEndpointsMap),
	"local-ready": (document) => judgeCases(document, judgeLocalReady),
	"health-server": judgeHealthServer,
	"proxy-health": (document) => judgeCases(document, judgeProxyHealth),
	"chain-hash": (document) => judgeCases(document, judgeChainHash),
	"chain-rules": (document) => judgeCases(document, judgeChainRules),
	probability: judgeProbability,
};

/** @param document a parsed `kind` + `cases` (or `kind` + `steps`) document */
export function checkUnits(document: Data): Result[] {
	const judge = JUDGES[document.kind];
	return judge === undefined ? [skipped(String(document.name), `unknown kind ${document.kind}`)] : judge(document);
}
