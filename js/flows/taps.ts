// Where a capture was taken, as names of netns: from `--tap NETNS/DEV`, or from the interface names that captures carry
// (`pod NAMESPACE/NAME`, `host NAME`, `node NAME`, and podwire's own `NETNS/DEV`).

import type { FlowInterface } from "./interfaces.ts";

/** Names that the interface's netns may go by, likeliest first; empty where its name says nothing. */
export function netnsCandidates(name: string | null): string[] {
	if (name === null || name === "") return [];
	const spoken = /^(pod|host|node) (\S+)$/.exec(name);
	if (spoken !== null) {
		const [, kind, rest] = spoken as unknown as [string, string, string];
		return [`${kind}/${rest}`, rest];
	}
	const slash = name.lastIndexOf("/");
	return slash > 0 ? [name.slice(0, slash), name] : [name];
}

/**
 * The caller's index of the netns in which `entry` was captured, or -1. `tap`: what `--tap` said of its file, or null; it
 * goes before the interface's name. `indexOf`: the caller's index of a netns name, or -1.
 */
export function netnsOfTap(entry: FlowInterface, tap: string | null, indexOf: (netns: string) => number): number {
	for (const candidate of tap === null ? netnsCandidates(entry.name) : netnsCandidates(tap)) {
		const index = indexOf(candidate);
		if (index >= 0) return index;
	}
	return -1;
}
