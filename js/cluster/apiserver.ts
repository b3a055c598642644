// The control plane of a cluster: the API server's store, what it serves, what clients wrote there, and the components that act
// on it. A module that nothing but `cluster.api` loads, when it is asked for the first time, or when time is to pass: the code
// behind it is larger than all else.

import type { KubernetesObject } from "../api/meta.ts";
import { kubernetes } from "../api/schema/kubernetes.generated.ts";
import { bootstrap } from "../apiserver/bootstrap.ts";
import { Catalogue, type ServedResource } from "../apiserver/registry/catalogue.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { strategyOf } from "../apiserver/registry/strategies.ts";
import { type ApiRequest, type ApiResponse, isStream } from "../apiserver/rest/message.ts";
import { respond } from "../apiserver/rest/respond.ts";
import { noSuchResource, type Status, StatusError } from "../apiserver/status.ts";
import { Storage, type StorageState } from "../apiserver/storage/storage.ts";
import { seeToRevisions } from "../controllers/foundrevisions.ts";
import { ROOT_CA_PUBLISHER } from "../controllers/serviceaccount.ts";
import { serviceCIDRs } from "../controllers/servicecidr.ts";
import type { Configuration } from "../manifests/configuration.ts";
import type { Manifest } from "../manifests/manifest.ts";
import { readSingleYaml } from "../manifests/single.ts";
import type { Clock, Wire } from "../ports.ts";
import { keyOf } from "../realise/inventory.ts";
import type { Fault } from "../sim/faults.ts";
import { seededRandom } from "../sim/random.ts";
import { type SettleOptions, VirtualClock } from "../sim/simulation.ts";
import type { Synced } from "./live/network.ts";
import { proxyConfigOf } from "./live/rules.ts";
import { ClusterObjects, type ClusterObjectsState, type ObjectChanges } from "./objects.ts";
import { Running, type RunningOptions, type RunningState } from "./running.ts";
import { RegistryStore } from "./store.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Objects as they are, by resource: `pods`, `deployments.apps`. */
export type ObjectReader = Pick<RegistryStore, "get" | "list">;

export interface ApiServerOptions {
	/** Moves the API's clock on, which never goes back. */
	clock: Clock;
	seed: bigint;
	/** Of objects that name none. */
	namespace: string;
	configuration: Configuration;
	/** PEM of the authority that vouches for it; without: pods are told of none. */
	rootCA?: string;
	/** What components say. */
	heard: RunningOptions["heard"];
	/** What kubelets dial on; absent: probes are answered by what apps are taken to do. */
	wire?: Wire | undefined;
}

export interface ApiServerState {
	/** ns since the epoch. */
	now: bigint;
	storage: StorageState;
	objects: ClusterObjectsState;
	running: RunningState;
}

/** Changes that a client's watch can reach back in a server that goes on where another one was, where there were so many. */
const HISTORY = 1024;

/** Kinds of which a standing start makes nothing: their controllers begin when time does. */
const TIMED: ReadonlySet<string> = new Set(["Job", "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget"]);

const beginsLater = ({ object, observed }: Manifest) => !observed && TIMED.has(object.kind);

/** Ranges of Services that are there from the start: their controller has been at work. */
function seeToRanges(store: RegistryStore): void {
	const { registry } = store;
	const world = { store, clock: registry.clock, random: registry.random, recorder: { event: () => {} } };
	for (const { metadata } of store.list("servicecidrs.networking.k8s.io"))
		serviceCIDRs.reconcile(metadata.name ?? "", world);
}

export class ApiServer {
	readonly #registry: Registry;
	readonly #objects: ClusterObjects;
	readonly #running: Running;
	readonly #outside: Clock;
	readonly #clock: VirtualClock;
	#listener: () => void = () => {};

	private constructor(outside: Clock, objects: ClusterObjects, running: Running) {
		this.#outside = outside;
		this.#objects = objects;
		this.#running = running;
		this.#registry = running.store.registry;
		this.#clock = running.clock;
	}

	/** Over what a standing start came to, and the manifests that it began with. Throws InputErrors of one that the API refuses. */
	static over(
		made: readonly KubernetesObject[],
		manifests: readonly Manifest[],
		{ clock: outside, seed, namespace, configuration, rootCA, heard = () => {}, wire }: ApiServerOptions,
	): ApiServer {
		const clock = new VirtualClock(outside.now());
		const registry = registryOver(new Storage(), clock, seed, configuration);
		bootstrap(registry, { serviceCIDRs: configuration.serviceCIDRs.value });
		seeToRanges(new RegistryStore(registry));
		const objects = new ClusterObjects(registry, namespace);
		const later = new Set(manifests.filter(beginsLater).map(({ object }) => keyOf(object)));
		const isLater = (object: KubernetesObject) => later.has(keyOf(object));
		objects.publish(
			made.filter((object) => !isLater(object)),
			manifests.filter(({ object }) => !isLater(object)),
			rootCA ?? null,
		);
		seeToRevisions(new RegistryStore(registry));
		const running = Running.over(registry, clock, { ...settingsOf(configuration, rootCA), heard, wire });
		objects.write(manifests.filter(({ object }) => isLater(object)));
		objects.keep();
		return new ApiServer(outside, objects, running);
	}

	/** Objects, the last changes of them, and what is to be done. */
	get state(): ApiServerState {
		const running = this.#running.state;
		const objects = this.#objects.state;
		const late = Array.from(running.simulation.hearing.values(), ({ revision }) => revision);
		const needed = Math.min(this.revision - HISTORY, objects.read, running.simulation.revision, ...late);
		return { now: this.#clock.now(), storage: this.#registry.storage.stateAfter(needed), objects, running };
	}

	/** Goes on where another one was, with the same settings. Nobody listens to it yet. */
	static of(
		state: ApiServerState,
		{ clock: outside, seed, namespace, configuration, rootCA, heard = () => {}, wire }: ApiServerOptions,
	): ApiServer {
		const clock = new VirtualClock(state.now);
		const registry = registryOver(Storage.of(state.storage), clock, seed, configuration);
		const running = Running.of(state.running, registry, clock, { ...settingsOf(configuration, rootCA), heard, wire });
		return new ApiServer(outside, ClusterObjects.of(state.objects, registry, namespace), running);
	}

	/** The same objects and pending work, with a future of its own. Nobody listens to it yet. */
	fork({ clock, heard, wire }: Pick<ApiServerOptions, "clock" | "heard" | "wire">): ApiServer {
		const running = this.#running.fork(heard, wire);
		return new ApiServer(clock, this.#objects.fork(running.store.registry), running);
	}

	/** ns since the epoch. */
	get now(): bigint {
		this.#clock.moveTo(this.#outside.now());
		return this.#clock.now();
	}

	/** It is so late, ns, whatever its clock says. */
	moveTo(ns: bigint): void {
		this.#clock.moveTo(ns);
	}

	/** Of the last change. */
	get revision(): number {
		return this.#registry.storage.revision;
	}

	/** Whether anything changed since `keep`. */
	get changed(): boolean {
		return this.#objects.changed || this.#running.proxies.hasSynced;
	}

	/** Another authority vouches for it from here on: every namespace is to be told, now. */
	authorityChanged(): void {
		const { simulation, store } = this.#running;
		for (const { metadata } of store.list("namespaces")) simulation.wake(ROOT_CA_PUBLISHER, metadata.name ?? "");
	}

	/** What kube-proxies have synced since this was asked last. */
	takeSynced(): Synced {
		const { proxies } = this.#running;
		return { services: proxies.take(), looks: proxies.takeLooks() };
	}

	/** Somebody else than their agents has changed the rules of these nodes. */
	rulesEdited(nodes: Iterable<string>): void {
		const { proxies } = this.#running;
		const now = this.now;
		for (const node of nodes) this.#wake(proxies.edited(node, now), true);
	}

	/** These nodes refused what their kube-proxies fed in. */
	syncFailed(nodes: Iterable<string>): void {
		const { proxies } = this.#running;
		const now = this.now;
		for (const node of nodes) this.#wake(proxies.failed(node, now), false);
	}

	#wake({ key, afterMs }: { key: string; afterMs: number }, idle: boolean): void {
		this.#running.simulation.wake(this.#running.proxies.name, key, afterMs, idle);
	}

	/** When components have something to do next, ns; null: nothing. */
	get due(): bigint | null {
		return this.#running.simulation.due;
	}

	/** What changed since then. */
	get changes(): ObjectChanges {
		return this.#objects.changes;
	}

	/** What a plan of the cluster is made from, now. */
	get objects(): KubernetesObject[] {
		return this.#objects.current;
	}

	/** The cluster's plan knows of everything by now. */
	keep(): void {
		this.#objects.keep();
	}

	/** Manifests that come after the start. All or nothing: throws InputErrors. */
	write(manifests: readonly Manifest[]): void {
		this.#telling(() => this.#objects.write(manifests));
	}

	/** Components act until nothing is on its way; false where that takes too long. Throws NeverSettles. */
	settle(options?: SettleOptions): boolean {
		return this.#telling(() => this.#running.simulation.settle(options));
	}

	/** Lets virtual time pass. */
	advance(ms: number): void {
		this.#telling(() => this.#running.simulation.advance(ms));
	}

	/** Lets it pass until something holds, at most for `withinMs`; whether it came to hold. */
	runUntil(holds: (objects: ObjectReader) => boolean, withinMs?: number): boolean {
		const { simulation, store } = this.#running;
		return this.#telling(() => simulation.runUntil(() => holds(store), withinMs));
	}

	/** All or nothing: throws RangeError where a fault makes no sense, or names no component. */
	inject(faults: readonly Fault[]): void {
		this.#clock.moveTo(this.#outside.now());
		this.#running.simulation.inject(...faults);
	}

	#telling<T>(act: () => T): T {
		const { storage } = this.#registry;
		const { revision } = storage;
		this.#clock.moveTo(this.#outside.now());
		try {
			return act();
		} finally {
			if (storage.revision !== revision) this.#listener();
		}
	}

	/** Calls back after every change; there is one listener. */
	onChange(listener: () => void): void {
		this.#listener = listener;
	}

	respond(request: ApiRequest): ApiResponse {
		return this.#telling(() => respond(this.#registry, request, readSingleYaml));
	}

	/** Throws StatusError 404. */
	resource(apiVersion: string, kind: string): ServedResource {
		const found = this.#registry.catalogue.ofKind(apiVersion, kind);
		if (found !== undefined) return found;
		const { status } = noSuchResource();
		throw new StatusError(404, "NotFound", `no kind ${kind} in ${apiVersion}: ${status.message}`, {});
	}

	/** As `kubectl delete`: `word` is a kind, or a resource's name or short name. Throws StatusError. */
	delete(word: string, namespace: string, name: string): void {
		const wanted = word.toLowerCase();
		const found = this.#registry.catalogue.resources.find(({ name: own, kind, singular, shortNames }) => {
			return [own, own.split(".")[0], kind.toLowerCase(), singular, ...shortNames].includes(wanted);
		});
		if (found === undefined)
			throw new StatusError(404, "NotFound", `the server doesn't have a resource type "${word}"`, {});
		const within = found.namespaced ? `/namespaces/${namespace}` : "";
		const root = found.apiVersion.includes("/") ? "/apis" : "/api";
		this.call("DELETE", `${root}/${found.apiVersion}${within}/${found.name.split(".")[0]}/${name}`);
	}

	/** A request with a JSON body, or none, and the object that answers it. Throws StatusError. */
	call(method: string, path: string, search = "", body?: object, type = "application/json"): KubernetesObject {
		const headers = { "content-type": type, accept: "application/json", "user-agent": "podwire" };
		const bytes = body === undefined ? new Uint8Array() : encoder.encode(JSON.stringify(body));
		const response = this.checked({ method, url: path + search, headers, body: bytes });
		return JSON.parse(decoder.decode(response.body as Uint8Array)) as KubernetesObject;
	}

	/** Throws StatusError where the answer is one. */
	checked(request: ApiRequest): ApiResponse {
		const response = this.respond(request);
		if (response.code < 400 || isStream(response.body)) return response;
		const { code, reason, message, details, metadata } = JSON.parse(decoder.decode(response.body)) as Status;
		throw new StatusError(code, reason ?? "", message ?? "", details, metadata);
	}
}

function registryOver(storage: Storage, clock: Clock, seed: bigint, configuration: Configuration): Registry {
	const random = seededRandom(Number(BigInt.asUintN(32, seed)));
	const catalogue = new Catalogue(kubernetes, storage);
	const nodePorts = configuration.nodePorts.value;
	const serviceAccounts = !configuration.disabledPlugins.value.includes("ServiceAccount");
	return { storage, catalogue, clock, random, nodePorts, serviceAccounts, strategy: strategyOf };
}

function periodsOf(configuration: Configuration): Pick<RunningOptions, "minSyncPeriodMs" | "syncPeriodMs"> {
	const { minSyncPeriodMs, syncPeriodMs } = proxyConfigOf(configuration);
	return { minSyncPeriodMs, syncPeriodMs };
}

/** Of components. */
function settingsOf(configuration: Configuration, rootCA: string | undefined): Omit<RunningOptions, "heard"> {
	return {
		podCIDRs: configuration.podCIDRs.value,
		nodeMask: configuration.nodeMask.value,
		loadBalancerPool: configuration.loadBalancerPool.value,
		...periodsOf(configuration),
		...(rootCA === undefined ? {} : { rootCA }),
	};
}
