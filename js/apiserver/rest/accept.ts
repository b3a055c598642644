// Media types: what a client takes, in its order of preference (RFC 9110, 12.5.1), with the parameters by which Kubernetes
// names representations: `application/json;as=Table;v=v1;g=meta.k8s.io`.

export interface MediaType {
	/** `application/json`. */
	type: string;
	parameters: Readonly<Record<string, string>>;
}

export function parseMediaType(text: string): MediaType {
	const [type = "", ...parameters] = text.split(";").map((part) => part.trim());
	return {
		type: type.toLowerCase(),
		parameters: Object.fromEntries(
			parameters.map((parameter) => {
				const [name = "", value = ""] = parameter.split("=");
				return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")];
			}),
		),
	};
}

/** Most wanted first; of an empty header one that takes everything. */
export function parseAccept(header = ""): MediaType[] {
	const types = header
		.split(",")
		.map((part) => part.trim())
		.filter((part) => part !== "")
		.map(parseMediaType);
	const weight = ({ parameters }: MediaType) => Number(parameters.q ?? 1);
	return types.length === 0 ? [{ type: "*/*", parameters: {} }] : types.sort((a, b) => weight(b) - weight(a));
}
