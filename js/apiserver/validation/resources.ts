// Compute resources and the names they go by (pkg/apis/core/validation/validation.go, pkg/apis/core/helper/helpers.go).

import { parseQuantity } from "../../api/quantity.ts";
import type { CoreV1ResourceRequirements } from "../../api/schema/types.generated.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, notFoundValue, required } from "../status.ts";
import { dnsLabel, qualifiedName } from "./names.ts";
import { NOT_NEGATIVE, type Rule, text } from "./rule.ts";

export type Quantities = Record<string, string | number>;

const CONTAINER = new Set(["cpu", "memory", "ephemeral-storage"]);
const QUOTA = new Set([
	...["cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage"],
	...[
		"requests.ephemeral-storage",
		"limits.cpu",
		"limits.memory",
		"limits.ephemeral-storage",
		"pods",
		"resourcequotas",
	],
	...["services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps", "services.nodeports"],
	"services.loadbalancers",
]);
const STANDARD = new Set([...CONTAINER, ...QUOTA, "storage"]);
const COUNTED = new Set([
	...[
		"pods",
		"services",
		"replicationcontrollers",
		"resourcequotas",
		"secrets",
		"configmaps",
		"persistentvolumeclaims",
	],
	...["services.nodeports", "services.loadbalancers"],
]);
const HUGE_PAGES = "hugepages-";
const NATIVE = "kubernetes.io/";

export const quantity = (value: string | number | undefined) => parseQuantity(value) ?? 0;
const isNative = (name: string) => !name.includes("/") || name.includes(NATIVE);
const isExtended = (name: string) =>
	!isNative(name) && !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
const isOvercommitAllowed = (name: string) => isNative(name) && !name.startsWith(HUGE_PAGES);
const isInteger = (name: string) => COUNTED.has(name) || isExtended(name);

type NameTest = (name: string) => boolean;

/** validateResourceName, and then what a place asks of a name without a domain. */
function resourceName(fits: NameTest, otherwise: string, extended: boolean): Rule<string> {
	return (name = "", path) => {
		const problems = text(qualifiedName)(name, path);
		if (problems.length > 0 && !extended) return problems;
		if (!name.includes("/")) {
			const standard = STANDARD.has(name) || name.startsWith(HUGE_PAGES) || name.startsWith("requests.hugepages-");
			if (!standard && problems.length === 0)
				problems.push(invalidValue(path, name, "must be a standard resource type or fully qualified"));
			if (!fits(name)) problems.push(invalidValue(path, name, otherwise));
			return problems;
		}
		if (extended && !isNative(name) && !isExtended(name))
			problems.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
		return problems;
	};
}

/** validateContainerResourceName. */
export const containerResource = resourceName(
	(name) => CONTAINER.has(name) || name.startsWith(HUGE_PAGES),
	"must be a standard resource for containers",
	true,
);

/** ValidateResourceQuotaResourceName. */
export const quotaResource = resourceName(
	(name) => QUOTA.has(name) || name.startsWith(HUGE_PAGES) || name.startsWith("requests.hugepages-"),
	"must be a standard resource for quota",
	false,
);

/** validateResourceName. */
export const anyResource = resourceName(() => true, "", false);

/** ValidateResourceQuantityValue. */
export function quantityValue(name: string, value: string | number, path: string): FieldError[] {
	const amount = quantity(value);
	const printed = String(value);
	if (amount < 0) return [invalidValue(path, printed, NOT_NEGATIVE)];
	if (isInteger(name) && !Number.isInteger(amount)) return [invalidValue(path, printed, "must be an integer")];
	return [];
}

// validateResourceQuantityHugePageValue
function hugePages(name: string, value: string | number, path: string): FieldError[] {
	if (!name.startsWith(HUGE_PAGES)) return [];
	const [amount, page] = [quantity(value), quantity(name.slice(HUGE_PAGES.length))];
	if (page > 0 && amount > 0 && amount % page === 0) return [];
	return [invalidValue(path, String(value), `${value} is not positive integer multiple of ${name}`)];
}

/** ValidateResourceRequirements. */
export const requirements: Rule<CoreV1ResourceRequirements> = (given, path) => {
	const { limits = {}, requests = {} } = given ?? {};
	const named = (values: Quantities, place: string) =>
		Object.entries(values).flatMap(([name, value]) => [
			...containerResource(name, `${place}[${name}]`),
			...quantityValue(name, value, `${place}[${name}]`),
			...hugePages(name, value, `${place}[${name}]`),
		]);
	const errors = named(limits, `${path}.limits`);
	for (const [name, value] of Object.entries(requests)) {
		errors.push(...named({ [name]: value }, `${path}.requests`));
		const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
		if (limit === undefined) {
			if (!isOvercommitAllowed(name))
				errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
			continue;
		}
		const [asked, most] = [quantity(value), quantity(limit)];
		if (asked !== most && !isOvercommitAllowed(name))
			errors.push(invalidValue(`${path}.requests`, String(value), `must be equal to ${name} limit of ${limit}`));
		else if (asked > most)
			errors.push(
				invalidValue(`${path}.requests`, String(value), `must be less than or equal to ${name} limit of ${limit}`),
			);
	}
	const all = [...Object.keys(limits), ...Object.keys(requests)];
	if (all.some((name) => name.startsWith(HUGE_PAGES)) && !all.some((name) => name === "cpu" || name === "memory"))
		errors.push(forbiddenField(path, "HugePages require cpu or memory"));
	return errors;
};

/** validateResourceClaimNames; `known`: the claims of the pod. */
export function claimsOf(known: ReadonlySet<string>): Rule<CoreV1ResourceRequirements> {
	return (given, path) => {
		const seen = new Set<string>();
		return (given?.claims ?? []).flatMap(({ name, request = "" }, i) => {
			const place = `${path}.claims[${i}]`;
			if (!name) return [required(place)];
			const errors: FieldError[] = [];
			const key = request === "" ? name : `${name}/${request}`;
			if (seen.has(name)) errors.push(duplicate(place, name));
			else {
				if (request !== "") errors.push(...text(dnsLabel)(request, `${place}.request`));
				if (seen.has(key)) errors.push(duplicate(place, key));
				else if (request === "")
					for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(duplicate(place, name));
				seen.add(key);
			}
			if (known.has(name)) return errors;
			const names = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
			const { message, ...rest } = notFoundValue(place, name);
			return [
				...errors,
				{ ...rest, message: `${message}: must be one of the names in pod.spec.resourceClaims${names}` },
			];
		});
	};
}
