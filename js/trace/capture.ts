// A trace as a pcapng file for Wireshark: one interface a device that the packet passed (`NETNS/DEV`), the hooks and rules
// since the device before as the packet's comment. Frames are made from the headers; payloads are zeros. A VXLAN packet is
// shown without what it carries.

import { DIRECTION_IN, DIRECTION_OUT } from "../flows/columns.ts";
import { buildFrame, type FrameSpec } from "../flows/frame.ts";
import { type CapturedFrame, pcapngFile } from "../flows/pcapng-writer.ts";
import type { Hop, PacketFields, TracePath } from "./path.ts";

const STEP_NS = 1000n;
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, sctp: 132 };
const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 };
const ICMP: Readonly<Record<string, number>> = {
	"echo-request": 8 << 8,
	"echo-reply": 0,
	"net-unreachable": 0x300,
	"host-unreachable": 0x301,
	"proto-unreachable": 0x302,
	"port-unreachable": 0x303,
	"frag-needed": 0x304,
	"net-prohibited": 0x309,
	"host-prohibited": 0x30a,
	"admin-prohibited": 0x30d,
	"ttl-exceeded": 0xb00,
};

/** The file's bytes; a trace has no time of its own, so packets lie a microsecond apart from the epoch on. */
export function tracePcapng(path: TracePath): Uint8Array {
	const frames: CapturedFrame[] = [];
	for (const direction of [path, path.reply]) {
		let comments: string[] = [];
		for (const hop of direction?.hops ?? []) {
			const comment = commentOf(hop);
			if (comment !== null) comments.push(comment);
			if (hop.event !== "transmit" && hop.event !== "receive") continue;
			frames.push({
				timeNs: BigInt(frames.length) * STEP_NS,
				interface: `${hop.netns}/${hop.device}`,
				bytes: buildFrame(frameOf(hop.packet)),
				direction: hop.event === "transmit" ? DIRECTION_OUT : DIRECTION_IN,
				...(comments.length > 0 ? { comment: comments.join("\n") } : {}),
			});
			comments = [];
		}
		// What happened after the last device belongs to the last frame.
		const last = frames.at(-1);
		if (last && comments.length > 0) last.comment = [last.comment, ...comments].filter(Boolean).join("\n");
	}
	return pcapngFile(frames);
}

function commentOf(hop: Hop): string | null {
	if (hop.event === "transmit" || hop.event === "receive" || hop.event === "conntrack" || hop.event === "return")
		return null;
	const parts = [hop.hook, hop.table, hop.rule ?? hop.event, hop.reason].filter(Boolean);
	return parts.join(" ");
}

function frameOf(packet: PacketFields): FrameSpec {
	const spec: FrameSpec = {
		src: packet.src,
		dst: packet.dst,
		proto: PROTOCOLS[packet.proto] ?? 255,
		sport: packet.sport ?? packet.id ?? 0,
		dport: packet.dport ?? ICMP[packet.icmp ?? ""] ?? 0,
		ttl: packet.ttl,
		seq: packet.seq ?? 0,
		ack: packet.ack ?? 0,
		tcpFlags: [...(packet.flags ?? "")].reduce((bits, letter) => bits | (FLAGS[letter] ?? 0), 0),
	};
	const { inner } = packet;
	if (inner !== undefined) {
		const quoted = buildFrame({
			src: inner.src,
			dst: inner.dst,
			proto: PROTOCOLS[inner.proto] ?? 255,
			sport: inner.sport,
			dport: inner.dport,
		});
		// Without its Ethernet header; a stack quotes the IP header and at least eight bytes.
		spec.payload = quoted.subarray(14, 14 + 28);
	}
	return spec;
}
