// How large a snapshot is, and how long saving and restoring takes: `node bench/snapshot.mjs NODES`, over the built package. As many
// Services as nodes, of ten pods each; times are those of the second time.

import { Cluster } from "podwire";

const nodes = Number(process.argv[2]);

/** @param {() => Promise<unknown>} act */
async function timed(act) {
	await act();
	const begun = performance.now();
	await act();
	return Math.round(performance.now() - begun);
}

/** @param {number} i */
const service = (i) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-${i}}
spec:
  replicas: 10
  selector: {matchLabels: {app: web-${i}}}
  template:
    metadata: {labels: {app: web-${i}}}
    spec: {containers: [{name: c, image: web, ports: [{containerPort: 80}]}]}
---
{apiVersion: v1, kind: Service, metadata: {name: web-${i}}, spec: {selector: {app: web-${i}}, ports: [{port: 80}]}}
`;

const cluster = await Cluster.create({ nodes, podCIDR: "10.128.0.0/9", serviceCIDR: "10.96.0.0/12" });
await cluster.apply(Array.from({ length: nodes }, (_, i) => service(i)).join("---\n"));
await cluster.settle();
await cluster.api.list("v1", "Pod");
const bytes = await cluster.snapshot();
const memory = cluster.machine.core.engine.memory.buffer.byteLength;
const savingMs = await timed(() => cluster.snapshot());
const restoringMs = await timed(() => Cluster.restore(bytes));
console.log(JSON.stringify({ nodes, pods: 10 * nodes, bytes: bytes.length, memory, savingMs, restoringMs }));
