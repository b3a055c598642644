// What a change makes of the cluster's objects, tested on Deno: `deno test examples/testing/scale_test.ts`, with `podwire` from
// npm (`deno add npm:podwire`).

import { Cluster } from "podwire";

Deno.test("a Service's endpoints follow its pods", async () => {
	const cluster = await Cluster.create({ nodes: 2 });
	await cluster.apply([
		{
			apiVersion: "v1",
			kind: "Service",
			metadata: { name: "web" },
			spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
		},
		pod("web-0"),
	]);
	await cluster.settle();
	const watch = await cluster.api.watch("discovery.k8s.io/v1", "EndpointSlice", { namespace: "default" });
	watch.take();

	await cluster.api.create(pod("web-1"));
	await cluster.settle();
	const [event] = watch.take();
	if (event?.type !== "MODIFIED") throw new Error(`the slice should change, got ${event?.type}`);
	if (event.object.endpoints?.length !== 2) throw new Error("both pods should be endpoints");
	watch.close();
});

function pod(name: string) {
	const metadata = { name, namespace: "default", labels: { app: "web" } };
	return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: "web", image: "nginx" }] } };
}
