// `podwire get -w`: what there is, then every change as it comes, printed as kubectl prints it: rows of a table that goes on, or
// one object after the other (kubectl's pkg/cmd/get/get.go: watch, skip_printer.go).

import type { KubernetesObject, ListMeta } from "../../api/meta.ts";
import { NO, type Status, UsageError, YES } from "../status.ts";
import type { Terminal } from "../terminal.ts";
import { type Api, Asking, checkWords, type ObjectsRequest, pathOf, selection, TABLES } from "./asking.ts";
import { type CustomColumn, customRows, Layout, parseCustomColumns, type Table, tableRows } from "./columns.ts";
import { formatted, isShownWhole, withoutManagedFields } from "./format.ts";
import { marshalJson } from "./goformat.ts";
import { type Target, targetsOf } from "./resources.ts";

export interface WatchRequest extends ObjectsRequest {
	/** Changes alone, not what there is at the beginning. */
	watchOnly: boolean;
	/** Each change with its type. */
	watchEvents: boolean;
}

/** An API whose watches can be followed. */
export interface WatchableApi extends Api {
	/** Lines of a response, until the server ends it or the signal is aborted. Throws where it is refused. */
	lines(url: string, accept: string, signal: AbortSignal): AsyncIterable<string>;
}

/** The longest type's. */
const EVENT_WIDTH = "MODIFIED".length;

interface Event {
	type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
	object: unknown;
}

/** Prints until the server ends the watch or the terminal's signal is aborted. Throws UsageError, JsonPathError. */
export async function watchObjects(api: WatchableApi, request: WatchRequest, terminal: Terminal): Promise<Status> {
	checkWords(request);
	const targets = await targetsOf(api, request.words);
	const [target] = targets;
	if (new Set(targets.map(({ resource }) => `${resource.plural}.${resource.group}`)).size > 1 || target === undefined)
		throw new UsageError("you may only specify a single resource type");
	if (request.sortBy !== null)
		terminal.say("warning: --watch requested, --sort-by will be ignored for watch events received");
	const printer = request.output === "text" || request.output === "wide" ? new Rows(request) : new Objects(request);
	const asking = new Asking(api, request);
	const answers = await asking.all<Found>(targets, printer.accept);
	for (const line of asking.errors) terminal.say(line);
	if (asking.errors.length > 0) return NO;
	if (!request.watchOnly)
		await terminal.print(printer.printed(answers.flatMap(({ value }) => printer.parts(value)).map(added)));
	if (targets.length > 1) {
		terminal.say("error: you may only watch a single resource or type of resource at a time");
		return NO;
	}
	return follow(api, request, target, answers[0]?.value as Found, printer, terminal);
}

interface Found {
	metadata: ListMeta;
}

const added = (object: unknown): Event => ({ type: "ADDED", object });

async function follow(
	api: WatchableApi,
	request: WatchRequest,
	{ resource, name }: Target,
	found: Found,
	printer: Printer,
	terminal: Terminal,
): Promise<Status> {
	const query = selection(request);
	if (name !== null) query.set("fieldSelector", `metadata.name=${name}`);
	// Of one object the watch tells first how it is, which was printed.
	query.set("resourceVersion", name === null ? (found.metadata.resourceVersion ?? "0") : "0");
	query.set("watch", "true");
	let isKnown = name !== null;
	for await (const line of api.lines(`${pathOf(request, resource, null)}?${query}`, printer.accept, terminal.signal)) {
		const event = JSON.parse(line) as Event;
		if (event.type === "BOOKMARK") continue;
		if (event.type === "ERROR") {
			const { reason, message } = event.object as { reason?: string; message?: string };
			terminal.say(`Error from server (${reason}): ${message}`);
			return NO;
		}
		if (!isKnown) await terminal.print(printer.printed([event]));
		isKnown = false;
	}
	return YES;
}

interface Printer {
	/** The media type that it prints. */
	readonly accept: string;
	/** What of an answer is printed as one. */
	parts(found: Found): unknown[];
	printed(events: readonly Event[]): string;
}

/** Tables of the server's, one going on after the other. */
class Rows implements Printer {
	readonly accept = TABLES;
	readonly #request: WatchRequest;
	readonly #layout = new Layout();
	/** A server may name the columns once. */
	#columns: Table["columnDefinitions"] = [];
	#begun = false;

	constructor(request: WatchRequest) {
		this.#request = request;
	}

	parts(found: Found): unknown[] {
		return [found];
	}

	printed(events: readonly Event[]): string {
		const { output, allNamespaces, headers, labels, labelColumns, watchEvents } = this.#request;
		const lines = events.flatMap(({ type, object }) => {
			const { columnDefinitions = [], rows } = object as Table;
			if (columnDefinitions.length > 0) this.#columns = columnDefinitions;
			const options = { wide: output === "wide", labels, labelColumns, kind: null, namespace: allNamespaces };
			const withHeader = headers && !this.#begun;
			const table = { columnDefinitions: this.#columns, rows: rows ?? [] };
			const texts = tableRows(table, { ...options, headers: withHeader });
			if (texts.length > 0) this.#begun = true;
			if (!watchEvents) return texts;
			return texts.map((cells, i) => [withHeader && i === 0 ? "EVENT" : type.padEnd(EVENT_WIDTH), ...cells]);
		});
		return this.#layout.rows(lines);
	}
}

interface List extends Found {
	apiVersion: string;
	kind: string;
	items?: KubernetesObject[];
}

/** Whole objects, in any other format. */
class Objects implements Printer {
	readonly accept = "application/json";
	readonly #request: WatchRequest;
	readonly #layout = new Layout();
	readonly #columns: CustomColumn[] | null;
	#begun = false;

	constructor(request: WatchRequest) {
		this.#request = request;
		const spec = /^custom-columns=(.*)$/s.exec(request.output);
		this.#columns = spec === null ? null : parseCustomColumns(spec[1] ?? "");
	}

	// Items of a list name no kind: the list does.
	parts(found: Found): unknown[] {
		const { apiVersion, kind, items } = found as List;
		return items?.map((item) => ({ ...item, apiVersion, kind: kind.replace(/List$/, "") })) ?? [found];
	}

	printed(events: readonly Event[]): string {
		if (this.#columns !== null) return this.#rows(this.#columns, events);
		return events.map((event) => this.#text(event)).join("");
	}

	#rows(columns: CustomColumn[], events: readonly Event[]): string {
		if (events.length === 0) return "";
		const withHeader = this.#request.headers && !this.#begun;
		this.#begun = true;
		return this.#layout.rows(customRows(columns, events.map(this.#shown), withHeader));
	}

	#text(event: Event): string {
		const { output, watchEvents } = this.#request;
		const separator = output === "yaml" && this.#begun ? "---\n" : "";
		this.#begun = true;
		// As Go has it: a struct's fields in their order, on one line.
		if (watchEvents && output === "json")
			return `{"type":${marshalJson(event.type)},"object":${marshalJson(event.object)}}\n`;
		const object = output === "name" ? (event.object as object) : this.#shown(event);
		return separator + formatted(this.#request, [object as KubernetesObject], object);
	}

	readonly #shown = ({ type, object }: Event): object => {
		if (this.#request.watchEvents) return { type, object };
		const whole = object as KubernetesObject;
		return isShownWhole(this.#request) ? whole : withoutManagedFields(whole);
	};
}
