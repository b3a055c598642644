// Which checker judges which format, and which formats podwire does not model yet.

import type { Format } from "./format.ts";
import { checkIptables } from "./iptables.ts";
import { checkKernel } from "./kernel.ts";
import { checkKubeProxy } from "./kubeproxy.ts";
import type { Check } from "./result.ts";
import { checkUnits } from "./units.ts";

/** Only the content is passed on: a checker's further parameters are not the runner's to fill. */
export const CHECKS: Partial<Record<Format, Check>> = {
	kernel: (content, path) => checkKernel(content, path),
	iptables: (content) => checkIptables(content),
	units: (content) => checkUnits(content),
	"kube-proxy": (content) => checkKubeProxy(content),
};

/** Formats whose every probe is skipped, with the reason. */
export const NOT_MODELLED: Partial<Record<Format, string>> = {
	dns: "DNS is not modelled yet",
	netpol: "NetworkPolicy is not modelled yet",
	http: "Ingress and Gateway routes are not modelled yet",
};
