// A cluster's components at work while traffic is replayed: the recording's time is theirs.

import { loadManifests } from "../../manifests/load.ts";
import type { NetworkChange } from "../../net/change.ts";
import type { Acting } from "../../replay/events.ts";
import type { Wire } from "../../wire/wire.ts";
import type { ApiServer } from "../apiserver.ts";
import { InputErrors } from "../errors.ts";

export class ActingCluster implements Acting {
	readonly #server: ApiServer;
	readonly #wire: Wire;
	readonly #namespace: string;
	readonly #follow: () => NetworkChange | null;
	readonly #edited: () => void;

	/**
	 * `wire`: whose time the server's follows. `follow`: has the network follow what components have done;
	 * `edited`: has components know that rules of nodes were changed.
	 */
	constructor(
		server: ApiServer,
		wire: Wire,
		namespace: string,
		{ follow, edited }: { follow: () => NetworkChange | null; edited: () => void },
	) {
		this.#server = server;
		this.#wire = wire;
		this.#namespace = namespace;
		this.#follow = follow;
		this.#edited = edited;
	}

	get dueNs(): bigint | null {
		return this.#server.due;
	}

	act(): NetworkChange | null {
		this.#moveTo(this.#server.due ?? 0n);
		this.#server.advance(0);
		return this.#follow();
	}

	apply(timeNs: bigint, name: string, text: string): void {
		this.#moveTo(timeNs);
		const { objects, errors } = loadManifests([{ name, text }], { namespace: this.#namespace });
		if (errors.length > 0) throw new InputErrors(errors);
		this.#server.write(objects);
	}

	delete(timeNs: bigint, { kind, namespace, name }: Parameters<Acting["delete"]>[1]): void {
		this.#moveTo(timeNs);
		this.#server.delete(kind, namespace ?? this.#namespace, name);
	}

	edited(timeNs: bigint): void {
		this.#moveTo(timeNs);
		this.#edited();
	}

	#moveTo(ns: bigint): void {
		if (ns > this.#wire.now) this.#wire.now = ns;
		// Where the cluster has a clock of its own, that knows nothing of the recording's time.
		this.#server.moveTo(ns);
	}
}
