// Namespaces: what must not go, and how one goes: it is marked, emptied by its controller, and let go by its finalizers
// (pkg/registry/core/namespace, the admission plugin NamespaceLifecycle).

import type { KubernetesObject } from "../../api/meta.ts";
import type { CoreV1Namespace } from "../../api/schema/types.generated.ts";
import { conflict, forbidden, notFound } from "../status.ts";
import { namespaceStatus, namespace as validate } from "../validation/core.ts";
import { type Registry, type Subject, stored, type WriteOptions } from "./request.ts";
import type { Strategy } from "./strategy.ts";

const ABOUT = { group: "", resource: "namespaces" };
const STAYS = new Set(["default", "kube-system", "kube-public"]);

export const namespaces: Strategy = {
	prepareCreate(object) {
		const { finalizers = [] } = (object as CoreV1Namespace).spec ?? {};
		const held = finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"];
		return { ...object, spec: { finalizers: held } };
	},
	prepareUpdate: (object, before) => ({ ...object, spec: before.spec }),
	validate: (object) => validate(object as CoreV1Namespace, ""),
	validateStatus: (object) => namespaceStatus(object as CoreV1Namespace),
	selectable: (object) => ({ "status.phase": (object as CoreV1Namespace).status?.phase ?? "" }),
	mayDelete(name) {
		if (STAYS.has(name)) throw forbidden(ABOUT, name, "this namespace may not be deleted");
	},
	isHeld: ({ spec }) => ((spec as { finalizers?: string[] } | undefined)?.finalizers ?? []).length > 0,
	terminating: (object) => ({ ...object, status: { ...(object.status as object), phase: "Terminating" } }),
};

/** PUT below /finalize: the finalizers of the spec alone; the namespace goes with the last one. Throws StatusError. */
export function finalize(
	registry: Registry,
	subject: Subject,
	object: KubernetesObject,
	options: WriteOptions = {},
): KubernetesObject {
	const { name } = subject;
	const before = stored(registry, subject);
	if (before === undefined) throw notFound(ABOUT, name);
	const { resourceVersion } = object.metadata;
	if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) throw conflict(ABOUT, name);
	const { finalizers } = (object as CoreV1Namespace).spec ?? {};
	const spec = finalizers === undefined || finalizers.length === 0 ? {} : { finalizers };
	const after = { ...before, spec };
	if (options.dryRun === true) return after;
	const { deletionTimestamp, finalizers: others = [] } = before.metadata;
	const stays = deletionTimestamp === undefined || others.length > 0 || finalizers?.length;
	if (stays) return registry.storage.put("namespaces", after);
	registry.storage.remove("namespaces", "", name);
	return after;
}
