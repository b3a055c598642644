// Load balancers for Services as they come and go (cloud-provider controllers/service): an address of the pool in the status of
// each of type LoadBalancer, and none in that of any other.

import type { Node, Service } from "../api/core.ts";
import type { AddressPrefix } from "../net/address.ts";
import type { Component } from "../ports.ts";
import { balance } from "./loadbalancer.ts";

/** Keys are Services. */
export function cloudService(pool: AddressPrefix | undefined): Component {
	return {
		name: "service",
		watches: { services: ({ object }) => [`${object.metadata.namespace}/${object.metadata.name}`] },
		reconcile(key, { store, recorder }) {
			const [namespace = "", name = ""] = key.split("/");
			const services = store.list<Service>("services");
			const index = services.findIndex(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
			const service = services[index];
			if (service === undefined || service.spec?.loadBalancerClass) return undefined;
			const ingress = service.status?.loadBalancer?.ingress ?? [];
			if (service.spec?.type !== "LoadBalancer") {
				if (ingress.length === 0) return undefined;
				recorder.event(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer");
				store.updateStatus<Service>("services", { ...service, status: { ...service.status, loadBalancer: {} } });
				return undefined;
			}
			if (ingress.length > 0) return undefined;
			recorder.event(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer");
			const taken = store
				.list<Node>("nodes")
				.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address));
			const others = services.map((_, i) => i !== index);
			const balanced = balance(services, others, taken, pool);
			const [error] = balanced.errors;
			if (error !== undefined) {
				const message = `Error syncing load balancer: failed to ensure load balancer: ${error.message}`;
				recorder.event(service, "Warning", "SyncLoadBalancerFailed", message);
				return undefined;
			}
			store.updateStatus("services", balanced.services[index] as Service);
			recorder.event(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer");
			return undefined;
		},
	};
}
