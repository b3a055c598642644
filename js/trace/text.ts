// A trace for a reader: netns by netns as the packet meets them, in each what its devices, routes, rules and connection
// tracking did, the packet's line again wherever it changed. Styles are the caller's: here they are only named.

import type { Direction, Hop, PacketFields, TracePath } from "./path.ts";

/** What a piece of the text is, for colours. */
export type Style = "heading" | "place" | "rule" | "change" | "good" | "bad" | "faint" | "plain";

export type Paint = (style: Style, text: string) => string;

export interface TextOptions {
	/** Default: no styles. */
	paint?: Paint;
	/** Also rules that only jump or return, policies, and lookups: every step (`-o wide`). */
	wide?: boolean;
}

/** The whole trace. */
export function traceText(path: TracePath, options: TextOptions = {}): string {
	return new Telling(options).trace(path);
}

/** `tcp 10.244.1.5:40001 > 10.96.12.7:7070 [S] ttl 64`. */
export function packetText(packet: PacketFields): string {
	const end = (address: string, port: number | undefined) => (port === undefined ? address : `${address}:${port}`);
	const ends = `${packet.proto} ${end(packet.src, packet.sport)} > ${end(packet.dst, packet.dport)}`;
	const flags = packet.flags === undefined ? "" : ` [${packet.flags}]`;
	const icmp = packet.icmp === undefined ? "" : ` ${packet.icmp}`;
	const { inner, encapsulated } = packet;
	const quoted = inner ? ` {${inner.proto} ${inner.src}:${inner.sport} > ${inner.dst}:${inner.dport}}` : "";
	const inside = encapsulated ? ` {${packetText(encapsulated)}}` : "";
	return `${ends}${flags}${icmp}${quoted}${inside} ttl ${packet.ttl}`;
}

class Telling {
	readonly #paint: Paint;
	readonly #wide: boolean;
	readonly #lines: string[] = [];

	constructor({ paint = (_, text) => text, wide = false }: TextOptions) {
		this.#paint = paint;
		this.#wide = wide;
	}

	trace(path: TracePath): string {
		this.#direction("request", path);
		if (path.reply !== null) {
			this.#lines.push("");
			this.#direction("reply", path.reply);
		}
		this.#lines.push("", this.#verdict(path));
		for (const text of path.assumed) this.#lines.push(this.#paint("faint", `assumed: ${text}`));
		for (const text of path.notEvaluated) this.#lines.push(this.#paint("bad", `not-evaluated: ${text}`));
		return `${this.#lines.join("\n")}\n`;
	}

	#direction(name: string, { hops }: Direction): void {
		let netns = "";
		let told = "";
		const first = hops[0];
		this.#lines.push(
			this.#paint("heading", `${name}${first ? `  ${packetText(first.packet)}` : "  (no packet was sent)"}`),
		);
		for (const hop of this.#wide ? hops : withoutIdle(hops)) {
			if (hop.netns !== netns) {
				netns = hop.netns;
				this.#lines.push(this.#paint("place", `  ${netns}`));
			}
			const step = this.#step(hop);
			if (step === null) continue;
			this.#lines.push(`    ${step}`);
			const now = packetText(hop.packet);
			if (hop.event === "transmit" || (hop.event === "nat" && now !== told)) {
				this.#lines.push(`      ${this.#paint(hop.event === "nat" ? "change" : "plain", now)}`);
			}
			told = now;
		}
	}

	/** A hop in one line; null for what only a wide trace tells. */
	#step(hop: Hop): string | null {
		switch (hop.event) {
			case "transmit":
				return `out ${hop.device ?? "?"}`;
			case "receive":
				return `in  ${hop.device ?? "?"}`;
			case "route":
				return `route dev ${hop.device ?? "local"}${hop.via === undefined ? "" : ` via ${hop.via}`}`;
			case "conntrack":
				return this.#wide || hop.ctstate !== "NEW" ? this.#paint("faint", `conntrack ${hop.ctstate ?? ""}`) : null;
			case "rule":
			case "log":
				return this.#rule(hop);
			case "policy":
			case "return":
				return this.#wide ? this.#paint("faint", `${where(hop)} ${hop.rule ?? `end of ${hop.chain}`}`) : null;
			case "nat":
				return `${this.#paint("faint", `${hop.hook} nat`)} ${this.#paint("change", "translated")}`;
			case "deliver":
				return this.#paint(
					"good",
					`delivered${hop.packet.dport === undefined ? "" : ` to a socket on port ${hop.packet.dport}`}`,
				);
			case "icmp-error":
				return this.#paint("bad", `ICMP ${hop.packet.icmp} to ${hop.packet.dst}`);
			case "reset":
				return this.#paint("bad", `RST to ${hop.packet.dst}`);
			case "drop":
			case "unknown":
				return this.#paint("bad", `${hop.event === "drop" ? "ends here" : "unknown"}: ${hop.reason}`);
		}
	}

	#rule(hop: Hop): string {
		return `${this.#paint("faint", where(hop))} ${this.#paint("rule", hop.rule ?? "")}`;
	}

	#verdict(path: TracePath): string {
		const { verdict, reason, delivered, seen, reply } = path;
		const good = verdict === "delivered" && reply?.verdict === "delivered";
		const lines = [this.#paint(good ? "good" : "bad", `${verdict}${reason === null ? "" : `: ${reason}`}`)];
		if (delivered) {
			const name = delivered.namespace === null ? delivered.name : `${delivered.namespace}/${delivered.name}`;
			const on = delivered.node === null || delivered.kind === "Node" ? "" : ` on ${delivered.node}`;
			const port = delivered.port === null ? "" : `:${delivered.port}`;
			lines.push(`  to ${delivered.kind} ${name}${on}, ${delivered.address}${port}`);
		}
		if (seen) lines.push(`  which sees ${seenText(seen)}`);
		if (reply?.seen) lines.push(`  and the sender gets ${answerText(reply)} from ${seenText(reply.seen)}`);
		else if (reply) lines.push(`  the answer does not arrive: ${reply.verdict}, ${reply.reason}`);
		else lines.push("  nothing comes back");
		return lines.join("\n");
	}
}

/** Without RETURNs, and without jumps into chains whose rules had nothing to say. */
function withoutIdle(hops: readonly Hop[]): Hop[] {
	const kept = hops.map((hop) => hop.event !== "rule" || targetOf(hop) !== "RETURN");
	for (let i = hops.length - 1; i >= 0; i--) {
		const hop = hops[i] as Hop;
		if (hop.event === "rule" && isJump(hops, i)) kept[i] = ledTo(hops, kept, i);
	}
	return hops.filter((_, i) => kept[i]);
}

const targetOf = ({ rule }: Hop): string | null => / -[jg] (\S+)/.exec(rule ?? "")?.[1] ?? null;

/** What follows a jump stands in the chain that it names: one of its rules, or its end. */
function isJump(hops: readonly Hop[], i: number): boolean {
	return hops[i + 1]?.chain !== null && hops[i + 1]?.chain === targetOf(hops[i] as Hop);
}

/** Whether a rule that is told follows before the jump's own chain goes on. */
function ledTo(hops: readonly Hop[], kept: readonly boolean[], i: number): boolean {
	const { chain, hook, table } = hops[i] as Hop;
	for (let j = i + 1; j < hops.length; j++) {
		const hop = hops[j] as Hop;
		if (hop.chain === null || hop.chain === chain || hop.hook !== hook || hop.table !== table) return false;
		if (hop.event === "rule" && kept[j]) return true;
	}
	return false;
}

function where({ hook, table, ctstate, mark }: Hop): string {
	const extra = [ctstate === "NEW" ? null : ctstate, mark === undefined ? null : `mark ${mark}`].filter(Boolean);
	return `${hook} ${table}${extra.length > 0 ? ` (${extra.join(", ")})` : ""}`;
}

function answerText({ hops }: Direction): string {
	const packet = hops.at(-1)?.packet;
	if (packet?.inner) return `ICMP ${packet.icmp}`;
	return packet?.flags?.includes("R") ? "a reset" : "the answer";
}

function seenText({ source, sourcePort }: { source: string; sourcePort: number | null }): string {
	return sourcePort === null ? source : `${source}:${sourcePort}`;
}
