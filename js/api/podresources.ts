// What a pod asks for, over all its containers (k8s.io/component-helpers/resource: PodRequests, PodLimits), and its quality of service.

import { addQuantities, compareQuantities, parseQuantity } from "./quantity.ts";
import type { CoreV1Container, CoreV1Pod, CoreV1PodSpec } from "./schema/types.generated.ts";

export type Amounts = Readonly<Record<string, string | number>>;

/** podRequests and podLimits: containers together, or the init container that wants most with the sidecars before it. */
export function podResources({ spec }: CoreV1Pod, list: "requests" | "limits"): Amounts {
	const amountsOf = (container: CoreV1Container): Amounts => container.resources?.[list] ?? {};
	const merged = (a: Amounts, b: Amounts, choose: (one: string, other: string) => string): Amounts => {
		const all: Record<string, string | number> = { ...a };
		for (const [name, amount] of Object.entries(b))
			all[name] = all[name] === undefined ? amount : choose(String(all[name]), String(amount));
		return all;
	};
	const add = (a: Amounts, b: Amounts) => merged(a, b, addQuantities);
	const most = (a: Amounts, b: Amounts) =>
		merged(a, b, (one, other) => (compareQuantities(other, one) > 0 ? other : one));
	let total = (spec?.containers ?? []).map(amountsOf).reduce(add, {});
	let [sidecars, initial]: Amounts[] = [{}, {}];
	for (const container of spec?.initContainers ?? []) {
		const own = amountsOf(container);
		if (container.restartPolicy === "Always") {
			total = add(total, own);
			sidecars = add(sidecars as Amounts, own);
			initial = most(initial as Amounts, sidecars);
		} else initial = most(initial as Amounts, add(own, sidecars as Amounts));
	}
	const whole = spec?.resources?.[list] ?? {};
	const supported = Object.fromEntries(Object.entries(whole).filter(([name]) => name === "cpu" || name === "memory"));
	return { ...most(total, initial as Amounts), ...supported };
}

const COMPUTE = ["cpu", "memory"] as const;

/** ComputePodQOS (pkg/apis/core/helper/qos). */
export function qosClass({ containers, initContainers = [] }: CoreV1PodSpec): string {
	const all = [...(containers ?? []), ...initContainers];
	const amounts = ({ resources = {} }: CoreV1Container, list: "requests" | "limits") =>
		COMPUTE.map((name) => parseQuantity(resources[list]?.[name]) ?? 0);
	const asks = all.flatMap((one) => [...amounts(one, "requests"), ...amounts(one, "limits")]);
	if (asks.every((amount) => amount === 0)) return "BestEffort";
	const guaranteed = all.every((one) => {
		const [requests, limits] = [amounts(one, "requests"), amounts(one, "limits")];
		return limits.every((limit, i) => limit > 0 && (requests[i] === limit || requests[i] === 0));
	});
	return guaranteed ? "Guaranteed" : "Burstable";
}
