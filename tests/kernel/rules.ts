// kube-proxy-like rules for the small topologies of these tests, written out by hand so that they do not depend on what is
// tested. One Service port each; chain names carry the Service's name instead of a hash.

export interface SmallService {
	name: string;
	proto?: "tcp" | "udp";
	clusterIP: string;
	port: number;
	nodePort?: number;
	loadBalancerIP?: string;
	/** CIDRs; absent: all. */
	sourceRanges?: string[];
	/** Seconds of client affinity. */
	affinity?: number;
	/** externalTrafficPolicy Local. */
	local?: boolean;
	/** `ADDRESS:PORT`. */
	endpoints: string[];
}

export interface SmallRules {
	/** Pod network: other sources to a cluster IP are masqueraded. */
	clusterCIDR: string;
	podCIDR: string;
	services: SmallService[];
	/** Drop what conntrack calls INVALID; default true. */
	dropInvalid?: boolean;
	/** MASQUERADE what leaves the cluster; absent: nothing. */
	masquerade?: "plain" | "random-fully";
	/** Further lines of the filter table. */
	filter?: string[];
}

/** The text that iptables-restore loads on one node. */
export function rulesFor(rules: SmallRules): string {
	const nat: string[] = [];
	const filter: string[] = [];
	for (const service of rules.services) {
		if (service.endpoints.length === 0) filter.push(...rejects(service));
		else nat.push(...translations(service, rules));
		if (service.local && service.nodePort && localOf(service, rules).length === 0 && service.endpoints.length > 0) {
			filter.push(
				`-A EXTERNAL -p ${proto(service)} -m addrtype --dst-type LOCAL -m ${proto(service)} --dport ${service.nodePort} -j DROP`,
			);
		}
		filter.push(...firewall(service));
	}
	return [...natTable(nat, rules), ...filterTable(filter, rules), ...mangleTable, ""].join("\n");
}

const proto = (service: SmallService) => service.proto ?? "tcp";
const to = (service: SmallService, address: string, port: number) =>
	`-d ${address}/32 -p ${proto(service)} -m ${proto(service)} --dport ${port}`;
const localOf = (service: SmallService, rules: SmallRules) =>
	service.endpoints.filter((endpoint) => endpoint.startsWith(rules.podCIDR.replace(/\d+\/\d+$/, "")));

function translations(service: SmallService, rules: SmallRules): string[] {
	const { name, clusterIP, port, nodePort, loadBalancerIP } = service;
	const lines = [
		`-A SERVICES ${to(service, clusterIP, port)} -j SVC-${name}`,
		`-A SVC-${name} ! -s ${rules.clusterCIDR} ${to(service, clusterIP, port)} -j MARK-MASQ`,
	];
	if (loadBalancerIP) lines.push(`-A SERVICES ${to(service, loadBalancerIP, port)} -j EXT-${name}`);
	if (nodePort) lines.push(`-A NODEPORTS -p ${proto(service)} -m ${proto(service)} --dport ${nodePort} -j EXT-${name}`);
	if (service.local) {
		lines.push(
			`-A EXT-${name} -s ${rules.clusterCIDR} -j SVC-${name}`,
			`-A EXT-${name} -m addrtype --src-type LOCAL -j MARK-MASQ`,
			`-A EXT-${name} -m addrtype --src-type LOCAL -j SVC-${name}`,
			`-A EXT-${name} -j SVL-${name}`,
		);
	} else lines.push(`-A EXT-${name} -j MARK-MASQ`, `-A EXT-${name} -j SVC-${name}`);
	lines.push(...spread(service, `SVC-${name}`, service.endpoints));
	if (service.local) lines.push(...spread(service, `SVL-${name}`, localOf(service, rules)));
	for (const [index, endpoint] of service.endpoints.entries()) {
		const recent = service.affinity
			? `-m recent --set --name ${sep(name, index)} --mask 255.255.255.255 --rsource `
			: "";
		lines.push(
			`-A ${sep(name, index)} -s ${endpoint.split(":")[0]}/32 -j MARK-MASQ`,
			`-A ${sep(name, index)} ${recent}-p ${proto(service)} -m ${proto(service)} -j DNAT --to-destination ${endpoint}`,
		);
	}
	return lines;
}

const sep = (name: string, index: number) => `SEP-${name}-${index}`;

/** Affinity first, then one endpoint by chance. */
function spread(service: SmallService, chain: string, endpoints: string[]): string[] {
	const chains = endpoints.map((endpoint) => sep(service.name, service.endpoints.indexOf(endpoint)));
	const sticky = chains.map(
		(name) =>
			`-A ${chain} -m recent --rcheck --seconds ${service.affinity} --reap --name ${name} --mask 255.255.255.255 --rsource -j ${name}`,
	);
	const random = chains.map((name, index) => {
		const left = chains.length - index;
		return `-A ${chain}${left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : ""} -j ${name}`;
	});
	return [...(service.affinity ? sticky : []), ...random];
}

function rejects(service: SmallService): string[] {
	const lines = [
		`-A REJECTS ${to(service, service.clusterIP, service.port)} -j REJECT --reject-with icmp-port-unreachable`,
	];
	if (service.nodePort) {
		lines.push(
			`-A EXTERNAL -p ${proto(service)} -m addrtype --dst-type LOCAL -m ${proto(service)} --dport ${service.nodePort} -j REJECT --reject-with icmp-port-unreachable`,
		);
	}
	return lines;
}

function firewall(service: SmallService): string[] {
	if (!service.loadBalancerIP || !service.sourceRanges) return [];
	const at = `-m conntrack --ctorigdst ${service.loadBalancerIP} --ctorigdstport ${service.port} -p ${proto(service)}`;
	return [
		...service.sourceRanges.map((range) => `-A FIREWALL -s ${range} ${at} -j RETURN`),
		`-A FIREWALL ${at} -j DROP`,
	];
}

function natTable(lines: string[], rules: SmallRules): string[] {
	const random = rules.masquerade === "random-fully" ? " --random-fully" : "";
	const leaving = rules.masquerade
		? [
				`-A POSTROUTING -s ${rules.podCIDR} ! -d ${rules.clusterCIDR} -m addrtype ! --dst-type LOCAL -j MASQUERADE${random}`,
			]
		: [];
	const body = [
		"-A PREROUTING -j SERVICES",
		"-A OUTPUT -j SERVICES",
		"-A POSTROUTING -j POSTROUTING-SERVICES",
		...lines,
		"-A SERVICES -m addrtype --dst-type LOCAL -j NODEPORTS",
		"-A MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
		"-A POSTROUTING-SERVICES -m mark ! --mark 0x4000/0x4000 -j RETURN",
		"-A POSTROUTING-SERVICES -j MARK --set-xmark 0x4000/0x0",
		"-A POSTROUTING-SERVICES -j MASQUERADE --random-fully",
		...leaving,
	];
	return table("nat", ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], body);
}

function filterTable(lines: string[], rules: SmallRules): string[] {
	const body = [
		"-A INPUT -j EXTERNAL",
		"-A FORWARD -m conntrack --ctstate NEW -j FIREWALL",
		"-A FORWARD -j FORWARDING",
		"-A FORWARD -j REJECTS",
		"-A FORWARD -j EXTERNAL",
		"-A OUTPUT -j REJECTS",
		...(rules.dropInvalid === false ? [] : ["-A FORWARDING -m conntrack --ctstate INVALID -j DROP"]),
		"-A FORWARDING -m mark --mark 0x4000/0x4000 -j ACCEPT",
		"-A FORWARDING -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		...lines,
		...(rules.filter ?? []),
	];
	return table("filter", ["INPUT", "FORWARD", "OUTPUT"], body);
}

const mangleTable = table("mangle", ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"], []);

/** Declares every chain that a line names. */
function table(name: string, builtin: string[], lines: string[]): string[] {
	const targets = lines.flatMap((line) => [/^-A (\S+)/.exec(line)?.[1], / -j (\S+)/.exec(line)?.[1]]);
	const user = [...new Set(targets)].filter(
		(chain) => chain !== undefined && !builtin.includes(chain) && !TARGETS.has(chain),
	);
	return [
		`*${name}`,
		...builtin.map((chain) => `:${chain} ACCEPT [0:0]`),
		...user.map((chain) => `:${chain} - [0:0]`),
		...lines,
		"COMMIT",
	];
}

const TARGETS = new Set(["ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "MASQUERADE", "SNAT", "DNAT", "LOG"]);
