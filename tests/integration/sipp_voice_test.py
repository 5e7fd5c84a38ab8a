"""sipp_voice_test.py — many calls with voice both ways at once, by SIPp: every packet arrives, over IPv4, IPv6 and between
them, and when all is over nothing is left of them in any pool."""

import time
import unittest

from call_case import CallCase
from harness import FULL, eventually
from sipp_voice import VoiceRun, count_voice, counted

CHURN_SECONDS = 600


class SippVoice(CallCase):
    def both_ways(self, version, callee, **options):
        """Calls from both sides at once; each word of each caller was heard by its callee, and echoed, and heard again."""
        place = {"4": ".2", "6": ":2"}[callee]
        for far in (self.net.out, self.net.inn):
            count_voice(far)
        runs = [VoiceRun(self, f"voice{version}{callee}", (side, version), place, called=f"{callee}001", **options) for side in ("out", "in")]
        for run in runs:
            run.judge(result="answered")
        packets = runs[0].packets * runs[0].caller.calls
        for far, near in ((self.net.out, self.net.inn), (self.net.inn, self.net.out)):
            here, there = counted(far), counted(near)
            self.assertEqual((here["said"], there["there"], there["echoed"], here["back"]), (packets,) * 4, f"{here} {there}")
        for run in runs:
            for call_id in run.caller.call_ids():
                media = self.records.of(call_id, "end")[0]["media"]
                self.assertEqual([(one["packets"], one["lost"], one["after_bye_packets"]) for one in media], [(run.packets, 0, 0)] * 2, media)
        return runs

    def test_every_packet_arrives_over_ipv4_ipv6_and_between_them(self):
        for version, callee in ((4, "4"), (6, "6"), (4, "6"), (6, "4")):
            with self.subTest(caller=version, callee=callee):
                self.both_ways(version, callee, calls=self.calls(20, 100), rate=self.calls(40, 20))


class Pools(SippVoice):
    test_every_packet_arrives_over_ipv4_ipv6_and_between_them = None  # has been shown

    def pools(self):
        """What is in use of everything that has an end. Transactions outlive their call by half a minute."""
        names = ["media_streams_active", "dialogs_active", "calls_active", "dataplane_mbufs_free"]
        return {name: self.daemon.count(name) for name in names + ["transactions_active"] * FULL}

    def test_all_pools_are_as_they_were_when_the_calls_are_over(self):
        before, end = self.pools(), time.monotonic() + CHURN_SECONDS * FULL
        while True:
            self.both_ways(4, "4", calls=100 if FULL else 25, rate=25, packets=150 if FULL else 50)
            if time.monotonic() >= end:
                break
        eventually(lambda: self.pools() == before, f"pools as before: {before}, but {self.pools()}", 90.0)


if __name__ == "__main__":
    unittest.main()
