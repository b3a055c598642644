// Pods with something wrong in every part of them, made at random, against what ValidatePodCreate of k8s.io/kubernetes 1.36.3 said
// of each after its own decoding and defaulting. Go's own structures, which some of its messages print, are left out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import { kubernetes } from "../../js/api/schema/kubernetes.generated.ts";
import { decode } from "../../js/apiserver/decode.ts";
import { DEFAULTS } from "../../js/apiserver/defaults/groups.ts";
import { withDefaults } from "../../js/apiserver/defaults/walk.ts";
import { pod } from "../../js/apiserver/validation/pod.ts";
import { ROOT } from "../../scripts/run.mjs";

const file = join(ROOT, "tests/apiserver/answers/podspecs.json");
const { pods }: { pods: { spec: object; errors: string[] }[] } = JSON.parse(readFileSync(file, "utf8"));

const resource = { kind: "Pod", version: "v1", type: "core.v1.Pod" };

function said(spec: object): string[] {
	const body = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, spec };
	const { object } = decode(kubernetes, resource, body as never);
	const full = withDefaults(kubernetes, DEFAULTS, resource.type, object) as KubernetesObject;
	return [...new Set(pod(full as never, "").map(({ field, message }) => `${field}: ${message}`))].sort();
}

describe("a pod that is wrong in many ways", () => {
	it.each(pods.map(({ spec, errors }, i) => [i, spec, errors] as const))("%i", (_, spec, errors) => {
		expect(said(spec), JSON.stringify(spec)).toEqual(errors);
	});
});
