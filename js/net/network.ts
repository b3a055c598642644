// A network as the kernel holds it: namespaces with their devices, addresses, routes, sysctls, rules, sets and listeners.
// This is what the engine is loaded with. IPv4 addresses are unsigned 32-bit numbers in host order, IPv6 addresses canonical
// texts; each family has its own addresses, routes and rules, as in the kernel. Names are netns names
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
	/** The same of IPv6. */
	routes6: FibRoute<string>[];
	/** By full name, `net.ipv4.ip_forward`; what is absent has the kernel's default. */
	sysctls: Map<string, number>;
	/** null: nothing is loaded. */
	ruleset: Ruleset | null;
	/** Of ip6tables. */
	ruleset6: Ruleset | null;
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
	/** Of IPv6, the global ones: ::1 is lo's without saying, link-local ones are not kept. */
	addresses6: DeviceAddress<string>[];
	mtu: number;
	hairpin: boolean;
	promisc: boolean;
	vxlan: { vni: number; local: number; port: number } | null;
}

/** An address of either family. */
export type Address = number | string;

export interface DeviceAddress<Address = number> {
	ip: Address;
	prefix: number;
	scope: "global" | "link" | "host";
}

export type RouteType = "unicast" | "blackhole" | "unreachable" | "prohibit";

export interface FibRoute<Address = number> {
	prefix: Address;
	length: number;
	type: RouteType;
	/** Gateway; null: on-link. */
	via: Address | null;
	/** null where the type sends nowhere, or with nexthops. */
	device: string | null;
	/** Preferred source; null: the device's. */
	src: Address | null;
	metric: number;
	/** Multipath; empty: single path. */
	nexthops: { via: Address | null; device: string; weight: number }[];
}
