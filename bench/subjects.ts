// Every subject, in the order of the report.

import { opened } from "./connect.ts";
import { dispatch } from "./dispatch.ts";
import { fibBytes, fibs } from "./fib.ts";
import type { Samples, Subject } from "./figure.ts";
import { established } from "./forward.ts";
import { insertions } from "./insert.ts";
import { lookups } from "./lookup.ts";
import { replay } from "./replay.ts";
import { rules } from "./rules.ts";
import { start } from "./start.ts";
import { traces } from "./trace.ts";

/** What is timed in this process. */
export const SUBJECTS: readonly Subject[] = [
	...fibs,
	...rules,
	...dispatch,
	...lookups,
	...insertions,
	...established,
	...opened,
	replay,
	...traces,
];

/** What times itself. */
export const SAMPLED: readonly Samples[] = [fibBytes, start];
