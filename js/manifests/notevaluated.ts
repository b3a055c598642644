// Objects that can change a verdict and are not evaluated: policies of the Kubernetes API and of network plugins.
// Each says which pods it touches; where its own selector language is not read, it touches every pod it might.
// Ingress and Gateway objects are not here: they change no verdict between addresses and ports.

import type { LabelSelector } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import type { Position } from "./error.ts";
import type { Manifest } from "./manifest.ts";

/** A pod as a policy sees it. */
export interface PolicySubject {
	namespace: string;
	labels: Readonly<Record<string, string>>;
	/** Labels of the pod's namespace; absent: unknown, so any namespace selector may select it. */
	namespaceLabels?: Readonly<Record<string, string>>;
}

export interface NotEvaluated {
	kind: string;
	/** null for cluster-wide kinds. */
	namespace: string | null;
	name: string;
	source: Position;
	/** The pods that it selects, where it says so by labels. */
	podSelector: LabelSelector | null;
	/** Whether a packet from or to the pod could meet it. */
	touches(pod: PolicySubject): boolean;
}

interface Policy {
	groups: readonly string[];
	kind: string;
	namespaced: boolean;
	/** undefined: every pod in reach; `none`: it touches nothing. */
	subject?: (spec: Loose) => Subject | "none";
}

interface Subject {
	podSelector?: LabelSelector;
	namespaceSelector?: LabelSelector;
}

// biome-ignore lint/suspicious/noExplicitAny: objects of foreign groups, read defensively
type Loose = any;

const CALICO = ["projectcalico.org", "crd.projectcalico.org"];
const POLICY_API = ["policy.networking.k8s.io"];

/** Calico's selector language is not read: namespace, or everything. */
const POLICIES: readonly Policy[] = [
	{
		groups: ["networking.k8s.io", "extensions"],
		kind: "NetworkPolicy",
		namespaced: true,
		subject: (spec) => ({ podSelector: spec?.podSelector ?? {} }),
	},
	{ groups: ["cilium.io"], kind: "CiliumNetworkPolicy", namespaced: true, subject: (spec) => ciliumSubject(spec) },
	{
		groups: ["cilium.io"],
		kind: "CiliumClusterwideNetworkPolicy",
		namespaced: false,
		subject: (spec) => ciliumSubject(spec),
	},
	{ groups: ["cilium.io"], kind: "CiliumEgressGatewayPolicy", namespaced: false },
	{ groups: ["cilium.io"], kind: "CiliumLocalRedirectPolicy", namespaced: true },
	{ groups: CALICO, kind: "NetworkPolicy", namespaced: true },
	{ groups: CALICO, kind: "GlobalNetworkPolicy", namespaced: false },
	{
		groups: POLICY_API,
		kind: "AdminNetworkPolicy",
		namespaced: false,
		subject: (spec) => policySubject(spec?.subject),
	},
	{
		groups: POLICY_API,
		kind: "BaselineAdminNetworkPolicy",
		namespaced: false,
		subject: (spec) => policySubject(spec?.subject),
	},
	{
		groups: POLICY_API,
		kind: "ClusterNetworkPolicy",
		namespaced: false,
		subject: (spec) => policySubject(spec?.subject),
	},
	{ groups: ["crd.antrea.io"], kind: "NetworkPolicy", namespaced: true },
	{ groups: ["crd.antrea.io"], kind: "ClusterNetworkPolicy", namespaced: false },
	{ groups: ["crd.antrea.io"], kind: "Egress", namespaced: false },
	{
		groups: ["security.istio.io"],
		kind: "AuthorizationPolicy",
		namespaced: true,
		subject: (spec) => istioSubject(spec),
	},
	{
		groups: ["security.istio.io"],
		kind: "PeerAuthentication",
		namespaced: true,
		subject: (spec) => istioSubject(spec),
	},
	{ groups: ["networking.istio.io"], kind: "Sidecar", namespaced: true },
	{ groups: ["k8s.ovn.org"], kind: "EgressFirewall", namespaced: true },
	{
		groups: ["k8s.ovn.org"],
		kind: "EgressIP",
		namespaced: false,
		subject: (spec) => ({ podSelector: spec?.podSelector, namespaceSelector: spec?.namespaceSelector }),
	},
	{ groups: ["network.openshift.io"], kind: "EgressNetworkPolicy", namespaced: true },
];

/** The object as one that is not evaluated; null where its kind changes no verdict; `ineffective`: it selects nothing. */
export function notEvaluatedOf(manifest: Manifest, defaultNamespace: string): NotEvaluated | "ineffective" | null {
	const { apiVersion, kind, metadata, spec } = manifest.object;
	const group = apiVersion.slice(0, Math.max(0, apiVersion.indexOf("/")));
	const policy = POLICIES.find((entry) => entry.kind === kind && entry.groups.includes(group));
	if (policy === undefined) return null;
	const namespace = policy.namespaced ? (metadata.namespace ?? defaultNamespace) : null;
	const subject = policy.subject?.(spec) ?? {};
	if (subject === "none") return "ineffective";
	return {
		kind,
		namespace,
		name: metadata.name ?? "",
		source: manifest.source,
		podSelector: subject.podSelector ?? null,
		touches: (pod) => inReach(namespace, subject, pod),
	};
}

function inReach(namespace: string | null, { podSelector, namespaceSelector }: Subject, pod: PolicySubject): boolean {
	if (namespace !== null && namespace !== pod.namespace) return false;
	if (
		namespaceSelector !== undefined &&
		pod.namespaceLabels !== undefined &&
		!selects(namespaceSelector, pod.namespaceLabels)
	)
		return false;
	return podSelector === undefined || selects(podSelector, pod.labels);
}

/** Cilium: keys with a source prefix (`k8s:app`) or of its own are not read, so such a policy touches every pod in reach. */
function ciliumSubject(spec: Loose): Subject {
	const selector = spec?.endpointSelector;
	if (typeof selector !== "object" || selector === null) return {};
	const keys = [
		...Object.keys(selector.matchLabels ?? {}),
		...(selector.matchExpressions ?? []).map((entry: Loose) => String(entry?.key)),
	];
	return keys.some((key) => key.includes(":") || key.startsWith("io.kubernetes.") || key.startsWith("io.cilium."))
		? {}
		: { podSelector: selector };
}

/** `subject.namespaces` (a selector), or `subject.pods` with both selectors. */
function policySubject(subject: Loose): Subject {
	if (subject?.pods)
		return { podSelector: subject.pods.podSelector, namespaceSelector: subject.pods.namespaceSelector };
	return subject?.namespaces ? { namespaceSelector: subject.namespaces } : {};
}

function istioSubject(spec: Loose): Subject {
	const labels = spec?.selector?.matchLabels;
	return labels ? { podSelector: { matchLabels: labels } } : {};
}
