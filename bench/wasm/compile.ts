// Makes the benchmarks' module where it is out of date: for runtimes that cannot.

import { benchModule } from "../module.ts";

await benchModule();
