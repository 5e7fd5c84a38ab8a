"""srtp_test.py — real phones with encrypted media: RTP and SRTP on either leg, mandatory and best effort, each hears the tone
of the other, and at the wire nobody does. RFC 3711, RFC 4568, RFC 8643; threats M2, M10."""

import tempfile
import unittest

from baresip import Baresip
from call_case import OTHER, SIDES, host
from ear import Ear
from harness import eventually
from stream_case import VoiceOverStreams
from voice_case import PLACES, VoiceCase

# By the first digit of the phone's number: srtp.mode of its peer, and what baresip does.
MODES = {"4": ("none", None), "2": ("required", "srtp-mand"), "8": ("optional", "srtp"), "6": ("required", "srtp-mand")}


class EncryptedCase(VoiceCase):
    transport = "udp"
    modes = MODES

    @classmethod
    def configure(cls, config):
        super().configure(config)
        for peer in config["peers"]:
            peer["srtp"] = {"mode": cls.modes.get(peer["name"][-1], ("none",))[0]}

    def real_phone(self, side, digit, hertz, dial=None, encryption=""):  # pylint: disable=too-many-arguments
        folder, address = tempfile.mkdtemp(dir=self.net.folder), host(side, PLACES[digit])
        far = self.net.out if side == "out" else self.net.inn
        identity = self.sides[side].identity(f"{SIDES[side][2]}-{digit}", address) if self.transport == "tls" else None
        phone = Baresip(far, folder, address, hertz, f"{digit}001", dial, transport=self.transport, identity=identity,
                        encryption=self.modes[digit][1] if encryption == "" else encryption)
        self.addCleanup(phone.close)
        return phone

    def ear(self, side, digit):
        ear = Ear(self.net.out if side == "out" else self.net.inn, host(side, PLACES[digit]))
        self.addCleanup(ear.close)
        return ear

    def dial(self, side, caller, callee, **what):
        there = host(side, ":1" if caller == "6" else ".1")
        there = f"[{there}]" if ":" in there else there
        return self.real_phone(side, caller, 700, f"sip:{callee}001@{there};transport={self.transport}", **what)

    def check(self, side, caller, callee):
        ears = [(self.ear(where, digit), digit, hertz) for where, digit, hertz in
                ((side, caller, 1200), (OTHER[side], callee, 700)) if digit != "6"]
        answering = self.real_phone(OTHER[side], callee, 1200)
        calling = self.dial(side, caller, callee)
        for one, hertz in ((answering, 700), (calling, 1200)):
            eventually(lambda one=one, hertz=hertz: (one.heard(hertz) or 0) > 0.9,
                       f"{hertz} is heard:\n{calling.words()}\n{answering.words()}", 15.0)
        self.assertLess(answering.heard(1200) + calling.heard(700), 0.05)
        for ear, digit, hertz in ears:
            share = ear.heard(hertz)
            (self.assertLess if self.modes[digit][1] else self.assertGreater)(share, 0.5, f"at the wire of {digit}")
        for one in (calling, answering):
            one.close()
        eventually(lambda: self.daemon.count("calls_active") == 0, "the call is over")


class EncryptedPhones(EncryptedCase):
    def test_srtp_to_rtp(self):
        self.check("out", "2", "4")

    def test_rtp_to_srtp(self):
        self.check("in", "4", "2")

    def test_srtp_to_srtp_with_other_keys(self):
        self.check("out", "2", "2")

    def test_best_effort_to_best_effort(self):
        self.check("in", "8", "8")

    def test_best_effort_to_rtp(self):
        self.check("out", "8", "4")

    def test_srtp_to_best_effort(self):
        self.check("out", "2", "8")

    def test_best_effort_to_srtp(self):
        self.check("in", "8", "2")

    def test_srtp_over_ipv6_to_rtp_over_ipv4(self):
        self.check("in", "6", "4")

    def test_rtp_over_ipv4_to_srtp_over_ipv6(self):
        self.check("out", "4", "6")

    def test_srtp_over_ipv6_on_both_legs(self):
        self.check("out", "6", "6")

    def test_a_phone_that_must_encrypt_and_does_not_is_refused(self):
        answering = self.real_phone("in", "4", 1200)
        calling = self.dial("out", "2", "4", encryption=None)
        calling.await_words("488")
        self.assertIsNone(answering.heard(700))

    def test_a_callee_that_can_not_encrypt_is_not_reached_in_plain(self):
        answering = self.real_phone("in", "2", 1200, encryption=None)
        calling = self.dial("out", "4", "2")
        calling.await_words("488")
        self.assertIsNone(answering.heard(700))
        eventually(lambda: self.daemon.count("calls_active") == 0, "the call is over")


class EncryptedPhonesOverTls(VoiceOverStreams, EncryptedPhones):
    transport = "tls"


class BestEffortOverIpv6(EncryptedCase):
    modes = {**MODES, "6": ("optional", "srtp")}

    def test_best_effort_over_ipv6_to_rtp_over_ipv4(self):
        self.check("out", "6", "4")

    def test_rtp_over_ipv4_to_best_effort_over_ipv6(self):
        self.check("in", "4", "6")

    def test_best_effort_over_ipv6_on_both_legs(self):
        self.check("in", "6", "6")

    def test_best_effort_over_ipv6_to_srtp_over_ipv4(self):
        self.check("out", "6", "2")


class BestEffortOverIpv6AndTls(VoiceOverStreams, BestEffortOverIpv6):
    transport = "tls"


class PlainOverIpv6(EncryptedCase):
    modes = {**MODES, "6": ("none", None)}

    def test_srtp_over_ipv4_to_rtp_over_ipv6(self):
        self.check("out", "2", "6")

    def test_rtp_over_ipv6_to_srtp_over_ipv4(self):
        self.check("in", "6", "2")


class PlainOverIpv6AndTls(VoiceOverStreams, PlainOverIpv6):
    transport = "tls"


if __name__ == "__main__":
    unittest.main()
