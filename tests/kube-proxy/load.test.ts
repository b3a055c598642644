// The real tools take the rules of a node, step by step as kubelet and kube-proxy write them and as one text, and print
// back exactly what js/net prints: both backends, both families. Needs root on Linux with iptables.

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syncNode, writtenText } from "../../js/kube-proxy/saved.ts";
import { asLoaded, printIptablesSave } from "../../js/net/iptables/index.ts";
import { runs } from "../runs.ts";
import { inputs } from "./clusters.ts";

const NETNS = `podwire-kp-${process.pid}`;

function run(command: string[], input = ""): string {
	const [file = "", ...words] = command;
	return execFileSync(file, words, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
}

function inside(command: string[], input = ""): string {
	return run(["ip", "netns", "exec", NETNS, ...command], input);
}

function hasTools(): boolean {
	if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
	try {
		run(["ip", "netns", "list"]);
		return ["iptables-legacy", "iptables-nft"].every((tool) => run([tool, "--version"]) !== "");
	} catch {
		return false;
	}
}

function withoutComments(text: string): string[] {
	return text.split("\n").filter((line) => !line.startsWith("#") && line !== "");
}

/** A namespace without rules; legacy tables stay loaded until it goes, so it is made anew. */
function freshNamespace(): void {
	run(["ip", "netns", "del", NETNS]);
	run(["ip", "netns", "add", NETNS]);
}

const samples = fc.sample(inputs, runs(6));

describe.skipIf(!hasTools())("iptables-restore (skipped where there is no root on Linux with iptables)", () => {
	beforeAll(() => void run(["ip", "netns", "add", NETNS]));
	afterAll(() => void run(["ip", "netns", "del", NETNS]));

	for (const backend of ["legacy", "nft"] as const) {
		it(`${backend}: prints back what was written`, () => {
			for (const input of samples) {
				const tool = `${input.family === "ipv6" ? "ip6tables" : "iptables"}-${backend}`;
				const { ruleset, restores } = syncNode(input);
				const expected = withoutComments(printIptablesSave(asLoaded(ruleset, { backend }), { backend }));
				freshNamespace();
				for (const text of restores) inside([`${tool}-restore`, "--noflush", "--counters"], text);
				expect(withoutComments(inside([`${tool}-save`]))).toEqual(expected);
				freshNamespace();
				inside([`${tool}-restore`], writtenText(input));
				expect(withoutComments(inside([`${tool}-save`]))).toEqual(expected);
			}
		});
	}
});
