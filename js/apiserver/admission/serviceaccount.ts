// The admission plugin ServiceAccount (plugin/pkg/admission/serviceaccount): a pod runs as an account of its namespace, and its
// containers find that account's token, the cluster's authority and their namespace where clients in a cluster look for them.

import { generatedName } from "../../api/names.ts";
import type {
	CoreV1Container,
	CoreV1Pod,
	CoreV1ServiceAccount,
	CoreV1Volume,
} from "../../api/schema/types.generated.ts";
import type { Registry } from "../registry/request.ts";

const DEFAULT_ACCOUNT = "default";
const MIRROR = "kubernetes.io/config.mirror";
const ENFORCED = "kubernetes.io/enforce-mountable-secrets";
const VOLUME = "kube-api-access-";
const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const MODE = 0o644;
/** An hour, and seven seconds by which the kubelet knows that nobody asked for it (WarnOnlyBoundTokenExpirationSeconds). */
const TOKEN_SECONDS = 3607;
/** As strconv.ParseBool reads it. */
const TRUE = ["1", "t", "T", "true", "TRUE", "True"];

/** TokenVolumeSource. */
const tokenVolume = (name: string): CoreV1Volume => ({
	name,
	projected: {
		sources: [
			{ serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: "token" } },
			{ configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
			{
				downwardAPI: {
					items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
				},
			},
		],
		defaultMode: MODE,
	},
});

/** A new pod with its account; a text says why it is refused. */
export function withServiceAccount(registry: Registry, pod: CoreV1Pod): CoreV1Pod | string {
	if (pod.spec === undefined) return pod;
	const { namespace = "", annotations } = pod.metadata ?? {};
	if (annotations !== undefined && Object.hasOwn(annotations, MIRROR)) return mirrored(pod);
	const name = pod.spec.serviceAccountName || DEFAULT_ACCOUNT;
	const found = registry.storage.get("serviceaccounts", namespace, name) as CoreV1ServiceAccount | undefined;
	// Where the default one is missing upstream waits a second or two for its controller, which makes it.
	const account = found ?? (name === DEFAULT_ACCOUNT ? ({} as CoreV1ServiceAccount) : undefined);
	if (account === undefined)
		return `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
	const { imagePullSecrets: own = [] } = pod.spec;
	const imagePullSecrets =
		own.length > 0 ? own : (account.imagePullSecrets ?? []).map((one) => ({ name: one.name ?? "" }));
	const spec = {
		...pod.spec,
		...{ serviceAccountName: name, serviceAccount: name },
		...(imagePullSecrets.length > 0 ? { imagePullSecrets } : {}),
	};
	const mounts = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
	const admitted = mounts ? withToken(registry, { ...pod, spec }) : { ...pod, spec };
	const enforced = account.metadata?.annotations?.[ENFORCED] ?? "";
	return (TRUE.includes(enforced) ? foreignSecret(account, admitted) : undefined) ?? admitted;
}

function mirrored(pod: CoreV1Pod): CoreV1Pod | string {
	const { serviceAccountName, volumes = [], imagePullSecrets = [] } = pod.spec ?? { containers: [] };
	if (serviceAccountName) return "a mirror pod may not reference service accounts";
	const secrets = [...secretsOf(pod)].length > 0 || imagePullSecrets.length > 0;
	const projected = volumes.flatMap((volume) => volume.projected?.sources ?? []);
	if (secrets || projected.some(({ secret }) => secret !== undefined)) return "a mirror pod may not reference secrets";
	return projected.some(({ serviceAccountToken }) => serviceAccountToken !== undefined)
		? "a mirror pod may not use ServiceAccountToken volume projections"
		: pod;
}

/** mountServiceAccountToken: a container that mounts something there itself is left alone. */
function withToken({ random, storage }: Registry, pod: CoreV1Pod): CoreV1Pod {
	const { spec = { containers: [] }, metadata: { namespace = "", name: podName = "" } = {} } = pod;
	const { volumes = [] } = spec;
	const there = volumes.find((volume) => volume.name.startsWith(VOLUME))?.name;
	const name = there ?? generatedName(VOLUME, random, "pods", namespace, podName, storage.revision);
	let needed = false;
	const mounted = (container: CoreV1Container): CoreV1Container => {
		const { volumeMounts = [] } = container;
		if (volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return container;
		needed = true;
		return { ...container, volumeMounts: [...volumeMounts, { name, readOnly: true, mountPath: MOUNT_PATH }] };
	};
	const containers = spec.containers.map(mounted);
	const initContainers = spec.initContainers?.map(mounted);
	if (!needed) return pod;
	return {
		...pod,
		spec: {
			...spec,
			containers,
			...(initContainers === undefined ? {} : { initContainers }),
			volumes: there === undefined ? [...volumes, tokenVolume(name)] : volumes,
		},
	};
}

/** Secrets of volumes and of the environment, each with what a refusal calls its place. */
function* secretsOf({ spec }: CoreV1Pod): Generator<[secret: string, place: string], void> {
	const named = (name: string) => `referencing secret.secretName="${name}"`;
	for (const { secret } of spec?.volumes ?? []) {
		const { secretName = "" } = secret ?? {};
		if (secret !== undefined) yield [secretName, `volume with secret.secretName="${secretName}"`];
	}
	for (const [title, containers = []] of [
		["init container", spec?.initContainers],
		["container", spec?.containers],
	] as const)
		for (const { name, env = [], envFrom = [] } of containers) {
			for (const { name: variable, valueFrom } of env) {
				const { name: secret = "" } = valueFrom?.secretKeyRef ?? {};
				if (valueFrom?.secretKeyRef) yield [secret, `${title} ${name} with envVar ${variable} ${named(secret)}`];
			}
			for (const { secretRef } of envFrom) {
				const { name: secret = "" } = secretRef ?? {};
				if (secretRef !== undefined) yield [secret, `${title} ${name} with envFrom ${named(secret)}`];
			}
		}
}

/** limitSecretReferences. */
function foreignSecret(account: CoreV1ServiceAccount, pod: CoreV1Pod): string | undefined {
	const own = account.metadata?.name ?? DEFAULT_ACCOUNT;
	const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
	for (const [secret, place] of secretsOf(pod))
		if (!mountable.has(secret))
			return `${place} is not allowed because service account ${own} does not reference that secret`;
	const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
	for (const [i, { name = "" }] of (pod.spec?.imagePullSecrets ?? []).entries())
		if (!pullable.has(name))
			return `imagePullSecrets[${i}].name="${name}" is not allowed because service account ${own} does not reference that imagePullSecret`;
	return undefined;
}
