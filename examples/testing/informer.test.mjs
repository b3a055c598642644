// A controller's own test with vitest: an informer of `@kubernetes/client-node` over a cluster in this process. No server is
// started, no kubeconfig read; what the cluster's controllers do, the informer sees.

import { AppsV1Api, CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { Cluster } from "podwire";
import { expect, test } from "vitest";

const DEPLOYMENT = {
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web", namespace: "default" },
	spec: {
		replicas: 2,
		selector: { matchLabels: { app: "web" } },
		template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx" }] } },
	},
};

test("an informer sees pods come", async () => {
	const cluster = await Cluster.create({ nodes: 2 });
	await cluster.settle();
	const config = await cluster.kubeConfig(KubeConfig);
	const core = config.makeApiClient(CoreV1Api);
	const apps = config.makeApiClient(AppsV1Api);

	const names = [];
	const pods = () => core.listNamespacedPod({ namespace: "default" });
	const informer = makeInformer(config, "/api/v1/namespaces/default/pods", pods);
	informer.on("add", ({ metadata }) => names.push(metadata?.name ?? ""));
	await informer.start();

	await apps.createNamespacedDeployment({ namespace: "default", body: DEPLOYMENT });
	await cluster.settle();
	await expect.poll(() => names.length).toBe(2);

	const { status } = await apps.readNamespacedDeployment({ namespace: "default", name: "web" });
	expect(status?.readyReplicas).toBe(2);
	await informer.stop();
});
