// Any packet that the frame builder can make, for property tests.

import fc from "fast-check";
import type { FrameSpec } from "../../js/flows/frame.ts";
import { ipv4FromNumber, ipv6FromGroups } from "../../js/net/address.ts";

const v4 = fc.nat(0xffffffff).map(ipv4FromNumber);
const v6 = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }).map(ipv6FromGroups);

const addresses = fc.oneof(
	fc.tuple(v4, v4).map(([src, dst]) => ({ src, dst, six: false })),
	fc.tuple(v6, v6).map(([src, dst]) => ({ src, dst, six: true })),
);

const rest = fc.record({
	sport: fc.nat(65535),
	dport: fc.nat(65535),
	ttl: fc.integer({ min: 1, max: 255 }),
	tos: fc.nat(255),
	tcpFlags: fc.nat(63),
	seq: fc.nat(0xffffffff),
	ack: fc.nat(0xffffffff),
	window: fc.nat(65535),
	ipId: fc.nat(65535),
	payload: fc.uint8Array({ maxLength: 60 }),
	vlan: fc.option(fc.integer({ min: 1, max: 4094 }), { nil: undefined }),
});

/** TCP, UDP, SCTP, an echo request or answer, in either family. */
export const frameSpec: fc.Arbitrary<FrameSpec> = fc
	.tuple(addresses, rest, fc.constantFrom(6, 17, 132, 1), fc.boolean())
	.map(([{ src, dst, six }, fields, proto, answer]) => {
		const spec = { src, dst, ...fields };
		if (proto !== 1) return { ...spec, proto };
		const type = six ? (answer ? 129 : 128) : answer ? 0 : 8;
		return { ...spec, proto: six ? 58 : 1, dport: type << 8 };
	});
