// The admission plugin Priority (plugin/pkg/admission/priority): a pod's priority is its class's.

import type { CoreV1Pod, SchedulingV1PriorityClass } from "../../api/schema/types.generated.ts";
import type { Storage } from "../storage/storage.ts";

const CLASSES = "priorityclasses.scheduling.k8s.io";

/** Of several by accident the lowest. */
function globalDefault(storage: Storage): SchedulingV1PriorityClass | undefined {
	const classes = storage.list(CLASSES).items as unknown as SchedulingV1PriorityClass[];
	return classes.filter((one) => one.globalDefault === true).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}

/** A new pod with its priority; a text says why it is refused. */
export function withPriority(storage: Storage, pod: CoreV1Pod): CoreV1Pod | string {
	if (pod.spec === undefined) return pod;
	const { priorityClassName: asked, priority: given, preemptionPolicy: wanted, ...rest } = pod.spec;
	const found = asked
		? (storage.get(CLASSES, "", asked) as SchedulingV1PriorityClass | undefined)
		: globalDefault(storage);
	if (asked && found === undefined) return `no PriorityClass with name ${asked} was found`;
	const priority = found?.value ?? 0;
	const computed = `must not be provided in pod spec; priority admission controller computed`;
	if (given !== undefined && given !== priority)
		return `the integer value of priority (${given}) ${computed} ${priority} from the given PriorityClass name`;
	const policy = found === undefined ? "PreemptLowerPriority" : found.preemptionPolicy;
	if (wanted !== undefined && policy !== undefined && wanted !== policy)
		return `the string value of PreemptionPolicy (${wanted}) ${computed} ${policy} from the given PriorityClass name`;
	const name = asked || found?.metadata?.name;
	const preemption = policy ?? wanted;
	return {
		...pod,
		spec: {
			...rest,
			...(name === undefined ? {} : { priorityClassName: name }),
			priority,
			...(preemption === undefined ? {} : { preemptionPolicy: preemption }),
		},
	};
}

/** Why a class may not be the default. */
export function secondDefault(
	storage: Storage,
	{ globalDefault: wanted, metadata }: SchedulingV1PriorityClass,
	isNew: boolean,
): string | undefined {
	const name = wanted === true ? globalDefault(storage)?.metadata?.name : undefined;
	if (name === undefined || (!isNew && name === metadata?.name)) return undefined;
	return `PriorityClass ${name} is already marked as default. Only one default can exist`;
}
