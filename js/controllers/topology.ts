// service.kubernetes.io/topology-mode: Auto (staging/endpointslice/topologycache, KEP-2433): each zone gets endpoints in proportion to
// the CPUs of its nodes, its own ones first, unless an endpoint would get a fifth too much. Where upstream walks maps in no
// order, zones go by their names.

import type { Node, Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { ZONE } from "../api/labels.ts";
import { parseQuantity } from "../api/quantity.ts";
import { isReadyEndpoint, rehinted, type SliceSet, withHints, withoutHints } from "./hints.ts";

const OVERLOAD = 0.2;
const CONTROL_PLANE = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
const MODES = ["service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"];

/** By zone, its part of all CPUs. */
export type ZoneShares = ReadonlyMap<string, number>;

/** hintsEnabled: of two annotations the old one counts. */
export function isTopologyAuto({ metadata }: Service): boolean {
	const values = MODES.map((name) => metadata.annotations?.[name]);
	const mode = values.find((value) => value !== undefined);
	return mode === "Auto" || mode === "auto";
}

/** null where a node says too little of itself, or there is but one zone (SetNodes). */
export function zoneShares(nodes: readonly Node[]): ZoneShares | null {
	const cpus = new Map<string, number>();
	let total = 0;
	for (const { metadata, status } of nodes) {
		const labels = metadata.labels ?? {};
		const ready = status?.conditions?.find(({ type }) => type === "Ready");
		if (CONTROL_PLANE.some((label) => label in labels) || ready?.status !== "True") continue;
		const cpu = parseQuantity(status?.allocatable?.cpu) ?? 0;
		const zone = labels[ZONE] ?? "";
		if (zone === "" || cpu === 0) return null;
		cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
		total += cpu;
	}
	if (cpus.size < 2) return null;
	return new Map([...cpus].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

interface Allocation {
	minimum: number;
	maximum: number;
	desired: number;
}

/** By zone, how many endpoints it is to have; a text is why there are too few of something (getAllocations). */
function allocationsOf(shares: ZoneShares | null, count: number): Map<string, Allocation> | string {
	if (shares === null)
		return "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
	const counts = `(${count} endpoints, ${shares.size} zones)`;
	if (shares.size > count) return `Insufficient number of endpoints ${counts}`;
	const least = new Map([...shares].map(([zone, share]) => [zone, Math.ceil(share * count * (1 / (1 + OVERLOAD)))]));
	const left = count - [...least.values()].reduce((sum, minimum) => sum + minimum, 0);
	if (left < 0)
		return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counts}`;
	return new Map(
		[...least].map(([zone, minimum]) => {
			const desired = Math.max((shares.get(zone) ?? 0) * count, minimum);
			return [zone, { minimum, maximum: minimum + left, desired }];
		}),
	);
}

type Counts = Map<string, number>;

const add = (counts: Counts, zone: string, count = 1) => counts.set(zone, (counts.get(zone) ?? 0) + count);

export interface TopologyEvent {
	type: "Normal" | "Warning";
	reason: "TopologyAwareHintsEnabled" | "TopologyAwareHintsDisabled";
	message: string;
}

const event = (isOn: boolean, message: string, family: string): TopologyEvent => ({
	type: isOn ? "Normal" : "Warning",
	reason: isOn ? "TopologyAwareHintsEnabled" : "TopologyAwareHintsDisabled",
	message: `${message}, addressType: ${family}`,
});

export interface TopologyHintsState {
	enabled: Set<string>;
	byZone: Map<string, ReadonlyMap<string, ReadonlyMap<string, number>>>;
}

/** What is remembered between looks: who has hints, and how many of them a zone has. */
export class TopologyHints {
	readonly #enabled: Set<string>;
	/** By Service and family. */
	readonly #byZone: TopologyHintsState["byZone"];

	constructor({ enabled, byZone }: TopologyHintsState = { enabled: new Set(), byZone: new Map() }) {
		this.#enabled = enabled;
		this.#byZone = byZone;
	}

	get state(): TopologyHintsState {
		return { enabled: new Set(this.#enabled), byZone: new Map(this.#byZone) };
	}

	get isUsed(): boolean {
		return this.#byZone.size > 0;
	}

	/** Of a Service that is gone. */
	forget(key: string): void {
		this.#byZone.delete(key);
		this.#enabled.delete(key);
	}

	/** AddHints. `key`: the Service's. */
	add(
		key: string,
		family: string,
		slices: SliceSet,
		shares: ZoneShares | null,
	): { slices: SliceSet; event?: TopologyEvent } {
		const refuse = (message: string) => {
			this.remove(key, family);
			return { slices: withoutHints(slices), event: event(false, message, family) };
		};
		const all = [...slices.create, ...slices.update, ...slices.unchanged].flatMap(({ endpoints }) => endpoints ?? []);
		const allocations = allocationsOf(shares, all.filter(isReadyEndpoint).length);
		if (typeof allocations === "string") return refuse(allocations);
		const kept = keptHints(slices.unchanged, allocations);
		const written = rehinted(
			slices,
			(slice) => !kept.slices.includes(slice),
			(endpoint) =>
				isReadyEndpoint(endpoint)
					? withHints(endpoint, endpoint.zone ? { forZones: [{ name: endpoint.zone }] } : undefined)
					: endpoint,
		);
		const endpoints = [...written.create, ...written.update].flatMap((slice) => slice.endpoints ?? []);
		if (endpoints.some((endpoint) => isReadyEndpoint(endpoint) && !endpoint.zone))
			return refuse("One or more endpoints do not have a zone specified");
		for (const { zone = "" } of endpoints.filter(isReadyEndpoint)) add(kept.counts, zone);
		const transfers = transfersOf(allocations, kept.counts);
		const moved = redistributed(written, transfers, kept.counts);
		if (kept.counts.size === 0) return refuse("No hints allocated for zones");
		const wasOn = this.#enabled.has(key);
		this.#enabled.add(key);
		this.#byZone.set(key, new Map([...(this.#byZone.get(key) ?? []), [family, kept.counts]]));
		return wasOn
			? { slices: moved }
			: { slices: moved, event: event(true, "Topology Aware Hints has been enabled", family) };
	}

	/** Where nothing asks for hints by topology any more. */
	drop(key: string, family: string): TopologyEvent | undefined {
		const wasOn = this.#enabled.has(key);
		this.remove(key, family);
		return wasOn ? event(false, "Topology Aware Hints has been disabled", family) : undefined;
	}

	remove(key: string, family: string): void {
		const { [family]: _, ...left } = Object.fromEntries(this.#byZone.get(key) ?? []);
		if (Object.keys(left).length === 0) this.#byZone.delete(key);
		else this.#byZone.set(key, new Map(Object.entries(left)));
		this.#enabled.delete(key);
	}

	/** Services of which a zone has too few endpoints by now (GetOverloadedServices). */
	overloaded(shares: ZoneShares | null): string[] {
		return [...this.#byZone].flatMap(([key, families]) =>
			[...families.values()].some((counts) => isOverloaded(counts, shares)) ? [key] : [],
		);
	}
}

function isOverloaded(counts: ReadonlyMap<string, number>, shares: ZoneShares | null): boolean {
	if (counts.size === 0) return false;
	if (shares === null) return true;
	const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
	return [...shares].some(
		([zone, share]) => (counts.get(zone) ?? -1) < Math.ceil(total * share * (1 / (1 + OVERLOAD))),
	);
}

/** Unchanged slices whose hints still will do, and how many those give each zone (getHintsByZone). */
function keptHints(
	unchanged: readonly EndpointSlice[],
	allocations: ReadonlyMap<string, Allocation>,
): { slices: EndpointSlice[]; counts: Counts } {
	const counts: Counts = new Map();
	const slices = unchanged.filter(({ endpoints }) => {
		const own: Counts = new Map();
		for (const { hints } of (endpoints ?? []).filter(isReadyEndpoint)) {
			if (!hints?.forZones?.length) return false;
			for (const { name } of hints.forZones) add(own, name);
		}
		for (const [zone, count] of own)
			if (count + (counts.get(zone) ?? 0) > (allocations.get(zone)?.maximum ?? -1)) return false;
		for (const [zone, count] of own) add(counts, zone, count);
		return true;
	});
	return { slices, counts };
}

/** How many endpoints zones are to give, and to receive (getGivingAndReceivingZones). */
function transfersOf(
	allocations: ReadonlyMap<string, Allocation>,
	counts: ReadonlyMap<string, number>,
): { giving: Counts; receiving: Counts } {
	const surplus: Counts = new Map();
	const want: Counts = new Map();
	for (const [zone, { desired }] of allocations) {
		const has = counts.get(zone) ?? 0;
		if (has > desired) surplus.set(zone, has - desired);
		if (has < desired) want.set(zone, desired - has);
	}
	const giving: Counts = new Map();
	const receiving: Counts = new Map();
	for (;;) {
		const [from, give] = most(surplus);
		const [to, take] = most(want);
		if (from === "" || to === "" || (give < 1 && take < 1) || give < 0.5 || take < 0.5) return { giving, receiving };
		add(giving, from);
		add(surplus, from, -1);
		add(receiving, to);
		add(want, to, -1);
	}
}

function most(counts: Counts): [zone: string, count: number] {
	return [...counts].reduce<[string, number]>((best, one) => (one[1] > best[1] ? one : best), ["", 0]);
}

/** Endpoints of zones that have too many are hinted to those that have too few (redistributeHints); `counts` follows. */
function redistributed(
	slices: SliceSet,
	{ giving, receiving }: ReturnType<typeof transfersOf>,
	counts: Counts,
): SliceSet {
	const take = (from: Counts, zone: string) => {
		const left = (from.get(zone) ?? 0) - 1;
		if (left > 0) from.set(zone, left);
		else from.delete(zone);
	};
	return rehinted(
		slices,
		() => false,
		(endpoint) => {
			const { zone = "" } = endpoint;
			const [to] = receiving.keys();
			if (!isReadyEndpoint(endpoint) || to === undefined || !giving.has(zone)) return endpoint;
			take(giving, zone);
			take(receiving, to);
			add(counts, zone, -1);
			add(counts, to);
			return withHints(endpoint, { forZones: [{ name: to }] });
		},
	);
}
