// Revisions as they are where controllers have long been at work: of StatefulSets and DaemonSets that have pods and no revision. What is
// exported of a cluster rarely has them; without them all pods would be of a template that nobody knows, and be replaced.

import type { ControllerRevision, DaemonSet, StatefulSet } from "../api/apps.ts";
import type { KubernetesObject } from "../api/meta.ts";
import type { Store } from "../ports.ts";
import { HASH_LABEL } from "./daemonset/pods.ts";
import { newRevision, type RevisionOwner, revisionName } from "./history.ts";
import { ownedBy } from "./lookup.ts";
import { TEMPLATE_LABEL } from "./statefulset/identity.ts";

const REVISIONS = "controllerrevisions.apps";

/** The template of each is taken to be that of which its status, or else its youngest pod, says that it is the latest. */
export function seeToRevisions(store: Store): void {
	for (const set of store.list<StatefulSet>("statefulsets.apps")) {
		const said = set.status?.updateRevision ?? saidByPods(store, set);
		const prefix = revisionName(set, "");
		if (said?.startsWith(prefix)) seeTo(store, set, TEMPLATE_LABEL, said.slice(prefix.length));
	}
	for (const set of store.list<DaemonSet>("daemonsets.apps")) {
		const hash = saidByPods(store, set);
		if (hash !== undefined) seeTo(store, set, HASH_LABEL, hash);
	}
}

function seeTo(store: Store, owner: RevisionOwner, labelKey: string, hash: string): void {
	if (ownedBy<ControllerRevision>(store, REVISIONS, owner.metadata.uid ?? "").length > 0) return;
	// Another's, of the same name: what an export was made of may have had it.
	if (store.get(REVISIONS, owner.metadata.namespace ?? "", revisionName(owner, hash)) !== undefined) return;
	store.create(REVISIONS, newRevision(owner, 1, labelKey, hash));
}

function saidByPods(store: Store, { metadata }: RevisionOwner): string | undefined {
	const born = ({ metadata: { creationTimestamp = "", name = "" } }: KubernetesObject) =>
		`${creationTimestamp} ${name}`;
	const pods = [...ownedBy(store, "pods", metadata.uid ?? "")].sort((a, b) => (born(a) < born(b) ? -1 : 1));
	return pods.at(-1)?.metadata.labels?.[HASH_LABEL];
}
