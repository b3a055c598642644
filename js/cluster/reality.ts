// What a cluster is, as far as objects go: from a standing start of manifests, and then as the API has it. A plan of the network is
// made from it whenever it changed; it counts once the engine has taken it.

import type { KubernetesObject } from "../api/meta.ts";
import { type Configuration, configure } from "../manifests/configuration.ts";
import { printPath } from "../manifests/document.ts";
import { ManifestError } from "../manifests/error.ts";
import { type Loaded, loadObjects, type Warning } from "../manifests/load.ts";
import { Manifest, type ManifestState } from "../manifests/manifest.ts";
import { clashesOf } from "../realise/clashes.ts";
import { keyOf, titleOf } from "../realise/inventory.ts";
import { type NetworkOptions, networkOf } from "../realise/network.ts";
import { type ClusterEvent, type Realised, realise } from "../realise.ts";
import { seededRandom } from "../sim/random.ts";
import type { ApiServer } from "./apiserver.ts";
import { addKnownHosts, type Plan } from "./build.ts";
import { InputErrors, NotModelledError } from "./errors.ts";
import { Evaluation, type EvaluationState } from "./evaluation.ts";
import type { ObjectChange } from "./live/change.ts";
import { type EditedRules, type Followed, LiveNetwork, type LiveNetworkState, type NetnsOf } from "./live/network.ts";
import type { ClusterOptions } from "./options.ts";

export interface Planned {
	plan: Plan;
	/** What is different in the network that the engine has; null: it has none of it yet. */
	followed: Followed | null;
	/** The engine has taken it: from here on the cluster is this one. */
	keep: () => void;
	/** What it is a plan of. */
	objects: () => readonly KubernetesObject[];
}

interface Applied {
	manifests: readonly Manifest[];
	evaluation: Evaluation;
}

/** What is asked of a standing start afterwards. */
type Start = Pick<Realised, "assumedObjects" | "events">;

interface Facts {
	/** Of the standing start. */
	objects: readonly KubernetesObject[];
	/** What the network was laid out as. */
	live: LiveNetwork;
	configuration: Configuration;
	evaluation: Evaluation;
	/** Everything that was loaded, by key: what settings are read from. */
	manifests: Map<string, Manifest>;
}

interface AppliedState {
	manifests: readonly ManifestState[];
	evaluation: EvaluationState;
}

interface FactsState extends Pick<Facts, "objects" | "configuration"> {
	live: LiveNetworkState;
	evaluation: EvaluationState;
	manifests: Map<string, ManifestState>;
}

export interface RealityState {
	waiting: AppliedState | null;
	applied: AppliedState;
	start: Start | null;
	facts: FactsState | null;
	/** Where a plan has not failed half-way, that of `facts`. */
	live: LiveNetworkState | null;
	hasServer: boolean;
	said: Set<string>;
	happened: ClusterEvent[];
}

/** Kinds that settings are read from, or that tell of another data plane; of pods those of the control plane. */
const SETTINGS: ReadonlySet<string> = new Set(["ConfigMap", "DaemonSet", "FelixConfiguration", "ServiceCIDR"]);

export class Reality {
	readonly #options: ClusterOptions;
	readonly #namespace: string;
	/** Applied and not settled yet. */
	#waiting: Applied | null = null;
	#applied: Applied = {
		manifests: [],
		evaluation: new Evaluation([], []),
	};
	#start: Start | null = null;
	#facts: Facts | null = null;
	/** Whose objects a plan was made of last. */
	#server: ApiServer | null = null;
	/** null: a plan failed half-way, the next one begins anew. */
	#live: LiveNetwork | null = null;
	#said = new Set<string>();
	readonly #happened: ClusterEvent[] = [];

	readonly #warnings: Warning[];

	/** `warnings`: gets the problems of what clients wrote that change nothing. */
	constructor(options: ClusterOptions, warnings: Warning[]) {
		this.#options = options;
		this.#warnings = warnings;
		this.#namespace = options.namespace ?? "default";
	}

	/** The same past, with a future of its own. `warnings`: those of its cluster. `takeOver` gives it its own server. */
	fork(warnings: Warning[]): Reality {
		const copy = new Reality(this.#options, warnings);
		copy.#waiting = this.#waiting;
		copy.#applied = this.#applied;
		copy.#start = this.#start;
		copy.#live = this.#live?.fork() ?? null;
		copy.#server = this.#server;
		if (this.#facts !== null) {
			const { manifests, live } = this.#facts;
			copy.#facts = { ...this.#facts, manifests: new Map(manifests), live: copy.#live ?? live };
		}
		copy.#said = new Set(this.#said);
		copy.#happened.push(...this.#happened);
		return copy;
	}

	/** Copied; but for the server. */
	get state(): RealityState {
		const manifestOf = once(({ state }: Manifest) => state);
		const applied = ({ manifests, evaluation }: Applied): AppliedState => {
			return { manifests: manifests.map(manifestOf), evaluation: evaluation.state };
		};
		const liveOf = once((live: LiveNetwork) => live.state);
		const facts = ({ objects, live, configuration, evaluation, manifests }: Facts): FactsState => ({
			...{ objects, configuration, live: liveOf(live), evaluation: evaluation.state },
			manifests: new Map(Array.from(manifests, ([key, manifest]) => [key, manifestOf(manifest)])),
		});
		const { assumedObjects = [], events = [] } = this.#start ?? {};
		return {
			waiting: this.#waiting === null ? null : applied(this.#waiting),
			applied: applied(this.#applied),
			start: this.#start === null ? null : { assumedObjects: [...assumedObjects], events: [...events] },
			facts: this.#facts === null ? null : facts(this.#facts),
			live: this.#live === null ? null : liveOf(this.#live),
			hasServer: this.#server !== null,
			said: new Set(this.#said),
			happened: [...this.#happened],
		};
	}

	/** Goes on where another one was, whose state it takes. `warnings`: those of its cluster. `takeOver` gives it its server. */
	static of(state: RealityState, options: ClusterOptions, warnings: Warning[]): Reality {
		const reality = new Reality(options, warnings);
		const manifestOf = once(Manifest.of);
		const applied = ({ manifests, evaluation }: AppliedState): Applied => {
			return { manifests: manifests.map(manifestOf), evaluation: Evaluation.of(evaluation) };
		};
		const liveOf = once(LiveNetwork.from);
		reality.#waiting = state.waiting === null ? null : applied(state.waiting);
		reality.#applied = applied(state.applied);
		reality.#start = state.start;
		reality.#live = state.live === null ? null : liveOf(state.live);
		if (state.facts !== null) {
			const { objects, configuration, evaluation, live, manifests } = state.facts;
			reality.#facts = {
				...{ objects, configuration, live: liveOf(live), evaluation: Evaluation.of(evaluation) },
				manifests: new Map(Array.from(manifests, ([key, manifest]) => [key, manifestOf(manifest)])),
			};
		}
		reality.#said = state.said;
		reality.#happened.push(...state.happened);
		return reality;
	}

	/** What another server's objects were is this one's, which goes on where that one was. */
	takeOver(server: ApiServer): void {
		this.#server = server;
	}

	/** Whether a plan was made of a server's objects. */
	get hasServer(): boolean {
		return this.#server !== null;
	}

	/** The plan that changes of objects are followed by; null: the next one begins anew. */
	get live(): Plan | null {
		return this.#live;
	}

	/** Whether there is a standing start, which happens once. */
	get started(): boolean {
		return this.#start !== null;
	}

	/** Manifests that no settling has seen. */
	get isWaiting(): boolean {
		return this.#waiting !== null;
	}

	get objects(): readonly KubernetesObject[] {
		return this.#server?.objects ?? this.#facts?.objects ?? [];
	}

	get assumed(): readonly string[] {
		return [...(this.#start?.assumedObjects ?? []), ...(this.#facts?.live.assumed ?? [])];
	}

	get configuration(): Configuration | null {
		return this.#facts?.configuration ?? null;
	}

	get events(): readonly ClusterEvent[] {
		return [...(this.#start?.events ?? []), ...this.#happened];
	}

	get evaluation(): Evaluation {
		return this.#waiting?.evaluation ?? this.#facts?.evaluation ?? this.#applied.evaluation;
	}

	/** What the standing start began with. */
	get manifests(): readonly Manifest[] {
		return this.#applied.manifests;
	}

	add({ objects, notEvaluated }: Pick<Loaded, "objects" | "notEvaluated">): void {
		const manifests = [...(this.#waiting?.manifests ?? []), ...objects];
		this.#waiting = { manifests, evaluation: this.evaluation.with(notEvaluated) };
	}

	/** What a component says. */
	hear(about: KubernetesObject, type: ClusterEvent["type"], reason: string, message: string): void {
		this.#happened.push({ type, object: titleOf(about), reason, message });
	}

	/**
	 * The plan of what was applied: from a standing start, or where there was one, of the API after its components have acted.
	 * Throws InputErrors, NotModelledError …; what was waiting is dropped then.
	 */
	settle(server: ApiServer | null, netnsOf: NetnsOf): Planned {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (server === null || this.#start === null) return this.#standing(waiting ?? this.#applied);
		if (waiting !== null) server.write(waiting.manifests);
		server.settle();
		return this.plan(server, netnsOf);
	}

	/** Somebody else than their agents has changed rules of nodes, by node name: agents go on from what is there. */
	edit(server: ApiServer, edits: ReadonlyMap<string, EditedRules>): void {
		for (const [node, rules] of edits) this.#live?.edit(node, rules);
		server.rulesEdited(edits.keys());
	}

	/** The engine would not take what was planned last: the next plan begins anew. */
	forget(): void {
		this.#live = null;
	}

	#standing({ manifests, evaluation }: Applied): Planned {
		const { configuration, errors, foreign } = configure(manifests, this.#options);
		throwAll(errors);
		if (configuration.proxyMode.value === "nftables")
			throw new NotModelledError("kube-proxy's nftables mode", "use --proxy-mode iptables for what it would answer");
		const { seed = 1 } = this.#options;
		const random = seededRandom(Number(BigInt.asUintN(32, BigInt(seed))));
		const realised = realise(manifests, configuration, random, this.#networkOptions);
		throwAll(realised.errors);
		const { objects, configuration: adjusted } = realised;
		const ofNetwork = realised.assumed.slice(realised.assumedObjects.length);
		const live = this.#liveOf({ ...realised, assumed: ofNetwork });
		const keep = () => {
			this.#live = live;
			this.#applied = { manifests, evaluation };
			this.#start = { assumedObjects: realised.assumedObjects, events: realised.events };
			const loaded = new Map(manifests.map((manifest) => [keyOf(manifest.object), manifest]));
			const known = evaluation.beside(foreign);
			this.#facts = { objects, live, configuration: adjusted, evaluation: known, manifests: loaded };
		};
		return { plan: live, followed: null, keep, objects: () => objects };
	}

	/** Of the API as it is. `netnsOf`: as the engine has it. Throws InputErrors, AddressError. */
	plan(server: ApiServer, netnsOf: NetnsOf): Planned {
		const facts = this.#facts as Facts;
		const { written, gone, before } = server.changes;
		const loaded = loadObjects([...written.values()], "the API");
		throwAll(loaded.errors);
		const changes = Array.from(before, ([key, was]): ObjectChange => ({ before: was, now: written.get(key) ?? null }))
			// What came and went in between.
			.filter((change) => (change.before ?? change.now) !== null);
		const manifests = new Map(loaded.objects.map((manifest) => [keyOf(manifest.object), manifest]));
		const changed = new Set([...written.keys(), ...gone].map(titleOfKey));
		let evaluation = facts.evaluation.without(changed, this.#namespace).with(loaded.notEvaluated);
		if (changes.some(concernsSettings)) {
			const all = new Map(facts.manifests);
			for (const key of gone) all.delete(key);
			for (const [key, manifest] of manifests) all.set(key, manifest);
			const { errors, foreign } = configure([...all.values()], this.#options);
			throwAll(errors);
			evaluation = evaluation.beside(foreign);
		}
		const { live, followed } = this.#followed(server, changes, netnsOf);
		const keep = () => {
			server.keep();
			server.syncFailed(followed?.failed ?? []);
			for (const key of before.keys()) facts.manifests.delete(key);
			for (const [key, manifest] of manifests) facts.manifests.set(key, manifest);
			this.#server = server;
			this.#facts = { ...facts, live, evaluation };
			this.#warn(loaded.warnings);
		};
		return { plan: live, followed, keep, objects: () => server.objects };
	}

	#followed(
		server: ApiServer,
		changes: readonly ObjectChange[],
		netnsOf: NetnsOf,
	): { live: LiveNetwork; followed: Followed | null } {
		const live = this.#live;
		// Texts of real nodes name devices and rules as they were.
		const isGiven = (this.#options.nodeState?.size ?? 0) > 0;
		this.#live = null;
		const synced = server.takeSynced();
		const followed = live === null || isGiven ? null : live.follow(changes, synced, netnsOf);
		if (live !== null && followed !== null) {
			this.#live = live;
			return { live, followed };
		}
		const { objects } = server;
		throwAll(
			clashesOf(objects).map(({ object, path, message }) => {
				return new ManifestError({ file: titleOf(object), line: 0, column: 0 }, printPath(path), message);
			}),
		);
		const { configuration } = this.#facts as Facts;
		const network = networkOf(objects, configuration, this.#networkOptions);
		throwAll(network.errors);
		const replanned = live?.replan(objects, synced, network) ?? null;
		this.#live = live ?? this.#liveOf({ ...network, objects, configuration });
		return { live: this.#live, followed: replanned };
	}

	get #networkOptions(): NetworkOptions {
		return { strictPorts: this.#options.strictPorts ?? false };
	}

	#liveOf(made: Pick<Realised, "topology" | "portmap" | "assumed" | "objects" | "configuration">): LiveNetwork {
		const { nodeState = new Map(), hosts = [] } = this.#options;
		const { objects, configuration, ...network } = made;
		const live = LiveNetwork.of(objects, configuration, network, this.#networkOptions);
		addKnownHosts(live.topology, nodeState, hosts);
		return live;
	}

	/** Once each: what a controller writes to an object says nothing new of it. */
	#warn(warnings: readonly Warning[]): void {
		for (const warning of warnings) {
			const text = `${warning.path} ${warning.message}`;
			if (this.#said.has(text)) continue;
			this.#said.add(text);
			this.#warnings.push(warning);
		}
	}
}

/** The same answer for the same object. */
function once<From extends object, To>(of: (from: From) => To): (from: From) => To {
	const known = new Map<From, To>();
	return (from) => {
		const answer = known.get(from) ?? of(from);
		known.set(from, answer);
		return answer;
	};
}

function concernsSettings({ before, now }: ObjectChange): boolean {
	const { kind, metadata } = (now ?? before) as KubernetesObject;
	return SETTINGS.has(kind) || (kind === "Pod" && metadata.namespace === "kube-system");
}

/** `KIND NS/NAME` of an inventory's key. */
function titleOfKey(key: string): string {
	const [, kind = "", namespace = "", name = ""] = key.split("/");
	return `${kind} ${namespace}/${name}`;
}

function throwAll(errors: readonly ManifestError[]): void {
	if (errors.length > 0) throw new InputErrors(errors);
}
