// A terminal that remembers, for tests of commands.

import type { Terminal } from "../../js/cli/terminal.ts";

export interface FakeTerminal extends Terminal {
	out: string;
	/** What was written as bytes. */
	bytes: Uint8Array[];
	err: string;
	drawn: string[];
}

export function fakeTerminal(input = "", options: { interactive?: boolean; signal?: AbortSignal } = {}): FakeTerminal {
	const terminal: FakeTerminal = {
		out: "",
		bytes: [],
		colours: false,
		err: "",
		drawn: [],
		interactive: options.interactive ?? false,
		signal: options.signal ?? new AbortController().signal,
		async print(text) {
			terminal.out += text;
		},
		async write(content) {
			if (typeof content === "string") terminal.out += content;
			else terminal.bytes.push(content);
		},
		say(text) {
			terminal.err += `${text}\n`;
		},
		draw(text) {
			terminal.drawn.push(text);
		},
		async input() {
			return new TextEncoder().encode(input);
		},
	};
	return terminal;
}
