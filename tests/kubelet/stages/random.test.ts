// Random pods, random scripts, random things that happen to them: whatever they do, no moment goes on for ever, what has ended stays
// so, restarts are counted up, and a deletion has its end in time.

import fc from "fast-check";
import { expect, it } from "vitest";
import type { Container, ContainerStatus, Pod, PodSpec } from "../../../js/api/core.ts";
import { isFinished } from "../../../js/api/pod.ts";
import { atWork } from "../../cluster/running.ts";
import { runs } from "../../runs.ts";

const GRACE = 8;
const seconds = (max: number) => fc.nat(max).map((n) => `${n / 2}s`);
const probe = fc.record({
	tcpSocket: fc.constant({ port: 80 }),
	initialDelaySeconds: fc.nat(3),
	periodSeconds: fc.integer({ min: 1, max: 5 }),
	failureThreshold: fc.integer({ min: 1, max: 3 }),
});
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: undefined });
const hook = fc.oneof(
	fc.record({ sleep: fc.record({ seconds: fc.nat(GRACE) }) }),
	fc.constant({ exec: { command: ["x"] } }),
);
const policy = fc.constantFrom("Always", "OnFailure", "Never");
const rules = fc
	.constantFrom("Restart", "RestartAllContainers")
	.map((action) => [{ action, exitCodes: { operator: "In", values: [3] } }]);

const container = (name: string, restartPolicy: fc.Arbitrary<string | undefined>): fc.Arbitrary<Container> =>
	fc
		.record({
			restartPolicy,
			restartPolicyRules: maybe(rules),
			startupProbe: maybe(probe),
			readinessProbe: maybe(probe),
			livenessProbe: maybe(probe),
			preStop: maybe(hook),
			postStart: maybe(hook),
		})
		.map(({ preStop, postStart, restartPolicyRules, ...rest }): Container => {
			const lifecycle = { ...(preStop && { preStop }), ...(postStart && { postStart }) };
			const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
			const own = rest.restartPolicy === undefined || !restartPolicyRules ? {} : { restartPolicyRules };
			return {
				name,
				image: `${name}:1`,
				ports: [{ containerPort: 80 }],
				...said,
				...own,
				...(preStop || postStart ? { lifecycle } : {}),
			};
		});

const spec: fc.Arbitrary<PodSpec> = fc
	.record({
		restartPolicy: policy,
		s: maybe(container("s", fc.constant("Always"))),
		// The API takes neither hooks nor probes of init containers.
		i: maybe(
			container("i", maybe(fc.constantFrom("OnFailure", "Never"))).map(
				({ lifecycle: _, startupProbe: __, readinessProbe: ___, livenessProbe: ____, ...rest }): Container => rest,
			),
		),
		t: maybe(container("t", fc.constant("Always"))),
		c: container("c", maybe(policy)),
		b: maybe(container("b", maybe(policy))),
		activeDeadlineSeconds: maybe(fc.integer({ min: 5, max: 120 })),
	})
	.map(({ restartPolicy, s, i, t, c, b, activeDeadlineSeconds }) => ({
		restartPolicy: restartPolicy as PodSpec["restartPolicy"] & string,
		terminationGracePeriodSeconds: GRACE,
		initContainers: [s, i, t].filter((one) => one !== undefined),
		containers: [c, b].filter((one) => one !== undefined),
		...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
	}));

const of = fc.constantFrom("", ".c", ".b", ".s", ".t", ".i");
const word = fc.oneof(
	fc.tuple(fc.constant("listens-after"), seconds(10)),
	fc.tuple(fc.constant("exits-after"), seconds(60)),
	fc.tuple(fc.constant("exit-code"), fc.constantFrom("0", "1", "3")),
	fc.tuple(fc.constant("drains-for"), fc.oneof(seconds(30), fc.constant("ever"))),
	fc.tuple(fc.constant("prestop-takes"), seconds(30)),
	fc.tuple(fc.constant("poststart-takes"), seconds(10)),
	fc.tuple(fc.constant("image-missing-for"), seconds(40)),
	fc.tuple(fc.constant("fails"), fc.constantFrom("", "liveness", "readiness", "startup", "poststart,liveness")),
	fc.tuple(fc.constantFrom("crash", "hang"), fc.nat().map(String)),
);
const script = fc.array(fc.tuple(word, of), { maxLength: 5 }).map((all) => {
	return Object.fromEntries(all.map(([[key, value], whose]) => [`podwire.dev/${key}${whose}`, value]));
});

const restartsOf = (pod: Pod) => {
	const all: ContainerStatus[] = [
		...(pod.status?.initContainerStatuses ?? []),
		...(pod.status?.containerStatuses ?? []),
	];
	return all.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
};

it("whatever happens to a pod, it goes on, and comes to an end", () => {
	fc.assert(
		fc.property(
			spec,
			script,
			fc.array(fc.tuple(fc.nat(60), fc.oneof(script, fc.constant("reboot"))), { maxLength: 4 }),
			fc.integer({ min: 0, max: 200 }),
			(spec, annotations, happens, deleted) => {
				const world = atWork({ nodes: 1 });
				world.store.create<Pod>("pods", {
					apiVersion: "v1",
					kind: "Pod",
					metadata: { namespace: "d", name: "a", annotations },
					spec,
				});
				let [over, restarts]: [string | undefined, number] = [undefined, 0];
				/** Half a second, in which no moment has ten thousand steps. */
				const pass = () => {
					world.simulation.advance(500, 10_000);
					const pod = world.pod("a");
					if (pod === undefined) return;
					if (over !== undefined) expect(pod.status?.phase).toBe(over);
					if (isFinished(pod)) over = pod.status?.phase;
					expect(restartsOf(pod)).toBeGreaterThanOrEqual(restarts);
					restarts = restartsOf(pod);
				};
				const due = happens.toSorted(([one], [other]) => one - other);
				for (let n = 0; n < deleted; n++) {
					for (; due[0] !== undefined && due[0][0] * 2 <= n; due.shift()) {
						const what = due[0][1];
						if (what !== "reboot") world.patch("/api/v1/namespaces/d/pods/a", { metadata: { annotations: what } });
						else
							world.patch("/api/v1/nodes/node-1", {
								metadata: { annotations: { "podwire.dev/reboot": `${n}`, "podwire.dev/reboot-takes": "4s" } },
							});
					}
					pass();
				}
				const pod = world.pod("a") as Pod;
				world.store.delete("pods", pod);
				// Its grace period, two seconds more, what is lost in counting whole ones of two waits, and a reboot that goes on.
				for (let n = 0; n < 2 * (GRACE + 2 + 2 + 4) && world.pod("a") !== undefined; n++) pass();
				expect(world.pod("a")).toBeUndefined();
				expect(world.simulation.settle({ steps: 10_000 })).toBe(true);
			},
		),
		runs(60),
	);
});
