// Judges kube-proxy documents (`node` + `objects` or `iptablesSave` + `probes`): podwire writes the node's rules, a
// tracer sends each probe's packet through them: the data plane, and beside it the slow walk of tests/reference. Both must
// agree with the document.

import type { Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { endpointsChange, servicesChange } from "../../js/kube-proxy/changes.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../js/kube-proxy/config.ts";
import { type NodeState, syncNode } from "../../js/kube-proxy/saved.ts";
import { type SyncInput, type SyncResult, syncProxyRules } from "../../js/kube-proxy/sync.ts";
import { parseIptablesSave } from "../../js/net/iptables/index.ts";
import type { Family, Ruleset } from "../../js/net/ruleset.ts";
import {
	type Probe,
	type ProbeNode,
	type TraceAnswer,
	type Tracer,
	traceByWalk,
} from "../reference/kube-proxy-trace.ts";
import { compare, failed, skipped } from "./judgement.ts";
import { traceByPackets } from "./kubeproxy-engine.ts";
import type { Result } from "./result.ts";
import { compareRuleSets } from "./rulesets.ts";

interface Options {
	mode?: string;
	masqueradeAll?: boolean;
	localDetector?: boolean;
	localhostNodePorts?: boolean;
	nodePortAddresses?: string[] | null;
	featureGates?: Record<string, boolean>;
}

interface ObjectReference {
	kind: string;
	namespace?: string;
	name?: string;
	metadata?: { namespace?: string; name?: string };
}

interface Expectations {
	expectServicePorts?: number;
	expectHealthCheckNodePorts?: Record<string, number>;
	expectLoadBalancerIPRule?: boolean;
	expectMartianFirewallRule?: boolean;
	expectServicesWithNoLocalEndpoints?: { internal: number; external: number };
	expectIptablesSave?: string[] | string;
}

interface Step extends Expectations {
	do?: string;
	apply?: KubernetesObject[];
	delete?: (ObjectReference | string)[];
	probes?: Probe[];
	natRulesDelta?: number;
}

export interface KubeProxyDocument extends Expectations {
	node: ProbeNode;
	options?: Options;
	objects?: KubernetesObject[];
	iptablesSave?: string[] | string;
	probes: Probe[];
	steps?: Step[];
}

/** Gates that change the rules; all others are on for good, and matter only when a document turns them off. */
const GATES = ["LoadBalancerIPMode"];

function familyOf(node: ProbeNode): Family {
	return node.ipFamily === "IPv6" ? "ipv6" : "ipv4";
}

function configOf(document: KubeProxyDocument): ProxyConfig {
	const options = document.options ?? {};
	const pods: ProxyConfig["detectLocal"] = { mode: "ClusterCIDR", cidrs: [document.node.podCIDR] };
	return {
		...DEFAULT_PROXY_CONFIG,
		masqueradeAll: options.masqueradeAll ?? false,
		detectLocal: (options.localDetector ?? true) ? pods : { mode: "None" },
		localhostNodePorts: options.localhostNodePorts ?? true,
		nodePortAddresses: options.nodePortAddresses ?? [],
		loadBalancerIPMode: options.featureGates?.LoadBalancerIPMode ?? true,
	};
}

function inputOf(document: KubeProxyDocument, objects: readonly KubernetesObject[]): SyncInput {
	const { node } = document;
	return {
		family: familyOf(node),
		node: {
			name: node.name,
			ips: node.ips,
			podCIDRs: [node.podCIDR],
			labels: node.labels ?? {},
			...(node.interfaces === undefined ? {} : { interfaces: node.interfaces }),
		},
		services: objects.filter((object) => object.kind === "Service") as Service[],
		endpointSlices: objects.filter((object) => object.kind === "EndpointSlice") as EndpointSlice[],
		config: configOf(document),
	};
}

/** Why a document is not judged, null where it is. */
function notModelled(document: KubeProxyDocument): string | null {
	const { mode = "iptables", featureGates = {} } = document.options ?? {};
	if (mode !== "iptables") return `${mode} mode is not modelled yet`;
	const off = Object.keys(featureGates).find((gate) => featureGates[gate] === false && !GATES.includes(gate));
	return off === undefined ? null : `the feature gate ${off} turned off is not modelled`;
}

const sorted = ({ outputs, masq }: TraceAnswer): TraceAnswer => ({ outputs: [...outputs].sort(), masq });

/** The engine's answer counts; the slow walk is a second opinion, and where it differs something is wrong. */
async function judgeProbe(
	ruleset: Ruleset,
	node: ProbeNode,
	probe: Probe,
	trace: Tracer,
	prefix = "",
): Promise<Result> {
	const name = `${prefix}${probe.name}`;
	const expected = sorted(probe);
	try {
		const walked = compare(name, expected, sorted(await traceByWalk(ruleset, node, probe)));
		if (walked.status === "failed") return { ...walked, reason: "by the slow walk of the rules" };
		return compare(name, expected, sorted(await trace(ruleset, node, probe)));
	} catch (error) {
		return failed(name, error instanceof Error ? error.message : String(error));
	}
}

async function judgeProbes(
	ruleset: Ruleset,
	node: ProbeNode,
	probes: readonly Probe[],
	trace: Tracer,
	prefix = "",
): Promise<Result[]> {
	const results: Result[] = [];
	for (const probe of probes) results.push(await judgeProbe(ruleset, node, probe, trace, prefix));
	return results;
}

function loadBalancerIPs(services: readonly Service[]): string[] {
	return services.flatMap((service) => (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []));
}

function hasLoadBalancerRule(input: SyncInput, sync: SyncResult): boolean {
	const nat = sync.restore.slice(sync.restore.indexOf("*nat"));
	const lines = nat.split("\n").filter((line) => line.startsWith("-A KUBE-SERVICES "));
	return loadBalancerIPs(input.services).some((ip) => lines.some((line) => line.includes(` -d ${ip} `)));
}

/** Counters and port ranges differ from machine to machine, so whether they are there is read off the expected text. */
function judgeRuleSet(input: SyncInput, text: string): Result {
	const config = {
		...input.config,
		nfacct: text.includes("--nfacct-name"),
		randomFully: text.includes("--random-fully"),
	};
	return compareRuleSets("expectIptablesSave", text, syncProxyRules({ ...input, config }).restore);
}

const EXPECTATIONS = [
	"expectServicePorts",
	"expectHealthCheckNodePorts",
	"expectLoadBalancerIPRule",
	"expectMartianFirewallRule",
	"expectServicesWithNoLocalEndpoints",
	"expectIptablesSave",
];

function judgeExpectations(expected: Expectations, input: SyncInput, sync: SyncResult, prefix = ""): Result[] {
	const got: Record<string, unknown> = {
		expectServicePorts: sync.servicePorts.size,
		expectHealthCheckNodePorts: Object.fromEntries(sync.healthCheckNodePorts),
		expectLoadBalancerIPRule: hasLoadBalancerRule(input, sync),
		expectMartianFirewallRule: sync.restore.includes("\n-A KUBE-FIREWALL "),
		expectServicesWithNoLocalEndpoints: sync.noLocalEndpoints,
	};
	return Object.entries(expected).flatMap(([key, value]) => {
		if (!key.startsWith("expect")) return [];
		if (!EXPECTATIONS.includes(key)) return [skipped(`${prefix}${key}`, `${key} is not judged`)];
		if (key !== "expectIptablesSave") return [compare(`${prefix}${key}`, value, got[key])];
		return [judgeRuleSet(input, Array.isArray(value) ? value.join("\n") : String(value))];
	});
}

function identityOf(object: ObjectReference | string): string {
	if (typeof object === "string") return object.replace(/^(\S+) /, "$1/");
	const { namespace, name } = object.metadata ?? object;
	return `${object.kind}/${namespace ?? ""}/${name ?? ""}`;
}

/** The objects after a step: deleted ones gone, applied ones replaced. */
function applyStep(objects: ReadonlyMap<string, KubernetesObject>, step: Step): Map<string, KubernetesObject> {
	const next = new Map(objects);
	for (const reference of step.delete ?? []) {
		const identity = identityOf(reference);
		if (!next.delete(identity)) throw new Error(`step ${step.do}: there is no ${identity} to delete`);
	}
	for (const object of step.apply ?? []) next.set(identityOf(object), object);
	return next;
}

/** One more sync as kube-proxy does it: only Services that changed, on the rules that are there. */
function syncPartially(before: SyncInput, state: NodeState, input: SyncInput): NodeState {
	const { family } = input;
	const services = servicesChange(state.sync.servicePorts, syncProxyRules(input).servicePorts);
	const slices = endpointsChange(before.endpointSlices, input.endpointSlices, family).updatedServices;
	return syncNode({ ...input, updatedServices: new Set([...services, ...slices]) }, { ruleset: state.ruleset });
}

async function judgeSteps(document: KubeProxyDocument, trace: Tracer): Promise<Result[]> {
	const results: Result[] = [];
	let objects = new Map((document.objects ?? []).map((object) => [identityOf(object), object]));
	let input = inputOf(document, [...objects.values()]);
	let state = syncNode(input);
	for (const [index, step] of (document.steps ?? []).entries()) {
		const prefix = `${step.do ?? `step ${index + 1}`}: `;
		objects = applyStep(objects, step);
		const next = inputOf(document, [...objects.values()]);
		const after = syncPartially(input, state, next);
		results.push(...(await judgeProbes(after.ruleset, document.node, step.probes ?? [], trace, prefix)));
		const extras = judgeExpectations(step, next, after.sync, prefix);
		if (step.natRulesDelta !== undefined) {
			const delta = after.sync.ruleCount.nat - state.sync.ruleCount.nat;
			extras.push(compare(`${prefix}natRulesDelta`, step.natRulesDelta, delta));
		}
		results.push(...extras.filter(({ status }) => status === "failed"));
		[input, state] = [next, after];
	}
	return results;
}

/** A document is counted by its probes; what else it expects counts where it has none, and shows where it fails. */
function withExtras(probes: Result[], extras: Result[]): Result[] {
	if (probes.length === 0) return extras;
	return [...probes, ...extras.filter(({ status }) => status === "failed")];
}

function allProbes(document: KubeProxyDocument): Probe[] {
	return [...document.probes, ...(document.steps ?? []).flatMap((step) => step.probes ?? [])];
}

/**
 * @param document a parsed kube-proxy document
 * @param trace what sends a packet through the rules, beside the slow walk; default: the engine
 */
export async function checkKubeProxy(document: KubeProxyDocument, trace: Tracer = traceByPackets): Promise<Result[]> {
	const reason = notModelled(document);
	if (reason !== null) return allProbes(document).map(({ name }) => skipped(name, reason));
	if (document.iptablesSave !== undefined) {
		const text = Array.isArray(document.iptablesSave) ? document.iptablesSave.join("\n") : document.iptablesSave;
		const ruleset = parseIptablesSave(`${text}\n`, { family: familyOf(document.node) });
		return judgeProbes(ruleset, document.node, document.probes, trace);
	}
	const input = inputOf(document, document.objects ?? []);
	const { ruleset, sync } = syncNode(input);
	const probes = await judgeProbes(ruleset, document.node, document.probes, trace);
	const steps = await judgeSteps(document, trace);
	return withExtras([...probes, ...steps], judgeExpectations(document, input, sync));
}
