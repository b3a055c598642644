// Every subject, in the order of the report.

import { insertions, lookups } from "./conntrack.ts";
import { fib } from "./fib.ts";
import type { Subject } from "./figure.ts";
import { established, opened } from "./forward.ts";
import { rules } from "./rules.ts";

export const SUBJECTS: readonly Subject[] = [fib, rules, ...lookups, ...insertions, ...established, ...opened];
