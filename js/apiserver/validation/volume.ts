// Volumes of a pod and of a claim (pkg/apis/core/validation/validation.go: ValidateVolumes, validateVolumeSource).
// Of sources that only storage of one vendor has, that there is exactly one is checked, and no more.

import type {
	CoreV1ConfigMapVolumeSource,
	CoreV1CSIVolumeSource,
	CoreV1DownwardAPIVolumeSource,
	CoreV1EmptyDirVolumeSource,
	CoreV1EphemeralVolumeSource,
	CoreV1HostPathVolumeSource,
	CoreV1ImageVolumeSource,
	CoreV1KeyToPath,
	CoreV1NFSVolumeSource,
	CoreV1PersistentVolumeClaimVolumeSource,
	CoreV1ProjectedVolumeSource,
	CoreV1SecretVolumeSource,
	CoreV1ServiceAccountTokenProjection,
	CoreV1Volume,
	CoreV1VolumeProjection,
} from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required, tooLong } from "../status.ts";
import { claimSpec } from "./claim.ts";
import { downwardFile, mode, relativePath } from "./downward.ts";
import { neededText } from "./formats.ts";
import type { Volumes } from "./mount.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { quantity } from "./resources.ts";
import { each, fields, needed, neededOneOf, oneOf, optional, type Rule, text } from "./rule.ts";

const HOST_PATHS = [
	"",
	"BlockDevice",
	"CharDevice",
	"Directory",
	"DirectoryOrCreate",
	"File",
	"FileOrCreate",
	"Socket",
];

const keyToPath = fields<CoreV1KeyToPath>({
	key: needed(),
	path: (value = "", path) => (value === "" ? [required(path)] : relativePath(value, path)),
	mode,
});

const secret = fields<CoreV1SecretVolumeSource>({ secretName: needed(), defaultMode: mode, items: each(keyToPath) });
const configMap = fields<CoreV1ConfigMapVolumeSource>({ name: needed(), defaultMode: mode, items: each(keyToPath) });
const hostPath: Rule<CoreV1HostPathVolumeSource> = (given, path) => {
	const { path: place = "", type } = given ?? {};
	if (place === "") return [required(`${path}.path`)];
	const back = place.split("/").includes("..") ? [invalidValue(`${path}.path`, place, "must not contain '..'")] : [];
	return [...back, ...optional(oneOf(...HOST_PATHS))(type, `${path}.type`)];
};
const nfs = fields<CoreV1NFSVolumeSource>({
	server: needed(),
	path: (value = "", path) => {
		const missing = value === "" ? [required(path)] : [];
		return value.startsWith("/") ? [] : [...missing, invalidValue(path, value, "must be an absolute path")];
	},
});
const emptyDir = fields<CoreV1EmptyDirVolumeSource>({
	sizeLimit: optional((limit, path) =>
		quantity(limit) < 0 ? [forbiddenField(path, "SizeLimit field must be a valid resource quantity")] : [],
	),
});
const persistentVolumeClaim = fields<CoreV1PersistentVolumeClaimVolumeSource>({ claimName: needed() });
const downwardAPI = fields<CoreV1DownwardAPIVolumeSource>({
	defaultMode: mode,
	// Upstream leaves the list and the index out.
	items: (list = [], path) => list.flatMap((file) => downwardFile(file, path.replace(/\.items$/, ""))),
});

// ValidateCSIDriverName
const driver: Rule<string> = (name = "", path) => {
	if (name === "") return [required(path)];
	const long = name.length > 63 ? [tooLong(path, 63)] : [];
	return [...long, ...dnsSubdomain(name.toLowerCase()).map((why) => invalidValue(path, name, why))];
};
const csi: Rule<CoreV1CSIVolumeSource> = (given, path) => {
	const { driver: name, nodePublishSecretRef: ref } = given ?? { driver: "" };
	const errors = driver(name, `${path}.driver`);
	if (ref === undefined) return errors;
	// Upstream's path leaves the reference out.
	return ref.name
		? [...errors, ...text(dnsSubdomain)(ref.name, `${path}.name`)]
		: [...errors, required(`${path}.nodePublishSecretRef.name`)];
};
const ephemeral: Rule<CoreV1EphemeralVolumeSource> = (given, path) => {
	const template = given?.volumeClaimTemplate;
	const place = `${path}.volumeClaimTemplate`;
	return template === undefined ? [required(place)] : claimSpec(template.spec, `${place}.spec`);
};
const image = (isPod: boolean): Rule<CoreV1ImageVolumeSource> =>
	fields<CoreV1ImageVolumeSource>({
		reference: isPod ? needed() : () => [],
		pullPolicy: neededOneOf("Always", "IfNotPresent", "Never"),
	});

const SHORTEST_TOKEN = 600;
const LONGEST_TOKEN = 2 ** 32;

/** `volume`: the path of the whole, where upstream puts some errors. */
function token(
	{ expirationSeconds = 3600, path: file }: CoreV1ServiceAccountTokenProjection,
	path: string,
	volume: string,
) {
	const place = `${path}.expirationSeconds`;
	const errors: FieldError[] = [];
	if (expirationSeconds < SHORTEST_TOKEN)
		errors.push(invalidValue(place, expirationSeconds, "may not specify a duration less than 10 minutes"));
	if (expirationSeconds > LONGEST_TOKEN)
		errors.push(invalidValue(place, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
	return [...errors, ...(!file ? [required(`${volume}.path`)] : relativePath(file, `${volume}.path`))];
}

// validateProjectionSources; of clusterTrustBundle and podCertificate nothing is asked.
const projected: Rule<CoreV1ProjectedVolumeSource> = (given, path) => {
	const { sources, defaultMode } = given ?? {};
	const taken = new Set<string>();
	const clash = (file: string | undefined, shown: string): FieldError[] => {
		if (!file) return [];
		if (taken.has(file)) return [invalidValue(path, shown, "conflicting duplicate paths")];
		taken.add(file);
		return [];
	};
	const keyed = (from: { name?: string; items?: readonly CoreV1KeyToPath[] }, place: string): FieldError[] => {
		const { name = "", items = [] } = from;
		const errors = name === "" ? [required(`${place}.name`)] : [];
		for (const [i, item] of items.entries())
			errors.push(...keyToPath(item, `${place}.items[${i}]`), ...clash(item.path, name));
		return errors;
	};
	const source = (one: CoreV1VolumeProjection, place: string): FieldError[] => {
		const errors: FieldError[] = [];
		if (one.secret !== undefined) errors.push(...keyed(one.secret, `${place}.secret`));
		if (one.configMap !== undefined) errors.push(...keyed(one.configMap, `${place}.configMap`));
		for (const file of one.downwardAPI?.items ?? [])
			errors.push(...downwardFile(file, `${place}.downwardAPI`), ...clash(file.path, file.path));
		if (one.serviceAccountToken !== undefined)
			errors.push(...token(one.serviceAccountToken, `${place}.serviceAccountToken`, path));
		if (Object.keys(one).length > 1)
			errors.push(forbiddenField(place, "may not specify more than 1 volume type per source"));
		return errors;
	};
	return [
		...mode(defaultMode, `${path}.defaultMode`),
		...(sources ?? []).flatMap((one, i) => source(one, `${path}.sources[${i}]`)),
	];
};

const SOURCES = {
	secret,
	configMap,
	hostPath,
	nfs,
	emptyDir,
	persistentVolumeClaim,
	downwardAPI,
	csi,
	ephemeral,
	projected,
};
/** Upstream's names of sources in its order, where they are not those of the fields. */
const TITLES: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };
const ORDER = [
	...["emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi"],
	...["glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc"],
	...["flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk"],
	...["storageos", "projected", "scaleIO", "csi", "ephemeral", "image"],
];

function volumeSource(volume: CoreV1Volume, path: string, pod: string | null): FieldError[] {
	const found = ORDER.filter((name) => Object.hasOwn(volume, name));
	const errors = found
		.slice(1)
		.map((extra) => forbiddenField(`${path}.${TITLES[extra] ?? extra}`, "may not specify more than 1 volume type"));
	const [first] = found;
	if (first === undefined) return [required(path, "must specify a volume type")];
	const rules = { ...SOURCES, image: image(pod !== null) } as Readonly<Record<string, Rule<unknown>>>;
	const own = rules[first]?.((volume as unknown as Record<string, unknown>)[first], `${path}.${first}`);
	const claim = `${pod}-${volume.name}`;
	const unnamed =
		first === "ephemeral" && pod && volume.name
			? dnsSubdomain(claim).map((why) =>
					invalidValue(`${path}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${why}`),
				)
			: [];
	return [...(own ?? []), ...unnamed, ...errors];
}

/** ValidateVolumes: what is wrong, and the names of those that nothing is wrong with. `pod`: its name; null of a template. */
export function validateVolumes(
	list: readonly CoreV1Volume[],
	path: string,
	pod: string | null,
): [FieldError[], Volumes] {
	const made = new Set(
		list.flatMap(({ ephemeral: own, name }) => (pod && own !== undefined ? [`${pod}-${name}`] : [])),
	);
	const names = new Map<string, boolean>();
	const errors = list.flatMap((one, i) => {
		const place = `${path}[${i}]`;
		const found = [...volumeSource(one, place, pod), ...neededText(dnsLabel)(one.name, `${place}.name`)];
		if (names.has(one.name)) found.push(duplicate(`${place}.name`, one.name));
		if (found.length === 0) names.set(one.name, one.persistentVolumeClaim !== undefined || one.ephemeral !== undefined);
		const { claimName = "" } = one.persistentVolumeClaim ?? {};
		if (made.has(claimName))
			found.push(
				invalidValue(
					`${place}.persistentVolumeClaim.claimName`,
					claimName,
					"must not reference a PVC that gets created for an ephemeral volume",
				),
			);
		return found;
	});
	return [errors, names];
}
