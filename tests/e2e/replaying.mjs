// The shop's capture replayed on so many threads, as one SHA-256 of its report and each of its flows: the same code for Node, a page
// and a worker.

/**
 * @param {typeof import("../../js/index.ts")} podwire
 * @param {{ manifests: string, capture: () => AsyncIterable<Uint8Array>, request: import("../../js/index.ts").ReplayRequest }} shop
 * @returns {Promise<string>} number of flows and the hash
 */
export async function replaying({ Cluster }, { manifests, capture, request }) {
	const cluster = await Cluster.create();
	await cluster.apply([{ name: "cluster.yaml", text: manifests }]);
	await cluster.settle();
	/** @type {string[]} */
	const flows = [];
	const report = await cluster.replay([{ name: "client-side.pcapng", open: capture }], {
		...request,
		perFlow: (flow) => flows.push(JSON.stringify(flow)),
	});
	cluster.dispose();
	const text = [JSON.stringify(report), ...flows].join("\n");
	const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
	return `${flows.length} ${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Where there is `fetch`: the same of the shop's files below an address. @param {typeof import("../../js/index.ts")} podwire @param {string} shop @param {import("../../js/index.ts").ReplayRequest} request */
export async function replayingFrom(podwire, shop, request) {
	const manifests = await (await fetch(`${shop}cluster.yaml`)).text();
	return replaying(podwire, {
		manifests,
		capture: () => podwire.openFlows(`${shop}client-side.pcapng`).open(),
		request,
	});
}
