// Which endpoints a Service port had, by its EndpointSlices: the reachable set that chance chooses from.

/** @typedef {{ kind: string, metadata: { name?: string, namespace?: string, labels?: Record<string, string> } } & Record<string, any>} Thing */

/**
 * `ADDRESS:PORT` of the ready endpoints by `NAMESPACE/NAME:PORT`, as a flow names its Service.
 * @param {readonly import("podwire").KubernetesObject[]} objects
 * @returns {Map<string, Set<string>>}
 */
export function endpointsOf(objects) {
	/** @type {Map<string, Set<string>>} */
	const sets = new Map();
	for (const slice of /** @type {readonly Thing[]} */ (objects)) {
		if (slice.kind !== "EndpointSlice") continue;
		const service = `${slice.metadata.namespace}/${slice.metadata.labels?.["kubernetes.io/service-name"]}`;
		for (const { name, port } of slice["ports"] ?? []) {
			const key = `${service}:${name || port}`;
			const set = sets.get(key) ?? new Set();
			for (const { addresses, conditions } of slice["endpoints"] ?? []) {
				if (conditions?.ready !== false) set.add(`${addresses[0]}:${port}`);
			}
			sets.set(key, set);
		}
	}
	return sets;
}

/** Addresses of nodes by name: own, public, and the first of the pod network. @param {readonly import("podwire").KubernetesObject[]} objects */
export function nodesOf(objects) {
	const nodes = /** @type {readonly Thing[]} */ (objects).filter(({ kind }) => kind === "Node");
	return new Map(
		nodes.map(({ metadata, ...node }) => {
			const address = (/** @type {string} */ type) =>
				node["status"].addresses.find((/** @type {any} */ entry) => entry.type === type)?.address;
			const bridge = node["spec"].podCIDR.replace(/0\/24$/, "1");
			return [metadata.name ?? "", { node: address("InternalIP"), public: address("ExternalIP"), bridge }];
		}),
	);
}
