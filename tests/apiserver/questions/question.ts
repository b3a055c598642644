// Questions to an API server: scenes of requests, each in a namespace of its own. What a real one answered is in
// ../answers; `node scripts/ts.mjs tests/apiserver/record.ts` asks again.

export interface Step {
	/** `WAIT`: until the path is served. */
	method: string;
	/** `{ns}` stands for the scene's namespace. */
	url: string;
	body?: unknown;
	/** Content type; JSON where it is left out. */
	type?: string;
}

export interface Scene {
	title: string;
	steps: Step[];
}

export interface Answer {
	code: number;
	/** Normalised: see `normalised`. */
	body: unknown;
}

type Meta = { name?: string; generateName?: string; namespace?: string; [field: string]: unknown };
export type Given = { apiVersion: string; kind: string; metadata: Meta; [field: string]: unknown };

const CLUSTER_SCOPED = new Set([
	...["Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "ClusterRole", "ClusterRoleBinding"],
	...["IngressClass", "ServiceCIDR", "IPAddress", "CustomResourceDefinition", "GatewayClass", "ClusterNetworkPolicy"],
]);

function plural(kind: string): string {
	const name = kind.toLowerCase();
	if (name === "endpoints") return name;
	if (/(s|x|ch|sh)$/.test(name)) return `${name}es`;
	if (/[aeiou]y$/.test(name)) return `${name}s`;
	return name.endsWith("y") ? `${name.slice(0, -1)}ies` : `${name}s`;
}

export function collection({ apiVersion, kind }: Pick<Given, "apiVersion" | "kind">): string {
	const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
	return CLUSTER_SCOPED.has(kind) ? `${root}/${plural(kind)}` : `${root}/namespaces/{ns}/${plural(kind)}`;
}

export const item = (object: Given) => `${collection(object)}/${object.metadata.name}`;

export const create = (object: Given): Step => ({ method: "POST", url: collection(object), body: object });
export const tried = (object: Given): Step => ({ ...create(object), url: `${collection(object)}?dryRun=All` });
export const put = (object: Given): Step => ({ method: "PUT", url: item(object), body: object });
export const get = (object: Given): Step => ({ method: "GET", url: item(object) });
export const remove = (object: Given, query = "", body?: unknown): Step => ({
	method: "DELETE",
	url: item(object) + query,
	...(body === undefined ? {} : { body }),
});
export const merge = (object: Given, patch: unknown, beneath = ""): Step => ({
	method: "PATCH",
	url: item(object) + beneath,
	type: "application/merge-patch+json",
	body: patch,
});

/** One new object, that is not kept. */
export const one = (title: string, object: Given): Scene => ({ title, steps: [tried(object)] });

/** A new object, and merge patches of it one after the other. */
export const changed = (title: string, object: Given, ...patches: unknown[]): Scene => ({
	title,
	steps: [create(object), ...patches.map((patch) => merge(object, patch))],
});

/** The URL with what earlier answers told: `{rv:N}` and `{continue:N}` of answer N, counted from 1. */
export function withTold(url: string, bodies: readonly unknown[]): string {
	const told = (n: string) =>
		(bodies[Number(n) - 1] as { metadata?: { resourceVersion?: string; continue?: string } }).metadata;
	return url
		.replace(/\{rv:(\d+)\}/g, (_, n) => told(n)?.resourceVersion ?? "")
		.replace(/\{continue:(\d+)\}/g, (_, n) => told(n)?.continue ?? "");
}

type Data = Record<string, unknown>;
const isData = (value: unknown): value is Data => typeof value === "object" && value !== null && !Array.isArray(value);

/** What differs from run to run is named instead: uids, times, revisions, allocated addresses and ports, made names. */
export function normalised(value: unknown, request: string, namespace: string): unknown {
	const text = (given: string) =>
		given
			.replaceAll(namespace, "{ns}")
			.replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, (uid) =>
				request.includes(uid) ? uid : "{uid}",
			)
			.replace(/\b10\.96\.\d+\.\d+\b/g, (ip) => (request.includes(ip) || ip === "10.96.0.1" ? ip : "{IPv4}"))
			.replace(/current: \d+/, "current: {revision}")
			.replace(/in record \(\d+\)/, "in record ({revision})")
			.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => (request.includes(time) ? time : "{time}"));
	const namesManagers = /^\[\{"method":"\w+","url":"[^"]*fieldManager=/.test(request);
	const walk = (given: unknown, name: string): unknown => {
		if (name === "managedFields") return inOrder(given as Data[]);
		if (Array.isArray(given)) return given.map((member) => walk(member, name));
		if (isData(given)) {
			// Who owns what is asked where managers are named from the first step on.
			const members = Object.entries(given).filter(([key]) => key !== "managedFields" || namesManagers);
			return Object.fromEntries(members.map(([key, member]) => [text(key), walk(member, key)]));
		}
		const asked = request.includes(JSON.stringify(given));
		if (name === "resourceVersion" && !asked) return "{revision}";
		if (name === "continue") return "{continue}";
		if (/^clusterIPs?$/.test(name) && given !== "None" && !asked)
			return String(given).includes(":") ? "{IPv6}" : "{IPv4}";
		if (/^(nodePort|healthCheckNodePort)$/.test(name) && !asked) return "{port}";
		return typeof given === "string" ? text(given) : given;
	};
	return inNoOrder(established(walk(value, "")));
}

/** A definition is established a moment after it was made; here it is at once. */
function established(value: unknown): unknown {
	const { kind, status, ...rest } = value as { kind?: string; status?: unknown };
	return kind === "CustomResourceDefinition" ? { kind, ...rest } : value;
}

/** Managers without their times, which order them, in order of their names. */
function inOrder(entries: Data[]): Data[] {
	const key = ({ manager, operation, subresource = "" }: Data) => `${manager} ${operation} ${subresource}`;
	return entries.map(({ time: _, ...entry }) => entry).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Upstream walks maps in no order, and errors come as they are found; and some of them print Go's own structures. */
function inNoOrder(value: unknown): unknown {
	const { details, message, ...rest } = value as {
		details?: { causes?: { field: string; message: string }[] };
		message?: string;
	};
	if (details?.causes === undefined || message === undefined) return value;
	const seen = new Set<string>();
	const causes = details.causes
		// What two functions check is said twice.
		.filter((cause) => !seen.has(JSON.stringify(cause)) && seen.add(JSON.stringify(cause)))
		.map((cause) => ({ ...cause, message: withoutStructures(cause.message) }))
		.sort((a, b) => (`${a.field} ${a.message}` < `${b.field} ${b.message}` ? -1 : 1));
	const [said = ""] = message.split(" is invalid: ");
	return { ...rest, message: said, details: { ...details, causes } };
}

const withoutStructures = (message: string) =>
	message
		.replace(/^Invalid value: \[\{"(Name|name)".*\}\]: must have exactly/, "Invalid value: […]: must have exactly")
		.replace(/\n@@.*$/s, "")
		.replace(
			/^Invalid value: \{"(Volumes|containers)":.*\}: field is immutable$/,
			"Invalid value: {…}: field is immutable",
		);
