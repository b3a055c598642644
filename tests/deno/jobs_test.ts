// An engine on several threads, Deno's own workers: the same report as on one.

import * as podwire from "../../dist/js/index.js";

const SHOP = new URL("../../examples/shop/", import.meta.url);
const read = (name: string) => Deno.readTextFile(new URL(name, SHOP));

async function replayed(request: { jobs: number; sharedMemory?: boolean; keptRows?: number }): Promise<string> {
	const cluster = await podwire.Cluster.create();
	await cluster.apply([{ name: "cluster.yaml", text: await read("cluster.yaml") }]);
	await cluster.settle();
	const flows: string[] = [];
	const report = await cluster.replay([podwire.openFlows(new URL("client-side.pcapng", SHOP).pathname)], {
		...request,
		perFlow: (flow: unknown) => flows.push(JSON.stringify(flow)),
	});
	return [JSON.stringify(report), ...flows].join("\n");
}

Deno.test("replays on two threads as on one", async () => {
	const [alone, together] = [await replayed({ jobs: 1 }), await replayed({ jobs: 2 })];
	if (alone.length < 100_000) throw new Error(`too little was replayed: ${alone}`);
	if (together !== alone) throw new Error("two threads report something else");
	const transferred = await replayed({ jobs: 2, sharedMemory: false, keptRows: 0 });
	if (transferred !== alone) throw new Error("two threads that share no memory report something else");
});
