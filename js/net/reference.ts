// Names for the ends of a packet's way, as an operator writes them: `pod/NS/NAME`, `deploy/NS/NAME`, `svc/NS/NAME:PORT`,
// `node/NAME`, `host/IP`, `IP:PORT`, `http://HOST/PATH`. Kinds take kubectl's short, singular and plural forms; names
// follow the API's rules (RFC 1123). Whether the thing exists is for the cluster to say.

import { canonicalAddress } from "./address.ts";
import { nearestWord, TextError } from "./error.ts";

/** A number from 1 to 65535, or a port's name (RFC 6335: at most 15 of a-z, 0-9 and -). */
export type PortReference = number | string;

export type WorkloadKind = "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet";

export type Reference =
	| { kind: "pod"; namespace: string; name: string; port: PortReference | null }
	/** Any ready pod of it. */
	| { kind: "workload"; workload: WorkloadKind; namespace: string; name: string; port: PortReference | null }
	| { kind: "svc"; namespace: string; name: string; port: PortReference | null }
	| { kind: "node"; name: string; port: number | null }
	/** A machine outside the cluster. */
	| { kind: "host"; address: string; port: number | null }
	| { kind: "address"; address: string; port: number | null }
	/** `port` is that of the scheme where the text has none; `path` starts with `/`. */
	| { kind: "url"; scheme: "http" | "https"; host: string; port: number; path: string };

export interface ReferenceOptions {
	/** Namespace of `pod/NAME`, `deploy/NAME`, `svc/NAME`; without it they are an error. */
	namespace?: string;
	/** Name of the text in errors, for example the flag that it came from. */
	file?: string;
}

type Kind = "pod" | "svc" | "node" | "host" | WorkloadKind;

const KINDS: Record<string, Kind> = {
	pod: "pod",
	po: "pod",
	pods: "pod",
	svc: "svc",
	service: "svc",
	services: "svc",
	node: "node",
	no: "node",
	nodes: "node",
	host: "host",
	deploy: "Deployment",
	deployment: "Deployment",
	deployments: "Deployment",
	sts: "StatefulSet",
	statefulset: "StatefulSet",
	statefulsets: "StatefulSet",
	ds: "DaemonSet",
	daemonset: "DaemonSet",
	daemonsets: "DaemonSet",
	rs: "ReplicaSet",
	replicaset: "ReplicaSet",
	replicasets: "ReplicaSet",
};

const SHORT: Record<WorkloadKind, string> = {
	Deployment: "deploy",
	StatefulSet: "sts",
	DaemonSet: "ds",
	ReplicaSet: "rs",
};

const FORMS = "pod/NS/NAME, deploy/NS/NAME, svc/NS/NAME:PORT, node/NAME, host/IP, IP:PORT or http://HOST/PATH";

/** A word of the text and where it begins, 0-based. */
interface Word {
	text: string;
	at: number;
}

class Reader {
	readonly text: string;
	readonly options: ReferenceOptions;

	constructor(text: string, options: ReferenceOptions) {
		this.text = text;
		this.options = options;
	}

	fail({ text, at }: Word, expected: string, nearest: string | null = null): never {
		const file = this.options.file ?? "reference";
		throw new TextError({ file, line: 1, column: at + 1, word: text === "" ? null : text, expected, nearest });
	}

	read(): Reference {
		const whole = { text: this.text, at: 0 };
		if (this.text === "") this.fail(whole, FORMS);
		if (/^https?:\/\//i.test(this.text)) return this.url();
		const slash = this.text.indexOf("/");
		if (slash < 0) {
			const { address, port } = this.endpoint(whole);
			return { kind: "address", address, port };
		}
		const word = { text: this.text.slice(0, slash), at: 0 };
		const kind = KINDS[word.text.toLowerCase()];
		if (kind === undefined) this.fail(word, FORMS, nearestWord(word.text, Object.keys(KINDS)));
		const rest = { text: this.text.slice(slash + 1), at: slash + 1 };
		if (kind === "host") return { kind, ...this.endpoint(rest) };
		return kind === "node" ? this.node(rest) : this.namespaced(kind, rest);
	}

	node(rest: Word): Reference {
		const { name, port } = this.named(rest, "a node's name");
		return { kind: "node", name, port: port === null ? null : this.portNumber(port) };
	}

	namespaced(kind: Exclude<Kind, "node" | "host">, rest: Word): Reference {
		const slash = rest.text.indexOf("/");
		const namespace = slash < 0 ? this.defaultNamespace(rest) : rest.text.slice(0, slash);
		if (slash >= 0) this.label({ text: namespace, at: rest.at }, "a namespace");
		const { name, port: word } = this.named(
			{ text: rest.text.slice(slash + 1), at: rest.at + slash + 1 },
			`a name after ${this.text.slice(0, rest.at + slash + 1)}`,
		);
		const port = word === null ? null : this.port(word);
		if (kind === "pod" || kind === "svc") return { kind, namespace, name, port };
		return { kind: "workload", workload: kind, namespace, name, port };
	}

	defaultNamespace(rest: Word): string {
		if (this.options.namespace !== undefined) return this.options.namespace;
		return this.fail(rest, "NAMESPACE/NAME (no default namespace is set)");
	}

	/** `NAME` or `NAME:PORT`; names are DNS subdomains. */
	named({ text, at }: Word, expected: string): { name: string; port: Word | null } {
		const colon = text.indexOf(":");
		const name = colon < 0 ? text : text.slice(0, colon);
		const labels = name.split(".");
		if (name.length > 253 || !labels.every(isLabel))
			this.fail({ text: name, at }, `${expected} (lowercase letters, digits, "-" and ".")`);
		return { name, port: colon < 0 ? null : { text: text.slice(colon + 1), at: at + colon + 1 } };
	}

	label(word: Word, expected: string): void {
		if (!isLabel(word.text)) this.fail(word, `${expected} (lowercase letters, digits and "-")`);
	}

	/** `IP`, `IP:PORT`, `[IPv6]:PORT`. */
	endpoint({ text, at }: Word): { address: string; port: number | null } {
		const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
		const colons = text.split(":").length - 1;
		const split = colons === 1 ? text.indexOf(":") : -1;
		const word = bracketed?.[1] ?? (split < 0 ? text : text.slice(0, split));
		const port = bracketed?.[2] ?? (split < 0 ? null : text.slice(split + 1));
		const address = this.address({ text: word, at: bracketed === null ? at : at + 1 });
		const portAt = at + text.length - (port?.length ?? 0);
		return { address, port: port === null ? null : this.portNumber({ text: port, at: portAt }) };
	}

	address(word: Word): string {
		return canonicalAddress(word.text) ?? this.fail(word, word.at === 0 ? FORMS : "an IPv4 or IPv6 address");
	}

	port(word: Word): PortReference {
		if (/^\d+$/.test(word.text)) return this.portNumber(word);
		const isName =
			/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(word.text) && /[a-z]/.test(word.text) && !word.text.includes("--");
		return isName ? word.text : this.fail(word, "a port from 1 to 65535, or a port's name");
	}

	portNumber(word: Word): number {
		const port = /^[1-9]\d{0,4}$/.test(word.text) ? Number(word.text) : 0;
		return port >= 1 && port <= 65535 ? port : this.fail(word, "a port from 1 to 65535");
	}

	/** Host names are kept as they are; a query is part of the path, a fragment never leaves the client. */
	url(): Reference {
		const parts = /^(https?):\/\/([^/?#]*)([^#]*)/i.exec(this.text);
		const scheme = parts?.[1]?.toLowerCase() === "https" ? "https" : "http";
		const authority = { text: parts?.[2] ?? "", at: scheme.length + 3 };
		const rest = parts?.[3] ?? "";
		const [, host = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority.text) ?? [];
		if (host.includes("@")) this.fail({ text: host, at: authority.at }, "a host without user name");
		if (host.startsWith("[")) this.address({ text: host.slice(1, -1), at: authority.at + 1 });
		else if (!/^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(host))
			this.fail({ text: host, at: authority.at }, "a host name or address");
		return {
			kind: "url",
			scheme,
			host,
			port:
				port === undefined
					? scheme === "http"
						? 80
						: 443
					: this.portNumber({ text: port, at: authority.at + host.length + 1 }),
			path: rest.startsWith("/") ? rest : `/${rest}`,
		};
	}
}

function isLabel(text: string): boolean {
	return text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text);
}

/** Reads a reference; TextError with the offending word where it is none. */
export function parseReference(text: string, options: ReferenceOptions = {}): Reference {
	return new Reader(text, options).read();
}

const endpointText = (address: string, port: number | null) =>
	port === null ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`;

const suffix = (port: PortReference | null) => (port === null ? "" : `:${port}`);

/** The canonical text: `parseReference` of it gives the same reference. */
export function printReference(reference: Reference): string {
	switch (reference.kind) {
		case "pod":
		case "svc":
			return `${reference.kind}/${reference.namespace}/${reference.name}${suffix(reference.port)}`;
		case "workload":
			return `${SHORT[reference.workload]}/${reference.namespace}/${reference.name}${suffix(reference.port)}`;
		case "node":
			return `node/${reference.name}${suffix(reference.port)}`;
		case "host":
			return `host/${endpointText(reference.address, reference.port)}`;
		case "address":
			return endpointText(reference.address, reference.port);
		case "url":
			return `${reference.scheme}://${reference.host}:${reference.port}${reference.path}`;
	}
}
