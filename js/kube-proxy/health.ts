// The answers of a node to load-balancer health checks: the state of the per-Service servers on health-check node ports
// as a value, and what each says. Upstream: pkg/proxy/healthcheck/service_health.go. Sockets are not here.

import { joinHostPort } from "./addresses.ts";

export interface ServiceHealth {
	port: number;
	/** Local ready endpoints, as last reported. */
	endpoints: number;
}

/** By `namespace/name`: one server a Service with a health-check node port. */
export type ServiceHealthServers = ReadonlyMap<string, ServiceHealth>;

export interface HealthAnswer {
	status: 200 | 503;
	headers: Record<string, string>;
	body: string;
}

/**
 * The servers after the Services changed: gone ones close, and a Service whose port changed starts with no endpoints.
 * @param ports `namespace/name` to port, the full set
 */
export function syncHealthServices(
	servers: ServiceHealthServers,
	ports: ReadonlyMap<string, number>,
): ServiceHealthServers {
	const kept = [...ports].map(([service, port]): [string, ServiceHealth] => {
		const server = servers.get(service);
		return [service, server?.port === port ? server : { port, endpoints: 0 }];
	});
	return new Map(kept);
}

/**
 * The servers after the endpoints changed; a Service that is not named has none.
 * @param counts `namespace/name` to local ready endpoints, the full set; Services without a server are left out
 */
export function syncHealthEndpoints(
	servers: ServiceHealthServers,
	counts: ReadonlyMap<string, number>,
): ServiceHealthServers {
	const updated = [...servers].map(([service, { port }]): [string, ServiceHealth] => {
		return [service, { port, endpoints: counts.get(service) ?? 0 }];
	});
	return new Map(updated);
}

/** The sockets that are open: each port on each listen address (`0.0.0.0`, or the addresses that take NodePorts). */
export function healthListeners(servers: ServiceHealthServers, listenAddresses: readonly string[]): string[] {
	return [...servers.values()].flatMap(({ port }) => listenAddresses.map((address) => joinHostPort(address, port)));
}

/**
 * The answer of one Service's server: 200 if it has a local ready endpoint and the proxy itself is healthy.
 * Null where the Service has no server.
 */
export function serviceHealthAnswer(
	servers: ServiceHealthServers,
	service: string,
	proxyHealthy: boolean,
): HealthAnswer | null {
	const server = servers.get(service);
	if (server === undefined) return null;
	const [namespace, name] = service.split("/");
	const body = {
		service: { namespace, name },
		localEndpoints: server.endpoints,
		serviceProxyHealthy: proxyHealthy,
	};
	return {
		status: server.endpoints > 0 && proxyHealthy ? 200 : 503,
		headers: {
			"Content-Type": "application/json",
			"X-Content-Type-Options": "nosniff",
			"X-Load-Balancing-Endpoint-Weight": String(server.endpoints),
		},
		body: JSON.stringify(body, null, "\t"),
	};
}
