// A cluster that is saved and goes on, under Deno, over the built package.

import * as podwire from "../../dist/js/index.js";

const scene = JSON.parse(await Deno.readTextFile(new URL("../hash/scene.json", import.meta.url)));

Deno.test("a restored cluster goes on as the one that was saved", async () => {
	const cluster = await podwire.Cluster.create(scene.cluster.options);
	await cluster.apply(scene.cluster.manifests);
	await cluster.settle();
	const [question] = scene.cluster.questions;
	cluster.trace(question);
	const restored = await podwire.Cluster.restore(await cluster.snapshot());
	const answers = (one: podwire.Cluster) =>
		JSON.stringify([one.trace(question), one.iptables("node-2", { counters: true }), one.conntrack("node-1")]);
	const wanted = answers(cluster);
	if (answers(restored) !== wanted) throw new Error("the restored cluster goes on differently");
});
