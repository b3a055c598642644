// What Services hold while the API runs: addresses and ports come with a Service, go with it or with what it becomes, and are made
// good after objects came into the storage past the API.

import { describe, expect, it } from "vitest";
import type { Service } from "../../js/api/core.ts";
import { repairServices } from "../../js/apiserver/services/repair.ts";
import { RegistryStore } from "../../js/cluster/store.ts";
import { emptyRegistry } from "./registry.ts";

const ADDRESSES = "ipaddresses.networking.k8s.io";
type Spec = NonNullable<Service["spec"]>;

function api() {
	const registry = emptyRegistry("d", () => 0n);
	const store = new RegistryStore(registry);
	const create = (name: string, spec: Partial<Spec> = {}) =>
		store.create<Service>("services", {
			apiVersion: "v1",
			kind: "Service",
			metadata: { namespace: "d", name },
			spec: { ports: [{ port: 80 }], ...spec },
		} as Service);
	/** Addresses of the namespace's Services, as IPAddress objects say. */
	const held = () =>
		registry.storage
			.list(ADDRESSES)
			.items.filter(({ spec }) => (spec as { parentRef: { namespace: string } }).parentRef.namespace === "d")
			.map(({ metadata, spec }) => `${metadata.name} ${(spec as { parentRef: { name: string } }).parentRef.name}`);
	const ports = () => registry.storage.list("servicenodeports").items.map(({ metadata }) => Number(metadata.name));
	return { registry, store, create, held, ports };
}
const LOCAL = { type: "LoadBalancer", externalTrafficPolicy: "Local" } as const;

describe("what a Service holds", () => {
	it("comes with it, and goes with it", () => {
		const { store, create, held, ports } = api();
		const made = create("web", LOCAL);
		const { clusterIP = "", ports: [{ nodePort } = {}] = [], healthCheckNodePort } = made.spec ?? {};
		expect(held()).toEqual([`${clusterIP} web`]);
		expect(ports().sort()).toEqual([nodePort, healthCheckNodePort].sort());
		store.delete("services", made);
		expect([held(), ports()]).toEqual([[], []]);
		// And somebody else may have them.
		const next = create("next", {
			...LOCAL,
			clusterIP,
			healthCheckNodePort,
			ports: [{ port: 80, nodePort }],
		} as Partial<Spec>);
		expect(next.spec).toMatchObject({ clusterIP, healthCheckNodePort });
	});

	it("goes as far as what it becomes needs it no more", () => {
		const { store, create, held, ports } = api();
		const made = create("web", LOCAL);
		const { clusterIP = "" } = made.spec ?? {};
		const {
			externalTrafficPolicy: _,
			healthCheckNodePort: __,
			...rest
		} = made.spec as Spec & { healthCheckNodePort?: number };
		const inside = store.update<Service>("services", {
			...made,
			spec: { ...rest, type: "ClusterIP", ports: [{ port: 80 }] } as Spec,
		});
		expect([held(), ports()]).toEqual([[`${clusterIP} web`], []]);
		const {
			clusterIP: _ip,
			clusterIPs: _ips,
			ipFamilies: _f,
			ipFamilyPolicy: _p,
			...outside
		} = inside.spec as Spec & Record<string, unknown>;
		store.update<Service>("services", {
			...inside,
			spec: { ...outside, type: "ExternalName", externalName: "example.com" } as Spec,
		});
		expect(held()).toEqual([]);
	});

	it("is not given twice, and a refusal takes nothing", () => {
		const { create, held, ports } = api();
		const { spec } = create("web", { type: "NodePort", ports: [{ port: 80, nodePort: 30_001 }] });
		const before = [held(), ports()];
		expect(() => create("other", { clusterIP: spec?.clusterIP ?? "" })).toThrow("provided IP is already allocated");
		expect(() => create("other", { type: "NodePort", ports: [{ port: 80, nodePort: 30_001 }] })).toThrow(
			"provided port is already allocated",
		);
		expect(() => create("other", { type: "NodePort", ports: [{ port: 80, nodePort: 29_999 }] })).toThrow(
			"provided port is not in the valid range. The range of valid ports is 30000-32767",
		);
		expect(() => create("other", { clusterIP: "10.97.0.1" })).toThrow(
			/failed to allocate IP 10\.97\.0\.1: the provided IP/,
		);
		expect([held(), ports()]).toEqual(before);
	});
});

describe("a restart", () => {
	it("finds what is held in the storage", () => {
		const { registry, create } = api();
		const { spec } = create("web");
		const again = new RegistryStore({ ...registry, storage: registry.storage.fork() });
		const other = { apiVersion: "v1", kind: "Service", metadata: { namespace: "d", name: "other" } };
		expect(() =>
			again.create("services", { ...other, spec: { clusterIP: spec?.clusterIP, ports: [{ port: 80 }] } } as Service),
		).toThrow("provided IP is already allocated");
	});

	it("takes what Services have, and lets go what none has", () => {
		const { registry, create, held, ports } = api();
		const made = create("web", { type: "NodePort", ports: [{ port: 80, nodePort: 30_007 }] });
		const { clusterIP = "" } = made.spec ?? {};
		// As where the storage was written past the API: one Service is lost, another one came.
		registry.storage.remove("services", "d", "web");
		const other = {
			...made,
			metadata: { ...made.metadata, name: "other" },
			spec: {
				...made.spec,
				clusterIP: "10.96.7.7",
				clusterIPs: ["10.96.7.7"],
				ports: [{ port: 80, nodePort: 30_008 }],
			},
		};
		registry.storage.put("services", other as Service);
		repairServices(registry);
		expect([held(), ports()]).toEqual([["10.96.7.7 other"], [30_008]]);
		expect(create("web", { clusterIP }).spec?.clusterIP).toBe(clusterIP);
		repairServices(registry);
		expect(ports()).toEqual([30_008]);
	});
});

describe("families", () => {
	it.each([
		["SingleStack", 1, ["IPv4"]],
		["PreferDualStack", 2, ["IPv4", "IPv6"]],
		["RequireDualStack", 2, ["IPv4", "IPv6"]],
	] as const)("%s holds %i", (ipFamilyPolicy, count, families) => {
		const { create, held } = api();
		const { spec } = create("web", { ipFamilyPolicy });
		expect(spec).toMatchObject({ ipFamilies: families });
		expect(held()).toHaveLength(count);
	});

	it("back to one gives the second back", () => {
		const { store, create, held } = api();
		const made = create("web", { ipFamilyPolicy: "RequireDualStack" });
		const [first = ""] = made.spec?.clusterIPs ?? [];
		store.update<Service>("services", {
			...made,
			spec: { ...made.spec, ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv4"], clusterIPs: [first] } as Spec,
		});
		expect(held()).toEqual([`${first} web`]);
	});
});
