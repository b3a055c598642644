// What is served, as clients ask for it: group by group (meta/v1 APIGroupList, APIResourceList), or all at once
// (apidiscovery.k8s.io/v2, KEP-3352).

import { apiVersionOf, type Catalogue, type ServedResource } from "../registry/catalogue.ts";
import type { MediaType } from "./accept.ts";
import { type ApiResponse, json } from "./message.ts";

interface GroupVersion {
	group: string;
	version: string;
	resources: ServedResource[];
}

function groupVersions(catalogue: Catalogue): GroupVersion[] {
	const found = new Map<string, GroupVersion>();
	for (const resource of catalogue.resources) {
		const { group, version, apiVersion } = resource;
		const known = found.get(apiVersion) ?? { group, version, resources: [] };
		known.resources.push(resource);
		found.set(apiVersion, known);
	}
	return [...found.values()];
}

/** Newest first, as clients prefer them. */
function byGroup(catalogue: Catalogue): Map<string, GroupVersion[]> {
	const groups = new Map<string, GroupVersion[]>();
	for (const each of groupVersions(catalogue)) {
		if (each.group === "") continue;
		groups.set(
			each.group,
			[...(groups.get(each.group) ?? []), each].sort((a, b) => (a.version < b.version ? 1 : -1)),
		);
	}
	return groups;
}

/** `/api`, `/apis`, `/api/v1`, `/apis/GROUP`, `/apis/GROUP/VERSION`; undefined for any other path. */
export function discovery(
	catalogue: Catalogue,
	pathname: string,
	accept: readonly MediaType[],
): ApiResponse | undefined {
	const parts = pathname.split("/").filter((part) => part !== "");
	if (parts[0] !== "api" && parts[0] !== "apis") return undefined;
	const core = parts[0] === "api";
	const [group = "", version] = core ? ["", parts[1]] : parts.slice(1);
	if (parts.length === 1) {
		const all = accept.find(({ parameters }) => parameters.as === "APIGroupDiscoveryList");
		if (all !== undefined) return aggregated(catalogue, core, all.parameters.v ?? "v2");
		return json(200, core ? versions() : groups(catalogue));
	}
	if (parts.length > (core ? 2 : 3)) return undefined;
	if (version === undefined) {
		const known = byGroup(catalogue).get(group);
		return known === undefined
			? undefined
			: json(200, { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group, known) });
	}
	const known = groupVersions(catalogue).find((each) => each.group === group && each.version === version);
	return known === undefined ? undefined : json(200, resourceList(known));
}

function versions(): object {
	return {
		kind: "APIVersions",
		versions: ["v1"],
		serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: "" }],
	};
}

function groups(catalogue: Catalogue): object {
	const list = [...byGroup(catalogue)].map(([name, known]) => groupEntry(name, known));
	return { kind: "APIGroupList", apiVersion: "v1", groups: list };
}

function groupEntry(name: string, known: readonly GroupVersion[]): object {
	const versions = known.map(({ group, version }) => ({ groupVersion: apiVersionOf({ group, version }), version }));
	return { name, versions, preferredVersion: versions[0] };
}

function resourceList({ group, version, resources }: GroupVersion): object {
	const entries = resources.flatMap((resource) => [
		{
			name: resource.plural,
			singularName: resource.singular,
			namespaced: resource.namespaced,
			kind: resource.kind,
			verbs: resource.verbs,
			...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
			...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
		},
		...Object.entries(resource.subresources).map(([name, { group, version, kind, verbs }]) => ({
			name: `${resource.plural}/${name}`,
			singularName: "",
			namespaced: resource.namespaced,
			...(group === resource.group && version === resource.version ? {} : { group, version }),
			kind,
			verbs,
		})),
	]);
	return {
		kind: "APIResourceList",
		apiVersion: "v1",
		groupVersion: apiVersionOf({ group, version }),
		resources: entries,
	};
}

function aggregated(catalogue: Catalogue, core: boolean, version: string): ApiResponse {
	const items = core
		? [
				discoveryItem(
					"",
					groupVersions(catalogue).filter(({ group }) => group === ""),
				),
			]
		: [...byGroup(catalogue)].map(([name, known]) => discoveryItem(name, known));
	const list = { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
	return json(200, list, {
		"content-type": `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
	});
}

function discoveryItem(name: string, known: readonly GroupVersion[]): object {
	return {
		metadata: { name: name === "" ? undefined : name, creationTimestamp: null },
		versions: known.map(({ version, resources }) => ({
			version,
			resources: resources.map(discoveryResource),
			freshness: "Current",
		})),
	};
}

function discoveryResource(resource: ServedResource): object {
	const { group, version, kind } = resource;
	const subresources = Object.entries(resource.subresources).map(([subresource, { verbs, ...responseKind }]) => ({
		subresource,
		responseKind,
		verbs,
	}));
	return {
		resource: resource.plural,
		responseKind: { group, version, kind },
		scope: resource.namespaced ? "Namespaced" : "Cluster",
		singularResource: resource.singular,
		verbs: resource.verbs,
		...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
		...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
		...(subresources.length > 0 ? { subresources } : {}),
	};
}
