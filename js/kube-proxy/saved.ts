// A node's whole iptables state after the kubelet and kube-proxy started on it, or after one more sync: the texts that
// they feed to iptables-restore, applied one after the other as the tool would.

import { applyRestore, emptyRuleset, printIptablesSave } from "../net/iptables/index.ts";
import type { Ruleset } from "../net/ruleset.ts";
import { kubeletRestore, proxyRestore } from "./jumps.ts";
import { type SyncInput, type SyncResult, syncProxyRules, takesLocalhostNodePorts } from "./sync.ts";

export interface NodeState {
	/** Chains as iptables-save prints them after loading; rules keep the words they were written with. */
	ruleset: Ruleset;
	/** What was fed to `iptables-restore --noflush`, in order. */
	restores: string[];
	sync: SyncResult;
}

export interface NodeStateOptions {
	/**
	 * The node has the chains that a kubelet makes, the guard against martian packets among them; default true.
	 * Without, kube-proxy makes the jumps to KUBE-FIREWALL itself, in front.
	 */
	kubelet?: boolean;
	/**
	 * Where KUBE-FIREWALL is jumped to: on every node, as upstream does (default), or only where NodePorts on localhost
	 * open the hole that it closes.
	 */
	martianGuard?: "always" | "localhost-nodeports";
	/** The node's rules so far: what others put there stays. Absent: none. */
	ruleset?: Ruleset;
}

/** The chains that nat has, for finding those that nothing needs any more. */
export function natChains(ruleset: Ruleset): string[] {
	const table = ruleset.tables.find(({ name }) => name === "nat");
	return (table?.chains ?? []).map(({ name }) => name);
}

/**
 * The node's rules after a sync. A partial sync (`updatedServices`) expects a ruleset that an earlier one left.
 * @throws AddressError where an object holds an address that cannot be read
 */
export function syncNode(input: SyncInput, options: NodeStateOptions = {}): NodeState {
	const restores: string[] = [];
	let ruleset = options.ruleset ?? emptyRuleset(input.family);
	const feed = (text: string): void => {
		if (text === "") return;
		restores.push(text);
		ruleset = applyRestore(ruleset, text, { noflush: true });
	};
	const martianGuard = options.martianGuard !== "localhost-nodeports" || takesLocalhostNodePorts(input);
	if (options.kubelet ?? true) feed(kubeletRestore(ruleset, martianGuard));
	if (input.updatedServices === undefined) feed(proxyRestore(ruleset, martianGuard));
	const sync = syncProxyRules({ existingNatChains: natChains(ruleset), ...input });
	feed(sync.restore);
	return { ruleset, restores, sync };
}

/** The node's rules after a fresh start of the kubelet and kube-proxy. */
export function savedRuleset(input: SyncInput, options: NodeStateOptions = {}): Ruleset {
	return syncNode(input, options).ruleset;
}

/** The same rules in the words that they were written with, as a text that iptables-restore takes. */
export function writtenText(input: SyncInput, options: NodeStateOptions = {}): string {
	return printIptablesSave(savedRuleset(input, options), { written: true });
}
