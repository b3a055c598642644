// host-local's order of addresses, and portmap's rules as the real iptables takes them.

import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { Pod } from "../../js/api/core.ts";
import { AddressRange } from "../../js/cni/hostlocal.ts";
import { PORTMAP_JUMPS, portmapRestore } from "../../js/cni/portmap.ts";
import { parsePrefix } from "../../js/net/address.ts";

function range(text: string): AddressRange {
	const prefix = parsePrefix(text);
	if (prefix === null) throw new Error(text);
	return new AddressRange(prefix);
}

describe("host-local", () => {
	it("goes round: after the last reserved, past the gateway, until all are taken", () => {
		const addresses = range("10.1.0.0/29");
		addresses.reserve("10.1.0.4");
		expect(Array.from({ length: 6 }, () => addresses.next())).toEqual([
			"10.1.0.5",
			"10.1.0.6",
			"10.1.0.2",
			"10.1.0.3",
			null,
			null,
		]);
		expect(String(addresses)).toBe("10.1.0.1-10.1.0.6");
	});

	it.each(["10.1.0.0/31", "10.1.0.0/32"])("refuses %s", (text) => {
		expect(() => range(text)).toThrow(`network ${text} too small to allocate from`);
	});
});

const PORTS = Array.from({ length: 17 }, (_, i) => ({ containerPort: 8000 + i, hostPort: 9000 + i }));
const POD: Pod = {
	apiVersion: "v1",
	kind: "Pod",
	metadata: { name: "p", namespace: "default" },
	spec: {
		containers: [
			{ name: "c", ports: [...PORTS, { containerPort: 53, hostPort: 53, protocol: "UDP", hostIP: "192.0.2.11" }] },
		],
	},
	status: { podIP: "10.1.0.5" },
};

describe("portmap", () => {
	const text = portmapRestore([POD], "10.1.0.0/24") ?? "";

	it("splits ports over multiport rules of 15, and minds the protocol and the host address", () => {
		const entries = text.split("\n").filter((line) => line.startsWith("-A CNI-HOSTPORT-DNAT"));
		expect(entries.map((line) => line.split("--dports ")[1]?.split(" ")[0]?.split(",").length)).toEqual([15, 2, 1]);
		expect(text).toMatch(/-d 192\.0\.2\.11 -p udp -m udp --dport 53 -j DNAT --to-destination 10\.1\.0\.5:53/);
		expect(portmapRestore([{ ...POD, spec: { ...POD.spec, containers: [{ name: "c" }] } }], "10.1.0.0/24")).toBeNull();
	});

	const isRoot =
		spawnSync("unshare", ["-n", "true"]).status === 0 && spawnSync("iptables-restore", ["--version"]).status === 0;
	it.skipIf(!isRoot)("loads into the real iptables", () => {
		const jumps = PORTMAP_JUMPS.map(({ chain, rule, prepend }) => `${prepend ? "-I" : "-A"} ${chain} ${rule}\n`).join(
			"",
		);
		const run = spawnSync("unshare", ["-n", "sh", "-c", "iptables-restore && iptables-save -t nat"], {
			input: text.replace("COMMIT\n", `${jumps}COMMIT\n`),
			encoding: "utf8",
		});
		expect(run.stderr).toBe("");
		const saved = run.stdout.split("\n").filter((line) => line.startsWith("-A"));
		expect(saved).toHaveLength(text.split("\n").filter((line) => line.startsWith("-A")).length + PORTMAP_JUMPS.length);
	});
});
