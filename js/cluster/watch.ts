// A watch as something to iterate over: what a stream of lines has by now, and what it gets with every change after that.

import type { KubernetesObject } from "../api/meta.ts";
import type { WatchStream } from "../apiserver/rest/message.ts";
import { type Status, StatusError } from "../apiserver/status.ts";

export type WatchEvent<T> =
	| { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
	/** Nothing changed, and a watch may go on from the object's resourceVersion. */
	| { type: "BOOKMARK"; object: KubernetesObject };

/** Throws StatusError 410 out of the iteration where it began too far in the past. */
export class ApiWatch<T> implements AsyncIterableIterator<WatchEvent<T>> {
	readonly #stream: WatchStream;
	readonly #stop: () => void;
	#events: WatchEvent<T>[] = [];
	#ended = false;
	#wake: (() => void) | null = null;

	/** `subscribe` calls back after every change and gives the function that ends that. */
	constructor(stream: WatchStream, subscribe: (listener: () => void) => () => void) {
		this.#stream = stream;
		this.#stop = subscribe(() => this.#wake?.());
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	/** What has happened by now, without waiting. Throws StatusError 410. */
	take(): WatchEvent<T>[] {
		this.#read();
		const events = this.#events;
		this.#events = [];
		return events;
	}

	async next(): Promise<IteratorResult<WatchEvent<T>, undefined>> {
		for (;;) {
			this.#read();
			const event = this.#events.shift();
			if (event !== undefined) return { done: false, value: event };
			if (this.#ended) return { done: true, value: undefined };
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}

	async return(): Promise<IteratorResult<WatchEvent<T>, undefined>> {
		this.close();
		return { done: true, value: undefined };
	}

	/** Nothing comes any more; who waits is told. */
	close(): void {
		this.#ended = true;
		this.#stop();
		this.#wake?.();
	}

	#read(): void {
		if (this.#ended) return;
		const lines = this.#stream.take().split("\n");
		for (const line of lines) {
			if (line === "") continue;
			const event = JSON.parse(line) as WatchEvent<T> | { type: "ERROR"; object: Status };
			if (event.type === "ERROR") {
				this.close();
				const { code, reason, message, details } = event.object;
				throw new StatusError(code, reason ?? "", message ?? "", details);
			}
			this.#events.push(event);
		}
		if (this.#stream.ended) this.close();
	}
}
