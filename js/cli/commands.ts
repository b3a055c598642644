// The commands, in the order in which `podwire --help` lists them.

import type { Define } from "./command.ts";

export const COMMANDS: readonly Define[] = [];
