// The benchmarks in a page: a button, a row a figure; `?only=NAME` starts at once, and `window.figures` is what was measured.

import { type Figure, measure, type Samples, type Subject, sampled } from "../figure.ts";
import { short } from "../results.ts";
import { SAMPLED, SUBJECTS } from "../subjects.ts";

declare global {
	interface Window {
		figures: Figure[];
		done: boolean;
	}
}

const all: readonly (Subject | Samples)[] = [...SUBJECTS, ...SAMPLED];
const asked = new URLSearchParams(location.search).getAll("only");
const [table, choice, button] = ["tbody", "select", "button"].map(
	(name) => document.querySelector(name) as HTMLElement,
);

window.figures = [];
window.done = false;
for (const { name } of all) (choice as HTMLSelectElement).add(new Option(name));
button?.addEventListener("click", () => {
	const { value } = choice as HTMLSelectElement;
	void run(all.filter(({ name }) => value === "" || name === value));
});
if (asked.length > 0) void run(all.filter(({ name }) => asked.includes(name) || asked.includes("all")));

async function run(subjects: readonly (Subject | Samples)[]): Promise<void> {
	(button as HTMLButtonElement).disabled = true;
	for (const subject of subjects) {
		const row = document.createElement("tr");
		table?.append(row);
		cells(row, [subject.name, "…"]);
		// Let the page paint before it is busy.
		await new Promise((resolve) => setTimeout(resolve, 50));
		try {
			const figure = await ("samples" in subject ? sampled(subject) : measure(subject));
			window.figures.push(figure);
			const { unit, median, best, baseline, ratio } = figure;
			const beside = [baseline, ratio].map((value) => (value === null ? "–" : short(value)));
			cells(row, [subject.name, unit, short(median), short(best), ...beside]);
		} catch (error) {
			cells(row, [subject.name, "–", String(error)]);
		}
	}
	(button as HTMLButtonElement).disabled = false;
	window.done = true;
}

function cells(row: HTMLElement, texts: readonly string[]): void {
	row.replaceChildren(
		...texts.map((text) => {
			const cell = document.createElement("td");
			cell.textContent = text;
			return cell;
		}),
	);
}
