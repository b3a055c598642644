// What every namespace has for the pods in it: the account `default` (pkg/controller/serviceaccount: serviceaccounts_controller.go),
// and the certificate of whoever vouches for the API server (pkg/controller/certificates/rootcacertpublisher).

import { semanticEqual } from "../api/equality.ts";
import type { KubernetesObject } from "../api/meta.ts";
import type { CoreV1ConfigMap, CoreV1Namespace } from "../api/schema/types.generated.ts";
import type { Component, Store, StoreChange } from "../ports.ts";

const ACCOUNTS = "serviceaccounts";
const CONFIG_MAPS = "configmaps";
const ROOT_CA = "kube-root-ca.crt";
const DESCRIPTION = "kubernetes.io/description";
const DESCRIBED =
	"Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export const accountOf = (namespace: string, name: string): KubernetesObject => ({
	apiVersion: "v1",
	kind: "ServiceAccount",
	metadata: { name, namespace },
});

/** `rootCA`: PEM. */
export const rootCertificateOf = (namespace: string, rootCA: string): KubernetesObject & CoreV1ConfigMap => ({
	apiVersion: "v1",
	kind: "ConfigMap",
	metadata: { name: ROOT_CA, namespace, annotations: { [DESCRIPTION]: DESCRIBED } },
	data: { "ca.crt": rootCA },
});

const added = ({ type, object }: StoreChange) => (type === "DELETED" ? [] : [object.metadata.name ?? ""]);

function isActive(store: Store, name: string): boolean {
	const namespace = store.get<KubernetesObject & CoreV1Namespace>("namespaces", "", name);
	return namespace !== undefined && namespace.metadata.deletionTimestamp === undefined;
}

/** Keys are namespaces. */
export const serviceAccount: Component = {
	name: "serviceaccount",
	watches: {
		namespaces: added,
		[ACCOUNTS]: ({ type, object }) => (type === "DELETED" ? [object.metadata.namespace ?? ""] : []),
	},
	reconcile(namespace, { store }) {
		const missing = store.get(ACCOUNTS, namespace, "default") === undefined;
		if (missing && isActive(store, namespace)) store.create(ACCOUNTS, accountOf(namespace, "default"));
		return undefined;
	},
};

export const ROOT_CA_PUBLISHER = "root-ca-cert-publisher";

/** Keys are namespaces. `rootCA`: PEM. */
export function rootCACertPublisher(rootCA: string): Component {
	return {
		name: ROOT_CA_PUBLISHER,
		watches: {
			namespaces: added,
			[CONFIG_MAPS]: ({ type, object }) =>
				object.metadata.name === ROOT_CA && type !== "ADDED" ? [object.metadata.namespace ?? ""] : [],
		},
		reconcile(namespace, { store }) {
			const wanted = rootCertificateOf(namespace, rootCA);
			const found = store.get<KubernetesObject & CoreV1ConfigMap>(CONFIG_MAPS, namespace, ROOT_CA);
			if (found === undefined) {
				if (isActive(store, namespace)) store.create(CONFIG_MAPS, wanted);
			} else if (!semanticEqual(found.data, wanted.data) || !found.metadata.annotations?.[DESCRIPTION]) {
				const annotations = { ...found.metadata.annotations, ...wanted.metadata.annotations };
				store.update(CONFIG_MAPS, {
					...found,
					data: wanted.data,
					metadata: { ...found.metadata, annotations },
				} as never);
			}
			return undefined;
		},
	};
}
