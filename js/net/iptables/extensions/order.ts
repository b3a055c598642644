// The default canonical form: the options in the order of their table.

import type { Option } from "../../ruleset.ts";
import type { OptionTable } from "../extension.ts";

export function inTableOrder(options: Option[], table: readonly OptionTable[]): Option[] {
	const place = new Map(table.map((option, index): [string, number] => [option.name, index]));
	return options
		.map((option, index) => ({ option, index }))
		.sort((a, b) => (place.get(a.option.name) ?? 0) - (place.get(b.option.name) ?? 0) || a.index - b.index)
		.map(({ option }) => option);
}
