// A running cluster's dump with its nodes' own texts: the packet meets the node's rules and routes, under the names that
// the node has for its devices; what cannot be placed is an error at its line.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Cluster, type NodeStateTexts } from "../../js/index.ts";

const SHOP = new URL("../../examples/shop/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, SHOP), "utf8");

function texts(change: (file: string, text: string) => string = (_, text) => text): Map<string, NodeStateTexts> {
	const states = new Map<string, NodeStateTexts>();
	for (const node of readdirSync(new URL("node-state/", SHOP))) {
		const at = (name: string) => {
			const file = `${node}/${name}`;
			return { file, text: change(file, read(`node-state/${file}`)) };
		};
		states.set(node, { iptables: at("iptables-save.txt"), routes: at("ip-route.txt"), addresses: at("ip-addr.txt") });
	}
	return states;
}

async function shop(nodeState = texts()): Promise<Cluster> {
	const cluster = await Cluster.create({ nodeState });
	await cluster.apply([{ name: "cluster.yaml", text: read("cluster.yaml") }]);
	await cluster.settle();
	return cluster;
}

describe("node state", () => {
	it("decides, under the node's own names", async () => {
		const cluster = await shop();
		const path = cluster.trace({ from: "host/198.51.100.21", to: "203.0.113.80:80" });
		expect([path.verdict, path.reply?.verdict]).toEqual(["delivered", "delivered"]);
		expect(path.hops.find(({ netns }) => netns === "router")?.device).toBe("h-client-1");
		const port = path.hops.filter(({ netns }) => netns === `node/${path.delivered?.node}`).at(-1)?.device;
		expect(read(`node-state/${path.delivered?.node}/ip-addr.txt`)).toContain(`: ${port}@`);
	});

	it("holds the router's blackhole", async () => {
		const path = (await shop()).trace({ from: "deploy/default/frontend", to: "198.51.100.250:443" });
		expect([path.verdict, path.reason, path.reply]).toEqual(["unreachable", "blackhole", null]);
		expect(path.hops.at(-1)).toMatchObject({ netns: "router", event: "drop", reason: "blackhole" });
	});

	it("is printed as it was given", async () => {
		const cluster = await shop();
		const plain = (text: string) =>
			text
				.split("\n")
				.filter((line) => !line.startsWith("#"))
				.join("\n");
		for (const node of ["node-1", "router"]) {
			expect(cluster.routes(node)).toBe(read(`node-state/${node}/ip-route.txt`));
			expect(cluster.addresses(node)).toBe(read(`node-state/${node}/ip-addr.txt`));
			expect(plain(cluster.iptables(node))).toBe(plain(read(`node-state/${node}/iptables-save.txt`)));
		}
	});

	it.each([
		[
			"node-2/ip-route.txt",
			"dev cbr0",
			"dev cbr9",
			/^node-2\/ip-route.txt:2:1: "cbr9": expected a device .*nearest: cbr0/,
		],
		[
			"node-3/ip-addr.txt",
			"192.0.2.13/32",
			"192.0.2.99/32",
			/^node-3\/ip-addr.txt:5:1: "eth0": expected 192.0.2.13 on it/,
		],
		["node-1/iptables-save.txt", "*filter", "*filtre", /^node-1\/iptables-save.txt:\d+:\d+: .*filtre/],
	])("refuses %s with %s as %s", async (file, from, to, message) => {
		const changed = texts((name, text) => (name === file ? text.replace(from, to) : text));
		await expect(shop(changed)).rejects.toThrow(message);
	});

	it("is read again where a text has become another, in the same object too", async () => {
		const state = texts();
		const node = state.get("node-1") as { iptables: { text: string } };
		const before = await shop(state);
		node.iptables.text = node.iptables.text.replace(":FORWARD ACCEPT", ":FORWARD DROP");
		const after = await shop(state);
		expect(before.iptables("node-1")).toContain(":FORWARD ACCEPT");
		expect(after.iptables("node-1")).toBe(before.iptables("node-1").replace(":FORWARD ACCEPT", ":FORWARD DROP"));
		// The rules of the cluster that was there are as they were loaded.
		expect(before.iptables("node-1")).toContain(":FORWARD ACCEPT");
	});

	it("refuses the texts of a node that is none", async () => {
		await expect(shop(new Map([["node-9", {}]]))).rejects.toThrow("node-9");
	});
});
