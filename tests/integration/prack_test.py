"""prack_test.py — provisional responses that are acknowledged, where both phones know how to, and where one does not; sessions that
are changed before the answer. RFC 3262, RFC 3311 §5, RFC 6337."""

import threading
import unittest

from call_case import OTHER, CallCase, Run, host
from harness import SIP_PORT, eventually
from reliable_phone import INSISTS, KNOWS, ReliablePhone
from voice_case import PLACES, Call, VoiceCase

class PrackCase(VoiceCase):
    loses = 0

    def reliable_phone(self, side, **what):
        namespace, address = self.net.out if side == "out" else self.net.inn, host(side, PLACES["4"])
        phone = ReliablePhone(namespace, namespace.udp(address, SIP_PORT), (host(side, ".1"), SIP_PORT), **what)
        phone.loses = self.loses
        self.addCleanup(phone.stop)
        return phone

    def pair(self, options=(), rings_reliably=True, side="out"):
        return self.reliable_phone(side, options=options), self.reliable_phone(OTHER[side], rings_reliably=rings_reliably)

    def dial(self, caller):
        """A call is being made; who made it has its thread to wait for."""
        self.failures = []

        def make():
            try:
                caller.call("4001", 25.0)
            except AssertionError as error:
                self.failures.append(str(error))
        thread = threading.Thread(target=make, daemon=True)
        thread.start()
        return thread

    def answered(self, thread, caller, callee, call_id):
        callee.pick_up(call_id)
        thread.join(25)
        self.assertEqual(self.failures, [])
        call = Call(caller.last_leg(), callee.last_leg())
        self.addCleanup(self.end, call)
        return call.talk().await_voice()

    def provisionals(self, caller):
        """RSeq of each 18x, None of one that is not reliable."""
        return [int(m.header("rseq")) if "100rel" in m.header("require") else None for m in caller.provisionals if m.status > 100]

    def assert_over(self, call):
        self.assertEqual(call.near.dialog.hang_up(), 200)
        eventually(lambda: call.far.dialog.is_ended, "the BYE arrives")
        eventually(lambda: self.daemon.count("calls_active") == 0, "no call is left")


class Prack(PrackCase):
    def both(self, side="out", seconds=15.0):
        caller, callee = self.pair((KNOWS,), side=side)
        thread = self.dial(caller)
        call_id = callee.await_acknowledged(seconds)
        self.assertIsNotNone(call_id, "no PRACK")
        invite = callee.ringing[call_id]
        self.assertIn("100rel", invite.header("supported"))
        eventually(lambda: caller.pracks, "the caller has heard it reliably")
        self.assertEqual(caller.await_prack_answers(caller.last_leg().dialog.call_id), [200])
        Call(caller.last_leg(), callee.last_leg()).talk().await_voice()  # before the answer
        call = self.answered(thread, caller, callee, call_id)
        self.assertEqual(len(set(self.provisionals(caller)) - {None}), 1)
        said = [m for m in callee.heard if m.method == "PRACK" and m.status is None]
        self.assertTrue(said)
        for message in said:  # of the leg that it is on
            self.assertNotIn(host(side, ".2"), message.octets.decode())
        self.assert_over(call)

    def test_both_sides_acknowledge_and_hear_each_other_before_the_answer(self):
        for side in ("out", "in"):
            with self.subTest(caller=side):
                self.both(side)

    def test_a_caller_who_does_not_know_of_it_is_called_for_by_sallyport(self):
        caller, callee = self.pair(())
        thread = self.dial(caller)
        call_id = callee.await_acknowledged()
        self.assertIsNotNone(call_id, "no PRACK")
        eventually(lambda: [m for m in caller.provisionals if m.status == 183], "the caller hears that it rings")
        Call(caller.last_leg(), callee.last_leg()).talk().await_voice()
        call = self.answered(thread, caller, callee, call_id)
        self.assertEqual(set(self.provisionals(caller)), {None})
        self.assert_over(call)

    def test_a_callee_who_does_not_know_of_it_rings_reliably_for_a_caller_who_insists(self):
        caller, callee = self.pair((INSISTS,), rings_reliably=False)
        callee.answers = False
        thread = self.dial(caller)
        eventually(lambda: callee.ringing, "it rings")
        eventually(lambda: caller.pracks, "the caller is told reliably")
        call = self.answered(thread, caller, callee, list(callee.ringing)[-1])
        self.assertNotIn(None, self.provisionals(caller))
        self.assertNotIn("PRACK", [m.method for m in callee.heard])
        self.assert_over(call)

    def test_a_callee_who_does_not_know_of_it_rings_for_a_caller_who_does(self):
        caller, callee = self.pair((KNOWS,), rings_reliably=False)
        callee.answers = False
        thread = self.dial(caller)
        eventually(lambda: callee.ringing, "it rings")
        eventually(lambda: self.provisionals(caller), "the caller hears so")
        self.assert_over(self.answered(thread, caller, callee, list(callee.ringing)[-1]))
        self.assertNotIn("PRACK", [m.method for m in callee.heard])

    # RFC 3311 §5.1, RFC 6337 §3.1.1
    def test_both_sides_change_the_session_before_the_answer(self):
        caller, callee = self.pair((KNOWS,))
        thread = self.dial(caller)
        call_id = callee.await_acknowledged()
        self.assertIsNotNone(call_id, "no PRACK")
        eventually(lambda: caller.pracks, "the caller has heard it reliably")
        near, far = caller.last_leg(), callee.last_leg()
        self.assertEqual(caller.await_prack_answers(near.dialog.call_id), [200])
        self.assertEqual(near.change("UPDATE", direction="sendonly"), 200)
        self.assertEqual(far.theirs.media[0].direction, "sendonly")
        self.assertEqual(near.change("UPDATE"), 200)
        self.assertEqual(far.change("UPDATE"), 200)
        Call(near, far).talk().await_voice()
        self.assert_over(self.answered(thread, caller, callee, call_id))


class WithLoss(Prack):
    """Of SIP each fourth datagram is lost on its way to a phone, and each fourth on its way from it."""

    loses = 4


class BySipp(CallCase):
    # Who rings reliably is acknowledged whatever the caller knows; and a caller who insists on it has it, whoever rings.
    def test_each_side_alone_and_both_acknowledge(self):
        rings = ("uas_call.xml", {"replace": {"<pause milliseconds=\"20\"/>": "<pause milliseconds=\"300\"/>"}})
        insists = {"replace": {"Supported: 100rel": "Require: 100rel", 'response="183"': 'response="180"'}}
        rows = {"both": ("uac_prack.xml", "uas_prack.xml", {}), "callee": ("uac_call.xml", "uas_prack.xml", {}),
                "caller": ("uac_prack.xml", rings, insists)}
        for name, (caller, callee, options) in rows.items():
            with self.subTest(acknowledges=name):
                runs = [Run(self, f"prack-{name}", source, caller, {".2": callee}, calls=self.calls(20, 500), called="4001", **options)
                        for source in (("out", 4), ("in", 4))]
                for run in runs:
                    run.judge(result="answered")
        self.assert_no_call_is_left()


if __name__ == "__main__":
    unittest.main()
