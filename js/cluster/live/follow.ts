// What is followed of a network, brought to the engine that has it.

import type { Machine } from "../../../bindings/machine.ts";
import { type NetworkChange, networkChange } from "../../net/change.ts";
import type { Network } from "../../net/network.ts";
import type { Ruleset } from "../../net/ruleset.ts";
import type { Followed } from "./network.ts";

/** `isGiven`: a netns has rules that no agent writes. `whole`: the network as it is now. Returns what was different of it. Throws CapacityError, EncodeError; then the engine is not to be used any more. */
export function follow(
	machine: Machine,
	{ rules, netns }: Followed,
	isGiven: (netns: string) => boolean,
	whole: () => Network,
): NetworkChange {
	for (const { replaced, given } of rules) {
		for (const [before, now] of replaced) machine.replaceRuleset(before, now);
		const those = new Map<Ruleset, string[]>();
		for (const [node, ruleset] of given) {
			const name = `node:${node}`;
			// A node that is new comes with its rules.
			if (!machine.encoded.netns.has(name) || isGiven(name)) continue;
			const names = those.get(ruleset);
			if (names === undefined) those.set(ruleset, [name]);
			else names.push(name);
		}
		for (const [ruleset, names] of those) machine.loadRuleset(names, ruleset);
	}
	const change = netns ?? networkChange(machine.network, whole());
	machine.update(change);
	return change;
}
