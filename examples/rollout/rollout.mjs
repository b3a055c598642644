// What a rolling update costs: connections of three clients while a Deployment gets another image, carried as the controllers, the
// kubelets and kube-proxy act, and those that were lost, by cause. Then the same with a preStop hook that waits until nobody
// sends to the pod any more: `node examples/rollout/rollout.mjs`.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Cluster } from "podwire";

const WEB = "10.96.0.80";
/** Seconds since 1970 at which the traffic begins, how long it goes on, when the new image comes. */
const BEGIN = 1_800_000_000;
const SECONDS = 30;
const UPDATE = 5;
/** A connection is open that long, and the next one begins after that. */
const OPEN = 0.8;
const EVERY = 0.02;

const NS = 1_000_000_000;
const MANIFEST = fileURLToPath(new URL("web.yaml", import.meta.url));

/** Flow records of short connections to the Service: an opening, a question in the middle, the end. */
function records(/** @type {readonly string[]} */ clients) {
	/** @type {{ at: number; text: string }[]} */
	const rows = [];
	const connections = Math.floor((SECONDS - OPEN) / EVERY);
	for (let i = 0; i < connections; i++) {
		const from = `${clients[i % clients.length]},${20_000 + i}`;
		const row = (/** @type {number} */ after, /** @type {number} */ packets, /** @type {number} */ flags) => {
			const at = BEGIN + i * EVERY + after;
			rows.push({ at, text: `${at.toFixed(6)},${from},${WEB},80,tcp,${packets},${packets * 100},${flags}` });
		};
		row(0, 2, 0x1a);
		row(OPEN / 2, 1, 0x18);
		row(OPEN, 1, 0x11);
	}
	rows.sort((a, b) => a.at - b.at);
	return ["time,src,sport,dst,dport,proto,packets,bytes,flags", ...rows.map(({ text }) => text), ""].join("\n");
}

/**
 * The report of the traffic during an update of these manifests.
 * @param {string} manifests
 * @param {import("podwire").ReplayRequest} request
 */
export async function rollout(manifests, request = {}) {
	const cluster = await Cluster.create({ nodes: 3 });
	await cluster.apply([{ name: "web.yaml", text: manifests }]);
	await cluster.settle();
	const clients = cluster.topology.pods.filter(({ name }) => name.startsWith("default/client")).map(({ ip }) => ip);
	const bytes = new TextEncoder().encode(records(clients));
	const source = {
		name: "connections.csv",
		async *open() {
			yield bytes;
		},
	};
	const timeNs = BigInt(BEGIN + UPDATE) * BigInt(NS);
	const next = manifests.replace("image: web:1", "image: web:2");
	return cluster.replay(source, {
		...request,
		live: true,
		actions: [{ timeNs, run: (_, acting) => acting?.apply(timeNs, "web.yaml", next) }],
	});
}

/** The same pods, asked to go, first wait while kube-proxy takes them out of its rules and their connections end. */
export const patient = (/** @type {string} */ manifests) =>
	manifests.replace("image: web:1", "image: web:1\n          lifecycle: { preStop: { sleep: { seconds: 5 } } }");

/** Connections that were lost, by cause: those that nobody answered, and those that broke. */
export function lost(/** @type {Awaited<ReturnType<typeof rollout>>} */ { flows, verdicts, reasons, broken }) {
	const causes = Object.entries(broken.reasons).map(([reason, count]) => [`${reason}, open by then`, count]);
	return {
		connections: flows,
		lost: flows - verdicts.delivered + broken.flows,
		causes: {
			...Object.fromEntries(Object.entries(reasons).map(([reason, count]) => [`${reason}, at its opening`, count])),
			...Object.fromEntries(causes),
		},
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const manifests = await readFile(MANIFEST, "utf8");
	const told = [
		["as it is", lost(await rollout(manifests))],
		["with a preStop hook", lost(await rollout(patient(manifests)))],
	];
	for (const [name, { connections, lost: count, causes }] of /** @type {[string, ReturnType<typeof lost>][]} */ (
		told
	)) {
		console.log(`${name}: ${count} of ${connections} connections lost`);
		for (const [cause, flows] of Object.entries(causes)) console.log(`  ${String(flows).padStart(5)}  ${cause}`);
	}
}
