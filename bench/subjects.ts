// Every subject that runs anywhere: Node, Deno, a page; in the order of the report. Those that need files or processes: host.ts.

import { compile } from "./compile.ts";
import { opened } from "./connect.ts";
import { dispatch } from "./dispatch.ts";
import { fibBytes, fibs } from "./fib.ts";
import type { Samples, Subject } from "./figure.ts";
import { established } from "./forward.ts";
import { insertions } from "./insert.ts";
import { lookups } from "./lookup.ts";
import { rules } from "./rules.ts";
import { traces } from "./trace.ts";
import { update } from "./update.ts";
import { v6 } from "./v6.ts";

/** What is timed in this process. */
export const SUBJECTS: readonly Subject[] = [
	...fibs,
	...rules,
	...dispatch,
	...lookups,
	...insertions,
	...established,
	...opened,
	...traces,
];

/** What times itself. */
export const SAMPLED: readonly Samples[] = [fibBytes, v6, ...compile, update];
