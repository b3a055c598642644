// Services, their endpoints, and what leads to them or keeps away (printers.go: printService and its neighbours).

import type {
	CoreV1Endpoints,
	CoreV1Service,
	DiscoveryV1EndpointSlice,
	NetworkingV1Ingress,
	NetworkingV1IngressClass,
	NetworkingV1IPAddress,
	NetworkingV1NetworkPolicy,
	NetworkingV1ServiceCIDR,
} from "../../../api/schema/types.generated.ts";
import { AGE, type Column, columns, firstOf, labels, NAME, selector, text, wide } from "./column.ts";

function externalIP({ spec = {}, status = {} }: CoreV1Service): string {
	const given: string[] = spec.externalIPs ?? [];
	switch (spec.type) {
		case "ExternalName":
			return spec.externalName ?? "";
		case "LoadBalancer": {
			const ingress = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
			const all = [...ingress, ...given];
			return all.length > 0 ? all.join(",") : "<pending>";
		}
		default:
			return given.length > 0 ? given.join(",") : "<none>";
	}
}

function ports({ spec = {} }: CoreV1Service): string {
	const list = (spec.ports ?? []).map(({ port, nodePort, protocol = "TCP" }) =>
		nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
	);
	return list.length > 0 ? list.join(",") : "<none>";
}

function endpoints({ subsets = [] }: CoreV1Endpoints): string {
	const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
		const numbers = ports.length === 0 ? [undefined] : ports.map(({ port }) => port);
		return numbers.flatMap((port) =>
			addresses.map(({ ip }) => {
				const host = ip.includes(":") && port !== undefined ? `[${ip}]` : ip;
				return port === undefined ? host : `${host}:${port}`;
			}),
		);
	});
	return firstOf(all, 3);
}

function hosts({ spec = {} }: NetworkingV1Ingress): string {
	const names = (spec.rules ?? []).flatMap(({ host }) => (host ? [host] : []));
	return names.length === 0 ? "*" : firstOf(names, 3);
}

function ingressAddress({ status }: NetworkingV1Ingress): string {
	return (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").join(",");
}

export const NETWORK: Readonly<Record<string, readonly Column[]>> = {
	services: columns<CoreV1Service>(
		NAME,
		text("Type", ({ spec }) => spec?.type ?? ""),
		text("Cluster-IP", ({ spec }) => spec?.clusterIP || "<none>"),
		text("External-IP", externalIP),
		text("Port(s)", ports),
		AGE,
		wide(text("Selector", ({ spec }) => labels(spec?.selector))),
	),
	endpoints: columns<CoreV1Endpoints>(NAME, text("Endpoints", endpoints), AGE),
	"endpointslices.discovery.k8s.io": columns<DiscoveryV1EndpointSlice>(
		NAME,
		text("AddressType", ({ addressType }) => addressType ?? ""),
		text("Ports", ({ ports = [] }) =>
			ports.length === 0
				? "<unset>"
				: firstOf(
						ports.map(({ port, name }) => String(port ?? name ?? "*")),
						3,
					),
		),
		text("Endpoints", ({ endpoints = [] }) =>
			endpoints.length === 0
				? "<unset>"
				: firstOf(
						endpoints.flatMap(({ addresses }) => addresses),
						3,
					),
		),
		AGE,
	),
	"ingresses.networking.k8s.io": columns<NetworkingV1Ingress>(
		NAME,
		text("Class", ({ spec }) => spec?.ingressClassName ?? "<none>"),
		text("Hosts", hosts),
		text("Address", ingressAddress),
		text("Ports", ({ spec }) => ((spec?.tls ?? []).length > 0 ? "80, 443" : "80")),
		AGE,
	),
	"ingressclasses.networking.k8s.io": columns<NetworkingV1IngressClass>(
		NAME,
		text("Controller", ({ spec }) => spec?.controller ?? ""),
		text("Parameters", ({ spec }) => {
			const parameters = spec?.parameters;
			if (parameters === undefined) return "<none>";
			const kind = parameters.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters.kind;
			return `${kind}/${parameters.name}`;
		}),
		AGE,
	),
	"networkpolicies.networking.k8s.io": columns<NetworkingV1NetworkPolicy>(
		NAME,
		text("Pod-Selector", ({ spec }) => selector(spec?.podSelector)),
		AGE,
	),
	"servicecidrs.networking.k8s.io": columns<NetworkingV1ServiceCIDR>(
		NAME,
		text("CIDRs", ({ spec }) => (spec?.cidrs ?? []).join(",")),
		AGE,
	),
	"ipaddresses.networking.k8s.io": columns<NetworkingV1IPAddress>(
		NAME,
		text("ParentRef", ({ spec }) => {
			const { group = "", resource = "", namespace = "", name = "" } = spec?.parentRef ?? {};
			return [group === "" ? resource : `${resource}.${group}`, namespace, name].filter(Boolean).join("/");
		}),
		AGE,
	),
};
