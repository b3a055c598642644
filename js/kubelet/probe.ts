// Probes of a container that runs (pkg/kubelet/prober/worker.go, prober.go): when they are due, how they are asked, and how many
// answers in a row count. Whether one gets through is the network's word where there is one; what it hears is what the app is
// taken to answer. One that nobody answers fails when its time is over, not before.

import type { Container, Pod, Probe } from "../api/core.ts";
import { keyOf } from "../api/key.ts";
import type { Connection, Destination, Reached } from "../ports.ts";
import type { App, ProbeKind } from "./app.ts";
import { notConnected, timedOut, unwell } from "./failure.ts";

/** A probe that is asked and not answered yet. */
export interface Pending {
	/** ns; when it was asked. */
	since: bigint;
	/** ns; when to look at it again. */
	at: bigint;
	/** Near end of its connection, whose SYN is sent again until it is answered; null: nothing but time passes. */
	port: number | null;
	/** SYNs up to now. */
	sent: number;
}

/** Plain values alone: a fork copies them. */
export interface ProbeRun {
	/** ns; when it is asked next. */
	nextAt: bigint;
	/** How many answers were the same up to now. */
	row: number;
	last: boolean | null;
	/** What counts, by the thresholds; null until there is something. */
	result: boolean | null;
	pending: Pending | null;
	/** The network was why it failed last, not the app. */
	isCut: boolean;
}

const S = 1_000_000_000n;
const MS = 1_000_000n;
/** tcp_syn_linear_timeouts: so many SYNs a second apart, then twice as long each time. */
const SYN_LINEAR = 5;

const seconds = (value: number | undefined, otherwise: number) => BigInt(value ?? otherwise) * S;

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
	const { startupProbe, readinessProbe, livenessProbe } = container;
	return { startup: startupProbe, readiness: readinessProbe, liveness: livenessProbe }[kind] ?? undefined;
}

/** Whether anything is asked of a pod while it runs. */
export function isProbed({ spec }: Pod): boolean {
	const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
	return all.some((container) => container.readinessProbe ?? container.livenessProbe ?? container.startupProbe);
}

export function beginProbe(probe: Probe, at: bigint): ProbeRun {
	const nextAt = at + seconds(probe.initialDelaySeconds, 0);
	return { nextAt, row: 0, last: null, result: null, pending: null, isCut: false };
}

/** Takes an answer into account; whether the result is another one now. */
export function count(run: ProbeRun, probe: Probe, passed: boolean): boolean {
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

/** A connection from the pod's node, see `Wire`. */
export type Reach = (to: Destination, port: number | null) => Connection | null;

/** What has come of a probe; `none`: it could not be asked, which counts for nothing. */
export type Answer =
	| { is: "pass" }
	| { is: "failure"; says: string }
	| { is: "none"; says: string }
	| { is: "pending" };

/** Asks a probe that is due, or looks again at one that is pending. `now`: ns. */
export function ask(run: ProbeRun, asked: Asked, now: bigint, reach: Reach | undefined): Answer {
	const { probe, app, startedAt, hung } = asked;
	const target = targetOf(asked);
	const since = run.pending?.since ?? now;
	const until = since + seconds(probe.timeoutSeconds, 1);
	const [before, sent] = [run.pending, (run.pending?.sent ?? 0) + 1];
	run.pending = null;
	// A tick that comes while it waits is not lost.
	const next = since + seconds(probe.periodSeconds, 10);
	run.nextAt = next > now ? next : now;
	if (typeof target === "string") return { is: "none", says: target };
	const at = target === null ? "" : hostPort(target);
	if (before !== null && now >= until) return { is: "failure", says: timedOut(probe, at) };
	const isOpen = before !== null && before.port === null;
	const connection = target === null || isOpen ? null : (reach?.(target, before?.port ?? null) ?? null);
	const reached = isOpen ? "unanswered" : (connection?.reached ?? assumed(asked, target, now));
	const isUp = ageOf(startedAt, now) >= app.listensAfterMs;
	if (!isOpen) run.isCut = connection !== null && reached !== "connected" && isUp;
	if (reached === "waiting" || reached === "unanswered" || (reached !== "connected" && probe.grpc !== undefined)) {
		const port = reached === "waiting" ? (connection?.port ?? null) : null;
		const again = port === null ? until : now + (sent < SYN_LINEAR ? S : S << BigInt(sent - SYN_LINEAR + 1));
		run.pending = { since, at: again < until ? again : until, port, sent };
		return { is: "pending" };
	}
	if (reached !== "connected") return { is: "failure", says: notConnected(probe, at, reached) };
	if (hung || !isWell(asked, now)) return { is: "failure", says: unwell(probe, at) };
	return { is: "pass" };
}

/** What it is going to say when there is nothing more to wait for, by what the app is taken to do. */
export function willPass(asked: Asked): boolean {
	const target = targetOf(asked);
	if (typeof target === "string" || asked.hung) return false;
	return assumed(asked, target, null) === "connected" && isWell(asked, null);
}

/** What is taken to be so where no network is asked. */
function assumed({ pod, app, startedAt, hung }: Asked, target: Destination | null, now: bigint | null): Reached {
	if (hung) return "unanswered";
	if (target === null) return "connected";
	return ageOf(startedAt, now) >= app.listensAfterMs && listens(pod, target.port) ? "connected" : "ECONNREFUSED";
}

function isWell({ app, kind, startedAt }: Asked, now: bigint | null): boolean {
	return !app.fails.has(kind) && (kind !== "readiness" || ageOf(startedAt, now) >= app.readyAfterMs);
}

/** ms; `now` null: at some time to come. */
const ageOf = (startedAt: bigint, now: bigint | null) =>
	now === null ? Number.POSITIVE_INFINITY : Number((now - startedAt) / MS);

/** null of a command; of what cannot be asked why. */
function targetOf({ pod, container, probe, podIP }: Asked): Destination | string | null {
	const { httpGet, tcpSocket, grpc } = probe;
	const wanted = httpGet?.port ?? tcpSocket?.port ?? grpc?.port;
	if (wanted === undefined) return null;
	const port = portOf(container, wanted);
	// ResolveContainerPort: a name that no port has is read as a number at last.
	if (Number.isNaN(port)) return `strconv.Atoi: parsing ${JSON.stringify(wanted)}: invalid syntax`;
	if (port < 1 || port > 65535) return `invalid port number: ${port}`;
	const host = httpGet?.host || tcpSocket?.host;
	const isOwn = host === undefined && pod.spec?.hostNetwork !== true;
	return { address: host || podIP, port, pod: isOwn ? keyOf(pod) : null, asks: tcpSocket === undefined };
}

function portOf({ ports = [] }: Container, wanted: number | string): number {
	if (typeof wanted === "number") return wanted;
	const named = ports.find(({ name }) => name === wanted)?.containerPort;
	return named ?? (/^[+-]?\d+$/.test(wanted) ? Number.parseInt(wanted, 10) : Number.NaN);
}

/** A pod that declares no port is taken to listen on any. */
function listens({ spec }: Pod, port: number): boolean {
	const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
	const ports = [...(spec?.containers ?? []), ...sidecars].flatMap((container) => container.ports ?? []);
	return ports.length === 0 || ports.some(({ containerPort }) => containerPort === port);
}

const hostPort = ({ address, port }: Destination) =>
	address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
