// Scene of the end-to-end figures: two nodes on one segment, clients on the first, servers on the second, kube-proxy's
// rules for `services` Services of one endpoint each on both. Every packet goes by a ClusterIP: client, node a (conntrack,
// DNAT, FIB, FORWARD, POSTROUTING), the segment, node b (conntrack, FIB, FORWARD, POSTROUTING), server.
// Conntrack states, timeouts and counters are on, TCP window tracking off; nothing answers unless a figure says so.

import * as L from "../../assembly/layout.ts";
import type { Topology } from "../../js/net/topology.ts";
import { dotted, shuffled } from "../inputs.ts";

export const CLIENTS = 16;
export const SERVERS = 10;
export const CLUSTER_IP = 0x0a600001; // 10.96.0.1 onwards
const CLIENT_IP = 0x0af40102; // 10.244.1.2 onwards
const SERVER_IP = 0x0af40202; // 10.244.2.2 onwards
const FIRST_PORT = 1024;
export const START_NS = 1_000_000_000n;

export function twoNodes(services: number): Topology {
	const iptables = kubeProxy(services);
	const sysctls = { "net.netfilter.nf_conntrack_max": 4_000_000 };
	const pods = (count: number, name: string, node: string, first: number) =>
		Array.from({ length: count }, (_, i) => ({ name: `bench/${name}-${i}`, node, ip: dotted(first + i) }));
	return {
		fabric: { kind: "l2" },
		nodes: [
			{ name: "a", ip: "192.0.2.11", podCIDR: "10.244.1.0/24", iptables, sysctls },
			{ name: "b", ip: "192.0.2.12", podCIDR: "10.244.2.0/24", iptables, sysctls },
		],
		pods: [
			...pods(CLIENTS, "client", "a", CLIENT_IP),
			...pods(SERVERS, "server", "b", SERVER_IP).map((pod) => ({
				...pod,
				listen: [{ proto: "tcp" as const, port: 8080 }],
			})),
		],
		hosts: [],
		router: { ip: "192.0.2.1" },
	};
}

/** The chains of one Service with one endpoint, as kube-proxy's iptables mode writes them, its names aside. */
function kubeProxy(services: number): string {
	const numbers = Array.from({ length: services }, (_, i) => i);
	const vip = (i: number) => `-d ${dotted(CLUSTER_IP + i)}/32 -p tcp -m tcp --dport 80`;
	const endpoint = (i: number) => dotted(SERVER_IP + (i % SERVERS));
	return [
		"*nat",
		...["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"].map((chain) => `:${chain} ACCEPT [0:0]`),
		...["KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-SERVICES"].map((chain) => `:${chain} - [0:0]`),
		...numbers.flatMap((i) => [`:KUBE-SVC-${i} - [0:0]`, `:KUBE-SEP-${i} - [0:0]`]),
		"-A PREROUTING -j KUBE-SERVICES",
		"-A OUTPUT -j KUBE-SERVICES",
		"-A POSTROUTING -j KUBE-POSTROUTING",
		"-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
		"-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
		"-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
		"-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
		...numbers.map((i) => `-A KUBE-SERVICES ${vip(i)} -j KUBE-SVC-${i}`),
		...numbers.flatMap((i) => [
			`-A KUBE-SVC-${i} ! -s 10.244.0.0/16 ${vip(i)} -j KUBE-MARK-MASQ`,
			`-A KUBE-SVC-${i} -j KUBE-SEP-${i}`,
			`-A KUBE-SEP-${i} -s ${endpoint(i)}/32 -j KUBE-MARK-MASQ`,
			`-A KUBE-SEP-${i} -p tcp -m tcp -j DNAT --to-destination ${endpoint(i)}:8080`,
		]),
		"COMMIT",
		"*filter",
		...["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]`),
		":KUBE-FORWARD - [0:0]",
		"-A FORWARD -j KUBE-FORWARD",
		"-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
		"-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
		"-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"COMMIT",
		"",
	].join("\n");
}

/** Connection `i`: client after client, port after port, Service after Service; to port 80. */
export function connection(i: number, services: number, clients: number) {
	const round = Math.floor(i / clients);
	const service = round % services;
	return {
		src: CLIENT_IP + (i % clients),
		dst: CLUSTER_IP + service,
		sport: FIRST_PORT + round,
		/** The server that the Service leads to, which listens on 8080. */
		server: service % SERVERS,
		serverIp: SERVER_IP + (service % SERVERS),
	};
}

/** Rows of TABLE_BATCH, one a connection, in a random order; their netns is `clients[i]` of the client pod. */
export function connections(count: number, services: number, clients: readonly number[], tcp: number): Uint8Array {
	const rows = new Uint8Array(count * L.BATCH_STRIDE);
	const view = new DataView(rows.buffer);
	for (const [place, i] of shuffled(count, 5).entries()) {
		const at = place * L.BATCH_STRIDE;
		const { src, dst, sport } = connection(i, services, clients.length);
		view.setUint32(at + L.PACKET_SRC, src, true);
		view.setUint32(at + L.PACKET_DST, dst, true);
		view.setUint16(at + L.PACKET_SPORT, sport, true);
		view.setUint16(at + L.PACKET_DPORT, 80, true);
		view.setUint8(at + L.PACKET_PROTO, L.PROTO_TCP);
		view.setUint8(at + L.PACKET_FAMILY, 4);
		view.setUint8(at + L.PACKET_TTL, 64);
		view.setUint8(at + L.PACKET_TCP, tcp);
		view.setUint32(at + L.PACKET_LEN, 64, true);
		view.setUint32(at + L.PACKET_PAYLOAD, 12, true);
		view.setBigInt64(at + L.PACKET_TIME, START_NS, true);
		view.setInt32(at + L.BATCH_NETNS, clients[i % clients.length] as number, true);
		view.setUint8(at + L.BATCH_KIND, L.BATCH_OFFER);
		view.setUint8(at + L.BATCH_FLAGS, tcp === L.TCP_SYN ? L.BATCHF_OPENS : 0);
	}
	return rows;
}
