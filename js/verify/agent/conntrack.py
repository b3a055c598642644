# The conntrack table of a namespace, from /proc/net/nf_conntrack or, where the kernel has none, conntrack(8); both print one
# line an entry in the same words.
import os
import re

_PAIR = re.compile(r"\b(src|dst|sport|dport|type|code|id)=(\S+)")
_PROTOS = {"1": "icmp", "6": "tcp", "17": "udp", "132": "sctp"}
_NUMBERS = frozenset(("sport", "dport", "type", "code", "id"))


def entries(netns, timeouts=False):
    """All IPv4 entries, in the shape of the recorded scenarios."""
    if os.path.exists("/proc/net/nf_conntrack"):
        text = netns.read("/proc/self/net/nf_conntrack")
    else:
        text = netns.run(["conntrack", "-L", "-o", "extended"])
    return [entry for entry in (_parse(line, timeouts) for line in text.splitlines()) if entry is not None]


def _parse(line, timeouts):
    words = line.split()
    if len(words) < 5 or words[0] != "ipv4":
        return None
    # `ipv4 2 tcp 6 117 TIME_WAIT src=… [ASSURED] mark=0 …`
    state = words[5] if "=" not in words[5] and not words[5].startswith("[") else None
    pairs = [(key, int(value) if key in _NUMBERS else value) for key, value in _PAIR.findall(line)]
    second = next(index for index, (key, _) in enumerate(pairs) if key == "src" and index > 0)
    orig, reply = dict(pairs[:second]), dict(pairs[second:])
    mark = re.search(r"\bmark=(\d+)", line)
    entry = {"proto": _PROTOS.get(words[3], words[2]), "state": state, "flags": re.findall(r"\[(ASSURED|UNREPLIED)\]", line),
             "orig": orig, "reply": reply, "mark": int(mark.group(1)) if mark else 0, "nat": _nat(orig, reply)}
    if timeouts:
        entry["timeout"] = -(-int(words[4]) // 10) * 10
    return entry


def _nat(orig, reply):
    nat = []
    if (reply["src"], reply.get("sport", reply.get("id"))) != (orig["dst"], orig.get("dport", orig.get("id"))) and \
            (reply["src"] != orig["dst"] or "sport" in orig):
        nat.append("dnat")
    if (reply["dst"], reply.get("dport", reply.get("id"))) != (orig["src"], orig.get("sport", orig.get("id"))):
        nat.append("snat")
    return nat


def _forward(entry, side):
    tuple = entry[side]
    return (entry["proto"], tuple["src"], tuple["dst"], tuple.get("sport", tuple.get("id")), tuple.get("dport", tuple.get("id")))


def tuples_of(chosen, key):
    """`key` and every tuple of the chosen entries, either way."""
    known = {key, reverse(key)}
    for table in chosen.values():
        for entry in table:
            for side in ("orig", "reply"):
                known |= {_forward(entry, side), reverse(_forward(entry, side))}
    return known


def reverse(key):
    proto, src, dst, sport, dport = key
    return (proto, dst, src, dport, sport)


def tied(tables, forward, backward, seen=None):
    """Of each namespace's entries those that the packet `forward` opened or went by, and those that it, or `backward`, answers.
    An entry's reply tuple turned round is the tuple of the packet behind it, by which the next namespace knows it. `seen`: the
    tuples that went through each namespace, to tell two flows apart that share a tuple because a source port clashed."""
    chosen = {}
    ahead, back = [forward], [forward, backward]
    for key in ahead:
        found = [(name, entry) for name, table in tables.items() for entry in table if _forward(entry, "orig") == key]
        if seen is not None and len(found) > 1 and any(reverse(_forward(entry, "reply")) != key for _, entry in found):
            found = [(name, entry) for name, entry in found if key in seen.get(name, ())]
        _choose(chosen, found, ahead, "reply")
    for key in back:
        found = [(name, entry) for name, table in tables.items() for entry in table if _forward(entry, "reply") == key]
        _choose(chosen, found, back, "orig")
    return {name: [entry for entry in tables[name] if id(entry) in ids] for name, ids in chosen.items()}


def _choose(chosen, found, keys, side):
    for name, entry in found:
        chosen.setdefault(name, set()).add(id(entry))
        beyond = reverse(_forward(entry, side))
        if beyond not in keys:
            keys.append(beyond)
