// All subjects where there are files and processes: on Node and Deno.

import type { Samples, Subject } from "./figure.ts";
import { native, natives } from "./native.ts";
import { reader } from "./reader.ts";
import { replay } from "./replay.ts";
import { start } from "./start.ts";
import { SUBJECTS as EVERYWHERE, SAMPLED as EVERYWHERE_SAMPLED } from "./subjects.ts";
import { up } from "./up.ts";
import { workers } from "./workers.ts";

/** What is timed in this process. */
export const SUBJECTS: readonly Subject[] = [...EVERYWHERE, ...replay, ...natives];

/** What times itself. */
export const SAMPLED: readonly Samples[] = [...EVERYWHERE_SAMPLED, start, ...up, ...native, ...workers, ...reader];
