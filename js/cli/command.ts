// What a command is to the program: commander's description of it, and a function that does it and gives a status.

import type { Command } from "commander";
import type { Status } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** Does what the options ask. Errors are thrown; they become lines on stderr and status 2. */
export type Run<Options> = (options: Options, terminal: Terminal) => Status | Promise<Status>;

/** The process around a command. */
export interface Context {
	readonly terminal: Terminal;
	/** Runs an action; its status becomes that of the process. `stoppable`: Ctrl-C is how it ends. */
	perform(action: () => Status | Promise<Status>, options?: { stoppable?: boolean }): Promise<void>;
}

/** A command's entry in the list: one for each file of this folder that is a command. */
export type Define = (context: Context) => Command;
