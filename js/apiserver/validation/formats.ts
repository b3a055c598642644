// Texts that have a form: addresses, ports by name, keys, percentages (k8s.io/apimachinery/pkg/util/validation/validation.go,
// ip.go). Messages are upstream's.

import type { IntOrString } from "../../api/meta.ts";
import { canonicalAddress, familyOf, maskPrefix, parsePrefix } from "../../net/address.ts";
import { type FieldError, invalidValue, required } from "../status.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "./names.ts";
import { between, portNumber, type Rule, text } from "./rule.ts";

function mustFit(pattern: string, message: string, ...examples: string[]): (value: string) => string[] {
	const expression = new RegExp(`^(?:${pattern})$`);
	const named = examples.map((example) => `'${example}', `).join(" or ");
	const refusal =
		examples.length === 0
			? `${message} (regex used for validation is '${pattern}')`
			: `${message} (e.g. ${named}regex used for validation is '${pattern}')`;
	return (value) => (expression.test(value) ? [] : [refusal]);
}

export const isAddress = (value: string) => canonicalAddress(value) !== null;

/** IsValidIP. */
export const address: Rule<string> = text((value) =>
	isAddress(value) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"],
);

/** IsValidCIDR. */
export const cidr: Rule<string> = text((value) =>
	parsePrefix(value) !== null && value.includes("/")
		? []
		: ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"],
);

/** Of new objects: no bits beyond the prefix. */
export const strictCidr: Rule<string> = text((value) => {
	const prefix = parsePrefix(value);
	const [written = ""] = value.split("/");
	const kept = prefix === null || maskPrefix(prefix).address === canonicalAddress(written);
	return kept ? [] : ["must not have bits set beyond the prefix length"];
});

/** ValidateNonSpecialIP (pkg/apis/core/validation/validation.go). */
export const publicAddress: Rule<string> = text((given) => {
	const value = canonicalAddress(given);
	if (value === null) return ["must be a valid IP address"];
	const ipv4 = familyOf(value) === "ipv4";
	if (value === "0.0.0.0" || value === "::") return [`may not be unspecified (${value})`];
	const problems: string[] = [];
	if (ipv4 ? value.startsWith("127.") : value === "::1")
		problems.push("may not be in the loopback range (127.0.0.0/8, ::1/128)");
	if (ipv4 ? value.startsWith("169.254.") : /^fe[89ab]/.test(value))
		problems.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
	if (ipv4 ? value.startsWith("224.0.0.") : /^ff[0-9a-f]2:/.test(value))
		problems.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
	return problems;
});

/** IsValidPortName. */
export function portName(name: string): string[] {
	const problems: string[] = [];
	if (name.length > 15) problems.push("must be no more than 15 characters");
	if (!/^[-a-z0-9]+$/.test(name))
		problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
	if (!/[a-z]/.test(name)) problems.push("must contain at least one letter (a-z)");
	if (name.includes("--")) problems.push("must not contain consecutive hyphens");
	if (name.startsWith("-") || name.endsWith("-")) problems.push("must not begin or end with a hyphen");
	return problems;
}

/** ValidatePortNumOrName. */
export const portNumberOrName: Rule<IntOrString> = (value = 0, path) =>
	typeof value === "number" ? portNumber(value, path) : text(portName)(value, path);

/** IsConfigMapKey. */
export function configKey(key: string): string[] {
	const problems = key.length > 253 ? ["must be no more than 253 characters"] : [];
	problems.push(
		...mustFit(
			"[-._a-zA-Z0-9]+",
			"a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
			"key.name",
			"KEY_NAME",
			"key-name",
		)(key),
	);
	if (key === "." || key === "..") problems.push(`must not be '${key}'`);
	else if (key.startsWith("..")) problems.push("must not start with '..'");
	return problems;
}

/** IsRelaxedEnvVarName. */
export function environmentName(name: string): string[] {
	if (name === "") return ["environment variable name must be non-empty"];
	return /^[ -<>-~]+$/.test(name)
		? []
		: ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export const percent = mustFit(
	"[0-9]+%",
	"a valid percent string must be a numeric string followed by an ending '%'",
	"1%",
	"93%",
);

/** ValidatePositiveIntOrPercent (pkg/apis/apps/validation/validation.go). */
export const countOrPercent: Rule<IntOrString> = (value, path) => {
	if (value === undefined) return [];
	if (typeof value === "string") return text(percent)(value, path);
	return value >= 0 ? [] : [invalidValue(path, value, "must be greater than or equal to 0")];
};

/** IsNotMoreThan100Percent. */
export const atMostAll: Rule<IntOrString> = (value, path) => {
	if (typeof value !== "string" || !/^[0-9]+%$/.test(value)) return [];
	return Number(value.slice(0, -1)) <= 100 ? [] : [invalidValue(path, value, "must not be greater than 100%")];
};

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";

/** IsWildcardDNS1123Subdomain. */
export const wildcardSubdomain = mustFit(
	`\\*\\.${LABEL}(\\.${LABEL})*`,
	"a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
	"*.example.com",
);

/** IsDomainPrefixedPath. */
export function domainPrefixedPath(value: string): string[] {
	const [host = "", ...path] = value.split("/");
	if (value === "") return ["must be non-empty"];
	if (path.length === 0 || host === "" || path.join("/") === "")
		return ['must be a domain-prefixed path (such as "acme.io/foo")'];
	return dnsSubdomain(host);
}

/** `Required value` where a text is empty, else what it must be. */
export const neededText = (problems: (value: string) => readonly string[], detail = ""): Rule<string> => {
	return (value = "", path): FieldError[] => (value === "" ? [required(path, detail)] : text(problems)(value, path));
};

/** A text that may be left out. */
export const maybeText = (problems: (value: string) => readonly string[]): Rule<string> => {
	return (value = "", path) => (value === "" ? [] : text(problems)(value, path));
};

export const label: Rule<string> = text(dnsLabel);
export const subdomain: Rule<string> = text(dnsSubdomain);
export const qualified: Rule<string> = text(qualifiedName);
export const labelText: Rule<string> = text(labelValue);
export const id: Rule<number> = between(0, 2147483647);
