// A node's rules that somebody else than its agents has changed. From then on each agent reads what is there, and writes as
// `iptables-restore --noflush` does: chains that it names are emptied and written again, all others stay as they are.

import { type IpMasqConfig, ipMasqJump, ipMasqRestore } from "../../cni/ipmasq.ts";
import { PORTMAP_JUMPS, portmapChange } from "../../cni/portmap.ts";
import { hasRule, kubeletRestore, proxyRestore } from "../../kube-proxy/jumps.ts";
import { KUBE_KUBELET_CANARY, KUBE_PROXY_CANARY } from "../../kube-proxy/names.ts";
import { natChains } from "../../kube-proxy/saved.ts";
import { type SyncInput, type SyncResult, syncProxyRules } from "../../kube-proxy/sync.ts";
import { findChain } from "../../net/edited.ts";
import { TextError } from "../../net/error.ts";
import { applyRestore } from "../../net/iptables/index.ts";
import type { Ruleset } from "../../net/ruleset.ts";
import { NotModelledError } from "../errors.ts";

/** Of rules that are not the agents' alone. */
export interface Foreign {
	/** What kube-proxy fed in was refused: its next sync writes everything (needFullSync in pkg/proxy/iptables/proxier.go). */
	needsFull: boolean;
}

export interface SyncedOver {
	ruleset: Ruleset;
	/** null: it was refused. */
	sync: SyncResult | null;
}

/** kube-proxy's sync over the rules as they are. Throws AddressError. */
export function syncOver(input: SyncInput, ruleset: Ruleset): SyncedOver {
	let now = input.updatedServices === undefined ? fed(ruleset, proxyRestore(ruleset)) : ruleset;
	const sync = syncProxyRules({ ...input, existingNatChains: natChains(now) });
	try {
		// Each table is all or nothing: what comes before one that is refused stays.
		for (const text of sync.restore.split(/(?<=^COMMIT\n)/m)) now = fed(now, text);
		return { ruleset: now, sync };
	} catch (error) {
		if (!(error instanceof TextError)) throw error;
		return { ruleset: now, sync: null };
	}
}

/** Whether kube-proxy's iptables monitor finds that tables were flushed: it asks for its canary in the first of them. */
export function isProxyCanaryGone(ruleset: Ruleset): boolean {
	return !hasCanary(ruleset, KUBE_PROXY_CANARY);
}

/** What the kubelet makes again where its canary is gone (syncIPTablesRules), and ip-masq-agent in any case. */
export function othersLook(ruleset: Ruleset, masquerade: IpMasqConfig | null): Ruleset {
	const now = hasCanary(ruleset, KUBE_KUBELET_CANARY) ? ruleset : fed(ruleset, kubeletRestore(ruleset));
	return masquerade === null ? now : masqueraded(now, masquerade);
}

/** ip-masq-agent's chain, written again, and the jump to it where there is none. */
export function masqueraded(ruleset: Ruleset, config: IpMasqConfig): Ruleset {
	const jump = missingIn(ruleset, [{ chain: "POSTROUTING", rule: ipMasqJump(config), prepend: false }]);
	// As one text: a table of many chains is read and checked once.
	return fed(ruleset, ipMasqRestore(config, ruleset.family, jump));
}

/** portmap's chains, `before` as it fed them in last, and the jumps to them. Throws NotModelledError. */
export function portmapped(ruleset: Ruleset, before: string | null, now: string | null): Ruleset {
	const change = portmapChange(before, now);
	if (change === null) return ruleset;
	try {
		const written = fed(ruleset, change);
		return now === null ? written : ensured(written, PORTMAP_JUMPS);
	} catch (error) {
		if (!(error instanceof TextError)) throw error;
		throw new NotModelledError(
			`hostPort chains that iptables-restore refuses (${error.message})`,
			"take the rules out that jump to them",
		);
	}
}

function hasCanary({ tables }: Ruleset, name: string): boolean {
	const mangle = tables.find((table) => table.name === "mangle");
	return mangle !== undefined && findChain(mangle, name) !== null;
}

type NatRule = { chain: string; rule: string; prepend: boolean };

/** Lines that add those of the rules of nat that are missing. */
function missingIn(ruleset: Ruleset, rules: readonly NatRule[]): string[] {
	const missing = rules.filter(({ chain, rule }) => !hasRule(ruleset, { table: "nat", from: chain, words: [rule] }));
	return missing.map(({ chain, rule, prepend }) => `${prepend ? "-I" : "-A"} ${chain} ${rule}`);
}

function ensured(ruleset: Ruleset, rules: readonly NatRule[]): Ruleset {
	const lines = missingIn(ruleset, rules);
	return lines.length === 0 ? ruleset : fed(ruleset, ["*nat", ...lines, "COMMIT", ""].join("\n"));
}

function fed(ruleset: Ruleset, text: string): Ruleset {
	return applyRestore(ruleset, text, { noflush: true });
}
