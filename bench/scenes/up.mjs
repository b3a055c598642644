// One cluster as a program has it, of the objects on standard input: prints what it took to come up, and to follow changes.

import { readFileSync } from "node:fs";
import { Cluster } from "podwire";

/** The first ones run code that has not run before: it is compiled meanwhile, by threads whose time counts here. */
const WARMING = 400;
const CHANGES = 200;
/** Virtual time after which nothing is on its way. */
const SETTLED_MS = 10_000;

const { objects, options } = JSON.parse(readFileSync(0, "utf8"));
const names = objects.filter(({ kind }) => kind === "Deployment").map(({ metadata }) => metadata.name);
const spent = (since) => {
	const { user, system } = process.cpuUsage(since);
	return (user + system) / 1e6;
};

const started = process.cpuUsage();
const cluster = await Cluster.create(options);
await cluster.apply(objects);
objects.length = 0;
await cluster.settle();
await scaleUp(names[0]);
const seconds = spent(started);
const first = [];
const changes = [];
const live = [];
let scaled = 0;
for (let i = 0; i < WARMING + CHANGES; i++) {
	const ms = await change();
	if (i < CHANGES) first.push(ms);
	if (i >= WARMING) changes.push(ms);
}
const rss = process.resourceUsage().maxRSS / 1024;
// The network has followed the objects by then; from here on it does so after each.
void cluster.machine;
for (let i = 0; i < WARMING / 2 + CHANGES; i++) {
	const ms = await change(() => void cluster.machine);
	if (i >= WARMING / 2) live.push(ms);
}
let pods = 0;
await cluster.runUntil((known) => {
	pods = known.list("deployments.apps").reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0);
	return true;
});
process.stdout.write(JSON.stringify({ seconds, rss, first, changes, live, pods }));

/** Milliseconds of CPU that one pod more takes, and what is done `then`. */
async function change(then = () => {}) {
	const before = process.cpuUsage();
	await scaleUp(names[++scaled % names.length]);
	then();
	return spent(before) * 1000;
}

/** One pod more, until it is ready and everybody knows. */
async function scaleUp(name) {
	const { spec } = await cluster.api.get("apps/v1", "Deployment", name);
	await cluster.api.patch("apps/v1", "Deployment", name, { spec: { replicas: spec.replicas + 1 } });
	await cluster.advance(SETTLED_MS);
}
