// The objects of one cluster while they are made real: by kind, each with the manifest it came from (none for what a
// controller made), the findings on the way, and the store that the result is.

import type { KubernetesObject } from "../api/meta.ts";
import { uidOf } from "../api/names.ts";
import { type Path, plain, printPath } from "../manifests/document.ts";
import { ManifestError } from "../manifests/error.ts";
import type { Manifest } from "../manifests/manifest.ts";
import type { Random } from "../ports.ts";

/** One object: `manifest` null where no manifest has it. */
export interface Entry<T extends KubernetesObject = KubernetesObject> {
	object: T;
	manifest: Manifest | null;
	/** Taken as a running cluster left it: no controller touches it. */
	observed: boolean;
}

export interface ClusterEvent {
	type: "Normal" | "Warning";
	/** `Pod default/cart-0`. */
	object: string;
	reason: string;
	message: string;
}

export class Inventory {
	readonly errors: ManifestError[] = [];
	readonly assumed: string[] = [];
	readonly events: ClusterEvent[] = [];
	readonly random: Random;
	private readonly entries = new Map<string, Entry>();
	/** The same by kind, in the same order. */
	private readonly byKind = new Map<string, Map<string, Entry>>();
	private readonly names = new Map<string, Set<string>>();

	constructor(manifests: readonly Manifest[], random: Random) {
		this.random = random;
		for (const manifest of manifests) this.admit(manifest);
	}

	/** A copy of the manifest's object; of two with one name the later one counts, as with two `kubectl apply`. */
	private admit(manifest: Manifest): void {
		const object = plain(manifest.object) as KubernetesObject;
		const { kind, metadata } = object;
		if (metadata.name === undefined && metadata.generateName !== undefined)
			metadata.name = this.freshName(kind, metadata.namespace, metadata.generateName);
		const key = keyOf(object);
		const before = this.entries.get(key);
		if (before?.manifest) this.replace(before, manifest);
		this.nameSet(kind, metadata.namespace).add(metadata.name ?? "");
		this.set(key, { object, manifest, observed: manifest.observed });
		this.identify(object);
	}

	private set(key: string, entry: Entry): void {
		const { kind } = entry.object;
		const ofKind = this.byKind.get(kind) ?? new Map<string, Entry>();
		this.byKind.set(kind, ofKind.set(key, entry));
		this.entries.set(key, entry);
	}

	private replace(before: Entry, manifest: Manifest): void {
		this.assumed.push(`applied twice: ${manifest.where()} replaces ${before.manifest?.where()}`);
		const workload = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"].includes(before.object.kind);
		if (workload && before.observed && !manifest.observed) {
			this.assumed.push(
				`not modelled: ${manifest.title} replaces one that was observed; the pods of the observed one stay beside the new ones`,
			);
		}
	}

	private freshName(kind: string, namespace: string | undefined, base: string): string {
		const taken = this.nameSet(kind, namespace);
		let suffix = 0;
		while (taken.has(`${base}${suffix}`)) suffix++;
		return `${base}${suffix}`;
	}

	/** Every object of an API server has a uid. */
	private identify(object: KubernetesObject): void {
		const { name = "", namespace = "" } = object.metadata;
		object.metadata.uid ||= uidOf(this.random, object.kind, namespace, name);
	}

	/** Names taken in a namespace; whoever takes one adds it. */
	nameSet(kind: string, namespace = ""): Set<string> {
		const key = `${kind} ${namespace}`;
		let names = this.names.get(key);
		if (names === undefined) {
			names = new Set();
			this.names.set(key, names);
		}
		return names;
	}

	list<T extends KubernetesObject>(kind: T["kind"]): Entry<T>[] {
		return [...(this.byKind.get(kind)?.values() ?? [])] as Entry<T>[];
	}

	/** All objects: those of the input in its order, then what was made. */
	objects(): KubernetesObject[] {
		return Array.from(this.entries.values(), (entry) => entry.object);
	}

	/** An object that a controller made. */
	add<T extends KubernetesObject>(object: T): Entry<T> {
		this.identify(object);
		this.nameSet(object.kind, object.metadata.namespace).add(object.metadata.name ?? "");
		const entry: Entry<T> = { object, manifest: null, observed: false };
		this.set(keyOf(object), entry);
		return entry;
	}

	remove(object: KubernetesObject): void {
		const key = keyOf(object);
		this.entries.delete(key);
		this.byKind.get(object.kind)?.delete(key);
	}

	/** An error at a field of the object, in the manifest that has it. */
	fail(entry: Entry, path: Path, message: string): void {
		if (entry.manifest !== null) this.errors.push(entry.manifest.error(path, message));
		else
			this.errors.push(
				new ManifestError({ file: titleOf(entry.object), line: 0, column: 0 }, printPath(path), message),
			);
	}

	warn(object: KubernetesObject, reason: string, message: string): void {
		this.events.push({ type: "Warning", object: titleOf(object), reason, message });
	}
}

export function keyOf({ apiVersion, kind, metadata }: KubernetesObject): string {
	const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
	return `${group}/${kind}/${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

export function titleOf({ kind, metadata }: KubernetesObject): string {
	return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name ?? ""}`;
}
