// iptables text, both ways: what other folders use of this one.

export { checkIptablesCase, type IptablesCase, type IptablesOutcome } from "./case.ts";
export { BUILT_IN_CHAINS, isBuiltIn, newChain } from "./chains.ts";
export { checkTable } from "./check.ts";
export type { Backend, Hook, ToolVersion } from "./extension.ts";
export { type PrintOptions, printCounters, printRule } from "./print.ts";
export type { RuleOptions } from "./reading.ts";
export { applyRestore, emptyRuleset, type RestoreOptions } from "./restore.ts";
export { parseRule, parseRules } from "./rule.ts";
export { asLoaded, parseIptablesSave, printIptablesSave, type SavePrintOptions, type SaveReadOptions } from "./save.ts";
