// What a program says to a cluster: how it is made, what is asked of it.

import type { Backend, Capacities } from "../../bindings/core.ts";
import type { Flags } from "../manifests/configuration.ts";
import { isFile, type Loaded, loadManifests, loadObjects, type ManifestFile } from "../manifests/load.ts";
import { parseReference, type Reference } from "../net/reference.ts";
import type { Topology } from "../net/topology.ts";
import type { ReplayOptions } from "../replay/replay.ts";
import type { SurveyOptions } from "../replay/survey.ts";
import type { Protocol } from "../trace/path.ts";
import type { NodeStates } from "./nodestate.ts";
import type { ReplayContext } from "./replaycontext.ts";
import type { WasmSource } from "./wasm.ts";

export interface ClusterOptions extends Flags {
	/** Of every choice that chance makes; default 1. */
	seed?: bigint | number;
	/** The API's time, ns since the epoch; default: the cluster's own, which packets move on. */
	now?: () => bigint;
	/** The engine's module; default: this package's own. */
	wasm?: WasmSource;
	/** `native` runs the engine ahead of time (`npm run build:native`), `wasm` never; default: native where it is built. */
	backend?: Backend;
	/** Namespace of objects and references that name none; default `default`. */
	namespace?: string;
	/** PEM of the authority that vouches for the API server: `kube-root-ca.crt` in every namespace. Without, there is none. */
	rootCA?: string;
	/** A pod that declares no port listens on none. */
	strictPorts?: boolean;
	/**
	 * Whether probes cross the network (httpGet, tcpSocket, grpc), or are answered by what apps are taken to do. Default `network`: a
	 * cluster without probes pays nothing, one with them for each that is asked.
	 */
	probes?: "network" | "app";
	/** Real nodes' texts in place of what podwire would make. */
	nodeState?: NodeStates;
	/** Machines outside, by IPv4 address. Others come with the traces that name them. */
	hosts?: readonly string[];
	/** Find the rule that a packet meets by index instead of one by one; the answers are the same. Default true. */
	index?: boolean;
	/** Rows of the engine's tables where the defaults do not fit. */
	capacities?: Capacities;
}

/** What of a restored cluster is the host's. */
export interface RestoreOptions extends Pick<ClusterOptions, "wasm" | "backend" | "now" | "rootCA"> {
	/**
	 * `same`: the engine goes on as it was, which takes the very build of the snapshot's. `anew`: it begins afresh with the network that it
	 * had, whatever build it is; connections, counters and what it has learned of neighbours are lost, and `warnings` say so. Default
	 * `same`.
	 */
	engine?: "same" | "anew";
}

/** A literal network; what is absent is empty, the fabric `routed`. */
export interface LabSpec extends Partial<Topology> {
	nodes: Topology["nodes"];
}

export interface TraceQuery {
	/** `pod/NS/NAME`, `deploy/NS/NAME`, `node/NAME`, `host/IP`, an address. */
	from: string | Reference;
	/** Also `svc/NS/NAME:PORT`, `IP:PORT`, `http://HOST/PATH`. */
	to: string | Reference;
	/** Default: that of the Service port or container port, else tcp. */
	proto?: Protocol;
	/** Source port; ICMP: the echo identifier. Default: an ephemeral one. */
	sport?: number;
}

/** How to replay: beside the recording's own options, those of its reading. */
export interface ReplayRequest
	extends Omit<ReplayOptions, keyof ReplayContext | "assumed" | "threads" | "startReader" | "acting">,
		Pick<SurveyOptions, "taps" | "mappings" | "strictSources" | "flows" | "tcpWindows" | "keptRows"> {
	/**
	 * Threads, 1 to 16, the calling one among them; the report is the same. Several are one engine's, which runs as Wasm then. Where
	 * they share no memory the second reads what the first carries, a recording of more than `keptRows` rows, and others are not used.
	 * Default 1.
	 */
	jobs?: number;
	/** False: threads share no memory, they hand buffers over. Default: they do where the host has SharedArrayBuffer. */
	sharedMemory?: boolean;
	/**
	 * Components act as the recording's time passes: rollouts go on, probes are asked, what is deleted drains. The recording may not
	 * begin before the cluster's time. Default false: the cluster stays as it is.
	 */
	live?: boolean;
}

/** What of a request is about its reading. */
export function readingOf({ taps, mappings, strictSources, flows, tcpWindows, keptRows, signal }: ReplayRequest) {
	return given({ taps, mappings, strictSources, flows, tcpWindows, keptRows, signal });
}

/** Without what is undefined. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
	const entries = Object.entries(options).filter(([, value]) => value !== undefined);
	return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** `what` names the question's field in errors. Throws TextError. */
export function referenceOf(given: string | Reference, what: string, namespace: string): Reference {
	return typeof given === "string" ? parseReference(given, { namespace, file: what }) : given;
}

/** Manifests however a program has them. */
export function loadGiven(
	manifests: string | readonly ManifestFile[] | readonly object[],
	namespace: string | undefined,
): Loaded {
	const options = namespace === undefined ? {} : { namespace };
	if (typeof manifests === "string") return loadManifests([{ name: "manifests", text: manifests }], options);
	if (manifests.every(isFile)) return loadManifests(manifests as readonly ManifestFile[], options);
	return loadObjects(manifests, "objects", options);
}
