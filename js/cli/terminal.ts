// What a command sees of the process: text out, talk on stderr, text in, and the signal of Ctrl-C.
// Everything printed passes one filter, so no name from a manifest or payload can steer a terminal.

import type { Readable, Writable } from "node:stream";

export interface Terminal {
	/** Writes to stdout; resolves when it is written, or cannot be any more. */
	print(text: string): Promise<void>;
	/** Writes to stdout as it stands: bytes, or text whose every untrusted word went through `strip`. */
	write(content: string | Uint8Array): Promise<void>;
	/** Whether stdout shows colours: a terminal, and NO_COLOR is not set. */
	readonly colours: boolean;
	/** Writes a line to stderr. */
	say(text: string): void;
	/** stdin, whole. */
	input(): Promise<Uint8Array>;
	/** Whether stderr is a terminal: progress is drawn only there. */
	readonly interactive: boolean;
	/** Draws over the current line of stderr; empty text erases it. */
	draw(text: string): void;
	/** Aborted by the first Ctrl-C. */
	readonly signal: AbortSignal;
}

/** CSI and OSC sequences whole, then what is left of C0 (but tab and line feed), DEL, C1 and bidi overrides. */
const SEQUENCES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** The text without anything that a terminal would act on. */
export function strip(text: string): string {
	return text.replace(SEQUENCES, "").replace(CONTROLS, "");
}

export interface Streams {
	stdin: Readable;
	stdout: Writable & { isTTY?: boolean };
	stderr: Writable & { isTTY?: boolean };
}

/** The terminal over streams. A reader that went away (`| head`) ends the output quietly: `onClosed` is called once. */
export function terminalOver({ stdin, stdout, stderr }: Streams, signal: AbortSignal, onClosed: () => void): Terminal {
	const quiet = (error: NodeJS.ErrnoException) => {
		if (error.code !== "EPIPE") throw error;
		onClosed();
	};
	stdout.on("error", quiet);
	stderr.on("error", quiet);
	const written = (content: string | Uint8Array): Promise<void> =>
		new Promise((resolve) => {
			stdout.write(content, () => resolve());
		});
	return {
		signal,
		interactive: stderr.isTTY === true,
		colours: stdout.isTTY === true && !process.env["NO_COLOR"],
		print: (text) => written(strip(text)),
		write: written,
		say: (text) => void stderr.write(`${strip(text)}\n`),
		draw: (text) => void stderr.write(`\r\u001b[K${strip(text)}`),
		input: () => whole(stdin),
	};
}

async function whole(stream: Readable): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of stream) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
	return Buffer.concat(chunks);
}
