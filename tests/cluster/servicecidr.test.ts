// Ranges of Services that come and go while a cluster runs: who may have addresses of them, what keeps one that is to go, and what is
// said of it. Messages and order after upstream's controller of 1.36.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { ServiceCIDR } from "../../js/api/networking.ts";
import { Cluster } from "../../js/index.ts";

const FINALIZER = "networking.k8s.io/service-cidr-finalizer";
const READY = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };
const KEPT = {
	...{ type: "Ready", status: "False", reason: "Terminating" },
	message: "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
};

const range = (name: string, ...cidrs: string[]) =>
	({
		apiVersion: "networking.k8s.io/v1",
		kind: "ServiceCIDR",
		metadata: { name },
		spec: { cidrs },
	}) as KubernetesObject;

const service = (name: string, clusterIP: string) =>
	({
		...{ apiVersion: "v1", kind: "Service", metadata: { namespace: "default", name } },
		spec: { clusterIP, ports: [{ port: 80 }], selector: { app: "web" } },
	}) as KubernetesObject;

async function cluster(): Promise<Cluster> {
	const made = await Cluster.create({ nodes: 1, serviceCIDR: "10.96.0.0/24" });
	await made.apply(`
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: web, ports: [{containerPort: 80}]}]}
`);
	await made.settle();
	return made;
}

async function told({ api }: Cluster, name: string): Promise<ServiceCIDR | undefined> {
	const { items } = await api.list("networking.k8s.io/v1", "ServiceCIDR");
	return (items as unknown as ServiceCIDR[]).find(({ metadata }) => metadata.name === name);
}

const remove = ({ api }: Cluster, name: string) => api.delete("networking.k8s.io/v1", "ServiceCIDR", name);

describe("a range of Services", () => {
	it("is there from the start, ready, and kept by its finalizer", async () => {
		const made = await cluster();
		expect(await told(made, "kubernetes")).toMatchObject({
			metadata: { finalizers: [FINALIZER] },
			status: { conditions: [READY] },
		});
		await remove(made, "kubernetes");
		await made.settle();
		await made.advance(60_000);
		expect(await told(made, "kubernetes")).toMatchObject({ status: { conditions: [KEPT] } });
	});

	it("that comes later gives addresses that packets get to", async () => {
		const made = await cluster();
		await expect(made.api.create(service("a", "10.97.0.9"))).rejects.toThrow(
			"the provided IP (10.97.0.9) is not in the valid range. The range of valid IPs is 10.96.0.0/24",
		);
		await made.api.create(range("more", "10.97.0.0/24"));
		await made.settle();
		expect(await told(made, "more")).toMatchObject({
			metadata: { finalizers: [FINALIZER] },
			status: { conditions: [READY] },
		});
		await made.api.create(service("a", "10.97.0.9"));
		await made.settle();
		expect(made.trace({ from: "node/node-1", to: "svc/default/a:80" }).delivered).toMatchObject({ name: "web" });
	});

	it("stays while Services have addresses of it alone, and goes ten seconds after it was to", async () => {
		const made = await cluster();
		await made.api.create(range("more", "10.97.0.0/24"));
		await made.settle();
		await made.api.create(service("a", "10.97.0.9"));
		await remove(made, "more");
		await made.settle();
		expect(await told(made, "more")).toMatchObject({ status: { conditions: [KEPT] } });
		// No more addresses of it.
		await expect(made.api.create(service("b", "10.97.0.10"))).rejects.toThrow("is not in the valid range");
		await made.advance(60_000);
		expect(await told(made, "more")).toBeDefined();
		await made.api.delete("v1", "Service", "a");
		await made.settle();
		expect(await told(made, "more")).toBeUndefined();
	});

	it("that nothing is in goes, not at once", async () => {
		const made = await cluster();
		await made.api.create(range("more", "10.97.0.0/24"));
		await made.settle();
		await remove(made, "more");
		await made.advance(9000);
		expect(await told(made, "more")).toBeDefined();
		await made.advance(2000);
		expect(await told(made, "more")).toBeUndefined();
	});

	it("goes with its addresses in use where another one has them too", async () => {
		const made = await cluster();
		await made.api.create(range("small", "10.97.0.0/28"));
		await made.settle();
		await made.api.create(service("a", "10.97.0.9"));
		await remove(made, "small");
		await made.settle();
		expect(await told(made, "small")).toMatchObject({ status: { conditions: [KEPT] } });
		await made.api.create(range("large", "10.97.0.0/16"));
		await made.settle();
		await made.advance(11_000);
		expect(await told(made, "small")).toBeUndefined();
		expect((await made.api.get("v1", "Service", "a")).spec?.clusterIP).toBe("10.97.0.9");
	});
});
