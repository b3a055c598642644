// A cluster's settings as `podwire get config` lists them: each value with its source.

import type { Configuration } from "../manifests/configuration.ts";
import { type AddressPrefix, printPrefix } from "../net/address.ts";
import { UnsettledError } from "./errors.ts";

export interface Setting {
	name: string;
	value: unknown;
	/** A flag, an object with its place, or `default`. */
	source: string;
}

/** A settled cluster's settings, each with its source. Throws UnsettledError. */
export function settingsOf({ configuration }: { configuration: Configuration | null }): Setting[] {
	if (configuration === null) throw new UnsettledError();
	const prefixes = (setting: { value: AddressPrefix[]; source: string }) => ({
		value: setting.value.map(printPrefix),
		source: setting.source,
	});
	const { nodePorts, loadBalancerPool, nonMasquerade, apiServer, disabledPlugins } = configuration;
	return [
		{ name: "podCIDR", ...prefixes(configuration.podCIDRs) },
		{ name: "nodeMask", value: configuration.nodeMask.value.ipv4, source: configuration.nodeMask.source },
		{ name: "serviceCIDR", ...prefixes(configuration.serviceCIDRs) },
		{ name: "nodePorts", value: `${nodePorts.value.first}-${nodePorts.value.last}`, source: nodePorts.source },
		{ name: "clusterDomain", ...configuration.clusterDomain },
		{ name: "proxyMode", ...configuration.proxyMode },
		{ name: "fabric", ...configuration.fabric },
		{ name: "hairpinMode", ...configuration.hairpinMode },
		{ name: "nonMasquerade", value: nonMasquerade.value ?? "none", source: nonMasquerade.source },
		{ name: "nodes", ...configuration.nodes },
		{ name: "loadBalancerPool", value: printPrefix(loadBalancerPool.value), source: loadBalancerPool.source },
		{ name: "apiServer", value: printApiServer(apiServer.value), source: apiServer.source },
		{
			name: "disableAdmissionPlugins",
			value: disabledPlugins.value.length === 0 ? "none" : disabledPlugins.value,
			source: disabledPlugins.source,
		},
	];
}

function printApiServer(value: Configuration["apiServer"]["value"]): string {
	if (value === null) return "none";
	const { address, port } = value;
	if (address === null) return `port ${port}`;
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
