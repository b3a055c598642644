// A KubeConfig of `@kubernetes/client-node` that leads to a cluster in this process. The class is the caller's: podwire does not
// depend on that package.

/** What is needed of client-node's class. */
export interface LoadableKubeConfig {
	loadFromOptions(options: object): void;
}

const NAME = "podwire";
const SERVER = "http://kubernetes.default.svc";

/** `agent`: an `http.Agent` whose connections end at the API. */
export function kubeConfigOver<T extends LoadableKubeConfig>(
	KubeConfig: new () => T,
	agent: unknown,
	namespace: string,
): T {
	const config = new KubeConfig();
	config.loadFromOptions({
		clusters: [{ name: NAME, server: SERVER, skipTLSVerify: true }],
		users: [{ name: NAME }],
		contexts: [{ name: NAME, cluster: NAME, user: NAME, namespace }],
		currentContext: NAME,
	});
	// Clients and watches alike take their connections from here.
	return Object.assign(config, { createAgent: () => agent });
}
