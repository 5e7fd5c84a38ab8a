"""leak_test.py — nothing of one side is seen on the other: every word of six or more characters that both sides of
Sallyport carry during all kinds of calls is on a list. RFC 3323 §4.1 (what an intermediary hides)."""

import os
import re
import unittest

from call_case import CallCase, OTHER, Run
from capture import Capture

TOKEN = re.compile(rb"[A-Za-z0-9.:@-]{6,}")
# By these random numbers, and nothing else, both legs of a call are found. RFC 7989 §7
SESSION_ID = re.compile(rb"\r\nSession-ID: [0-9a-f]{32};remote=[0-9a-f]{32}(?=\r\n)")
SECRETS = ("2353687637", "words-of-caller", "8640097531", "conversation-at-callee", "caller-phone", "caller-secret", "phone.invalid", "555001-phone", "callee-phone", "555002-desk",
           "audio 40000", "audio 40002", "192.0.2.99", "2001:db8::99")
VOICE = {4: "192.0.2.77", 6: "2001:db8::77"}  # a caller's, by how it speaks to Sallyport

CALLEES = ("192.0.2.99", "2001:db8::99", "audio 40002", "8640097531", "conversation-at-callee", "callee-phone", "555002-desk")

# Words of the language, the same in any call; nothing here names a side.
HEADERS = {b"Accept:", b"Allow:", b"Call-ID:", b"Contact:", b"Content-Length:", b"Content-Type:", b"Max-Forwards:",
           b"Subject:", b"Supported:", b"Min-SE:", b"Require:", b"Session-Expires:"}
OPTIONS = {b"100rel", b"norefersub", b"replaces"}
METHODS = {b"CANCEL", b"INVITE", b"MESSAGE", b"NOTIFY", b"OPTIONS", b"UPDATE"}
REASONS = {b"Moved", b"Request", b"Ringing", b"Temporarily", b"Terminated", b"Trying"}
BODIES = {b"application", b"dtmf-relay", b"Signal", b"Duration", b"rtpmap:0", b"sendonly", b"sendrecv", b"recvonly"}
PARAMETERS = {b"branch", b"received", b"refresher"}

SCENARIOS = (
    ("uac_call.xml", {".2": "uas_call.xml"}, "4001", {}),
    ("uac_call.xml", {":2": "uas_call.xml"}, "6001", {}),
    ("uac_called_off.xml", {".2": "uas_hangs_up.xml"}, "4002", {}),
    ("uac_refused.xml", {".2": "uas_refuses.xml"}, "4003", {}),
    ("uac_refused.xml", {".5": "uas_rings.xml"}, "5004", {"replace": {'"486"': '"408"'}}),
    ("uac_cancels.xml", {".2": "uas_rings.xml"}, "4005", {}),
    ("uac_cancels.xml", {".2": "uas_answers_late.xml"}, "4006", {}),
    ("uac_refused.xml", {".7": ("uas_redirects.xml", {"other": "4999"})}, "2008", {"replace": {'"486"': '"302"'}}),
    ("uac_call.xml", {".3": ("uas_refuses.xml", {"replace": {"486 Busy Here": "503 Service Unavailable"}}),
                      ".4": "uas_call.xml"}, "7010", {}),
    ("uac_reinvite.xml", {".2": "uas_reinvite.xml"}, "4014", {}),
    ("uac_update.xml", {".2": "uas_update.xml"}, "4016", {}),
    ("uac_info.xml", {".2": "uas_info.xml"}, "4017", {}),
    ("uac_delayed_offer.xml", {".2": "uas_delayed_offer.xml"}, "4018", {}),
)


# The numbers of both are what a call is about; before an IPv6 address they are words of their own.
NUMBERS = {b"sip:%s@" % number.encode() for number in ("555001", *(called for _, _, called, _ in SCENARIOS))}
ALLOWED = HEADERS | OPTIONS | METHODS | REASONS | BODIES | PARAMETERS | NUMBERS


class Leaks(CallCase):
    def tokens(self, messages):
        """Where each word was seen first."""
        found = {}
        for message in messages:
            for token in TOKEN.findall(SESSION_ID.sub(b"", message.octets)):
                found.setdefault(token, message)
        return found

    def carried(self, side, version):
        """The messages of both sides during all scenarios with the caller on one of them."""
        captures = {name: Capture(namespace, os.path.join(self.net.folder, f"{side}{version}-{name}.pcap"))
                    for name, namespace in (("out", self.net.out), ("in", self.net.inn))}
        try:
            runs = []
            for number, (caller, callees, called, options) in enumerate(SCENARIOS):
                runs.append(Run(self, f"leak{number}", (side, version), caller, callees, calls=3, hold=50, called=called, **options))
                runs[-1].judge_calls()
            for run, (caller, *_) in zip(runs, SCENARIOS):
                run.judge_records(answered="refused" not in caller and "cancels" not in caller)
        finally:
            heard = {name: capture.stop() for name, capture in captures.items()}
        return heard

    def check(self, side, version):
        heard = self.carried(side, version)
        for name, messages in heard.items():
            self.assertGreater(len(messages), 100, f"the capture of side {name} is not whole")
        text = {name: b"".join(m.octets for m in messages) for name, messages in heard.items()}
        for secret in (*SECRETS, VOICE[version]):
            home = OTHER[side] if secret in CALLEES else side
            self.assertIn(secret.encode(), text[home], "the test's own names are not there: it would prove nothing")
            self.assertNotIn(secret.encode(), text[OTHER[home]])
        for name, networks in (("in", (b"198.18.1.", b"fd18:1:")), ("out", (b"198.18.2.", b"fd18:2:"))):
            for network in networks:
                self.assertNotIn(network, text[name], "an address of the other side")
        tokens = {name: self.tokens(messages) for name, messages in heard.items()}
        both = sorted((tokens["out"].keys() & tokens["in"].keys()) - ALLOWED)
        places = [f"{t.decode()}\n  out: {tokens['out'][t].octets!r}\n  in: {tokens['in'][t].octets!r}" for t in both]
        self.assertEqual(both, [], "\n".join(places[:10]))

    def test_callers_outside(self):
        self.check("out", 4)

    def test_callers_inside(self):
        self.check("in", 4)

    def test_callers_outside_over_ipv6(self):
        self.check("out", 6)

    def test_callers_inside_over_ipv6(self):
        self.check("in", 6)


if __name__ == "__main__":
    unittest.main()
