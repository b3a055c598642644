// The API as a function from request to response (k8s.io/apiserver/pkg/endpoints/installer.go, handlers/*). No sockets, no
// promises: `js/serve` puts HTTP around it.

import { decode } from "../decode.ts";
import type { Json } from "../patch/json.ts";
import { APPLY_PATCH, apply } from "../registry/apply.ts";
import { create } from "../registry/create.ts";
import { remove } from "../registry/delete.ts";
import { evict } from "../registry/eviction.ts";
import { type ListOptions, list } from "../registry/list.ts";
import { checkRevisionOptions, parsedRevision, revisionOf } from "../registry/listoptions.ts";
import { finalize } from "../registry/namespace.ts";
import { patch, patched } from "../registry/patch.ts";
import { bind } from "../registry/pod.ts";
import { put } from "../registry/put.ts";
import { type DeleteOptions, type Registry, type Subject, stored, type WriteOptions } from "../registry/request.ts";
import { readScale, writeScale } from "../registry/scale.ts";
import { update } from "../registry/update.ts";
import { badRequest, methodNotAllowed, noSuchResource, notFound, StatusError } from "../status.ts";
import { parseAccept } from "./accept.ts";
import { Body, type ReadYaml } from "./body.ts";
import { discovery } from "./discovery.ts";
import { type ApiRequest, type ApiResponse, failure, json, text } from "./message.ts";
import { openapi } from "./openapi.ts";
import { parseResourcePath, type ResourcePath } from "./path.ts";
import { formOf, type Included, type Representation, showList, showObject } from "./represent.ts";
import { review } from "./review.ts";
import { unpatchable } from "./unpatchable.ts";
import { type WatchOptions, watch } from "./watch.ts";

const DELETE_OPTIONS = { version: "v1", kind: "DeleteOptions", type: "meta.v1.DeleteOptions" };
const SCALE = { version: "v1", kind: "Scale", type: "autoscaling.v1.Scale" };

/** `yaml` reads bodies in YAML, which are not accepted without it. */
export function respond(registry: Registry, request: ApiRequest, yaml?: ReadYaml): ApiResponse {
	try {
		const url = new URL(request.url, "http://kubernetes");
		return beside(registry, request, url) ?? onResource(registry, request, url, yaml);
	} catch (error) {
		if (error instanceof StatusError) return failure(error);
		if (error instanceof URIError) return failure(badRequest("the path is badly escaped"));
		throw error;
	}
}

/** Everything that is no resource. */
function beside({ catalogue }: Registry, { method, headers }: ApiRequest, { pathname }: URL): ApiResponse | undefined {
	if (method !== "GET" && method !== "HEAD") return undefined;
	switch (pathname) {
		case "/healthz":
		case "/livez":
		case "/readyz":
			return text(200, "ok");
		case "/version":
			return json(200, version(catalogue.schema.release));
		default:
			return (
				discovery(catalogue, pathname, parseAccept(headers.accept)) ??
				openapi(catalogue, pathname, parseAccept(headers.accept))
			);
	}
}

function version(release: string): object {
	const [major, minor] = release.split(".");
	return { major, minor, gitVersion: `v${release}.0+podwire`, platform: "wasm" };
}

function onResource(registry: Registry, request: ApiRequest, url: URL, yaml: ReadYaml | undefined): ApiResponse {
	const path = parseResourcePath(registry.catalogue, url.pathname);
	if (path === undefined) throw noSuchResource();
	const call = new Call(registry, request, url, path, yaml);
	const { name, subresource } = path;
	if (subresource !== undefined) return call.subresource(subresource);
	if (name === undefined) return call.onCollection();
	return call.onObject(name);
}

class Call {
	readonly #registry: Registry;
	readonly #request: ApiRequest;
	readonly #query: URLSearchParams;
	readonly #path: ResourcePath;
	readonly #body: Body;
	readonly #warnings: string[] = [];

	constructor(registry: Registry, request: ApiRequest, url: URL, path: ResourcePath, yaml: ReadYaml | undefined) {
		this.#registry = registry;
		this.#request = request;
		this.#query = url.searchParams;
		this.#path = path;
		this.#body = new Body(request, yaml, this.#query.get("fieldValidation") === "Strict");
	}

	get #subject(): Subject {
		const { resource, namespace = "", name = "" } = this.#path;
		return { resource, namespace, name };
	}

	onCollection(): ApiResponse {
		const { resource, watch: watches } = this.#path;
		this.#allow({ GET: "list", POST: "create", DELETE: "deletecollection" });
		switch (this.#request.method) {
			case "POST":
				return this.#create();
			case "DELETE":
				return this.#deleteCollection();
			default: {
				const options = this.#listOptions();
				if (watches || this.#flag("watch")) return this.#watch(options);
				if (this.#query.has("sendInitialEvents")) options.sendInitialEvents = this.#flag("sendInitialEvents");
				const found = list(this.#registry, resource, options);
				return json(200, showList(resource, found, this.#representation()));
			}
		}
	}

	onObject(name: string): ApiResponse {
		const { resource, watch: watches } = this.#path;
		this.#allow({ GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" });
		switch (this.#request.method) {
			case "PUT": {
				const { object, created } = put(this.#registry, this.#subject, this.#decoded(), this.#writeOptions());
				return this.#shown(object, created ? 201 : 200);
			}
			case "PATCH":
				return this.#patch(false);
			case "DELETE":
				return this.#delete();
			default: {
				if (watches || this.#flag("watch"))
					return this.#watch({ ...this.#listOptions(), fieldSelector: `metadata.name=${name}` });
				revisionOf(this.#listOptions(), 0, this.#registry.storage.revision);
				const object = stored(this.#registry, this.#subject);
				if (object === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
				return this.#shown(object);
			}
		}
	}

	subresource(subresource: string): ApiResponse {
		const { resource, name = "" } = this.#path;
		const known = Object.hasOwn(resource.subresources, subresource) ? resource.subresources[subresource] : undefined;
		if (known === undefined) throw noSuchResource();
		if (subresource === "scale") return this.#scale();
		if (resource.name === "namespaces" && subresource === "finalize" && this.#request.method === "PUT")
			return this.#shown(finalize(this.#registry, this.#subject, this.#decoded(), this.#writeOptions()));
		if (resource.name === "pods" && (subresource === "binding" || subresource === "eviction"))
			return this.#beneathPod(subresource, known);
		if (subresource !== "status")
			throw new StatusError(501, "NotImplemented", `${resource.plural}/${subresource} is not served by podwire`, {
				name,
				kind: resource.plural,
			});
		switch (this.#request.method) {
			case "GET": {
				const object = stored(this.#registry, this.#subject);
				if (object === undefined) throw notFound({ group: resource.group, resource: resource.plural }, name);
				return this.#shown(object);
			}
			case "PUT": {
				const options = { ...this.#writeOptions(), status: true };
				return this.#shown(update(this.#registry, this.#subject, this.#decoded(), options));
			}
			case "PATCH":
				return this.#patch(true);
			default:
				throw methodNotAllowed();
		}
	}

	#scale(): ApiResponse {
		const { method } = this.#request;
		const current = readScale(this.#registry, this.#subject);
		if (method === "GET") return json(200, current);
		const options = this.#writeOptions();
		if (method === "PUT") return json(200, writeScale(this.#registry, this.#subject, this.#decodedAs(SCALE), options));
		if (method !== "PATCH") throw methodNotAllowed();
		const { schema } = this.#registry.catalogue;
		const wanted = patched(schema, SCALE.type, this.#body.type, current, this.#body.patch(SCALE.kind));
		const { object } = decode(schema, SCALE, wanted);
		return json(200, writeScale(this.#registry, this.#subject, object, options));
	}

	#beneathPod(subresource: "binding" | "eviction", kind: { version: string; kind: string }): ApiResponse {
		if (this.#request.method !== "POST") throw methodNotAllowed();
		const type = subresource === "binding" ? "core.v1.Binding" : "policy.v1.Eviction";
		const object = this.#decodedAs({ ...kind, type });
		const post = subresource === "binding" ? bind : evict;
		post(this.#registry, this.#subject, object, this.#writeOptions());
		return json(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
	}

	#decodedAs(kind: { version: string; kind: string; type: string }): ReturnType<typeof decode>["object"] {
		const { schema } = this.#registry.catalogue;
		return decode(schema, kind, this.#body.object(schema, kind)).object;
	}

	#allow(verbs: Readonly<Record<string, string>>): void {
		const method = this.#request.method === "HEAD" ? "GET" : this.#request.method;
		const verb = Object.hasOwn(verbs, method) ? verbs[method] : undefined;
		if (verb === undefined || !this.#path.resource.verbs.includes(verb)) throw methodNotAllowed();
	}

	#create(): ApiResponse {
		const { resource, namespace } = this.#path;
		if (resource.namespaced && namespace === undefined) throw methodNotAllowed();
		const object = this.#decoded();
		const reviewed = review(resource, object);
		if (reviewed !== undefined) return json(201, reviewed);
		const given = object.metadata.namespace;
		if (given !== undefined && given !== "" && given !== (namespace ?? ""))
			throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
		const placed = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
		return this.#shown(create(this.#registry, resource, placed, this.#writeOptions()), 201);
	}

	#patch(status: boolean): ApiResponse {
		const { type } = this.#body;
		const body = this.#body.patch(this.#path.resource.kind);
		const check = (unknown: readonly string[], made?: Json) => {
			if (made === undefined) this.#checkFields(unknown);
			else this.#checkFields(unknown, (said) => unpatchable(type, body, made, said));
		};
		const options = { ...this.#writeOptions(), status, check };
		if (type === APPLY_PATCH) {
			const { fieldManager: _, ...rest } = options;
			const asked = this.#query.get("fieldManager");
			const named = asked ? { ...rest, fieldManager: asked } : rest;
			const force = this.#flag("force");
			const { object, created } = apply(this.#registry, this.#subject, body, { ...named, force });
			return this.#shown(object, created ? 201 : 200);
		}
		return this.#shown(patch(this.#registry, this.#subject, type, body, options));
	}

	#delete(): ApiResponse {
		const { resource, name = "" } = this.#path;
		const { object, gone } = remove(this.#registry, this.#subject, this.#deleteOptions());
		if (!gone || this.#registry.strategy(resource).returnsDeleted === true) return this.#shown(object);
		const { group } = resource;
		const details = { name, ...(group === "" ? {} : { group }), kind: resource.plural, uid: object.metadata.uid };
		return json(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
	}

	#deleteCollection(): ApiResponse {
		const { resource } = this.#path;
		const options = this.#deleteOptions();
		const found = list(this.#registry, resource, this.#listOptions());
		for (const { metadata } of found.items) {
			const subject = { resource, namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
			remove(this.#registry, subject, options);
		}
		return json(200, showList(resource, found, this.#representation()));
	}

	#watch(options: ListOptions): ApiResponse {
		const { resource } = this.#path;
		const asked: WatchOptions = { ...options };
		if (asked.resourceVersion !== undefined) parsedRevision(asked.resourceVersion);
		const seconds = this.#number("timeoutSeconds");
		// One that is over before it begins ends at once.
		if (seconds !== undefined && seconds !== 0) asked.timeoutSeconds = seconds;
		if (this.#query.has("allowWatchBookmarks")) asked.allowWatchBookmarks = this.#flag("allowWatchBookmarks");
		if (this.#query.has("sendInitialEvents")) asked.sendInitialEvents = this.#flag("sendInitialEvents");
		checkRevisionOptions(asked, true);
		const as = this.#representation();
		const shown = (object: Parameters<typeof showObject>[1]) =>
			showObject(resource, object, { ...as, now: this.#registry.clock.now() });
		const body = watch(this.#registry, resource, asked, shown);
		return { code: 200, headers: { "content-type": "application/json", "cache-control": "no-cache, private" }, body };
	}

	#shown(object: Parameters<typeof showObject>[1], code = 200): ApiResponse {
		const warning: Record<string, string> = {};
		if (this.#warnings.length > 0)
			warning.warning = this.#warnings.map((message) => `299 - ${JSON.stringify(message)}`).join(", ");
		return json(code, showObject(this.#path.resource, object, this.#representation()), warning);
	}

	#representation(): Representation {
		const form = formOf(parseAccept(this.#request.headers.accept));
		if (form === undefined)
			throw new StatusError(
				406,
				"NotAcceptable",
				"only the following media types are accepted: application/json, application/json;as=Table;g=meta.k8s.io;v=v1",
			);
		const included = (this.#query.get("includeObject") ?? "Metadata") as Included;
		return { form, included, now: this.#registry.clock.now() };
	}

	#listOptions(): ListOptions {
		const { namespace } = this.#path;
		const options: ListOptions = namespace === undefined ? {} : { namespace };
		const texts = ["labelSelector", "fieldSelector", "continue", "resourceVersion", "resourceVersionMatch"] as const;
		for (const name of texts) {
			const value = this.#query.get(name);
			if (value) options[name] = value;
		}
		const limit = this.#number("limit");
		if (limit !== undefined && limit > 0) options.limit = limit;
		return options;
	}

	#writeOptions(): WriteOptions {
		const dryRun = this.#query.getAll("dryRun");
		if (dryRun.some((value) => value !== "All" && value !== ""))
			throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`);
		// Who names no manager is known by its program: `kubectl/v1.35.2 (linux/amd64) …`.
		const [program = ""] = (this.#request.headers["user-agent"] ?? "").split("/");
		const fieldManager = this.#query.get("fieldManager") || program || "unknown";
		return { dryRun: dryRun.includes("All"), fieldManager };
	}

	/** In the query, or as the request's body. */
	#deleteOptions(): DeleteOptions {
		const options: DeleteOptions = this.#writeOptions();
		const { schema } = this.#registry.catalogue;
		const given = this.#body.isEmpty ? {} : this.#body.object(schema, DELETE_OPTIONS);
		const body = decode(schema, DELETE_OPTIONS, given).object as unknown as Record<string, unknown>;
		if ((body.kind ?? "DeleteOptions") !== "DeleteOptions")
			throw badRequest("decoded object cannot be converted to DeleteOptions");
		const grace = this.#number("gracePeriodSeconds") ?? body.gracePeriodSeconds;
		if (typeof grace === "number") options.gracePeriodSeconds = grace;
		const orphans =
			body.orphanDependents ?? (this.#query.has("orphanDependents") ? this.#flag("orphanDependents") : undefined);
		const policy = this.#query.get("propagationPolicy") ?? body.propagationPolicy;
		if (policy) options.propagationPolicy = String(policy) as NonNullable<DeleteOptions["propagationPolicy"]>;
		else if (orphans !== undefined) options.propagationPolicy = orphans === true ? "Orphan" : "Background";
		if (body.preconditions) options.preconditions = body.preconditions as NonNullable<DeleteOptions["preconditions"]>;
		if (Array.isArray(body.dryRun) && body.dryRun.includes("All")) options.dryRun = true;
		return options;
	}

	#flag(name: string): boolean {
		const value = this.#query.get(name);
		return value === "1" || value === "true" || value === "";
	}

	#number(name: string): number | undefined {
		const value = this.#query.get(name);
		if (value === null || value === "") return undefined;
		if (!/^[+-]?\d+$/.test(value))
			throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
		return Number(value);
	}

	#decoded(): ReturnType<typeof decode>["object"] {
		const { resource } = this.#path;
		const { schema } = this.#registry.catalogue;
		const body = this.#body.object(schema, resource);
		const { apiVersion, kind } = body as { apiVersion?: unknown; kind?: unknown };
		if ((apiVersion ?? resource.apiVersion) !== resource.apiVersion || (kind ?? resource.kind) !== resource.kind)
			throw badRequest(
				`${String(kind)} in version ${JSON.stringify(String(apiVersion))} cannot be handled as a ${resource.kind}: the API version or the kind in the data does not match the expected ones (${resource.apiVersion}, ${resource.kind})`,
			);
		const { object, unknown } = decode(schema, resource, body);
		this.#checkFields(unknown);
		return object;
	}

	/** `fieldValidation`: Strict refuses, Warn tells, Ignore drops. */
	#checkFields(unknown: readonly string[], refused = (said: string) => this.#unreadable(said)): void {
		const how = this.#query.get("fieldValidation") ?? "Warn";
		if (how === "Ignore") return;
		const said = [...this.#body.oddities, ...unknown.map((path) => `unknown field "${path}"`)];
		if (said.length === 0) return;
		if (how === "Warn") {
			this.#warnings.push(...said);
			return;
		}
		throw refused(`strict decoding error: ${said.join(", ")}`);
	}

	#unreadable(why: string): StatusError {
		const { kind, version } = this.#path.resource;
		return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
	}
}
