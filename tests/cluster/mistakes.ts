// Clusters with a mistake of their user's in them: the few objects that most have, how they are applied, and what is heard of them.

import { Cluster, type ClusterOptions } from "../../js/index.ts";

export interface Mistake {
	/** Applied to a cluster that is settled, one after the other. */
	manifests: readonly string[];
	options?: ClusterOptions;
	/** Lets time pass; default until it is settled. */
	advanceMs?: number;
}

export const pod = (name: string, spec: string, metadata = "") =>
	`{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: web}${metadata}}, spec: {${spec}}}`;
export const CONTAINERS =
	"containers: [{name: c, image: web, ports: [{containerPort: 80}], resources: {requests: {cpu: 100m}}}]";
export const template = (labels: string) => `template: {metadata: {labels: {${labels}}}, spec: {${CONTAINERS}}}`;
export const deployment = (name: string, selector: string, labels = selector) =>
	`{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}}, spec: {replicas: 2, selector: {matchLabels: {${selector}}}, ${template(labels)}}}`;

/** A cluster to which a row has been done. */
export async function done({ manifests, options, advanceMs }: Mistake) {
	const cluster = await Cluster.create(options);
	await cluster.settle();
	for (const text of manifests) {
		await cluster.apply(text);
		await cluster.settle();
	}
	if (advanceMs !== undefined) await cluster.advance(advanceMs);
	return cluster;
}

/** Of events that have one of the reasons, once each. */
export function told({ events }: Cluster, reasons: readonly string[]): string[] {
	const lines = events
		.filter(({ reason }) => reasons.includes(reason))
		.map(({ type, reason, object, message }) => `${type} ${reason} ${object}: ${message}`)
		.map((line) => line.replace(/sandbox "[0-9a-f]{64}"/, 'sandbox "…"'))
		// What a controller draws and hashes.
		.map((line) => line.replace(/\bweb-[0-9a-f]{8,10}(-[a-z0-9]{5})?\b/g, "web-…"));
	return [...new Set(lines)];
}
