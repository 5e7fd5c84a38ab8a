"""srtp_case.py — calls with SRTP on either leg, by phones whose packets libsrtp2 seals and opens. The first digit of a
number says what the peer's profile makes of keys."""

from call_case import OTHER, host
from harness import SIP_PORT, eventually
from secured_voice import SecuredPhone
from voice import VoicePhone
from voice_case import PLACES, Call, VoiceCase
from voice_test import rtcp_types, sender_report

OURS = ["AES_256_GCM", "AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80",
        "AES_256_CM_HMAC_SHA1_32"]  # as the configuration names them, in its order
MODES = {"2": "required", "6": "required", "8": "optional"}
GCM128, GCM256 = "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"
CM32, CM256 = "AES_CM_128_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80"


class SecuredCase(VoiceCase):
    @classmethod
    def mode_of(cls, _side, digit):
        return MODES.get(digit, "none")

    @classmethod
    def configure(cls, config):
        super().configure(config)
        for peer in config["peers"]:
            side = "out" if peer["realm"] == "outside" else "in"
            peer["srtp"] = {"mode": cls.mode_of(side, peer["name"][-1]), "suites": OURS}

    def secured(self, side, digit="2", **what):
        """A phone with keys where the peer may have some, else a plain one."""
        namespace = self.net.out if side == "out" else self.net.inn
        address = host(side, PLACES[digit])
        kind = VoicePhone if self.mode_of(side, digit) == "none" else SecuredPhone
        phone = kind(namespace, namespace.udp(address, SIP_PORT), (host(side, ":1" if ":" in address else ".1"), SIP_PORT), **what)
        self.addCleanup(phone.stop)
        return phone

    def secured_call(self, digits=("2", "4"), side="out", near=None, far=None, first=0):  # pylint: disable=too-many-arguments
        """An answered call that was heard both ways. first: sequence number of what both say first."""
        caller = self.secured(side, digits[0], **(near or {}))
        callee = self.secured(OTHER[side], digits[1], **(far or {}))
        caller.call(f"{digits[1]}001")
        call = Call(caller.leg, callee.last_leg())
        for end in call.ends:
            end.first = first
        return call.talk().await_voice(5)

    def assert_reports_cross(self, call):
        for end, other in (call.ends, call.ends[::-1]):
            before = len(other.heard_rtcp)
            end.send_rtcp(sender_report(end.ssrc, b"who"))
            eventually(lambda other=other, before=before: len(other.heard_rtcp) > before, f"{other.name} hears a report")
            self.assertEqual(rtcp_types(other.heard_rtcp[-1].octets)[0], 200)

    def assert_all_read(self, call):
        """Everything was heard, and nothing came that could not be read, or twice."""
        self.assert_whole(call)
        for end in call.ends:
            self.assertEqual(getattr(end, "unread", []), [])
            self.assertEqual(len(end.heard), len({one.octets[2:12] for one in end.heard}))

    def over(self, call):
        self.assertEqual(call.near.dialog.hang_up(), 200)
        for leg in (call.near, call.far):
            leg.phone.stop()


def spoilt(text, tag, words):
    """A description whose line of that tag says more."""
    lines = text.decode().split("\r\n")
    return "\r\n".join(f"{line} {words}" if line.startswith(f"a=crypto:{tag} ") else line for line in lines).encode()
