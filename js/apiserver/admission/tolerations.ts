// The admission plugin DefaultTolerationSeconds: pods stay five minutes on a node that is not ready.

import type { CoreV1Pod, CoreV1Toleration } from "../../api/schema/types.generated.ts";

const TOLERATED = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const TOLERATION_SECONDS = 300;

const tolerates = ({ key = "", effect = "" }: CoreV1Toleration, taint: string) =>
	(key === taint || key === "") && (effect === "NoExecute" || effect === "");

export function withTolerations(pod: CoreV1Pod): CoreV1Pod {
	const { tolerations = [] } = pod.spec ?? {};
	const missing = TOLERATED.filter((key) => !tolerations.some((one) => tolerates(one, key)));
	if (pod.spec === undefined || missing.length === 0) return pod;
	const added = missing.map((key) => ({
		...{ key, operator: "Exists", effect: "NoExecute" },
		tolerationSeconds: TOLERATION_SECONDS,
	}));
	return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } };
}
