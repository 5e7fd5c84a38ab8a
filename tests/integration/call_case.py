"""call_case.py — calls by SIPp through one Sallyport: peers on both sides, numbers that pick them, runs and their judge.

The first digit of a number picks the target on the far side, whichever side the call comes from:
4 the peer's IPv4 address, 6 its IPv6 address, 7 two targets in order, 5 a peer that is given 2 s to ring,
3 a peer whose redirections are followed, 2 one whose redirections are passed on.
"""

import os

from harness import FULL, SIP_PORT, SharedCase, eventually
from records import Records
from sipp import Sipp

SIDES = {"out": ("198.18.1", "fd18:1:", "carrier", "outside"), "in": ("198.18.2", "fd18:2:", "pbx", "inside")}
PLACES = {"4": ".2", "6": ":2", "7": (".3", ".4"), "5": ".5", "3": ".6", "2": ".7"}
CALLER_PORT = 5062
OTHER = {"out": "in", "in": "out"}


def host(side, place):
    """'.3' or ':2' as an address of that side."""
    return SIDES[side][0 if place[0] == "." else 1] + place


def target(address):
    return {"address": f"[{address}]:{SIP_PORT}" if ":" in address else f"{address}:{SIP_PORT}"}


def add_calls(config, network):
    """Peers, routes and room for calls in both directions; addresses for them on the far ends."""
    config["dataplane"]["capacity"].update(calls=5000, transactions=60000)
    config["peers"], config["routes"] = [], []
    for side, (_, _, name, realm) in SIDES.items():
        far = network.out if side == "out" else network.inn
        for last in range(3, 8):
            far.ip("address", "add", f"{host(side, f'.{last}')}/24", "dev", "wire")
        for digit, places in PLACES.items():
            # SIPp takes a probe for a call that went wrong.
            peer = {"name": f"{name}-{digit}", "realm": realm, "health": {"ping": "never"}, "targets": [
                target(host(side, place)) for place in (places if isinstance(places, tuple) else (places,))]}
            if digit in "57":
                peer["timers"] = {"ring": "2s", "setup": "1s"}
            if digit in "23":
                peer["features"] = {"redirect": "follow" if digit == "3" else "pass"}
            config["peers"].append(peer)
    for side, (_, _, name, _) in SIDES.items():
        callers = [f"{SIDES[OTHER[side]][2]}-{digit}" for digit in PLACES]
        for digit in PLACES:
            config["routes"].append({"name": f"to-{name}-{digit}", "match": {"peer": callers, "called": f"^{digit}"},
                                     "to": [f"{name}-{digit}"], "retry_on": [408, 500, 502, 503, 504]})


class Run:
    """Calls in one direction: SIPp's callees and one caller."""

    def __init__(self, case, name, source, caller, callees, **options):
        """source: (side, IP version); callees: {place: scenario or (scenario, options)}; options of Sipp for the caller."""
        self.case, self.name = case, f"{name}-{source[0]}{source[1]}"
        side, version = source
        far, near = (case.net.out, case.net.inn) if side == "out" else (case.net.inn, case.net.out)
        self.callees = {}
        for place, scenario in callees.items():
            scenario, extra = scenario if isinstance(scenario, tuple) else (scenario, {})
            self.callees[place] = Sipp(near, case.net.folder, scenario, (host(OTHER[side], place), SIP_PORT),
                                       transport=case.transport, **extra)
            case.addCleanup(self.callees[place].kill)
        options.setdefault("calls", 20)
        sallyport = host(side, ".1" if version == 4 else ":1")
        self.seconds = options["calls"] / options.get("rate", 50) + options.get("hold", 0) / 1000 + 60
        self.cid = f"{self.name}.{case.number()}"
        self.caller = Sipp(far, case.net.folder, caller, (host(side, ".2" if version == 4 else ":2"), CALLER_PORT),
                           (sallyport, SIP_PORT), cid=self.cid, transport=case.transport, **options)
        case.addCleanup(self.caller.kill)

    def judge(self, answered=True, callee_calls=None, **fields):
        """Every call was as its scenario wants it at both ends, and has its records with these fields."""
        self.judge_calls(callee_calls)
        self.judge_records(answered, **fields)

    def judge_calls(self, callee_calls=None):
        case, calls = self.case, self.caller.calls
        status = self.caller.wait(self.seconds)
        case.assertEqual((status, self.caller.count("successful")), (0, calls), f"{self.name}: {self.caller.words()}")
        for place, callee in self.callees.items():
            wanted = calls if callee_calls is None else callee_calls[place]
            status = callee.finish()
            case.assertEqual((callee.count("successful"), callee.count("failed")), (wanted, 0),
                             f"{self.name}: callee at {place}: {callee.words()}")

    def judge_records(self, answered=True, **fields):
        """They come some seconds after the calls' end: a test of many runs does well to ask for them once."""
        case, ids = self.case, self.caller.call_ids()
        case.records.await_ends(ids)
        case.assertEqual(case.records.faults(ids, answered)[:5], [], self.name)
        for call_id in ids:
            end = case.records.of(call_id, "end")[0]
            case.assertEqual({name: end.get(name) for name in fields}, fields, f"{self.name}: {end}")


class CallCase(SharedCase):
    """One Sallyport with peers for calls; `records` are its CDRs."""

    _numbers = 0
    transport = "udp"  # of every peer

    @classmethod
    def configure(cls, config):
        add_calls(config, cls.shared)
        cls.records = Records(config["node"]["state"])

    def number(self):
        CallCase._numbers += 1
        return f"{os.getpid():x}.{CallCase._numbers}"

    @staticmethod
    def calls(short, full):
        return full if FULL else short

    def assert_no_call_is_left(self):
        eventually(lambda: self.daemon.count("calls_active") == 0, "no call is left", 40.0)
