// What a kubelet says of a probe that failed, in upstream's words (pkg/probe): Go's for errors of the network, the probe's own for
// answers that it does not like.

import type { Probe } from "../api/core.ts";
import type { ConnectError } from "../ports.ts";

/** As Go's syscall.Errno prints them. */
const ERRORS: Readonly<Record<ConnectError, string>> = {
	ECONNREFUSED: "connection refused",
	EHOSTUNREACH: "no route to host",
	ENETUNREACH: "network is unreachable",
	ENOPROTOOPT: "protocol not available",
	EACCES: "permission denied",
	EHOSTDOWN: "host is down",
	ENONET: "machine is not on the network",
	EOPNOTSUPP: "operation not supported",
};

/** `at`: `ADDRESS:PORT`. */
export function notConnected(probe: Probe, at: string, error: ConnectError): string {
	const dial = `dial tcp ${at}: connect: ${ERRORS[error]}`;
	return probe.httpGet === undefined ? dial : `${get(probe.httpGet, at)}: ${dial}`;
}

export function timedOut(probe: Probe, at: string): string {
	const { httpGet, tcpSocket, grpc, exec, timeoutSeconds = 1 } = probe;
	if (httpGet !== undefined)
		return `${get(httpGet, at)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
	if (tcpSocket !== undefined) return `dial tcp ${at}: i/o timeout`;
	// It goes on trying until then, refused or not.
	if (grpc !== undefined)
		return `timeout: failed to connect service "${at}" within ${timeoutSeconds}s: context deadline exceeded`;
	return `command timed out: "${(exec?.command ?? []).join(" ")}" timed out after ${timeoutSeconds}s`;
}

/** The app has answered that it is not well. */
export function unwell(probe: Probe, at: string): string {
	if (probe.httpGet !== undefined) return "HTTP probe failed with statuscode: 503";
	if (probe.tcpSocket !== undefined) return notConnected(probe, at, "ECONNREFUSED");
	return probe.grpc === undefined ? "" : 'service unhealthy (responded with "NOT_SERVING")';
}

function get({ scheme = "HTTP", path = "/" }: NonNullable<Probe["httpGet"]>, at: string): string {
	return `Get "${scheme.toLowerCase()}://${at}${path.startsWith("/") ? path : `/${path}`}"`;
}
