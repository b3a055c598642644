// The allocators' bands and their promise: no value twice, none outside, all of them before "full".

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withServiceDefaults } from "../../js/apiserver/defaults/objects.ts";
import { ClusterIPRange } from "../../js/apiserver/services/clusterip.ts";
import { NodePorts } from "../../js/apiserver/services/nodeport.ts";
import { addressToBigInt, parsePrefix } from "../../js/net/address.ts";
import { seededRandom } from "../../js/sim/random.ts";
import { runs } from "../runs.ts";

function range(text: string): ClusterIPRange {
	const prefix = parsePrefix(text);
	if (prefix === null) throw new Error(text);
	return new ClusterIPRange(prefix);
}

describe("ClusterIPs", () => {
	it.each([
		["10.0.0.0/24", 16],
		["10.96.0.0/12", 256],
		["10.0.0.0/20", 256],
		["10.0.0.0/23", 32],
		["10.0.0.0/28", 0],
		["fd00::/112", 256],
		["fd00::/64", 256],
	])("static band of %s: %i", (cidr, size) => {
		expect(range(cidr).staticBand).toBe(size);
	});

	it("draws from the upper band first, from the static one when that is full, then says so", () => {
		fc.assert(
			fc.property(fc.integer(), fc.integer({ min: 24, max: 30 }), (seed, length) => {
				const addresses = range(`10.0.0.0/${length}`);
				const random = seededRandom(seed);
				const size = 2 ** (32 - length) - 2;
				const drawn = Array.from({ length: size }, (_, i) => addresses.next(random, `s${i}`));
				const offsets = drawn.map((address) =>
					Number(addressToBigInt(address ?? "0.0.0.0") - addressToBigInt("10.0.0.0")),
				);
				expect(new Set(offsets)).toEqual(new Set(Array.from({ length: size }, (_, i) => i + 1)));
				expect(addresses.next(random, "one more")).toBeNull();
				const upper = offsets.slice(0, size - addresses.staticBand);
				expect(Math.min(...upper)).toBe(addresses.staticBand + 1);
			}),
			runs(30),
		);
	});

	it("never draws the network, the broadcast address or what is taken", () => {
		const addresses = range("10.0.0.0/29");
		expect(addresses.contains("10.0.0.0")).toBe(false);
		expect(addresses.contains("10.0.0.7")).toBe(false);
		expect(addresses.take("10.0.0.3", "a")).toBeNull();
		expect(addresses.take("10.0.0.3", "b")).toBe("a");
		const drawn = Array.from({ length: 5 }, (_, i) => addresses.next(seededRandom(1), `s${i}`)).sort();
		expect(drawn).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
	});
});

describe("NodePorts", () => {
	it("keeps 30000-30085 for those who name a port, until the rest is used up", () => {
		const ports = new NodePorts();
		const random = seededRandom(3);
		expect(ports.staticBand).toBe(86);
		const drawn = Array.from({ length: 2768 }, (_, i) => ports.next(random, `s${i}`) ?? 0);
		expect(new Set(drawn).size).toBe(2768);
		expect(Math.min(...drawn.slice(0, 2682))).toBe(30086);
		expect(Math.max(...drawn)).toBe(32767);
		expect(ports.next(random, "one more")).toBeNull();
	});
});

describe("defaults", () => {
	it("reads the old OnlyLocal annotation", () => {
		const service = withServiceDefaults({
			apiVersion: "v1",
			kind: "Service",
			metadata: { name: "a", annotations: { "service.beta.kubernetes.io/external-traffic": "OnlyLocal" } },
			spec: { type: "LoadBalancer", ports: [{ port: 80 }], sessionAffinity: "ClientIP" },
		});
		expect(service.spec).toMatchObject({
			externalTrafficPolicy: "Local",
			internalTrafficPolicy: "Cluster",
			ports: [{ port: 80, targetPort: 80, protocol: "TCP" }],
			sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
		});
	});
});

describe("seeded chance", () => {
	it("is uniform over small ranges, and its words count one by one", () => {
		const random = seededRandom(9);
		const counts = new Array<number>(10).fill(0);
		for (let i = 0; i < 20_000; i++) counts[random.integer(10, "x", i)]!++;
		const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
		expect(chiSquare).toBeLessThan(27.9); // 9 degrees of freedom, p = 0.001
		expect(random.integer(2 ** 32, "a", "bc")).not.toBe(random.integer(2 ** 32, "ab", "c"));
	});
});
