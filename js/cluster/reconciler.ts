// The network of a cluster brought up to what its objects are: when somebody asks, when a probe does, and while traffic is replayed.

import { AddressError } from "../kube-proxy/addresses.ts";
import { joined, type NetworkChange } from "../net/change.ts";
import type { Wire } from "../wire/wire.ts";
import type { ApiServer } from "./apiserver.ts";
import type { DataPlane } from "./dataplane.ts";
import { InputErrors, NotModelledError } from "./errors.ts";
import { ActingCluster } from "./live/acting.ts";
import { connectionsOfProbes } from "./nodewire.ts";
import type { Planned, Reality } from "./reality.ts";

export interface ReconcilerOptions {
	/** Probes cross the network. */
	probed: boolean;
	/** null: nobody has asked the API anything yet. */
	server: () => ApiServer | null;
}

export class Reconciler {
	readonly #reality: Reality;
	readonly #plane: DataPlane;
	readonly #options: ReconcilerOptions;
	/** Up to which revision of the API its components have acted. */
	acted = 0;
	/** What probes found different in the network while traffic is replayed; null: none is. */
	#found: NetworkChange[] | null = null;

	constructor(reality: Reality, plane: DataPlane, options: ReconcilerOptions) {
		this.#reality = reality;
		this.#plane = plane;
		this.#options = options;
	}

	get #server(): ApiServer | null {
		return this.#options.server();
	}

	/** `anew`: a fresh engine may take the place of one that is too small. Returns what was different in the one that stays. */
	take({ plan, followed, keep, objects }: Planned, anew = true): NetworkChange | null {
		try {
			const change = followed && this.#plane.follow(plan, followed);
			if (change === null && followed !== null && !anew)
				throw new NotModelledError(
					"a cluster that outgrows its engine while traffic is replayed",
					"give it `capacities`",
				);
			if (change === null) {
				if (this.#options.probed) this.#plane.makeRoom(connectionsOfProbes(objects()));
				this.#plane.open(plan, { now: this.#server?.now });
			}
			keep();
			return change;
		} catch (error) {
			this.#reality.forget();
			throw error;
		}
	}

	/** Agents go on from rules that somebody else has changed, and see in time that they are others. */
	adoptEdits(): void {
		const server = this.#server;
		if (server === null) return;
		const edited = this.#plane.takeEdits();
		if (edited.size > 0) this.#reality.edit(server, edited);
	}

	/** Takes over what components have done, where clients have written nothing since. Throws as `settle` does. */
	follow(): void {
		const server = this.#server;
		if (!server?.changed || server.revision !== this.acted || this.#reality.isWaiting) return;
		this.adoptEdits();
		this.take(this.#reality.plan(server, this.#plane.netnsOf));
	}

	/** The network as it is when a probe is asked; the time, ns. null: there is none, or objects are such that there can be none. */
	followProbe(): bigint | null {
		const server = this.#server;
		if (server === null || !this.#reality.started) return null;
		this.adoptEdits();
		try {
			const change = server.changed
				? this.take(this.#reality.plan(server, this.#plane.netnsOf), this.#found === null)
				: null;
			if (change !== null) this.#found?.push(change);
			return server.now;
		} catch (error) {
			// Who asks the cluster next hears of it.
			if (error instanceof InputErrors || error instanceof AddressError) return null;
			throw error;
		}
	}

	/** Traffic is replayed while components act, until `rest`. */
	acting(server: ApiServer, wire: Wire, namespace: string): ActingCluster {
		this.#found = [];
		const follow = () => {
			this.acted = server.revision;
			const last = server.changed ? this.take(this.#reality.plan(server, this.#plane.netnsOf), false) : null;
			const changes = [...(this.#found ?? []), ...(last === null ? [] : [last])];
			this.#found = [];
			return changes.length === 0 ? null : joined(changes);
		};
		return new ActingCluster(server, wire, namespace, { follow, edited: () => this.adoptEdits() });
	}

	/** No traffic is replayed any more. */
	rest(): void {
		this.#found = null;
	}
}
