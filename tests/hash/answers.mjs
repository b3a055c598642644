// The answers to the scene's questions, as text and as one SHA-256: the same code for Node, Deno and a browser, over
// the built package. Nothing but web standards is used.

/**
 * @param {{Cluster: typeof import("../../js/index.ts").Cluster}} podwire
 * @param {any} scene
 */
export async function answersOf({ Cluster }, scene) {
	const cluster = await Cluster.create(scene.cluster.options);
	await cluster.apply(scene.cluster.manifests);
	await cluster.settle();
	const lab = await Cluster.fromNodes(scene.lab.network);
	const answers = [
		...scene.cluster.questions.map((/** @type {any} */ question) => cluster.trace(question)),
		cluster.iptables("node-2", { counters: true }),
		cluster.conntrack("node-1"),
		cluster.routes("router"),
		...scene.lab.questions.map((/** @type {any} */ question) => lab.trace(question)),
	];
	const text = JSON.stringify(answers);
	const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
	const hash = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
	cluster.dispose();
	lab.dispose();
	return { text, hash };
}
