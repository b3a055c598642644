// Data planes that carry a cluster's Services in kube-proxy's place, recognised by the objects that configure them.

import type { ConfigMap } from "../api/core.ts";
import type { Manifest } from "./manifest.ts";

/** kube-proxy's mode, and where it is said. */
interface Placed {
	value: string;
	source: string;
}

/** Empty of what is none. */
export function asMap(value: unknown): Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** Data planes that are not ours, by what they leave in a cluster. */
export function foreignDataPlanes(objects: readonly Manifest[], mode: Placed): { name: string; source: string }[] {
	const found: { name: string; source: string }[] = [];
	if (mode.value === "ipvs") found.push({ name: "kube-proxy in IPVS mode", source: mode.source });
	for (const manifest of objects) {
		const name = foreignName(manifest);
		if (name !== null) found.push({ name, source: manifest.where() });
	}
	return found;
}

function foreignName({ object }: Manifest): string | null {
	const { kind, metadata } = object;
	const data = asMap((object as ConfigMap).data);
	if (kind === "ConfigMap" && metadata.name === "cilium-config") {
		const replacement = data["kube-proxy-replacement"];
		return replacement === "true" || replacement === "strict" ? "Cilium without kube-proxy" : null;
	}
	if (kind === "ConfigMap" && metadata.name === "antrea-config")
		return /proxyAll:\s*true/.test(String(data["antrea-agent.conf"] ?? "")) ? "Antrea without kube-proxy" : null;
	if (kind === "ConfigMap" && metadata.name === "ovnkube-config") return "OVN-Kubernetes";
	if (kind === "FelixConfiguration") return asMap(object.spec).bpfEnabled === true ? "Calico's eBPF data plane" : null;
	if (kind === "DaemonSet" && metadata.name === "kube-router") return "kube-router (IPVS)";
	return null;
}
