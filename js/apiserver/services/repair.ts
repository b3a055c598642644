// Brings what Services hold in line with the Services that there are: after objects came into the storage past the API, as out
// of manifests (pkg/registry/core/service/ipallocator/controller/repairip.go, portallocator/controller/repair.go).

import type { CoreV1Service, NetworkingV1IPAddress } from "../../api/schema/types.generated.ts";
import type { Registry } from "../registry/request.ts";
import { addressesOf, portsOf } from "./allocate.ts";
import { addressName, ServicePools } from "./pools.ts";

/** Addresses and ports that no Service holds are released, those that one holds are taken. */
export function repairServices(registry: Registry): void {
	const { storage } = registry;
	const pools = new ServicePools(registry);
	const addresses = new Map<string, { namespace: string; name: string }>();
	const ports = new Map<number, { namespace: string; name: string }>();
	for (const object of storage.list("services").items) {
		const { namespace = "", name = "" } = object.metadata;
		const spec = (object as CoreV1Service).spec ?? {};
		for (const address of addressesOf(spec)) addresses.set(addressName(address), { namespace, name });
		for (const port of portsOf(spec)) ports.set(port, { namespace, name });
	}
	const held = pools.held();
	const gone = held.addresses.filter(({ metadata, spec }) => {
		const { namespace, name } = (spec as NetworkingV1IPAddress["spec"]).parentRef;
		const holder = addresses.get(metadata.name ?? "");
		return holder === undefined || holder.namespace !== namespace || holder.name !== name;
	});
	pools.release(
		gone.map(({ metadata }) => metadata.name ?? ""),
		held.ports.filter((port) => !ports.has(port)),
	);
	for (const [address, holder] of addresses) if (!pools.isTaken(address)) pools.take([address], [], holder);
	for (const [port, holder] of ports) if (!held.ports.includes(port)) pools.take([], [port], holder);
}
