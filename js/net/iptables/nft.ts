// What iptables-nft prints otherwise than iptables-legacy: it turns some matches into its own expressions and back,
// and the detour loses or merges words.

import type { Rule } from "../ruleset.ts";
import type { PrintContext } from "./extension.ts";

export function nftForm(rule: Rule, _context: PrintContext): Rule {
	return rule;
}
