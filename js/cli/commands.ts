// The commands, in the order in which `podwire --help` lists them.

import type { Define } from "./command.ts";
import { conntrackCommand } from "./conntrack.ts";
import { getCommand } from "./get.ts";
import { iptablesCommand } from "./iptables.ts";
import { replayCommand } from "./replay.ts";
import { routesCommand } from "./routes.ts";
import { serveCommand } from "./serve.ts";
import { snapshotCommand } from "./snapshot.ts";
import { traceCommand } from "./trace.ts";
import { verifyCommand } from "./verify.ts";

export const COMMANDS: readonly Define[] = [
	(context) => traceCommand(context),
	(context) => replayCommand(context),
	(context) => iptablesCommand(context),
	(context) => routesCommand(context),
	(context) => conntrackCommand(context),
	(context) => getCommand(context),
	(context) => serveCommand(context),
	(context) => snapshotCommand(context),
	(context) => verifyCommand(context),
];
