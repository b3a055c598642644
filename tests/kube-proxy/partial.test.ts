// Syncs of single Services as edits are those that write and read everything: the same chains are written, with the same rules,
// and all others stay the same objects.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Service } from "../../js/api/core.ts";
import type { EndpointSlice } from "../../js/api/discovery.ts";
import { serviceOfSlice } from "../../js/kube-proxy/endpointsmap.ts";
import { edited, PartialSyncs } from "../../js/kube-proxy/partial.ts";
import { syncNode } from "../../js/kube-proxy/saved.ts";
import type { SyncInput } from "../../js/kube-proxy/sync.ts";
import { printIptablesSave } from "../../js/net/iptables/index.ts";
import type { Ruleset } from "../../js/net/ruleset.ts";
import { runs } from "../runs.ts";
import { inputs } from "./clusters.ts";

/** Chains of a ruleset that another one does not have as they are. */
function rewritten(before: Ruleset, now: Ruleset): string[] {
	const old = new Set(before.tables.flatMap(({ chains }) => chains));
	return now.tables.flatMap(({ name, chains }) =>
		chains.filter((chain) => !old.has(chain)).map((chain) => `${name} ${chain.name}`),
	);
}

class Both {
	#services: readonly Service[];
	#slices: readonly EndpointSlice[];
	readonly #input: SyncInput;
	readonly #partial: PartialSyncs;
	#expected: Ruleset;
	#got: Ruleset;

	constructor(input: SyncInput) {
		const { ruleset, sync } = syncNode(input);
		this.#input = input;
		this.#services = input.services;
		this.#slices = input.endpointSlices;
		this.#partial = PartialSyncs.after(input, sync, ruleset);
		this.#expected = ruleset;
		this.#got = ruleset;
	}

	/** `objects`: what Services are now that changed themselves; null: gone. */
	change(
		slices: readonly EndpointSlice[],
		services: ReadonlySet<string>,
		objects: ReadonlyMap<string, Service | null> = new Map(),
	): void {
		this.#services = [
			...this.#services.filter((service) => !objects.has(nameOf(service))),
			...[...objects.values()].filter((service) => service !== null),
		];
		const isOf = (slice: EndpointSlice) => services.has(serviceOfSlice(slice) ?? "");
		this.#slices = [...this.#slices.filter((slice) => !isOf(slice)), ...slices.filter(isOf)];
		const [now, endpointSlices] = [this.#services, this.#slices];
		const input = { ...this.#input, services: now, endpointSlices, updatedServices: services };
		const expected = syncNode(input, { ruleset: this.#expected }).ruleset;
		const own = (name: string) => ({
			service: now.find((service) => nameOf(service) === name) ?? null,
			slices: endpointSlices.filter((slice) => serviceOfSlice(slice) === name),
		});
		const edits = this.#partial.sync(new Map([...services].map((service) => [service, own(service)])));
		const got = edited(this.#got, edits);
		for (const options of [{ counters: true }, { written: true }]) {
			expect(printIptablesSave(got, options)).toBe(printIptablesSave(expected, options));
		}
		expect(rewritten(this.#got, got)).toEqual(rewritten(this.#expected, expected));
		this.#expected = expected;
		this.#got = got;
	}
}

const nameOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`;

describe("partial syncs", () => {
	it("write what a whole sync with updatedServices writes", () => {
		const what = fc.constantFrom("slices", "service", "gone");
		const which = fc.array(fc.tuple(fc.nat(3), what), { minLength: 1, maxLength: 2 });
		const step = fc.record({ from: inputs, which });
		fc.assert(
			fc.property(inputs, fc.array(step, { minLength: 1, maxLength: 5 }), (input, steps) => {
				const both = new Both(input);
				for (const { from, which } of steps) {
					const changed = new Map(which.map(([index, how]) => [`ns/svc${index}`, how]));
					const objects = new Map<string, Service | null>();
					for (const [name, how] of changed) {
						const service = from.services.find((one) => nameOf(one) === name) ?? null;
						if (how !== "slices") objects.set(name, how === "gone" ? null : service);
					}
					both.change(from.endpointSlices, new Set(changed.keys()), objects);
				}
			}),
			runs(150),
		);
	});

	it("leave comments out above a thousand endpoints, in chains that are written then", () => {
		const [base] = fc.sample(
			inputs.filter(({ family }) => family === "ipv4"),
			runs(1),
		);
		if (base === undefined) throw new Error("no input");
		const service = (name: string, clusterIP: string) => ({
			apiVersion: "v1" as const,
			kind: "Service" as const,
			metadata: { namespace: "ns", name },
			spec: { clusterIP, ports: [{ name: "p", port: 80 }] },
		});
		const slice = (name: string, network: number, count: number) => ({
			apiVersion: "discovery.k8s.io/v1" as const,
			kind: "EndpointSlice" as const,
			metadata: { namespace: "ns", name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
			addressType: "IPv4" as const,
			endpoints: Array.from({ length: count }, (_, i) => ({ addresses: [`10.${network}.${i >> 8}.${i & 255}`] })),
			ports: [{ name: "p", port: 8080 }],
		});
		const services = [service("big", "10.96.0.1"), service("small", "10.96.0.2")];
		const both = new Both({ ...base, services, endpointSlices: [slice("big", 1, 999), slice("small", 2, 1)] });
		both.change([slice("big", 1, 1000)], new Set(["ns/big"]));
		both.change([slice("small", 2, 2)], new Set(["ns/small"]));
		both.change([slice("small", 2, 0)], new Set(["ns/small", "ns/none"]));
	});
});
