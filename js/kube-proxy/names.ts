// The names of the chains that kube-proxy writes: the fixed ones, and those per Service port and per endpoint, whose
// suffix is the first 16 characters of base32(sha256(name + protocol [+ endpoint])), because a chain name may have at
// most 28 characters. Upstream: pkg/proxy/iptables/proxier.go.

import { sha256 } from "@noble/hashes/sha2.js";

export const KUBE_SERVICES = "KUBE-SERVICES";
export const KUBE_EXTERNAL_SERVICES = "KUBE-EXTERNAL-SERVICES";
export const KUBE_NODEPORTS = "KUBE-NODEPORTS";
export const KUBE_POSTROUTING = "KUBE-POSTROUTING";
export const KUBE_MARK_MASQ = "KUBE-MARK-MASQ";
export const KUBE_FORWARD = "KUBE-FORWARD";
export const KUBE_PROXY_FIREWALL = "KUBE-PROXY-FIREWALL";
export const KUBE_FIREWALL = "KUBE-FIREWALL";
export const KUBE_PROXY_CANARY = "KUBE-PROXY-CANARY";
export const KUBE_KUBELET_CANARY = "KUBE-KUBELET-CANARY";
export const KUBE_IPTABLES_HINT = "KUBE-IPTABLES-HINT";

const SERVICE_CHAIN_PREFIXES = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-FW-", "KUBE-EXT-"];

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SUFFIX_LENGTH = 16;
const CODES = Array.from(BASE32, (letter) => letter.charCodeAt(0));
const ENCODER = new TextEncoder();

/** Tens of thousands of endpoints have a chain each: what a hash takes is made once. */
const NEW = sha256.create();
const hash = sha256.create();
const input = new Uint8Array(1024);
const digest = new Uint8Array(hash.outputLen);

/** The first 16 base32 characters: 80 bits. */
function base32Prefix(bytes: Uint8Array): string {
	const codes: number[] = [];
	let bits = 0;
	let bitCount = 0;
	for (let at = 0; codes.length < SUFFIX_LENGTH; at++) {
		bits = ((bits << 8) | (bytes[at] as number)) & 0xfff;
		for (bitCount += 8; bitCount >= 5; ) {
			bitCount -= 5;
			codes.push(CODES[(bits >> bitCount) & 31] as number);
		}
	}
	return String.fromCharCode(...codes);
}

/**
 * The 16 characters that end the name of a Service port's or an endpoint's chain.
 * @param servicePortName `namespace/name:port`, or `namespace/name` where the port has no name
 * @param protocol lowercase: `tcp`, `udp`, `sctp`
 * @param endpoint `ip:port`; absent for the chains of the Service port itself
 */
export function chainSuffix(servicePortName: string, protocol: string, endpoint = ""): string {
	const text = servicePortName + protocol + endpoint;
	// A UTF-16 unit is three bytes of UTF-8 at most.
	const bytes =
		text.length * 3 > input.length ? ENCODER.encode(text) : input.subarray(0, ENCODER.encodeInto(text, input).written);
	NEW._cloneInto(hash).update(bytes).digestInto(digest);
	return base32Prefix(digest);
}

/** The chains of one Service port. */
export interface PortChains {
	/** Of the endpoints that traffic policy Cluster may use. */
	clusterChain: string;
	/** Of the endpoints that traffic policy Local may use. */
	localChain: string;
	/** Of traffic to NodePorts, external IPs and load-balancer IPs. */
	externalChain: string;
	/** Of loadBalancerSourceRanges. */
	firewallChain: string;
}

export function portChains(servicePortName: string, protocol: string): PortChains {
	const suffix = chainSuffix(servicePortName, protocol);
	return {
		clusterChain: `KUBE-SVC-${suffix}`,
		localChain: `KUBE-SVL-${suffix}`,
		externalChain: `KUBE-EXT-${suffix}`,
		firewallChain: `KUBE-FW-${suffix}`,
	};
}

/** The chain of one endpoint. */
export function endpointChain(servicePortName: string, protocol: string, endpoint: string): string {
	return `KUBE-SEP-${chainSuffix(servicePortName, protocol, endpoint)}`;
}

/** Whether a chain is one that kube-proxy deletes once nothing needs it. */
export function isServiceChain(name: string): boolean {
	return SERVICE_CHAIN_PREFIXES.some((prefix) => name.startsWith(prefix));
}
