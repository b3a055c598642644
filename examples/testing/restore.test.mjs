// A cluster is brought up once and saved; each test begins with it as it was, whatever the others do to theirs:
// `node --test examples/testing/restore.test.mjs`. The file serves other processes and the command line too
// (`podwire trace --restore FILE`), and can be kept from run to run where its manifests stay the same.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Cluster } from "podwire";

const SHOP = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {app: cart}}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: cart, ports: [{containerPort: 7070}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{port: 7070}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: client}]}
`;

const CALL = { from: "pod/default/client", to: "svc/default/cart:7070" };
/** @type {string} */
let folder;

before(async () => {
	folder = await mkdtemp(join(tmpdir(), "podwire-"));
	const cluster = await Cluster.create({ nodes: 2 });
	await cluster.apply(SHOP);
	await cluster.settle();
	await writeFile(join(folder, "shop.podwire"), await cluster.snapshot());
});

after(() => rm(folder, { recursive: true }));

const shop = async () => Cluster.restore(new Uint8Array(await readFile(join(folder, "shop.podwire"))));

test("without its pods the cart refuses", async () => {
	const cluster = await shop();
	await cluster.api.patch("apps/v1", "Deployment", "cart", { spec: { replicas: 0 } });
	await cluster.settle();
	assert.equal(cluster.trace(CALL).verdict, "rejected");
});

test("with a pod deleted it still answers, in the middle of it", async () => {
	const cluster = await shop();
	const [pod] = (await cluster.api.list("v1", "Pod", { labelSelector: "app=cart" })).items;
	await cluster.api.delete("v1", "Pod", pod?.metadata.name ?? "");
	await cluster.advance(300);
	assert.equal(cluster.trace(CALL).verdict, "delivered");
});
