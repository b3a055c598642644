// The API server's own Service and what it leads to: what the server writes about itself (pkg/controlplane/controller/
// kubernetesservice, pkg/controlplane/reconcilers). No selector stands behind it, so no controller of endpoints touches it.

import type { Endpoints, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import { type AddressPrefix, familyOf } from "../net/address.ts";
import { ClusterIPRange } from "./services/clusterip.ts";

export const OWN = { name: "kubernetes", namespace: "default" };
/** `--secure-port` of kube-apiserver. */
export const SECURE_PORT = 6443;

/** Where the server is reached: its advertise address and its secure port. */
export interface OwnEndpoint {
	address: string;
	port: number;
}

/** `primary`: the range that the Service has the first address of. */
export function ownService(primary: AddressPrefix, targetPort: number): Service {
	return {
		apiVersion: "v1",
		kind: "Service",
		metadata: { ...OWN, labels: { component: "apiserver", provider: "kubernetes" } },
		spec: {
			type: "ClusterIP",
			clusterIP: new ClusterIPRange(primary).at(0),
			ports: [{ name: "https", port: 443, protocol: "TCP", targetPort }],
		},
	};
}

export function ownEndpoints({ address, port }: OwnEndpoint): Endpoints {
	return {
		apiVersion: "v1",
		kind: "Endpoints",
		metadata: { ...OWN, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
		subsets: [{ addresses: [{ ip: address }], ports: [{ name: "https", port, protocol: "TCP" }] }],
	};
}

export function ownEndpointSlice({ address, port }: OwnEndpoint): EndpointSlice {
	return {
		apiVersion: "discovery.k8s.io/v1",
		kind: "EndpointSlice",
		metadata: { ...OWN, labels: { [SERVICE_NAME]: OWN.name } },
		addressType: familyOf(address) === "ipv6" ? "IPv6" : "IPv4",
		endpoints: [{ addresses: [address], conditions: { ready: true } }],
		ports: [{ name: "https", port, protocol: "TCP" }],
	};
}
