// What names, labels and annotations may look like (k8s.io/apimachinery/pkg/util/validation/validation.go,
// pkg/api/validation/objectmeta.go). Messages are upstream's: clients show and tests compare them.

import { type FieldError, forbiddenField, invalidValue, required, tooLong } from "../status.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE = `(${QUALIFIED})?`;

const whole = (pattern: string) => new RegExp(`^${pattern}$`);
const [isLabel, isSubdomain, isLabel1035, isQualified, isLabelValue] = [
	LABEL,
	SUBDOMAIN,
	LABEL_1035,
	QUALIFIED,
	LABEL_VALUE,
].map((pattern) => {
	const expression = whole(pattern);
	return (text: string) => expression.test(text);
}) as [Test, Test, Test, Test, Test];

type Test = (text: string) => boolean;

/** What is wrong with a name, empty where nothing is. */
export type NameRule = (name: string) => string[];

function shaped(text: string, most: number, fits: Test, otherwise: string, unit = "bytes"): string[] {
	const problems = text.length > most ? [`must be no more than ${most} ${unit}`] : [];
	return fits(text) ? problems : [...problems, otherwise];
}

/** RFC 1123 label, 63 bytes. */
export const dnsLabel: NameRule = (name) => {
	const dotted = name.includes(".") && isSubdomain(name);
	return shaped(
		name,
		63,
		isLabel,
		dotted
			? "must not contain dots"
			: `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`,
		"characters",
	);
};

/** RFC 1035 label, 63 bytes. */
export const dns1035Label: NameRule = (name) =>
	shaped(
		name,
		63,
		isLabel1035,
		`a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`,
	);

/** RFC 1123 subdomain, 253 bytes. */
export const dnsSubdomain: NameRule = (name) =>
	shaped(
		name,
		253,
		isSubdomain,
		`a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`,
		"characters",
	);

/** A segment of a URL's path, as names of RBAC objects are. */
export const pathSegment: NameRule = (name) => {
	if (name === "." || name === "..") return [`may not be '${name}'`];
	return ["/", "%"].filter((sign) => name.includes(sign)).map((sign) => `may not contain '${sign}'`);
};

/** `[PREFIX/]NAME`, as keys of annotations and names of conditions are. */
export const qualifiedName = (key: string): string[] => qualified(key, "a qualified name");

/** As keys of labels are (content.IsLabelKey). */
export const labelKey = (key: string): string[] => qualified(key, "a valid label key");

function qualified(key: string, what: string): string[] {
	const parts = key.split("/");
	const name = parts.at(-1) ?? "";
	const problems: string[] = [];
	if (parts.length > 2)
		return [
			`${what} must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
		];
	if (parts.length === 2) {
		const prefix = parts[0] ?? "";
		if (prefix === "") problems.push("prefix part must be non-empty");
		else problems.push(...dnsSubdomain(prefix).map((problem) => `prefix part ${problem}`));
	}
	if (name === "") problems.push("name part must be non-empty");
	else if (name.length > 63) problems.push("name part must be no more than 63 bytes");
	if (!isQualified(name))
		problems.push(
			`name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`,
		);
	return problems;
}

export function labelValue(value: string): string[] {
	return shaped(
		value,
		63,
		isLabelValue,
		`a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${LABEL_VALUE}')`,
	);
}

export function validateLabels(labels: Readonly<Record<string, string>>, field: string): FieldError[] {
	return Object.entries(labels).flatMap(([key, value]) => [
		...labelKey(key).map((problem) => invalidValue(field, key, problem)),
		...labelValue(value).map((problem) => invalidValue(field, value, problem)),
	]);
}

const ANNOTATIONS_MAX = 256 * 1024;

export function validateAnnotations(annotations: Readonly<Record<string, string>>, field: string): FieldError[] {
	const keys = Object.keys(annotations).flatMap((key) =>
		qualifiedName(key.toLowerCase()).map((problem) => invalidValue(field, key, problem)),
	);
	const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
	return size > ANNOTATIONS_MAX ? [...keys, tooLong(field, ANNOTATIONS_MAX)] : keys;
}

/** A name, or `generateName`, by its kind's rule. */
export function validateName(
	{ name, generateName }: { name?: string; generateName?: string },
	rule: NameRule,
	field: string,
): FieldError[] {
	const errors: FieldError[] = [];
	// A dangling dash is what the generated end follows.
	if (generateName !== undefined && generateName !== "")
		errors.push(
			...rule(generateName.replace(/-+$/, "a")).map((problem) =>
				invalidValue(`${field}.generateName`, generateName, problem),
			),
		);
	if (name === undefined || name === "") errors.push(required(`${field}.name`, "name or generateName is required"));
	else errors.push(...rule(name).map((problem) => invalidValue(`${field}.name`, name, problem)));
	return errors;
}

export function validateScope(namespace: string | undefined, namespaced: boolean, field: string): FieldError[] {
	if (!namespaced) return namespace ? [forbiddenField(`${field}.namespace`, "not allowed on this type")] : [];
	if (!namespace) return [required(`${field}.namespace`)];
	return dnsLabel(namespace).map((problem) => invalidValue(`${field}.namespace`, namespace, problem));
}
