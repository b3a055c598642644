// Judges documents of kind and cases (kube-proxy-units): the pure functions of js/kube-proxy against facts of
// upstream's unit tests. A kind that is unknown is skipped, never passed.

import type { Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import { chainSuffix } from "../../js/kube-proxy/names.ts";
import { healthCheckAddresses, nodePortAddresses } from "../../js/kube-proxy/nodeports.ts";
import { formatProbability } from "../../js/kube-proxy/probability.ts";
import { syncProxyRules } from "../../js/kube-proxy/sync.ts";
import { compare, skipped } from "./judgement.ts";
import type { Result } from "./result.ts";
import { judgeCategories, judgeChanged, judgeEndpointsMap, judgeLocalReady, judgeMerge } from "./units-endpoints.ts";
import { type HealthStep, judgeHealthSteps, judgeProxyHealth } from "./units-health.ts";

/** A case: its fields depend on the document's kind. */
type Case = Record<string, unknown>;

export interface UnitsDocument {
	name?: string;
	kind: string;
	cases?: Case[];
	steps?: HealthStep[];
	/** Where cases bring none of their own. */
	node?: unknown;
	options?: object;
	listenAddresses?: string[];
}

/** On the document, its options or a case of kind health-server. */
interface HealthFacts {
	listenAddresses?: string[];
	nodePortAddresses?: string[] | null;
	ipFamily?: "IPv4" | "IPv6";
}

interface ChainRulesCase {
	options?: {
		ipFamily?: "IPv4" | "IPv6";
		masqueradeAll?: boolean;
		localhostNodePorts?: boolean;
		nodePortAddresses?: string[] | null;
		randomFully?: boolean;
		conntrackTCPBeLiberal?: boolean;
		nfacct?: boolean;
	};
	objects?: KubernetesObject[];
	/** `TABLE CHAIN`. */
	chain: string;
	rules: string[];
}

function configOf(options: NonNullable<ChainRulesCase["options"]>): ProxyConfig {
	const { ipFamily: _, nodePortAddresses, ...rest } = options;
	return { ...DEFAULT_PROXY_CONFIG, ...rest, nodePortAddresses: nodePortAddresses ?? [] };
}

/** The rules of a chain out of a written text, without `-A CHAIN`. */
function rulesOfChain(restore: string, tableAndChain: string): string[] {
	const [table = "", chain = ""] = tableAndChain.split(" ");
	const start = restore.indexOf(`*${table}\n`);
	const text = start < 0 ? "" : restore.slice(start, restore.indexOf("COMMIT", start));
	const prefix = `-A ${chain} `;
	const lines = text.split("\n").filter((line) => line.startsWith(prefix));
	return lines.map((line) => line.slice(prefix.length));
}

function judgeChainRules({ options = {}, objects = [], chain, rules }: ChainRulesCase, name: string): Result {
	const { restore } = syncProxyRules({
		family: options.ipFamily === "IPv6" ? "ipv6" : "ipv4",
		node: { name: "node", ips: ["192.168.0.2"], podCIDRs: [], labels: {} },
		services: objects.filter((object) => object.kind === "Service") as Service[],
		endpointSlices: objects.filter((object) => object.kind === "EndpointSlice") as EndpointSlice[],
		config: configOf(options),
	});
	return compare(name, rules, rulesOfChain(restore, chain));
}

interface ChainHashCase {
	servicePortName: string;
	protocol: string;
	endpoint?: string | null;
	suffix: string;
}

function judgeChainHash(data: ChainHashCase): Result {
	const endpoint = data.endpoint ?? "";
	const name = `${data.servicePortName} ${data.protocol} ${endpoint}`.trimEnd();
	return compare(name, data.suffix, chainSuffix(data.servicePortName, data.protocol, endpoint));
}

function judgeProbability(data: { n: number; probability: string }): Result {
	return compare(`1/${data.n}`, data.probability, formatProbability(data.n));
}

/** The judge of a kind takes cases of that kind; JSON cannot promise more. */
const JUDGES: Record<string, (data: never, name: string) => Result> = {
	categorize: judgeCategories,
	"endpointslice-merge": judgeMerge,
	"endpointslice-changed": judgeChanged,
	"endpoints-map": judgeEndpointsMap,
	"local-ready": judgeLocalReady,
	"proxy-health": judgeProxyHealth,
	"chain-hash": judgeChainHash,
	"chain-rules": judgeChainRules,
	probability: judgeProbability,
};

function nameOf(data: Case, index: number): string {
	return String(data.name ?? data.node ?? `case ${index + 1}`);
}

/** A case's own node and options count before the document's. */
function withDefaults({ node, options }: UnitsDocument, data: Case): Case {
	const merged = { ...options, ...(data.options as object | undefined) };
	return {
		...(node === undefined ? {} : { node }),
		...data,
		...(Object.keys(merged).length > 0 ? { options: merged } : {}),
	};
}

/** What the servers listen on: given, or following from nodePortAddresses on a node that has loopback at least. */
function listenAddressesOf({ listenAddresses, nodePortAddresses: texts, ipFamily }: HealthFacts): string[] {
	const family = ipFamily === "IPv6" ? "ipv6" : "ipv4";
	return listenAddresses ?? healthCheckAddresses(nodePortAddresses(texts ?? [], family), ["127.0.0.1", "::1"], family);
}

function judgeHealthServer(document: UnitsDocument): Result[] {
	const facts: HealthFacts = { ...document, ...document.options };
	const cases = (document.cases ?? []).flatMap((data, index) =>
		judgeHealthSteps(
			data.steps as HealthStep[],
			listenAddressesOf({ ...facts, ...data, ...(data.options as HealthFacts | undefined) }),
			`${nameOf(data, index)}, `,
		),
	);
	return [...judgeHealthSteps(document.steps ?? [], listenAddressesOf(facts)), ...cases];
}

export function checkUnits(document: UnitsDocument): Result[] {
	if (document.kind === "health-server") return judgeHealthServer(document);
	const judge = JUDGES[document.kind];
	if (judge === undefined) return [skipped(document.name ?? document.kind, `unknown kind ${document.kind}`)];
	return (document.cases ?? []).map((data, index) => judge(withDefaults(document, data) as never, nameOf(data, index)));
}
