// Which endpoints kube-proxies of a zone or a node are to prefer, where a Service's trafficDistribution asks for the near ones
// (staging/endpointslice/trafficdist), and hints taken back where nothing asks for any.

import type { Endpoint, EndpointSlice } from "../api/discovery.ts";
import { semanticEqual } from "../api/equality.ts";
import type { EndpointGroup } from "./slices.ts";

type Hints = NonNullable<Endpoint["hints"]>;

/** Slices of one family: those that are about to be written, and those that stay as they are. */
export interface SliceSet {
	create: EndpointGroup[];
	update: EndpointSlice[];
	unchanged: EndpointSlice[];
}

export const isReadyEndpoint = ({ conditions }: Endpoint) => conditions?.ready === true;

export const withHints = (endpoint: Endpoint, hints: Hints | undefined): Endpoint => {
	const { hints: _, ...rest } = endpoint;
	return hints === undefined ? rest : { ...rest, hints };
};

/** With another version of their endpoints: of all that are written, and of what stays the ones for which `isWrong` says so. */
export function rehinted(
	{ create, update, unchanged }: SliceSet,
	isWrong: (slice: EndpointSlice) => boolean,
	hinted: (endpoint: Endpoint) => Endpoint,
): SliceSet {
	const again = <T extends { endpoints: Endpoint[] | null }>(slice: T): T => ({
		...slice,
		endpoints: (slice.endpoints ?? []).map(hinted),
	});
	const wrong = unchanged.filter(isWrong);
	return {
		create: create.map(again),
		update: [...update, ...wrong].map(again),
		unchanged: unchanged.filter((slice) => !wrong.includes(slice)),
	};
}

const endpointsOf = ({ endpoints }: EndpointSlice) => endpoints ?? [];

export function withoutHints(slices: SliceSet): SliceSet {
	const isHinted = (slice: EndpointSlice) => endpointsOf(slice).some(({ hints }) => hints !== undefined);
	return rehinted(slices, isHinted, (endpoint) => withHints(endpoint, undefined));
}

/** `PreferClose`, `PreferSameZone`, `PreferSameNode`; anything else asks for nothing. */
export function prefersNear(distribution: string | undefined): boolean {
	return ["PreferClose", "PreferSameZone", "PreferSameNode"].includes(distribution ?? "");
}

/** Ready endpoints name their own zone, with PreferSameNode also their node (KEP-3015). */
export function nearHints(slices: SliceSet, distribution: string): SliceSet {
	const wanted = ({ zone, nodeName }: Endpoint): Hints | undefined => {
		const forZones = zone ? { forZones: [{ name: zone }] } : {};
		const forNodes = distribution === "PreferSameNode" && nodeName ? { forNodes: [{ name: nodeName }] } : {};
		const hints = { ...forZones, ...forNodes };
		return Object.keys(hints).length > 0 ? hints : undefined;
	};
	const isWrong = (slice: EndpointSlice) =>
		endpointsOf(slice).some(
			(endpoint) => isReadyEndpoint(endpoint) && !semanticEqual(endpoint.hints, wanted(endpoint)),
		);
	return rehinted(slices, isWrong, (endpoint) =>
		isReadyEndpoint(endpoint) ? withHints(endpoint, wanted(endpoint)) : endpoint,
	);
}
