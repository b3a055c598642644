// ControllerRevisions: the templates that a StatefulSet or a DaemonSet had (pkg/controller/history/controller_history.go).

import type { ControllerRevision } from "../api/apps.ts";
import type { PodTemplateSpec } from "../api/core.ts";
import { semanticEqual } from "../api/equality.ts";
import type { KubernetesObject, LabelSelector } from "../api/meta.ts";
import { reasonOf } from "../api/reason.ts";
import { selects } from "../api/selector.ts";
import type { Store } from "../ports.ts";
import { candidates, claim } from "./claim.ts";
import { templateHash } from "./names.ts";
import { ownerReference } from "./pod.ts";

const RESOURCE = "controllerrevisions.apps";
/** Characters of an owner's name in a revision's. */
const PREFIX_MAX = 223;

export interface RevisionOwner extends KubernetesObject {
	spec?: { selector: LabelSelector; template: PodTemplateSpec };
	status?: { collisionCount?: number };
}

/** The owner's revisions, orphans adopted, from the oldest on. */
export function revisionsOf(store: Store, owner: RevisionOwner): ControllerRevision[] {
	const objects = candidates<ControllerRevision>(store, RESOURCE, owner);
	const matches = (labels: ControllerRevision["metadata"]["labels"]) => selects(owner.spec?.selector, labels);
	return claim(store, { owner, resource: RESOURCE, objects, matches }).sort(byRevision);
}

function byRevision(a: ControllerRevision, b: ControllerRevision): number {
	const age = ({ metadata }: ControllerRevision) => `${metadata.creationTimestamp ?? ""} ${metadata.name ?? ""}`;
	return a.revision - b.revision || (age(a) < age(b) ? -1 : 1);
}

/** The hash of a template in names and labels. `collisions`: how many names were another's. */
export function revisionHash(template: PodTemplateSpec | undefined, collisions = 0): string {
	return templateHash(template, collisions === 0 ? undefined : collisions);
}

export function revisionName({ metadata }: KubernetesObject, hash: string): string {
	return `${(metadata.name ?? "").slice(0, PREFIX_MAX)}-${hash}`;
}

function dataOf({ spec }: RevisionOwner): NonNullable<ControllerRevision["data"]> {
	return { spec: { template: { $patch: "replace", ...spec?.template } } };
}

export function isOfTemplate({ data }: ControllerRevision, owner: RevisionOwner): boolean {
	return semanticEqual(data, dataOf(owner));
}

/** The template that a revision holds. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
	const { $patch: _, ...template } = (data as ReturnType<typeof dataOf> | undefined)?.spec?.template ?? {};
	return template;
}

export interface Current {
	revision: ControllerRevision;
	collisions: number;
}

/**
 * The revision of the owner's template: the one that is there, as the latest, or a new one. A name that is another's is
 * passed over.
 * @param labelKey the label that has the hash
 */
export function currentRevision(
	store: Store,
	owner: RevisionOwner,
	revisions: readonly ControllerRevision[],
	labelKey: string,
): Current {
	const collisions = owner.status?.collisionCount ?? 0;
	const latest = revisions.at(-1)?.revision ?? 0;
	const known = revisions.findLast((revision) => isOfTemplate(revision, owner));
	if (known !== undefined) {
		const isLatest = known.revision === latest;
		const revision = isLatest ? known : store.update(RESOURCE, { ...known, revision: latest + 1 });
		return { revision, collisions };
	}
	for (let attempt = collisions; ; attempt++) {
		const wanted = newRevision(owner, latest + 1, labelKey, revisionHash(owner.spec?.template, attempt));
		try {
			return { revision: store.create(RESOURCE, wanted), collisions: attempt };
		} catch (error) {
			if (reasonOf(error) !== "AlreadyExists") throw error;
			const { namespace = "", name = "" } = wanted.metadata;
			const there = store.get<ControllerRevision>(RESOURCE, namespace, name);
			if (there !== undefined && isOfTemplate(there, owner)) return { revision: there, collisions: attempt };
		}
	}
}

/** A revision of the owner's template, under that hash. */
export function newRevision(
	owner: RevisionOwner,
	revision: number,
	labelKey: string,
	hash: string,
): ControllerRevision {
	const { namespace = "default", annotations } = owner.metadata;
	return {
		apiVersion: "apps/v1",
		kind: "ControllerRevision",
		metadata: {
			namespace,
			name: revisionName(owner, hash),
			labels: { ...owner.spec?.template.metadata?.labels, [labelKey]: hash },
			...(annotations && { annotations: { ...annotations } }),
			ownerReferences: [ownerReference(owner)],
		},
		data: dataOf(owner),
		revision,
	};
}

/** Of the revisions that nothing lives by, the oldest go, but for `limit`. */
export function truncateHistory(store: Store, unused: readonly ControllerRevision[], limit: number): void {
	for (const revision of unused.slice(0, Math.max(0, unused.length - limit))) {
		try {
			store.delete(RESOURCE, revision);
		} catch (error) {
			if (reasonOf(error) !== "NotFound") throw error;
		}
	}
}
