// A trace as JSON: what `JSON.stringify` makes of it, in a quarter of the time. Hops of a cluster say the same few things of
// ever new packets, so all of a hop but its packet is made once and told apart by its values; the packet is made where it changes.

import type { Direction, Hop, PacketFields, TracePath } from "./path.ts";

/** The very text that `JSON.stringify(path)` gives. */
export function traceJson(path: TracePath): string {
	return directionJson(path);
}

function directionJson(direction: Direction | TracePath): string {
	const members: string[] = [];
	for (const [key, value] of Object.entries(direction)) {
		const text =
			key === "hops"
				? hopsJson(value as Hop[])
				: key === "reply" && value !== null
					? directionJson(value as Direction)
					: JSON.stringify(value);
		if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
	}
	return `{${members.join(",")}}`;
}

/** The text of `JSON.stringify(hops)`. Of a hop counts what `Hop` has, in its order. */
export function hopsJson(hops: readonly Hop[]): string {
	const parts: string[] = [];
	let before: PacketFields | null = null;
	let packet = "";
	for (const hop of hops) {
		if (before === null || !areSame(before, hop.packet)) packet = packetJson(hop.packet);
		before = hop.packet;
		const { head, tail } = frameOf(hop);
		parts.push(parts.length === 0 ? "[" : ",", head, packet, tail);
	}
	if (parts.length === 0) return "[]";
	parts.push("]");
	return parts.join("");
}

/** As `JSON.stringify` has it, in fewer steps where a value is a plain number or a word that was there before. */
function packetJson(packet: PacketFields): string {
	let text = "";
	for (const key in packet) {
		const value: unknown = packet[key as keyof PacketFields];
		if (value === undefined) continue;
		const plain = typeof value === "number" && Number.isSafeInteger(value);
		text += `${text === "" ? "{" : ","}${quoted(key)}:${plain ? value : typeof value === "string" ? quoted(value) : JSON.stringify(value)}`;
	}
	return `${text}}`;
}

const WORDS_MAX = 1 << 14;
const words = new Map<string, string>();

function quoted(word: string): string {
	let text = words.get(word);
	if (text === undefined) {
		if (words.size >= WORDS_MAX) words.clear();
		text = JSON.stringify(word);
		words.set(word, text);
	}
	return text;
}

/** Hops that differ in their packet alone. */
interface Frame {
	hop: Omit<Hop, "packet">;
	/** As far as the packet, and from there. */
	head: string;
	tail: string;
}

const FRAMES_MAX = 1 << 16;
/** By netns, then by the rarest of a hop's other words. */
const frames = new Map<string, Map<string, Frame[]>>();
let count = 0;

function frameOf(hop: Hop): Frame {
	const key = hop.rule ?? hop.device ?? hop.event;
	const known = frames.get(hop.netns)?.get(key);
	if (known !== undefined) {
		for (const frame of known) if (isOf(frame.hop, hop)) return frame;
	}
	return added(hop, key);
}

function added(hop: Hop, key: string): Frame {
	if (count >= FRAMES_MAX) {
		frames.clear();
		count = 0;
	}
	let ofNetns = frames.get(hop.netns);
	if (ofNetns === undefined) {
		ofNetns = new Map();
		frames.set(hop.netns, ofNetns);
	}
	const { packet: _, ...others } = hop;
	const { netns, device, event, hook, table, chain, rule, ...after } = others;
	const head = JSON.stringify({ netns, device, event, hook, table, chain, rule });
	const tail = JSON.stringify(after);
	const frame = {
		hop: others,
		head: `${head.slice(0, -1)},"packet":`,
		tail: tail === "{}" ? "}" : `,${tail.slice(1)}`,
	};
	const alike = ofNetns.get(key);
	if (alike === undefined) ofNetns.set(key, [frame]);
	else alike.push(frame);
	count++;
	return frame;
}

function isOf(a: Frame["hop"], b: Hop): boolean {
	return (
		a.event === b.event &&
		a.device === b.device &&
		a.hook === b.hook &&
		a.table === b.table &&
		a.chain === b.chain &&
		a.rule === b.rule &&
		a.ctstate === b.ctstate &&
		a.mark === b.mark &&
		a.via === b.via &&
		a.reason === b.reason
	);
}

/** Packets that carry or quote others are taken for different. */
function areSame(a: PacketFields, b: PacketFields): boolean {
	return (
		a.src === b.src &&
		a.dst === b.dst &&
		a.sport === b.sport &&
		a.dport === b.dport &&
		a.ttl === b.ttl &&
		a.proto === b.proto &&
		a.flags === b.flags &&
		a.seq === b.seq &&
		a.ack === b.ack &&
		a.length === b.length &&
		a.icmp === b.icmp &&
		a.id === b.id &&
		a.inner === undefined &&
		b.inner === undefined &&
		a.encapsulated === undefined &&
		b.encapsulated === undefined
	);
}
