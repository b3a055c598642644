// What `get` is asked for: `pods`, `deploy/web svc/web`, `deployments.v1.apps web`, `all`, by the names that discovery gives
// (k8s.io/cli-runtime/pkg/resource/builder.go, client-go/restmapper).

import { nearestWord } from "../../net/error.ts";
import { UsageError } from "../status.ts";
import type { Api } from "./asking.ts";

/** A kind of objects as discovery has it. */
export interface Resource {
	group: string;
	version: string;
	kind: string;
	plural: string;
	namespaced: boolean;
}

export interface Target {
	resource: Resource;
	/** null: all that are selected. */
	name: string | null;
}

interface Known extends Resource {
	names: string[];
	categories: string[];
}

interface Discovery {
	items: {
		metadata: { name?: string };
		versions: {
			version: string;
			resources: {
				resource: string;
				responseKind: { kind: string };
				scope: "Namespaced" | "Cluster";
				singularResource: string;
				verbs: string[];
				shortNames?: string[];
				categories?: string[];
			}[];
		}[];
	}[];
}

/** Everything that can be listed, in discovery's order. */
async function known(api: Api): Promise<Known[]> {
	const accept = "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io";
	const requests = ["/api", "/apis"].map((url) =>
		api.respond({ method: "GET", url, headers: { accept }, body: new Uint8Array() }),
	);
	return (await Promise.all(requests)).flatMap(({ body }) => {
		const { items } = JSON.parse(new TextDecoder().decode(body as Uint8Array)) as Discovery;
		return items.flatMap(({ metadata: { name: group = "" }, versions }) =>
			versions.flatMap(({ version, resources }) =>
				resources
					.filter(({ verbs }) => verbs.includes("list"))
					.map(({ resource, responseKind: { kind }, scope, singularResource, shortNames = [], categories = [] }) => ({
						...{ group, version, kind, plural: resource, namespaced: scope === "Namespaced", categories },
						names: [resource, singularResource, ...shortNames],
					})),
			),
		);
	});
}

class Names {
	readonly #all: Known[];

	constructor(all: Known[]) {
		this.#all = all;
	}

	/** Of a word without a comma: one resource, or those of a category. Throws UsageError. */
	resources(word: string): Resource[] {
		const found = this.#named(word.toLowerCase());
		if (found !== undefined) return [found];
		// Of a kind in several versions the first is the one that clients prefer.
		const members = this.#all.filter(({ categories }) => categories.includes(word));
		const preferred = members.filter(
			(one, i) => members.findIndex(({ plural, group }) => plural === one.plural && group === one.group) === i,
		);
		if (preferred.length > 0) return preferred;
		const nearest = nearestWord(
			word,
			this.#all.flatMap(({ names }) => names),
		);
		const hint = nearest === null ? "" : `; did you mean ${nearest}?`;
		const [type] = word.split(".");
		throw new UsageError(`the server doesn't have a resource type ${JSON.stringify(type)}${hint}`);
	}

	#named(word: string): Resource | undefined {
		const [name = "", ...rest] = word.split(".");
		const qualifier = rest.join(".");
		return this.#all.find(
			({ names, group, version }) =>
				names.includes(name) &&
				(qualifier === "" ||
					[group, `${version}.${group}`, version].includes(qualifier) ||
					group.startsWith(`${qualifier}.`)),
		);
	}
}

/** Throws UsageError. */
export async function targetsOf(api: Api, words: readonly string[]): Promise<Target[]> {
	const names = new Names(await known(api));
	if (words.some((word) => word.includes("/"))) {
		return words.map((word) => {
			const [type = "", name = "", ...more] = word.split("/");
			if (type === "" || name === "" || more.length > 0)
				throw new UsageError(
					`arguments in resource/name form must have a single resource and name, got ${JSON.stringify(word)}`,
				);
			const [resource] = names.resources(type);
			return { resource: resource as Resource, name };
		});
	}
	const [types = "", ...given] = words;
	const resources = types.split(",").flatMap((type) => names.resources(type));
	if (given.length === 0) return resources.map((resource) => ({ resource, name: null }));
	return resources.flatMap((resource) => given.map((name) => ({ resource, name })));
}
