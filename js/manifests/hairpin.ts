// How a node's bridge lets a pod reach itself through its own Service, as the kubelet's `hairpinMode` names it and as the bridge
// plugin's network configuration says it (containernetworking/plugins plugins/main/bridge: `hairpinMode`, `promiscMode`; flannel
// hands its `delegate` on to that plugin).

export type HairpinMode = "hairpin-veth" | "promiscuous-bridge" | "none";
export const HAIRPIN_MODES: readonly HairpinMode[] = ["hairpin-veth", "promiscuous-bridge", "none"];

export const isHairpinMode = (text: unknown): text is HairpinMode => HAIRPIN_MODES.includes(text as HairpinMode);

/** Whether a ConfigMap keeps a network configuration of CNI under this key. */
export const isNetworkConfig = (key: string): boolean => key === "cni-conf.json" || key.endsWith(".conflist");

/** Of a network configuration the first plugin that makes a bridge, with the fields that lead to it; null: it makes none. */
function bridgeOf(config: Record<string, unknown>): { plugin: Record<string, unknown>; path: string } | null {
	const plugins = Array.isArray(config.plugins) ? config.plugins : [config];
	for (const [i, plugin] of plugins.entries()) {
		const at = Array.isArray(config.plugins) ? `plugins[${i}]` : "";
		if (plugin?.type === "bridge") return { plugin, path: at };
		const { type = "bridge" } = plugin?.delegate ?? {};
		if (plugin?.type === "flannel" && type === "bridge")
			return { plugin: plugin.delegate ?? {}, path: `${at}${at && "."}delegate` };
	}
	return null;
}

/** What of it cannot be: where in the configuration, and why. */
export class BridgeConfigError extends Error {
	readonly path: string;

	constructor(path: string, message: string) {
		super(message);
		this.path = path;
	}
}

/** null: it makes no bridge. Throws BridgeConfigError. */
export function hairpinOf(config: Record<string, unknown>): HairpinMode | null {
	const bridge = bridgeOf(config);
	if (bridge === null) return null;
	const { plugin, path } = bridge;
	const flag = (name: "hairpinMode" | "promiscMode") => {
		const value = plugin[name] ?? false;
		if (typeof value === "boolean") return value;
		throw new BridgeConfigError(`${path}${path && "."}${name}`, `expected true or false, got ${JSON.stringify(value)}`);
	};
	const [hairpin, promisc] = [flag("hairpinMode"), flag("promiscMode")];
	if (hairpin && promisc)
		throw new BridgeConfigError(
			path,
			"cannot set hairpin mode and promiscuous mode at the same time: expected one of hairpinMode and promiscMode to be true",
		);
	return hairpin ? "hairpin-veth" : promisc ? "promiscuous-bridge" : "none";
}
