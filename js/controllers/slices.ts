// Which EndpointSlices of a Service to make, change and delete so that they hold the endpoints that are wanted (staging/
// endpointslice reconciler.go): what is placed stays where it is, changed slices are filled first, then the fullest unchanged one
// that takes the rest, then new ones. Nothing is ever moved to even slices out.

import type { Endpoint, EndpointPort, EndpointSlice } from "../api/discovery.ts";
import { canonicalJson, semanticEqual, semanticEqualBut } from "../api/equality.ts";

export const ENDPOINTS_MAX = 100;

/** Endpoints that have one set of ports. */
export interface EndpointGroup {
	ports: EndpointPort[];
	endpoints: Endpoint[];
}

export interface SliceChanges {
	create: EndpointGroup[];
	update: EndpointSlice[];
	delete: EndpointSlice[];
}

/** A slice with its endpoints and, as they are to be, its labels. */
type Draft = EndpointSlice & { endpoints: Endpoint[] };

/** Which port set a group is of, whatever the order. */
export const portsKey = (ports: readonly EndpointPort[] | null | undefined): string =>
	(ports ?? []).map(canonicalJson).sort().join();

/** Whether two endpoints are one (endpointHash): the same addresses of the same object. */
const identityOf = ({ addresses, hostname = "", targetRef }: Endpoint): string => {
	const { namespace = "", name = "" } = targetRef ?? {};
	const all = addresses.length === 1 ? addresses[0] : [...addresses].sort().join();
	// Addresses and host names have no spaces; what a client refers to is any text.
	return `${all} ${hostname} ${namespace.length} ${namespace}/${name}`;
};

/**
 * Hints are no part of an endpoint here: whoever gives them looks at what comes of this. `existing`: of one address type, owned by the Service. `labels`: as slices carry them. A Service without any endpoint keeps one
 * empty slice.
 */
export function reconcileSlices(
	existing: readonly EndpointSlice[],
	wanted: readonly EndpointGroup[],
	labels: Readonly<Record<string, string>>,
): SliceChanges {
	const changes: SliceChanges = { create: [], update: [], delete: [] };
	const byPorts = new Map<string, EndpointSlice[]>();
	for (const slice of existing) {
		const key = portsKey(slice.ports);
		byPorts.set(key, [...(byPorts.get(key) ?? []), slice]);
	}
	for (const group of wanted) {
		const key = portsKey(group.ports);
		reconcileGroup(byPorts.get(key) ?? [], group, labels, changes);
		byPorts.delete(key);
	}
	for (const slices of byPorts.values()) changes.delete.push(...slices);
	if (existing.length === changes.delete.length && changes.create.length === 0) placeholder(labels, changes);
	return reuse(changes, labels);
}

function reconcileGroup(
	existing: readonly EndpointSlice[],
	{ ports, endpoints }: EndpointGroup,
	labels: Readonly<Record<string, string>>,
	changes: SliceChanges,
): void {
	const desired = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
	const changed: Draft[] = [];
	const unchanged: EndpointSlice[] = [];
	for (const slice of existing) {
		const before = slice.endpoints ?? [];
		const kept = before.flatMap((endpoint) => {
			const identity = identityOf(endpoint);
			const found = desired.get(identity);
			desired.delete(identity);
			return found === undefined ? [] : [found];
		});
		const isOther = (endpoint: Endpoint, i: number) => !semanticEqualBut(endpoint, before[i] as Endpoint, "hints");
		const isChanged = kept.length !== before.length || kept.some(isOther);
		if (isChanged && kept.length === 0) changes.delete.push(slice);
		else if (isChanged || !semanticEqual(slice.metadata.labels, labels)) changed.push(draft(slice, kept, labels));
		else unchanged.push(slice);
	}
	const rest = [...desired.values()];
	// The fullest first.
	for (const slice of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length))
		slice.endpoints.push(...rest.splice(0, ENDPOINTS_MAX - slice.endpoints.length));
	while (rest.length > 0) {
		const fitting = rest.length < ENDPOINTS_MAX ? fullest(unchanged, rest.length) : undefined;
		if (fitting === undefined) {
			changes.create.push({ ports, endpoints: rest.splice(0, ENDPOINTS_MAX) });
			continue;
		}
		unchanged.splice(unchanged.indexOf(fitting), 1);
		changed.push(draft(fitting, [...(fitting.endpoints ?? []), ...rest.splice(0)], labels));
	}
	changes.update.push(...changed);
}

/** getSliceToFill: the fullest one that has room for all of them. */
function fullest(slices: readonly EndpointSlice[], count: number): EndpointSlice | undefined {
	let found: EndpointSlice | undefined;
	for (const slice of slices) {
		const length = slice.endpoints?.length ?? 0;
		if (length + count <= ENDPOINTS_MAX && length > (found?.endpoints?.length ?? -1)) found = slice;
	}
	return found;
}

const draft = (slice: EndpointSlice, endpoints: Endpoint[], labels: Readonly<Record<string, string>>): Draft => ({
	...slice,
	metadata: { ...slice.metadata, labels: { ...labels } },
	endpoints,
});

/** One empty slice stays, or comes. */
function placeholder(labels: Readonly<Record<string, string>>, changes: SliceChanges): void {
	const [only, ...others] = changes.delete;
	const isOne =
		only !== undefined &&
		others.length === 0 &&
		(only.endpoints ?? []).length === 0 &&
		(only.ports ?? []).length === 0 &&
		semanticEqual(only.metadata.labels, labels);
	if (isOne) changes.delete = [];
	else changes.create.push({ ports: [], endpoints: [] });
}

/** What would be deleted becomes what would be made. */
function reuse(changes: SliceChanges, labels: Readonly<Record<string, string>>): SliceChanges {
	while (changes.delete.length > 0 && changes.create.length > 0) {
		const slice = changes.delete.shift() as EndpointSlice;
		const { ports, endpoints } = changes.create.pop() as EndpointGroup;
		changes.update.push({ ...draft(slice, endpoints, labels), ports });
	}
	return changes;
}
