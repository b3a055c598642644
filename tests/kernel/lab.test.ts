// The lab proves itself: scenarios that were recorded elsewhere are built and probed here, and the results agree.

import { readdirSync, readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ProbeResult } from "../../js/net/probe.ts";
import { isAction } from "../../js/net/probe.ts";
import { compareProbe } from "../../js/verify/compare.ts";
import { printDifference } from "../../js/verify/difference.ts";
import { type Lab, missingForLab, openLab } from "../../js/verify/lab.ts";
import { literalIds, literalPorts } from "../../js/verify/renaming.ts";
import { tablesOf, withoutTracing } from "../../js/verify/tracing.ts";
import { readResult, readScenario, type Scenario, scenarioNames } from "./recorded.ts";
import { describeLab } from "./skip.ts";

/** Every difference between the recording and what the lab sees now, one line each. */
async function differences(scenario: Scenario, backend: "legacy" | "nft"): Promise<string[]> {
	await using lab = await openLab(scenario, { backend, timeouts: scenario.ctTimeouts ?? false });
	const recorded = readResult(scenario.name).probes;
	const tables = tablesOf(scenario);
	const literals = {
		literalPorts: literalPorts(scenario.nodes, scenario.pods, scenario.hosts, scenario.probes),
		literalIds: literalIds(scenario.probes),
	};
	const lines: string[] = [];
	let index = 0;
	for (const step of scenario.probes) {
		if (isAction(step)) {
			await lab.act(step);
			continue;
		}
		const expected = withoutTracing(recorded[index] as ProbeResult, tables);
		const got = await lab.probe(step);
		// The recorder names an errno of its own for an ICMP client; every other socket field is the kernel's.
		const sockets = step.proto !== "icmp";
		for (const difference of compareProbe(expected, got, { ...literals, sockets, without: ["trace"] })) {
			lines.push(`${scenario.name} probe ${index}: ${printDifference(difference)}`);
		}
		index++;
	}
	return lines;
}

describeLab("a lab does what the recorded kernel did", () => {
	it.each(scenarioNames())("%s", async (name) => {
		expect(await differences(readScenario(name), "legacy")).toEqual([]);
	});

	it.skipIf(missingForLab("nft") !== null)("with the nft backend too", async () => {
		const names = scenarioNames().filter((name) => /clusterip|no-endpoints|rule-semantics|random-B/.test(name));
		const lines = [];
		for (const name of names) lines.push(...(await differences(readScenario(name), "nft")));
		expect(lines).toEqual([]);
	});
});

describeLab("a lab", () => {
	const small: Scenario = readScenario("01-pod-to-pod-bridge");

	it("leaves no namespace, closed or killed", async () => {
		const lab = await openLab(small);
		await lab.probe({ from: "pod:a", proto: "tcp", dst: "10.244.1.3", port: 8080 });
		const closed = await namespaceOf(lab, "node:n1");
		expect(isHeld(closed)).toBe(true);
		await lab.close();
		expect(isHeld(closed)).toBe(false);

		const doomed = await openLab(small);
		const killed = await namespaceOf(doomed, "pod:a");
		process.kill(doomed.pid, "SIGKILL");
		await expect.poll(() => isHeld(killed), { timeout: 60_000 }).toBe(false);
		await expect(doomed.probe({ from: "pod:a", proto: "icmp", dst: "10.244.1.3" })).rejects.toThrow(/lab/);
		await doomed.close();
	});

	it("that cannot be built ends, and says which command failed where", async () => {
		const broken = structuredClone(small);
		Object.assign(broken.nodes[0] as object, { iptables: "*filter\n-A FORWARD -j NOWHERE\nCOMMIT\n" });
		await expect(openLab(broken)).rejects.toThrow(/iptables-legacy-restore in node:n1: .*NOWHERE/s);
	});

	it("says what is wrong in a topology", async () => {
		const strayPod = structuredClone(small);
		Object.assign(strayPod.pods[0] as object, { node: "n9" });
		await expect(openLab(strayPod)).rejects.toThrow("pod a: no node is named n9; there are n1, n2");
		const sctp = structuredClone(small);
		Object.assign(sctp.pods[0] as object, { listen: [{ proto: "sctp", port: 1 }] });
		await expect(openLab(sctp)).rejects.toThrow(/listener of sctp/);
	});

	it("sends probes that time out at the same time, and tells their hops apart", async () => {
		await using lab = await openLab(small);
		const probes = [41001, 41002, 41003].map(
			(sport) => ({ from: "pod:a", proto: "udp", dst: "192.0.2.250", port: 9, sport, timeout: 0.5 }) as const,
		);
		const alive = { from: "pod:a", proto: "tcp", dst: "10.244.1.3", port: 8080 } as const;
		const results = await lab.together([...probes, alive]);
		expect(results.map((result) => result.result?.outcome)).toEqual(["timeout", "timeout", "timeout", "delivered"]);
		for (const [index, probe] of probes.entries()) {
			expect(results[index]?.hops?.[0]).toBe(
				`pod:a/eth0 out udp 10.244.1.2:${probe.sport} > 192.0.2.250:9 len 6 ttl 64`,
			);
			expect(results[index]?.hops?.every((hop) => hop.includes(`:${probe.sport} `))).toBe(true);
		}
		expect(results[3]?.result?.server).toBe("pod b");
	});
});

async function namespaceOf(lab: Lab, netns: string): Promise<string> {
	return (await lab.run(netns, ["readlink", "/proc/self/ns/net"])).trim();
}

/** Whether any process has the namespace open or is in it: nothing else can hold one that has no name. */
function isHeld(namespace: string): boolean {
	const readLinks = (folder: string) => {
		try {
			return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
		} catch {
			// The process ended meanwhile.
			return [];
		}
	};
	const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
	return processes.some((pid) =>
		[...readLinks(`/proc/${pid}/fd`), ...readLinks(`/proc/${pid}/ns`)].includes(namespace),
	);
}

describe("a machine that cannot hold a lab", () => {
	it("is told in the words that the tests print", () => {
		const getuid = process.getuid;
		process.getuid = () => 1000;
		try {
			expect(`skipped, ${missingForLab()}`).toBe("skipped, needs root on Linux");
		} finally {
			Object.assign(process, { getuid });
		}
	});
});
