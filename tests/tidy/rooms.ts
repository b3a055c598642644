// The house as data: which folder holds what, and what it may import. ARCHITECTURE.md shows this table (`npm run rooms`
// writes it there) and imports.test.ts holds every import of assembly/, bindings/, js/, web/ and examples/ to it.
// A file belongs to the room with the longest matching name; files of one room may always import each other.

export interface Room {
	/** Folder or file, relative to the checkout. */
	name: string;
	holds: string;
	/** Further files and folders of the room that its name does not cover. */
	also?: string[];
	/** Rooms, or files in them, that it may import. */
	may: string[];
	/** Rooms of which it may import types alone. */
	types?: string[];
	/** Packages that it may import; `node:` stands for every module of Node. */
	packages?: string[];
	/** Instead of the list, how the table says it. */
	says?: string;
}

const COMPONENT = { may: ["js/api", "js/net", "js/ports.ts"] };

/** Everything that the composition root puts together. */
const CLUSTER = [
	"assembly/layout.ts",
	"bindings",
	"js/api",
	"js/net",
	"js/ports.ts",
	"js/apiserver",
	"js/controllers",
	"js/scheduler",
	"js/kubelet",
	"js/cni",
	"js/kube-proxy",
	"js/netpol",
	"js/dns",
	"js/ingress",
	"js/cloud",
	"js/manifests",
	"js/flows",
	"js/sim",
	"js/snapshot",
	"js/wire",
	"js/trace",
	"js/replay",
];

/** In the order in which intent becomes packets and packets become answers. */
export const ROOMS: Room[] = [
	{
		name: "assembly",
		holds: "the data plane in AssemblyScript; numbers in, verdicts out; no GC objects, no strings, no host calls",
		may: [],
		says: "itself",
	},
	{
		name: "bindings",
		holds:
			"the bridge and the only code that touches Wasm memory: encode, submit, decode; `node.ts`, `deno.ts`, `browser.ts` only find the bytes; `native/` is the engine ahead of time as an addon, in C and C++",
		may: ["assembly/layout.ts", "js/net/address.ts", "js/net/same.ts"],
		types: ["js/net"],
		packages: ["node:"],
	},
	{
		name: "js/net",
		holds:
			"pure values and texts: addresses, prefixes, tuples, rulesets, iptables text, `ipset save`, `ip route`, references",
		may: [],
	},
	{
		name: "js/api",
		holds:
			"one file per API group: the upstream field names; and what anybody may read off an object: its key, labels, times, equality, why a write was refused",
		may: [],
	},
	{
		name: "js/ports.ts",
		holds: "the interfaces through which components meet the world: `Store`, `Clock`, `Random`, `Wire`",
		may: ["js/api", "js/net"],
	},
	{
		name: "js/apiserver",
		holds: "store, watch, admission, selectors, patch, allocation; REST as a pure function",
		...COMPONENT,
		packages: ["@marcbachmann/cel-js"],
	},
	{
		name: "js/controllers",
		holds: "workloads, endpoints, IPAM, garbage collection, namespaces: one reconcile function a file",
		...COMPONENT,
	},
	{ name: "js/scheduler", holds: "which node a pod runs on", ...COMPONENT },
	{
		name: "js/kubelet",
		holds: "pods of a node: stages, images, hooks, probes, restarts, endings, status",
		...COMPONENT,
	},
	{ name: "js/cni", holds: "a node's links, bridge, routes and masquerade rules", ...COMPONENT },
	{
		name: "js/kube-proxy",
		holds: "Services and EndpointSlices to a node's rules",
		...COMPONENT,
		packages: ["@noble/hashes"],
	},
	{ name: "js/netpol", holds: "NetworkPolicies to rules and sets", ...COMPONENT },
	{ name: "js/dns", holds: "names of Services and pods", ...COMPONENT },
	{ name: "js/ingress", holds: "HTTP routes", ...COMPONENT },
	{
		name: "js/cloud",
		holds: "the world outside the nodes: fabric, routes, load balancers, NAT",
		...COMPONENT,
	},
	{
		name: "js/manifests",
		holds: "YAML and JSON in, objects with their file, line and column out",
		may: ["js/api", "js/net"],
		packages: ["yaml"],
	},
	{
		name: "js/flows",
		holds: "readers and writers of captures and flow logs",
		may: [
			"js/net",
			"bindings/core.ts",
			"bindings/recording.ts",
			"bindings/capture.ts",
			"bindings/columns.ts",
			"assembly/layout.ts",
		],
		// package.json's name for the entry of bindings/ that finds the module on this host.
		packages: ["#core"],
	},
	{ name: "js/sim", holds: "virtual clock, event heap, seeded random, faults", may: ["js/ports.ts", "js/api"] },
	{ name: "js/snapshot", holds: "plain values as bytes, and the file that a cluster is saved to", may: [] },
	{
		name: "js/wire",
		holds: "sockets and exchanges over the data plane",
		may: ["js/net", "js/ports.ts", "bindings", "assembly/layout.ts"],
	},
	{
		name: "js/trace",
		holds: "one packet's way as hops, verdicts and reasons, and its drawings: text, diagram, pcapng",
		may: ["js/net", "js/flows", "js/wire", "bindings", "assembly/layout.ts"],
	},
	{
		name: "js/replay",
		holds: "captures and flow records through the data plane in batches, which another thread may read; the report",
		may: ["js/net", "js/flows", "js/wire", "js/trace", "bindings", "assembly/layout.ts"],
	},
	{
		name: "js/realise",
		holds: "with `js/realise.ts` part of the composition root: objects to nodes, pods, rules and routes",
		also: ["js/realise.ts"],
		may: CLUSTER,
		says: "everything above",
	},
	{
		name: "js/lab.ts",
		holds: "part of the composition root: a literal network loaded into the data plane",
		may: [...CLUSTER, "js/realise"],
		says: "everything above",
	},
	{
		name: "js/cluster.ts",
		also: ["js/cluster"],
		// package.json's names for the entry of bindings/ that finds the module on this host, and for HTTP of Node's within
		// this process, of which a browser has none.
		packages: ["#core", "#agent"],
		holds:
			"with `js/cluster/` the composition root: the only place that knows everyone; no sockets, no files: runs in a browser",
		may: [...CLUSTER, "js/realise", "js/lab.ts", "js/trace"],
		says: "everything above",
	},
	{
		name: "js/verify",
		holds: "the same cluster in Linux network namespaces",
		may: ["js/cluster.ts", "js/net", "js/wire", "js/verify/compare.ts"],
		types: ["js/api"],
		packages: ["node:"],
	},
	{
		name: "js/verify/compare.ts",
		holds: "what podwire says against what Linux did: pure",
		also: ["js/verify/difference.ts", "js/verify/matching.ts", "js/verify/renaming.ts", "js/verify/summary.ts"],
		may: ["js/net"],
	},
	{
		name: "js/serve",
		holds: "sockets: REST server, DNS over UDP and TCP, playground",
		may: [...CLUSTER, "js/realise", "js/lab.ts", "js/cluster.ts"],
		packages: ["node:", "hono", "@hono/node-server", "yaml", "@peculiar/x509", "reflect-metadata"],
		says: "`js/cluster.ts` and below",
	},
	{
		name: "js/cli",
		holds: "one file a command; `get/` is what `podwire get` prints",
		may: [
			...["js/cluster.ts", "js/serve", "js/flows", "js/verify", "js/trace", "js/replay", "js/net"],
			// How kubectl reads and compares what it prints.
			...["js/manifests/scalar.ts", "js/api/quantity.ts"],
		],
		types: ["js/api"],
		packages: ["node:", "commander", "yaml"],
	},
	{
		name: "js/index.ts",
		holds: "the public surface",
		may: ["js/cluster.ts", "js/flows", "js/manifests", "js/trace", "js/replay"],
		types: ["js/net", "js/api", "bindings"],
	},
	{ name: "web", holds: "the playground, written against the published package", may: [], packages: ["podwire"] },
	{
		name: "examples",
		holds: "programs written against the published package",
		may: [],
		packages: ["podwire", "node:", "vitest", "@kubernetes/client-node"],
	},
];

/** Folders that may import anything; listed so that the table is whole. */
export const UNBOUND = [
	{ name: "bench", holds: "figures, each beside a baseline measured in the same run" },
	{ name: "tests", holds: "units, conformance, kernel comparison, tidiness; slow obvious models in `tests/reference`" },
];

/** The room a file is in, or null for files that the table does not bind. */
export function roomOf(path: string): Room | null {
	const named = ROOMS.find(({ also }) => also?.some((name) => path === name || path.startsWith(`${name}/`)));
	if (named !== undefined) return named;
	const inside = ROOMS.filter(({ name }) => path === name || path.startsWith(`${name}/`));
	return inside.sort((a, b) => b.name.length - a.name.length)[0] ?? null;
}
