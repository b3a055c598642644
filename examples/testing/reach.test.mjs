// Who reaches whom, tested with Node's own runner: `node --test examples/testing/reach.test.mjs`.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Cluster } from "podwire";

const SHOP = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {app: cart}}
spec:
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
/** @type {Cluster} */
let cluster;

before(async () => {
	cluster = await Cluster.create({ nodes: 2 });
	await cluster.apply(SHOP);
	await cluster.settle();
});

test("the client reaches the cart", () => {
	assert.equal(cluster.trace(CALL).verdict, "delivered");
});

test("and does not while the cart has no pods", async () => {
	await cluster.api.patch("apps/v1", "Deployment", "cart", { spec: { replicas: 0 } });
	await cluster.settle();
	const { verdict, reason } = cluster.trace(CALL);
	assert.deepEqual([verdict, reason], ["rejected", "no-endpoints"]);
});
