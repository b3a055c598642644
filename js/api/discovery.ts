// discovery.k8s.io/v1: EndpointSlice.
// Field names are upstream's (OpenAPI document of Kubernetes 1.36); types only. A missing condition `ready` means ready.

import type { ObjectReference } from "./core.ts";
import type { KubernetesObject, ObjectMeta, Protocol } from "./meta.ts";

export interface EndpointSlice extends KubernetesObject {
	apiVersion: "discovery.k8s.io/v1";
	kind: "EndpointSlice";
	metadata: ObjectMeta;
	addressType: "IPv4" | "IPv6" | "FQDN";
	/** null: none, as the API server writes it. */
	endpoints: Endpoint[] | null;
	ports?: EndpointPort[];
}

export interface Endpoint {
	addresses: string[];
	conditions?: EndpointConditions;
	hostname?: string;
	nodeName?: string;
	zone?: string;
	hints?: { forZones?: { name: string }[]; forNodes?: { name: string }[] };
	targetRef?: ObjectReference;
	deprecatedTopology?: Record<string, string>;
}

export interface EndpointConditions {
	ready?: boolean | null;
	serving?: boolean | null;
	terminating?: boolean | null;
}

export interface EndpointPort {
	name?: string;
	port?: number | null;
	protocol?: Protocol;
	appProtocol?: string;
}
