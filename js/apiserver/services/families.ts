// Which IP families a Service has, and by which policy (pkg/registry/core/service/storage/alloc.go: initIPFamilyFields; KEP-563).

import type { CoreV1ServiceSpec } from "../../api/schema/types.generated.ts";
import { familyOf } from "../../net/address.ts";
import { equalJson, type Json } from "../patch/json.ts";
import { type FieldError, invalidValue } from "../status.ts";
import { validateClusterIPs } from "../validation/service.ts";

type Spec = CoreV1ServiceSpec;

export const familyName = (address: string) => (familyOf(address) === "ipv6" ? "IPv6" : "IPv4");
export const same = (a: unknown, b: unknown) => equalJson((a ?? null) as Json, (b ?? null) as Json);

const other = (family: string | undefined) => (family === "IPv4" ? "IPv6" : "IPv4");
const reduced = (now: readonly unknown[] = [], before: readonly unknown[] = []) =>
	now.length === 1 && before.length === 2 && now[0] === before[0];
const isSelectorless = ({ clusterIP, selector = {} }: Spec) =>
	clusterIP === "None" && Object.keys(selector).length === 0;

/** isMatchingPreferDualStackClusterIPFields: nothing of it changed, so nothing is added. */
export function staysPreferred(now: Spec, before: Spec | undefined): boolean {
	if (before === undefined || now.type === "ExternalName" || before.type === "ExternalName") return false;
	if (now.ipFamilyPolicy !== "PreferDualStack" || before.ipFamilyPolicy !== "PreferDualStack") return false;
	return same(now.clusterIPs, before.clusterIPs) && same(now.ipFamilies, before.ipFamilies);
}

/**
 * The spec with its policy and families, or what is wrong with those that it names. `known`: the families that the cluster has
 * Service ranges of, its primary one first.
 */
export function withFamilies(given: Spec, before: Spec | undefined, known: readonly string[]): Spec | FieldError[] {
	if (given.type === "ExternalName" || staysPreferred(given, before)) return given;
	const policy =
		given.ipFamilyPolicy ?? before?.ipFamilyPolicy ?? (isSelectorless(given) ? "RequireDualStack" : "SingleStack");
	const spec: Spec = { ...given, ipFamilyPolicy: policy };
	const wrong = validateClusterIPs(spec, "spec");
	if (wrong.length > 0) return wrong;
	const single = policy === "SingleStack";
	const refuse = (detail: string) => invalidValue("spec.ipFamilyPolicy", policy, detail);
	const errors: FieldError[] = [];
	if (before !== undefined && single) {
		// To ask for one family is enough: the second one goes.
		for (const name of ["clusterIPs", "ipFamilies"] as const)
			if (same(before[name], spec[name]) && (spec[name] ?? []).length > 1) spec[name] = (spec[name] ?? []).slice(0, 1);
	} else if (before !== undefined) {
		if (reduced(spec.clusterIPs, before.clusterIPs))
			errors.push(refuse("must be 'SingleStack' to release the secondary cluster IP"));
		if (reduced(spec.ipFamilies, before.ipFamilies))
			errors.push(refuse("must be 'SingleStack' to release the secondary IP family"));
	}
	const several = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
	if (single && spec.clusterIPs?.length === 2) errors.push(refuse(`${several} cluster IPs are specified`));
	if (single && spec.ipFamilies?.length === 2) errors.push(refuse(`${several} IP families are specified`));
	const families = [...(spec.ipFamilies ?? [])];
	for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
		if (ip === "None" || i < families.length) continue;
		const family = familyName(ip);
		if (known.includes(family)) families.push(family);
		else
			errors.push(
				invalidValue(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`),
			);
	}
	if (errors.length > 0) return errors;
	const primary = () => {
		if (families.length === 0) families.push(known[0] ?? "IPv4");
	};
	if (isSelectorless(spec)) {
		primary();
		if (families.length < 2 && !single) families.push(other(families[0]));
		return { ...spec, ipFamilies: families };
	}
	if (policy === "RequireDualStack" && known.length < 2)
		errors.push(refuse("this cluster is not configured for dual-stack services"));
	for (const [i, family] of families.entries())
		if (!known.includes(family))
			errors.push(invalidValue(`spec.ipFamilies[${i}]`, family, "not configured on this cluster"));
	if (errors.length > 0) return errors;
	primary();
	if (!single && families.length === 1 && known.length === 2) families.push(other(families[0]));
	return { ...spec, ipFamilies: families };
}
