# Rule hits: the difference of two `iptables-save -c`, line by line.
import re

_POLICY = re.compile(r"^:(\S+) (\S+) \[(\d+):\d+\]$")
_RULE = re.compile(r"^\[(\d+):\d+\] (-A .*)$")


def parse(text):
    """(table, chain or rule text, policy or None, packets) in the order of the text."""
    table, lines = None, []
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
            continue
        policy, rule = _POLICY.match(line), _RULE.match(line)
        if policy and policy.group(2) != "-":
            lines.append((table, "%s policy %s" % (policy.group(1), policy.group(2)), int(policy.group(3))))
        elif rule:
            lines.append((table, rule.group(2), int(rule.group(1))))
    return lines


def hits(before, after):
    """`COUNT TABLE RULE` for every rule and policy that counted between the two."""
    told = []
    before, after = parse(before), parse(after)
    if [line[:2] for line in before] != [line[:2] for line in after]:
        earlier = {}
        for table, text, count in before:
            earlier.setdefault((table, text), []).append(count)
        before = [(table, text, earlier.get((table, text), [0]).pop(0) if earlier.get((table, text)) else 0) for table, text, _ in after]
    for (table, text, earlier), (_, _, later) in zip(before, after):
        if later != earlier:
            told.append("%d %s %s" % (later - earlier, table, text))
    return told
