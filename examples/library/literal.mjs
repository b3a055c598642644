// A network given literally, and one packet through it: `node examples/library/literal.mjs` after `npm run build`.

import { Cluster } from "podwire";

const rules = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.2.10:8080
COMMIT
`;

const lab = await Cluster.fromNodes({
	nodes: [
		{ name: "n1", ip: "192.0.2.11", podCIDR: "10.244.1.0/24", iptables: rules },
		{ name: "n2", ip: "192.0.2.12", podCIDR: "10.244.2.0/24" },
	],
	pods: [
		{ name: "client", node: "n1", ip: "10.244.1.2" },
		{ name: "server", node: "n2", ip: "10.244.2.10", listen: [{ proto: "tcp", port: 8080 }] },
	],
});

const path = lab.trace({ from: "10.244.1.2", to: "10.96.0.10:80" });
console.log(path.verdict, "to", path.delivered?.address, "and the answer comes from", path.reply?.seen?.source);
for (const hop of path.hops) {
	if (hop.event === "transmit")
		console.log(`  ${hop.netns} ${hop.device}: ${hop.packet.src} > ${hop.packet.dst} ttl ${hop.packet.ttl}`);
}
lab.dispose();
