// iptables text, both ways: what other folders use of this one.

export { asLoaded, parseIptablesSave, printIptablesSave, type SavePrintOptions, type SaveReadOptions } from "./save.ts";
export { applyRestore, emptyRuleset, type RestoreOptions } from "./restore.ts";
export { parseRule, parseRules, type RuleOptions } from "./rule.ts";
export { type PrintOptions, printCounters, printRule } from "./print.ts";
export { checkTable } from "./check.ts";
export { BUILT_IN_CHAINS, isBuiltIn, newChain } from "./chains.ts";
export { checkIptablesCase, type IptablesCase, type IptablesOutcome } from "./case.ts";
export type { Backend, Hook, ToolVersion } from "./extension.ts";
