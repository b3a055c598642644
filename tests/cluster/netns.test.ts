// What containers of one pod share, and what a pod that hangs does to packets: asked of the data plane.

import { describe, expect, it } from "vitest";
import { Cluster } from "../../js/cluster.ts";

const TWO = `apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
    - {name: web, image: i, ports: [{containerPort: 80}]}
    - {name: metrics, image: i, ports: [{containerPort: 9090}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  containers: [{name: c, image: i, ports: [{containerPort: 80}]}]
`;

describe("containers of one pod", () => {
	it("reach each other's ports on localhost, and nobody else does there", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.apply(TWO);
		await cluster.settle();
		const onLocalhost = (port: number) => cluster.trace({ from: "pod/default/two", to: `127.0.0.1:${port}` });
		const ask = (port: number) => onLocalhost(port).verdict;
		expect([ask(80), ask(9090), ask(81)]).toEqual(["delivered", "delivered", "rejected"]);
		expect(cluster.trace({ from: "pod/default/other", to: "127.0.0.1:9090" }).verdict).toBe("rejected");
		// It is everybody's own: no machine outside has it.
		expect(onLocalhost(80).assumed).toEqual([]);
		expect(cluster.topology.hosts.map(({ ip }) => ip)).not.toContain("127.0.0.1");
	});
});

describe("a pod that hangs", () => {
	it("takes no packet until it is started again", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.apply(TWO);
		await cluster.settle();
		const ask = () => cluster.trace({ from: "pod/default/other", to: "pod/default/two:80" }).verdict;
		expect(ask()).toBe("delivered");
		const annotate = (key: string) =>
			cluster.api.patch("v1", "Pod", "two", { metadata: { annotations: { [`podwire.dev/${key}`]: "1" } } });
		await annotate("hang");
		await cluster.settle();
		expect(ask()).toBe("dropped");
		await annotate("crash");
		await cluster.settle();
		expect(ask()).toBe("delivered");
	});
});
