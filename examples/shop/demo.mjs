// The shop's 75 seconds again: its nodes' own rules and routes, its capture, its reload; then every connection compared with
// what a Linux kernel did with it, the load shares tested, and one packet told hop by hop. Exit status 1 on any disagreement.

import { performance } from "node:perf_hooks";
import { reportText, traceText } from "podwire";
import { compare, Flows } from "./compare.mjs";
import { endpointsOf, nodesOf } from "./endpoints.mjs";
import { events, objectsAfterReload, openShop, recording, truth } from "./recording.mjs";
import { shares } from "./shares.mjs";

/** Below this a share differs by more than chance: one in two thousand for each test. */
const SIGNIFICANT = 0.0005;
const SHOWN = 20;

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

const cluster = await openShop();
const { actions, reload } = await events();
const flows = new Flows();
const report = await cluster.replay([recording()], {
	actions,
	perFlow: (flow) => flows.add(flow),
	now: () => performance.now(),
});
say(reportText(report));

const rows = await truth();
const known = {
	reload,
	endpoints: { before: endpointsOf(cluster.objects), after: endpointsOf(await objectsAfterReload()) },
	nodes: nodesOf(cluster.objects),
};
const { matches, disagreements } = compare(rows, flows, known);
for (const text of disagreements.slice(0, SHOWN)) say(text);
if (disagreements.length > SHOWN) say(`… and ${disagreements.length - SHOWN} more`);

say("load shares, recorded and replayed:");
const tested = shares(matches, reload);
for (const { choice, period, recorded, replayed, p } of tested) {
	const keys = [...new Set([...recorded.keys(), ...replayed.keys()])].sort();
	const pairs = keys.map((key) => `${key} ${recorded.get(key) ?? 0}/${replayed.get(key) ?? 0}`);
	say(`  ${choice}, ${period} the reload: ${pairs.join(", ")} (p ${p.toFixed(3)})`);
}
const unlikely = tested.filter(({ p }) => p < SIGNIFICANT);

say("\none packet, hop by hop:\n");
const path = cluster.trace({ from: "deploy/default/frontend", to: "svc/default/cartservice:7070" });
say(traceText(path));

const agree = rows.length - disagreements.length;
say(
	`${agree} of ${rows.length} recorded outcomes agree; ${tested.length - unlikely.length} of ${tested.length} load shares lie within sampling error`,
);
cluster.dispose();
if (disagreements.length > 0 || unlikely.length > 0 || path.verdict !== "delivered") process.exitCode = 1;
