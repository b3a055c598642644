// The cluster that a command's flags describe: files read, manifests applied, node states laid over, everything settled.
// What was ignored or assumed for the whole cluster is said on stderr, once.

import { readFile } from "node:fs/promises";
import { Cluster, type ClusterOptions, SnapshotError } from "../cluster.ts";
import { readInputs } from "./inputs.ts";
import { readNodeState } from "./nodestate.ts";
import type { ClusterFlags } from "./options.ts";
import { InputError, UsageError } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** Opens and settles. Errors are those of the inputs, nothing is half loaded. */
export async function openCluster(flags: ClusterFlags, terminal: Terminal, options: OwnOptions = {}): Promise<Cluster> {
	if (flags.reconcile) {
		throw new UsageError(
			"--reconcile: controllers that run on a dump are not there yet; leave it out to take the dump as it was observed",
		);
	}
	const inputs = await readInputs(flags.filename, flags.recursive, terminal);
	const cluster = flags.restore === null ? await created(flags, options) : await restored(flags, options);
	// A cluster that goes on is settled already, and has packets that another settling would not.
	if (inputs.length > 0 || flags.restore === null) {
		await cluster.apply(inputs);
		await cluster.settle();
	}
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

type OwnOptions = Pick<ClusterOptions, "now" | "rootCA">;

/** Its time is that of the snapshot. */
async function restored({ restore, backend }: ClusterFlags, { rootCA }: OwnOptions): Promise<Cluster> {
	const file = String(restore);
	const bytes = new Uint8Array(await readFile(file));
	try {
		return await Cluster.restore(bytes, {
			...(backend === null ? {} : { backend }),
			...(rootCA === undefined ? {} : { rootCA }),
		});
	} catch (error) {
		throw error instanceof SnapshotError ? new InputError(file, error.message) : error;
	}
}

async function created(flags: ClusterFlags, options: OwnOptions): Promise<Cluster> {
	const nodeState = flags.nodeState === null ? null : await readNodeState(flags.nodeState);
	return Cluster.create({
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
		...(flags.hairpinMode === null ? {} : { hairpinMode: flags.hairpinMode }),
		...(flags.apiServer === null ? {} : { apiServer: flags.apiServer }),
		...(flags.disableAdmissionPlugins === null ? {} : { disableAdmissionPlugins: flags.disableAdmissionPlugins }),
		...(flags.nonMasquerade === null
			? {}
			: { nonMasquerade: flags.nonMasquerade.length === 0 ? "none" : flags.nonMasquerade.join(",") }),
	};
}
