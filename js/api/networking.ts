// networking.k8s.io/v1: NetworkPolicy (read to say that it is not evaluated), ServiceCIDR.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only. Ingress comes with its own issue.

import type { Condition, IntOrString, KubernetesObject, LabelSelector, ObjectMeta, Protocol } from "./meta.ts";

export interface NetworkPolicy extends KubernetesObject {
	apiVersion: "networking.k8s.io/v1";
	kind: "NetworkPolicy";
	metadata: ObjectMeta;
	spec?: {
		/** Absent (1.33 and later) or empty: every pod of the namespace. */
		podSelector?: LabelSelector;
		policyTypes?: ("Ingress" | "Egress")[];
		ingress?: { from?: NetworkPolicyPeer[]; ports?: NetworkPolicyPort[] }[];
		egress?: { to?: NetworkPolicyPeer[]; ports?: NetworkPolicyPort[] }[];
	};
}

export interface NetworkPolicyPeer {
	podSelector?: LabelSelector;
	namespaceSelector?: LabelSelector;
	ipBlock?: { cidr: string; except?: string[] };
}

export interface NetworkPolicyPort {
	protocol?: Protocol;
	port?: IntOrString;
	endPort?: number;
}

export interface ServiceCIDR extends KubernetesObject {
	apiVersion: "networking.k8s.io/v1";
	kind: "ServiceCIDR";
	metadata: ObjectMeta;
	spec?: { cidrs?: string[] };
	status?: { conditions?: Condition[] };
}
