// Which connections a kube-proxy's sync takes out of conntrack: those of UDP that a Service's address or NodePort has, and that lead to
// none of its endpoints (pkg/proxy/conntrack/cleanup.go). Of TCP nothing is: its peers find out themselves.

import type { Family } from "../net/ruleset.ts";
import { buildEndpointsMap } from "./endpointsmap.ts";
import type { ChangedServices } from "./partial.ts";
import { buildServicePortMap } from "./servicemap.ts";

/** What UDP is sent to, and what it may lead to. */
export interface UdpFrontend {
	/** null: any address of the node, it is a NodePort. */
	address: string | null;
	port: number;
	/** Endpoints that serve, terminating or not, whatever the policies say. */
	endpoints: ReadonlySet<string>;
}

/**
 * Of Services as they are when they are synced; what no change concerns has no entry that a sync before has not looked at. A Service
 * without endpoints that serve is left alone, as upstream does. `loadBalancerIPMode`: of kube-proxy's configuration. Throws AddressError.
 */
export function udpFrontends(changed: ChangedServices, family: Family, loadBalancerIPMode: boolean): UdpFrontend[] {
	const frontends: UdpFrontend[] = [];
	for (const { service, slices } of changed.values()) {
		if (service === null || !service.spec?.ports?.some(({ protocol }) => protocol === "UDP")) continue;
		const all = buildEndpointsMap(slices, family, "");
		for (const port of buildServicePortMap([service], family, loadBalancerIPMode).values()) {
			if (port.protocol !== "UDP") continue;
			const serving = (all.get(port.key) ?? []).filter((endpoint) => endpoint.serving);
			if (serving.length === 0) continue;
			const endpoints = new Set(serving.map(({ ip }) => ip));
			const addresses = [port.clusterIP, ...port.loadBalancerVIPs, ...port.externalIPs];
			for (const address of addresses) frontends.push({ address, port: port.port, endpoints });
			if (port.nodePort !== 0) frontends.push({ address: null, port: port.nodePort, endpoints });
		}
	}
	return frontends;
}
