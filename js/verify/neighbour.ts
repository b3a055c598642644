// What a bridge does with a packet that it translates depends on the age of its ARP entry: a REACHABLE one whose header is
// cached sends it straight to the port, any other through the bridge device first (br_nf_pre_routing_finish_bridge). An
// entry is in DELAY for 5 s after its first use, and REACHABLE for 15 to 45 s of real time, as the kernel draws it
// (neigh_rand_reach_time): in a long series of probes it says nothing about a cluster. This takes that detour out of a list
// of hops, and nothing else.

/** Of a node's device; a node's name has no slash, a device's name may (`v-shop/cart-0`). */
const HOP = /^(node:[^/]+)\/(\S+) (out|in|in-other) (.*) ttl (\d+)$/;
/** `10.0.0.1:4000 > `: a masqueraded packet gets another source on its way out of the port. */
const SOURCE = / \S+ > /;

interface Hop {
	netns: string;
	device: string;
	direction: string;
	packet: string;
	ttl: string;
}

/** The hops without the bridge device of a packet that was bridged, not routed: its TTL is the one it came in with. */
export function withoutNeighbourDetour(hops: readonly string[]): string[] {
	return hops.filter((_, index) => !isDetour(parse(hops[index - 1]), parse(hops[index]), parse(hops[index + 1])));
}

function isDetour(before: Hop | null, hop: Hop | null, after: Hop | null): boolean {
	if (before === null || hop === null || after === null) return false;
	const onOneNode = before.netns === hop.netns && after.netns === hop.netns;
	const sameTtl = before.ttl === hop.ttl && after.ttl === hop.ttl;
	const through = before.direction !== "out" && hop.direction === "out" && after.direction === "out";
	const port = before.device !== hop.device && after.device !== hop.device;
	return onOneNode && sameTtl && through && port && beyondSource(after) === beyondSource(hop);
}

function beyondSource({ packet }: Hop): string {
	return packet.replace(SOURCE, " > ");
}

function parse(line: string | undefined): Hop | null {
	const [, netns = "", device = "", direction = "", packet = "", ttl = ""] = HOP.exec(line ?? "") ?? [];
	return netns === "" ? null : { netns, device, direction, packet, ttl };
}
