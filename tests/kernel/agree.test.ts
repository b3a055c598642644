// Linux and podwire, side by side: each small network is built of namespaces and in podwire, gets the same probes, and both
// agree on verdict, server, the source it saw, the source of the answer, conntrack entries, rule counters and every hop.

import { describe, expect, it } from "vitest";
import type { Probe, ProbeResult } from "../../js/net/probe.ts";
import { isAction } from "../../js/net/probe.ts";
import { printDifference } from "../../js/verify/difference.ts";
import { openLab } from "../../js/verify/lab.ts";
import { literalPorts } from "../../js/verify/renaming.ts";
import { verifyInLab } from "../../js/verify/verify.ts";
import { chiSquareP } from "./chisquare.ts";
import { openPodwire, openProber } from "./podwire.ts";
import { type Question, questions, type Sees, threeEndpoints } from "./questions.ts";
import { canLab, describeLab } from "./skip.ts";

function seen(result: ProbeResult, sees: Sees): Sees {
	const all = { ...result.result, ...result.summary };
	return Object.fromEntries(Object.keys(sees).map((field) => [field, all[field as keyof typeof all]]));
}

/** net.ipv4.ip_local_port_range. */
const EPHEMERAL = { min: 32768, max: 60999 };

it.each(questions)("no port that is written down could be one that a client gets by chance: $name", (question) => {
	const ports = [...literalPorts(question.topology, question.steps)];
	expect(ports.filter((port) => port >= EPHEMERAL.min && port <= EPHEMERAL.max)).toEqual([]);
});

describeLab("Linux", () => {
	it.each(questions)("$name", async ({ topology, steps }: Question) => {
		await using lab = await openLab(topology);
		for (const step of steps) {
			if (isAction(step)) await lab.act(step);
			else
				expect(
					seen(await lab.probe(step), step.sees ?? {}),
					`${step.from} ${step.proto} ${step.dst}:${step.port}`,
				).toEqual(step.sees ?? {});
		}
	});
});

describeLab("podwire does as Linux does:", () => {
	it.each(questions)("$name", async ({ topology, steps }: Question) => {
		const podwire = await openPodwire(topology);
		await using lab = await openLab(topology);
		const verified = await verifyInLab(lab, topology, steps, podwire);
		const lines = verified.flatMap(({ probe, differences }, index) =>
			differences.map(
				(difference) =>
					`probe ${index} (${probe.from} ${probe.proto} ${probe.dst}:${probe.port}): ${printDifference(difference)}`,
			),
		);
		expect(lines).toEqual([]);
	});
});

describe("chance spreads connections evenly", () => {
	const CONNECTIONS = 4200;
	/** Linux cannot be given a seed: an even spread fails this once in a million runs, two shares that are 5 points off nearly always. */
	const CHANCE_MIN = 1e-6;
	const even = { "pod a": 1 / 3, "pod b": 1 / 3, "pod c": 1 / 3 };
	const tcp: Probe = { from: "pod:d", proto: "tcp", dst: "10.96.0.10", port: 80 };
	const udp: Probe = { from: "pod:d", proto: "udp", dst: "10.96.0.53", port: 53 };

	it.skipIf(!canLab).each([tcp, udp])("in Linux ($proto)", async (probe) => {
		await using lab = await openLab(threeEndpoints, { sniff: false });
		const { servers, outcomes } = await lab.bulk(probe, CONNECTIONS);
		expect(outcomes).toEqual({ delivered: CONNECTIONS });
		expect(chiSquareP(servers, even)).toBeGreaterThan(CHANCE_MIN);
	});

	it.each([tcp, udp])("in podwire ($proto)", async (probe) => {
		const { servers, outcomes } = (await openProber(threeEndpoints)).bulk(probe, CONNECTIONS);
		expect(outcomes).toEqual({ delivered: CONNECTIONS });
		expect(chiSquareP(servers, even)).toBeGreaterThan(CHANCE_MIN);
	});
});
