// Which checker judges which format, and which formats podwire does not model yet.

import type { Format } from "./format.ts";
import type { Check } from "./result.ts";

export const CHECKS: Partial<Record<Format, Check>> = {};

/** Formats whose every probe is skipped, with the reason. */
export const NOT_MODELLED: Partial<Record<Format, string>> = {
	dns: "DNS is not modelled yet",
	netpol: "NetworkPolicy is not modelled yet",
	http: "Ingress and Gateway routes are not modelled yet",
};
