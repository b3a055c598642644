// What a cluster is, as far as objects go: from a standing start of manifests, and then as the API has it. A plan of the network is
// made from it whenever it changed; it counts once the engine has taken it.

import type { KubernetesObject } from "../api/meta.ts";
import { type Configuration, configure } from "../manifests/configuration.ts";
import { printPath } from "../manifests/document.ts";
import { ManifestError } from "../manifests/error.ts";
import { type Loaded, loadObjects, type Warning } from "../manifests/load.ts";
import type { Manifest } from "../manifests/manifest.ts";
import { clashesOf } from "../realise/clashes.ts";
import { keyOf, titleOf } from "../realise/inventory.ts";
import { networkOf } from "../realise/network.ts";
import { type ClusterEvent, type Realised, realise } from "../realise.ts";
import { seededRandom } from "../sim/random.ts";
import type { ApiServer } from "./apiserver.ts";
import { addKnownHosts, type Plan, planOf } from "./build.ts";
import { InputErrors, NotModelledError } from "./errors.ts";
import { Evaluation } from "./evaluation.ts";
import type { ClusterOptions } from "./options.ts";

export interface Planned {
	plan: Plan;
	/** The engine has taken it: from here on the cluster is this one. */
	keep: () => void;
}

interface Facts {
	objects: readonly KubernetesObject[];
	assumed: readonly string[];
	configuration: Configuration;
	evaluation: Evaluation;
	/** Everything that was loaded, by key: what settings are read from. */
	manifests: ReadonlyMap<string, Manifest>;
}

export class Reality {
	readonly #options: ClusterOptions;
	readonly #namespace: string;
	/** Applied and not settled yet. */
	#waiting: { manifests: readonly Manifest[]; evaluation: Evaluation } | null = null;
	#applied: { manifests: readonly Manifest[]; evaluation: Evaluation } = {
		manifests: [],
		evaluation: new Evaluation([], []),
	};
	#start: Realised | null = null;
	#facts: Facts | null = null;
	#said = new Set<string>();
	readonly #happened: ClusterEvent[] = [];

	readonly #warnings: Warning[];

	/** `warnings`: gets the problems of what clients wrote that change nothing. */
	constructor(options: ClusterOptions, warnings: Warning[]) {
		this.#options = options;
		this.#warnings = warnings;
		this.#namespace = options.namespace ?? "default";
	}

	/** The same past, with a future of its own. `warnings`: those of its cluster. */
	fork(warnings: Warning[]): Reality {
		const copy = new Reality(this.#options, warnings);
		copy.#waiting = this.#waiting;
		copy.#applied = this.#applied;
		copy.#start = this.#start;
		copy.#facts = this.#facts;
		copy.#said = new Set(this.#said);
		copy.#happened.push(...this.#happened);
		return copy;
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
		return this.#facts?.objects ?? [];
	}

	get assumed(): readonly string[] {
		return this.#facts?.assumed ?? [];
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
	settle(server: ApiServer | null): Planned {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (server === null || this.#start === null) return this.#standing(waiting ?? this.#applied);
		if (waiting !== null) server.write(waiting.manifests);
		server.settle();
		return this.plan(server);
	}

	#standing({ manifests, evaluation }: { manifests: readonly Manifest[]; evaluation: Evaluation }): Planned {
		const { configuration, errors, foreign } = configure(manifests, this.#options);
		throwAll(errors);
		if (configuration.proxyMode.value === "nftables")
			throw new NotModelledError("kube-proxy's nftables mode", "use --proxy-mode iptables for what it would answer");
		const { strictPorts = false, seed = 1 } = this.#options;
		const random = seededRandom(Number(BigInt.asUintN(32, BigInt(seed))));
		const realised = realise(manifests, configuration, random, { strictPorts });
		throwAll(realised.errors);
		const plan = this.#planOf(realised);
		const keep = () => {
			this.#applied = { manifests, evaluation };
			this.#start = realised;
			const { objects, assumed, configuration: adjusted } = realised;
			const loaded = new Map(manifests.map((manifest) => [keyOf(manifest.object), manifest]));
			const known = evaluation.beside(foreign);
			this.#facts = { objects, assumed, configuration: adjusted, evaluation: known, manifests: loaded };
		};
		return { plan, keep };
	}

	/** Of the API as it is. Throws InputErrors. */
	plan(server: ApiServer): Planned {
		const { start, facts } = { start: this.#start as Realised, facts: this.#facts as Facts };
		const { written, gone } = server.changes;
		const loaded = loadObjects([...written.values()], "the API");
		throwAll(loaded.errors);
		const manifests = new Map(facts.manifests);
		for (const key of [...written.keys(), ...gone]) manifests.delete(key);
		for (const manifest of loaded.objects) manifests.set(keyOf(manifest.object), manifest);
		const { errors, foreign } = configure([...manifests.values()], this.#options);
		throwAll(errors);
		const { configuration } = facts;
		const { objects } = server;
		throwAll(
			clashesOf(objects).map(({ object, path, message }) => {
				return new ManifestError({ file: titleOf(object), line: 0, column: 0 }, printPath(path), message);
			}),
		);
		const network = networkOf(objects, configuration, { strictPorts: this.#options.strictPorts ?? false });
		throwAll(network.errors);
		const plan = this.#planOf({ ...network, objects, configuration });
		const changed = new Set([...written.keys(), ...gone].map(titleOfKey));
		const evaluation = facts.evaluation.without(changed, this.#namespace).with(loaded.notEvaluated).beside(foreign);
		const keep = () => {
			server.keep();
			const assumed = [...start.assumedObjects, ...network.assumed];
			this.#facts = { objects, assumed, configuration, evaluation, manifests };
			this.#warn(loaded.warnings);
		};
		return { plan, keep };
	}

	#planOf(made: Parameters<typeof planOf>[0]): Plan {
		const { nodeState = new Map(), hosts = [] } = this.#options;
		const plan = planOf(made);
		addKnownHosts(plan.topology, nodeState, hosts);
		return plan;
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

/** `KIND NS/NAME` of an inventory's key. */
function titleOfKey(key: string): string {
	const [, kind = "", namespace = "", name = ""] = key.split("/");
	return `${kind} ${namespace}/${name}`;
}

function throwAll(errors: readonly ManifestError[]): void {
	if (errors.length > 0) throw new InputErrors(errors);
}
