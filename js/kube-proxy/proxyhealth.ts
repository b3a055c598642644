// kube-proxy's own /healthz and /livez (port 10256): unhealthy when a change has waited for longer than the timeout to
// be written; /healthz also when the Node is going away, so that load balancers drain it. Times in seconds of the
// caller's clock. Upstream: pkg/proxy/healthcheck/proxy_health.go, KEP-3836.

import type { Node } from "../api/core.ts";
import type { Family } from "../net/ruleset.ts";
import type { HealthAnswer } from "./health.ts";

const TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler";

/** What one family's proxier last did. */
export interface ProxierState {
	/** When rules were last written; null: never. */
	lastUpdated: number | null;
	/** When the oldest change that is not written yet came in; null: nothing waits. */
	oldestPending: number | null;
}

export type ProxyState = Partial<Record<Family, ProxierState>>;

const FRESH: ProxierState = { lastUpdated: null, oldestPending: null };

/** A Service or EndpointSlice event came in. */
export function queueUpdate(state: ProxyState, family: Family, now: number): ProxyState {
	const proxier = state[family] ?? FRESH;
	return { ...state, [family]: { ...proxier, oldestPending: proxier.oldestPending ?? now } };
}

/** The rules were written. */
export function finishUpdate(state: ProxyState, family: Family, now: number): ProxyState {
	return { ...state, [family]: { lastUpdated: now, oldestPending: null } };
}

/** A proxier that has never written rules is still starting and counts as healthy. */
function isProxierHealthy(proxier: ProxierState, now: number, timeout: number): boolean {
	if (proxier.lastUpdated === null || proxier.oldestPending === null) return true;
	return now - proxier.oldestPending < timeout;
}

/** @param timeout seconds that a change may wait */
export function isProxyHealthy(state: ProxyState, now: number, timeout: number): boolean {
	return Object.values(state).every((proxier) => isProxierHealthy(proxier, now, timeout));
}

/** Whether load balancers should send traffic to this Node: it exists and nobody is about to remove it. */
export function isNodeEligible(node: Pick<Node, "metadata" | "spec"> | null): boolean {
	if (node === null || node.metadata.deletionTimestamp !== undefined) return false;
	return !(node.spec?.taints ?? []).some((taint) => taint.key === TO_BE_DELETED_TAINT);
}

function answer(healthy: boolean, body: object): HealthAnswer {
	const headers = { "Content-Type": "application/json", "X-Content-Type-Options": "nosniff" };
	return { status: healthy ? 200 : 503, headers, body: JSON.stringify(body) };
}

export function healthzAnswer(
	state: ProxyState,
	node: Pick<Node, "metadata" | "spec"> | null,
	now: number,
	timeout: number,
): HealthAnswer {
	const healthy = isProxyHealthy(state, now, timeout);
	const nodeEligible = isNodeEligible(node);
	return answer(healthy && nodeEligible, { currentTime: now, nodeEligible, healthy });
}

/** The Node's fate plays no part here: a restart would not help. */
export function livezAnswer(state: ProxyState, now: number, timeout: number): HealthAnswer {
	const healthy = isProxyHealthy(state, now, timeout);
	return answer(healthy, { currentTime: now, healthy });
}
