// What the habits in habits.test.ts and memory.test.ts make an exception for, each with its reason.
// A row that no longer excuses anything fails the test, so the lists shrink by themselves.

/** Files of more than 400 lines that are one thing nevertheless. */
export const LONG: Record<string, string> = {
	"assembly/__tests__/conntrack.spec.ts": "the rows of the kernel's TCP state table, one by one",
	"assembly/layout.ts": "one list of offsets and codes, and the only file that both compilers read",
	"js/api/schema/kubernetes.generated.ts": "generated: one type of the Kubernetes API a line",
	"tests/kernel/questions.ts": "one list: small networks, each with its questions",
};

/** Modules of assembly/ that own a record and so may touch raw memory. All others go through their functions. */
export const RECORDS: Record<string, string> = {
	"assembly/arena.ts": "a table that moves, whole",
	"assembly/netns.ts": "the netns record",
	"assembly/device.ts": "the device record",
	"assembly/fdb.ts": "forwarding database entries",
	"assembly/neighbour.ts": "neighbour entries and the packets that wait for them",
	"assembly/socket.ts": "listeners and connections",
	"assembly/peer.ts": "the token buckets of an address",
	"assembly/queue.ts": "the slots that packets wait in",
	"assembly/flow.ts": "the flow row of a replay",
	"assembly/trace.ts": "the event row, in the one function that writes it",
	"assembly/capture/addresses.ts": "the slots of interned addresses",
	"assembly/capture/bytes.ts": "words of a capture in either byte order",
	"assembly/capture/columns.ts": "the columns of a recording's rows",
	"assembly/capture/ip.ts": "a row, as its IP header is read",
	"assembly/capture/order.ts": "row numbers as they are sorted",
	"assembly/capture/pcapng.ts": "the direction of a row",
	"assembly/capture/rows.ts": "a row's time, place and interface",
	"assembly/capture/source.ts": "what is counted and found by a file's numbers",
	"assembly/capture/transport.ts": "a row, as its transport header is read",
	"assembly/replay.ts": "the batch and the answers due",
	"assembly/fib.ts": "the route record",
	"assembly/netfilter/conn.ts": "the conntrack row",
	"assembly/netfilter/conntrack.ts": "the conntrack row, as it is made and confirmed",
	"assembly/netfilter/tuple.ts": "the 16 bytes of a tuple",
	"assembly/netfilter/tuplehash.ts": "the slots of the hash of tuples",
	"assembly/netfilter/source.ts": "the slots of the by-source hash",
	"assembly/netfilter/zone.ts": "interned zones",
	"assembly/netfilter/tcp.ts": "the kernel's table of TCP states, as static bytes",
	"assembly/netfilter/sctp.ts": "the kernel's table of SCTP states, as static bytes",
	"assembly/netfilter/settle.ts": "the packed counts and totals of a conntrack row",
	"assembly/netfilter/windowrow.ts": "a row of TABLE_CTWINDOW",
	"assembly/netfilter/path.ts": "interned paths and their counters",
	"assembly/netfilter/recent.ts": "entries of recent lists",
	"assembly/netfilter/limit.ts": "buckets of limit",
	"assembly/netfilter/pattern.ts": "interface name patterns",
	"assembly/netfilter/match.ts": "the match row",
	"assembly/netfilter/ctmatch.ts": "the match row, for conntrack",
	"assembly/netfilter/target.ts": "the target's part of a rule row",
	"assembly/netfilter/iptables.ts": "chain and rule rows",
	"assembly/netfilter/chain.ts": "the chain row",
	"assembly/netfilter/ipset.ts": "a set and its members",
	"assembly/lpm.ts": "the lines, windows and tries of a FIB",
	"assembly/compile/fib.ts": "writes the intervals of a FIB",
	"assembly/compile/lpm.ts": "writes the lines, windows and tries of a FIB",
	"assembly/compile/window.ts": "keys of prefixes, and how many there are of each length",
	"assembly/netfilter/chainindex.ts": "the index of a chain, as it is searched",
	"assembly/compile/chains.ts": "writes the index of a chain",
	"assembly/compile/conditions.ts": "the conditions of a rule row",
	"assembly/compile/indexspace.ts": "blocks of indexes",
	"assembly/compile/purity.ts": "the flags of chains, from their rules",
	"assembly/compile/sets.ts": "writes the hash of a set",
	"assembly/compile/sort.ts": "u64 keys in place",
};

/** Names that the field itself uses, though they end like a banned one. */
export const NAMES: Record<string, string> = {
	engine: "the instance of core.wasm: the word of the design for what assembly/ becomes",
	helper: "conntrack's word for a protocol's helper: `-j CT --helper`, `-m helper`",
};
