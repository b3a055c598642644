// The composition root: manifests, or a literal network, become rules, links and routes in the engine, and questions about
// them get answers. No sockets, no files, no clock: this runs in a browser as it does in Node and Deno.

import { type Backend, backendOf, type EngineModule } from "../bindings/core.ts";
import type { Machine } from "../bindings/machine.ts";
import { SpareRecordings } from "../bindings/spares.ts";
import type { KubernetesObject } from "./api/meta.ts";
import { timeOf } from "./api/time.ts";
import { ClusterApi } from "./cluster/api.ts";
import type { ApiServer, ApiServerOptions, ObjectReader } from "./cluster/apiserver.ts";
import { relevant } from "./cluster/assumptions.ts";
import { addHosts, type Plan, planOfLab } from "./cluster/build.ts";
import { DataPlane } from "./cluster/dataplane.ts";
import { InputErrors, UnknownReferenceError, UnsettledError } from "./cluster/errors.ts";
import type { ForeignDataPlane } from "./cluster/evaluation.ts";
import { kubeConfigOver, type LoadableKubeConfig } from "./cluster/kubeconfig.ts";
import { NodeWire } from "./cluster/nodewire.ts";
import {
	type ClusterOptions,
	given,
	type LabSpec,
	loadGiven,
	type ReplayRequest,
	type RestoreOptions,
	referenceOf,
	type TraceQuery,
} from "./cluster/options.ts";
import { Reality } from "./cluster/reality.ts";
import { Reconciler } from "./cluster/reconciler.ts";
import { replayContext } from "./cluster/replaycontext.ts";
import { replayIn } from "./cluster/replaying.ts";
import { netnsOfNode, Resolver } from "./cluster/resolve.ts";
import type { ClusterState } from "./cluster/snapshot.ts";
import {
	addressesText,
	conntrackText,
	firstAddress,
	type IptablesTextOptions,
	iptablesText,
	routesText,
} from "./cluster/texts.ts";
import { podsOn, traceIn } from "./cluster/tracing.ts";
import { moduleFrom } from "./cluster/wasm.ts";
import { type Configuration, configure } from "./manifests/configuration.ts";
import type { Ignored, ManifestFile, Warning } from "./manifests/load.ts";
import { printReference, type Reference } from "./net/reference.ts";
import type { Topology } from "./net/topology.ts";
import type { ClusterEvent } from "./realise.ts";
import type { FlowReport } from "./replay/flow.ts";
import type { ReplaySource } from "./replay/reading.ts";
import { flowReports } from "./replay/replay.ts";
import type { ReplayReport } from "./replay/report.ts";
import type { TracePath } from "./trace/path.ts";
import type { Wire } from "./wire/wire.ts";

export type { ObjectReader } from "./cluster/apiserver.ts";
export * from "./cluster/errors.ts";
export type { NodeStates, NodeStateTexts, StateText } from "./cluster/nodestate.ts";
export type { ClusterOptions, LabSpec, ReplayRequest, RestoreOptions, TraceQuery } from "./cluster/options.ts";
export { type Setting, settingsOf } from "./cluster/settings.ts";
export type { WasmSource } from "./cluster/wasm.ts";
export { SnapshotError } from "./snapshot/error.ts";

/** What a cluster begins with that goes on where another one was. */
interface Begun {
	reality: (warnings: Warning[]) => Reality;
	plane: (plan: Plan | null) => DataPlane;
}

/** Of a network that was opened again from a snapshot of another engine. */
const ANEW: Warning = {
	...{ file: "snapshot", line: 0, column: 0, path: "" },
	message: "the engine began anew: connections, counters, and what was learned of neighbours are lost",
};

export class Cluster implements Disposable {
	readonly #options: ClusterOptions;
	readonly #module: EngineModule;
	readonly #reality: Reality;
	readonly #plane: DataPlane;
	readonly #reconciler: Reconciler;
	readonly #spares = new SpareRecordings();
	#api: ClusterApi | null = null;
	#server: ApiServer | null = null;

	/** What the engine runs on; both give the same answers. */
	readonly backend: Backend;
	/** Problems of the input that change nothing. */
	readonly warnings: Warning[] = [];
	/** Kinds that are not modelled, and change no verdict. */
	readonly ignored: Ignored[] = [];

	private constructor(module: EngineModule, options: ClusterOptions, like: Begun | null = null) {
		this.#module = module;
		this.#options = options;
		this.#reality = like === null ? new Reality(options, this.warnings) : like.reality(this.warnings);
		this.#plane = like === null ? new DataPlane(module, options) : like.plane(this.#reality.live);
		this.#reconciler = new Reconciler(this.#reality, this.#plane, {
			probed: options.probes !== "app",
			server: () => this.#server,
		});
		this.backend = backendOf(module);
	}

	/** The same cluster with a future of its own, of objects and of packets. Throws EngineError after a replay on several threads. */
	fork(): Cluster {
		const copy = new Cluster(this.#module, this.#options, {
			reality: (warnings) => this.#reality.fork(warnings),
			plane: (plan) => this.#plane.fork(plan),
		});
		const server = this.#server?.fork(copy.#serverOptions) ?? null;
		return copy.#goesOn({ ...this.#said, hasServer: this.#reality.hasServer }, server);
	}

	/** What it has said, and up to where it has acted. Copied. */
	get #said(): Pick<ClusterState, "acted" | "warnings" | "ignored"> {
		return { acted: this.#reconciler.acted, warnings: [...this.warnings], ignored: [...this.ignored] };
	}

	/** Where another one was, whose server `server` is a copy of. */
	#goesOn(
		{
			acted,
			warnings,
			ignored,
			hasServer,
		}: Pick<ClusterState, "acted" | "warnings" | "ignored"> & { hasServer: boolean },
		server: ApiServer | null,
	): this {
		this.#reconciler.acted = acted;
		this.warnings.push(...warnings);
		this.ignored.push(...ignored);
		if (server === null) return this;
		this.#server = server;
		if (hasServer) this.#reality.takeOver(server);
		this.#api = new ClusterApi(this.#namespace, () => this.#apiServer(), server);
		return this;
	}

	/**
	 * All that it is, as the bytes of a file (docs/snapshot.md): objects and their last changes, time and pending work, what each
	 * component knows, connections and counters. The same cluster gives the same bytes. Throws EngineError after a replay on several
	 * threads.
	 */
	async snapshot(): Promise<Uint8Array<ArrayBuffer>> {
		const { writeSnapshot } = await import("./cluster/snapshot.ts");
		const { wasm: _, backend: __, now, ...options } = this.#options;
		const state: ClusterState = {
			...{ options, now: now?.() ?? null },
			...this.#said,
			reality: this.#reality.state,
			server: this.#server?.state ?? null,
			plane: this.#plane.stateBeside(this.#reality.live),
		};
		const { server, plane } = state;
		return writeSnapshot(state, this.#module, timeOf(server?.now ?? state.now ?? plane?.now ?? 0n));
	}

	/** The cluster of a snapshot, which goes on where that one was. Throws SnapshotError, and then there is none; EngineError. */
	static async restore(
		bytes: Uint8Array<ArrayBuffer>,
		{ engine = "same", ...own }: RestoreOptions = {},
	): Promise<Cluster> {
		const module = await moduleFrom(own.wasm, own.backend);
		const { readSnapshot, restored } = await import("./cluster/snapshot.ts");
		const state = await readSnapshot(bytes, module, engine);
		// Where nobody has asked the API anything its code is not needed.
		const { ApiServer } = state.server === null ? { ApiServer: null } : await import("./cluster/apiserver.ts");
		return restored(() => Cluster.#of(state, module, { ...own, engine }, ApiServer));
	}

	static #of(
		state: ClusterState,
		module: EngineModule,
		{ now: clock, engine, ...own }: RestoreOptions,
		Server: typeof ApiServer | null,
	): Cluster {
		const { now: was } = state;
		const now = clock ?? (was === null ? undefined : () => was);
		const options: ClusterOptions = { ...state.options, ...given({ ...own, now }) };
		const anew = engine === "anew";
		const cluster: Cluster = new Cluster(module, options, {
			reality: (warnings) => Reality.of(state.reality, options, warnings),
			plane: (plan) =>
				state.plane === null
					? new DataPlane(module, options)
					: DataPlane.of(state.plane, module, options, { plan, anew }),
		});
		const server = state.server && (Server?.of(state.server, cluster.#settings) ?? null);
		cluster.#goesOn({ ...state, hasServer: state.reality.hasServer }, server);
		if (own.rootCA !== undefined && own.rootCA !== state.options.rootCA) server?.authorityChanged();
		if (anew && state.plane !== null) cluster.warnings.push(ANEW);
		return cluster;
	}

	/** An empty cluster. Its nodes are those of the manifests, else `nodes` (default 3) invented ones. */
	static async create(options: ClusterOptions = {}): Promise<Cluster> {
		return new Cluster(await moduleFrom(options.wasm, options.backend), options);
	}

	/** A literal network, ready for questions. Throws TextError, TopologyError, EncodeError, CapacityError. */
	static async fromNodes(lab: LabSpec, options: ClusterOptions = {}): Promise<Cluster> {
		const cluster = new Cluster(await moduleFrom(options.wasm, options.backend), options);
		cluster.#plane.open(planOfLab(lab));
		return cluster;
	}

	/**
	 * Adds manifests: YAML or JSON text, named texts, objects. All or nothing: throws InputErrors with every error and its
	 * place, and the cluster is as before.
	 */
	async apply(manifests: string | readonly ManifestFile[] | readonly object[]): Promise<void> {
		const loaded = loadGiven(manifests, this.#options.namespace);
		if (loaded.errors.length > 0) throw new InputErrors(loaded.errors);
		this.warnings.push(...loaded.warnings);
		this.ignored.push(...loaded.ignored);
		this.#reality.add(loaded);
	}

	/**
	 * Manifests become a cluster: the first time from a standing start; what is applied later, and what clients write to `api`,
	 * change by change, as controllers, scheduler and kubelets act until nothing is on its way. Every node has its rules, links and
	 * routes; where those stay, so does the state of packets (conntrack, counters). Throws InputErrors, FlagError, TextError,
	 * NotModelledError …; then what was applied since the last settle is dropped, and the network is as it was.
	 */
	async settle(): Promise<void> {
		this.#reconciler.adoptEdits();
		const later = this.#reality.started && this.#reality.isWaiting;
		const server = later ? await this.api.open() : await this.#api?.opened;
		// A standing start happens once: where nothing was applied and nobody has asked the API, all is as it was.
		if (server === undefined && this.#reality.started && this.#plane.loaded !== null) return;
		this.#reconciler.take(this.#reality.settle(server ?? null, this.#plane.netnsOf));
	}

	/** Lets virtual time pass, with all that happens in it. The network follows when it is asked. Throws as `settle` does. */
	async advance(ms: number): Promise<void> {
		await this.#act((server) => server.advance(ms));
	}

	/**
	 * Lets virtual time pass until something holds of the objects, by resource as in `pods`, `deployments.apps`; whether it came
	 * to hold within `withinMs` (default ten minutes). Throws as `settle` does.
	 */
	async runUntil(holds: (objects: ObjectReader) => boolean, withinMs?: number): Promise<boolean> {
		return this.#act((server) => server.runUntil(holds, withinMs));
	}

	async #act<T>(act: (server: ApiServer) => T): Promise<T> {
		if (this.#reality.isWaiting) await this.settle();
		const server = await this.api.open();
		this.#reconciler.adoptEdits();
		const done = act(server);
		this.#reconciler.acted = server.revision;
		return done;
	}

	get #namespace(): string {
		return this.#options.namespace ?? "default";
	}

	/** Of the cluster as it is now. Throws UnsettledError. */
	#settled<T>(what: (loaded: NonNullable<DataPlane["loaded"]>) => T): T {
		this.#reconciler.follow();
		const { loaded } = this.#plane;
		if (loaded === null || this.#reality.isWaiting || this.#api?.changed === true) throw new UnsettledError();
		return what(loaded);
	}

	/**
	 * What controllers made of the manifests, read and written as by clients: components act on what is written with the next
	 * `settle`, `advance` or `runUntil`. What was applied before the first question is settled by then.
	 */
	get api(): ClusterApi {
		this.#api ??= new ClusterApi(this.#namespace, () => this.#apiServer());
		return this.#api;
	}

	async #apiServer(): Promise<ApiServer> {
		const { ApiServer } = await import("./cluster/apiserver.ts");
		// A literal network has no objects, and becomes no other.
		if (!this.#reality.started && this.#plane.loaded === null)
			this.#reconciler.take(this.#reality.settle(null, this.#plane.netnsOf));
		const { objects, manifests } = this.#reality;
		this.#server = ApiServer.over(objects, manifests, this.#settings);
		return this.#server;
	}

	get #settings(): ApiServerOptions {
		const { rootCA } = this.#options;
		return {
			...{ ...this.#serverOptions, seed: this.#seed, namespace: this.#namespace },
			...(rootCA === undefined ? {} : { rootCA }),
			configuration: this.configuration ?? configure([], this.#options).configuration,
		};
	}

	/** Where the API has its time from, who hears what its components say, and what its kubelets dial on. */
	get #serverOptions(): Pick<ApiServerOptions, "clock" | "heard" | "wire"> {
		const now = this.#options.now ?? (() => this.#plane.loaded?.wire.now ?? 0n);
		const wire = new NodeWire(this.#plane, () => this.#reconciler.followProbe());
		return {
			...{ clock: { now }, heard: (...said) => this.#reality.hear(...said) },
			wire: this.#options.probes === "app" ? undefined : wire,
		};
	}

	/** Of `@kubernetes/client-node`'s class, one whose clients and informers ask `api` in this process. Not in browsers. */
	async kubeConfig<T extends LoadableKubeConfig>(KubeConfig: new () => T): Promise<T> {
		const { agentTo } = await import("#agent");
		return kubeConfigOver(KubeConfig, agentTo(this.api), this.#namespace);
	}

	get #seed(): bigint {
		return BigInt(this.#options.seed ?? 1);
	}

	/** The engine with this cluster in it: for replays and tests. Throws UnsettledError. */
	get machine(): Machine {
		return this.#settled(({ machine }) => machine);
	}

	/** Virtual time and sockets over the machine. Throws UnsettledError. */
	get wire(): Wire {
		const wire = this.#settled(({ wire: own }) => own);
		if (this.#server !== null) this.#plane.catchUp(this.#server.now);
		return wire;
	}

	/** Nodes, pods, machines outside and the router. Throws UnsettledError. */
	get topology(): Topology {
		return this.#settled(({ plan }) => plan.topology);
	}

	/** All API objects as the controllers left them; of a literal network none. */
	get objects(): readonly KubernetesObject[] {
		this.#reconciler.follow();
		return this.#reality.objects;
	}

	get events(): readonly ClusterEvent[] {
		return this.#reality.events;
	}

	/** Virtual time, ns since the epoch. */
	get now(): bigint {
		return this.#server?.now ?? this.#options.now?.() ?? this.wire.now;
	}

	/** Each setting with its source; null before `settle` and for a literal network. */
	get configuration(): Configuration | null {
		return this.#reality.configuration;
	}

	/** What was taken to be so without being said. */
	get assumed(): readonly string[] {
		this.#reconciler.follow();
		return [...this.#reality.assumed, ...(this.#plane.loaded?.assumed ?? [])];
	}

	/** `KIND NS/NAME` of all objects that could change some verdict and are not evaluated, and foreign data planes. */
	get notEvaluated(): readonly string[] {
		this.#reconciler.follow();
		return this.#reality.evaluation.all();
	}

	/** Data planes other than kube-proxy's that carry this cluster's Services, and why we think so. */
	get foreignDataPlanes(): readonly ForeignDataPlane[] {
		return this.#reality.evaluation.foreign;
	}

	/**
	 * One packet there and back. State is kept from trace to trace, as a node keeps it, and lives on where a machine outside comes
	 * that no one has named before. Throws UnknownReferenceError, NotModelledError, TextError.
	 */
	trace(query: TraceQuery): TracePath {
		const [from, to] = [referenceOf(query.from, "from", this.#namespace), referenceOf(query.to, "to", this.#namespace)];
		const resolver = this.#resolver();
		const source = resolver.source(from);
		const target = resolver.target(to, query.proto ?? null);
		const proto = query.proto ?? target.proto ?? "tcp";
		if (target.port === null && proto !== "icmp")
			throw new UnknownReferenceError(printReference(to), `expected a port, as in ${printReference(to)}:80`);
		const assumed = this.#meet(source.outside, target.outside ? target.address : null);
		const { netns } = source;
		const packet = { netns, address: target.address, proto, sport: query.sport, dport: target.port ?? 0 };
		const traced = traceIn(this, packet);
		const involved = [...source.pods, ...target.pods, ...podsOn(traced)];
		const concern = { pods: new Set(involved), service: target.service, delivered: traced.delivered };
		return {
			...traced,
			assumed: [...assumed, ...relevant(this.assumed, concern)],
			notEvaluated: this.#reality.evaluation.touching(involved, this.objects),
		};
	}

	#resolver(): Resolver {
		const domain = this.configuration?.clusterDomain.value ?? "cluster.local";
		return new Resolver(this.objects, this.topology, domain);
	}

	/** Machines outside that a trace names come into being. Where a router's own routes are given, they say who is there. */
	#meet(source: string | null, target: string | null): string[] {
		// A literal network is what it is.
		if (!this.#reality.started) {
			if (source !== null) throw new UnknownReferenceError(`host/${source}`, "the network has no such host");
			return [];
		}
		const routesGiven = this.#options.nodeState?.get("router")?.routes !== undefined;
		const wanted = [source, routesGiven ? null : target].filter((ip) => ip !== null);
		const { hosts } = this.topology;
		if (addHosts(hosts, wanted)) this.#settled(() => this.#plane.meet());
		const listens =
			target !== null && wanted.includes(target) ? [`listens: ${target}, a machine outside, on any port`] : [];
		return source === null ? listens : [`host: ${source} is a machine outside`, ...listens];
	}

	/**
	 * A recording offered again to this cluster. It is read twice; machines outside that it needs come into being, and the
	 * network's state starts afresh and stays as the last packet left it. Throws SourceError, SequenceError, EventError,
	 * CapacityError, CaptureError, LineError, and the signal's reason.
	 */
	async replay(recorded: ReplaySource | readonly ReplaySource[], request: ReplayRequest = {}): Promise<ReplayReport> {
		return replayIn(this, [recorded].flat(), request, {
			...{ module: this.#module, options: this.#options, namespace: this.#namespace, seed: this.#seed },
			...{ plane: this.#plane, reconciler: this.#reconciler, spares: this.#spares, server: () => this.#server },
		});
	}

	/** As `replay`, flow by flow in the order of their first packets; the generator returns the report. */
	async *replayFlows(
		recorded: ReplaySource | readonly ReplaySource[],
		request: ReplayRequest = {},
	): AsyncGenerator<FlowReport, ReplayReport> {
		const report = await this.replay(recorded, request);
		const { machine } = this;
		const release = this.#plane.hold();
		try {
			yield* flowReports(machine, replayContext(this.objects, this.topology, []));
		} finally {
			release();
		}
		return report;
	}

	/** IPv4 addresses that a pod, node, machine outside or address has: whose packets a mapped recording offers. */
	addressesOf(reference: string | Reference): string[] {
		const { netns, outside } = this.#resolver().source(referenceOf(reference, "reference", this.#namespace));
		return outside === null ? firstAddress(this.machine.netnsOf(netns)) : [outside];
	}

	/** A node's rules as `iptables-save` or `ip6tables-save` prints them; `asWritten`: in the words that they were fed with. */
	iptables(node: string, options: IptablesTextOptions = {}): string {
		return iptablesText(this.machine, netnsOfNode(this.machine.network, node).name, options);
	}

	/** A node's main table as `ip route` prints it. */
	routes(node: string): string {
		return routesText(netnsOfNode(this.machine.network, node), this.#options.nodeState?.get(node)?.routes);
	}

	/** A node's links as `ip addr` prints them. */
	addresses(node: string): string {
		return addressesText(netnsOfNode(this.machine.network, node), this.#options.nodeState?.get(node)?.addresses);
	}

	/** A node's connections as `conntrack -L` prints them, now. */
	conntrack(node: string): string {
		return conntrackText(this.machine, netnsOfNode(this.machine.network, node).name, this.wire.now);
	}

	/** Gives the engine's memory up; the cluster answers no more. */
	dispose(): void {
		this.#plane.close();
		this.#spares.clear();
	}

	[Symbol.dispose](): void {
		this.dispose();
	}
}
