// Where `#agent` leads in a browser: there is no HTTP of Node's to lead anywhere.

/** Throws always. */
export function agentTo(): never {
	throw new Error("kubeConfig() needs Node or Deno: in a browser use cluster.api");
}
