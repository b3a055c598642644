// What requests say beside the object: the query parameters of meta/v1 CreateOptions, UpdateOptions, PatchOptions, DeleteOptions
// and ListOptions, and what the registry writes with.

import type { KubernetesObject } from "../../api/meta.ts";
import { timeOf } from "../../api/time.ts";
import type { Clock, Random } from "../../ports.ts";
import type { Owner, Writer } from "../apply/managers.ts";
import { inVersion, kept } from "../conversion/versions.ts";
import { keptCustom } from "../extensions/versions.ts";
import type { PortRange } from "../services/nodeport.ts";
import type { Storage } from "../storage/storage.ts";
import type { Catalogue, ServedResource } from "./catalogue.ts";
import type { Strategy } from "./strategy.ts";

export interface Registry {
	readonly storage: Storage;
	readonly catalogue: Catalogue;
	readonly clock: Clock;
	readonly random: Random;
	/** Of Services; without: 30000-32767. */
	readonly nodePorts?: PortRange;
	/** Whether the admission plugin ServiceAccount is on; without: off. */
	readonly serviceAccounts?: boolean;
	strategy(resource: ServedResource): Strategy;
}

export interface WriteOptions {
	/** Everything is checked and answered, nothing is written. */
	dryRun?: boolean;
	/** Who owns the fields that are written; without it the owners stay as they are. */
	fieldManager?: string;
	/** Who owns what afterwards, where that is known already: of an apply. */
	owners?: readonly Owner[];
}

/** The one who writes, for `metadata.managedFields`; undefined where nobody says who it is. */
export function writerOf({ clock }: Registry, { fieldManager }: WriteOptions, subresource = ""): Writer | undefined {
	return fieldManager === undefined ? undefined : { manager: fieldManager, subresource, time: timestamp(clock) };
}

export interface Preconditions {
	uid?: string;
	resourceVersion?: string;
}

export type PropagationPolicy = "Orphan" | "Background" | "Foreground";

export interface DeleteOptions extends WriteOptions {
	gracePeriodSeconds?: number;
	propagationPolicy?: PropagationPolicy;
	preconditions?: Preconditions;
}

/** The object that a request is about. */
export interface Subject {
	resource: ServedResource;
	/** `` of cluster-scoped ones. */
	namespace: string;
	name: string;
}

/** In the version in which it is kept; a custom object in the version of the request. Throws StatusError 500 as `inVersion` does. */
export function stored({ storage }: Registry, { resource, namespace, name }: Subject): KubernetesObject | undefined {
	const object = storage.get(resource.keptAs, namespace, name);
	if (object === undefined) return undefined;
	return resource.custom === undefined ? kept(object) : inVersion(resource, object);
}

/** Writes an object that is in the version of the request, and returns it so. Throws StatusError 500 as `inVersion` does. */
export function keep({ storage }: Registry, resource: ServedResource, object: KubernetesObject): KubernetesObject {
	const { custom, keptAs } = resource;
	if (custom === undefined) return storage.put(keptAs, object);
	return inVersion(resource, storage.put(keptAs, keptCustom(custom, object)));
}

/** As `metav1.Time` prints: whole seconds, UTC. */
export function timestamp(clock: Clock, laterMs = 0): string {
	return timeOf(clock.now() + BigInt(laterMs) * 1_000_000n);
}
