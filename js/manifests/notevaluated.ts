// Objects that can change a verdict and are not evaluated: policies of the Kubernetes API and of network plugins.
// Each says which pods it touches; where its own selector language is not read, it touches every pod it might.
// Ingress and Gateway objects are not here: they change no verdict between addresses and ports.

import type { LabelSelector } from "../api/meta.ts";
import { selects } from "../api/selector.ts";
import { dropNulls, plain } from "./document.ts";
import type { Position } from "./error.ts";
import { SELECTOR } from "./fields.ts";
import type { Manifest } from "./manifest.ts";
import { check } from "./shape.ts";

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
	subject: Subject;
}

interface Policy {
	groups: readonly string[];
	kind: string;
	namespaced: boolean;
	/** undefined: every pod in reach; `none`: it touches nothing. */
	subject?: (spec: unknown) => Subject | "none";
}

export interface Subject {
	podSelector?: LabelSelector;
	namespaceSelector?: LabelSelector;
}

/** A field below a value of a foreign group, or undefined where the way ends. */
function field(value: unknown, ...path: string[]): unknown {
	return path.reduce<unknown>(
		(at, step) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined),
		value,
	);
}

function withoutNulls(value: unknown): unknown {
	const copy = plain(value);
	dropNulls(copy);
	return copy;
}

/** A selector, or undefined where there is none that can be read: then every pod in reach is touched. */
function selectorAt(value: unknown, ...path: string[]): LabelSelector | undefined {
	const found = field(value, ...path);
	let broken = found === undefined || found === null;
	check(SELECTOR, found ?? {}, [], ({ severity }) => {
		broken ||= severity === "error";
	});
	return broken ? undefined : (withoutNulls(found) as LabelSelector);
}

const CALICO = ["projectcalico.org", "crd.projectcalico.org"];
const POLICY_API = ["policy.networking.k8s.io"];

/** Calico's selector language is not read: namespace, or everything. */
const POLICIES: readonly Policy[] = [
	{
		groups: ["networking.k8s.io", "extensions"],
		kind: "NetworkPolicy",
		namespaced: true,
		subject: (spec) => ({ podSelector: selectorAt(spec, "podSelector") ?? {} }),
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
		subject: (spec) => policySubject(field(spec, "subject")),
	},
	{
		groups: POLICY_API,
		kind: "BaselineAdminNetworkPolicy",
		namespaced: false,
		subject: (spec) => policySubject(field(spec, "subject")),
	},
	{
		groups: POLICY_API,
		kind: "ClusterNetworkPolicy",
		namespaced: false,
		subject: (spec) => policySubject(field(spec, "subject")),
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
		subject: (spec) => selectors(spec),
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
		subject,
	};
}

/** Whether a packet from or to the pod could meet it. */
export function touches({ namespace, subject }: NotEvaluated, pod: PolicySubject): boolean {
	const { podSelector, namespaceSelector } = subject;
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
function ciliumSubject(spec: unknown): Subject {
	const selector = selectorAt(spec, "endpointSelector");
	if (selector === undefined) return {};
	const { matchLabels = {}, matchExpressions = [] } = selector;
	const keys = [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
	return keys.some((key) => /:|^io\.(kubernetes|cilium)\./.test(key)) ? {} : { podSelector: selector };
}

/** `subject.namespaces` (a selector), or `subject.pods` with both selectors. */
function policySubject(subject: unknown): Subject {
	const pods = field(subject, "pods");
	if (pods !== undefined) return selectors(pods);
	const namespaceSelector = selectorAt(subject, "namespaces");
	return namespaceSelector === undefined ? {} : { namespaceSelector };
}

function selectors(value: unknown): Subject {
	const podSelector = selectorAt(value, "podSelector");
	const namespaceSelector = selectorAt(value, "namespaceSelector");
	return { ...(podSelector && { podSelector }), ...(namespaceSelector && { namespaceSelector }) };
}

function istioSubject(spec: unknown): Subject {
	const matchLabels = selectorAt(spec, "selector")?.matchLabels;
	return matchLabels ? { podSelector: { matchLabels } } : {};
}
