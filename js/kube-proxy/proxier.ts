// kube-proxy in time: when a changed Service, or its endpoints, are in the nodes' rules. A sync takes everything that is known by then,
// and there is none before so long after the last one. All nodes' proxies hear of a change at once here, so they sync at once;
// what each of them writes is `syncProxyRules`'s.
// Upstream: pkg/proxy/runner/bounded_frequency_runner.go, pkg/proxy/iptables/proxier.go.

import type { Service } from "../api/core.ts";
import type { EndpointSlice } from "../api/discovery.ts";
import { byLabel, labelIn } from "../api/indexes.ts";
import { keyOf } from "../api/key.ts";
import { SERVICE_NAME } from "../api/labels.ts";
import type { Component, Later, StoreChange, World } from "../ports.ts";
import { serviceOfSlice } from "./endpointsmap.ts";
import type { ChangedService, ChangedServices } from "./partial.ts";

const MS = 1_000_000n;
const SLICES = byLabel("endpointslices.discovery.k8s.io");

interface KubeProxiesState {
	/** ns; of the last sync. */
	syncedAt: bigint | null;
	/** Services that syncs have taken and nobody has asked for. */
	synced: Map<string, ChangedService>;
}

export class KubeProxies implements Component {
	readonly name = "kube-proxy";
	readonly watches = {
		services: ({ object }: StoreChange) => [keyOf(object)],
		"endpointslices.discovery.k8s.io": ({ object, previous }: StoreChange) =>
			[object, previous].flatMap((slice) => (slice && serviceOfSlice(slice as EndpointSlice)) ?? []),
	};
	readonly #minSyncPeriodMs: number;
	/** ns; of the last sync. */
	#syncedAt: bigint | null = null;
	#synced = new Map<string, ChangedService>();

	/** `minSyncPeriodMs`: of `iptables.minSyncPeriod`, default a second. */
	constructor(minSyncPeriodMs: number) {
		this.#minSyncPeriodMs = minSyncPeriodMs;
	}

	/** Services that syncs have taken since this was asked last, as they were then. */
	take(): ChangedServices {
		const synced = this.#synced;
		this.#synced = new Map();
		return synced;
	}

	/** Whether there are any. */
	get hasSynced(): boolean {
		return this.#synced.size > 0;
	}

	/** `key`: `namespace/name` of a Service. */
	reconcile(key: string, { store, clock }: World): Later | undefined {
		const now = clock.now();
		const next = this.#syncedAt === null ? now : this.#syncedAt + BigInt(Math.round(this.#minSyncPeriodMs)) * MS;
		if (this.#syncedAt !== now && now < next) return { progressMs: Number(next - now) / 1e6 };
		this.#syncedAt = now;
		const [namespace = "", name = ""] = key.split("/");
		const service = store.get<Service>("services", namespace, name) ?? null;
		const slices = store.indexed(SLICES, labelIn(namespace, SERVICE_NAME, name)) as readonly EndpointSlice[];
		this.#synced.set(key, { service, slices });
		return undefined;
	}

	get state(): KubeProxiesState {
		return { syncedAt: this.#syncedAt, synced: new Map(this.#synced) };
	}

	of({ syncedAt, synced }: KubeProxiesState): KubeProxies {
		const copy = new KubeProxies(this.#minSyncPeriodMs);
		copy.#syncedAt = syncedAt;
		copy.#synced = synced;
		return copy;
	}
}
