// How a server is reached: what a kubeconfig says of its current context (k8s.io/client-go/tools/clientcmd). Programs that give
// credentials (exec, auth-provider) are not run.

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { InputError, UsageError } from "../status.ts";

export interface Access {
	/** `https://127.0.0.1:6443`. */
	server: string;
	token?: string;
	/** PEM, as Node's TLS takes them. */
	ca?: string;
	cert?: string;
	key?: string;
	/** The name in the server's certificate, where it is another one. */
	servername?: string;
	rejectUnauthorized?: boolean;
}

export interface AccessFlags {
	/** A file; null: none is read. */
	kubeconfig: string | null;
	/** A URL, instead of the kubeconfig's. */
	server: string | null;
	/** Of the kubeconfig; null: the current one. */
	context: string | null;
}

export interface Reached {
	access: Access;
	/** The context's namespace. */
	namespace: string;
}

type Fields = Record<string, unknown>;

/** Throws InputError and UsageError. */
export function accessOf({ kubeconfig, server, context }: AccessFlags): Reached {
	if (kubeconfig === null) {
		if (context !== null) throw new UsageError(`--context ${context}: of which --kubeconfig?`);
		return { access: { server: url("--server", server ?? "") }, namespace: "default" };
	}
	const config = new Kubeconfig(kubeconfig);
	const chosen = config.named("contexts", "context", context ?? config.current);
	const cluster = config.named("clusters", "cluster", text(chosen, "cluster"));
	const user = text(chosen, "user") === "" ? {} : config.named("users", "user", text(chosen, "user"));
	const access: Access = {
		server: server === null ? url(kubeconfig, text(cluster, "server")) : url("--server", server),
	};
	Object.assign(access, config.credentials(cluster, user));
	return { access, namespace: text(chosen, "namespace") || "default" };
}

class Kubeconfig {
	readonly #file: string;
	readonly #fields: Fields;

	constructor(file: string) {
		this.#file = file;
		const read: unknown = parse(readFileSync(file, "utf8"));
		if (typeof read !== "object" || read === null || (read as Fields).kind !== "Config")
			throw new InputError(file, "is no kubeconfig: expected kind: Config");
		this.#fields = read as Fields;
	}

	get current(): string {
		return text(this.#fields, "current-context");
	}

	named(list: string, field: string, name: string): Fields {
		const entries = (this.#fields[list] ?? []) as Fields[];
		const found = Array.isArray(entries) ? entries.find((entry) => entry.name === name) : undefined;
		const value = found?.[field];
		if (typeof value !== "object" || value === null)
			throw new InputError(this.#file, `${field} ${JSON.stringify(name)} does not exist`);
		return value as Fields;
	}

	credentials(cluster: Fields, user: Fields): Partial<Access> {
		for (const program of ["exec", "auth-provider"])
			if (user[program] !== undefined)
				throw new InputError(this.#file, `${program} is not run here: expected a token or a client certificate`);
		const given = {
			ca: this.#content(cluster, "certificate-authority"),
			cert: this.#content(user, "client-certificate"),
			key: this.#content(user, "client-key"),
			token: text(user, "token") || this.#content({ token: user.tokenFile }, "token")?.trim(),
			servername: text(cluster, "tls-server-name") || undefined,
			rejectUnauthorized: cluster["insecure-skip-tls-verify"] === true ? false : undefined,
		};
		return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
	}

	/** In the file itself, or in one that it names. */
	#content(fields: Fields, name: string): string | undefined {
		const within = text(fields, `${name}-data`);
		if (within !== "") return Buffer.from(within, "base64").toString();
		const file = text(fields, name);
		return file === "" ? undefined : readFileSync(resolve(dirname(this.#file), file), "utf8");
	}
}

function text(fields: Fields, name: string): string {
	const value = fields[name];
	return typeof value === "string" ? value : "";
}

function url(where: string, given: string): string {
	const full = /^https?:\/\//.test(given) ? given : `http://${given}`;
	if (given === "" || !URL.canParse(full))
		throw new UsageError(`${where}: expected a URL, as in http://127.0.0.1:6443, got ${JSON.stringify(given)}`);
	return full;
}
