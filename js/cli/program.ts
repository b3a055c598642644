// The program around the commands: usage, version, exit statuses, errors on stderr.

import { Command, CommanderError } from "commander";
import type { Context, Define } from "./command.ts";
import { complaint, INTERRUPTED, type Status, UNUSABLE, YES } from "./status.ts";
import type { Terminal } from "./terminal.ts";

const DESCRIPTION = "A Kubernetes network in a Wasm module: what would the nodes do with this packet?";

const EXIT = `
Exit status:
  0  yes, or done
  1  the answer is no: not delivered, an assertion failed, a difference found
  2  bad usage, bad input, or no trustworthy answer
`;

/** commander reports usage errors as 1; here 1 means "no". */
const statusOf = (error: CommanderError): Status => (error.exitCode === 0 ? YES : UNUSABLE);

function program(context: Context, version: string, commands: readonly Define[]): Command {
	const root = new Command("podwire")
		.description(DESCRIPTION)
		.version(version, "-V, --version")
		.helpCommand(true)
		.showSuggestionAfterError(true)
		.showHelpAfterError("(podwire --help shows what there is)")
		.addHelpText("after", EXIT);
	for (const define of commands) {
		const command = define(context);
		command.showHelpAfterError(`(podwire ${command.name()} --help shows examples)`);
		root.addCommand(command);
	}
	for (const command of [root, ...descendants(root)]) {
		command.exitOverride().configureOutput({
			writeOut: (text) => void context.terminal.print(text),
			writeErr: (text) => context.terminal.say(text.replace(/\n$/, "")),
		});
	}
	return root;
}

const descendants = (command: Command): Command[] => command.commands.flatMap((it) => [it, ...descendants(it)]);

/** Runs the command line `argv` (without node and script) to its end and gives the status. Never throws. */
export async function main(
	argv: readonly string[],
	terminal: Terminal,
	version: string,
	commands: readonly Define[],
): Promise<Status> {
	let status: Status = YES;
	let isStopped = false;
	const context: Context = {
		terminal,
		async perform(action, { stoppable = false } = {}) {
			status = await action();
			isStopped = stoppable;
		},
	};
	try {
		await program(context, version, commands).parseAsync([...argv], { from: "user" });
		return terminal.signal.aborted && !isStopped ? INTERRUPTED : status;
	} catch (error) {
		if (error instanceof CommanderError) return statusOf(error);
		if (terminal.signal.aborted) return INTERRUPTED;
		terminal.say(complaint(error));
		return UNUSABLE;
	}
}
