// meta/v1 and the types that several API groups share: ObjectMeta, LabelSelector, List, Condition, IntOrString.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only. `managedFields` is left out.

export interface ObjectMeta {
	name?: string;
	generateName?: string;
	namespace?: string;
	uid?: string;
	resourceVersion?: string;
	generation?: number;
	/** RFC 3339. */
	creationTimestamp?: string | null;
	deletionTimestamp?: string;
	deletionGracePeriodSeconds?: number;
	labels?: Record<string, string>;
	annotations?: Record<string, string>;
	ownerReferences?: OwnerReference[];
	finalizers?: string[];
}

export interface OwnerReference {
	apiVersion: string;
	kind: string;
	name: string;
	uid: string;
	controller?: boolean;
	blockOwnerDeletion?: boolean;
}

/** Any API object: what a store holds before its kind is known. */
export interface KubernetesObject {
	apiVersion: string;
	kind: string;
	metadata: ObjectMeta;
	spec?: unknown;
	status?: unknown;
}

export interface ListMeta {
	resourceVersion?: string;
	continue?: string;
	remainingItemCount?: number;
}

export interface LabelSelector {
	matchLabels?: Record<string, string>;
	matchExpressions?: LabelSelectorRequirement[];
}

export interface LabelSelectorRequirement {
	key: string;
	operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
	values?: string[];
}

export interface Condition {
	type: string;
	status: "True" | "False" | "Unknown";
	observedGeneration?: number;
	lastTransitionTime?: string;
	reason?: string;
	message?: string;
}

/** A port's number or name, a rolling update's count or percentage. */
export type IntOrString = number | string;

export type Protocol = "TCP" | "UDP" | "SCTP";
