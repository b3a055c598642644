// A network as the kernel holds it: namespaces with their devices, addresses, routes, sysctls, rules, sets and listeners.
// This is what the engine is loaded with. IPv4 addresses are unsigned 32-bit numbers in host order; names are netns names
// (`node:n1`, `pod:shop/cart-0`, `host:client`, `router`, `fabric`) and device names as `ip link` shows them.

import type { IpSet } from "./ipset.ts";
import type { Ruleset } from "./ruleset.ts";
import type { Listener } from "./topology.ts";

export type NetnsKind = "node" | "pod" | "host" | "router" | "fabric";

export interface Network {
	netns: Netns[];
}

export interface Netns {
	name: string;
	kind: NetnsKind;
	/** The first is `lo`. */
	devices: Device[];
	/** The main table; of equal prefixes the lowest metric is used. */
	routes: FibRoute[];
	/** By full name, `net.ipv4.ip_forward`; what is absent has the kernel's default. */
	sysctls: Map<string, number>;
	/** null: nothing is loaded. */
	ruleset: Ruleset | null;
	sets: IpSet[];
	listen: Listener[];
	/** The stack drops what arrives; ARP answers. */
	silent: boolean;
	/** Accepts on every port: what it listens on is not known. */
	listenAny: boolean;
}

export interface DeviceRef {
	netns: string;
	device: string;
}

export interface Device {
	name: string;
	kind: "lo" | "veth" | "bridge" | "vxlan";
	/** The other end of a veth. */
	peer: DeviceRef | null;
	/** The bridge that it is a port of. */
	master: string | null;
	addresses: DeviceAddress[];
	mtu: number;
	hairpin: boolean;
	promisc: boolean;
	vxlan: { vni: number; local: number; port: number } | null;
}

export interface DeviceAddress {
	ip: number;
	prefix: number;
	scope: "global" | "link" | "host";
}

export type RouteType = "unicast" | "blackhole" | "unreachable" | "prohibit";

export interface FibRoute {
	prefix: number;
	length: number;
	type: RouteType;
	/** Gateway; null: on-link. */
	via: number | null;
	/** null where the type sends nowhere, or with nexthops. */
	device: string | null;
	/** Preferred source; null: the device's. */
	src: number | null;
	metric: number;
	/** Multipath; empty: single path. */
	nexthops: { via: number | null; device: string; weight: number }[];
}
