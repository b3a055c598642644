// Questions that are asked by creating them: what may I do, and who am I. Whoever holds the token may do everything.

import type { KubernetesObject } from "../../api/meta.ts";
import type { ServedResource } from "../registry/catalogue.ts";

const USER = { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
const EVERYTHING = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };

/** The answer; undefined where the object is no question. */
export function review(resource: ServedResource, object: KubernetesObject): KubernetesObject | undefined {
	const answered = (status: object) => ({ ...object, kind: resource.kind, apiVersion: resource.apiVersion, status });
	switch (resource.kind) {
		case "SelfSubjectAccessReview":
			return answered({ allowed: true });
		case "SelfSubjectRulesReview":
			return answered({
				resourceRules: [EVERYTHING],
				nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
				incomplete: false,
			});
		case "SelfSubjectReview":
			return answered({ userInfo: USER });
		default:
			return undefined;
	}
}
