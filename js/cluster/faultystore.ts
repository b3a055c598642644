// The API as a component has it whose writes may fail: as conflicts, or without an answer, done or not.

import type { KubernetesObject } from "../api/meta.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { conflict, StatusError } from "../apiserver/status.ts";
import type { Deletion, Store } from "../ports.ts";
import type { Failing } from "../sim/faults.ts";
import type { RegistryStore } from "./store.ts";

/** What becomes of the next write; `updates`: of an object that is there. */
export type FailingWrite = (updates: boolean) => Failing | null;

export class FaultyStore implements Store {
	readonly #store: RegistryStore;
	readonly #failing: FailingWrite;

	constructor(store: RegistryStore, failing: FailingWrite) {
		this.#store = store;
		this.#failing = failing;
	}

	/** Of whoever knows no kinds, and writes past this. */
	get registry(): Registry {
		return this.#store.registry;
	}

	readonly get: Store["get"] = (...asked) => this.#store.get(...asked);
	readonly list: Store["list"] = (...asked) => this.#store.list(...asked);
	readonly indexed: Store["indexed"] = (...asked) => this.#store.indexed(...asked);
	readonly countIndexed: Store["countIndexed"] = (...asked) => this.#store.countIndexed(...asked);

	create<T extends KubernetesObject>(resource: string, object: T): T {
		return this.#write(resource, object, false, () => this.#store.create(resource, object));
	}

	update<T extends KubernetesObject>(resource: string, object: T): T {
		return this.#write(resource, object, true, () => this.#store.update(resource, object));
	}

	updateStatus<T extends KubernetesObject>(resource: string, object: T): T {
		return this.#write(resource, object, true, () => this.#store.updateStatus(resource, object));
	}

	bind(pod: KubernetesObject, node: string): void {
		this.#write("pods", pod, true, () => this.#store.bind(pod, node));
	}

	delete(resource: string, object: KubernetesObject, options?: Deletion): void {
		this.#write(resource, object, false, () => this.#store.delete(resource, object, options));
	}

	#write<T>(resource: string, { metadata }: KubernetesObject, updates: boolean, write: () => T): T {
		const failing = this.#failing(updates);
		if (failing === null) return write();
		const [plural = "", ...group] = resource.split(".");
		if (failing === "conflict") throw conflict({ group: group.join("."), resource: plural }, metadata.name ?? "");
		if (failing === "unanswered") write();
		throw timeout();
	}
}

/** apimachinery's NewTimeoutError, as the server's own time limit says it. */
function timeout(): StatusError {
	const message = "Timeout: request did not complete within requested timeout - context deadline exceeded";
	return new StatusError(504, "Timeout", message, {});
}
