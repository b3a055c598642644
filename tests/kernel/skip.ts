// Suites that need a lab: run where one can be, and say so where not.

import { describe } from "vitest";
import { missingForLab } from "../../js/verify/lab.ts";

export const canLab = missingForLab() === null;

/** A suite that builds labs. */
export function describeLab(name: string, suite: () => void): void {
	if (canLab) describe(name, suite);
	else describe.skip(`${name} (skipped, needs root on Linux)`, suite);
}
