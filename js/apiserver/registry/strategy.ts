// What is particular to a kind when it is written: what a client may not set, what the server decides, what must hold
// (rest.RESTCreateStrategy and rest.RESTUpdateStrategy in k8s.io/apiserver/pkg/registry/rest). Defaults come before, by type.

import type { KubernetesObject } from "../../api/meta.ts";
import type { FieldError } from "../status.ts";
import type { PropagationPolicy, Registry } from "./request.ts";

/** An object with what the server hands out to it. */
export interface Begun {
	object: KubernetesObject;
	/** Takes what was handed out, and releases what is given back. Called right before the object is written. */
	commit(): void;
}

export interface Strategy {
	/** PrepareForCreate, after the defaults; the argument stays as it is. */
	prepareCreate?(object: KubernetesObject): KubernetesObject;
	/** PrepareForUpdate. */
	prepareUpdate?(object: KubernetesObject, before: KubernetesObject): KubernetesObject;
	/** What controllers that act at once make of a changed object. */
	settled?(object: KubernetesObject, before: KubernetesObject, registry: Registry): KubernetesObject;
	/** BeginCreate and BeginUpdate, before validation. `before`: undefined of a new object. Throws StatusError. */
	begin?(registry: Registry, object: KubernetesObject, before: KubernetesObject | undefined, dryRun: boolean): Begun;
	/** AfterDelete. */
	afterDelete?(registry: Registry, object: KubernetesObject): void;
	/** Of a new object, and of a changed one. */
	validate?(object: KubernetesObject): FieldError[];
	/** Of a new object alone. */
	validateCreate?(object: KubernetesObject): FieldError[];
	/** Of a changed one, beside `validate`. */
	validateUpdate?(object: KubernetesObject, before: KubernetesObject): FieldError[];
	/** What of the metadata a write of the status leaves as it is, beside what no write changes; `all` of it. */
	statusLeaves?: "all" | readonly ("labels" | "ownerReferences")[];
	/** Whether a change of annotations counts as another generation. */
	countsAnnotations?: true;
	/** Of a changed status. */
	validateStatus?(object: KubernetesObject, before: KubernetesObject): FieldError[];
	/** Fields of `--field-selector`, beside metadata.name and metadata.namespace. */
	selectable?(object: KubernetesObject): Record<string, string>;
	/** Seconds that a deletion gives the object; undefined: it goes at once. */
	gracePeriod?(object: KubernetesObject, asked: number | undefined): number | undefined;
	/** A DELETE that takes the object at once answers with it (ReturnDeletedObject). */
	returnsDeleted?: true;
	/** A new object may come with a status. */
	keepsStatus?: true;
	/** What becomes of the dependents where a deletion does not say (DefaultGarbageCollectionPolicy). */
	propagationPolicy?: PropagationPolicy;
	/** Throws StatusError 403 of names that stay. */
	mayDelete?(name: string): void;
	/** Something beside its finalizers holds the object. */
	isHeld?(object: KubernetesObject): boolean;
	/** A finalizer that the first deletion of an object gives it. */
	deletionFinalizer?: string;
	/** What is done at once about an object that a deletion has marked. */
	afterMark?(registry: Registry, object: KubernetesObject): void;
	/** What a deletion does to an object that stays for now. */
	terminating?(object: KubernetesObject): KubernetesObject;
	/** A PUT of what is not there makes it (AllowCreateOnUpdate). */
	createsOnUpdate?: true;
	/** A PUT must name the revision that it means (AllowUnconditionalUpdate is false). */
	conditional?: true;
}
