// Styles of a trace on a terminal. Every word goes through `strip` before it gets a colour, so that no name from a
// manifest can steer the terminal.

import { styleText } from "node:util";
import type { Paint, Style } from "../trace/text.ts";
import { strip, type Terminal } from "./terminal.ts";

const FORMATS: Readonly<Record<Exclude<Style, "plain">, Parameters<typeof styleText>[0]>> = {
	heading: "bold",
	place: ["bold", "cyan"],
	rule: "yellow",
	change: "magenta",
	good: "green",
	bad: "red",
	faint: "dim",
};

export function paintFor(when: "auto" | "always" | "never", terminal: Terminal): Paint {
	const colours = when === "always" || (when === "auto" && terminal.colours);
	if (!colours) return (_, text) => strip(text);
	return (style, text) => {
		const plain = strip(text);
		return style === "plain" ? plain : styleText(FORMATS[style], plain);
	};
}
