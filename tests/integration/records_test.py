"""records_test.py — one record of each call whatever becomes of Sallyport: killed under load again and again, and
restarted with its calls kept. The judge is the wire: what tcpdump saw on both sides."""

import concurrent.futures
import os
import random
import unittest

from call_case import CALLER_PORT, add_calls, host
from capture import Capture
from harness import FULL, IN4, OUT4, SIP_PORT, Case, eventually
from phone import Phone
from records import Records
from sipp import Sipp

OURS = (OUT4, IN4)


class Told:
    """What Sallyport said on the wire, by Call-ID of either side."""

    def __init__(self, captures):
        self.invited, self.answered, self.ended = set(), set(), set()
        for message in (m for capture in captures for m in capture):
            if message.destination[0] in OURS and message.status is None and message.method == "INVITE":
                self.invited.add(message.call_id)
            elif message.source[0] in OURS and message.status == 200 and message.method == "INVITE":
                self.answered.add(message.call_id)
            elif message.source[0] in OURS and message.status == 200 and message.method == "BYE":
                self.ended.add(message.call_id)


class RecordCase(Case):
    def setUp(self):
        super().setUp()
        self.config = self.net.config()
        add_calls(self.config, self.net)
        self.records = Records(self.config["node"]["state"])
        self.captures = [Capture(namespace, os.path.join(self.net.folder, f"{name}.pcap"))
                         for name, namespace in (("out", self.net.out), ("in", self.net.inn))]
        for capture in self.captures:
            self.addCleanup(lambda c=capture: c.process.poll() is None and c.process.kill())

    def sipp(self, side, *arguments, **options):
        made = Sipp(self.net.out if side == "out" else self.net.inn, self.net.folder, *arguments, **options)
        self.addCleanup(made.kill)
        return made

    def load(self, word, calls, rate, **options):
        """Calls both ways: those from outside are ended by the caller, those from inside by the callee."""
        return [self.sipp("in", "uas_call.xml", (host("in", ".2"), SIP_PORT)),
                self.sipp("out", "uas_hangs_up.xml", (host("out", ".2"), SIP_PORT), hold=options["hold"]),
                self.sipp("out", "uac_call.xml", (host("out", ".2"), CALLER_PORT), (OUT4, SIP_PORT), cid=f"{word}o",
                          calls=calls, rate=rate, called="4001", **options),
                self.sipp("in", "uac_called_off.xml", (host("in", ".2"), CALLER_PORT), (IN4, SIP_PORT), cid=f"{word}i",
                          calls=calls, rate=rate, called="4002", **options)]

    def count(self, call_id, kind):
        return len(self.records.of(call_id, kind))

    def faults(self, told):
        """Where records and wire don't agree."""
        self.records.look()
        found = [f"{c}: BYE got its 200, {self.count(c, 'end')} end records" for c in told.ended if self.count(c, "end") != 1]
        found += [f"{c}: answered, {self.count(c, 'start')} start and {self.count(c, 'end')} end records"
                  for c in told.answered if (self.count(c, "start"), self.count(c, "end")) != (1, 1)]
        for call_id, records in self.records.by_call.items():
            kinds = [r["type"] for r in records]
            if kinds.count("start") > 1 or kinds.count("end") > 1 or (kinds.count("start") and not kinds.count("end")):
                found.append(f"{call_id}: {kinds}")
        ids = [r["id"] for records in self.records.by_call.values() for r in records if r["type"] == "end"]
        legs = sum(len(r["legs"]) for records in self.records.by_call.values() for r in records if r["type"] == "end")
        if legs and len(set(ids)) != self.ends():
            found.append(f"{len(set(ids))} ids in {self.ends()} end records")
        return found

    def ends(self):
        return len({(r["id"], r["seq"]) for records in self.records.by_call.values() for r in records if r["type"] == "end"})


class Killed(RecordCase):
    def test_every_call_has_its_record_after_kill_9_under_load(self):
        rounds = 100 if FULL else 3
        seed = random.SystemRandom().randrange(1 << 32)
        chance = random.Random(seed)
        daemon = self.net.start(self.config)
        for number in range(rounds):
            load = self.load(f"k{number}", calls=100000, rate=50, hold=chance.randrange(50, 600))
            until = self.ends_now() + chance.randrange(1, 60)
            eventually(lambda u=until: self.ends_now() >= u, "calls end", 40.0)
            daemon.kill()
            for one in load:
                one.kill()
            daemon = self.net.start(self.config)
        told = Told([capture.stop() for capture in self.captures])
        self.assertGreater(len(told.ended), 10 * rounds, "the load was no load")
        try:
            eventually(lambda: not self.faults(told), "records and wire agree", 15.0)
        except AssertionError:
            self.fail(f"seed {seed}: " + "\n".join(self.faults(told)[:20]))
        self.assertEqual(daemon.terminate(), 0)
        self.assertEqual(self.faults(told), [], f"seed {seed}")

    def ends_now(self):
        self.records.look()
        return self.ends()


class Restarted(RecordCase):
    KEPT = 20

    def phone(self, namespace, address, port, remote):
        phone = Phone(namespace.udp(address, port), remote)
        self.addCleanup(phone.stop)
        return phone

    def test_calls_outlive_a_restart_under_load(self):
        daemon = self.net.start(self.config, arguments=("--drain-time", "500ms"))
        caller = self.phone(self.net.out, host("out", ".2"), 5070, (OUT4, SIP_PORT))
        callee = self.phone(self.net.inn, host("in", ".5"), SIP_PORT, (IN4, SIP_PORT))
        kept = [caller.call("5001") for _ in range(self.KEPT)]
        self.assertTrue(callee.await_true(lambda: sum(d.is_acked for d in callee.dialogs.values()) == self.KEPT, 10))
        load = self.load("r", calls=200, rate=20, hold=2000)
        eventually(lambda: daemon.count("calls_active", direction="in") >= self.KEPT + 20, "calls of the load are up", 30.0)
        self.assertEqual(daemon.terminate(), 0, daemon.log())
        daemon = self.net.start(self.config)
        for number, dialog in enumerate(kept):
            with self.subTest(call=number):
                far = self.far_end(dialog, callee)
                if number % 2:
                    self.assertEqual(dialog.hang_up(), 200)
                    self.assertTrue(callee.await_true(lambda d=far: d.is_ended, 10), "the callee was not told")
                else:
                    self.assertEqual(far.hang_up(), 200)
                    self.assertTrue(caller.await_true(lambda d=dialog: d.is_ended, 10), "the caller was not told")
        for one in load[2:]:
            one.wait(90)
        told = Told([capture.stop() for capture in self.captures])
        # Those that were answered were ended too: by their own BYE, at their own time.
        asked = {c for c in told.answered if c.startswith(("ro-", "ri-"))}
        self.assertGreater(len(asked), 100)
        self.records.await_ends(sorted(asked | {d.call_id for d in kept}), 15.0)
        self.assertEqual(self.faults(told), [])
        for call_id in asked:
            end = self.records.of(call_id, "end")[0]
            self.assertEqual((end["end_reason"], end["ended_by"]), ("bye", "caller" if call_id.startswith("ro-") else "callee"))
        self.assertEqual(daemon.terminate(), 0)

    # RFC 3261 §13: what rings goes on ringing, and is answered through the Sallyport of after the restart.
    def test_calls_that_ring_outlive_a_restart(self):
        daemon = self.net.start(self.config, arguments=("--drain-time", "500ms"))
        caller = self.phone(self.net.out, host("out", ".2"), 5070, (OUT4, SIP_PORT))
        callee = self.phone(self.net.inn, host("in", ".2"), SIP_PORT, (IN4, SIP_PORT))
        callee.answers = False
        with concurrent.futures.ThreadPoolExecutor(self.KEPT) as pool:
            calls = [pool.submit(caller.call, "4001", 60.0) for _ in range(self.KEPT)]
            self.assertTrue(callee.await_true(lambda: len(callee.ringing) == self.KEPT, 10))
            eventually(lambda: daemon.count("calls_active", direction="in") == self.KEPT, "all calls are there")
            self.assertEqual(daemon.terminate(), 0, daemon.log())
            daemon = self.net.start(self.config)
            for call_id in list(callee.ringing):
                callee.pick_up(call_id)
            kept = [call.result() for call in calls]
        for dialog in kept:
            self.assertEqual(dialog.hang_up(), 200)
        told = Told([capture.stop() for capture in self.captures])
        self.records.await_ends([dialog.call_id for dialog in kept])
        self.assertEqual(self.faults(told), [])
        self.assertEqual(len(callee.ringing), self.KEPT, "a phone rang twice for one call")
        self.assertEqual(daemon.terminate(), 0)

    def far_end(self, dialog, callee):
        """The callee's dialog of a kept call, by what the start record says of its legs."""
        start = eventually(lambda: self.records.look() and self.records.of(dialog.call_id, "start"), "a start record")[0]
        return callee.dialogs[start["legs"][1]["call_id"]]


if __name__ == "__main__":
    unittest.main()
