// A watch: what changed since a revision, as lines of JSON, one event each (k8s.io/apiserver/pkg/endpoints/handlers/watch.go,
// pkg/storage/cacher). It is drained by whoever holds the connection; nothing waits in it.

import type { KubernetesObject } from "../../api/meta.ts";
import type { Clock } from "../../ports.ts";
import type { ServedResource } from "../registry/catalogue.ts";
import { type ListOptions, type Selects, selection } from "../registry/list.ts";
import type { Registry } from "../registry/request.ts";
import { expired, type Status, StatusError } from "../status.ts";
import type { Change } from "../storage/log.ts";
import { RevisionExpired } from "../storage/storage.ts";
import type { WatchStream } from "./message.ts";

export interface WatchOptions extends ListOptions {
	/** undefined, `` and `0`: begin with what is there. */
	resourceVersion?: string;
	allowWatchBookmarks?: boolean;
	/** KEP-3157: what is there first, then a bookmark that says so. */
	sendInitialEvents?: boolean;
	/** Of the stream, by the cluster's clock; undefined: without end. */
	timeoutSeconds?: number;
}

/** How an object is shown in events: itself, its metadata, or a row of a table. */
export type Shown = (object: KubernetesObject) => unknown;

const BOOKMARK_NS = 60_000_000_000n;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

/** Throws StatusError 400 where a selector cannot be read; a revision too old is told as an event. */
export function watch(registry: Registry, resource: ServedResource, options: WatchOptions, shown: Shown): WatchStream {
	return new Watch(registry, resource, options, shown);
}

class Watch implements WatchStream {
	ended = false;
	readonly #registry: Registry;
	readonly #clock: Clock;
	readonly #resource: ServedResource;
	readonly #namespace: string | undefined;
	readonly #passes: Selects;
	readonly #shown: Shown;
	readonly #bookmarks: boolean;
	readonly #deadline: bigint | undefined;
	#initial: KubernetesObject[] | null = null;
	#announces = false;
	#revision: number;
	#bookmarked: bigint;

	constructor(registry: Registry, resource: ServedResource, options: WatchOptions, shown: Shown) {
		this.#registry = registry;
		this.#clock = registry.clock;
		this.#resource = resource;
		this.#namespace = options.namespace;
		this.#passes = selection(registry, resource, options);
		this.#shown = shown;
		this.#bookmarks = options.allowWatchBookmarks === true;
		const now = registry.clock.now();
		this.#bookmarked = now;
		if (options.timeoutSeconds !== undefined)
			this.#deadline = now + BigInt(Math.round(options.timeoutSeconds * 1000)) * 1_000_000n;
		const asked = options.resourceVersion ?? "";
		const begins = options.sendInitialEvents ?? (asked === "" || asked === "0");
		this.#revision = begins ? registry.storage.revision : Number(asked);
		if (!begins) return;
		const where = options.namespace === undefined ? {} : { namespace: options.namespace };
		this.#initial = registry.storage.list(resource.keptAs, { ...where, passes: this.#passes }).items;
		this.#announces = options.sendInitialEvents === true && this.#bookmarks;
	}

	take(): string {
		if (this.ended) return "";
		const lines: string[] = [];
		const initial = this.#initial;
		this.#initial = null;
		try {
			for (const object of initial ?? []) lines.push(line("ADDED", this.#shown(object)));
			if (initial !== null && this.#announces) lines.push(this.#bookmark(true));
			for (const change of this.#registry.storage.since(this.#revision)) {
				this.#revision = change.revision;
				const told = this.#event(change);
				if (told !== null) lines.push(told);
			}
		} catch (error) {
			if (!(error instanceof RevisionExpired || error instanceof StatusError)) throw error;
			const { status } = error instanceof StatusError ? error : expired(error.message);
			lines.push(line("ERROR", status satisfies Status));
			this.ended = true;
			return lines.join("");
		}
		const now = this.#clock.now();
		if (this.#bookmarks && now - this.#bookmarked >= BOOKMARK_NS) {
			this.#bookmarked = now;
			lines.push(this.#bookmark(false));
		}
		if (this.#deadline !== undefined && now >= this.#deadline) this.ended = true;
		return lines.join("");
	}

	// An object that begins or ceases to be selected is added or deleted to this watcher.
	#event({ type, resource, object, previous }: Change): string | null {
		if (resource !== this.#resource.keptAs) return null;
		if (this.#namespace !== undefined && (object.metadata.namespace ?? "") !== this.#namespace) return null;
		const was = previous !== undefined && this.#passes(previous);
		const is = type !== "DELETED" && this.#passes(object);
		if (is) return line(was ? "MODIFIED" : "ADDED", this.#shown(object));
		if (!was) return null;
		// As it was last, with the revision at which it went.
		const { resourceVersion } = object.metadata;
		const gone = { ...(previous as KubernetesObject), metadata: { ...previous?.metadata, resourceVersion } };
		return line("DELETED", this.#shown(gone as KubernetesObject));
	}

	#bookmark(ends: boolean): string {
		const metadata = {
			resourceVersion: String(this.#revision),
			creationTimestamp: null,
			...(ends ? { annotations: { [INITIAL_EVENTS_END]: "true" } } : {}),
		};
		return line("BOOKMARK", { kind: this.#resource.kind, apiVersion: this.#resource.apiVersion, metadata });
	}
}

function line(type: string, object: unknown): string {
	return `${JSON.stringify({ type, object })}\n`;
}
