// `podwire verify`: one topology, built of Linux namespaces and in podwire; the same probes to both; what differs.
// The lab is the expectation: what podwire says is what Linux does, or it is a bug.

import type { Probe, ProbeResult, Prober, ProbeStep } from "../net/probe.ts";
import { isAction, VARIES } from "../net/probe.ts";
import type { Topology } from "../net/topology.ts";
import { type CompareOptions, compareProbe } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type Backend, type Lab, openLab } from "./lab.ts";
import { withoutNeighbourDetour } from "./neighbour.ts";
import { literalIds, literalPorts } from "./renaming.ts";

export interface VerifiedProbe {
	probe: Probe;
	/** What Linux did. */
	lab: ProbeResult;
	podwire: ProbeResult;
	/** `expected` is Linux's; empty where both agree. */
	differences: Difference[];
}

export interface VerifyOptions {
	/** Default `legacy`. */
	backend?: Backend;
	/** Called after each probe. */
	onProbe?: (verified: VerifiedProbe) => void;
	signal?: AbortSignal;
	/** In a long series ARP entries age, at another time in Linux than in podwire: hops are compared without what that changes. */
	agedNeighbours?: boolean;
	/** Parts that are not compared, beside those that chance decides. */
	without?: CompareOptions["without"];
}

/** Sends every probe to a lab and to podwire, in order, and compares. Throws LabError where no lab can be built. */
export async function verifyTopology(
	topology: Topology,
	steps: readonly ProbeStep[],
	podwire: Prober,
	options: VerifyOptions = {},
): Promise<VerifiedProbe[]> {
	const lab = await openLab(topology, options.backend === undefined ? {} : { backend: options.backend });
	try {
		return await verifyInLab(lab, topology, steps, podwire, options);
	} finally {
		await lab.close();
	}
}

/** The same in a lab that is already open. */
export async function verifyInLab(
	lab: Lab,
	topology: Topology,
	steps: readonly ProbeStep[],
	podwire: Prober,
	options: VerifyOptions = {},
): Promise<VerifiedProbe[]> {
	const ports = literalPorts(
		topology,
		steps.map((step) => (isAction(step) ? null : { port: step.port, sport: step.sport, raw: step.raw })),
	);
	const ids = literalIds(steps);
	const verified: VerifiedProbe[] = [];
	for (const step of steps) {
		options.signal?.throwIfAborted();
		if (isAction(step)) {
			await lab.act(step);
			await podwire.act(step);
			continue;
		}
		const one = { probe: step, lab: await lab.probe(step), podwire: await podwire.probe(step) };
		const aged = options.agedNeighbours ? withoutDetours : (result: ProbeResult) => result;
		const differences = compareProbe(aged(byAffinity(one.lab)), aged(one.podwire), {
			literalPorts: ports,
			literalIds: ids,
			without: notJudged(step, options),
		});
		verified.push({ ...one, differences });
		options.onProbe?.({ ...one, differences });
	}
	return verified;
}

/** Of several attempts chance may send each elsewhere: then only what they have in common is compared. A lab records no trace. */
function notJudged(probe: Probe, { without = [] }: VerifyOptions): NonNullable<CompareOptions["without"]> {
	return [...without, "trace", ...((probe.count ?? 1) > 1 ? (["ruleHits", "hops"] as const) : [])];
}

/** Where every attempt met the same server of several, chance chose it once: podwire's one may be another. */
function byAffinity(lab: ProbeResult): ProbeResult {
	if ((lab.probe.count ?? 1) === 1 || lab.summary.distinctServers !== 1) return lab;
	return { ...lab, summary: { ...lab.summary, server: VARIES, serverSawSrc: VARIES, serverLocal: VARIES } };
}

function withoutDetours(result: ProbeResult): ProbeResult {
	return result.hops ? { ...result, hops: withoutNeighbourDetour(result.hops) } : result;
}

/** The same topology without the limits that make ICMP errors of a quick series of probes vanish (`icmp_ratelimit`). */
export function withoutRateLimits(topology: Topology): Topology {
	const sysctls = { "net.ipv4.icmp_ratelimit": 0 };
	const unlimited = <T extends { sysctls?: Record<string, string | number> }>(spec: T): T => ({
		...spec,
		sysctls: { ...sysctls, ...spec.sysctls },
	});
	return {
		...topology,
		nodes: topology.nodes.map(unlimited),
		pods: topology.pods.map(unlimited),
		hosts: topology.hosts.map(unlimited),
		router: unlimited(topology.router ?? {}),
	};
}
