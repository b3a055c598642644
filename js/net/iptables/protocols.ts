// IP protocol numbers and their names, as iptables reads and prints them (IANA's numbers, the names of Debian's
// /etc/protocols; checked against iptables-save for all 256 numbers, both families, both backends).

const PROTOCOL_TEXT = `
	hopopt 0, icmp 1, igmp 2, ggp 3, ipencap 4, st 5, tcp 6, egp 8, igp 9, pup 12, udp 17, hmp 20, xns-idp 22,
	rdp 27, iso-tp4 29, dccp 33, xtp 36, ddp 37, idpr-cmtp 38, ipv6 41, ipv6-route 43, ipv6-frag 44, idrp 45,
	rsvp 46, gre 47, esp 50, ah 51, skip 57, ipv6-icmp 58, ipv6-nonxt 59, ipv6-opts 60, rspf 73, vmtp 81,
	eigrp 88, ospf 89, ax.25 93, ipip 94, etherip 97, encap 98, pim 103, ipcomp 108, vrrp 112, l2tp 115, isis 124,
	sctp 132, fc 133, mobility-header 135, udplite 136, mpls-in-ip 137, manet 138, hip 139, shim6 140, wesp 141,
	rohc 142, ethernet 143
`;

/** Accepted names that are never printed. */
const ALIASES: [string, number][] = [
	["all", 0],
	["ip", 0],
	["icmpv6", 58],
	["mh", 135],
	["ipv6-mh", 135],
	["ospfigp", 89],
	["ip-encap", 4],
	["ipsec-esp", 50],
	["ipsec-ah", 51],
];

const NAMES = PROTOCOL_TEXT.trim()
	.split(/,\s*/)
	.map((entry): [string, number] => {
		const [name = "", number = ""] = entry.split(" ");
		return [name, Number(number)];
	});

export const PROTOCOLS: ReadonlyMap<string, number> = new Map([...NAMES, ...ALIASES]);

const PRINTED: ReadonlyMap<number, string> = new Map(
	NAMES.filter(([, number]) => number !== 0).map(([name, number]): [number, string] => [number, name]),
);

/** Number of a protocol's name or number text, any case; null where it is neither. */
export function protocolNumber(text: string): number | null {
	if (/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(text)) {
		const number = text.startsWith("0x") ? Number(text) : Number.parseInt(text, text.startsWith("0") ? 8 : 10);
		return number <= 255 ? number : null;
	}
	return PROTOCOLS.get(text.toLowerCase()) ?? null;
}

/** The name that iptables-save prints, or the number. */
export function protocolName(number: number): string {
	return PRINTED.get(number) ?? String(number);
}

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const DCCP = 33;
export const ESP = 50;
export const AH = 51;
export const ICMPV6 = 58;
export const IPCOMP = 108;
export const SCTP = 132;
export const MOBILITY = 135;
export const UDPLITE = 136;
