// A whole cluster verified: built small in Linux namespaces and in podwire, asked the same questions, compared.

import { Cluster } from "../cluster.ts";
import type { Prober as AnyProber, ProbeResult } from "../net/probe.ts";
import { Prober } from "../wire/prober.ts";
import { type AgreementRow, agreementRows } from "./agreement.ts";
import type { Backend } from "./lab.ts";
import { questionsFor } from "./questions.ts";
import { type SubjectLimits, subjectOf } from "./subject.ts";
import { type VerifiedProbe, verifyTopology } from "./verify.ts";

export interface VerifyClusterOptions {
	backend?: Backend;
	/** Questions beyond these are left out, evenly. */
	probesMax: number;
	limits: SubjectLimits;
	/** Of podwire's choices. */
	seed?: bigint;
	onProbe?: (done: number, total: number) => void;
	signal?: AbortSignal;
}

export interface ClusterAgreement {
	rows: AgreementRow[];
	verified: VerifiedProbe[];
	/** Questions that there would be without `probesMax`. */
	questions: number;
}

/** Throws SubjectSizeError, LabError, the signal's reason. */
export async function verifyCluster(cluster: Cluster, options: VerifyClusterOptions): Promise<ClusterAgreement> {
	const { backend, seed, signal, limits, probesMax, onProbe } = options;
	const { topology, services } = subjectOf(cluster, limits);
	const all = questionsFor(topology, services).length;
	const probes = questionsFor(topology, services, probesMax);
	using podwire = await Cluster.fromNodes(topology, seed === undefined ? {} : { seed });
	let done = 0;
	const verified = await verifyTopology(topology, probes, proberOf(podwire), {
		...(backend === undefined ? {} : { backend }),
		...(signal === undefined ? {} : { signal }),
		agedNeighbours: true,
		onProbe: () => onProbe?.(++done, probes.length),
	});
	return { rows: agreementRows(verified, topology, services), verified, questions: all };
}

function proberOf(cluster: Cluster): AnyProber {
	const prober = new Prober(cluster.machine);
	return {
		probe: (probe) => prober.step(probe) as ProbeResult,
		act: (action) => void prober.step(action),
	};
}
