// What a trace answers: one packet's way to its end and the way of what came back, as `podwire trace -o json` prints it.
// The shape is a contract (docs/schema/trace.json); more keys may come, none of these goes away.

export type Verdict = "delivered" | "rejected" | "dropped" | "unreachable" | "blocked-locally" | "unknown";

export type Protocol = "tcp" | "udp" | "sctp" | "icmp";

/** What happened at a hop. `transmit` and `receive` are a device's; the others an IP stack's. */
export type HopEvent =
	| "transmit"
	| "receive"
	| "conntrack"
	| "rule"
	| "policy"
	| "return"
	| "nat"
	| "route"
	| "log"
	| "icmp-error"
	| "reset"
	| "deliver"
	| "drop"
	| "unknown";

/** The packet at a moment. ICMP has neither ports nor flags, but `icmp` and `id`. */
export interface PacketFields {
	/** `tcp`, `udp`, `icmp`, `sctp`, or `proto-N`. */
	proto: string;
	src: string;
	sport?: number;
	dst: string;
	dport?: number;
	ttl: number;
	/** TCP: letters in wire order, `S`, `SA`, `PA`. */
	flags?: string;
	/** TCP: sequence number, 0..2^32-1. */
	seq?: number;
	/** TCP with `A`: the number acknowledged. */
	ack?: number;
	/** ICMP: `echo-request`, `port-unreachable` …; errors quote `inner`. */
	icmp?: string;
	id?: number;
	inner?: { proto: string; src: string; sport: number; dst: string; dport: number };
	/** Whole IP packet, bytes. */
	length: number;
	/** What a VXLAN packet carries. */
	encapsulated?: PacketFields;
}

export interface Hop {
	/** `pod/NS/NAME`, `node/NAME`, `host/IP`, `router`, `fabric`. */
	netns: string;
	/** As `ip link` shows it; null where no device is meant. */
	device: string | null;
	event: HopEvent;
	/** `PREROUTING INPUT FORWARD OUTPUT POSTROUTING`. */
	hook: string | null;
	/** `raw mangle nat filter`. */
	table: string | null;
	chain: string | null;
	/** The rule's own text, `-A CHAIN …`; of a policy `-P CHAIN ACCEPT`. */
	rule: string | null;
	/** The packet as it is after the event. */
	packet: PacketFields;
	/** `NEW`, `ESTABLISHED`, `RELATED`; of `conntrack` hops also `INVALID`, `UNTRACKED`. */
	ctstate?: string;
	/** The packet mark where it is not 0, `0x4000`. */
	mark?: string;
	/** Of a `route`: the gateway; absent: on-link. */
	via?: string;
	/** Of a `drop`: why, in the words of `reason`. */
	reason?: string;
}

/** Who got it. */
export interface Delivered {
	/** `Pod`, `Node`, `Host`, or `Router`. */
	kind: "Pod" | "Node" | "Host" | "Router";
	/** null for what has none. */
	namespace: string | null;
	name: string;
	/** The Node that it is on; null outside. */
	node: string | null;
	address: string;
	/** null for ICMP. */
	port: number | null;
}

/** What the receiver sees. */
export interface Seen {
	source: string;
	/** null for ICMP. */
	sourcePort: number | null;
}

export interface Direction {
	verdict: Verdict;
	/** Why not, in a stable word, or the text of the rule that said so; null: delivered. */
	reason: string | null;
	seen: Seen | null;
	hops: Hop[];
}

export interface TracePath extends Direction {
	delivered: Delivered | null;
	/** The answer: of a program, or a reset or ICMP error; null where nothing came back. */
	reply: Direction | null;
	/** What was taken to be so without being said. */
	assumed: string[];
	/** `KIND NS/NAME` of objects that could change the verdict and were not evaluated. */
	notEvaluated: string[];
}
