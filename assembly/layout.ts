// The layout of every record that crosses the bridge, and the codes in them, as plain constants.
// This one file compiles in both asc and tsc: AssemblyScript sees i32, TypeScript sees numbers.
// All offsets are bytes, all records little-endian and naturally aligned. `-1` in an index field means none.

export const ABI = 1;

// Tables: ids for `table(id)` and `capacity(id)`; the host fills configuration tables, the engine the others.
export const TABLE_NETNS = 0;
export const TABLE_DEVICE = 1;
export const TABLE_ADDRESS = 2;
export const TABLE_ROUTE = 3;
export const TABLE_NEXTHOP = 4;
export const TABLE_CHAIN = 5;
export const TABLE_RULE = 6;
export const TABLE_MATCH = 7;
export const TABLE_WORD = 8;
export const TABLE_PATTERN = 9;
export const TABLE_SET = 10;
export const TABLE_ENTRY = 11;
export const TABLE_SOCKET = 12;
export const TABLE_EVENT = 13;
export const TABLE_CT = 14;
export const TABLE_TUPLE = 15;
export const TABLE_PATH = 16;
export const TABLE_PATHRULE = 17;
export const TABLE_STATE = 18;
export const TABLE_RECENT = 19;
export const TABLE_FLOW = 20;
export const TABLE_PACKET = 21;
export const TABLE_BATCH = 22;
export const TABLE_FDB = 23;
export const TABLE_NEIGH = 24;
export const TABLE_FIB = 25; // lines of 64 bytes; grows when FIBs are compiled
export const TABLE_PEER = 26;
export const TABLE_SCRATCH = 27;
export const TABLE_COUNTER = 28; // what a full path table could not hold, by netns and rule: open addressing
export const TABLE_BYSOURCE = 29; // heads of the by-source chains, u32 entry + 1; conntrack lays it out
export const TABLE_LINE = 30; // the path cache: a line a connection, which also finds its flow
export const TABLE_PACKETIN = 31; // packets handed in one at a time
export const TABLE_CTWINDOW = 32; // as many rows as TABLE_CT; conntrack lays it out
export const TABLE_CAPTURE = 33; // what reads a recording: it lays out its input, its rows and its hashes itself, in bytes, and grows
export const TABLE_JOURNEY = 34; // what packets of a direction do on their way, interned
export const TABLE_STEP = 35; // u32 steps of the journeys
export const TABLE_OPENING = 36; // what first packets of connections do, by all but their source port: a power of two
export const TABLE_MEGAFLOW = 39; // what a stack does with the packets of established connections that are alike to it
export const TABLE_ADDRESS6 = 37; // IPv6 addresses by their numbers; row 0 is `::`
export const TABLE_ADDRESS6HASH = 38; // u32 slots of the numbers' hash: a power of two, four times the addresses
export const TABLE_CHAININDEX = 40; // indexes of chains, in bytes; compile lays it out
export const TABLE_WALK = 41; // walks of rules by what they looked at: a power of two
export const TABLE_SEQUEL = 42; // what packets behind the first of a connection do, by how it was opened: a power of two
export const TABLE_PASSAGE = 43; // what all stacks from sender to receiver do with a packet: a power of two
export const TABLE_COUNT = 44;

// Packet: the first 32 bytes are the wire record (4 x u64); the rest is what an skb carries beside its bytes.
//  0 src u32         4 dst u32          (IPv4: host order; IPv6: interned id)
//  8 sport u16      10 dport u16        (ICMP: id, and type << 8 | code)
// 12 proto u8       13 family u8 (4|6)  14 ttl u8   15 tcp flags u8
// 16 len u32 (IP total bytes)           20 payload u32 (bytes above the L4 header)
// 24 time i64 (ns)
export const PACKET_SRC = 0;
export const PACKET_DST = 4;
export const PACKET_SPORT = 8;
export const PACKET_DPORT = 10;
export const PACKET_PROTO = 12;
export const PACKET_FAMILY = 13;
export const PACKET_TTL = 14;
export const PACKET_TCP = 15;
export const PACKET_LEN = 16;
export const PACKET_PAYLOAD = 20;
export const PACKET_TIME = 24;
export const PACKET_NETNS = 32; // i32 netns it is in
export const PACKET_IIF = 36; // i32 device it came in on (a bridge, not its port); -1 local
export const PACKET_OIF = 40; // i32 device it leaves by; -1 not decided
export const PACKET_PHYSIN = 44; // i32 bridge port it came in on; -1 none
export const PACKET_PHYSOUT = 48; // i32 bridge port it leaves by; -1 none
export const PACKET_MARK = 52; // u32 fwmark
export const PACKET_CT = 56; // i32 conntrack entry; CT_NONE, CT_UNTRACKED
export const PACKET_CTINFO = 60; // u8 enum ip_conntrack_info
export const PACKET_TYPE = 61; // u8 PACKET_HOST, PACKET_OTHERHOST
export const PACKET_FLAGS = 62; // u8 SKB_*
export const PACKET_TOS = 63; // u8
export const PACKET_DMAC = 64; // i32 link-layer destination, named by the device that owns it
export const PACKET_SMAC = 68; // i32
export const PACKET_SEQ = 72; // u32 TCP
export const PACKET_ACK = 76; // u32 TCP
export const PACKET_WINDOW = 80; // u16 TCP
export const PACKET_ZONE = 82; // u16 conntrack zone set by CT --zone
export const PACKET_SACK = 84; // u32 TCP: the highest of the acknowledgement and the right edges of SACK blocks; 0: as PACKET_ACK
export const PACKET_INNER_SRC = 84; // u32 the header that an ICMP error quotes
export const PACKET_INNER_DST = 88; // u32
export const PACKET_INNER_SPORT = 92; // u16
export const PACKET_INNER_DPORT = 94; // u16
export const PACKET_INNER_PROTO = 96; // u8; 0 = quotes nothing
export const PACKET_INNER_TTL = 97; // u8
export const PACKET_MTU = 98; // u16 of a fragmentation-needed; of others: the segment size of what its sender segmented, 0 whole
export const PACKET_FLOW = 100; // i32 flow row; -1 none
export const PACKET_ID = 104; // u32 numbers packets within a trace
export const PACKET_GATEWAY = 108; // u32 next hop address
export const PACKET_RTTYPE = 112; // u8 RTN_* of the route taken
export const PACKET_RTFLAGS = 113; // u8 RT_*
export const PACKET_REASON = 114; // u8 REASON_*
export const PACKET_PORTID = 115; // u8 TCP options of a SYN, TCPOPT_*; 0 none
export const PACKET_RULE = 116; // i32 rule that decided; -1 none
export const PACKET_SPARE = 120; // u32
export const PACKET_TUNNEL = 124; // i32 packet slot this one encapsulates; -1 none
export const PACKET_STRIDE = 128;

// Verdicts of a hook or a rule walk
export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const NF_REJECT = 2; // an answer is due: the rule's RULE_A says which
export const NF_UNKNOWN = 3; // reached a carried rule

// Which address a NAT rewrites
export const MANIP_SRC = 0;
export const MANIP_DST = 1;

export const CT_NONE = -1; // skb->_nfct is NULL: INVALID to `-m conntrack`
export const CT_UNTRACKED = -2;
export const CT_UNSEEN = -3; // conntrack has not looked yet

export const PACKET_HOST = 0;
export const PACKET_OTHERHOST = 3;

export const SKB_BRIDGED = 1; // nf_bridge info is attached
export const SKB_PREROUTED = 2; // br_netfilter ran PREROUTING: ip_sabotage_in skips it
export const SKB_TRACE = 4; // -j TRACE
export const SKB_LOCAL_OUT = 8; // made in this netns
export const SKB_REPLY = 16; // replay: an answer travelling back
export const SKB_ROUTED = 32; // br_netfilter routed it after a DNAT: the stack does not route it again
export const SKB_DELAYED = 64; // was queued on a neighbour
export const SKB_KERNEL = 128; // made by an IP stack, not by a program (RST, ICMP)

export const RT_LOCAL = 1; // RTCF_LOCAL
export const RT_OUTPUT = 2; // looked up on the way out of a socket

// enum ip_conntrack_info
export const CTINFO_ESTABLISHED = 0;
export const CTINFO_RELATED = 1;
export const CTINFO_NEW = 2;
export const CTINFO_IS_REPLY = 3;
export const CTINFO_ESTABLISHED_REPLY = 3;
export const CTINFO_RELATED_REPLY = 4;
export const CTINFO_UNTRACKED = 7;

// TCP flags, as on the wire
export const TCP_FIN = 1;
export const TCP_SYN = 2;
export const TCP_RST = 4;
export const TCP_PSH = 8;
export const TCP_ACK = 16;
export const TCP_URG = 32;

// Options that a SYN carries, for window tracking: the low four bits are the window scale
export const TCPOPT_SCALE = 15;
export const TCPOPT_WINDOW = 16; // the window scale option is present
export const TCPOPT_SACK_PERM = 32;

// SCTP packets carry the type of their first chunk where TCP has its flags (RFC 9260, 3.2)
export const SCTP_INIT = 1;
export const SCTP_INIT_ACK = 2;
export const SCTP_HEARTBEAT = 4;
export const SCTP_HEARTBEAT_ACK = 5;
export const SCTP_ABORT = 6;
export const SCTP_SHUTDOWN = 7;
export const SCTP_SHUTDOWN_ACK = 8;
export const SCTP_ERROR = 9;
export const SCTP_COOKIE_ECHO = 10;
export const SCTP_COOKIE_ACK = 11;
export const SCTP_SHUTDOWN_COMPLETE = 14;

export const PROTO_ICMP = 1;
export const PROTO_TCP = 6;
export const PROTO_UDP = 17;
export const PROTO_ICMPV6 = 58;
export const PROTO_SCTP = 132;
export const PROTO_UDPLITE = 136;

// netfilter hooks, kernel numbers
export const HOOK_PREROUTING = 0;
export const HOOK_INPUT = 1;
export const HOOK_FORWARD = 2;
export const HOOK_OUTPUT = 3;
export const HOOK_POSTROUTING = 4;
export const HOOK_COUNT = 5;

export const XT_RAW = 0;
export const XT_MANGLE = 1;
export const XT_NAT = 2;
export const XT_FILTER = 3;
export const XT_SECURITY = 4;
export const XT_COUNT = 5;

// Netns
export const NETNS_FLAGS = 0; // u32 NS_*
export const NETNS_ROUTE_FIRST = 4; // u32 rows of TABLE_ROUTE, contiguous
export const NETNS_ROUTE_COUNT = 8;
export const NETNS_FIB = 12; // u32 address in TABLE_FIB, written by compile
export const NETNS_FIB_FORM = 16; // u32 FIB_*
export const NETNS_ADDRESS_FIRST = 20; // u32 rows of TABLE_ADDRESS, contiguous
export const NETNS_ADDRESS_COUNT = 24;
export const NETNS_DEVICE_FIRST = 28; // i32 lo; the others follow by DEVICE_NEXT
export const NETNS_TUNNEL = 32; // u32 its first vxlan device, row + 1; 0 none
export const NETNS_CT_MAX = 36; // u32 nf_conntrack_max
export const NETNS_CT_COUNT = 40; // u32 written by conntrack
export const NETNS_TTL = 44; // u32 net.ipv4.ip_default_ttl
export const NETNS_ICMP_RATELIMIT = 48; // u32 ms; 0 = none
export const NETNS_ICMP_RATEMASK = 52; // u32 bit per ICMP type
export const NETNS_KIND = 56; // u32 NS_KIND_*
export const NETNS_RECENT_MAX = 60; // u32 xt_recent ip_list_tot
export const NETNS_CHAINS = 64; // i32[HOOK_COUNT * XT_COUNT] base chain of (hook, table), index hook * XT_COUNT + table; -1 none
export const NETNS_TIMEOUTS = 164; // u32[TIMEOUT_COUNT] seconds
export const NETNS_CT_INSERT_FAILED = 264; // u32 nf_conntrack_stat.insert_failed
export const NETNS_CT_DROP = 268; // u32 table full
export const NETNS_CT_EARLY_DROP = 272; // u32
export const NETNS_CT_PEAK = 276; // u32 most entries at once
export const NETNS_CHANGED = 280; // u32 epoch of the path cache in which something was configured anew
// The IPv6 stack's own: routes, addresses, base chains and sysctls
export const NETNS_ROUTE6_FIRST = 284; // u32 rows of TABLE_ROUTE, contiguous
export const NETNS_ROUTE6_COUNT = 288;
export const NETNS_ADDRESS6_FIRST = 292; // u32 rows of TABLE_ADDRESS, contiguous
export const NETNS_ADDRESS6_COUNT = 296;
export const NETNS_FIB6 = 300; // u32 address in TABLE_FIB, written by compile
export const NETNS_FIB6_FORM = 304; // i32 FIB6_*
export const NETNS_HOP_LIMIT = 308; // u32 net.ipv6.conf.all.hop_limit
export const NETNS_ICMP6_RATELIMIT = 312; // u32 net.ipv6.icmp.ratelimit, ms; 0 = none
export const NETNS_TIMEOUT_ICMPV6 = 316; // u32 seconds
export const NETNS_CHAINS6 = 320; // i32[HOOK_COUNT * XT_COUNT] as NETNS_CHAINS, of ip6tables
export const NETNS_GENERATION = 420; // u32 of its rules: a path counts for the generation in which it was walked
export const NETNS_SOCKET = 424; // u32 the last of its sockets opened, row + 1; 0 none; written by the engine, as what follows
export const NETNS_FIB_BLOCK = 428; // u32 offset in TABLE_FIB of what its FIBs have, by compile
export const NETNS_FIB_LINES = 432; // u32 rows of TABLE_FIB there; 0 none
export const NETNS_GENID = 436; // u32 generation of the network in which it came
export const NETNS_ADDRESS_GENID = 440; // u32 in which it last got or lost an address, by the host
export const NETNS_STRIDE = 448;

export const NS_IP_FORWARD = 1;
export const NS_BRIDGE_NF = 2; // net.bridge.bridge-nf-call-iptables
export const NS_CONNTRACK = 4; // conntrack hooks are registered (some table or rule asked for them)
export const NS_ROUTE_LOCALNET = 8;
export const NS_TCP_LOOSE = 16;
export const NS_TCP_BE_LIBERAL = 32;
export const NS_SILENT = 64; // the IP stack drops what arrives; ARP answers
export const NS_ANY_PORT = 128; // listens on every port
export const NS_NAT = 256; // a nat table is loaded: nat hooks are registered
export const NS_TCP_WINDOWS = 512; // window tracking is on
export const NS_L4_HASH = 1024; // fib_multipath_hash_policy 1
export const NS_BRIDGE_NF6 = 2048;
export const NS_IPTABLES = 4096; // any table loaded
export const NS_NO_ICMP_ECHO = 8192; // net.ipv4.icmp_echo_ignore_all

export const NS_IP6_FORWARD = 16384; // net.ipv6.conf.all.forwarding
export const NS_CONNTRACK6 = 32768; // NS_CONNTRACK, NS_NAT and NS_IPTABLES of IPv6
export const NS_NAT6 = 65536;
export const NS_IPTABLES6 = 131072;
export const NS_NO_ICMP6_ECHO = 262144; // net.ipv6.icmp.echo_ignore_all

export const NS_KIND_NODE = 1;
export const NS_KIND_POD = 2;
export const NS_KIND_HOST = 3;
export const NS_KIND_ROUTER = 4;
export const NS_KIND_FABRIC = 5;

// Conntrack timeouts; TCP ones sit at their state's number
export const TIMEOUT_TCP = 0; // + TCP_CONNTRACK_*
export const TIMEOUT_TCP_MAX_RETRANS = 10;
export const TIMEOUT_TCP_UNACK = 11;
export const TIMEOUT_UDP = 12;
export const TIMEOUT_UDP_STREAM = 13;
export const TIMEOUT_ICMP = 14;
export const TIMEOUT_GENERIC = 15;
export const TIMEOUT_SCTP = 16; // + SCTP_CONNTRACK_*
export const TIMEOUT_COUNT = 25;

// enum tcp_conntrack
export const TCP_CT_NONE = 0;
export const TCP_CT_SYN_SENT = 1;
export const TCP_CT_SYN_RECV = 2;
export const TCP_CT_ESTABLISHED = 3;
export const TCP_CT_FIN_WAIT = 4;
export const TCP_CT_CLOSE_WAIT = 5;
export const TCP_CT_LAST_ACK = 6;
export const TCP_CT_TIME_WAIT = 7;
export const TCP_CT_CLOSE = 8;
export const TCP_CT_SYN_SENT2 = 9;

// enum sctp_conntrack
export const SCTP_CT_NONE = 0;
export const SCTP_CT_CLOSED = 1;
export const SCTP_CT_COOKIE_WAIT = 2;
export const SCTP_CT_COOKIE_ECHOED = 3;
export const SCTP_CT_ESTABLISHED = 4;
export const SCTP_CT_SHUTDOWN_SENT = 5;
export const SCTP_CT_SHUTDOWN_RECD = 6;
export const SCTP_CT_SHUTDOWN_ACK_SENT = 7;
export const SCTP_CT_HEARTBEAT_SENT = 8;

// Device
export const DEVICE_NETNS = 0; // i32
export const DEVICE_KIND = 4; // u32 DEVICE_KIND_*
export const DEVICE_PEER = 8; // i32 other end of a veth; -1 none
export const DEVICE_MASTER = 12; // i32 bridge that it is a port of; -1 none
export const DEVICE_FLAGS = 16; // u32 DEV_*
export const DEVICE_NAME = 20; // i32 interned name
export const DEVICE_ADDRESS = 24; // u32 primary IPv4 address; 0 none
export const DEVICE_PREFIX = 28; // u32 prefix length of it
export const DEVICE_RP_FILTER = 32; // u32 effective: max(all, dev)
export const DEVICE_MTU = 36; // u32
export const DEVICE_VNI = 40; // u32 vxlan
export const DEVICE_LOCAL = 44; // u32 vxlan: underlay source address
export const DEVICE_VPORT = 48; // u32 vxlan: UDP port
export const DEVICE_NEXT = 52; // i32 the next device of its netns, in the order of their making; -1 none
export const DEVICE_RX_PACKETS = 56; // u64
export const DEVICE_RX_BYTES = 64; // u64
export const DEVICE_TX_PACKETS = 72; // u64
export const DEVICE_TX_BYTES = 80; // u64
export const DEVICE_NEXT_VTEP = 88; // i32 vxlan: the next tunnel device, a ring; -1 for others
export const DEVICE_GENID = 92; // u32 generation of the network in which it came, or became a port; GENID_GONE
export const DEVICE_STRIDE = 96;

export const GENID_GONE = 0xffffffff; // the row is free

export const DEVICE_KIND_LO = 0;
export const DEVICE_KIND_VETH = 1;
export const DEVICE_KIND_BRIDGE = 2;
export const DEVICE_KIND_VXLAN = 3;

export const DEV_UP = 1;
export const DEV_HAIRPIN = 2;
export const DEV_PROMISC = 4;
export const DEV_FORWARDING = 8; // net.ipv4.conf.DEV.forwarding
export const DEV_ROUTE_LOCALNET = 16;

// Address: one per local address
export const ADDRESS_IP = 0; // u32; IPv6: its number
export const ADDRESS_PREFIX = 4; // u32
export const ADDRESS_DEVICE = 8; // i32
export const ADDRESS_SCOPE = 12; // u32 RT_SCOPE_*: 0 universe, 253 link, 254 host
export const ADDRESS_STRIDE = 16;

// An interned IPv6 address, in the order of its bits
export const ADDRESS6_HI = 0; // u64 the first 64
export const ADDRESS6_LO = 8; // u64
export const ADDRESS6_STRIDE = 16;

// Route
export const ROUTE_PREFIX = 0; // u32 network, host bits zero; IPv6: its number, as in every address here
export const ROUTE_LENGTH = 4; // u32 0..32, or 0..128
export const ROUTE_TYPE = 8; // u32 RTN_*
export const ROUTE_TABLE = 12; // u32 254 main, 255 local
export const ROUTE_VIA = 16; // u32 gateway; 0 on-link
export const ROUTE_DEVICE = 20; // i32
export const ROUTE_PREFSRC = 24; // u32; 0: from the device
export const ROUTE_METRIC = 28; // u32
export const ROUTE_NEXTHOP_FIRST = 32; // u32 rows of TABLE_NEXTHOP
export const ROUTE_NEXTHOP_COUNT = 36; // u32; 0: single path
export const ROUTE_STRIDE = 40;

export const NEXTHOP_VIA = 0; // u32
export const NEXTHOP_DEVICE = 4; // i32
export const NEXTHOP_WEIGHT = 8; // u32
export const NEXTHOP_STRIDE = 12;

// What a look-up answers that finds no route row
export const ROUTE_NONE = -1;
export const ROUTE_LOCAL = -2; // less the row of TABLE_ADDRESS
export const ROUTE_BROADCAST = -0x40000000;

// rtm_type
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

// The compiled FIB of a netns, in one of these forms. Its answers number the routes of the netns from 0, then
// "none" (+ 0), "broadcast" (+ 1) and the local addresses (+ 2 …).
export const FIB_ABSENT = 0; // not compiled
export const FIB_LINE = 1; // at most 13 intervals in one line
export const FIB_NARROW = 2; // a window and what lies outside it, answers of 15 bits
export const FIB_WIDE = 3; // the same with answers of 31 bits

// FIB_LINE: keys i32[12], the starts of all intervals but the first, ascending, each less 1 and with its top bit flipped
export const FIB_LINE_ANSWERS = 48; // u8[13]
export const FIB_LINE_KEYS = 12;

// FIB_NARROW, FIB_WIDE. Offsets are from the base of TABLE_FIB.
export const FIB_WINDOW_START = 0; // u32 address
export const FIB_WINDOW_CELLS = 4; // u32; 0: no window
export const FIB_WINDOW_SHIFT = 8; // u32 log2 of the addresses of a cell
export const FIB_WINDOW_NODES = 12; // u32 offset / 8 of the trie nodes that cells refer to
export const FIB_ROOT = 16; // u32 offset / 8 of the trie node of what lies outside; 0: lines answer for it
export const FIB_LINES = 20; // u32 offset / 64 of the lines of 17 intervals each
export const FIB_UPPER = 24; // u32 offset / 64 of the line that chooses among them; 0: there is one
export const FIB_ANSWERS = 28; // u32 offset / size of an answer, of the answers of the lines, 17 a line
export const FIB_CELLS = 32; // u16 or u32 a cell: an answer, or with the top bit set the number of a trie node
export const FIB_ROW = 64;

// The compiled FIB of IPv6, in one of these forms; answers as above. Keys of lines are starts as above, of 64 bits.
export const FIB6_ABSENT = 0; // nothing of IPv6 in the netns
export const FIB6_LINES = 1; // a line for the first half of an address, and one behind it for each second half that matters
export const FIB6_TREE = 2; // trees of lines, nine children a line

// FIB6_LINES, each: i64[7] keys
export const FIB6_LINE_ANSWERS = 56; // u8[8]: an answer, or with the top bit set the number of a line of second halves
export const FIB6_LINE_KEYS = 7;

// FIB6_TREE. Offsets are from the base of TABLE_FIB.
export const FIB6_LEVELS = 0; // u32; 0: one answer
export const FIB6_ANSWERS = 4; // u32 offset / 4 of the answers, u32 each; with the top bit set the row of a tree of second halves
export const FIB6_LEVEL_LINES = 8; // u32[8] offset / 64 of the lines of each level, i64[8] keys each
export const FIB6_WINDOW_START = 40; // u64
export const FIB6_WINDOW_CELLS = 48; // u32; 0: no window
export const FIB6_WINDOW_SHIFT = 52; // u32 log2 of the first halves of a cell
export const FIB6_CELLS = 56; // u32 offset / 4 of the answers of the cells, u32 each; FIB6_SPLIT: the tree answers
export const FIB6_SPLIT = -1;

// Node of a trie: 6 bits of the address choose a child, or the leaf of the last leaf bit at or below them
export const TRIE_CHILDREN = 0; // u64 bit per child
export const TRIE_LEAVES = 8; // u64 bit where an answer begins
export const TRIE_FIRST_CHILD = 16; // u32 offset / 8
export const TRIE_FIRST_LEAF = 20; // u32 offset / size of an answer
export const TRIE_STRIDE = 24;

// Chain
export const CHAIN_RULE_FIRST = 0; // u32 rows of TABLE_RULE, contiguous
export const CHAIN_RULE_COUNT = 4; // u32 without the policy row; the policy (or the implicit return) is row first + count
export const CHAIN_POLICY = 8; // u32 POLICY_*
export const CHAIN_MOVED = 12; // u32 chain that jumps among copied rules lead to instead, + 1; the host clears it again
export const CHAIN_LEAVES = 16; // u32 jumps in it, written by compile
export const CHAIN_JUMPS = 24; // u32 first of the jumps to it, rule row + 1, written by compile; 0: none
export const CHAIN_INDEX = 28; // u32 byte offset of its index in TABLE_CHAININDEX, written by compile; 0: none, rules are walked one by one
export const CHAIN_STRIDE = 32;

export const POLICY_RETURN = 0; // a user chain
export const POLICY_ACCEPT = 1;
export const POLICY_DROP = 2;

// Index of a chain, in TABLE_CHAININDEX: a header, then the hash's buckets, the links, and the columns that are scanned.
// Offsets of parts are bytes from the header; rules are numbered from 0 within their chain; an entry of a part is a u32.
export const INDEX_RULES = 0; // u32 rules of the chain, its policy not counted
export const INDEX_RULE_FIRST = 4; // u32 row of TABLE_RULE
export const INDEX_SHAPES = 8; // u32 shapes in the hash, at most INDEX_SHAPE_COUNT
export const INDEX_SHAPE = 12; // u8[INDEX_SHAPE_COUNT] which fields a shape's key has, FIELD_* bits
export const INDEX_BUCKET_MASK = 20; // u32 buckets - 1
export const INDEX_LINKS = 24; // u32 where per rule the next one of the same key is: rule + 1, 0 none
export const INDEX_SCANNED = 28; // u32 rules that are scanned
export const INDEX_NUMBERS = 32; // u32 where the scanned rules' numbers are, in order, padded with INDEX_RULES
export const INDEX_COLUMNS = 36; // u32 how many columns they have, 1..3
export const INDEX_COLUMN = 40; // u8[4] which word each is of, WORD_*; the most telling first
export const INDEX_COLUMN_FIRST = 44; // u32 where the first column is; the next follow. A group of four rules: four values, four masks
export const INDEX_BYTES_LOG2 = 48; // u32 bytes of the whole index, a power of two
export const INDEX_BUCKETS = 64; // buckets: u32 first rule of the key + 1, or 0; u32 high half of the key's hash
export const INDEX_SHAPE_COUNT = 8;

// Fields that an exact condition asks for
export const FIELD_SRC = 1;
export const FIELD_DST = 2;
export const FIELD_L4 = 4; // protocol and destination port
export const FIELD_IIF = 8;
export const FIELD_OIF = 16;
export const FIELD_SETS = 32; // how many sets of fields there are

// Words of a packet that a column holds a value and a mask for
export const WORD_DST = 0;
export const WORD_SRC = 1;
export const WORD_L4 = 2; // protocol << 16 | destination port
export const WORD_COUNT = 3;

// Rule
export const RULE_SRC = 0; // u32
export const RULE_DST = 4; // u32
export const RULE_SMASK = 8; // u32; 0 any
export const RULE_DMASK = 12; // u32
export const RULE_IIF = 16; // i32 row of TABLE_PATTERN; -1 any
export const RULE_OIF = 20; // i32
export const RULE_PROTO = 24; // u8; 0 any
export const RULE_INVERT = 25; // u8 INV_*
export const RULE_MATCH_COUNT = 26; // u8
export const RULE_TARGET = 27; // u8 TARGET_*
export const RULE_MATCH_FIRST = 28; // u32 rows of TABLE_MATCH, contiguous
export const RULE_A = 32; // u32 target arguments, by target
export const RULE_B = 36;
export const RULE_C = 40;
export const RULE_D = 44;
export const RULE_E = 48;
export const RULE_CHAIN = 52; // i32 chain it stands in
export const RULE_DPORTS = 56; // u32 min | max << 16, by compile: with RULEF_DPORTS all that its matches ask for
export const RULE_FLAGS = 60; // u32 RULEF_*
export const RULE_STRIDE = 64;

export const INV_SRC = 1;
export const INV_DST = 2;
export const INV_IIF = 4;
export const INV_OIF = 8;
export const INV_PROTO = 16;
export const INV_FRAGMENT = 32;

export const RULEF_GOTO = 1;
export const RULEF_FRAGMENT = 2;
export const RULEF_POLICY = 4; // the policy row or implicit return of its chain
export const RULEF_TAIL = 8; // no condition, no match, ends its chain: what the kernel's trace calls policy or return
export const RULEF_UNCOUNTED = 16; // an implicit return: iptables-save has no counter for it
export const RULEF_LED = 32; // a jump whose chain need not be looked up
export const RULEF_NO_DEVICE = 64; // by compile: it asks for no device, nor for fragments
export const RULEF_DPORTS = 128; // by compile: destination ports are all that its matches ask for

// Targets
export const TARGET_NONE = 0; // counts and falls through
export const TARGET_ACCEPT = 1;
export const TARGET_DROP = 2;
export const TARGET_RETURN = 3;
export const TARGET_JUMP = 4; // A chain; with RULEF_GOTO a goto; with RULEF_LED, by compile: B its first rule, C its CHAIN_INDEX, D and E the next and the previous jump to it, rule row + 1
export const TARGET_REJECT = 5; // A REJECT_*
export const TARGET_MARK = 6; // A value, B mask: mark = (mark & ~B) ^ A
export const TARGET_CONNMARK = 7; // A mode (0 set, 1 save, 2 restore), B ctmark, C ctmask, D nfmask
export const TARGET_DNAT = 8; // A min address (0 none), B max address, C min port, D max port, E NAT_*
export const TARGET_SNAT = 9; // as DNAT
export const TARGET_MASQUERADE = 10; // C D E
export const TARGET_REDIRECT = 11; // C D E
export const TARGET_CT = 12; // A 1 notrack, B zone
export const TARGET_LOG = 13;
export const TARGET_TRACE = 14;
export const TARGET_UNKNOWN = 15; // carried: the verdict is unknown
export const TARGET_NETMAP = 16; // A address, B mask; IPv6: A first of 8 words (address, mask: hi, lo)

export const NAT_RANDOM = 1;
export const NAT_RANDOM_FULLY = 2;
export const NAT_PERSISTENT = 4;
export const NAT_PORTS = 8; // C and D hold a port range
export const NAT_BASEPORT = 16;

// REJECT --reject-with; ICMP code for the unreachables
export const REJECT_NET = 0;
export const REJECT_HOST = 1;
export const REJECT_PROTO = 2;
export const REJECT_PORT = 3;
export const REJECT_NET_PROHIBITED = 9;
export const REJECT_HOST_PROHIBITED = 10;
export const REJECT_ADMIN_PROHIBITED = 13;
export const REJECT_TCP_RESET = 255;
// The same of ip6tables: codes of ICMPv6's destination unreachable (RFC 4443 3.1)
export const REJECT6_NO_ROUTE = 0;
export const REJECT6_ADM_PROHIBITED = 1;
export const REJECT6_ADDR = 3;
export const REJECT6_PORT = 4;
export const REJECT6_POLICY_FAIL = 5;
export const REJECT6_REJECT_ROUTE = 6;

// Match: 32 bytes; `invert` bits number the options of the match in the order given below
export const MATCH_KIND = 0; // u16 MATCH_*
export const MATCH_INVERT = 2; // u16 bit per option
export const MATCH_A = 4; // u32 ...
export const MATCH_B = 8;
export const MATCH_C = 12;
export const MATCH_D = 16;
export const MATCH_E = 20;
export const MATCH_F = 24;
export const MATCH_STATE = 28; // i32 row of TABLE_STATE; -1 none
export const MATCH_STRIDE = 32;

export const MATCH_TCP = 1; // A sport min|max<<16, B dport min|max<<16, C flag mask | comp<<8 (0 any), D tcp-option (0 any); invert: 1 sport 2 dport 4 flags 8 option
export const MATCH_UDP = 2; // A, B as tcp (udp, udplite, sctp)
export const MATCH_ICMP = 3; // A type (255 any), B code min, C code max; invert 1
export const MATCH_MULTIPORT = 4; // A first word, B count (each min|max<<16), C 1 sports 2 dports 3 either; invert 1
export const MATCH_MARK = 5; // A value, B mask; invert 1
export const MATCH_CONNMARK = 6; // A value, B mask; invert 1
export const MATCH_CONNTRACK = 7; // A first word of a CTM_* block
export const MATCH_ADDRTYPE = 8; // A source type mask (0 none), B dest type mask, C 1 limit-iface-in 2 limit-iface-out; invert: 1 src 2 dst
export const MATCH_STATISTIC_RANDOM = 9; // A threshold of 2^31; invert 1
export const MATCH_STATISTIC_NTH = 10; // A every, B packet; state: counter; invert 1
export const MATCH_RECENT = 11; // B RECENT_SET..., C seconds, D hitcount, E RECENT_BY_..., F address mask; state: list; invert 1
export const MATCH_SET = 12; // A set, B dimensions: bit per dimension 1=src, C number of dimensions, D 1 return-nomatch; invert 1
export const MATCH_PHYSDEV = 13; // A in pattern, B out pattern, C PHYSDEV_* bits present; invert: the same bits
export const MATCH_IPRANGE = 14; // A src min, B src max, C dst min, D dst max, E 1 src 2 dst present; invert: 1 src 2 dst. IPv6: A and C first of 8 words (min, max: hi, lo)
export const MATCH_LIMIT = 15; // A credit cost per packet, B credit cap (32 a millisecond), state: credit, ms of the last look
export const MATCH_LENGTH = 16; // A min, B max; invert 1
export const MATCH_TTL = 17; // A value, B 0 eq 1 lt 2 gt; invert 1 (eq)
export const MATCH_PKTTYPE = 18; // A type; invert 1
export const MATCH_TOS = 19; // A value, B mask; invert 1
export const MATCH_MAC = 20; // carried
export const MATCH_UNKNOWN = 21; // carried: the verdict is unknown when it is reached
export const MATCH_HASHLIMIT = 22; // carried until modelled
export const MATCH_DSCP = 23; // A value; invert 1
export const MATCH_PREFIX6 = 24; // -s or -d of a prefix below /128: A first of 8 words (address, mask: hi, lo), B 1 src 2 dst; invert 1

// xt_recent's check_set
export const RECENT_RCHECK = 1;
export const RECENT_SET = 2;
export const RECENT_UPDATE = 4;
export const RECENT_REMOVE = 8;
export const RECENT_BY_DEST = 1; // rdest
export const RECENT_BY_TTL = 2; // rttl
export const RECENT_REAP = 4;

export const PHYSDEV_IN = 1;
export const PHYSDEV_OUT = 2;
export const PHYSDEV_BRIDGED = 4;
export const PHYSDEV_ISIN = 8;
export const PHYSDEV_ISOUT = 16;

// A conntrack match block in TABLE_WORD: u32 words
export const CTM_PRESENT = 0; // bit per option, CTM_HAS_*
export const CTM_INVERT = 1; // the same bits
export const CTM_STATE = 2; // CTS_* bits
export const CTM_STATUS = 3; // IPS_* bits
export const CTM_PROTO = 4;
export const CTM_ORIGSRC = 5; // value, mask: two words each; IPv6: the first of 8 words (address, mask: hi, lo)
export const CTM_ORIGDST = 7;
export const CTM_REPLSRC = 9;
export const CTM_REPLDST = 11;
export const CTM_ORIGSPORT = 13; // min|max<<16
export const CTM_ORIGDPORT = 14;
export const CTM_REPLSPORT = 15;
export const CTM_REPLDPORT = 16;
export const CTM_EXPIRE_MIN = 17; // seconds
export const CTM_EXPIRE_MAX = 18;
export const CTM_DIR = 19; // 0 ORIGINAL, 1 REPLY
export const CTM_WORDS = 20;

export const CTM_HAS_STATE = 1;
export const CTM_HAS_STATUS = 2;
export const CTM_HAS_PROTO = 4;
export const CTM_HAS_ORIGSRC = 8;
export const CTM_HAS_ORIGDST = 16;
export const CTM_HAS_REPLSRC = 32;
export const CTM_HAS_REPLDST = 64;
export const CTM_HAS_ORIGSPORT = 128;
export const CTM_HAS_ORIGDPORT = 256;
export const CTM_HAS_REPLSPORT = 512;
export const CTM_HAS_REPLDPORT = 1024;
export const CTM_HAS_EXPIRE = 2048;
export const CTM_HAS_DIR = 4096;

// ctstate bits, as xt_conntrack.h
export const CTS_INVALID = 1;
export const CTS_ESTABLISHED = 2;
export const CTS_RELATED = 4;
export const CTS_NEW = 8;
export const CTS_SNAT = 64;
export const CTS_DNAT = 128;
export const CTS_UNTRACKED = 256;

// IPS_*: conntrack entry status
export const IPS_EXPECTED = 1;
export const IPS_SEEN_REPLY = 2;
export const IPS_ASSURED = 4;
export const IPS_CONFIRMED = 8;
export const IPS_SRC_NAT = 16;
export const IPS_DST_NAT = 32;
export const IPS_SEQ_ADJUST = 64;
export const IPS_SRC_NAT_DONE = 128;
export const IPS_DST_NAT_DONE = 256;
export const IPS_DYING = 512;
export const IPS_FIXED_TIMEOUT = 1024;
export const IPS_NAT_CLASH = 4096;
export const IPS_CACHED = 32768; // not a kernel bit: a line of the path cache repeats packets of the entry and owes it their sums
export const IPS_TAKEN = 16384; // not a kernel bit: the row holds an entry, confirmed or not

// Interface pattern
export const PATTERN_NAME = 0; // i32 exact interned name; -1: a wildcard; -2: `+`, which is also no device at all
export const PATTERN_BITS = 4; // u32 first word of its bit set over interned names
export const PATTERN_BIT_WORDS = 8; // u32 words in it
export const PATTERN_STRIDE = 12;

// ipset
export const SET_TYPE = 0; // u32 SET_TYPE_*
export const SET_ENTRY_FIRST = 4; // u32 rows of TABLE_ENTRY, contiguous; written by the host
export const SET_ENTRY_COUNT = 8;
export const SET_NETNS = 12; // i32
export const SET_FAMILY = 16; // u32
export const SET_BUCKETS = 20; // u32 first word of its hash index, reserved by the host
export const SET_BUCKET_COUNT = 24; // u32 written by compile; 0: no index, entries are scanned
export const SET_LENGTHS = 28; // u32 written by compile: bit per prefix length in use (bit 31 = /32, bit 0 = /1); /0 apart
export const SET_NETMASK = 32; // u32 of hash:ip netmask N; else all ones
export const SET_RESERVED = 36; // u32 words reserved for the index: a power of two, at least twice the entries; or 0
export const SET_LENGTHS6 = 40; // u64[2] as SET_LENGTHS of an IPv6 set: bit length - 1
export const SET_STRIDE = 56;

export const SET_TYPE_IP = 1;
export const SET_TYPE_NET = 2;
export const SET_TYPE_IP_PORT = 3;
export const SET_TYPE_NET_PORT = 4;
export const SET_TYPE_IP_PORT_IP = 5;
export const SET_TYPE_IP_PORT_NET = 6;
export const SET_TYPE_UNKNOWN = 255; // carried

export const ENTRY_IP = 0; // u32
export const ENTRY_IP2 = 4; // u32
export const ENTRY_PORT = 8; // u16
export const ENTRY_PROTO = 10; // u8
export const ENTRY_PREFIX = 11; // u8
export const ENTRY_PREFIX2 = 12; // u8
export const ENTRY_FLAGS = 13; // u8 1 nomatch
export const ENTRY_STRIDE = 16;

// Socket
export const SOCKET_NETNS = 0; // i32
export const SOCKET_PROTO = 4; // u8
export const SOCKET_STATE = 5; // u8 SOCKET_LISTEN, SOCKET_CONNECTED
export const SOCKET_LPORT = 6; // u16
export const SOCKET_LADDR = 8; // u32; 0 any
export const SOCKET_RADDR = 12; // u32; 0 any
export const SOCKET_RPORT = 16; // u16; 0 any
export const SOCKET_FAMILY = 18; // u8 4 or 6; 0 both (a wildcard of IPv6 without IPV6_V6ONLY)
export const SOCKET_PADDING = 19;
export const SOCKET_NEXT = 20; // u32 the next socket of its netns, row + 1; 0 none
export const SOCKET_PREVIOUS = 24; // u32
export const SOCKET_STRIDE = 28;

export const SOCKET_LISTEN = 1;
export const SOCKET_CONNECTED = 2;

// Event: one row of a trace
export const EVENT_KIND = 0; // u8 EVENT_*
export const EVENT_HOOK = 1; // u8
export const EVENT_XT = 2; // u8 table
export const EVENT_VERDICT = 3; // u8 VERDICT_*
export const EVENT_REASON = 4; // u8 REASON_*
export const EVENT_CTINFO = 5; // u8; 255: no entry
export const EVENT_PACKET_TYPE = 6; // u8
export const EVENT_SKB = 7; // u8 SKB_*
export const EVENT_NETNS = 8; // i32
export const EVENT_DEVICE = 12; // i32
export const EVENT_RULE = 16; // i32
export const EVENT_PACKET_ID = 20; // u32
export const EVENT_IIF = 24; // i32
export const EVENT_OIF = 28; // i32
export const EVENT_PHYSIN = 32; // i32
export const EVENT_PHYSOUT = 36; // i32
export const EVENT_MARK = 40; // u32
export const EVENT_CT = 44; // i32
export const EVENT_FLOW = 48; // i32
export const EVENT_WIRE = 56; // the packet's 32 byte wire record
export const EVENT_SEQ = 88; // u32
export const EVENT_ACK = 92; // u32
export const EVENT_INNER = 96; // 14 bytes: inner src, dst, sport, dport, proto, ttl
export const EVENT_MTU = 110; // u16
export const EVENT_TUNNEL = 112; // i32 event row of the encapsulated packet's last event; -1
export const EVENT_VNI = 116; // u32
export const EVENT_GATEWAY = 120; // u32
export const EVENT_STRIDE = 128;

export const EVENT_IN = 1; // received by a device
export const EVENT_OUT = 2; // sent by a device
export const EVENT_RULE_MATCH = 3; // a rule matched
export const EVENT_POLICY = 4; // a base chain's policy
export const EVENT_RETURN = 5; // end of a user chain
export const EVENT_ROUTE = 6; // routing decided: oif, gateway
export const EVENT_NAT = 7; // addresses or ports were rewritten
export const EVENT_DELIVER = 8; // reached a socket (or a silent stack)
export const EVENT_DROP = 9; // vanished: reason
export const EVENT_ICMP_OUT = 10; // an IP stack made an ICMP error
export const EVENT_RST_OUT = 11; // an IP stack made a reset
export const EVENT_ARP = 12; // neighbour resolution
export const EVENT_CONNTRACK = 13; // looked up: ctinfo
export const EVENT_LOG = 14; // -j LOG
export const EVENT_UNKNOWN = 15; // reached a carried rule
export const EVENT_INSIDE = 16; // the packet inside the tunnel packet of the event before

export const VERDICT_NONE = 0;
export const VERDICT_DELIVERED = 1;
export const VERDICT_REJECTED = 2;
export const VERDICT_DROPPED = 3;
export const VERDICT_UNREACHABLE = 4;
export const VERDICT_BLOCKED_LOCALLY = 5;
export const VERDICT_UNKNOWN = 6;
export const VERDICT_COUNT = 7;

export const REASON_NONE = 0;
export const REASON_PORT_CLOSED = 1;
export const REASON_RULE = 2; // the rule says which word: drop-rule, reject-rule, no-endpoints ...
export const REASON_REPLY_LOST = 3;
export const REASON_CONNTRACK_INVALID = 4;
export const REASON_CONNTRACK_FULL = 5;
export const REASON_NAT_EXHAUSTED = 6;
export const REASON_HAIRPIN = 7;
export const REASON_RP_FILTER = 8;
export const REASON_MARTIAN = 9;
export const REASON_NO_IP_FORWARD = 10;
export const REASON_MTU = 11;
export const REASON_NO_ROUTE = 12;
export const REASON_NEIGHBOUR_FAILED = 13;
export const REASON_TTL = 14;
export const REASON_BLACKHOLE = 15;
export const REASON_PROHIBIT = 16;
export const REASON_OTHERHOST = 17;
export const REASON_NO_BRIDGE_PORT = 18;
export const REASON_SILENT = 19;
export const REASON_NO_SOCKET = 20; // a segment for a connection that nobody has
export const REASON_ICMP_RATELIMIT = 21;
export const REASON_ANTI_SPOOFING = 22;
export const REASON_UNREACHABLE_ROUTE = 23;
export const REASON_RULE_BUDGET = 24;
export const REASON_QUEUE_FULL = 25;
export const REASON_PROTO_UNREACHABLE = 26;
export const REASON_DEVICE_DOWN = 27;
export const REASON_COUNT = 28;

// Conntrack entry: two cache lines. The first is all that a packet of an established connection reads and writes.
export const CT_ORIG = 0; // tuple, 16 bytes: src u32, dst u32, sport u16, dport u16, zone << 8 | proto u32
export const CT_REPLY = 16; // tuple, 16 bytes
export const CT_STATUS = 32; // u16 IPS_*; 0: the row is free
export const CT_STATE = 34; // u8 TCP_CT_* (or SCTP state)
export const CT_LAST = 35; // u8 kind of the last segment, its direction in the top bit
export const CT_FLOW = 36; // i32
export const CT_DEADLINE = 40; // i64 ns; may be behind: settle first
export const CT_COUNT = 48; // u64[2] per direction, not in the totals yet: bytes << 24 | packets; settle adds them
export const CT_MARK = 64; // u32
export const CT_NETNS = 68; // i32
export const CT_NAT_NEXT = 72; // i32 chain of the by-source hash
export const CT_FREE_NEXT = 72; // i32 chain of free rows
export const CT_MASQ_DEVICE = 76; // i32
export const CT_ZONE = 80; // u16 user zone number
export const CT_USE = 82; // u8 packets that hold the entry while it is unconfirmed
export const CT_WINDOWED = 83; // u8 1: its row of TABLE_CTWINDOW is in use
export const CT_FIRST_END = 84; // u32 the sequence number after the first segment
export const CT_START = 88; // i64 ns
export const CT_ORIG_PACKETS = 96; // u64 totals; settle first
export const CT_ORIG_BYTES = 104; // u64
export const CT_REPLY_PACKETS = 112; // u64
export const CT_REPLY_BYTES = 120; // u64
export const CT_STRIDE = 128;

// What TCP keeps of an entry beside it, in the row of the same number of TABLE_CTWINDOW: window tracking, and the segments
// that passed without moving the state
export const CTWINDOW_END = 0; // u32[2] per direction
export const CTWINDOW_MAXEND = 8; // u32[2]
export const CTWINDOW_MAXWIN = 16; // u32[2]
export const CTWINDOW_MAXACK = 24; // u32[2]
export const CTWINDOW_SCALE = 32; // u8[2]
export const CTWINDOW_FLAGS = 34; // u8[2] IP_CT_TCP_FLAG_*
export const CTWINDOW_LAST_SEQ = 36; // u32
export const CTWINDOW_LAST_ACK = 40; // u32
export const CTWINDOW_LAST_END = 44; // u32
export const CTWINDOW_LAST_WIN = 48; // u16
export const CTWINDOW_LAST_FLAGS = 50; // u8
export const CTWINDOW_LAST_SCALE = 51; // u8
export const CTWINDOW_RETRANS = 52; // u8
export const CTWINDOW_STRIDE = 64;

// Tuple slot of the conntrack hash: 32 bytes, one per direction, open addressing
export const TUPLE_SRC = 0;
export const TUPLE_DST = 4;
export const TUPLE_PORTS = 8; // sport u16, dport u16
export const TUPLE_ZONE_PROTO = 12; // netns-and-zone << 8 | proto
export const TUPLE_CT = 16; // i32 entry << 1 | direction
export const TUPLE_HASH = 20; // u32, top bit always set; 0: empty, so that zeroed memory is an empty table
export const TUPLE_STRIDE = 32; // two a cache line; the last 8 bytes are spare

// Path: (netns, its generation, rules touched), interned; counters are per path. Open addressing over the rows; row 0 is the head.
export const PATH_HASH = 0; // u32
export const PATH_NETNS = 4; // i32
export const PATH_FIRST = 8; // u32 rows of TABLE_PATHRULE; of a short path nothing
export const PATH_COUNT = 12; // u16 how many; 0: the row is free
export const PATH_GENERATION = 14; // u16 NETNS_GENERATION
export const PATH_PACKETS = 16; // u64
export const PATH_BYTES = 24; // u64
export const PATH_RULES = 32; // u32[PATH_RULES_COUNT] its rules, where they are no more than that; else they are in TABLE_PATHRULE
export const PATH_RULES_COUNT = 8;
export const PATH_STRIDE = 64;

// Row 0 of TABLE_PATH
export const PATH_USED = 0; // u32 paths interned
export const PATH_RULES_USED = 4; // u32 rows of TABLE_PATHRULE in use
export const PATH_SPILLED = 16; // u64 walks counted rule by rule because the tables were full
export const PATH_LOST = 24; // u64 rules that could not be counted at all: TABLE_COUNTER is too small

// Rule counter beside the paths
export const COUNTER_NETNS = 0; // u32 netns + 1; 0: the slot is free
export const COUNTER_RULE = 4; // u32
export const COUNTER_PACKETS = 8; // u64
export const COUNTER_BYTES = 16; // u64
export const COUNTER_STRIDE = 24;

// State of stateful matches. nth: A count. limit: A credit, B ms. recent: the list, as below
export const STATE_A = 0; // u64
export const STATE_B = 8; // u64
export const STATE_STRIDE = 16;

// A list of xt_recent, in TABLE_STATE
export const LIST_OLDEST = 0; // i32 row of TABLE_RECENT; 0 none
export const LIST_NEWEST = 4; // i32
export const LIST_COUNT = 8; // u32 entries
export const LIST_STAMP_MASK = 12; // u32 stamps kept per entry - 1, a power of two - 1, below RECENT_STAMP_COUNT

// xt_recent: one row per (list, address). Row 0 is the head; 0 means none in every link.
export const RECENT_LIST = 0; // i32 row of TABLE_STATE
export const RECENT_ADDRESS = 4; // u32
export const RECENT_TTL = 8; // u32
export const RECENT_COUNT = 12; // u32 stamps in use
export const RECENT_INDEX = 16; // u32 next stamp
export const RECENT_NEXT = 20; // i32 next in its bucket, or in the chain of free rows
export const RECENT_OLDER = 24; // i32 order of last use within the list, for eviction
export const RECENT_NEWER = 28; // i32
export const RECENT_BUCKET = 32; // i32 first entry of the bucket that has this row's number
export const RECENT_PADDING = 36;
export const RECENT_STAMPS = 40; // i64[RECENT_STAMP_COUNT] ns
export const RECENT_STAMP_COUNT = 32;
export const RECENT_STRIDE = 296;

// Row 0 of TABLE_RECENT
export const RECENT_USED = 0; // u32 rows ever taken
export const RECENT_FREE = 4; // i32 first free row

// Flow: one per connection of a replay
export const FLOW_SRC = 0; // the initiator's tuple
export const FLOW_DST = 4;
export const FLOW_SPORT = 8;
export const FLOW_DPORT = 10;
export const FLOW_PROTO = 12; // u8
export const FLOW_VERDICT = 13; // u8
export const FLOW_REASON = 14; // u8
export const FLOW_FLAGS = 15; // u8 FLOWF_*
export const FLOW_NETNS = 16; // i32 the initiator's netns
export const FLOW_SERVER = 20; // i32 netns that answered; -1 none
export const FLOW_SEEN_SRC = 24; // u32 what the server saw
export const FLOW_SEEN_DST = 28; // u32
export const FLOW_SEEN_SPORT = 32; // u16
export const FLOW_SEEN_DPORT = 34; // u16
export const FLOW_PACKETS = 36; // u32 both directions, as offered
export const FLOW_BYTES = 40; // u64
export const FLOW_TIME = 48; // i64 ns of the first packet
export const FLOW_LAST = 56; // i64 ns of the last packet
export const FLOW_RULE = 64; // i32 the rule that decided; -1 none
export const FLOW_ENTRY_NODE = 68; // i32 first node netns whose uplink took it in; -1 none
export const FLOW_CT = 72; // i32 entry at the first netns that tracks it; -1 none
export const FLOW_SECOND = 76; // i32 second node it crossed; -1 none
export const FLOW_KIND = 80; // u32 OPENING_SERIAL of what opened it, or of what it taught; 0 none
export const FLOW_FAMILY = 84; // u8 4 or 6
export const FLOW_BROKEN_VERDICT = 85; // u8 how its last packet ended, where that was lost after its client had been answered; 0 no
export const FLOW_BROKEN_REASON = 86; // u8
export const FLOW_PADDING = 87;
export const FLOW_LINE = 88; // u32 its line of the path cache
export const FLOW_CT_NETNS = 92; // i32 first netns that tracked it; -1 none
export const FLOW_CROSSED = 96; // u32[FLOW_CROSSED_MAX] entry + 1 of each netns that tracks it, in the order of the last packet; 0 none
export const FLOW_SETTLED = 120; // i64 ns of the packet up to which its entries' deadlines are true
export const FLOW_STRIDE = 128;
export const FLOW_CROSSED_MAX = 6;

export const FLOWF_ANSWERED = 1;
export const FLOWF_SECOND_HOP = 2;
export const FLOWF_CLOSED = 4;
export const FLOWF_RECORDED = 8; // has recorded replies: not mirrored
export const FLOWF_REACHED = 16; // a request got to a socket
export const FLOWF_OPENED = 32; // its opening packet was offered
export const FLOWF_FOLLOWS = 64; // the latest request did not open it

// Batch: one offered packet of a replay, 64 bytes; the first 32 are the wire record
export const BATCH_NETNS = 32; // i32 the netns that offers it (the initiator's)
export const BATCH_KIND = 36; // u8 BATCH_*
export const BATCH_FLAGS = 37; // u8 BATCHF_*
export const BATCH_SEQ = 40; // u32
export const BATCH_ACK = 44; // u32
export const BATCH_WINDOW = 48; // u16
export const BATCH_TOS = 50; // u8
export const BATCH_OPTIONS = 51; // u8 TCPOPT_* of a SYN
export const BATCH_SACK = 52; // u32 TCP: the highest of the acknowledgement and the right edges of SACK blocks
export const BATCH_MSS = 56; // u16 maximum segment size option of a SYN; 0 none
export const BATCH_STRIDE = 64;

export const BATCH_OFFER = 1; // the initiator sends it
export const BATCH_REPLY = 2; // a recorded reply, its tuple as the initiator saw it: whoever answers in this run sends it

export const BATCHF_OPENS = 1; // the first packet of a connection, as far as who offers it can tell
export const BATCHF_RECORDED = 2; // recorded replies of its connection will follow: nothing else answers

export const REPLIES_NONE = 0; // nothing answers
export const REPLIES_MIRROR = 1; // a program answers each packet that it gets
export const REPLIES_RECORDED = 2; // flows with recorded replies are answered by them, others are mirrored

// Line of the path cache: 64 bytes a connection, open addressing. All that a packet needs that repeats the one before it.
//  0 src u32         4 dst u32         (the tuple that the initiator sends; 16 bytes are the key)
//  8 ports u32      12 owner u32       (sport | dport << 16; netns << 8 | protocol)
// 16 flow u32       20 epoch u32       (row + 1, 0: the line is empty; 0: nothing can be repeated)
// 24 journey u32[2]                    (of a request, of a reply; 0 none)
// 32 bytes u32[2]                      (not settled yet, by direction)
// 40 packets u16[2] 44 limits u32      (not settled yet, by direction, as one word; LIMIT_*)
// 48 last i64                          (ns of the last packet)
// 56 until i64                         (ns up to which no neighbour on the way changes its state)
// While the epoch is 0 nothing is repeated, but a packet may go by a passage:
// 24 passage u32[2]                    (of a request, of a reply: PASSES | answered | PASSAGE_WORD's rest; else none)
// 36 entries u32[2]                    (rows of its conntrack entries, in the order of a request)
// 56 sum u64                           (not settled yet: bytes << 24 | packets, of both directions)
export const LINE_SRC = 0;
export const LINE_DST = 4;
export const LINE_PORTS = 8;
export const LINE_OWNER = 12;
export const LINE_FLOW = 16;
export const LINE_EPOCH = 20;
export const LINE_JOURNEY = 24;
export const LINE_BYTES = 32; // while the epoch is 0: attempts to note a journey
export const LINE_PACKETS = 40;
export const LINE_LIMITS = 44;
export const LINE_LAST = 48;
export const LINE_UNTIL = 56;
export const LINE_PASSAGE = 24;
export const LINE_ENTRIES = 36;
export const LINE_SUM = 56;
export const LINE_STRIDE = 64;

export const LIMIT_MTU = 65535; // the least MTU on the way
export const LIMIT_TIMEOUT = 4095; // seconds that the entries last after a packet, the least of them, or less
export const LIMIT_TIMEOUT_SHIFT = 16;
export const LIMIT_WINDOWS = 268435456; // its entries track TCP windows: each packet is judged by them
export const LIMIT_MIRRORED = 536870912; // a request is answered at once
export const LIMIT_RECORDED = 1073741824; // the flow is known to have recorded replies
export const LIMIT_REPLY = 2147483648; // the last packet was a reply

// Journey: what one packet of a direction counts on its way, interned. Open addressing over the rows; row 0 is the head.
export const JOURNEY_HASH = 0; // u32
export const JOURNEY_FIRST = 4; // u32 rows of TABLE_STEP
export const JOURNEY_COUNT = 8; // u32; 0: the row is free
export const JOURNEY_MTU = 12; // u32 the least MTU on the way
export const JOURNEY_UNTIL = 16; // i64 ns up to which no neighbour on the way changes its state
export const JOURNEY_STRIDE = 24;

// Row 0 of TABLE_JOURNEY
export const JOURNEY_USED = 0; // u32 journeys interned
export const JOURNEY_STEPS_USED = 4; // u32 rows of TABLE_STEP in use

// Step: what it is in the low two bits, above them which
export const STEP_PATH = 0; // row of TABLE_PATH: the rules of a walk
export const STEP_IN = 1; // device that received it
export const STEP_OUT = 2; // device that sent it
export const STEP_NEIGHBOUR = 3; // row of TABLE_NEIGH that gave its link-layer address

// Opening: what the first packet of a connection does, whatever its source port: found by a hash of the key.
//  0 src u32         4 dst u32         8 dport u16, TCP flags u8, BATCHF_* and variant << 2 u8     12 netns << 8 | protocol u32
export const OPENING_SRC = 0;
export const OPENING_DST = 4;
export const OPENING_WORD = 8;
export const OPENING_OWNER = 12;
export const OPENING_EPOCH = 16; // u32 of the path cache when the row was last known to hold; 0: nothing is known
export const OPENING_STEP_COUNT = 20; // u32
export const OPENING_UNTIL = 24; // i64 ns up to which no neighbour on the way changes its state
export const OPENING_PACKETS = 32; // u32 not settled yet
export const OPENING_SOCKETS = 36; // u32 socket changes when it was learnt
export const OPENING_BYTES = 40; // u64 not settled yet
export const OPENING_MTU = 48; // u32 the least MTU on the way
export const OPENING_SERIAL = 52; // u32 a number of its own for what was learnt, given anew with it
export const OPENING_ENTRIES = 56; // u8 conntrack entries that it makes, at most OPENING_ENTRY_COUNT
export const OPENING_FIRST = 57; // u8 which of them is the flow's FLOW_CT; 255 none
export const OPENING_MIRRORED = 58; // u8 1: it is answered at once
export const OPENING_FLAGS = 59; // u8 FLOWF_*; from here on what is in the flow's row afterwards
export const OPENING_VERDICT = 60; // u8
export const OPENING_REASON = 61; // u8
export const OPENING_SEEN_DPORT = 62; // u16
export const OPENING_SEEN = 64; // u32[2] addresses that the server saw
export const OPENING_SERVER = 72; // i32
export const OPENING_RULE = 76; // i32
export const OPENING_ENTRY_NODE = 80; // i32
export const OPENING_SECOND = 84; // i32
export const OPENING_CT_NETNS = 88; // i32
export const OPENING_DRAW_COUNT = 92; // u32 random draws on its way
export const OPENING_ENTRY = 96; // entries, OPENING_ENTRY_STRIDE bytes each
export const OPENING_ENTRY_COUNT = 3;
export const OPENING_STEPS = 256; // u32[OPENING_STEPS_MAX] STEP_*, as of a journey
export const OPENING_STEPS_MAX = 30;
export const OPENING_NEXT = 376; // u32 address of the next row that may owe something; 0: it owes nothing
export const OPENING_TRIES = 380; // u32 attempts to learn it
export const OPENING_DRAWS = 384; // u32[OPENING_DRAWS_MAX] threshold of 2^31, the top bit set where the draw was below it
export const OPENING_DRAWS_MAX = 16;
export const OPENING_VARIANTS = 16; // rows of one key, by how the draws come out
export const OPENING_STRIDE = 448;

// An entry that an opening makes
export const OPENS_NETNS = 0; // i32
export const OPENS_ZONE_PROTO = 4; // u32 as in a tuple
export const OPENS_ORIG = 8; // u32[2] addresses of the original tuple
export const OPENS_REPLY = 16; // u32[2] addresses of the reply tuple
export const OPENS_DPORT = 24; // u16 of the original tuple
export const OPENS_REPLY_SPORT = 26; // u16
export const OPENS_STATUS = 28; // u16 status, u8 state, u8 last segment
export const OPENS_TIMEOUT = 32; // u32 seconds
export const OPENS_MARK = 36; // u32
export const OPENS_MASQ_DEVICE = 40; // i32
export const OPENS_ZONE = 44; // u16
export const OPENING_ENTRY_STRIDE = 48;

// Sequel: what a packet behind the first one does, of all connections that were opened alike and stand where its key says.
//  0 direction u8, TCP flags u8, BATCHF_* u8, 4 kind u32 (FLOW_KIND)     8 status u16, state u8 of the first entry     12 u8[3] verdict, reason and flags of the flow
export const SEQUEL_KIND = 4;
export const SEQUEL_STANDING = 8;
export const SEQUEL_EPOCH = 16; // u32 of the path cache when the row was last known to hold; 0: nothing is known
export const SEQUEL_JOURNEY = 20; // u32
export const SEQUEL_BYTES = 24; // u64 not settled yet
export const SEQUEL_PACKETS = 32; // u32 not settled yet
export const SEQUEL_TRIES = 36; // u32 attempts to learn it
export const SEQUEL_SEEN = 40; // u32[2] addresses that the server saw
export const SEQUEL_SERVER = 48; // i32
export const SEQUEL_SEEN_DPORT = 52; // u16
export const SEQUEL_ENTRIES = 54; // u8 conntrack entries that it belongs to, at most SEQUEL_ENTRY_COUNT
export const SEQUEL_STEADY = 55; // u8 1: the next one would do the same, and its line may repeat it
export const SEQUEL_RULE = 56; // i32 of the flow before it
export const SEQUEL_ENTRY_NODE = 60; // i32
export const SEQUEL_SECOND = 64; // i32
export const SEQUEL_RULE_AFTER = 68; // i32
export const SEQUEL_ENTRY_NODE_AFTER = 72; // i32
export const SEQUEL_SECOND_AFTER = 76; // i32
export const SEQUEL_OUTCOME = 80; // u8[3] verdict, reason and flags of the flow behind it
export const SEQUEL_ALIKE = 83; // u8 a bit an entry: its tracker has the first one's settings, and both stand alike but for NAT
export const SEQUEL_ENTRY = 84; // entries, SEQUEL_ENTRY_STRIDE bytes each
export const SEQUEL_ENTRY_COUNT = 3;
export const SEQUEL_NEXT = 144; // u32 address of the next row that may owe something; 0: it owes nothing
export const SEQUEL_STRIDE = 192; // of a packet that belongs to two entries the first two cache lines are read

// An entry that a packet belongs to
export const SEQUEL_PLACE = 0; // i32 which of the flow's it is
export const SEQUEL_NETNS = 4; // i32
export const SEQUEL_BEFORE = 8; // u16 status, u8 state before the packet
export const SEQUEL_AFTER = 12; // u16 status, u8 state behind it
export const SEQUEL_MARK = 16; // u32
export const SEQUEL_ENTRY_STRIDE = 20;

// Megaflow: 64 bytes, open addressing. What one stack does with every packet that agrees in the first 32 of them.
//  0 src u32         4 dst u32         (as the packet comes)
//  8 src u32        12 dst u32         (as its connection translates them; 0: nothing tracks it)
// 16 device i32     20 smac, tos u32   (that it comes in by; -1 - netns: its sender's. smac << 8 | tos)
// 24 dmac u32       28 proto u8, tcp u8, status u16  (dmac << 1 | direction; of its conntrack entry)
// 32 epoch u32      36 journey u32     (as a line's; 0: the row is free)
// 40 packets u32    44 bytes u32       (not settled yet)
// 48 next i32       52, 56 u32         (device that it goes on to, with this smac and dmac; -1: up the stack, with this iif and mark)
// 60 ttl u8         61 translated u8   62 skb u8 (SKB_* of a packet that goes up)   63 local u8 (its destination is the netns's own)
export const MEGAFLOW_STRIDE = 64;

// Passage: two cache lines, of which the second is read by no loop beforehand. What all stacks from sender to receiver do with a packet.
//  0 word u32        4 epoch u32       (what lines know it by: PASSES | serial << 16 | row, 0: the row is free; as a line's)
//  8 tells u32      12 mtu u32         (TCP flags | TOS << 8 | BATCHF_* << 16 | direction << 24; the least MTU on the way)
// 16 sums u64       24 until i64       (not settled yet: packets | bytes << 32; as a line's)
// 32 addresses u64                     (as the packet sets out; source, destination << 32)
// 40 translation u64                   (as its first entry translates them)
// 48 between u64    56 second u64      (as it comes to its second entry, as that one translates them)
// 64 standing u32[2]                   (of each entry: status u16, state u8)
// 72 owner u32[2]   80 timeout u32[2]  (of each entry: zone << 8 | protocol; seconds that it lasts after the packet)
// 88 journey u32    92 netns i32       (that sends the packet)
// 96 entries u8     97 stacks u8       98 translates u8 (bit n: ports are translated by entry n)   99 protocol u8
// 100 end i32      104 crossed u64     (netns whose program gets it; nodes that its flow's row notes)
export const PASSAGE_STRIDE = 128;
// Walk: what one walk of a base chain came to, by all that it looked at. Two cache lines.
export const WALK_ADDRESSES = 0; // u64 source, destination
export const WALK_CHAIN = 8; // u64 protocol << 16 | destination port, base chain << 32
export const WALK_DEVICES = 16; // u64 PACKET_IIF, PACKET_OIF << 32
export const WALK_STATE = 24; // u64 mark, (netns << 8 | state of the connection) << 32
export const WALK_EPOCH = 32; // u32 of the path cache when the row was last known to hold; 0: the row is free
export const WALK_PATH = 36; // u32 row of TABLE_PATH that counts it; 0: it touched no rule with a counter
export const WALK_PACKETS = 40; // u32 not settled yet
export const WALK_MARK = 44; // u32 mark of the packet afterwards
export const WALK_BYTES = 48; // u64 not settled yet
export const WALK_RULE = 56; // i32 the rule that ended it
export const WALK_END = 60; // u8 WALK_*
export const WALK_ALIKE = 61; // u8 1: it looked at nothing that megaflows do not look at
export const WALK_ENDING = 64; // a copy of that rule's row
export const WALK_STRIDE = 128;

export const WALK_ACCEPTED = 1;
export const WALK_DROPPED = 2;
export const WALK_ACTED = 3; // the rule's target is run anew
export const WALK_OPEN = 4; // it depends on more: rules are walked

// FDB slot
export const FDB_BRIDGE = 0; // i32 device; -1: empty
export const FDB_MAC = 4; // i32 device that owns the address
export const FDB_PORT = 8; // i32 device
export const FDB_GENID = 12; // u32 generation of the network in which it was last known to hold
export const FDB_STRIDE = 16;

// Neighbour slot
export const NEIGH_DEVICE = 0; // i32; -1: empty
export const NEIGH_IP = 4; // u32
export const NEIGH_MAC = 8; // i32 device; -1: failed
export const NEIGH_STATE = 12; // u32 NUD_*
export const NEIGH_TIME = 16; // i64 ns of the last change
export const NEIGH_HH = 24; // u32 1: the header is cached
export const NEIGH_GENID = 28; // u32 as FDB_GENID
export const NEIGH_STRIDE = 32;

export const NUD_INCOMPLETE = 1;
export const NUD_REACHABLE = 2;
export const NUD_STALE = 4;
export const NUD_DELAY = 8;
export const NUD_PROBE = 16;
export const NUD_FAILED = 32;

// inet_peer, for ICMP rate limits
export const PEER_NETNS = 0; // i32; -1: empty
export const PEER_IP = 4; // u32
export const PEER_TOKENS = 8; // u32 ms
export const PEER_REDIRECTS = 12; // u32 sent
export const PEER_LAST = 16; // i64 ns
export const PEER_GENID = 24; // u32 generation of the network in which it was made
export const PEER_STRIDE = 32;

// Rows of a recording: one array a field (a column), COLUMN_ROWS long, at these offsets from their first byte. Each is followed by
// 64 unused bytes, so that equal rows of different columns do not share one set of the cache.
export const COLUMN_ROWS = 4096;
export const COLUMN_TIME = 0; // i64 ns since 1970, never negative
export const COLUMN_ORIGIN = 32832; // f64 captures: file offset of the record; flow records: the line
export const COLUMN_SRC = 65664; // u32 IPv4: host order; IPv6: index in the address table
export const COLUMN_DST = 82112; // u32
export const COLUMN_IPBYTES = 98560; // u32 of one packet, as its header says
export const COLUMN_PAYLOAD = 115008; // u32 bytes behind the transport header
export const COLUMN_SEQ = 131456; // u32 TCP; SCTP: verification tag; ICMP echo: sequence number
export const COLUMN_ACK = 147904; // u32
export const COLUMN_SACK = 164352; // u32 TCP: the highest of the acknowledgement and the right edges of SACK blocks
export const COLUMN_HASH = 180800; // u32 of the payload's beginning, to tell packets apart
export const COLUMN_VNI = 197248; // i32 tunnel it was taken out of; -1 none
export const COLUMN_REPEAT = 213696; // u32 packets that the row stands for
export const COLUMN_INNER_SRC = 230144; // u32 what an ICMP error quotes
export const COLUMN_INNER_DST = 246592; // u32
export const COLUMN_FLOW = 263040; // u32 number of its flow; NO_FLOW none
export const COLUMN_NETNS = 279488; // i32 owner that offers the flow; -1 outside
export const COLUMN_SPORT = 295936; // u16
export const COLUMN_DPORT = 304192; // u16
export const COLUMN_IPID = 312448; // u16
export const COLUMN_WINDOW = 320704; // u16
export const COLUMN_INTERFACE = 328960; // u16 row of the host's interface table
export const COLUMN_VLAN = 337216; // u16
export const COLUMN_INNER_SPORT = 345472; // u16
export const COLUMN_INNER_DPORT = 353728; // u16
export const COLUMN_MSS = 361984; // u16 TCP maximum segment size option; 0 none
export const COLUMN_FAMILY = 370240; // u8 4, 6
export const COLUMN_PROTO = 374400; // u8
export const COLUMN_TCP = 378560; // u8 flags; SCTP: type of the first chunk
export const COLUMN_TTL = 382720; // u8
export const COLUMN_TOS = 386880; // u8
export const COLUMN_SHAPE = 391040; // u8 SHAPE_*
export const COLUMN_DIRECTION = 395200; // u8 DIRECTION_*
export const COLUMN_INNER_PROTO = 399360; // u8
export const COLUMN_OPTIONS = 403520; // u8 TCPOPT_* of a SYN
export const COLUMN_KIND = 407680; // u8 KIND_*
export const COLUMN_BYTES = 411840;

export const DIRECTION_UNKNOWN = 0;
export const DIRECTION_IN = 1;
export const DIRECTION_OUT = 2;

export const SHAPE_MORE_FRAGMENTS = 1;
export const SHAPE_LATER_FRAGMENT = 2; // it has no transport header: ports and flags are 0
export const SHAPE_DONT_FRAGMENT = 4;
export const SHAPE_CUT = 8; // the capture ends inside the transport header: fields behind the cut are 0
export const SHAPE_INNER = 16; // an ICMP error; COLUMN_INNER_* hold the tuple of the packet that it quotes

// What becomes of a row of a recording
export const KIND_OFFER = 1; // its sender sends it again
export const KIND_REPLY = 2; // recorded answer: its time and size count
export const KIND_DUPLICATE = 3; // a copy of a packet that another interface shows as well
export const KIND_IGNORED = 4; // later fragments, ICMP errors, packets cut before their ports, answers to nothing

export const NO_FLOW = 0xffffffff;
export const OUTSIDE = -1; // a netns that is none of the network's, or unknown

// What became of the packets of a recording, and how many flows they are
export const OFFERS_FLOWS = 0;
export const OFFERS_OFFERED = 1;
export const OFFERS_REPLIES = 2;
export const OFFERS_DUPLICATES = 3;
export const OFFERS_ICMP_ERRORS = 4;
export const OFFERS_LATER_FRAGMENTS = 5;
export const OFFERS_CUT = 6;
export const OFFERS_ORPHANS = 7;
export const OFFERS_LINK = 8; // IPv6 that no stack passes on: neighbour discovery, MLD, link-local addresses
export const OFFERS_COUNT = 9;

// A capture file as it is read
export const SOURCE_INPUT = 0; // u32 address of the input bytes
export const SOURCE_CAPACITY = 4; // u32 bytes that they may become
export const SOURCE_START = 8; // u32 unconsumed: START to END
export const SOURCE_END = 12; // u32
export const SOURCE_BASE = 16; // u64 file offset of the first input byte
export const SOURCE_SKIP = 24; // u64 bytes behind END that are to be passed over
export const SOURCE_OFFSET = 32; // u64 file offset that the status is about
export const SOURCE_A = 40; // u64 what was found there, by status
export const SOURCE_B = 48; // u64
export const SOURCE_RECORDS = 56; // u64 packet records so far
export const SOURCE_ROWS = 64; // u64 of them rows
export const SOURCE_ARP = 72; // u64
export const SOURCE_MALFORMED = 80; // u64
export const SOURCE_HEADLESS = 88; // u64
export const SOURCE_CUT = 96; // u64
export const SOURCE_TUNNELLED = 104; // u64
export const SOURCE_ETHERTYPES = 112; // u32 address of 65,536 u32: frames by ethertype, 802.3 lengths at 0
export const SOURCE_COUNT = 116; // u32 rows in the columns that `captureRead` filled
export const SOURCE_ID = 120; // u32 of a new interface: number in its section, or ifindex
export const SOURCE_LINKTYPE = 124; // u32 of a new interface
export const SOURCE_NAME = 128; // u32 input offset of its name, then bytes; bytes -1: it has none
export const SOURCE_NAME_BYTES = 132; // i32
export const SOURCE_DESCRIPTION = 136; // u32
export const SOURCE_DESCRIPTION_BYTES = 140; // i32

export const SOURCE_PCAP = 1;
export const SOURCE_PCAPNG = 2;
export const SOURCE_STRICT = 1;
export const SOURCE_DECAPSULATE = 2;

// What a read ends with; A and B say what was found
export const READ_INPUT = 0; // all whole records are consumed
export const READ_FULL = 1; // the columns are full
export const READ_INTERFACE = 2; // a new interface: `captureInterface` says its number, then read on
export const READ_ENDED = 3; // a good place for the file to end
export const READ_HEADER = 4; // ends in the file header
export const READ_RECORD_HEADER = 5; // ends in a record header; A bytes of it
export const READ_RECORD = 6; // ends in a packet record; A bytes of it
export const READ_SKIPPED = 7; // ends in what is passed over; A bytes are missing
export const READ_BLOCK = 8; // ends in a block; A bytes of it
export const READ_VERSION = 9; // A, B: version of the file; pcapng: A and B 0xffff
export const READ_LINKTYPE = 10; // A: of the file
export const READ_FRACTION = 11; // A: fraction of a second, B: they are less than that
export const READ_CAPLEN = 12; // A: captured bytes; lenient reading may go on
export const READ_BLOCK_BYTES = 13; // A: length of a block
export const READ_TRAILER = 14; // A: length behind the block, B: before it
export const READ_BYTE_ORDER = 15; // A: byte-order magic
export const READ_NO_SECTION = 16; // a block before any section header
export const READ_SHORT_BLOCK = 17; // A: length, B: least for its type
export const READ_INTERFACES = 18; // one interface too many
export const READ_NO_INTERFACE = 19; // A: interface of a packet, B: interfaces of the section
export const READ_NO_INTERFACE_YET = 20; // a simple packet block before any interface
export const READ_OPTION = 21; // A: its code, B: its bytes << 32 | room for it
export const READ_BEYOND = 22; // A: captured bytes, B: bytes that the block holds
export const READ_TIME = 23; // A: timestamp, B: its interface's unit; SOURCE_ID, SOURCE_LINKTYPE: offset seconds, low and high
export const READ_ADDRESSES = 24; // the address table is full
export const READ_PACKET_LINKTYPE = 25; // A: of a packet's interface

export const CAPLEN_MAX = 262144; // captured bytes of one packet
export const BLOCK_MAX = 16777216; // bytes of one pcapng block
export const SOURCE_INTERFACES_MAX = 4096; // interfaces of one file
