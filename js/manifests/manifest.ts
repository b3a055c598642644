// One API object of a manifest and where it stood: later stages (allocation, scheduling) name its file and line too.

import type { KubernetesObject } from "../api/meta.ts";
import { type Document, locate, type Path, printPath } from "./document.ts";
import { ManifestError, type Position, printPosition } from "./error.ts";

export interface ManifestState {
	object: KubernetesObject;
	source: Position;
}

export class Manifest<T extends KubernetesObject = KubernetesObject> {
	readonly object: T;
	/** Position of the object's first key. */
	readonly source: Position;
	private readonly document: Document | null;
	private readonly offset: number;

	/** Without a document: `file`, or where the object stood when there was one. */
	constructor(object: T, document: Document | null, offset: number, file: string | Position) {
		this.object = object;
		this.document = document;
		this.offset = offset;
		const place = typeof file === "string" ? { file, line: 0, column: 0 } : file;
		this.source = document === null ? place : document.text.position(offset);
	}

	/** Without the text that it was read from. */
	get state(): ManifestState {
		return { object: this.object, source: this.source };
	}

	/** What is wrong with a field of it is told at the place of the object: where its fields stood is not known. */
	static of({ object, source }: ManifestState): Manifest {
		return new Manifest(object, null, 0, source);
	}

	/** `Service default/cart`, as messages name it. */
	get title(): string {
		// Errors name the object before it is known to be well formed.
		const { namespace, name, generateName } = this.object.metadata as Record<string, unknown>;
		const base = typeof generateName === "string" ? `${generateName}*` : "(no name)";
		const own = typeof name === "string" ? name : base;
		return `${this.object.kind} ${typeof namespace === "string" ? `${namespace}/${own}` : own}`;
	}

	/** Whether the object is a running cluster's: it has a uid and, where its kind has one, a status. */
	get observed(): boolean {
		const { kind, metadata, status } = this.object;
		if (metadata.uid === undefined || metadata.uid === "") return false;
		return STATUSLESS.has(kind) || (status !== undefined && status !== null);
	}

	position(path: Path, key = false): Position {
		if (this.document === null) return this.source;
		return this.document.text.position(locate(this.document, this.object, this.offset, path, key));
	}

	/** An error at a field of the object. */
	error(path: Path, detail: string, key = false): ManifestError {
		if (this.document === null) return new ManifestError(this.source, printPath(path), `${this.title}: ${detail}`);
		const at = locate(this.document, this.object, this.offset, path, key);
		return this.document.text.error(at, printPath(path), detail);
	}

	/** `file:line:column (Service default/cart)`. */
	where(path: Path = []): string {
		return `${printPosition(this.position(path))} (${this.title})`;
	}
}

/** Kinds without a status: their uid alone says that they were observed. */
const STATUSLESS = new Set(["Endpoints", "EndpointSlice", "ConfigMap"]);
