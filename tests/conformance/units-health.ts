// Judges the kinds of kube-proxy-units that are about health checks: health-server and proxy-health.

import type { Node } from "../../js/api/core.ts";
import {
	healthListeners,
	type ServiceHealthServers,
	serviceHealthAnswer,
	syncHealthEndpoints,
	syncHealthServices,
} from "../../js/kube-proxy/health.ts";
import { finishUpdate, healthzAnswer, livezAnswer } from "../../js/kube-proxy/proxyhealth.ts";
import { compare, skipped } from "./judgement.ts";
import type { Result } from "./result.ts";

export interface HealthStep {
	/** The full set: `namespace/name` to port. */
	syncServices?: Record<string, number> | null;
	/** The full set: `namespace/name` to local endpoints. */
	syncEndpoints?: Record<string, number> | null;
	proxyHealthy?: boolean;
	expectServices?: number;
	expectOpenPorts?: string[];
	/** `namespace/name` to HTTP status and the count in the body. */
	get?: Record<string, [number, number]>;
}

function asMap(record: Record<string, number> | null): Map<string, number> {
	return new Map(Object.entries(record ?? {}));
}

function applyStep(servers: ServiceHealthServers, step: HealthStep): ServiceHealthServers {
	if (step.syncServices !== undefined) return syncHealthServices(servers, asMap(step.syncServices));
	if (step.syncEndpoints !== undefined) return syncHealthEndpoints(servers, asMap(step.syncEndpoints));
	return servers;
}

function answerOf(servers: ServiceHealthServers, service: string, healthy: boolean): [number, number] | null {
	const answer = serviceHealthAnswer(servers, service, healthy);
	return answer === null ? null : [answer.status, JSON.parse(answer.body).localEndpoints];
}

export function judgeHealthSteps(steps: HealthStep[], listen: string[], prefix = ""): Result[] {
	let servers: ServiceHealthServers = new Map();
	let healthy = true;
	return steps.map((step, index) => {
		servers = applyStep(servers, step);
		healthy = step.proxyHealthy ?? healthy;
		const wanted: Record<string, unknown> = {};
		const got: Record<string, unknown> = {};
		if (step.expectServices !== undefined) [wanted.services, got.services] = [step.expectServices, servers.size];
		if (step.expectOpenPorts !== undefined) {
			wanted.openPorts = [...step.expectOpenPorts].sort();
			got.openPorts = healthListeners(servers, listen).sort();
		}
		if (step.get !== undefined) {
			const answers = Object.keys(step.get).map((service) => [service, answerOf(servers, service, healthy)]);
			[wanted.get, got.get] = [step.get, Object.fromEntries(answers)];
		}
		return compare(`${prefix}step ${index + 1}`, wanted, got);
	});
}

export interface ProxyHealthCase {
	name?: string;
	/** In words: what happened to the Node. */
	node: string;
	healthz?: number;
	livez?: number;
}

type NodeFacts = Pick<Node, "metadata" | "spec">;

function taintedNode(key: string): NodeFacts {
	return { metadata: { name: "node" }, spec: { taints: [{ key, effect: "NoSchedule" }] } };
}

/** The Node that the words of a case describe. */
function describedNode(text: string): NodeFacts {
	if (/ToBeDeleted/i.test(text)) return taintedNode("ToBeDeletedByClusterAutoscaler");
	if (/taint/i.test(text)) return taintedNode("other");
	const isDeleted = /deleted|deletion/i.test(text);
	return { metadata: { name: "node", ...(isDeleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) } };
}

const KNOWN_FIELDS = ["name", "node", "healthz", "livez"];

export function judgeProxyHealth(data: ProxyHealthCase, name: string): Result {
	const unknown = Object.keys(data).filter((field) => !KNOWN_FIELDS.includes(field));
	if (unknown.length > 0) return skipped(name, `fields that this judge does not know: ${unknown.join(", ")}`);
	// The rules are written and nothing waits.
	const state = finishUpdate({}, "ipv4", 0);
	const wanted: Record<string, unknown> = {};
	const got: Record<string, unknown> = {};
	if (data.healthz !== undefined) {
		[wanted.healthz, got.healthz] = [data.healthz, healthzAnswer(state, describedNode(data.node), 1, 10).status];
	}
	if (data.livez !== undefined) [wanted.livez, got.livez] = [data.livez, livezAnswer(state, 1, 10).status];
	return compare(name, wanted, got);
}
