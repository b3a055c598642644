// The API server of a cluster: the store, what it serves, and what clients wrote there. A module that nothing but `cluster.api`
// loads, when it is asked for the first time: the code behind it is larger than all else.

import type { KubernetesObject } from "../api/meta.ts";
import { kubernetes } from "../api/schema/kubernetes.generated.ts";
import { Catalogue, type ServedResource } from "../apiserver/registry/catalogue.ts";
import type { Registry } from "../apiserver/registry/request.ts";
import { strategyOf } from "../apiserver/registry/strategies.ts";
import { type ApiRequest, type ApiResponse, isStream } from "../apiserver/rest/message.ts";
import { respond } from "../apiserver/rest/respond.ts";
import { noSuchResource, type Status, StatusError } from "../apiserver/status.ts";
import { Storage } from "../apiserver/storage/storage.ts";
import type { Manifest } from "../manifests/manifest.ts";
import { readSingleYaml } from "../manifests/single.ts";
import type { AddressPrefix } from "../net/address.ts";
import type { Clock } from "../ports.ts";
import { seededRandom } from "../sim/random.ts";
import { ClusterObjects, type Intents } from "./objects.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ApiServer {
	readonly #registry: Registry;
	readonly #objects: ClusterObjects;
	#listener: () => void = () => {};

	/** `namespace`: of objects that name none. */
	constructor(clock: Clock, seed: bigint, namespace: string, serviceCIDRs: readonly AddressPrefix[]) {
		const random = seededRandom(Number(BigInt.asUintN(32, seed)));
		const storage = new Storage();
		const catalogue = new Catalogue(kubernetes, storage);
		this.#registry = { storage, catalogue, clock, random, strategy: strategyOf };
		this.#objects = new ClusterObjects(this.#registry, namespace, serviceCIDRs);
	}

	/** Whether clients wrote anything since `publish`. */
	get changed(): boolean {
		return this.#objects.changed;
	}

	/** The manifests, with what clients wrote. Throws InputErrors. */
	intents(manifests: readonly Manifest[]): Intents {
		return this.#objects.intents(manifests);
	}

	/** Takes the objects as the controllers left them. */
	publish(objects: readonly KubernetesObject[], manifests: readonly Manifest[]): void {
		this.#objects.publish(objects, manifests);
		this.#listener();
	}

	/** Calls back after every change; there is one listener. */
	onChange(listener: () => void): void {
		this.#listener = listener;
	}

	respond(request: ApiRequest): ApiResponse {
		const { storage } = this.#registry;
		const { revision } = storage;
		const response = respond(this.#registry, request, readSingleYaml);
		if (storage.revision !== revision) {
			this.#objects.collect();
			this.#listener();
		}
		return response;
	}

	/** Throws StatusError 404. */
	resource(apiVersion: string, kind: string): ServedResource {
		const found = this.#registry.catalogue.ofKind(apiVersion, kind);
		if (found !== undefined) return found;
		const { status } = noSuchResource();
		throw new StatusError(404, "NotFound", `no kind ${kind} in ${apiVersion}: ${status.message}`, {});
	}

	/** A request with a JSON body, or none, and the object that answers it. Throws StatusError. */
	call(method: string, path: string, search = "", body?: object, type = "application/json"): KubernetesObject {
		const headers = { "content-type": type, accept: "application/json", "user-agent": "podwire" };
		const bytes = body === undefined ? new Uint8Array() : encoder.encode(JSON.stringify(body));
		const response = this.checked({ method, url: path + search, headers, body: bytes });
		return JSON.parse(decoder.decode(response.body as Uint8Array)) as KubernetesObject;
	}

	/** Throws StatusError where the answer is one. */
	checked(request: ApiRequest): ApiResponse {
		const response = this.respond(request);
		if (response.code < 400 || isStream(response.body)) return response;
		const { code, reason, message, details, metadata } = JSON.parse(decoder.decode(response.body)) as Status;
		throw new StatusError(code, reason ?? "", message ?? "", details, metadata);
	}
}
