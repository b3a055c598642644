// PUT of a name: an update, or for kinds that allow it the making of what is not there (rest.Updater, AllowCreateOnUpdate).

import type { KubernetesObject } from "../../api/meta.ts";
import { create } from "./create.ts";
import { type Registry, type Subject, stored, type WriteOptions } from "./request.ts";
import { update } from "./update.ts";

export interface Put {
	object: KubernetesObject;
	created: boolean;
}

/** Throws StatusError. */
export function put(registry: Registry, subject: Subject, object: KubernetesObject, options: WriteOptions): Put {
	const { resource, namespace, name } = subject;
	const makes = registry.strategy(resource).createsOnUpdate === true;
	if (!makes || stored(registry, subject) !== undefined)
		return { object: update(registry, subject, object, options), created: false };
	const metadata = { ...object.metadata, name, ...(namespace === "" ? {} : { namespace }) };
	return { object: create(registry, resource, { ...object, metadata }, options), created: true };
}
