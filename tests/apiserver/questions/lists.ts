// Lists at a revision: `{rv:N}` is the revision that answer N told, `{continue:N}` its token.

import { create, type Given, remove, type Scene, type Step } from "./question.ts";

const map = (name: string): Given => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
const ALL = "/api/v1/namespaces/{ns}/configmaps";
const asked = (query: string): Step => ({ method: "GET", url: `${ALL}?${query}` });

export const LISTS: Scene[] = [
	{
		title: "lists of the past, the present and the future",
		steps: [
			create(map("a")),
			create(map("b")),
			create(map("c")),
			asked("limit=500"),
			remove(map("b")),
			asked("resourceVersion={rv:4}&resourceVersionMatch=Exact"),
			asked("resourceVersion={rv:4}&resourceVersionMatch=NotOlderThan"),
			asked("resourceVersion={rv:4}"),
			asked("resourceVersion={rv:4}&limit=2"),
			asked("limit=2&continue={continue:9}"),
			asked("resourceVersion=0"),
			asked("resourceVersion=99999999"),
			asked("resourceVersion=99999999&resourceVersionMatch=Exact"),
			asked("resourceVersion=x"),
			{ method: "GET", url: `${ALL}/a?resourceVersion=99999999` },
			{ method: "GET", url: `${ALL}/a?resourceVersion={rv:4}` },
		],
	},
	{
		title: "options that contradict each other",
		steps: [
			create(map("a")),
			create(map("b")),
			asked("limit=1"),
			asked("resourceVersionMatch=Exact"),
			asked("resourceVersion=0&resourceVersionMatch=Exact"),
			asked("resourceVersion=5&resourceVersionMatch=Near"),
			asked("continue={continue:3}&resourceVersion=5"),
			asked("continue={continue:3}&resourceVersion=5&resourceVersionMatch=Exact"),
			asked("sendInitialEvents=true"),
			asked("watch=1&sendInitialEvents=true"),
			asked("watch=1&resourceVersionMatch=NotOlderThan"),
		],
	},
];
