# The lab's one process: makes the namespaces of a topology, listens in them, sends probes from them and tells what came of
# it. Driven by JSON lines: {"id", "op", …} in, {"id", "value"} or {"id", "error"} out; ends when its input ends, and the
# namespaces with it. Python 3.8 or later, standard library only; root on Linux.
import json
import os
import signal
import sys
import time
import traceback

import client
import conntrack
import counters
import raw
from loop import Loop
from netns import Netns
from server import Listeners
from sniffer import Sniffer, ask_for_timestamps

# So long after the last frame anywhere nothing can come any more before a SYN is sent again (1 s): delayed ACKs take 40 ms.
QUIET_SECONDS = 0.12
SETTLE_SECONDS = 0.003
LINKS_SECONDS = 30


class Lab:
    def __init__(self):
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._loop = Loop()
        self._listeners = Listeners(self._loop)
        self._netns = {}
        self._address = {}
        self._filtered = []
        self._held = {}
        self._saved = {}
        self._sniffer = None
        self._timestamps = ask_for_timestamps()

    def build(self, netns, steps, save, vxlanPort=None, sniff=True, timeouts=False):
        """Makes the namespaces and runs the steps in order. `save`: the words of `iptables-save -c`."""
        self._save, self._timeouts = save, timeouts
        for spec in netns:
            self._netns[spec["name"]] = Netns(spec["name"], self._home)
            self._address[spec["name"]] = spec.get("address")
            if spec.get("filtered"):
                self._filtered.append(spec["name"])
        for step in steps:
            self._build_step(self._netns[step["netns"]], step)
        for spec in netns:
            self._await_links(self._netns[spec["name"]], spec.get("links", []))
        if sniff:
            self._sniffer = Sniffer(vxlanPort)
            for spec in netns:
                self._sniffer.add(self._netns[spec["name"]], spec.get("devices", {}))
        return {"pid": os.getpid()}

    def _await_links(self, netns, devices):
        deadline = time.monotonic() + LINKS_SECONDS
        while True:
            devices = netns.idle(devices)
            if not devices:
                return
            if time.monotonic() > deadline:
                raise RuntimeError("%s in %s did not come up" % (", ".join(devices), netns.name))
            time.sleep(0.002)

    def _build_step(self, netns, step):
        if "sysctls" in step:
            netns.sysctl(step["sysctls"])
        elif "listen" in step:
            listen = step["listen"]
            self._listeners.add(netns, step["owner"], listen["proto"], listen["port"], listen.get("bind") or "0.0.0.0", listen.get("pktinfo", False))
        else:
            words = [self._netns[part[1:]].path if part.startswith("@") else part for part in step.get("stdin", "").split(" ")]
            netns.run(step["argv"], " ".join(words) if step.get("paths") else step.get("stdin", ""))

    def run(self, netns, argv, stdin=""):
        self._saved.pop(netns, None)
        return self._netns[netns].run(argv, stdin)

    def conntrack(self, netns):
        return conntrack.entries(self._netns[netns], True)

    def sleep(self, seconds):
        self._loop.until(lambda: False, time.monotonic() + seconds)

    def release(self):
        """Closes the connections that probes hold."""
        for sock, _, _ in self._held.values():
            sock.close()
        self._held = {}
        self._settle()

    def probe(self, index, probe, hits=True):
        """All attempts of one probe: {attempts, ruleHits, hops}."""
        before = self._save_counters(probe["from"], reuse=True) if hits else {}
        hops = self._drain()[:0]
        attempts = []
        for number in range(probe.get("count") or 1):
            if number and probe.get("interval"):
                self.sleep(probe["interval"])
            result, seen = self._attempt(index, probe, (probe.get("count") or 1) == 1)
            attempts.append(result)
            hops = seen
        answer = {"attempts": attempts}
        if hits:
            answer["ruleHits"] = self._hits(before, self._save_counters(probe["from"], reuse=False))
        if self._sniffer is not None and len(attempts) == 1:
            answer["hops"] = [hop.text() for hop in hops]
        return answer

    def together(self, probes):
        """Several probes at once, one attempt each; nobody can tell whose rule hits are whose."""
        self._drain()
        started = [client.ATTEMPTS[probe["proto"]](self._netns[probe["from"]], self._loop, probe) for probe in probes]
        hops = []
        self._wait(started, hops, max(probe.get("timeout") or 0.9 for probe in probes))
        results = [attempt.finish() for attempt in started]
        hops += self._settle()
        self._listeners.abandon()
        tables = self._conntrack_tables()
        answers = []
        for attempt, result in zip(started, results):
            result["conntrack"] = conntrack.tied(tables, attempt.tuple(), attempt.tuple())
            known = conntrack.tuples_of(result["conntrack"], attempt.tuple())
            own = [hop for hop in hops if known & hop_tuples(hop.packet)]
            self._name_echo_server(result, attempt, own)
            answers.append({"attempts": [result], "hops": [hop.text() for hop in own]})
        return answers

    def bulk(self, probe, count):
        """`count` attempts as fast as they go: how often which server answered, and which outcomes there were."""
        servers, outcomes = {}, {}
        for _ in range(count):
            attempt = client.ATTEMPTS[probe["proto"]](self._netns[probe["from"]], self._loop, probe)
            self._loop.until(lambda: attempt.done, time.monotonic() + (probe.get("timeout") or 0.9))
            result = attempt.finish()
            outcomes[result["outcome"]] = outcomes.get(result["outcome"], 0) + 1
            if "server" in result:
                servers[result["server"]] = servers.get(result["server"], 0) + 1
            if self._sniffer is not None:
                self._sniffer.drain()
        self._listeners.abandon()
        return {"servers": servers, "outcomes": outcomes}

    def _attempt(self, index, probe, alone):
        """One attempt, and its hops; its conntrack entries where it is `alone`, for of several only a summary is told."""
        if probe.get("raw"):
            return self._raw_attempt(probe)
        attempt = client.ATTEMPTS[probe["proto"]](self._netns[probe["from"]], self._loop, probe)
        hops = []
        self._wait([attempt], hops, probe.get("timeout") or 0.9)
        result = attempt.finish()
        hops += self._settle()
        if result["outcome"] != "delivered":
            self._listeners.abandon()
        elif probe.get("hold"):
            local, port = result["serverLocal"].rsplit(":", 1)
            key = ((local, int(port)), (result["serverSawSrc"], result["serverSawSport"]))
            self._held[index] = (attempt.sock, self._listeners.held.get(key), result)
        self._name_echo_server(result, attempt, hops)
        if alone:
            result["conntrack"] = self._tied(probe["from"], attempt.tuple(), hops)
        return result, hops

    def _tied(self, sender, key, hops, quoted=False):
        """The entries that belong to the packet `key` sent from `sender`, or that an ICMP error from there quotes."""
        seen = {sender: {key}}
        for hop in hops:
            seen.setdefault(hop.netns, set()).add(hop.packet.tuple())
        backward = conntrack.reverse(key) if quoted else key
        return conntrack.tied(self._conntrack_tables(), key, backward, seen if self._sniffer is not None else None)

    def _raw_attempt(self, probe):
        sent = raw.send(probe, self._netns[probe["from"]], self._address[probe["from"]], self._held)
        self.sleep(raw.FOLLOW_UP_SECONDS)
        hops = self._drain()
        result = raw.follow(sent, probe["from"], hops)
        quoted = sent.inner is not None
        result["conntrack"] = self._tied(probe["from"], (sent.inner if quoted else sent).tuple(), hops, quoted)
        self._listeners.abandon()
        return result, hops

    def _wait(self, attempts, hops, timeout):
        """Until all are done, the time is over, or the net is quiet and nothing is due to be sent again."""
        deadline = time.monotonic() + timeout
        last = [time.monotonic(), -1]

        def quiet():
            hops.extend(self._drain())
            if self._sniffer is None or timeout > 0.95:
                return False
            if last[1] != self._sniffer.total():
                last[:] = [time.monotonic(), self._sniffer.total()]
            waiting = [attempt for attempt in attempts if not attempt.done]
            return time.monotonic() - last[0] > QUIET_SECONDS and not any(attempt.retransmits for attempt in waiting)

        self._loop.until(lambda: all(attempt.done for attempt in attempts), deadline, quiet)

    def _drain(self):
        return self._sniffer.drain() if self._sniffer is not None else []

    def _settle(self):
        """Lets what is under way arrive; the hops."""
        hops = self._drain()
        while True:
            self._loop.until(lambda: False, time.monotonic() + SETTLE_SECONDS)
            more = self._drain()
            if not more:
                return sorted(hops, key=lambda hop: hop.time)
            hops += more

    def _name_echo_server(self, result, attempt, hops):
        if attempt.proto != "icmp" or result["outcome"] != "delivered":
            return
        reply = next((hop for hop in hops if hop.packet.type == 0 and (hop.direction == "out" or hop.device == "lo")), None)
        if reply is not None:
            result["server"] = reply.netns.replace(":", " ", 1)

    def _conntrack_tables(self):
        return {name: conntrack.entries(self._netns[name], self._timeouts) for name in self._filtered}

    def _save_counters(self, sender, reuse):
        """Counters of every node. A node that saw no frame since it was saved, and sent none, is not asked again."""
        for name in self._filtered:
            seen = self._sniffer.seen[name] if self._sniffer is not None else None
            known = self._saved.get(name)
            if known is None or seen is None or known[0] != seen or (name == sender and not reuse):
                self._saved[name] = (seen, self._netns[name].run(self._save))
        return {name: text for name, (_, text) in self._saved.items()}

    def _hits(self, before, after):
        told = {name: counters.hits(before[name], after[name]) for name in self._filtered if name.startswith("node:")}
        return {name: hits for name, hits in told.items() if hits}


def hop_tuples(packet):
    inner = packet.inner.tuple() if packet.inner is not None else None
    return {packet.tuple(), inner, conntrack.reverse(inner) if inner is not None else None} - {None}


def take_one_cpu():
    """On one CPU a packet's whole way is done before the call that sent it returns, and hops are in order. First in its
    queue, or a busy machine would let the 40 ms of a delayed ACK pass between two calls."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.setpriority(os.PRIO_PROCESS, 0, -20)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_one_cpu()
    lab = Lab()
    operations = {name: getattr(lab, name) for name in ("build", "run", "conntrack", "sleep", "release", "probe", "together", "bulk")}
    for line in sys.stdin:
        request = json.loads(line)
        number, operation = request.pop("id"), request.pop("op")
        try:
            answer = {"id": number, "value": operations[operation](**request)}
        except Exception as error:
            answer = {"id": number, "error": str(error) or type(error).__name__, "where": traceback.format_exc(limit=-3)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
