// ServiceCIDRs: one is kept by its finalizer while Services have addresses that are in it and in no other one, and says whether
// Services may get addresses of it (pkg/controller/servicecidrs/servicecidrs_controller.go, pkg/api/servicecidr).

import { SERVICE_CIDR } from "../api/finalizers.ts";
import { IP_MANAGED_BY, IP_MANAGER } from "../api/labels.ts";
import type { Condition, KubernetesObject } from "../api/meta.ts";
import type { ServiceCIDR } from "../api/networking.ts";
import { nanosOf, timeOf } from "../api/time.ts";
import {
	type AddressPrefix,
	addressBits,
	addressToBigInt,
	maskPrefix,
	parsePrefix,
	prefixContains,
} from "../net/address.ts";
import type { Component, Later, Store, StoreChange, World } from "../ports.ts";

const CIDRS = "servicecidrs.networking.k8s.io";
const ADDRESSES = "ipaddresses.networking.k8s.io";
/** deletionGracePeriod: whoever gives addresses out has heard of the deletion by then. */
const GRACE_NS = 10_000_000_000n;

/** Keys are names of ServiceCIDRs. */
export const serviceCIDRs: Component = {
	name: "service-cidr-controller",
	watches: {
		[CIDRS]: ({ type, object }: StoreChange, store: Store) => {
			const own = object as ServiceCIDR;
			const near = type === "MODIFIED" ? [] : allOf(store).filter((other) => overlaps(own, other));
			return [...new Set([own, ...near].map(({ metadata }) => metadata.name ?? ""))];
		},
		[ADDRESSES]: ({ type, object }: StoreChange, store: Store) =>
			type === "MODIFIED" || !isOfServices(object)
				? []
				: allOf(store)
						.filter((cidr) => holds(cidr, object.metadata.name ?? ""))
						.map(({ metadata }) => metadata.name ?? ""),
	},
	reconcile(name: string, { store, clock }: World): Later | undefined {
		const cidr = store.get<ServiceCIDR>(CIDRS, "", name);
		if (cidr === undefined) return undefined;
		const at = timeOf(clock.now());
		if (cidr.metadata.deletionTimestamp === undefined) {
			say(store, protect(store, cidr), {
				...{ type: "Ready", status: "True", lastTransitionTime: at, reason: "" },
				message: "Kubernetes Service CIDR is ready",
			});
			return undefined;
		}
		if (isNeeded(store, cidr)) {
			say(store, cidr, {
				...{ type: "Ready", status: "False", lastTransitionTime: at, reason: "Terminating" },
				message:
					"There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
			});
			return undefined;
		}
		const left = (nanosOf(cidr.metadata.deletionTimestamp) ?? 0n) + GRACE_NS - clock.now();
		if (left > 0n) return { progressMs: Number(left) / 1e6 };
		const finalizers = cidr.metadata.finalizers ?? [];
		if (finalizers.includes(SERVICE_CIDR))
			store.update(
				CIDRS,
				withFinalizers(
					cidr,
					finalizers.filter((one) => one !== SERVICE_CIDR),
				),
			);
		return undefined;
	},
};

const allOf = (store: Store) => store.list<ServiceCIDR>(CIDRS);

const isOfServices = ({ metadata }: KubernetesObject) => metadata.labels?.[IP_MANAGED_BY] === IP_MANAGER;

const withFinalizers = (cidr: ServiceCIDR, finalizers: string[]): ServiceCIDR => ({
	...cidr,
	metadata: { ...cidr.metadata, finalizers },
});

function protect(store: Store, cidr: ServiceCIDR): ServiceCIDR {
	const { finalizers = [] } = cidr.metadata;
	if (finalizers.includes(SERVICE_CIDR)) return cidr;
	return store.update(CIDRS, withFinalizers(cidr, [...finalizers, SERVICE_CIDR]));
}

function say(store: Store, cidr: ServiceCIDR, condition: Condition): void {
	const { conditions = [] } = cidr.status ?? {};
	const known = conditions.find(({ type }) => type === condition.type);
	const [was, is] = [known, condition].map((one) => [one?.status, one?.reason ?? "", one?.message].join("\n"));
	if (known !== undefined && was === is) return;
	const others = conditions.filter(({ type }) => type !== condition.type);
	store.updateStatus(CIDRS, { ...cidr, status: { ...cidr.status, conditions: [...others, condition] } });
}

/** canDeleteCIDR: an address of a Service would be in no ServiceCIDR any more. */
function isNeeded(store: Store, cidr: ServiceCIDR): boolean {
	const others = allOf(store).filter(({ metadata }) => metadata.name !== cidr.metadata.name);
	const isWithinAnother = (own: AddressPrefix) => others.some((other) => prefixesOf(other).some(covers(own)));
	if (prefixesOf(cidr).every(isWithinAnother)) return false;
	const addresses = store.list(ADDRESSES).filter(isOfServices);
	return addresses.some(({ metadata: { name = "" } }) => holds(cidr, name) && !others.some((one) => holds(one, name)));
}

function prefixesOf({ spec }: ServiceCIDR): AddressPrefix[] {
	return (spec?.cidrs ?? []).flatMap((text) => parsePrefix(text) ?? []).map(maskPrefix);
}

const covers = (inner: AddressPrefix) => (outer: AddressPrefix) =>
	outer.length <= inner.length && prefixContains(outer, inner.address);

function overlaps(a: ServiceCIDR, b: ServiceCIDR): boolean {
	return prefixesOf(a).some((one) => prefixesOf(b).some((other) => covers(one)(other) || covers(other)(one)));
}

/** PrefixContainsIP: but for the network's own address and, of IPv4, the broadcast's. */
function holds(cidr: ServiceCIDR, address: string): boolean {
	return prefixesOf(cidr).some((prefix) => {
		if (!prefixContains(prefix, address) || prefix.address === address) return false;
		const last = (1n << BigInt(addressBits(prefix.family) - prefix.length)) - 1n;
		return prefix.family === "ipv6" || addressToBigInt(address) - addressToBigInt(prefix.address) !== last;
	});
}
