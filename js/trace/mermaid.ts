// A trace as a mermaid sequence diagram (mermaid.js.org/syntax/sequenceDiagram): one participant a netns, an arrow where
// the packet crosses to the next, notes where a rule acted or the packet ended.

import type { Direction, Hop, TracePath } from "./path.ts";
import { packetText } from "./text.ts";

/** The whole diagram. */
export function mermaidText(path: TracePath): string {
	const names = new Map<string, string>();
	const hops = [...path.hops, ...(path.reply?.hops ?? [])];
	for (const { netns } of hops) if (!names.has(netns)) names.set(netns, `N${names.size + 1}`);
	const lines = ["sequenceDiagram"];
	for (const [netns, name] of names) lines.push(`    participant ${name} as ${escaped(netns)}`);
	lines.push(...arrows(path, names, "->>"));
	if (path.reply !== null) lines.push(...arrows(path.reply, names, "-->>"));
	return `${lines.join("\n")}\n`;
}

function arrows({ hops }: Direction, names: ReadonlyMap<string, string>, arrow: string): string[] {
	const lines: string[] = [];
	let last: Hop | null = null;
	for (const hop of hops) {
		const name = names.get(hop.netns);
		if (last !== null && last.netns !== hop.netns)
			lines.push(`    ${names.get(last.netns)}${arrow}${name}: ${escaped(packetText(hop.packet))}`);
		const note = noteOf(hop);
		if (note !== null) lines.push(`    Note over ${name}: ${escaped(note)}`);
		last = hop;
	}
	return lines;
}

/** Rules that act, not those that jump; ends. */
function noteOf(hop: Hop): string | null {
	if (hop.event === "nat") return `${hop.hook} nat: ${packetText(hop.packet)}`;
	if (hop.event === "rule" && / -j (DNAT|SNAT|MASQUERADE|REDIRECT|DROP|REJECT)\b/.test(hop.rule ?? ""))
		return `${hop.hook} ${hop.table}: ${hop.rule}`;
	if (hop.event === "deliver") return "delivered";
	if (hop.event === "drop" || hop.event === "unknown") return `${hop.event}: ${hop.reason}`;
	return null;
}

/** Words that mermaid would read as syntax, as its entity codes. */
function escaped(text: string): string {
	return text.replace(/[#;<>"]/g, (character) => `#${character.charCodeAt(0)};`);
}
