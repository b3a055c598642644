// Traffic of connections that are established and stay so for a while, several of each kind: what passages are made of. Now and
// then something happens to them.

import fc from "fast-check";
import * as L from "../../assembly/layout.ts";
import { type Case, others, packets, type Step } from "./carrier.ts";
import { alike, cluster, hairpinModes, ruleset, type Volley, volley } from "./cluster.ts";

const PORTS = [5000, 40_000, 40_001, 40_002];

// Of most rulesets the Services alone, so that packets arrive.
const calm = ruleset.map((text) => /\*nat[\s\S]*?COMMIT\n/.exec(text)?.[0] ?? text);
const rules = fc.oneof({ weight: 3, arbitrary: calm }, { weight: 1, arbitrary: ruleset });

const scene = fc
	.record({
		fabric: fc.constantFrom({ kind: "routed" as const }, { kind: "l2" as const }),
		first: rules,
		second: rules,
		bridged: fc.constantFrom(0, 1),
		liberal: fc.constant(0),
		hairpinMode: hairpinModes,
	})
	.map(cluster);

const { TCP_ACK: ACK, TCP_PSH: PSH } = L;

/** A few more segments of a connection, of either end. */
const data = (recorded: number): fc.Arbitrary<Volley> =>
	fc.record({
		which: fc.nat(),
		kind: fc.constantFrom(L.BATCH_OFFER, L.BATCH_OFFER, L.BATCH_REPLY),
		hints: fc.oneof(
			{ weight: 30, arbitrary: fc.constant(recorded) },
			{ weight: 1, arbitrary: fc.constantFrom(0, L.BATCHF_RECORDED, L.BATCHF_OPENS) },
		),
		tcp: fc.oneof(
			{ weight: 200, arbitrary: fc.constantFrom(ACK, ACK, ACK | PSH) },
			{ weight: 1, arbitrary: fc.constantFrom(L.TCP_SYN, ACK | L.TCP_FIN, L.TCP_RST) },
		),
		tos: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(0x10) }),
		len: fc.constantFrom(52, 52, 60, 60, 60, 90, 90, 1400, 1400, 1400, 9000),
		numbers: fc.constant("next" as const),
		window: fc.constant(64240),
		options: fc.constant(0),
		times: fc.constantFrom(1, 1, 1, 2, 5, 12),
		stride: fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
		gapNs: fc.oneof(
			{ weight: 60, arbitrary: fc.constantFrom(0n, 1000n, 1_000_000n, 50_000_000n) },
			// A neighbour ages; a stream is over; a connection is.
			{
				weight: 1,
				arbitrary: fc.constantFrom(6_000_000_000n, 31_000_000_000n, 121_000_000_000n, 432_001_000_000_000n),
			},
		),
	});

/** Each connection as far as it can be: SYN, SYN-ACK, ACK; datagrams both ways until they are a stream. */
function established(connections: number, recorded: number): Step {
	const part = (which: number, kind: number, tcp: number, hints: number): Volley => ({
		which,
		kind,
		tcp,
		hints: kind === L.BATCH_REPLY ? 0 : hints | recorded,
		len: 60,
		tos: 0,
		numbers: "next",
		window: 64240,
		options: 0,
		times: 1,
		stride: 0,
		gapNs: 300_000_000n,
	});
	const each = Array.from({ length: connections }, (_, which) => which);
	const volleys = [
		...each.map((which) => part(which, L.BATCH_OFFER, L.TCP_SYN, L.BATCHF_OPENS)),
		...each.map((which) => part(which, L.BATCH_REPLY, L.TCP_SYN | ACK, 0)),
		...each.map((which) => part(which, L.BATCH_OFFER, ACK, 0)),
		...each.map((which) => part(which, L.BATCH_REPLY, ACK, 0)),
	];
	return { kind: "packets", volleys };
}

/** Connections of two kinds that talk in turns; between what they say the network changes, entries are deleted, time passes. */
export const trafficSettled: fc.Arbitrary<Case> = fc.constantFrom(0, L.BATCHF_RECORDED).chain((recorded) =>
	fc
		.record({
			scene,
			connections: alike(PORTS),
			replies: fc.constantFrom(L.REPLIES_MIRROR, L.REPLIES_RECORDED, L.REPLIES_NONE),
			entries: fc.constantFrom(512, 512, 24),
			steps: fc.array(
				fc.oneof(
					{ weight: 12, arbitrary: packets(fc.array(data(recorded), { minLength: 4, maxLength: 40, size: "max" })) },
					{ weight: 1, arbitrary: packets(fc.array(volley, { minLength: 1, maxLength: 6, size: "max" })) },
					{ weight: 2, arbitrary: others },
				),
				{ minLength: 1, maxLength: 10 },
			),
		})
		.map((example) => ({
			...example,
			windows: false,
			steps: [established(example.connections.length, recorded), ...example.steps],
		})),
);
