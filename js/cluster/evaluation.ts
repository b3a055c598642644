// What could change a verdict and is not evaluated: objects of policy kinds, each for the pods that it touches, and data
// planes that are not kube-proxy's iptables rules, for every packet.

import type { Namespace, Pod } from "../api/core.ts";
import type { KubernetesObject } from "../api/meta.ts";
import { type NotEvaluated, touches } from "../manifests/notevaluated.ts";

export interface ForeignDataPlane {
	name: string;
	source: string;
}

export interface EvaluationState {
	objects: readonly NotEvaluated[];
	foreign: readonly ForeignDataPlane[];
}

export class Evaluation {
	readonly #objects: readonly NotEvaluated[];
	readonly #foreign: readonly ForeignDataPlane[];

	constructor(objects: readonly NotEvaluated[], foreign: readonly ForeignDataPlane[]) {
		this.#objects = objects;
		this.#foreign = foreign;
	}

	get state(): EvaluationState {
		return { objects: this.#objects, foreign: this.#foreign };
	}

	static of({ objects, foreign }: EvaluationState): Evaluation {
		return new Evaluation(objects, foreign);
	}

	with(objects: readonly NotEvaluated[]): Evaluation {
		return new Evaluation([...this.#objects, ...objects], this.#foreign);
	}

	/** Without those of some objects, `KIND NS/NAME`; `namespace`: of objects that name none. */
	without(objects: ReadonlySet<string>, namespace: string): Evaluation {
		const isOther = ({ kind, namespace: own, name }: NotEvaluated) =>
			!objects.has(`${kind} ${own ?? namespace}/${name}`);
		return new Evaluation(this.#objects.filter(isOther), this.#foreign);
	}

	beside(foreign: readonly ForeignDataPlane[]): Evaluation {
		return new Evaluation(this.#objects, foreign);
	}

	get foreign(): readonly ForeignDataPlane[] {
		return this.#foreign;
	}

	all(): string[] {
		return [...this.#planes(), ...this.#objects.map(title)];
	}

	/** Those that a packet from or to one of the pods (`NS/NAME`) could meet. */
	touching(pods: readonly string[], objects: readonly KubernetesObject[]): string[] {
		if (this.#objects.length === 0) return this.#planes();
		const names = new Set(pods);
		const labels = new Map(
			(objects.filter(({ kind }) => kind === "Namespace") as Namespace[]).map(({ metadata }) => [
				metadata.name,
				metadata.labels ?? {},
			]),
		);
		const subjects = (objects.filter(({ kind }) => kind === "Pod") as Pod[])
			.filter(({ metadata }) => names.has(`${metadata.namespace}/${metadata.name}`))
			.map(({ metadata }) => {
				const namespaceLabels = labels.get(metadata.namespace ?? "");
				return {
					namespace: metadata.namespace ?? "",
					labels: metadata.labels ?? {},
					...(namespaceLabels ? { namespaceLabels } : {}),
				};
			});
		return [
			...this.#planes(),
			...this.#objects.filter((policy) => subjects.some((pod) => touches(policy, pod))).map(title),
		];
	}

	#planes(): string[] {
		return [...new Set(this.#foreign.map(({ name }) => name))];
	}
}

function title({ kind, namespace, name }: NotEvaluated): string {
	return `${kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
}
