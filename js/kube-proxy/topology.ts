// Which endpoints of a Service port a node may use, by traffic policy, topology hints and termination.
// Upstream: pkg/proxy/topology.go (1.34 on: hints count without an annotation, node hints before zone hints).

import { ZONE } from "../api/labels.ts";
import type { EndpointInfo } from "./endpointsmap.ts";
import { compareText, type TrafficPolicy, usesClusterEndpoints, usesLocalEndpoints } from "./servicemap.ts";

export interface EndpointCategories {
	/** For policy Cluster; null where the Service port never uses that policy. */
	cluster: EndpointInfo[] | null;
	/** For policy Local; null where the Service port never uses that policy. */
	local: EndpointInfo[] | null;
	/** The union of both, ordered by `ip:port`. */
	reachable: EndpointInfo[];
	/** Some endpoint anywhere is usable, even if none is reachable from this node. */
	hasAny: boolean;
}

type Usable = (endpoint: EndpointInfo) => boolean;

const isReady: Usable = (endpoint) => endpoint.ready;
const isDraining: Usable = (endpoint) => endpoint.serving && endpoint.terminating;

/**
 * The filter that hints impose on the ready endpoints, null for none. Hints are all or nothing: each ready endpoint
 * must carry one, and one must be for this node or zone.
 */
function topologyFilter(endpoints: readonly EndpointInfo[], nodeName: string, zone: string): Usable | null {
	const ready = endpoints.filter(isReady);
	if (ready.length === 0) return null;
	const forNode: Usable = (endpoint) => endpoint.nodeHints.has(nodeName);
	if (ready.every((endpoint) => endpoint.nodeHints.size > 0) && ready.some(forNode)) return forNode;
	const forZone: Usable = (endpoint) => endpoint.zoneHints.has(zone);
	if (ready.every((endpoint) => endpoint.zoneHints.size > 0) && ready.some(forZone)) return forZone;
	return null;
}

/** Ready endpoints that pass the filter; without any, those that still serve while they terminate. */
function usable(endpoints: readonly EndpointInfo[], filter: Usable | null): EndpointInfo[] {
	const ready = endpoints.filter((endpoint) => endpoint.ready && (filter === null || filter(endpoint)));
	return ready.length > 0 ? ready : endpoints.filter(isDraining);
}

function union(a: EndpointInfo[] | null, b: EndpointInfo[] | null): EndpointInfo[] {
	const all = new Map([...(a ?? []), ...(b ?? [])].map((endpoint) => [endpoint.endpoint, endpoint]));
	return [...all.values()].sort((x, y) => compareText(x.endpoint, y.endpoint));
}

/**
 * Splits a Service port's endpoints by traffic policy.
 * - Topology narrows the Cluster set only; the Local set ignores it.
 * - The fall-back to terminating endpoints is decided for each set by itself.
 * @param endpoints in the order of `ip:port`
 * @param nodeLabels the proxy's Node's labels
 */
export function categorizeEndpoints(
	endpoints: readonly EndpointInfo[],
	policy: TrafficPolicy,
	nodeName: string,
	nodeLabels: Readonly<Record<string, string>>,
): EndpointCategories {
	const withCluster = usesClusterEndpoints(policy);
	const withLocal = usesLocalEndpoints(policy);
	const filter = topologyFilter(endpoints, nodeName, nodeLabels[ZONE] ?? "");
	const cluster = withCluster ? usable(endpoints, filter) : null;
	const ofThisNode = endpoints.filter((endpoint) => endpoint.local);
	const local = withLocal ? usable(ofThisNode, null) : null;
	const hasAny = withLocal
		? endpoints.some((endpoint) => isReady(endpoint) || isDraining(endpoint))
		: (cluster ?? []).length > 0;
	return { cluster, local, reachable: union(cluster, local), hasAny };
}
