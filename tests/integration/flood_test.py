"""flood_test.py — floods of every kind from strangers: a known peer is still answered, on both sides."""

import os
import subprocess
import sys
import time
import unittest

import flood
import sip
from harness import FULL, IN4, OUT4, OUT6, SIP_PORT, SharedCase

SECONDS = 20 if FULL else 4
ANSWER_SECONDS = 4.0  # with RFC 3261's resending at 0.5, 1.5, 3.5 s


class Flood(SharedCase):
    @classmethod
    def configure(cls, config):
        config["dataplane"]["capacity"]["sources"] = 1024  # the least there is, so that the table of sources is full at once

    def flooded_by(self, kind):
        arguments = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "flood.py"), self.net.out.path,
                     "wire", self.net.out.mac("wire"), self.daemon.port_mac("outside"), kind]
        flooder = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        asked = answered = 0
        try:
            self.assertEqual(flooder.stdout.readline().strip(), "sending")
            peers = [(self.known("out", 4), (OUT4, SIP_PORT)), (self.known("out", 6), (OUT6, SIP_PORT)),
                     (self.known("in", 4), (IN4, SIP_PORT))]
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                for sock, remote in peers:
                    asked += 1
                    answered += sip.options(sock, remote, ANSWER_SECONDS) is not None
            for sock, _ in peers:
                sock.close()
            self.assertIsNone(flooder.poll())
        finally:
            sent, _ = flooder.communicate("", 60)
        self.assertGreater(int(sent), 10000, "the flood was none")
        print(f"{kind}: {int(sent) / SECONDS:.0f} frames/s, {answered} of {asked} OPTIONS answered")
        self.assertEqual(answered, asked, f"{asked - answered} of {asked} went unanswered")
        self.assertIsNone(self.daemon.process.poll(), "the daemon has ended")


def _add_tests():
    for kind in flood.KINDS:
        def test(self, kind=kind):
            self.flooded_by(kind)
        setattr(Flood, f"test_a_flood_of_{kind}_touches_no_known_peer", test)


_add_tests()

if __name__ == "__main__":
    unittest.main()
