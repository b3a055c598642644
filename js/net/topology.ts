// A small network given literally: nodes with their rule texts, pods, machines outside, and the router between them.
// The field names are those of the recorded kernel scenarios, so one description builds podwire's model and real
// Linux network namespaces (`js/verify`). Addresses are canonical texts; times are seconds.

export interface Topology {
	fabric: Fabric;
	nodes: NodeSpec[];
	pods: PodSpec[];
	hosts: HostSpec[];
	router: RouterSpec;
}

/** `l2`: nodes share one segment with the router (first address). `routed`: each node is a /32 on its own link and the router holds a route per podCIDR. */
export interface Fabric {
	kind: "l2" | "routed";
	/** Prefix length of the node segment; default 24. */
	prefixLen?: number;
	/** The same of its IPv6 addresses; default 64. */
	prefixLen6?: number;
	overlay?: { kind: "vxlan"; vni: number; port: number } | null;
}

export interface Listener {
	proto: "tcp" | "udp" | "sctp";
	port: number;
	/** Local address; default any of both families. `0.0.0.0`: any of IPv4. */
	bind?: string;
	/** A UDP server that answers from the address it was asked at (IP_PKTINFO). */
	pktinfo?: boolean;
}

export interface NodeSpec {
	name: string;
	ip: string;
	/** IPv6 address. */
	ip6?: string;
	podCIDR: string;
	/** IPv6 network of its pods. */
	podCIDR6?: string;
	/** Bridge device; default `cbr0`. Its address is the podCIDR's first. */
	bridge?: string;
	/** Hairpin flag of every bridge port of this node. */
	hairpin?: boolean;
	/** The bridge's stack gets what passes by; not together with `hairpin`, as the bridge plugin has it. */
	promisc?: boolean;
	/** iptables-save text; null or absent: nothing is loaded, so conntrack is not active in this netns. */
	iptables?: string | null;
	/** ip6tables-save text. */
	ip6tables?: string | null;
	/** `ipset save` text. */
	ipset?: string | null;
	/** By full name, `net.ipv4.conf.all.rp_filter`. */
	sysctls?: Record<string, string | number>;
	/** `ip route` lines beside the connected ones; null or absent: what the fabric kind implies. */
	routes?: string[] | null;
	addresses?: { dev: string; addr: string }[];
	listen?: Listener[];
}

export interface PodSpec {
	name: string;
	node: string;
	ip: string;
	/** IPv6 address. */
	ip6?: string;
	/** Hairpin flag of this pod's bridge port; overrides the node's. */
	hairpin?: boolean;
	listen?: Listener[];
	/** Listens on every port of TCP, UDP and SCTP: what is assumed of a pod that declares none. */
	listenAny?: boolean;
	sysctls?: Record<string, string | number>;
	/** The pod's IP stack drops whatever arrives; it answers ARP and nothing else. */
	silent?: boolean;
}

export interface HostSpec {
	name: string;
	/** IPv4 address; a machine without one has `ip6`. */
	ip?: string;
	/** IPv6 address. */
	ip6?: string;
	listen?: Listener[];
	/** Listens on every port: what is assumed of a machine of which only its traffic is known. */
	listenAny?: boolean;
	sysctls?: Record<string, string | number>;
}

export interface RouterSpec {
	ip?: string;
	/** IPv6 address; default the first of the node segment where nodes have any. */
	ip6?: string;
	/** Stateful 1:1 NAT: node address to public address. */
	nat11?: Record<string, string>;
	/** Only translated sources may leave to the hosts. */
	natOnly?: boolean;
	/** Hosts within the nodes' own network, by address: reached, and seen, untranslated. */
	inside?: string[];
	/** VIP to the nodes it is routed to, untranslated; several: multipath by 5-tuple. */
	lb?: Record<string, string[]>;
	/** `ip route` lines. */
	routes?: string[];
	sysctls?: Record<string, string | number>;
	/** iptables-save text; with it `nat11` and `natOnly` are taken from the text alone. */
	iptables?: string | null;
	/** ip6tables-save text. */
	ip6tables?: string | null;
}
