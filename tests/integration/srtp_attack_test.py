"""srtp_attack_test.py — a stranger in a third namespace, with any source address, against calls with SRTP: nothing of his is
learned or heard, he hears nothing, the call goes on and counters say why; and offers and answers that would protect less
than was agreed are refused. Threats M1, M2, M3, M10; RFC 4568 §5.1, §6.3, §7.3."""

import select
import time
import unittest

from capture import datagrams
from harness import IN4, OUT4, eventually
from phone import Refused
from secured_voice import CM80
from srtp import Key, Session
from srtp_case import CM32, GCM128, SecuredCase, spoilt
from voice import rtp, words
from voice_attack_test import EVIL, STRANGER, AttackCase
from voice_case import Call
from voice_test import sender_report

MODES = {"2": "required", "4": "required", "8": "required"}  # of the caller outside, by how it is learned; inside "4" is plain


class StrangerCase(AttackCase, SecuredCase):
    @classmethod
    def mode_of(cls, side, digit):
        return MODES.get(digit, "none") if side == "out" else {"2": "required"}.get(digit, "none")

    def setUp(self):
        super().setUp()
        self.thrown = 0
        self.wrong = {suite: Session(Key(suite), True) for suite in (CM80, CM32, GCM128)}
        self.counted = {}

    def quiet_call(self, digits=("4", "4"), **what):
        """Answered, and nobody has said anything yet."""
        caller, callee = self.secured("out", digits[0], **what), self.secured("in", digits[1])
        caller.call(f"{digits[1]}001")
        return Call(caller.leg, callee.last_leg())

    def spoof(self, source, target, octets):
        self.thrown += 1
        super().spoof(source, target, octets)

    def throw(self, octets, target):
        """As the stranger himself."""
        self.thrown += 1
        self.socket.sendto(octets, target)

    def bad(self, ssrc, sequence):
        """All kinds of what a stranger could make, who knows the header by heart."""
        self.said += 1
        plain = rtp(sequence, words(EVIL, self.said), ssrc=ssrc)
        noise = bytes((self.said * 7 + n * 31) & 0xff for n in range(170))
        return (plain, plain + b"\0" * 10, plain[:12] + noise, plain[:12] + b"\0" * 10, plain[:12],
                *(session.seal(plain) for session in self.wrong.values()))

    def bad_reports(self, ssrc):
        plain = sender_report(ssrc, b"evil    ")
        return (plain, plain + b"\x80\0\0\1" + b"\0" * 10, plain[:8] + b"\x55" * 40 + b"\x80\0\0\2" + b"\0" * 10,
                *(session.seal(plain, True) for session in self.wrong.values()))

    def dropped_for(self, reason):
        return self.daemon.count("media_dropped_total", reason=reason)

    def remember(self, *reasons):
        self.counted = {reason: self.dropped_for(reason) for reason in reasons}

    def assert_counted(self):
        for reason, before in self.counted.items():
            eventually(lambda reason=reason, before=before: self.dropped_for(reason) > before, f"{reason} is counted")

    def judge_secured(self, call, paths):
        """By the captures: what left to the callee was said by the caller, what left outside went to the caller alone."""
        near = call.near.end
        media = range(20000, 30000)
        wild = [octets for _, source, _, octets in datagrams(paths["in"])
                if source[0] == IN4 and source[1] in media and source[1] % 2 == 0 and octets[12:20] != b"%-8s" % near.name.encode()]
        strange = [target for _, source, target, _ in datagrams(paths["out"])
                   if source[0] == OUT4 and source[1] in media and target not in ((near.address, near.port), (near.address, near.port + 1))]
        bled = [1 for _, source, _, _ in datagrams(paths["evil"]) if source[0] == OUT4]
        self.assertEqual((len(wild), strange, bled), (0, [], []))
        self.assertEqual(call.far.end.not_of(near), [])
        self.assertEqual(near.unread, [])
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)
        print(f"{self.id().rpartition('.')[2]}: 0 injected, 0 bled of {self.thrown}", flush=True)


class BeforeTheFirstPacket(StrangerCase):
    """threats M1, M2: however much the profile believes, a source is known by its tag."""

    def before_it_speaks(self, digit):
        self.remember("srtp_bad_tag")
        with self.captures() as paths:
            call = self.quiet_call((digit, "4"))
            near, far, target = call.near.end, call.far.end, call.near.end.remote
            far.talk()
            for n in range(40):
                for octets in self.bad(near.ssrc if n % 2 else 666, n):
                    self.throw(octets, target)
                    self.spoof((near.address, near.port), target, octets)
                    self.spoof((near.address, near.port + 2), target, octets)
                for octets in self.bad_reports(near.ssrc):
                    self.throw(octets, (target[0], target[1] + 1))
                    self.spoof((near.address, near.port + 1), (target[0], target[1] + 1), octets)
            # What came in the phone's own name has used up what may come from there; half a second later it is there again.
            heard = len(near.of(far))
            eventually(lambda: len(near.of(far)) > heard + 25, "the callee is heard where the SDP says")
            near.talk()
            call.await_voice()
            self.assertEqual((far.heard_rtcp, near.heard_rtcp), ([], []))
            call.hush()
        self.assertEqual((far.missing(near), near.missing(far)), ([], []))
        self.judge_secured(call, paths)
        self.assert_counted()

    def test_where_only_the_sdp_is_believed(self):
        self.before_it_speaks("2")

    def test_where_the_host_of_the_signalling_is_believed_too(self):
        self.before_it_speaks("4")

    def test_where_anybody_may_be_believed(self):
        self.before_it_speaks("8")

    # What is recorded in one call is worth nothing in the next, whose keys are others.
    def test_packets_of_the_call_before(self):
        old = self.quiet_call().talk().await_voice()
        old.hush()
        kept = old.near.end.sent[:]
        self.over(old)
        with self.captures() as paths:
            call = self.quiet_call()
            for octets in kept:
                self.throw(octets, call.near.end.remote)
                self.spoof((call.near.end.address, call.near.end.port), call.near.end.remote, octets)
            call.talk().await_voice()
            self.assert_all_read(call)
        self.judge_secured(call, paths)


class InMidCall(StrangerCase):
    # RFC 3711 §3.3.2
    def test_replays_are_heard_once(self):
        self.remember("srtp_replayed")
        with self.captures() as paths:
            call = self.quiet_call(("8", "4")).talk().await_voice()
            near, target = call.near.end, call.near.end.remote
            for _ in range(5):
                for octets in near.sent[-60:]:
                    self.spoof((near.address, near.port), target, octets)
                    self.throw(octets, target)
                call.await_voice(5)
            self.assert_all_read(call)
        self.judge_secured(call, paths)
        self.assert_counted()

    def test_bad_packets_from_everywhere_are_not_heard_and_take_no_voice(self):
        self.remember("srtp_bad_tag", "foreign_source")
        with self.captures() as paths:
            call = self.quiet_call(("4", "2")).talk().await_voice()
            near, target = call.near.end, call.near.end.remote
            sources = ((near.address, near.port), (near.address, near.port + 2), (STRANGER, near.port), (OUT4, near.port),
                       (IN4, target[1]), ("198.18.2.2", call.far.end.port))
            for n in range(25):
                for octets in self.bad(near.ssrc, near.first + near.said + n)[:3]:
                    self.spoof(sources[n % len(sources)], target, octets)
                    self.throw(octets, target)
                for octets in self.bad_reports(near.ssrc):
                    self.spoof((near.address, near.port + 1), (target[0], target[1] + 1), octets)
                call.await_voice(1)
            call.await_voice(25)
            self.assert_all_read(call)
            self.assert_reports_cross(call)
        self.assertEqual((len(call.far.end.heard_rtcp), len(near.heard_rtcp)), (1, 1))
        self.assertEqual([d for _, s, d, _ in datagrams(paths["out"]) if s[0] == OUT4 and s[1] in (target[1], target[1] + 1) and
                          d not in ((near.address, near.port), (near.address, near.port + 1))], [])
        self.assert_counted()

    def flood(self, call, rate, seconds, send):
        begin, sent, number = time.monotonic(), 0, 0
        packets = [one for n in range(50) for one in self.bad(call.near.end.ssrc, 40000 + n)]
        while (now := time.monotonic()) < begin + seconds:
            due = int((now - begin) * rate)
            while sent < due:
                send(packets[number % len(packets)])
                sent, number = sent + 1, number + 1
            select.select([], [], [], 0.001)
        return sent

    # threats M3, M8
    def test_a_flood_of_bad_packets_from_a_third_address_takes_no_voice(self):
        with self.captures() as paths:
            call = self.quiet_call(("8", "4")).talk().await_voice()
            sent = self.flood(call, 15000, 2.0, lambda octets: self.throw(octets, call.near.end.remote))
            call.await_voice()
            self.assert_all_read(call)
        self.judge_secured(call, paths)
        self.assertGreater(sent, 10000)

    # threats M3: it may take voice while it lasts, for nobody can tell them apart before their tags; it ends nothing.
    def test_a_flood_of_bad_packets_from_the_phones_own_address_ends_nothing(self):
        self.remember("srtp_bad_tag")
        with self.captures() as paths:
            call = self.quiet_call().talk().await_voice()
            near, far = call.near.end, call.far.end
            before = len(far.of(near))
            said = near.said
            sent = self.flood(call, 3000, 2.0, lambda octets: self.spoof((near.address, near.port), near.remote, octets))
            heard, said = len(far.of(near)) - before, near.said - said
            print(f"while {sent} bad packets came from its own address {heard} of {said} were heard", flush=True)
            call.await_voice(50)
            last = near.said
            eventually(lambda: near.said > last + 50, "a second without the flood")
            call.hush()
            self.assertEqual([one for one in far.missing(near) if one > last + 10], [])
            self.assertEqual(near.missing(far), [])
        self.judge_secured(call, paths)
        self.assert_counted()


class Downgrades(StrangerCase):
    """threats M10: refused, and nothing goes on in the clear."""

    def assert_refused(self, twist, **what):
        caller, callee = self.secured("out", "4", twist=twist, **what), self.secured("in", "4")
        with self.assertRaises(Refused) as raised:
            caller.call("4001")
        self.assertEqual(raised.exception.status, 488)
        self.assertEqual(callee.legs, {}, "the callee hears of it")
        caller.stop()
        callee.stop()

    def test_offers_that_protect_less(self):
        def replaced(old, new):
            return lambda text: text.replace(old.encode(), new.encode())

        def named(tag):  # the first line's tag
            return lambda text: text.replace(b"a=crypto:1 ", f"a=crypto:{tag} ".encode())

        good = Key(CM80).line(1)
        inline = good.split("inline:")[1]

        def only(line):  # in the place of the phone's own
            return lambda text: b"\r\n".join(f"a={line}".encode() if one.startswith(b"a=crypto:") else one for one in text.split(b"\r\n"))
        offers = {
            "no key at all": lambda text: b"\r\n".join(
                one for one in text.replace(b"RTP/SAVP", b"RTP/AVP").split(b"\r\n") if not one.startswith(b"a=crypto")),
            "promised and not kept": lambda text: b"\r\n".join(one for one in text.split(b"\r\n") if not one.startswith(b"a=crypto")),
            "no encryption": lambda text: spoilt(text, 1, "UNENCRYPTED_SRTP"), "of RTCP": lambda text: spoilt(text, 1, "UNENCRYPTED_SRTCP"),
            "no authentication": lambda text: spoilt(text, 1, "UNAUTHENTICATED_SRTP"), "small": lambda text: spoilt(text, 1, "unencrypted_srtp"),
            "KDR": lambda text: spoilt(text, 1, "KDR=1"), "FEC": lambda text: spoilt(text, 1, "FEC_ORDER=FEC_SRTP"),
            "unknown word": lambda text: spoilt(text, 1, "SOMETHING"), "window": lambda text: spoilt(text, 1, "WSH=1"),
            "NULL cipher": only(f"crypto:1 NULL_HMAC_SHA1_80 inline:{inline}"), "NULL both": only(f"crypto:1 NULL_NULL inline:{inline}"),
            "tag twice": lambda text: text + f"a={Key(CM80).line(1)}\r\n".encode(), "tag 01": named("01"), "no tag": named(""),
            "tag of letters": named("one"), "tag too long": named("1234567890"),
            "key too short": only(f"crypto:1 {CM80} inline:{inline[:36]}"), "key too long": only(f"crypto:1 {CM80} inline:{inline}{inline}"),
            "no base64": only(f"crypto:1 {CM80} inline:{'!' * 40}"), "key elsewhere": only(f"crypto:1 {CM80} https://198.18.1.66/key"),
            "two keys": only(f"crypto:1 {CM80} inline:{inline}|1:4;inline:{inline}|2:4"), "MKI of 0": only(f"crypto:1 {CM80} inline:{inline}|1:0"),
            "MKI of 129": only(f"crypto:1 {CM80} inline:{inline}|1:129"), "MKI does not fit": only(f"crypto:1 {CM80} inline:{inline}|256:1"),
            "MKI negative": only(f"crypto:1 {CM80} inline:{inline}|-1:4"), "MKI alone": only(f"crypto:1 {CM80} inline:{inline}||1"),
            "lifetime 0": only(f"crypto:1 {CM80} inline:{inline}|0"), "lifetime 2^49": only(f"crypto:1 {CM80} inline:{inline}|2^49"),
            "session level": lambda text: only("sendrecv")(text).replace(b"t=0 0", f"t=0 0\r\na={good}".encode()),
            "DTLS": replaced("RTP/SAVP", "UDP/TLS/RTP/SAVP"),
        }
        for name, twist in offers.items():
            with self.subTest(offer=name):
                self.assert_refused(twist)
        print(f"{len(offers)} offers refused", flush=True)

    def test_answers_that_protect_less(self):
        def line(text, make):
            return b"\r\n".join(make(one.decode()).encode() if one.startswith(b"a=crypto:") else one for one in text.split(b"\r\n"))
        answers = {
            "plain": lambda text: line(text.replace(b"RTP/SAVP", b"RTP/AVP"), lambda one: "a=sendrecv"),
            "a key under the wrong profile": lambda text: text.replace(b"RTP/SAVP", b"RTP/AVP"),  # RFC 3264 §6
            "no key": lambda text: line(text, lambda one: "a=sendrecv"),
            "other tag": lambda text: line(text, lambda one: one.replace("crypto:3", "crypto:9")),
            "other suite": lambda text: line(text, lambda one: one.replace("HMAC_SHA1_80", "HMAC_SHA1_32")),
            "tag of another line": lambda text: line(text, lambda one: one.replace("crypto:3", "crypto:1")),
            "two lines": lambda text: line(text, lambda one: f"{one}\r\na={Key(CM32).line(4)}"),
            "the same twice": lambda text: line(text, lambda one: f"{one}\r\n{one}"),
            "unencrypted": lambda text: line(text, lambda one: f"{one} UNENCRYPTED_SRTP"),
            "unauthenticated": lambda text: line(text, lambda one: f"{one} UNAUTHENTICATED_SRTP"),
            "NULL": lambda text: line(text, lambda one: one.replace(CM80, "NULL_HMAC_SHA1_80")),
        }
        for name, twist in answers.items():
            with self.subTest(answer=name):
                caller, callee = self.secured("out", "5"), self.secured("in", "2", picks=CM80, twist=twist)
                with self.assertRaises(Refused) as raised:
                    caller.call("2001")
                self.assertEqual(raised.exception.status, 488)
                caller.stop()
                callee.stop()
                eventually(lambda: self.daemon.count("calls_active") == 0, "nothing is left of it")
        print(f"{len(answers)} answers refused", flush=True)

    # RFC 3264 §8: a re-offer that is refused leaves all as it was.
    def test_offers_in_mid_call_that_protect_less(self):
        call = self.quiet_call().talk().await_voice()
        near = call.near
        twists = {
            "plain": lambda text: b"\r\n".join(one for one in text.replace(b"RTP/SAVP", b"RTP/AVP").split(b"\r\n") if not one.startswith(b"a=crypto")),
            "no key": lambda text: b"\r\n".join(one for one in text.split(b"\r\n") if not one.startswith(b"a=crypto")),
            "unencrypted": lambda text: spoilt(text, 1, "UNENCRYPTED_SRTP"), "NULL": lambda text: text.replace(b"AES_CM_128_", b"NULL_"),
            "tag twice": lambda text: text + f"a={Key(CM80).line(1)}\r\n".encode(),
        }
        for name, twist in twists.items():
            with self.subTest(offer=name):
                near.what = {"twist": twist}
                self.assertEqual(near.change(), 488)
                call.await_voice(3)
        near.what = {}
        self.assertEqual(near.change(), 200)
        self.assert_reports_cross(call)
        self.assert_all_read(call)


if __name__ == "__main__":
    unittest.main()
