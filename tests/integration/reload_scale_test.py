"""reload_scale_test.py — a thousand peers and a table of a million lines are read again while calls with voice go on: no call and
no packet is lost, and no INVITE waits for its 100. RFC 3261 §8.2.6.1, §17.2.1 (100 within 200 ms)."""

import json
import os
import unittest

from reload_test import FAR, LONGEST_TO_100, NEAR, SPARE, BigTableCase, peer

PEERS, RELOADS = 1000, 6


class Scale(BigTableCase):
    rate, packets, lines = 50, 10, 1_000_000

    def first_config(self):
        config = super().first_config()
        config["peers"] += [peer(f"many-{n}", "outside", f"198.19.{n // 250}.{n % 250 + 1}") for n in range(PEERS)]
        return config

    def test_it_is_read_again_and_nobody_waits_for_it(self):
        far, spare, near = self.phone(FAR), self.phone(SPARE), self.phone(NEAR)
        capture = self.captured()
        number = f"9{self.lines - 1:06}55"
        with self.load():
            self.passes(near, far, number)
            for turn in range(RELOADS):
                to, phone = (("spare", spare), ("far", far))[turn % 2]
                self.table(to)
                for one in self.config["peers"][-PEERS:]:
                    one["limits"] = {"in": {"calls": 10 + turn, "rate": "10/s"}}
                said = json.dumps(self.reload())
                self.assertIn("many-999", said)
                self.passes(near, phone, number)
        waits = sorted(self.waits(capture.stop()))
        print(f"  {len(waits)} INVITEs; waits for 100: half within {waits[len(waits) // 2] * 1000:.1f} ms, the longest {waits[-1] * 1000:.1f} ms",
              flush=True)
        self.assertGreater(len(waits), 100, "there was hardly any load")
        self.assertLess(waits[-1], LONGEST_TO_100)


if __name__ == "__main__":
    unittest.main()
