// Before each test file: properties that say nothing of runs or seeds have those of the gate, or of a fuzz.

import fc from "fast-check";
import { runs } from "./runs.ts";

fc.configureGlobal(runs());
