// Labels that several components read (k8s.io/api/core/v1/well_known_labels.go, discovery/v1/well_known_labels.go).

export const ZONE = "topology.kubernetes.io/zone";
/** Of an EndpointSlice: its Service. */
export const SERVICE_NAME = "kubernetes.io/service-name";
/** Of an EndpointSlice: who keeps it. */
export const SLICE_MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
/** On an IPAddress: who gave it out; of Services the API server (k8s.io/api/networking/v1 well_known_labels.go). */
export const IP_MANAGED_BY = "ipaddress.kubernetes.io/managed-by";
export const IP_MANAGER = "ipallocator.k8s.io";
