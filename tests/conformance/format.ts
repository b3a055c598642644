// Recognises a case file by its content, as the format's description has it; never by its name or folder.

export type Format =
	| "kernel"
	| "kernel result"
	| "kube-proxy"
	| "units"
	| "iptables"
	| "dns"
	| "netpol"
	| "http"
	| "base objects";

type Keys = Record<string, unknown>;

/** First row whose keys are all there wins, so the more particular ones stand first. */
const FORMATS: { format: Format; keys: string[] }[] = [
	{ format: "kernel", keys: ["probes", "nodes", "fabric"] },
	{ format: "kernel result", keys: ["scenario", "backend", "probes"] },
	{ format: "kube-proxy", keys: ["node", "objects", "probes"] },
	{ format: "kube-proxy", keys: ["node", "iptablesSave", "probes"] },
	{ format: "units", keys: ["kind", "cases"] },
	{ format: "units", keys: ["kind", "steps"] },
	{ format: "iptables", keys: ["families", "cases"] },
	{ format: "dns", keys: ["zones", "cases"] },
	{ format: "netpol", keys: ["cluster", "cases"] },
	{ format: "http", keys: ["objects", "requests"] },
	{ format: "http", keys: ["objects", "cases"] },
	{ format: "base objects", keys: ["objects"] },
];

export function formatOf(content: unknown): Format | null {
	if (typeof content !== "object" || content === null || Array.isArray(content)) return null;
	// netpol's kubernetes-e2e cases each bring their own cluster.
	const first = Array.isArray((content as Keys).cases) ? (content as { cases: unknown[] }).cases[0] : null;
	const inner = typeof first === "object" && first !== null ? first : {};
	const found = FORMATS.find(({ keys }) => keys.every((key) => key in content));
	if (found !== undefined) return found.format;
	if ("cluster" in inner && "steps" in inner) return "netpol";
	return "requests" in inner ? "http" : null;
}

const length = (value: unknown) => (Array.isArray(value) ? value.length : 0);

/** How many probes a file asks for: probes, requests of all cases, or cases where there are neither. At least one. */
export function probeCount(content: unknown): number {
	const { probes, requests, cases, steps } = content as Keys;
	const inCases = Array.isArray(cases)
		? cases.reduce((sum, it) => sum + Math.max(1, length((it as Keys | null)?.requests)), 0)
		: 0;
	return Math.max(1, length(probes) + length(requests) + inCases || length(steps));
}
