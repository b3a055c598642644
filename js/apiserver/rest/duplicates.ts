// Fields that a JSON text has twice, which a parser passes over: of two the later counts (sigs.k8s.io/json, UnmarshalStrict).

/** Upstream says no more of them than this. */
const MOST = 100;

/** Paths in the order of the text, `spec.containers[0].image`. `text` is JSON, not nested deeper than a caller can walk. */
export function duplicateFields(text: string): string[] {
	const found = new Set<string>();
	let at = 0;
	const skip = () => {
		while (" \t\r\n".includes(text[at] ?? "x")) at++;
	};
	const string = (): string => {
		const start = at++;
		while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
		at++;
		return JSON.parse(text.slice(start, at));
	};
	const members = (path: string): void => {
		const names = new Set<string>();
		for (at++, skip(); text[at] !== "}"; skip()) {
			const name = string();
			const place = path === "" ? name : `${path}.${name}`;
			if (names.has(name) && found.size < MOST) found.add(place);
			names.add(name);
			skip();
			at++;
			value(place);
			skip();
			if (text[at] === ",") at++;
		}
		at++;
	};
	const items = (path: string): void => {
		let index = 0;
		for (at++, skip(); text[at] !== "]"; skip()) {
			value(`${path}[${index++}]`);
			skip();
			if (text[at] === ",") at++;
		}
		at++;
	};
	const value = (path: string): void => {
		skip();
		if (text[at] === "{") members(path);
		else if (text[at] === "[") items(path);
		else if (text[at] === '"') string();
		else while (!",]} \t\r\n".includes(text[at] ?? ",")) at++;
	};
	value("");
	return [...found];
}
