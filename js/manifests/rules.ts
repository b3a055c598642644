// What one field of an object says about another (pkg/apis/*/validation of Kubernetes 1.36, as far as the network
// depends on it). The objects have passed their shapes; nulls are gone.

import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../api/apps.ts";
import type { ContainerPort, Node, Pod, PodSpec, Service, ServicePort } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import type { KubernetesObject } from "../api/meta.ts";
import type { Path } from "./document.ts";
import { address, check, dnsSubdomain, type Report } from "./shape.ts";

export type Rules = (object: KubernetesObject, report: Report) => void;

export function noRules(): void {}

function fail(report: Report, path: Path, message: string): void {
	report({ severity: "error", path, message });
}

export function workloadRules(object: KubernetesObject, report: Report): void {
	const { spec } = object as Deployment | ReplicaSet | StatefulSet | DaemonSet;
	if (spec === undefined) return;
	const { matchLabels = {}, matchExpressions = [] } = spec.selector;
	const labels = spec.template?.metadata?.labels ?? {};
	if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) {
		fail(report, ["spec", "selector"], "an empty selector would select every pod");
	}
	for (const [key, value] of Object.entries(matchLabels)) {
		if (labels[key] === value) continue;
		const message = "the pod template does not carry this label, so the selector would not match its own pods";
		fail(report, ["spec", "selector", "matchLabels", key], message);
	}
	if (spec.template?.spec) templateRules(spec.template.spec, ["spec", "template", "spec"], report);
}

export function podRules(object: KubernetesObject, report: Report): void {
	const { spec } = object as Pod;
	if (spec !== undefined) templateRules(spec, ["spec"], report);
}

/** Two containers of a pod share its addresses: a hostPort can be taken once. */
function templateRules(spec: PodSpec, path: Path, report: Report): void {
	if (spec.containers.length === 0) fail(report, [...path, "containers"], "a pod has at least one container");
	const seen = new Set<string>();
	spec.containers.forEach((container, c) => {
		(container.ports ?? []).forEach((port, p) => {
			const message = hostPortProblem(spec, port, seen);
			if (message !== null) fail(report, [...path, "containers", c, "ports", p, "hostPort"], message);
		});
	});
}

function hostPortProblem(spec: PodSpec, port: ContainerPort, seen: Set<string>): string | null {
	if (!port.hostPort) return null;
	if (spec.hostNetwork === true && port.hostPort !== port.containerPort) {
		return `must equal containerPort ${port.containerPort}: the pod shares the node's network`;
	}
	const key = `${port.protocol ?? "TCP"}/${port.hostIP ?? ""}:${port.hostPort}`;
	if (seen.has(key)) return `${port.hostPort} is taken twice in this pod`;
	seen.add(key);
	return null;
}

export function serviceRules(object: KubernetesObject, report: Report): void {
	const { spec = {} } = object as Service;
	const { type = "ClusterIP", ports = [] } = spec;
	if (type === "ExternalName") {
		if (!spec.externalName) fail(report, ["spec", "externalName"], "required for type ExternalName");
		return;
	}
	const headless = spec.clusterIP === "None";
	if (ports.length === 0 && !headless) {
		fail(report, ["spec", "ports"], "required: a Service that is not headless has at least one port");
	}
	if (headless && type !== "ClusterIP") fail(report, ["spec", "clusterIP"], `may not be None for type ${type}`);
	portRules(ports, type === "ClusterIP", report);
}

function portRules(ports: readonly ServicePort[], internal: boolean, report: Report): void {
	const seen = new Map<string, number>();
	ports.forEach((port, index) => {
		const at = (field: string): Path => ["spec", "ports", index, field];
		if (ports.length > 1 && !port.name) fail(report, at("name"), "required where a Service has several ports");
		const key = `${port.protocol ?? "TCP"} ${port.port}`;
		const before = seen.get(key);
		if (before !== undefined) fail(report, at("port"), `${key} is already port ${before} of this Service`);
		seen.set(key, index);
		if (port.nodePort && internal) fail(report, at("nodePort"), "may not be set for type ClusterIP");
	});
}

export function sliceRules(object: KubernetesObject, report: Report): void {
	const slice = object as EndpointSlice;
	const shape = slice.addressType === "FQDN" ? dnsSubdomain : address;
	(slice.endpoints ?? []).forEach((endpoint, index) => {
		for (const [a, text] of endpoint.addresses.entries()) {
			check(shape, text, ["endpoints", index, "addresses", a], report);
		}
	});
}

export function nodeRules(object: KubernetesObject, report: Report): void {
	const node = object as Node;
	(node.status?.addresses ?? []).forEach((entry, index) => {
		if (entry.type !== "InternalIP" && entry.type !== "ExternalIP") return;
		check(address, entry.address, ["status", "addresses", index, "address"], report);
	});
	const { podCIDR, podCIDRs = [] } = node.spec ?? {};
	if (podCIDR && podCIDRs.length > 0 && podCIDRs[0] !== podCIDR) {
		fail(report, ["spec", "podCIDRs", 0], `must equal podCIDR ${podCIDR}`);
	}
}
