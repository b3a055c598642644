// The kinds that are read: group, versions, scope, fields and rules of each.

import {
	ENDPOINT,
	ENDPOINT_ADDRESS,
	METADATA,
	NAMED_PORT,
	NODE_SPEC,
	NODE_STATUS,
	POD_SPEC,
	POD_STATUS,
	REPLICAS,
	SELECTOR,
	SERVICE_SPEC,
	SERVICE_STATUS,
	TEMPLATE,
	UPDATE,
} from "./fields.ts";
import { nodeRules, noRules, podRules, type Rules, serviceRules, sliceRules, workloadRules } from "./rules.ts";
import {
	any,
	boolean,
	cidr,
	dnsLabel,
	dnsSubdomain,
	integer,
	list,
	map,
	object,
	type Shape,
	string,
	words,
} from "./shape.ts";

export interface Kind {
	kind: string;
	apiVersion: string;
	/** Versions that the API server has removed. */
	removed: readonly string[];
	namespaced: boolean;
	shape: Shape;
	/** What one field says about another. */
	rules: Rules;
}

function kind(
	name: string,
	apiVersion: string,
	shape: Shape,
	rules: Rules = noRules,
	removed: readonly string[] = [],
	namespaced = true,
): Kind {
	return { kind: name, apiVersion, shape, rules, removed, namespaced };
}

function topLevel(fields: Record<string, Shape>, required: readonly string[] = []): Shape {
	return object({ apiVersion: string, kind: string, metadata: METADATA, ...fields }, ["metadata", ...required]);
}

const SELECTING = ["selector", "template"];
const APPS_REMOVED = ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"];

export const KINDS: readonly Kind[] = [
	kind("Namespace", "v1", topLevel({ spec: any, status: any }), noRules, [], false),
	kind("Node", "v1", topLevel({ spec: NODE_SPEC, status: NODE_STATUS }), nodeRules, [], false),
	kind("Pod", "v1", topLevel({ spec: POD_SPEC, status: POD_STATUS }, ["spec"]), podRules),
	kind("Service", "v1", topLevel({ spec: SERVICE_SPEC, status: SERVICE_STATUS }, ["spec"]), serviceRules),
	kind(
		"Endpoints",
		"v1",
		topLevel({
			subsets: list(
				object({
					addresses: list(ENDPOINT_ADDRESS),
					notReadyAddresses: list(ENDPOINT_ADDRESS),
					ports: list(NAMED_PORT),
				}),
			),
		}),
	),
	kind("ConfigMap", "v1", topLevel({ data: map(string), binaryData: map(string), immutable: boolean })),
	kind(
		"EndpointSlice",
		"discovery.k8s.io/v1",
		topLevel({ addressType: words("IPv4", "IPv6", "FQDN"), endpoints: list(ENDPOINT), ports: list(NAMED_PORT) }, [
			"addressType",
		]),
		sliceRules,
		["discovery.k8s.io/v1beta1"],
	),
	kind(
		"Deployment",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{ replicas: REPLICAS, selector: SELECTOR, template: TEMPLATE, strategy: UPDATE, paused: boolean },
					SELECTING,
					"minReadySeconds progressDeadlineSeconds revisionHistoryLimit",
				),
				status: any,
			},
			["spec"],
		),
		workloadRules,
		APPS_REMOVED,
	),
	kind(
		"ReplicaSet",
		"apps/v1",
		topLevel(
			{
				spec: object({ replicas: REPLICAS, selector: SELECTOR, template: TEMPLATE }, ["selector"], "minReadySeconds"),
				status: any,
			},
			["spec"],
		),
		workloadRules,
		APPS_REMOVED,
	),
	kind(
		"StatefulSet",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{
						replicas: REPLICAS,
						selector: SELECTOR,
						template: TEMPLATE,
						serviceName: string,
						ordinals: object({ start: integer(0) }),
						updateStrategy: UPDATE,
					},
					SELECTING,
					"minReadySeconds persistentVolumeClaimRetentionPolicy podManagementPolicy revisionHistoryLimit volumeClaimTemplates",
				),
				status: any,
			},
			["spec"],
		),
		workloadRules,
		APPS_REMOVED,
	),
	kind(
		"DaemonSet",
		"apps/v1",
		topLevel(
			{
				spec: object(
					{ selector: SELECTOR, template: TEMPLATE, updateStrategy: UPDATE },
					SELECTING,
					"minReadySeconds revisionHistoryLimit",
				),
				status: any,
			},
			["spec"],
		),
		workloadRules,
		APPS_REMOVED,
	),
	kind(
		"ServiceCIDR",
		"networking.k8s.io/v1",
		topLevel({ spec: object({ cidrs: list(cidr) }), status: any }),
		noRules,
		["networking.k8s.io/v1beta1", "networking.k8s.io/v1alpha1"],
		false,
	),
];

/** Names whose form the API server checks, by kind. */
const LABEL_NAMED = new Set(["Namespace", "Service"]);

export function nameShape(kindName: string): Shape {
	return LABEL_NAMED.has(kindName) ? dnsLabel : dnsSubdomain;
}
