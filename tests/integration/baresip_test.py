"""baresip_test.py — two real phones talk through Sallyport over UDP, TCP and TLS: each plays a tone, and the other hears that
tone and no other."""

import tempfile
import unittest

from baresip import Baresip
from call_case import SIDES, host
from harness import eventually
from stream_case import VoiceOverStreams
from voice_case import PLACES, VoiceCase


class RealPhones(VoiceCase):
    transport = "udp"

    def phone(self, side, digit, hertz, number, dial=None):  # pylint: disable=arguments-differ,too-many-arguments
        folder, address = tempfile.mkdtemp(dir=self.net.folder), host(side, PLACES[digit])
        far = self.net.out if side == "out" else self.net.inn
        identity = self.sides[side].identity(f"{SIDES[side][2]}-{digit}", address) if self.transport == "tls" else None
        phone = Baresip(far, folder, address, hertz, number, dial, transport=self.transport, identity=identity)
        self.addCleanup(phone.close)
        return phone

    def check(self, caller_side, caller, callee):
        other = "in" if caller_side == "out" else "out"
        there = host(caller_side, ".1" if caller == "4" else ":1")
        answering = self.phone(other, callee, 1200, f"{callee}001")
        calling = self.phone(caller_side, caller, 700, "5550", f"sip:{callee}001@{f'[{there}]' if ':' in there else there};transport={self.transport}")
        eventually(lambda: answering.heard(700) is not None and calling.heard(1200) is not None,
                   f"a second of sound on both sides:\n{calling.words()}\n{answering.words()}", 15.0)
        eventually(lambda: answering.heard(700) > 0.9 and calling.heard(1200) > 0.9, "the tone of the other side", 10.0)
        self.assertLess(answering.heard(1200) + calling.heard(700), 0.05)
        for one in (calling, answering):
            one.close()
        eventually(lambda: self.daemon.count("calls_active") == 0, "the call is over")

    def test_a_tone_is_heard_both_ways_over_ipv4(self):
        self.check("out", "4", "4")

    def test_a_tone_is_heard_both_ways_over_ipv6(self):
        self.check("in", "6", "6")

    def test_a_tone_is_heard_both_ways_from_ipv4_to_ipv6(self):
        self.check("out", "4", "6")

    def test_a_tone_is_heard_both_ways_from_ipv6_to_ipv4(self):
        self.check("in", "6", "4")


class OverStreams(VoiceOverStreams):
    phone = RealPhones.phone


class RealPhonesOverTcp(OverStreams, RealPhones):
    transport = "tcp"


class RealPhonesOverTls(OverStreams, RealPhones):
    transport = "tls"


if __name__ == "__main__":
    unittest.main()
