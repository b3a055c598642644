// Probes of a container that runs (pkg/kubelet/prober/worker.go, prober.go): when they are due, how many in a row count, and
// what they say. Whether one passes is what the app is taken to answer.

import type { Container, Pod, Probe } from "../api/core.ts";
import type { App, ProbeKind } from "./app.ts";

export interface ProbeRun {
	/** ns; when it is asked next. */
	nextAt: bigint;
	/** How many answers were the same up to now. */
	row: number;
	last: boolean | null;
	/** What counts, by the thresholds; null until there is something. */
	result: boolean | null;
}

const S = 1_000_000_000n;
const MS = 1_000_000n;

const seconds = (value: number | undefined, otherwise: number) => BigInt(value ?? otherwise) * S;

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
	const { startupProbe, readinessProbe, livenessProbe } = container;
	return { startup: startupProbe, readiness: readinessProbe, liveness: livenessProbe }[kind] ?? undefined;
}

export function beginProbe(probe: Probe, at: bigint): ProbeRun {
	return { nextAt: at + seconds(probe.initialDelaySeconds, 0), row: 0, last: null, result: null };
}

/** Takes an answer into account and says when to ask again; whether the result is another one now. */
export function count(run: ProbeRun, probe: Probe, passed: boolean, now: bigint): boolean {
	run.nextAt = now + seconds(probe.periodSeconds, 10);
	run.row = run.last === passed ? run.row + 1 : 1;
	run.last = passed;
	if (run.row < (passed ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3))) return false;
	const changed = run.result !== passed;
	run.result = passed;
	return changed;
}

export interface Asked {
	pod: Pod;
	container: Container;
	kind: ProbeKind;
	probe: Probe;
	app: App;
	/** ns. */
	startedAt: bigint;
	podIP: string;
}

/** null: it passes; else what the kubelet says of the failure. `now`: ns; null: at some time to come. */
export function failureOf(
	{ pod, container, kind, probe, app, startedAt, podIP }: Asked,
	now: bigint | null,
): string | null {
	const port = portOf(container, probe);
	if (port === null) return `couldn't find port: ${String(handlerPort(probe))}`;
	const age = now === null ? Number.POSITIVE_INFINITY : Number((now - startedAt) / MS);
	const at = hostPort(probe.httpGet?.host || probe.tcpSocket?.host || podIP, port);
	if (port !== 0 && (age < app.listensAfterMs || !listens(pod, port))) return refused(probe, at);
	if (app.fails.has(kind) || (kind === "readiness" && age < app.readyAfterMs)) return unwell(probe, at);
	return null;
}

/** 0 of a command; null of a name that the container does not have. */
function portOf({ ports = [] }: Container, probe: Probe): number | null {
	const port = handlerPort(probe);
	if (port === undefined) return 0;
	if (typeof port === "number") return port;
	const named = ports.find(({ name }) => name === port)?.containerPort;
	return named ?? (/^\d+$/.test(port) ? Number.parseInt(port, 10) : null);
}

const handlerPort = ({ httpGet, tcpSocket, grpc }: Probe) => httpGet?.port ?? tcpSocket?.port ?? grpc?.port;

/** A pod that declares no port is taken to listen on any. */
function listens({ spec }: Pod, port: number): boolean {
	const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
	const ports = [...(spec?.containers ?? []), ...sidecars].flatMap((container) => container.ports ?? []);
	return ports.length === 0 || ports.some(({ containerPort }) => containerPort === port);
}

const hostPort = (host: string, port: number) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

function refused(probe: Probe, at: string): string {
	const dial = `dial tcp ${at}: connect: connection refused`;
	const { httpGet } = probe;
	if (httpGet === undefined) return probe.grpc === undefined ? dial : unwell(probe, at);
	const scheme = (httpGet.scheme ?? "HTTP").toLowerCase();
	const path = httpGet.path ?? "/";
	return `Get "${scheme}://${at}${path.startsWith("/") ? path : `/${path}`}": ${dial}`;
}

function unwell(probe: Probe, at: string): string {
	if (probe.httpGet !== undefined) return "HTTP probe failed with statuscode: 503";
	if (probe.tcpSocket !== undefined) return `dial tcp ${at}: connect: connection refused`;
	if (probe.grpc === undefined) return "";
	return `timeout: failed to connect service "${at}" within ${probe.timeoutSeconds ?? 1}s: context deadline exceeded`;
}
