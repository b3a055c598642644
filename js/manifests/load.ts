// Manifests to API objects: texts are parsed, lists unwrapped, kinds checked. Nothing is half-loaded: with any error
// there are no objects. Kinds that are not modelled are kept and listed; those that can change a verdict say which
// pods they touch. Not done: kustomize, Helm templates, OpenAPI validation of the whole API.

import type { KubernetesObject } from "../api/meta.ts";
import { familyOf, parsePrefix } from "../net/address.ts";
import { nearestWord } from "../net/error.ts";
import {
	type Document,
	dropNulls,
	LIMITS,
	type Limits,
	locate,
	type Path,
	plain,
	printPath,
	Text,
} from "./document.ts";
import { ManifestError, type Position, quote } from "./error.ts";
import { METADATA } from "./fields.ts";
import { looksLikeJson, parseJson } from "./json.ts";
import { KINDS, type Kind, nameShape } from "./kinds.ts";
import { Manifest } from "./manifest.ts";
import { type NotEvaluated, notEvaluatedOf } from "./notevaluated.ts";
import { check, type Problem } from "./shape.ts";
import { parseYaml } from "./yaml.ts";

export interface LoadOptions {
	/** Duplicate keys are errors; default true. With false the last one wins, as in kubectl. */
	strict?: boolean;
	/** Namespace of objects that name none; default `default`. */
	namespace?: string;
	limits?: Partial<Limits>;
}

export interface Warning extends Position {
	path: string;
	message: string;
}

/** A kind that is not modelled, listed once. */
export interface Ignored {
	apiVersion: string;
	kind: string;
	count: number;
	/** Where the first one stands. */
	source: Position;
}

export interface Loaded {
	/** In the order of the input; unknown kinds among them. Empty where there are errors. */
	objects: Manifest[];
	warnings: Warning[];
	ignored: Ignored[];
	notEvaluated: NotEvaluated[];
	errors: ManifestError[];
}

export interface ManifestFile {
	name: string;
	text: string;
}

export function isFile(object: object): object is ManifestFile {
	return "text" in object && "name" in object && typeof object.text === "string";
}

/** Reads YAML and JSON texts. All errors of all files are collected, at most 50 a file. */
export function loadManifests(files: readonly ManifestFile[], options: LoadOptions = {}): Loaded {
	const loader = new Loader(options);
	for (const file of files) loader.file(file);
	return loader.result();
}

/** Checks objects that a program made. `name` stands for the file in messages: `name[3]`. */
export function loadObjects(objects: readonly unknown[], name = "objects", options: LoadOptions = {}): Loaded {
	const loader = new Loader(options);
	objects.forEach((object, index) => {
		loader.value(plain(object), null, `${name}[${index}]`);
	});
	return loader.result();
}

class Loader {
	private readonly options: LoadOptions;
	private readonly limits: Limits;
	private readonly objects: Manifest[] = [];
	private readonly warnings: Warning[] = [];
	private readonly errors: ManifestError[] = [];
	private readonly ignored = new Map<string, Ignored>();
	private readonly notEvaluated: NotEvaluated[] = [];
	/** Errors of the file that is being read. */
	private fileErrors: ManifestError[] = [];

	constructor(options: LoadOptions) {
		this.options = options;
		this.limits = { ...LIMITS, ...options.limits };
	}

	file({ name, text: content }: ManifestFile): void {
		this.fileErrors = [];
		const text = new Text(name, content.startsWith("\ufeff") ? content.slice(1) : content);
		const refusal = this.refuse(text);
		if (refusal !== null) {
			this.errors.push(refusal);
			return;
		}
		const { documents, errors } = this.parse(text);
		this.fileErrors.push(...(text.text.includes("{{") ? errors.map(hinted) : errors));
		for (const document of documents) this.value(document.root, document, name);
		this.errors.push(...this.fileErrors.slice(0, this.limits.errorsMax));
		const more = this.fileErrors.length - this.limits.errorsMax;
		if (more > 0)
			this.errors.push(new ManifestError({ file: name, line: 0, column: 0 }, "", `${more} more errors are not shown`));
		this.fileErrors = [];
	}

	/** A text that no parser should see. */
	private refuse(text: Text): ManifestError | null {
		if (text.text.length > this.limits.fileCharsMax) {
			return new ManifestError(
				{ file: text.file, line: 0, column: 0 },
				"",
				`larger than ${this.limits.fileCharsMax} characters`,
			);
		}
		const zero = text.text.indexOf("\0");
		return zero < 0 ? null : text.error(zero, "", "a NUL character: this is no YAML or JSON text");
	}

	private parse(text: Text): { documents: Document[]; errors: ManifestError[] } {
		const options = { limits: this.limits, strict: this.options.strict ?? true };
		if (!looksLikeJson(text.text)) return parseYaml(text, options);
		const json = parseJson(text, options);
		if (json.errors.length === 0) return json;
		// `{a: b}` is YAML though it begins like JSON.
		const yaml = parseYaml(text, options);
		return yaml.errors.length === 0 ? yaml : json;
	}

	/** One document, or one object of a program. */
	value(root: unknown, document: Document | null, file: string): void {
		const offset = document?.offset ?? 0;
		if (root === null || root === undefined) return;
		if (!isMap(root)) {
			this.fail(document, file, offset, [], `expected an object with apiVersion and kind, got ${quote(root)}`);
			return;
		}
		if (Array.isArray(root.items) && typeof root.kind === "string" && root.kind.endsWith("List")) {
			this.list(root, document, file, offset);
		} else this.object(root, document, file, offset);
		if (document === null) {
			this.errors.push(...this.fileErrors);
			this.fileErrors = [];
		}
	}

	/** A v1 List, or `PodList` and the like, whose items need not repeat kind and apiVersion. */
	private list(root: Record<string, unknown>, document: Document | null, file: string, offset: number): void {
		const kind = String(root.kind).slice(0, -"List".length);
		(root.items as unknown[]).forEach((item, index) => {
			const at = document === null ? 0 : locate(document, root, offset, ["items", index]);
			if (!isMap(item)) {
				this.fail(document, file, at, ["items", index], `expected an object, got ${quote(item)}`);
				return;
			}
			if (kind !== "") {
				item.kind ??= kind;
				item.apiVersion ??= root.apiVersion;
			}
			this.object(item, document, file, at);
		});
	}

	private fail(document: Document | null, file: string, offset: number, path: Path, detail: string): void {
		const position = { file, line: 0, column: 0 };
		const error =
			document === null
				? new ManifestError(position, printPath(path), detail)
				: document.text.error(offset, printPath(path), detail);
		this.fileErrors.push(error);
	}

	private object(root: Record<string, unknown>, document: Document | null, file: string, offset: number): void {
		for (const field of ["apiVersion", "kind"] as const) {
			if (typeof root[field] !== "string" || root[field] === "") {
				const at = document === null ? 0 : locate(document, root, offset, [field]);
				const near = nearestWord(field, Object.keys(root));
				const hint = near === null || near === field ? "" : `; is ${quote(near)} meant?`;
				this.fail(
					document,
					file,
					at,
					[field],
					root[field] === undefined ? `required${hint}` : `must be a string, got ${quote(root[field])}`,
				);
				return;
			}
		}
		if (root.metadata === undefined || root.metadata === null) root.metadata = Object.create(null);
		const manifest = new Manifest(root as unknown as KubernetesObject, document, offset, file);
		const kind = this.kindOf(manifest);
		if (kind === null) return;
		if (kind === "unknown") this.unknown(manifest);
		else this.known(manifest, kind);
	}

	/** The kind's description; `unknown` where it is not modelled; null where it is wrong. */
	private kindOf(manifest: Manifest): Kind | "unknown" | null {
		const { apiVersion, kind } = manifest.object;
		const exact = KINDS.find((entry) => entry.kind === kind && entry.apiVersion === apiVersion);
		if (exact !== undefined) return exact;
		const other = KINDS.find(
			(entry) =>
				entry.kind === kind &&
				(entry.removed.includes(apiVersion) || groupOf(entry.apiVersion) === groupOf(apiVersion)),
		);
		if (other === undefined) return "unknown";
		this.fileErrors.push(
			manifest.error(["apiVersion"], `no ${kind} in ${quote(apiVersion)}; expected ${other.apiVersion}`),
		);
		return null;
	}

	private unknown(manifest: Manifest): void {
		const { apiVersion, kind } = manifest.object;
		const before = this.fileErrors.length;
		check(METADATA, manifest.object.metadata, ["metadata"], (problem) => this.report(manifest, problem));
		if (this.fileErrors.length > before) return;
		dropNulls(manifest.object.metadata);
		this.objects.push(manifest);
		const policy = notEvaluatedOf(manifest, this.options.namespace ?? "default");
		if (policy === "ineffective") return;
		if (policy !== null) {
			this.notEvaluated.push(policy);
			return;
		}
		const entry = this.ignored.get(`${apiVersion} ${kind}`);
		if (entry !== undefined) {
			entry.count++;
			return;
		}
		this.ignored.set(`${apiVersion} ${kind}`, { apiVersion, kind, count: 1, source: manifest.source });
		this.suggest(manifest);
	}

	/** A kind that looks like a misspelt one of the same group. */
	private suggest(manifest: Manifest): void {
		const { apiVersion, kind } = manifest.object;
		if (UNMODELLED.has(kind)) return;
		const group = KINDS.filter((entry) => groupOf(entry.apiVersion) === groupOf(apiVersion)).map((entry) => entry.kind);
		const near = nearestWord(kind, group);
		if (near !== null) this.warn(manifest, ["kind"], `unknown kind ${quote(kind)}, ignored; did you mean ${near}?`);
		else if (kind === "Kustomization")
			this.warn(manifest, ["kind"], "kustomize is not run: pass the output of kubectl kustomize");
	}

	private warn(manifest: Manifest, path: Path, message: string, key = false): void {
		this.warnings.push({ ...manifest.position(path, key), path: printPath(path), message });
	}

	private known(manifest: Manifest, kind: Kind): void {
		const before = this.fileErrors.length;
		const report = (problem: Problem): void => this.report(manifest, problem);
		const { metadata } = manifest.object;
		if (kind.namespaced && isMap(metadata)) metadata.namespace ??= this.options.namespace ?? "default";
		check(kind.shape, manifest.object, [], report);
		if (this.fileErrors.length > before) return;
		dropNulls(manifest.object);
		this.identity(manifest, kind, report);
		kind.rules(manifest.object, report);
		if (this.fileErrors.length === before) this.objects.push(manifest);
	}

	/** The name; a namespace where there is none to be in. */
	private identity(manifest: Manifest, kind: Kind, report: (problem: Problem) => void): void {
		const { metadata } = manifest.object;
		if (metadata.name !== undefined && metadata.name !== null)
			check(nameShape(kind.kind), metadata.name, ["metadata", "name"], report);
		else if (metadata.generateName === undefined)
			report({ severity: "error", path: ["metadata", "name"], message: "required" });
		if (!kind.namespaced && metadata.namespace !== undefined) {
			report({
				severity: "warning",
				path: ["metadata", "namespace"],
				message: `a ${kind.kind} has no namespace, ignored`,
			});
			delete metadata.namespace;
		}
	}

	private report(manifest: Manifest, { severity, path, message, atKey }: Problem): void {
		if (severity === "warning") this.warn(manifest, path, message, atKey);
		else if (manifest.observed && readDecimal(manifest.object, path)) {
			this.warn(manifest, path, "leading zeros, read as decimal; a new object with them is refused");
		} else this.fileErrors.push(manifest.error(path, message, atKey));
	}

	result(): Loaded {
		const failed = this.errors.length > 0;
		return {
			objects: failed ? [] : this.objects,
			warnings: this.warnings,
			ignored: [...this.ignored.values()],
			notEvaluated: failed ? [] : this.notEvaluated,
			errors: this.errors,
		};
	}
}

/** Common kinds that are not modelled and are nobody's misspelling. */
const UNMODELLED = new Set([
	"Secret",
	"ServiceAccount",
	"Event",
	"PersistentVolume",
	"PersistentVolumeClaim",
	"LimitRange",
	"ResourceQuota",
	"ReplicationController",
	"ControllerRevision",
	"PodTemplate",
]);

function isMap(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function groupOf(apiVersion: string): string {
	const slash = apiVersion.indexOf("/");
	return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/**
 * Objects that were stored long ago may hold addresses with leading zeros, which their cluster reads as decimal.
 * Rewrites the one at `path`; false where that is not what is wrong with it.
 */
function readDecimal(object: unknown, path: Path): boolean {
	let container: unknown = object;
	for (const step of path.slice(0, -1))
		container = isMap(container) || Array.isArray(container) ? (container as Record<string, unknown>)[step] : undefined;
	const last = path[path.length - 1];
	if (typeof container !== "object" || container === null || last === undefined) return false;
	const text = (container as Record<string, unknown>)[last];
	if (typeof text !== "string") return false;
	const decimal = text.replace(/(^|[./])0+(?=[0-9])/g, "$1");
	if (decimal === text || (familyOf(decimal) === null && parsePrefix(decimal) === null)) return false;
	(container as Record<string, unknown>)[last] = decimal;
	return true;
}

/** A Helm template is no YAML. */
function hinted(error: ManifestError): ManifestError {
	return new ManifestError(
		error,
		error.path,
		`${error.detail} (a Helm template? render it with "helm template" first)`,
		error.excerpt,
	);
}
