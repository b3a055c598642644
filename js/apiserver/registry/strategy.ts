// What is particular to a kind when it is written: defaults, what a client may not set, what must hold
// (rest.RESTCreateStrategy and rest.RESTUpdateStrategy in k8s.io/apiserver/pkg/registry/rest).

import type { KubernetesObject } from "../../api/meta.ts";
import type { FieldError } from "../status.ts";

export interface Strategy {
	/** Fills in what the client left out; the argument stays as it is. */
	withDefaults?(object: KubernetesObject): KubernetesObject;
	/** Of a new object. */
	validate?(object: KubernetesObject): FieldError[];
	/** Of a changed one, beside `validate`. */
	validateUpdate?(object: KubernetesObject, before: KubernetesObject): FieldError[];
	/** Fields of `--field-selector`, beside metadata.name and metadata.namespace. */
	selectable?(object: KubernetesObject): Record<string, string>;
	/** Seconds that a deletion gives the object; undefined: it goes at once. */
	gracePeriod?(object: KubernetesObject, asked: number | undefined): number | undefined;
}
