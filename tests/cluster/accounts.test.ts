// Accounts of pods in a cluster at work (the admission plugin ServiceAccount, its controller, and the publisher of the authority's
// certificate), by hand after upstream's code of 1.36.

import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../js/api/meta.ts";
import type { CoreV1PodSpec } from "../../js/api/schema/types.generated.ts";
import { Cluster, type StatusError } from "../../js/index.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

const object = (kind: string, name: string, more: object = {}, metadata: object = {}): KubernetesObject => ({
	...{ apiVersion: "v1", kind, metadata: { name, namespace: "default", ...metadata } },
	...more,
});
const pod = (name: string, spec: object = {}, metadata: object = {}) =>
	object("Pod", name, { spec: { containers: [{ name: "c", image: "i" }], ...spec } }, metadata);
const web = (serviceAccountName: string): KubernetesObject => ({
	apiVersion: "apps/v1",
	kind: "Deployment",
	metadata: { name: "web", namespace: "default" },
	spec: {
		selector: { matchLabels: { app: "web" } },
		template: {
			metadata: { labels: { app: "web" } },
			spec: { serviceAccountName, containers: [{ name: "c", image: "i" }] },
		},
	},
});

async function specOf(cluster: Cluster, given: KubernetesObject): Promise<CoreV1PodSpec> {
	return (await cluster.api.create(given)).spec as CoreV1PodSpec;
}

const refusal = (cluster: Cluster, given: KubernetesObject) =>
	cluster.api.create(given).then(
		() => null,
		({ status }: StatusError) => [status.code, status.message],
	);

describe("a new pod", () => {
	it("runs as its namespace's account, and finds its token", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		const {
			serviceAccountName,
			serviceAccount,
			volumes = [],
			containers,
			initContainers,
		} = await specOf(cluster, pod("p", { initContainers: [{ name: "first", image: "i" }] }));
		expect([serviceAccountName, serviceAccount]).toEqual(["default", "default"]);
		const [volume] = volumes;
		expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
		expect(volume?.projected).toEqual({
			defaultMode: 420,
			sources: [
				{ serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
				{ configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
				{
					downwardAPI: {
						items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
					},
				},
			],
		});
		for (const [one] of [containers, initContainers ?? []])
			expect(one?.volumeMounts).toEqual([{ name: volume?.name, readOnly: true, mountPath: MOUNT_PATH }]);
	});

	it("finds none where it, or its account, does not want it, or has something there itself", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.api.create(object("ServiceAccount", "quiet", { automountServiceAccountToken: false }));
		const without = { automountServiceAccountToken: false };
		expect((await specOf(cluster, pod("a", without))).volumes).toBeUndefined();
		expect((await specOf(cluster, pod("b", { serviceAccountName: "quiet" }))).volumes).toBeUndefined();
		const wants = { serviceAccountName: "quiet", automountServiceAccountToken: true };
		expect((await specOf(cluster, pod("c", wants))).volumes?.length).toBe(1);
		const own = { name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: MOUNT_PATH }] };
		const covered = await specOf(cluster, pod("d", { containers: [own], volumes: [{ name: "v", emptyDir: {} }] }));
		expect(covered.volumes?.map(({ name }) => name)).toEqual(["v"]);
	});

	it("has its account's secrets for pulling, where it names none", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.api.create(object("ServiceAccount", "puller", { imagePullSecrets: [{ name: "hub" }] }));
		const named = { serviceAccountName: "puller" };
		expect((await specOf(cluster, pod("a", named))).imagePullSecrets).toEqual([{ name: "hub" }]);
		const imagePullSecrets = [{ name: "own" }];
		expect((await specOf(cluster, pod("b", { ...named, imagePullSecrets }))).imagePullSecrets).toEqual(
			imagePullSecrets,
		);
	});

	it("is refused where its account is not there, or may not have what it mounts", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		expect(await refusal(cluster, pod("a", { serviceAccountName: "nobody" }))).toEqual([
			403,
			'pods "a" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
		]);
		const enforced = { annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } };
		await cluster.api.create(object("ServiceAccount", "strict", { secrets: [{ name: "mine" }] }, enforced));
		const mounting = (secretName: string) => ({
			serviceAccountName: "strict",
			volumes: [{ name: "v", secret: { secretName } }],
		});
		expect(await refusal(cluster, pod("b", mounting("other")))).toEqual([
			403,
			'pods "b" is forbidden: volume with secret.secretName="other" is not allowed because service account strict does not reference that secret',
		]);
		expect(await refusal(cluster, pod("c", mounting("mine")))).toBeNull();
		const mirror = { annotations: { "kubernetes.io/config.mirror": "x" } };
		expect(await refusal(cluster, pod("d", { serviceAccountName: "default" }, mirror))).toEqual([
			403,
			'pods "d" is forbidden: a mirror pod may not reference service accounts',
		]);
	});

	it("comes without all that where the plugin is off", async () => {
		const cluster = await Cluster.create({ nodes: 1, disableAdmissionPlugins: "ServiceAccount" });
		const { serviceAccountName, volumes } = await specOf(cluster, pod("p", {}));
		expect([serviceAccountName, volumes]).toEqual([undefined, undefined]);
		await expect(
			Cluster.create({ disableAdmissionPlugins: "Priority" }).then((other) => other.settle()),
		).rejects.toThrow('--disable-admission-plugins: expected ServiceAccount, got "Priority"');
	});
});

describe("a namespace", () => {
	it("has an account, which comes again, and lets pods in at once", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
		expect((await specOf(cluster, pod("p", {}, { namespace: "shop" }))).serviceAccountName).toBe("default");
		await cluster.settle();
		const first = await cluster.api.get("v1", "ServiceAccount", "default", { namespace: "shop" });
		await cluster.api.delete("v1", "ServiceAccount", "default", { namespace: "shop" });
		await cluster.settle();
		const again = await cluster.api.get("v1", "ServiceAccount", "default", { namespace: "shop" });
		expect(again.metadata.uid).not.toBe(first.metadata.uid);
		// And takes both with it.
		await cluster.api.delete("v1", "Pod", "p", { namespace: "shop", gracePeriodSeconds: 0 });
		await cluster.api.delete("v1", "Namespace", "shop");
		await cluster.settle();
		expect((await cluster.api.list("v1", "Namespace")).items.map(({ metadata }) => metadata.name)).not.toContain(
			"shop",
		);
	});

	it("is told who vouches for the API server, where somebody does", async () => {
		const cluster = await Cluster.create({ nodes: 1, rootCA: PEM });
		await cluster.api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
		await cluster.settle();
		const told = async (namespace: string) =>
			(await cluster.api.get("v1", "ConfigMap", "kube-root-ca.crt", { namespace })) as {
				data?: Record<string, string>;
			};
		for (const namespace of ["default", "kube-system", "shop"])
			expect((await told(namespace)).data).toEqual({ "ca.crt": PEM });
		const scope = { namespace: "shop" };
		await cluster.api.patch("v1", "ConfigMap", "kube-root-ca.crt", { data: { "ca.crt": "other" } }, scope);
		await cluster.settle();
		expect((await told("shop")).data).toEqual({ "ca.crt": PEM });
		await cluster.api.delete("v1", "ConfigMap", "kube-root-ca.crt", scope);
		await cluster.settle();
		expect((await told("shop")).data).toEqual({ "ca.crt": PEM });
		const without = await Cluster.create({ nodes: 1 });
		expect((await without.api.list("v1", "ConfigMap")).items).toEqual([]);
	});
});

describe("a standing start", () => {
	it("has the accounts that its manifests name, and rollouts find them", async () => {
		const cluster = await Cluster.create({ nodes: 1 });
		await cluster.apply([web("shopkeeper")]);
		await cluster.settle();
		const accounts = await cluster.api.list("v1", "ServiceAccount", { namespace: "default" });
		expect(accounts.items.map(({ metadata }) => metadata.name)).toEqual(["default", "shopkeeper"]);
		const spec = { template: { spec: { serviceAccountName: "stranger" } } };
		await cluster.api.patch("apps/v1", "Deployment", "web", { spec }, { namespace: "default" });
		await cluster.advance(1000);
		const said = cluster.events.filter(({ reason }) => reason === "FailedCreate").map(({ message }) => message);
		expect(said[0]).toMatch(
			/^Error creating: pods "web-[a-z0-9]+-" is forbidden: error looking up service account default\/stranger: serviceaccount "stranger" not found$/,
		);
		await cluster.api.create(object("ServiceAccount", "stranger"));
		await cluster.settle();
		const { items } = await cluster.api.list("v1", "Pod", { namespace: "default" });
		expect(items.map((one) => (one.spec as CoreV1PodSpec).serviceAccountName)).toEqual(["stranger"]);
	});
});
