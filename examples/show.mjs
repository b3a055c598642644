// What the examples of this folder share: a cluster of the manifests beside a script, and what is worth looking at in it, printed.

import { readFile } from "node:fs/promises";
import { Cluster } from "podwire";

export const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

/** Names that end in what a controller has drawn end in a dot instead: `web-…`. */
export const named = (/** @type {string} */ text) =>
	text.replace(/\b([a-z0-9-]+?)-[0-9a-f]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "$1-…");

/**
 * A settled cluster of manifests that lie beside a script.
 * @param {string} script  its `import.meta.url`
 * @param {readonly string[]} files
 * @param {import("podwire").ClusterOptions} [options]
 */
export async function clusterOf(script, files, options = {}) {
	const cluster = await Cluster.create(options);
	const read = async (/** @type {string} */ name) => ({ name, text: await readFile(new URL(name, script), "utf8") });
	await cluster.apply(await Promise.all(files.map(read)));
	await cluster.settle();
	return cluster;
}

/**
 * Pods of the default namespace that carry the label, in order of name.
 * @param {Cluster} cluster
 * @param {string} labelSelector
 */
export async function podsOf({ api }, labelSelector) {
	return (await api.list("v1", "Pod", { namespace: "default", labelSelector })).items;
}

/**
 * Of a Service the endpoints that its slices have, each with its conditions: `ready`, `serving`, `terminating`.
 * @param {Cluster} cluster
 * @param {string} service
 */
export async function endpointsOf({ api }, service) {
	const labelSelector = `kubernetes.io/service-name=${service}`;
	const { items } = await api.list("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default", labelSelector });
	return items
		.flatMap(({ endpoints }) => endpoints ?? [])
		.map(({ addresses, conditions, hostname }) => ({ address: addresses[0] ?? "", hostname, conditions }))
		.sort((a, b) => a.address.localeCompare(b.address, "en", { numeric: true }));
}

/**
 * `10.244.0.3 ready`, or what else is true of it.
 * @param {Awaited<ReturnType<typeof endpointsOf>>[number]} endpoint
 */
export function endpointLine({ address, conditions = {} }) {
	const words = Object.entries(conditions).flatMap(([word, holds]) => (holds && word !== "serving" ? [word] : []));
	if (conditions.serving && !conditions.ready) words.unshift("serving");
	return `${address} ${words.join(", ") || "not ready"}`;
}

/**
 * Where a node's rules lead to, of a port: addresses.
 * @param {Cluster} cluster
 * @param {string} node
 * @param {number} port
 */
export function rulesTo(cluster, node, port) {
	const found = cluster.iptables(node).matchAll(/^-A KUBE-SEP-.* --to-destination ([\d.]+):(\d+)$/gm);
	const addresses = [...found].flatMap(([, address = "", to]) => (Number(to) === port ? [address] : []));
	return addresses.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/**
 * Which addresses packets come to, of as many connections one after the other, with how many to each; `verdict` where they do not.
 * @param {Cluster} cluster
 * @param {string} from
 * @param {string} to
 */
export function packetsTo(cluster, from, to, count = 12) {
	/** @type {Map<string, number>} */
	const counts = new Map();
	for (let i = 0; i < count; i++) {
		const { verdict, reason, delivered } = cluster.trace({ from, to });
		const where = delivered?.address ?? `${verdict} (${reason})`;
		counts.set(where, (counts.get(where) ?? 0) + 1);
	}
	const sorted = [...counts].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
	return sorted.map(([where, times]) => `${where} × ${times}`);
}

/**
 * What was told of objects whose name begins so since the last time that this was asked, once each.
 * @param {Cluster} cluster
 */
export function listener(cluster) {
	let heard = cluster.events.length;
	return (/** @type {string} */ object, /** @type {readonly string[]} */ reasons) => {
		const news = cluster.events.slice(heard).filter((event) => event.object.startsWith(object));
		heard = cluster.events.length;
		const lines = news
			.filter(({ reason }) => reasons.includes(reason))
			.map(({ reason, message }) => `${reason}: ${message}`);
		return [...new Set(lines)];
	};
}
