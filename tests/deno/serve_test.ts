// `podwire serve` on Deno: TLS, a token, a watch that tells what is written, what it refuses, and an end when it is asked for.

import { keepsAnyKey, outlivesHangingClients, refusesAll } from "../serve/refusals.mjs";

const decoder = new TextDecoder();

Deno.test("serves the API over TLS", async () => {
	const folder = await Deno.makeTempDir();
	const kubeconfig = `${folder}/kubeconfig`;
	const program = new URL("../../dist/js/cli/podwire.js", import.meta.url).pathname;
	const args = ["run", "-A", "--no-lock", program, "serve", "--listen", "127.0.0.1:0", "--kubeconfig", kubeconfig];
	const child = new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" }).spawn();
	const said = child.stderr.getReader();
	await said.read();
	try {
		const text = await Deno.readTextFile(kubeconfig);
		const field = (name: string) => new RegExp(`${name}: (\\S+)`).exec(text)?.[1] ?? "";
		const caCerts = [atob(field("certificate-authority-data"))];
		const client = Deno.createHttpClient({ caCerts });
		const authorization = `Bearer ${field("token")}`;
		const ask = (path: string, init: RequestInit = {}, headers: HeadersInit = { authorization }) =>
			fetch(field("server") + path, { ...init, headers, client } as RequestInit);

		const anonymous = await ask("/version", {}, {});
		await anonymous.body?.cancel();
		if (anonymous.status !== 401) throw new Error(`without a token: ${anonymous.status}`);

		const path = "/api/v1/namespaces/default/configmaps";
		// Beside it the namespace has the authority's certificate.
		const watching = await ask(`${path}?watch=1&fieldSelector=metadata.name=a`);
		const events = watching.body!.getReader();
		const body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"1"}}';
		const made = await ask(path, { method: "POST", body }, { authorization, "content-type": "application/json" });
		if (made.status !== 201) throw new Error(`POST: ${made.status}`);
		const data = JSON.stringify((await made.json()).data);
		if (data !== '{"__proto__":"1"}') throw new Error(`data is ${data}`);
		const event = JSON.parse(decoder.decode((await events.read()).value));
		if (event.type !== "ADDED" || event.object.metadata.name !== "a") throw new Error(JSON.stringify(event));
		await events.cancel();
		client.close();
		const server = { url: field("server"), token: field("token"), ca: caCerts[0] ?? "" };
		await refusesAll(server);
		await keepsAnyKey(server);
		await outlivesHangingClients(server);
		child.kill("SIGTERM");
		const { code } = await child.status;
		if (code !== 0) throw new Error(`ended with ${code}`);
	} finally {
		await said.cancel();
		// Where something failed it may still be there.
		try {
			child.kill("SIGKILL");
		} catch {}
		await child.status;
		await Deno.remove(folder, { recursive: true });
	}
});
