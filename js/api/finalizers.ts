// Finalizers by which an object waits for the garbage collector (apimachinery meta/v1/types.go), or for its own controller.

export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";
/** Of ServiceCIDRs (pkg/controller/servicecidrs). */
export const SERVICE_CIDR = "networking.k8s.io/service-cidr-finalizer";
