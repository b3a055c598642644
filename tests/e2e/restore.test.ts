// What `podwire iptables` prints loads into the real tools of both back ends, and they print back the same, to the byte.
// iptables-legacy-save prints tables in the reverse of the order in which the kernel came to know them, whatever the file's
// order (net/netfilter/x_tables.c, xt_register_table): the namespace knows them beforehand, as a node's does.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Cluster } from "../../js/index.ts";

const scene = JSON.parse(readFileSync(new URL("../hash/scene.json", import.meta.url), "utf8"));

function hasTools(): boolean {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
	try {
		for (const tool of ["iptables-legacy-restore", "iptables-nft-restore"])
			execFileSync("unshare", ["-n", tool, "--version"], { stdio: "pipe" });
		return true;
	} catch {
		return false;
	}
}

function printedBack(backend: string, text: string): string {
	const names = [...text.matchAll(/^\*(\S+)/gm)].map((match) => match[1]).reverse();
	const known = backend === "legacy" ? names.map((name) => `iptables-legacy -t ${name} -S >/dev/null && `) : [];
	const command = `${known.join("")}iptables-${backend}-restore && iptables-${backend}-save`;
	return execFileSync("unshare", ["-n", "sh", "-c", command], { input: text, encoding: "utf8", stdio: "pipe" });
}

const lines = (text: string) =>
	text
		.split("\n")
		.filter((line) => !line.startsWith("#"))
		.join("\n");

describe.skipIf(!hasTools())("iptables-restore (skipped where there is no root on Linux with iptables)", () => {
	it.each([
		{ asWritten: false, node: "node-1" },
		{ asWritten: false, node: "node-2" },
		{ asWritten: true, node: "node-2" },
	])("takes a node's rules and prints them back: %o", async ({ asWritten, node }) => {
		const cluster = await Cluster.create(scene.cluster.options);
		await cluster.apply(scene.cluster.manifests);
		await cluster.settle();
		const saved = cluster.iptables(node);
		const fed = cluster.iptables(node, { asWritten });
		expect(lines(printedBack("nft", fed))).toBe(saved);
		expect(lines(printedBack("legacy", fed))).toBe(saved);
	});
});
