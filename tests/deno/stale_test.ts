// A watch that comes too late, and client-node's informer that finds its way back from one, on Deno as on Node: over the
// sources, as nothing that is published forgets so soon.

import { emptyRegistry } from "../apiserver/registry.ts";
import { informed, outlive, staleWatch } from "../e2e/informing.ts";

Deno.test("a watch from a revision that is kept no more is told 410, and ends", async () => {
	const { code, events } = await staleWatch(emptyRegistry("default"));
	const [event, ...more] = events as { type: string; object: { kind: string; code: number; reason: string } }[];
	if (code !== 200 || more.length > 0 || event?.type !== "ERROR") throw new Error(`${code} ${JSON.stringify(events)}`);
	const { object } = event;
	if (object.kind !== "Status" || object.code !== 410 || object.reason !== "Expired")
		throw new Error(JSON.stringify(object));
});

// Clients keep connections for later.
Deno.test({ name: "an informer begins anew after a 410", sanitizeResources: false, sanitizeOps: false }, async () => {
	const registry = emptyRegistry("default");
	const told = await informed(registry, () => outlive(registry));
	if (told.join() !== "410") throw new Error(`its watches were told: ${told.join()}`);
});

Deno.test(
	{ name: "an informer misses nothing through a dropped connection", sanitizeResources: false, sanitizeOps: false },
	async () => {
		const told = await informed(emptyRegistry("default"), () => {});
		if (told.length > 0) throw new Error(`its watches were told: ${told.join()}`);
	},
);
