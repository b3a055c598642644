// The cluster that a command's flags describe: files read, manifests applied, node states laid over, everything settled.
// What was ignored or assumed for the whole cluster is said on stderr, once.

import { Cluster, type ClusterOptions } from "../cluster.ts";
import { readInputs } from "./inputs.ts";
import { readNodeState } from "./nodestate.ts";
import type { ClusterFlags } from "./options.ts";
import { UsageError } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** Opens and settles. Errors are those of the inputs, nothing is half loaded. */
export async function openCluster(
	flags: ClusterFlags,
	terminal: Terminal,
	options: Pick<ClusterOptions, "now" | "rootCA"> = {},
): Promise<Cluster> {
	if (flags.reconcile) {
		throw new UsageError(
			"--reconcile: controllers that run on a dump are not there yet; leave it out to take the dump as it was observed",
		);
	}
	const inputs = await readInputs(flags.filename, flags.recursive, terminal);
	const nodeState = flags.nodeState === null ? null : await readNodeState(flags.nodeState);
	const cluster = await Cluster.create({
		namespace: flags.namespace,
		strictPorts: flags.strictPorts,
		probes: flags.probes,
		index: flags.index,
		...(flags.seed === null ? {} : { seed: flags.seed }),
		...(flags.backend === null ? {} : { backend: flags.backend }),
		...(nodeState === null ? {} : { nodeState }),
		...options,
		...settings(flags),
	});
	await cluster.apply(inputs);
	await cluster.settle();
	sayWarnings(cluster.warnings, terminal);
	if (cluster.ignored.length > 0) {
		const kinds = cluster.ignored.map(({ kind, count }) => (count === 1 ? kind : `${kind} ×${count}`));
		terminal.say(`ignored, they change no verdict: ${kinds.join(", ")}`);
	}
	for (const plane of cluster.foreignDataPlanes) {
		terminal.say(
			`${plane.source}: ${plane.name} carries this cluster's Services; what follows is what kube-proxy's iptables rules would do`,
		);
	}
	return cluster;
}

export function sayWarnings(warnings: Cluster["warnings"], terminal: Terminal): void {
	for (const { file, line, column, path, message } of warnings) {
		const place = line > 0 ? `${file}:${line}:${column}` : file;
		terminal.say(`${place}: warning: ${path === "" ? "" : `${path}: `}${message}`);
	}
}

function settings(flags: ClusterFlags) {
	return {
		...(flags.nodes === null ? {} : { nodes: flags.nodes }),
		...(flags.podCidr === null ? {} : { podCIDR: flags.podCidr }),
		...(flags.serviceCidr === null ? {} : { serviceCIDR: flags.serviceCidr }),
		...(flags.clusterDomain === null ? {} : { clusterDomain: flags.clusterDomain }),
		...(flags.proxyMode === null ? {} : { proxyMode: flags.proxyMode }),
		...(flags.fabric === null ? {} : { fabric: flags.fabric }),
		...(flags.apiServer === null ? {} : { apiServer: flags.apiServer }),
		...(flags.disableAdmissionPlugins === null ? {} : { disableAdmissionPlugins: flags.disableAdmissionPlugins }),
		...(flags.nonMasquerade === null
			? {}
			: { nonMasquerade: flags.nonMasquerade.length === 0 ? "none" : flags.nonMasquerade.join(",") }),
	};
}
