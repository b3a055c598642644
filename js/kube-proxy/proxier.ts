// kube-proxy in time: when a changed Service, or its endpoints, are in the nodes' rules. A sync takes everything that is known by then,
// and there is none before so long after the last one. All nodes' proxies hear of a change at once here, so they sync at once;
// what each of them writes is `syncProxyRules`'s. A node whose rules somebody else has changed is looked at by its own.
// Upstream: pkg/proxy/runner/bounded_frequency_runner.go, pkg/proxy/iptables/proxier.go, Monitor in pkg/util/iptables/iptables.go.

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
/** proxyutil.FullSyncPeriod: after so long a sync writes everything. */
const FULL_SYNC_MS = 3_600_000;
/** How often the kubelet looks for its canary (initNetworkUtil), and ip-masq-agent writes its chain. */
const KUBELET_MS = 60_000;

/** What a node's agents do about rules that somebody else has changed. */
export interface NodeLook {
	node: string;
	/** kube-proxy writes everything; else only where its canary chain is gone. */
	full: boolean;
	/** Or where its last sync was refused. */
	retry: boolean;
	/** The kubelet and ip-masq-agent look as well. */
	kubelet: boolean;
}

/** When a node's agents look at its rules next, ns; null: not at all, for nothing of them has changed since. */
type Looks = Readonly<Record<Reason, bigint | null>>;

/** Why: a canary chain may be gone, the kubelet and ip-masq-agent look, a sync was refused, it is time for a full one. */
type Reason = "canary" | "kubelet" | "retry" | "full";

const REASONS: readonly Reason[] = ["canary", "kubelet", "retry", "full"];
const NEVER: Looks = { canary: null, kubelet: null, retry: null, full: null };

interface KubeProxiesState {
	/** ns; of the last sync. */
	syncedAt: bigint | null;
	/** Services that syncs have taken and nobody has asked for. */
	synced: Map<string, ChangedService>;
	/** Of nodes whose rules somebody else has changed. */
	looks: Map<string, Looks>;
	/** Looks that nobody has asked for. */
	looked: NodeLook[];
}

export class KubeProxies implements Component {
	readonly name = "kube-proxy";
	readonly watches = {
		services: ({ object }: StoreChange) => [keyOf(object)],
		"endpointslices.discovery.k8s.io": ({ object, previous }: StoreChange) =>
			[object, previous].flatMap((slice) => (slice && serviceOfSlice(slice as EndpointSlice)) ?? []),
	};
	readonly #minSyncPeriodMs: number;
	readonly #syncPeriodMs: number;
	/** ns; of the last sync. */
	#syncedAt: bigint | null = null;
	#synced = new Map<string, ChangedService>();
	#looks = new Map<string, Looks>();
	#looked: NodeLook[] = [];

	/** Of `iptables.minSyncPeriod`, default a second, and `iptables.syncPeriod`, default 30. */
	constructor(minSyncPeriodMs: number, syncPeriodMs: number) {
		this.#minSyncPeriodMs = minSyncPeriodMs;
		this.#syncPeriodMs = syncPeriodMs;
	}

	/** Services that syncs have taken since this was asked last, as they were then. */
	take(): ChangedServices {
		const synced = this.#synced;
		this.#synced = new Map();
		return synced;
	}

	/** What agents have looked at since this was asked last, in order. */
	takeLooks(): readonly NodeLook[] {
		const looked = this.#looked;
		this.#looked = [];
		return looked;
	}

	/** Whether there are any of either. */
	get hasSynced(): boolean {
		return this.#synced.size > 0 || this.#looked.length > 0;
	}

	/**
	 * Somebody else has changed a node's rules: its agents look at them when they look anyway, which is at whole periods of the
	 * cluster's time. Returns the key to be looked at, and in how many ms.
	 */
	edited(node: string, now: bigint): { key: string; afterMs: number } {
		const looks = {
			canary: nextOf(now, this.#syncPeriodMs),
			kubelet: nextOf(now, KUBELET_MS),
			retry: this.#looks.get(node)?.retry ?? null,
			full: this.#looks.get(node)?.full ?? now + inNs(FULL_SYNC_MS),
		};
		this.#looks.set(node, looks);
		return { key: keyOfNode(node), afterMs: msUntil(earliest(looks) as bigint, now) };
	}

	/** What a node's kube-proxy fed in was refused: it writes everything, with the next sync or a period later. As `edited`. */
	failed(node: string, now: bigint): { key: string; afterMs: number } {
		const retry = now + inNs(this.#syncPeriodMs);
		this.#looks.set(node, { ...(this.#looks.get(node) ?? NEVER), retry });
		return { key: keyOfNode(node), afterMs: msUntil(retry, now) };
	}

	/** `key`: `namespace/name` of a Service, or `/name` of a node. */
	reconcile(key: string, { store, clock }: World): Later | undefined {
		const now = clock.now();
		const [namespace = "", name = ""] = key.split("/");
		if (namespace === "") return this.#look(name, now);
		const next = this.#syncedAt === null ? now : this.#syncedAt + inNs(this.#minSyncPeriodMs);
		if (this.#syncedAt !== now && now < next) return { progressMs: msUntil(next, now) };
		this.#syncedAt = now;
		const service = store.get<Service>("services", namespace, name) ?? null;
		const slices = store.indexed(SLICES, labelIn(namespace, SERVICE_NAME, name)) as readonly EndpointSlice[];
		this.#synced.set(key, { service, slices });
		return undefined;
	}

	#look(node: string, now: bigint): Later | undefined {
		const looks = this.#looks.get(node);
		if (looks === undefined) return undefined;
		const due = new Set(REASONS.filter((reason) => (looks[reason] ?? now + 1n) <= now));
		if (due.size > 0)
			this.#looked.push({ node, full: due.has("full"), retry: due.has("retry"), kubelet: due.has("kubelet") });
		const left = { ...looks, ...Object.fromEntries([...due].map((reason) => [reason, null])) };
		const next = earliest(left);
		if (next === null) this.#looks.delete(node);
		else this.#looks.set(node, left);
		return next === null ? undefined : { idleMs: msUntil(next, now) };
	}

	get state(): KubeProxiesState {
		return {
			...{ syncedAt: this.#syncedAt, synced: new Map(this.#synced) },
			...{ looks: new Map(this.#looks), looked: [...this.#looked] },
		};
	}

	of({ syncedAt, synced, looks, looked }: KubeProxiesState): KubeProxies {
		const copy = new KubeProxies(this.#minSyncPeriodMs, this.#syncPeriodMs);
		copy.#syncedAt = syncedAt;
		copy.#synced = synced;
		copy.#looks = looks;
		copy.#looked = looked;
		return copy;
	}
}

function keyOfNode(node: string): string {
	return `/${node}`;
}

function inNs(ms: number): bigint {
	return BigInt(Math.round(ms)) * MS;
}

function msUntil(at: bigint, now: bigint): number {
	return Number(at - now) / 1e6;
}

/** The next whole period. */
function nextOf(now: bigint, periodMs: number): bigint {
	const period = inNs(periodMs);
	return (now / period + 1n) * period;
}

function earliest(looks: Looks): bigint | null {
	const times = REASONS.map((reason) => looks[reason]).filter((at) => at !== null);
	return times.reduce<bigint | null>((first, at) => (first === null || at < first ? at : first), null);
}
