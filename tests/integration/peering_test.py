"""peering_test.py — two carriers and a switch, as the example carrier-peering has them: a prefix table, weights, limits,
hunting from target to target and from carrier to carrier, and records that add up to what each target saw.
RFC 3261 §16.7, §21.5.4; RFC 2782."""

import collections
import concurrent.futures
import math
import os
import re
import shutil
import threading
import time
import unittest

from harness import IN4, OUT4, OUT6, SIP_PORT, TOP, Case, eventually
from phone import SDP, Phone, Refused
from records import Records

EXAMPLES = os.path.join(TOP, "mgmt", "config", "examples")
TARGETS = {"north": ("198.18.1.2", "198.18.1.3"), "south": ("198.18.1.4", "fd18:1::4"), "switch": ("198.18.2.2", "198.18.2.3")}
CALLS_NORTH, CALLS_FROM_NORTH, RATE_SOUTH = 16, 10, 60
# The example, with limits that a test can reach and a shorter wait for silence.
CHANGES = (
    ("version: 1\n", ""),
    ("limits: { in: { calls: 2000, rate: 200/s }, out: { calls: 2000, rate: 200/s } }",
     f"limits: {{ in: {{ calls: {CALLS_FROM_NORTH}, rate: 400/s }}, out: {{ calls: {CALLS_NORTH}, rate: 400/s }} }}\n"
     "    timers: { setup: 1s }"),
    ("limits: { in: { calls: 1000, rate: 100/s }, out: { calls: 1000, rate: 100/s } }",
     f"limits: {{ in: {{ calls: 1000, rate: 400/s }}, out: {{ calls: 1000, rate: {RATE_SOUTH}/s }} }}\n"
     "    timers: { setup: 1s }"),
)
WORKERS = 8
CHANCE_OF_A_FALSE_ALARM = 1e-6
OK, BUSY, GONE, BROKEN, SILENT = 200, 486, 404, 503, 408  # how a target meets a call; SILENT as the record has it


def written(address):
    return f"[{address}]:{SIP_PORT}" if ":" in address else f"{address}:{SIP_PORT}"


def binomial_tail(count, calls, share):
    """How likely a right Sallyport is at least so far from its share, to either side."""
    def chance(k):
        return math.exp(math.lgamma(calls + 1) - math.lgamma(k + 1) - math.lgamma(calls - k + 1)
                        + k * math.log(share) + (calls - k) * math.log(1 - share))
    far = abs(count - calls * share) - 1e-9
    return sum(chance(k) for k in range(calls + 1) if abs(k - calls * share) >= far)


class Target(Phone):
    """One target of a carrier or of the switch. `meets`: how it meets numbers with these last two digits, else it answers."""

    def __init__(self, namespace, address, remote):
        self.name, self.meets = written(address), {}
        self.met = {}  # Call-ID: what became of the call here
        self.dialog_of = {}  # number: Dialog
        self.words = SDP.replace(b"IP4 192.0.2.77", b"IP6 2001:db8::77") if ":" in address else SDP
        super().__init__(namespace.udp(address, SIP_PORT), (remote, SIP_PORT))

    def offer(self):
        return self.words

    def answer(self, request, status):
        return self.words if request.method == "INVITE" and status == OK else b""

    def _take(self, message):
        if message.status is not None or message.method != "INVITE" or ";tag=" in message.header("to"):
            super()._take(message)
            return
        number = re.match(r"INVITE sip:([^@;]+)", message.start).group(1)
        way = self.meets.get(number[-2:], OK)
        self.met[message.call_id] = way
        if way == OK:
            super()._take(message)
            self.dialog_of[number] = self.dialogs[message.call_id]
        elif way != SILENT:
            self._answer(message, way)


class Peering(Case):
    def setUp(self):
        super().setUp()
        for address in ("198.18.1.3/24", "198.18.1.4/24"):
            self.net.out.ip("address", "add", address, "dev", "wire")
        self.net.out.ip("address", "add", "fd18:1::4/64", "dev", "wire", "nodad")
        self.net.inn.ip("address", "add", "198.18.2.3/24", "dev", "wire")
        self.targets = {peer: [self.target(peer, address) for address in TARGETS[peer]] for peer in TARGETS}
        self.of_name = {one.name: one for phones in self.targets.values() for one in phones}
        self.placed = {}  # Call-ID of who called: (number, status)
        self._serial = 0
        self._lock = threading.Lock()
        config = self.example()
        self.records = Records(config["node"]["state"])
        self.daemon = self.net.start(config)

    def target(self, peer, address):
        namespace = self.net.inn if peer == "switch" else self.net.out
        found = Target(namespace, address, IN4 if peer == "switch" else OUT6 if ":" in address else OUT4)
        self.addCleanup(found.stop)
        return found

    def example(self):
        """Its peers, table, realms and routes come from the file itself."""
        with open(os.path.join(EXAMPLES, "carrier-peering.yaml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in CHANGES:
            self.assertIn(old, text, "the example has changed")
            text = text.replace(old, new)
        text, count = re.subn(r"(?m)^node: .*\n", "", text)
        self.assertEqual(count, 1)
        with open(os.path.join(self.net.folder, "peering.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        shutil.copy(os.path.join(EXAMPLES, "carriers.csv"), self.net.folder)
        config = self.net.config()
        return {"include": ["peering.yaml"], **{key: config[key] for key in ("version", "node", "dataplane", "management")}}

    # How calls are made

    def number(self, prefix, ends="00"):
        """One that no other call has. `ends` says how targets meet it, if they were told."""
        with self._lock:
            self._serial += 1
            return f"{prefix}{self._serial:05}{ends}"

    def place(self, caller, number):
        """A call that is up, or the status that refused it."""
        try:
            dialog = caller.call(number, 30.0)
        except Refused as refused:
            with self._lock:
                self.placed[refused.call_id] = number, refused.status
            return refused.status
        with self._lock:
            self.placed[dialog.call_id] = number, OK
        return dialog

    def short_call(self, caller, number, hold=0.1):
        """Placed and, if it was answered, ended: each third by who was called."""
        call = self.place(caller, number)
        if isinstance(call, int):
            return call
        far = eventually(lambda: next((one for one in self.of_name.values() if number in one.dialog_of), None), "somebody has it")
        dialog = far.dialog_of[number]
        self.assertTrue(far.await_true(lambda: dialog.is_acked, 10), f"no ACK for {number}")
        far.await_true(lambda: dialog.is_ended, hold)
        ends, other, waits = (dialog, call, caller) if int(number[-7:-2]) % 3 == 0 else (call, dialog, far)
        self.assertEqual(ends.hang_up(), 200)
        self.assertTrue(waits.await_true(lambda: other.is_ended, 10), f"{number}: the other side was not told")
        return OK

    def many(self, jobs, workers=WORKERS):
        """short_call(*job) for each, some at once. Their statuses."""
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda job: self.short_call(*job), jobs))

    def meet(self, ends, **ways):
        """How the targets of these peers meet numbers that end so; a list: each target its own way."""
        for peer, way in ways.items():
            for position, one in enumerate(self.targets[peer]):
                one.meets[ends] = way[position] if isinstance(way, (list, tuple)) else way

    @property
    def switch(self):
        return self.targets["switch"][0]

    # What the records say

    def end_of(self, number):
        call_id = next(c for c, (n, _) in self.placed.items() if n == number)
        self.records.await_ends([call_id])
        return self.records.of(call_id, "end")[0]

    def tried(self, number):
        return [(one["peer"], one["target"], one["code"]) for one in self.end_of(number)["tried"]]

    def assert_share(self, count, calls, share, who):
        chance = binomial_tail(count, calls, share)
        print(f"  {who}: {count} of {calls} calls, {count / calls:.1%}; its share is {share:.0%}; chance of this or worse {chance:.2g}", flush=True)
        self.assertGreater(chance, CHANCE_OF_A_FALSE_ALARM, who)

    # The show

    def test_two_carriers_share_the_calls_and_the_records_add_up(self):
        print(flush=True)
        self.weights_are_shares()
        self.calls_both_ways()
        self.fewest_calls_first()
        self.failures_are_hunted()
        self.limit_of_calls()
        self.limit_of_a_rate()
        self.limit_of_what_a_carrier_sends()
        self.everything_adds_up()

    def weights_are_shares(self):
        """+49: three of four calls by north; of these three of four by its first target."""
        numbers = [self.number("+49") for _ in range(400)]
        statuses = self.many([(self.switch, number) for number in numbers])
        self.assertEqual(collections.Counter(statuses), {OK: len(numbers)})
        tried = [self.tried(number) for number in numbers]
        self.assertEqual({len(one) for one in tried}, {1}, "a call was hunted although nobody failed")
        north = [target for ((peer, target, _),) in tried if peer == "north"]
        self.assert_share(len(north), len(numbers), 0.75, "north by the table")
        self.assert_share(north.count(written(TARGETS["north"][0])), len(north), 0.75, "north's first target")

    def calls_both_ways(self):
        """From all four targets of the carriers to the switch, and back, at once."""
        jobs = []
        for peer in ("north", "south"):
            for one in self.targets[peer]:
                jobs += [(one, self.number("5550")) for _ in range(15)]
        jobs += [(self.switch, self.number("+33")) for _ in range(40)]
        self.assertEqual(collections.Counter(self.many(jobs)), {OK: len(jobs)})
        for _, number in jobs:
            end = self.end_of(number)
            self.assertEqual(end["route"], "to-carriers" if number[0] == "+" else "from-carriers")
            self.assertEqual(end["peer_out"], "north" if number[0] == "+" else "switch")

    def fewest_calls_first(self):
        """+4930: all by south, whose targets have the same number of calls at any time."""
        first, second = (one.name for one in self.targets["south"])
        held = []
        for count in range(1, 13):
            number = self.number("+4930")
            held.append(self.place(self.switch, number))
            eventually(lambda n=number: any(n in one.dialog_of for one in self.targets["south"]), "south has it")
            calls = collections.Counter(one.name for one in self.targets["south"] for d in one.dialogs.values() if not d.is_ended)
            self.assertEqual(abs(calls[first] - calls[second]), count % 2, calls)
        self.hang_up(held)

    def hang_up(self, held):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            self.assertEqual(set(pool.map(lambda dialog: dialog.hang_up(), held)), {200})

    def failures_are_hunted(self):
        """What one target, one carrier or both make of a call, and where it goes then."""
        north, south = ([one.name for one in self.targets[peer]] for peer in ("north", "south"))
        self.meet("03", south=BROKEN)
        self.meet("13", north=(BROKEN, OK))
        self.meet("86", south=BUSY, north=BUSY)
        self.meet("04", south=GONE, north=GONE)
        self.meet("50", south=500, north=500)
        self.meet("99", south=(SILENT, BROKEN))
        self.meet("53", switch=(BROKEN, OK))
        cases = [  # called, ends, calls, status, who was asked (None: in the order of chance), result
            (self.switch, "+4930", "03", 20, OK, {("south", south[0], 503), ("south", south[1], 503)}, "answered"),
            (self.switch, "+33", "13", 20, OK, None, "answered"),
            (self.switch, "+4930", "86", 10, BUSY, None, "busy"),
            (self.switch, "+4930", "04", 10, GONE, None, None),
            (self.switch, "+4930", "50", 10, GONE, {(p, t, 500) for p, ts in (("south", south), ("north", north)) for t in ts}, None),
            (self.switch, "+4930", "99", 6, OK, {("south", south[0], SILENT), ("south", south[1], 503)}, "answered"),
            (self.targets["north"][0], "5550", "53", 20, OK, {("switch", written(TARGETS["switch"][0]), 503)}, "answered"),
        ]
        jobs = [(caller, self.number(prefix, ends)) for caller, prefix, ends, calls, *_ in cases for _ in range(calls)]
        statuses = dict(zip((number for _, number in jobs), self.many(jobs)))
        for _, _, ends, _, status, failed, result in cases:
            for number in (n for _, n in jobs if n.endswith(ends)):
                tried = self.tried(number)
                self.assertEqual(statuses[number], status, (number, tried))
                self.assertEqual(len(set(tried)), len(tried), tried)
                if failed is not None:
                    self.assertLessEqual({t for t in tried if t[2] != OK}, failed, number)
                    self.assertEqual(len(tried), len(failed) + (status == OK) if ends != "99" else len(tried), tried)
                elif status != OK:
                    self.assertEqual([code for _, _, code in tried], [status], "nobody else is asked after a refusal that is final")
                if result is not None:
                    self.assertEqual(self.end_of(number)["result"], result)
        moved = [n for _, n in jobs if n.endswith("03")]
        self.assertEqual({self.end_of(n)["peer_out"] for n in moved}, {"north"}, "crankback to the other carrier")
        hunted = [n for _, n in jobs if n.endswith("13") and len(self.tried(n)) == 2]
        self.assertGreater(len(hunted), 3)  # three of four meet the first target; fewer than 4 of 20: three in a hundred million
        self.assertTrue(any(t[2] == SILENT for _, n in jobs if n.endswith("99") for t in self.tried(n)))

    def limit_of_calls(self):
        """North is full: +49 goes to south, and what only north takes is refused."""
        held = [self.place(self.switch, self.number("+33")) for _ in range(CALLS_NORTH)]
        self.assertEqual(self.daemon.count("calls_active", peer="north", direction="out"), CALLS_NORTH)
        numbers = [self.number("+49") for _ in range(10)]
        self.assertEqual(set(self.many([(self.switch, number) for number in numbers], 2)), {OK})
        self.assertEqual({self.end_of(number)["peer_out"] for number in numbers}, {"south"})
        number = self.number("+33")
        self.assertEqual(self.place(self.switch, number), 404)  # what the route says when nobody takes it
        self.assertEqual(self.tried(number), [])
        self.hang_up(held[:1])
        held[0] = self.place(self.switch, self.number("+33"))
        self.hang_up(held)

    def limit_of_a_rate(self):
        """Many calls at once for south: it gets what its rate allows, north takes what it has room for."""
        self.meet("87", south=BUSY, north=BUSY)
        eventually(self.south_has_its_whole_rate, "a second goes by")
        numbers = [self.number("+4930", "87") for _ in range(150)]
        before = time.monotonic()
        statuses = self.many([(self.switch, number) for number in numbers], len(numbers))
        seconds = time.monotonic() - before
        tried = [self.tried(number) for number in numbers]
        south = sum(peer == "south" for one in tried for peer, _, _ in one)
        print(f"  south by its rate: {south} of {len(numbers)} calls in {seconds:.2f} s; {RATE_SOUTH}/s", flush=True)
        self.assertTrue(RATE_SOUTH <= south <= RATE_SOUTH * (1 + seconds) + 1, south)
        self.assertEqual({len(one) for one in tried} - {0, 1}, set())
        self.assertEqual(statuses.count(404), sum(not one for one in tried), "refused, and no target was tried")
        self.assertGreater(sum(peer == "north" for one in tried for peer, _, _ in one), 0)

    def south_has_its_whole_rate(self):
        now = time.monotonic()
        last = max(m.when for one in self.targets["south"] for m in one.heard if m.status is None and m.method == "INVITE")
        return now - last > 1.2

    def limit_of_what_a_carrier_sends(self):
        """One more than north may have gets 503 and Retry-After; there never was such a call, so there is no record."""
        caller = self.targets["north"][1]
        held = [self.place(caller, self.number("5550")) for _ in range(CALLS_FROM_NORTH)]
        number = self.number("5550")
        self.assertEqual(self.place(caller, number), 503)
        refusal = next(m for m in reversed(caller.heard) if m.status == 503)
        self.assertTrue(refusal.header("retry-after"), refusal.octets)
        del self.placed[refusal.call_id]
        self.assertEqual(self.records.look().get(refusal.call_id, []), [])
        self.assertEqual(self.short_call(self.targets["south"][0], self.number("5550")), OK)
        self.hang_up(held)

    # What it comes to

    def everything_adds_up(self):
        eventually(lambda: self.daemon.count("calls_active") == 0, "no call is left", 40.0)
        self.records.await_ends(self.placed)
        answered = [c for c, (_, status) in self.placed.items() if status == OK]
        refused = [c for c, (_, status) in self.placed.items() if status != OK]
        self.assertEqual(self.records.faults(answered, True)[:5], [])
        self.assertEqual(self.records.faults(refused, False)[:5], [])
        ends = [self.records.of(call_id, "end")[0] for call_id in self.placed]
        self.no_record_is_lost(len(answered), len(ends))
        for call_id, end in zip(self.placed, ends):
            number, status = self.placed[call_id]
            self.assertEqual((end["called_in"], end["sip_code"]), (number, status))
        self.targets_saw_the_same(ends)
        self.metrics_say_the_same(ends)
        self.print_table(ends)

    def no_record_is_lost(self, starts, ends):
        every = {record["seq"]: record for records in self.records.by_call.values() for record in records}
        self.assertEqual(sorted(every), list(range(min(every), min(every) + len(every))), "numbers without a gap")
        kinds = collections.Counter(record["type"] for record in every.values())
        self.assertEqual(kinds, {"start": starts, "end": ends}, "records of calls that nobody made")

    def targets_saw_the_same(self, ends):
        """Target by target: how many calls met it, and how they were met."""
        told = collections.Counter((one["target"], one["code"]) for end in ends for one in end["tried"])
        seen = collections.Counter((name, way) for name, one in self.of_name.items() for way in one.met.values())
        self.assertEqual(told, seen)

    def metrics_say_the_same(self, ends):
        for peer in ("north", "south", "switch"):
            for result in ("answered", "busy", "rejected", "failed"):
                ended = sum(end["tried"] != [] and end["peer_out"] == peer and end["result"] == result for end in ends)
                self.assertEqual(self.daemon.count("calls_total", peer=peer, direction="out", result=result), ended, (peer, result))
                made = sum(end["peer_in"] == peer and end["result"] == result for end in ends)
                self.assertEqual(self.daemon.count("calls_total", peer=peer, direction="in", result=result), made, (peer, result))

    def print_table(self, ends):
        tries = [one for end in ends for one in end["tried"] if one["peer"] != "switch"]
        print(f"\n  {'carrier':8} {'target':18} {'calls':>6} {'answered':>9} {'failed':>7} {'share':>6}")
        for peer in ("north", "south"):
            for name in [None] + [one.name for one in self.targets[peer]]:
                mine = [one for one in tries if one["peer"] == peer and name in (None, one["target"])]
                good = sum(one["code"] == OK for one in mine)
                print(f"  {peer if name is None else '':8} {name or 'all':18} {len(mine):6} {good:9} {len(mine) - good:7} {len(mine) / len(tries):6.1%}")
        print(f"  {len(ends)} calls, {sum(end['result'] == 'answered' for end in ends)} answered, each with its records", flush=True)


if __name__ == "__main__":
    unittest.main()
