"""srtp_suites_test.py — each suite, form of a key and turn of a call, with phones of our own whose packets libsrtp2 seals and
opens: media and SRTCP both ways, to RTP and to SRTP under other keys. RFC 3711, RFC 4568, RFC 6188, RFC 7714; threats M10."""

import unittest

from harness import eventually
from phone import Refused
from secured_voice import CM80
from srtp import SUITES, Key
from srtp_case import CM32, CM256, GCM128, GCM256, SecuredCase, spoilt


class Suites(SecuredCase):
    def test_each_suite_to_rtp_and_back(self):
        for side in ("out", "in"):
            for suite in SUITES:
                with self.subTest(suite=suite, secured=side):
                    call = self.secured_call(side=side, near={"suites": (suite,)})
                    self.assertEqual((call.near.agreed[0], call.near.agreed[2].suite), (1, suite))
                    self.assertNotEqual(call.near.agreed[1].octets, call.near.agreed[2].octets)
                    self.assert_reports_cross(call)
                    self.assert_all_read(call)
                    self.over(call)

    def test_rtp_to_each_suite(self):
        for suite in SUITES:
            with self.subTest(suite=suite):
                call = self.secured_call(("4", "2"), far={"picks": suite})
                self.assertEqual(call.far.agreed[2].suite, suite)
                self.assert_reports_cross(call)
                self.assert_all_read(call)
                self.over(call)

    def test_each_suite_to_another_one(self):
        names = list(SUITES)
        for suite, other in zip(names, names[1:] + names[:1]):
            with self.subTest(suite=suite, to=other):
                call = self.secured_call(("2", "2"), near={"suites": (suite,)}, far={"picks": other})
                self.assertEqual((call.near.agreed[2].suite, call.far.agreed[2].suite), (suite, other))
                keys = {one.octets for leg in (call.near, call.far) for one in leg.agreed[1:]}
                self.assertEqual(len(keys), 4, "each direction of each leg has a key of its own")
                self.assert_reports_cross(call)
                self.assert_all_read(call)
                self.over(call)

    def test_ipv6_to_ipv4_and_back(self):
        for side in ("out", "in"):
            call = self.secured_call(("6", "2"), side=side, near={"suites": (GCM256,)}, far={"picks": CM32})
            self.assert_reports_cross(call)
            self.assert_all_read(call)
            self.over(call)


class Offers(SecuredCase):
    # RFC 4568 §5.1.2: the offerer's order, as far as it is allowed
    def test_of_several_suites_the_one_that_the_offerer_likes_best_is_taken(self):
        for suites, tag in (((CM32, GCM256), 1), ((GCM128, CM80, CM32), 1), (("F8_128_HMAC_SHA1_80", "NOBODY_KNOWS", CM256, GCM256), 3)):
            with self.subTest(suites=suites):
                call = self.secured_call(near={"suites": suites})
                self.assertEqual((call.near.agreed[0], call.near.agreed[2].suite), (tag, suites[tag - 1]))
                self.assert_all_read(call)
                self.over(call)

    def test_sallyport_offers_all_that_it_may_in_its_order(self):
        call = self.secured_call(("4", "2"))
        offer = next(one.body for one in call.far.phone.heard if one.method == "INVITE")
        lines = [line.split() for line in call.far.lines(offer)]
        self.assertEqual([line[1] for line in lines], [GCM256, GCM128, CM80, CM32, CM256, "AES_256_CM_HMAC_SHA1_32"])
        self.assertEqual(len({line[0] for line in lines}), 6, "tags")
        self.assertEqual(len({line[2] for line in lines}), 6, "keys")

    # RFC 4568 §6.1: |lifetime|MKI:length, each may be left away
    def test_lifetimes_and_names_of_keys_in_all_forms(self):
        forms = ({"lifetime": "2^20"}, {"lifetime": "2^31"}, {"lifetime": "2^48"}, {"lifetime": "1048576"}, {"mki": (1, 1)}, {"mki": (7, 4)},
                 {"mki": (65535, 2)}, {"lifetime": "2^31", "mki": (1, 4)}, {"lifetime": "4096", "mki": (9, 128)})
        for number, form in enumerate(forms):
            with self.subTest(form=form):
                suite = list(SUITES)[number % len(SUITES)]
                call = self.secured_call(near={"suites": (suite,), "keys": lambda s=suite, f=form: [Key(s, **f)]})
                self.assert_reports_cross(call)
                self.assert_all_read(call)
                self.assertIsNone(call.near.agreed[2].mki, "ours needs no name")
                self.over(call)

    # RFC 4568 §5.1.2, §6.3: what is not understood makes its own line unusable, not its neighbour
    def test_a_line_that_can_not_be_used_is_passed_over(self):
        for word in ("KDR=1", "FEC_ORDER=FEC_SRTP", "UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP", "SOMETHING=1"):
            with self.subTest(word=word):
                call = self.secured_call(near={"suites": (CM80, GCM128), "twist": lambda text, word=word: spoilt(text, 1, word)})
                self.assertEqual((call.near.agreed[0], call.near.agreed[2].suite), (2, GCM128))
                self.over(call)

    def test_words_that_may_be_left_aside_spoil_nothing(self):
        for word in ("WSH=64", "WSH=1024", "-SOMETHING=1", "WSH=128 -NEW"):
            with self.subTest(word=word):
                call = self.secured_call(near={"twist": lambda text, word=word: spoilt(text, 1, word)})
                self.assert_all_read(call)
                self.over(call)

    # RFC 8643 §3: RTP/AVP with keys is answered so
    def test_best_effort_is_taken_up(self):
        call = self.secured_call(("8", "4"), near={"protocol": "RTP/AVP"})
        self.assertEqual(call.near.theirs.media[0].protocol, "RTP/AVP")
        self.assertIsNotNone(call.near.agreed)
        self.assert_all_read(call)

    def test_a_suite_that_is_not_allowed_is_refused(self):
        caller, callee = self.secured("out", suites=("F8_128_HMAC_SHA1_80",)), self.secured("in", "4")
        with self.assertRaises(Refused) as raised:
            caller.call("4001")
        self.assertEqual(raised.exception.status, 488)
        self.assertEqual(callee.legs, {})


class Turns(SecuredCase):
    """What happens to keys and counters while a call lasts."""

    # RFC 4568 §7.1.4, RFC 3711 §3.3.1: neither numbers nor roll-over counter begin anew
    def test_the_caller_has_another_key_in_mid_call(self):
        for suite in (CM80, GCM256):
            call = self.secured_call(("2", "2"), near={"suites": (suite,)})
            before = call.near.agreed
            for _ in range(3):
                call.near.renew()
                self.assertEqual(call.near.change(), 200)
                call.await_voice(5)
            self.assertNotEqual(call.near.agreed[1].octets, before[1].octets)
            self.assertEqual(call.near.agreed[2].octets, before[2].octets, "ours stays")
            self.assert_reports_cross(call)
            self.assert_whole(call)
            self.over(call)

    def test_the_callee_has_another_key_and_another_suite_in_mid_call(self):
        call = self.secured_call(("2", "2"), far={"picks": CM80})
        for suite in (GCM128, CM32):
            call.far.renew()
            call.far.what = {"suites": (suite,)}
            self.assertEqual(call.far.change(), 200)
            self.assertEqual(call.far.agreed[2].suite, suite)
            call.await_voice(10)
        self.assert_reports_cross(call)
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)
        self.assertEqual(call.near.end.missing(call.far.end), [])

    def test_hold_and_resume(self):
        for held in ("sendonly", "inactive"):
            call = self.secured_call(("2", "4"))
            agreed = [one.octets for one in call.near.agreed[1:]]
            call.hush()
            self.assertEqual(call.near.change(direction=held), 200)
            self.assertEqual(call.near.change(direction="sendrecv"), 200)
            self.assertEqual([one.octets for one in call.near.agreed[1:]], agreed)
            call.talk().await_voice()
            self.assert_reports_cross(call)
            self.assert_all_read(call)
            self.over(call)

    # RFC 3711 §3.3.1; and a re-offer and a new key behind the wrap
    def test_numbers_wrap_on_both_sides(self):
        for suite in (CM80, GCM128):
            call = self.secured_call(("2", "2"), near={"suites": (suite,)}, far={"picks": CM256}, first=65520)
            eventually(lambda: call.near.end.said > 30 and call.far.end.said > 30, "both have wrapped")
            call.await_voice(5)
            self.assertEqual(call.near.change(direction="inactive"), 200)
            self.assertEqual(call.near.change(direction="sendrecv"), 200)
            call.near.renew()
            self.assertEqual(call.near.change(), 200)
            call.await_voice()
            for end, other in (call.ends, call.ends[::-1]):
                self.assertTrue(set(range(25)) <= set(end.of(other)), "all around the wrap")
            self.assert_reports_cross(call)
            self.over(call)

    # One source and another and the first again, which has wrapped meanwhile.
    def test_the_source_changes_and_comes_back(self):
        call = self.secured_call(("2", "2"), first=65520)
        near = call.near.end
        first = near.ssrc
        call.await_voice(25)
        near.ssrc = (first + 1) & 0xffffffff
        call.await_voice(10)
        near.ssrc = first
        call.await_voice(10)
        self.assert_whole(call)
        self.over(call)

    def test_a_lifetime_that_is_spent_is_the_end_of_that_key(self):
        call = self.secured_call(near={"keys": lambda: [Key(CM80, lifetime="40")]})
        eventually(lambda: self.daemon.count("media_dropped_total", reason="srtp_key_expired") > 0, "RFC 3711 §9.2")
        self.assertLessEqual(len(call.far.end.of(call.near.end)), 40)
        call.near.renew()
        call.near.what = {"keys": lambda: [Key(CM80)]}
        self.assertEqual(call.near.change(), 200)
        call.await_voice()


if __name__ == "__main__":
    unittest.main()
