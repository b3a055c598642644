// Reads `--node-state DIR`: a folder a node (and `router/`), each with texts that the real tools print there.
// What a file holds is for the cluster to read; here only the names are known.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "./status.ts";

/** Files of a node's folder, by what they hold. */
export const STATE_FILES = {
	iptables: "iptables-save.txt",
	ip6tables: "ip6tables-save.txt",
	ipset: "ipset-save.txt",
	routes: "ip-route.txt",
	addresses: "ip-addr.txt",
	sysctls: "sysctl.txt",
} as const;

export type StateKind = keyof typeof STATE_FILES;

/** One text as it lay on the disk; `file` names it in errors. */
export interface StateText {
	file: string;
	text: string;
}

/** A node's texts; what is absent is left as podwire makes it. */
export type NodeState = Partial<Record<StateKind, StateText>>;

async function readNode(folder: string): Promise<NodeState> {
	const present = new Set(await readdir(folder));
	const state: NodeState = {};
	for (const kind of Object.keys(STATE_FILES) as StateKind[]) {
		if (!present.has(STATE_FILES[kind])) continue;
		const file = join(folder, STATE_FILES[kind]);
		state[kind] = { file, text: await readFile(file, "utf8") };
	}
	return state;
}

/** By node name, in order of name. A folder in which no node's file is found is an error: it is surely the wrong one. */
export async function readNodeState(folder: string): Promise<Map<string, NodeState>> {
	const entries = await readdir(folder, { withFileTypes: true });
	const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
	const nodes = new Map<string, NodeState>();
	for (const name of names.sort()) {
		const state = await readNode(join(folder, name));
		if (Object.keys(state).length > 0) nodes.set(name, state);
	}
	if (nodes.size === 0) {
		const expected = Object.values(STATE_FILES).join(", ");
		throw new InputError(folder, `expected a folder for each node, with any of ${expected}`);
	}
	return nodes;
}
