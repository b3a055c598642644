// The API's objects beside the manifests: what controllers made of the manifests is written to the store, and what clients
// wrote there since is what the next settling begins with. A client's change to an object that a controller made is taken of
// Nodes and Namespaces alone; of others the controller's own words come back, and a warning says so.

import type { KubernetesObject } from "../api/meta.ts";
import { uidOf } from "../api/names.ts";
import { bootstrap } from "../apiserver/bootstrap.ts";
import { DEFAULTS } from "../apiserver/defaults/groups.ts";
import { withDefaults } from "../apiserver/defaults/walk.ts";
import { equalJson, type Json } from "../apiserver/patch/json.ts";
import type { ServedResource } from "../apiserver/registry/catalogue.ts";
import { GENERATIONS } from "../apiserver/registry/names.ts";
import { type Registry, timestamp } from "../apiserver/registry/request.ts";
import { repairServices } from "../apiserver/services/repair.ts";
import { controllerOf } from "../controllers/pod.ts";
import { loadObjects, type Warning } from "../manifests/load.ts";
import type { Manifest } from "../manifests/manifest.ts";
import type { NotEvaluated } from "../manifests/notevaluated.ts";
import type { AddressPrefix } from "../net/address.ts";
import { keyOf, titleOf } from "../realise/inventory.ts";
import { Simulation, VirtualClock } from "../sim/simulation.ts";
import { GarbageCollector, namespaceController } from "./collecting.ts";
import { InputErrors } from "./errors.ts";
import { RegistryStore } from "./store.ts";

/** What the server alone writes, as Services come and go. */
const SERVERS_OWN = "ipaddresses.networking.k8s.io";

/** Made kinds that a client may change all the same. */
const CHANGEABLE: ReadonlySet<string> = new Set(["Node", "Namespace"]);

interface Published {
	/** As the store has it, frozen: another one is a client's. */
	object: KubernetesObject;
	resource: ServedResource;
	/** null: a controller made it. */
	manifest: Manifest | null;
}

export interface Intents {
	manifests: Manifest[];
	warnings: Warning[];
	notEvaluated: NotEvaluated[];
}

export class ClusterObjects {
	readonly registry: Registry;
	readonly #namespace: string;
	readonly #collectors: Simulation;
	#published = new Map<string, Published>();
	/** What an API has from the start: no controller makes it, and it stays. */
	readonly #system = new Set<string>();
	#revision: number;

	/** `namespace`: of objects that name none. `serviceCIDRs`: the cluster's own. */
	constructor(registry: Registry, namespace: string, serviceCIDRs: readonly AddressPrefix[]) {
		this.registry = registry;
		const store = new RegistryStore(registry);
		const clock = new VirtualClock(0n);
		const world = { store, clock, random: registry.random, recorder: { event: () => {} } };
		this.#collectors = new Simulation([new GarbageCollector(), namespaceController], world, store, clock);
		this.#namespace = namespace;
		bootstrap(registry, { serviceCIDRs });
		for (const [key, object] of everything(registry)) {
			const resource = registry.catalogue.ofKind(object.apiVersion, object.kind) as ServedResource;
			this.#published.set(key, { object, resource, manifest: null });
			this.#system.add(key);
		}
		this.#revision = registry.storage.revision;
	}

	/** What the garbage collector and the namespace controller do about what changed. */
	collect(): void {
		this.#collectors.settle();
	}

	/** Whether clients wrote anything since `publish`. */
	get changed(): boolean {
		return this.registry.storage.revision !== this.#revision;
	}

	/**
	 * The manifests, with what clients changed, added and deleted since `publish`. Throws InputErrors where an object is
	 * none that a cluster can be made of.
	 */
	intents(manifests: readonly Manifest[]): Intents {
		const { storage } = this.registry;
		this.#endPods();
		this.collect();
		const written = new Map<string, KubernetesObject>();
		const warnings: Warning[] = [];
		for (const [key, object] of everything(this.registry)) {
			const before = this.#published.get(key);
			// One that its controller left behind is a client's.
			const made = before?.manifest === null && !isOrphaned(object, before.object);
			// Nodes are not invented a second time, so those that are there count as given.
			if (before?.object === object && !(made && object.kind === "Node")) continue;
			if (made && !CHANGEABLE.has(object.kind)) warnings.push(overruled(object));
			else
				written.set(
					key,
					withOwnTemplate(intentOf(object, before?.manifest?.observed === true || object.kind === "Node"), before),
				);
		}
		const kept = manifests.filter((manifest) => {
			const key = keyOf(this.#placed(manifest.object));
			const before = this.#published.get(key);
			if (written.has(key)) return false;
			if (before === undefined) return true;
			const { namespace = "", name = "" } = before.object.metadata;
			return storage.get(before.resource.name, namespace, name) !== undefined;
		});
		const loaded = loadObjects([...written.values()], "the API");
		if (loaded.errors.length > 0) throw new InputErrors(loaded.errors);
		return {
			manifests: [...kept, ...loaded.objects],
			warnings: [...warnings, ...loaded.warnings],
			notEvaluated: loaded.notEvaluated,
		};
	}

	// No kubelet runs: a pod that is to end has ended by the next settling.
	#endPods(): void {
		const { storage } = this.registry;
		for (const { metadata } of storage.list("pods").items) {
			const { deletionTimestamp, finalizers = [], namespace = "", name = "" } = metadata;
			if (deletionTimestamp !== undefined && finalizers.length === 0) storage.remove("pods", namespace, name);
		}
	}

	/** Writes what the controllers left, and removes what they made before and make no more. */
	publish(objects: readonly KubernetesObject[], manifests: readonly Manifest[]): void {
		const { storage, catalogue } = this.registry;
		const given = new Map(manifests.map((manifest) => [keyOf(this.#placed(manifest.object)), manifest]));
		const published = new Map<string, Published>();
		for (const made of objects) {
			const resource = catalogue.ofKind(made.apiVersion, made.kind);
			if (resource === undefined) continue;
			const object = this.#placed(made);
			const key = keyOf(object);
			published.set(key, { object: this.#put(resource, object), resource, manifest: given.get(key) ?? null });
		}
		for (const [key, before] of this.#published) {
			if (published.has(key)) continue;
			const { namespace = "", name = "" } = before.object.metadata;
			if (this.#system.has(key)) published.set(key, before);
			else if (storage.get(before.resource.name, namespace, name) === before.object)
				storage.remove(before.resource.name, namespace, name);
		}
		this.#published = published;
		repairServices(this.registry);
		this.#revision = storage.revision;
	}

	/** In the namespace that a kind without a model was written for. */
	#placed(object: KubernetesObject): KubernetesObject {
		const { apiVersion, kind, metadata } = object;
		const namespaced = this.registry.catalogue.ofKind(apiVersion, kind)?.namespaced === true;
		return metadata.namespace || !namespaced
			? object
			: { ...object, metadata: { ...metadata, namespace: this.#namespace } };
	}

	#put(resource: ServedResource, object: KubernetesObject): KubernetesObject {
		const { storage, random, clock } = this.registry;
		const { namespace = "", name = "" } = object.metadata;
		const before = storage.get(resource.name, namespace, name);
		const completed = withDefaults(this.registry.catalogue.schema, DEFAULTS, resource.type, object);
		const metadata = { ...before?.metadata, ...completed.metadata };
		if (before === undefined) {
			metadata.creationTimestamp ??= timestamp(clock);
			if (GENERATIONS.has(resource.name)) metadata.generation ??= 1;
			// A pod that comes back is another one.
			const known = this.#published.has(keyOf(object));
			if (known && resource.name === "pods") metadata.uid = uidOf(random, "pods", namespace, name, storage.revision);
		} else if (before.metadata.uid) metadata.uid = before.metadata.uid;
		const wanted = copied({ ...completed, metadata });
		if (before !== undefined && equalJson(wanted as unknown as Json, before as unknown as Json)) return before;
		return storage.put(resource.name, wanted);
	}
}

const isOrphaned = (now: KubernetesObject, before: KubernetesObject) =>
	controllerOf(before) !== undefined && controllerOf(now) === undefined;

/** As JSON carries it: nothing undefined, nothing shared with what the controllers work on. */
const copied = (object: KubernetesObject): KubernetesObject => JSON.parse(JSON.stringify(object)) as KubernetesObject;

/** Every object of the store, by key; each once, whatever versions its kind is served in. */
function* everything({ storage, catalogue }: Registry): Generator<[string, KubernetesObject], void> {
	const names = new Set(catalogue.resources.map((resource) => resource.name));
	names.delete(SERVERS_OWN);
	for (const name of names) for (const object of storage.list(name).items) yield [keyOf(object), object];
}

/** What a client wants of an object, without what the API and controllers say of it. */
function intentOf(object: KubernetesObject, withStatus: boolean): KubernetesObject {
	const { resourceVersion: _, ...metadata } = object.metadata;
	delete (metadata as { managedFields?: unknown }).managedFields;
	const { status, ...rest } = object;
	return withStatus && status !== undefined ? { ...rest, metadata, status } : { ...rest, metadata };
}

/** A pod template that nobody changed stays as the manifest has it, without defaults: its pods have a name by its hash. */
function withOwnTemplate(object: KubernetesObject, before: Published | undefined): KubernetesObject {
	const templateOf = ({ spec }: KubernetesObject) => (spec as { template?: Json } | undefined)?.template;
	const own = before?.manifest == null ? undefined : templateOf(before.manifest.object);
	if (own === undefined || before === undefined || !equalJson(templateOf(object), templateOf(before.object)))
		return object;
	return { ...object, spec: { ...(object.spec as object), template: own } };
}

function overruled(object: KubernetesObject): Warning {
	return {
		...{ file: titleOf(object), line: 0, column: 0, path: "" },
		message: "made by a controller: what a client wrote to it is not kept, as no controller acts on changes yet",
	};
}
