// The kubeconfig of a server that this process runs (k8s.io/client-go/tools/clientcmd/api/v1): one cluster, one user, one context.

import { stringify } from "yaml";

export interface Access {
	/** `https://127.0.0.1:6443`. */
	url: string;
	/** PEM; absent of a server without TLS. */
	authority?: string;
	/** Absent where none is asked for. */
	token?: string;
	/** Of commands that name none. */
	namespace: string;
}

const NAME = "podwire";
/** The first line, by which such a file is known. */
const MARK = "# Written by `podwire serve`; the server's end removes it.\n";

export function kubeconfigText({ url, authority, token, namespace }: Access): string {
	const cluster = {
		server: url,
		...(authority === undefined ? {} : { "certificate-authority-data": Buffer.from(authority).toString("base64") }),
	};
	return `${MARK}${stringify({
		apiVersion: "v1",
		kind: "Config",
		clusters: [{ name: NAME, cluster }],
		users: [{ name: NAME, user: token === undefined ? {} : { token } }],
		contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace } }],
		"current-context": NAME,
	})}`;
}

/** Whether a text is a kubeconfig that was written here. */
export function isOwnKubeconfig(text: string): boolean {
	return text.startsWith(MARK);
}
