// A server's API across a connection: for `podwire get` of a cluster that `podwire serve`, or anybody, runs.

import { type ClientRequest, type IncomingMessage, request as plainly } from "node:http";
import { request as securely } from "node:https";
import { UsageError } from "../status.ts";
import type { Access } from "./access.ts";
import type { Api } from "./asking.ts";
import type { WatchableApi } from "./watching.ts";

/** Questions to one server. Throws UsageError where it cannot be reached, or does not know who asks. */
export class ServerApi implements WatchableApi {
	readonly #access: Access;

	constructor(access: Access) {
		this.#access = access;
	}

	async respond({ method, url, headers }: Parameters<Api["respond"]>[0]): ReturnType<Api["respond"]> {
		const response = await this.#ask(method, url, headers);
		const chunks: Uint8Array[] = [];
		for await (const chunk of response) chunks.push(chunk as Uint8Array);
		return { code: response.statusCode ?? 0, headers: {}, body: Buffer.concat(chunks) };
	}

	async *lines(url: string, accept: string, signal: AbortSignal): AsyncIterable<string> {
		const response = await this.#ask("GET", url, { accept }, signal);
		if (response.statusCode !== 200) {
			response.destroy();
			throw new UsageError(`${this.#access.server}: the watch was answered with ${response.statusCode}`);
		}
		response.setEncoding("utf8");
		let rest = "";
		try {
			for await (const chunk of response) {
				const lines = (rest + String(chunk)).split("\n");
				rest = lines.pop() ?? "";
				yield* lines;
			}
		} catch (error) {
			if (!signal.aborted) throw this.#unreached(error as NodeJS.ErrnoException);
		}
	}

	#ask(
		method: string,
		url: string,
		headers: Readonly<Record<string, string>>,
		signal?: AbortSignal,
	): Promise<IncomingMessage> {
		const { server, token, ...tls } = this.#access;
		const bearer = token === undefined ? {} : { authorization: `Bearer ${token}` };
		const heard = signal === undefined ? {} : { signal };
		const options = { ...heard, agent: false, method, headers: { ...headers, ...bearer, "user-agent": "podwire" } };
		return new Promise((resolve, reject) => {
			const answered = (response: IncomingMessage) => {
				if (response.statusCode === 401) reject(new UsageError("You must be logged in to the server (Unauthorized)"));
				else resolve(response);
			};
			// A server's path goes before the API's.
			const to = server.replace(/\/$/, "") + url;
			const sent: ClientRequest = server.startsWith("https:")
				? securely(to, { ...options, ...tls }, answered)
				: plainly(to, options, answered);
			sent.on("error", (error: NodeJS.ErrnoException) => reject(this.#unreached(error)));
			sent.end();
		});
	}

	#unreached({ code, message }: NodeJS.ErrnoException): UsageError {
		const { host } = new URL(this.#access.server);
		if (code === "ECONNREFUSED")
			return new UsageError(
				`The connection to the server ${host} was refused - did you specify the right host or port?`,
			);
		return new UsageError(`Unable to connect to the server ${host}: ${message}`);
	}
}
