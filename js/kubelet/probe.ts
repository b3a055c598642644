// Probes of a container that runs (pkg/kubelet/prober/worker.go, prober.go): when they are due, how many in a row count, and
// what they say. Whether one gets through is the network's word where there is one; what it hears is what the app is taken to answer.

import type { Container, Pod, Probe } from "../api/core.ts";
import type { Reached } from "../ports.ts";
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
	/** The app does nothing any more. */
	hung: boolean;
}

/** Whether a connection comes about from the pod's node to an address and port. */
export type Reach = (to: { protocol: "tcp"; address: string; port: number }, timeoutMs: number) => Reached;

/** null: it passes; else what the kubelet says of the failure. `now`: ns; null: at some time to come. */
export function failureOf(asked: Asked, now: bigint | null, reach?: Reach): string | null {
	const { pod, container, kind, probe, app, startedAt, podIP, hung } = asked;
	const port = portOf(container, probe);
	if (port === null) return `couldn't find port: ${String(handlerPort(probe))}`;
	const age = now === null ? Number.POSITIVE_INFINITY : Number((now - startedAt) / MS);
	const address = probe.httpGet?.host || probe.tcpSocket?.host || podIP;
	const at = hostPort(address, port);
	const isListening = age >= app.listensAfterMs && listens(pod, port);
	const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
	const reached =
		port === 0 || reach === undefined
			? taken(port !== 0 && !isListening, hung)
			: reach({ protocol: "tcp", address, port }, timeoutMs);
	if (reached === "timeout") return timedOut(probe, at);
	if (reached === "refused") return refused(probe, at);
	if (hung) return timedOut(probe, at);
	if (app.fails.has(kind) || (kind === "readiness" && age < app.readyAfterMs)) return unwell(probe, at);
	return null;
}

/** What is taken to be so where no network is asked. */
const taken = (isRefused: boolean, hung: boolean): Reached => (hung ? "timeout" : isRefused ? "refused" : "connected");

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
	return `${get(httpGet, at)}: ${dial}`;
}

function get({ scheme = "HTTP", path = "/" }: NonNullable<Probe["httpGet"]>, at: string): string {
	return `Get "${scheme.toLowerCase()}://${at}${path.startsWith("/") ? path : `/${path}`}"`;
}

function timedOut(probe: Probe, at: string): string {
	const { httpGet, tcpSocket, grpc, exec, timeoutSeconds = 1 } = probe;
	if (httpGet !== undefined)
		return `${get(httpGet, at)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
	if (tcpSocket !== undefined) return `dial tcp ${at}: i/o timeout`;
	if (grpc !== undefined) return unwell(probe, at);
	return `command timed out: "${(exec?.command ?? []).join(" ")}" timed out after ${timeoutSeconds}s`;
}

function unwell(probe: Probe, at: string): string {
	if (probe.httpGet !== undefined) return "HTTP probe failed with statuscode: 503";
	if (probe.tcpSocket !== undefined) return `dial tcp ${at}: connect: connection refused`;
	if (probe.grpc === undefined) return "";
	return `timeout: failed to connect service "${at}" within ${probe.timeoutSeconds ?? 1}s: context deadline exceeded`;
}
