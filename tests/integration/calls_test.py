"""calls_test.py — calls by SIPp through Sallyport, both ways, over IPv4, IPv6 and between them, with their records."""

import unittest

from call_case import CallCase, Run, host
from harness import SIP_PORT

REFUSES_503 = ("uas_refuses.xml", {"replace": {"486 Busy Here": "503 Service Unavailable"}})
BOTH = (("out", 4), ("in", 4))


class Calls(CallCase):
    def run_both(self, name, caller, callees, sources=BOTH, judge=None, **options):
        """The same calls from both sides at once. Their records are judged when the last test is over: they come seconds later."""
        runs = [Run(self, name, source, caller, callees, **options) for source in sources]
        for run in runs:
            run.judge_calls()
            self.owed.append((run, judge or {}))
        self.assert_no_call_is_left()
        return runs

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owed = []

    @classmethod
    def tearDownClass(cls):
        for run, judge in cls.owed:
            run.judge_records(**judge)
        super().tearDownClass()

    def ends(self, run):
        """The end records of a run."""
        self.records.await_ends(run.caller.call_ids())
        return [self.records.of(call_id, "end")[0] for call_id in run.caller.call_ids()]

    # RFC 3261 §13, §15
    def test_answered_calls_both_ways_over_ipv4_ipv6_and_between_them(self):
        calls = self.calls(100, 2000)
        for version, callee in ((4, "4"), (6, "6"), (4, "6"), (6, "4")):
            with self.subTest(caller=version, callee=callee):
                place = {"4": ".2", "6": ":2"}[callee]
                self.run_both(f"call{version}{callee}", "uac_call.xml", {place: "uas_call.xml"}, (("out", version), ("in", version)),
                              calls=calls, hold=300, called=f"{callee}001",
                              judge={"result": "answered", "sip_code": 200, "ended_by": "caller", "end_reason": "bye"})

    # RFC 3261 §15.1.2
    def test_the_callee_hangs_up(self):
        self.run_both("off", "uac_called_off.xml", {".2": ("uas_hangs_up.xml", {"hold": 200})}, calls=self.calls(20, 500),
                      called="4002", judge={"result": "answered", "ended_by": "callee"})

    # RFC 3261 §21.4.24
    def test_busy(self):
        self.run_both("busy", "uac_refused.xml", {".2": "uas_refuses.xml"}, calls=self.calls(20, 500), called="4003",
                      judge={"answered": False, "result": "busy", "sip_code": 486})

    # RFC 3261 §16.8
    def test_nobody_answers_within_the_longest_ring(self):
        self.run_both("ring", "uac_refused.xml", {".5": "uas_rings.xml"}, called="5004", replace={'"486"': '"408"'},
                      judge={"answered": False, "result": "no_answer", "sip_code": 408, "ended_by": "sallyport"})

    # RFC 3261 §9
    def test_the_caller_gives_up(self):
        self.run_both("cancel", "uac_cancels.xml", {".2": "uas_rings.xml"}, calls=self.calls(20, 500), hold=300, called="4005",
                      judge={"answered": False, "result": "cancelled", "sip_code": 487, "ended_by": "caller"})

    # RFC 3261 §9.1: the callee is told ACK and BYE at once, and the caller hears nothing of it.
    def test_a_200_that_crosses_the_cancel(self):
        self.run_both("late", "uac_cancels.xml", {".2": "uas_answers_late.xml"}, calls=self.calls(20, 500), hold=300,
                      called="4006", judge={"answered": False, "result": "cancelled", "sip_code": 487})

    # RFC 3261 §21.3
    def test_a_redirection_is_refused_by_default(self):
        self.run_both("move", "uac_refused.xml", {".2": ("uas_redirects.xml", {"other": "4999"})}, called="4007",
                      replace={'"486"': '"480"'}, judge={"answered": False, "sip_code": 480})

    def test_a_redirection_is_passed_on_where_the_profile_says_so(self):
        self.run_both("pass", "uac_refused.xml", {".7": ("uas_redirects.xml", {"other": "4999"})}, called="2008",
                      replace={'"486"': '"302"'}, judge={"answered": False, "sip_code": 302})

    def test_a_redirection_is_followed_where_the_profile_says_so(self):
        self.run_both("follow", "uac_call.xml", {".6": ("uas_redirects.xml", {"other": "4999"}), ".2": "uas_call.xml"},
                      called="3009", hold=50, judge={"result": "answered"})

    def tried(self, run):
        """(target, code) of each target that each call has tried."""
        return {tuple((t["target"], t["code"]) for t in end["tried"]) for end in self.ends(run)}

    # RFC 3261 §16.7 step 5
    def test_a_503_sends_the_call_to_the_next_target(self):
        runs = self.run_both("next", "uac_call.xml", {".3": REFUSES_503, ".4": "uas_call.xml"}, calls=self.calls(20, 500),
                             called="7010", hold=50, judge={"result": "answered"})
        for run, side in zip(runs, ("in", "out")):
            self.assertEqual(self.tried(run), {((f"{host(side, '.3')}:{SIP_PORT}", 503), (f"{host(side, '.4')}:{SIP_PORT}", 200))})

    def test_the_last_target_fails_too(self):
        self.run_both("none", "uac_refused.xml", {".3": REFUSES_503, ".4": REFUSES_503}, called="7011",
                      replace={'"486"': '"503"'}, judge={"answered": False, "result": "failed", "sip_code": 503})

    def test_a_target_that_is_silent_is_left_within_setup(self):
        for side in ("out", "in"):
            deaf = (self.net.out if side == "out" else self.net.inn).udp(host(side, ".3"), SIP_PORT)
            self.addCleanup(deaf.close)
        runs = self.run_both("deaf", "uac_call.xml", {".4": "uas_call.xml"}, called="7012", hold=50,
                             judge={"result": "answered"})
        for run in runs:
            for end in self.ends(run):
                self.assertTrue(900 <= end["setup_ms"] <= 6000, end)

    # RFC 3261 §18.4: nobody has that port, and Linux says so.
    def test_a_target_that_is_unreachable_is_left_at_once(self):
        runs = self.run_both("gone", "uac_call.xml", {".4": "uas_call.xml"}, called="7013", hold=50,
                             judge={"result": "answered"})
        for run in runs:
            quick = [end for end in self.ends(run) if end["setup_ms"] < 900]
            self.assertTrue(quick, "each call waited until its time was up")

    # RFC 3261 §14
    def test_both_sides_change_the_call_by_invite(self):
        self.run_both("reinvite", "uac_reinvite.xml", {".2": "uas_reinvite.xml"}, calls=self.calls(20, 500), called="4014",
                      judge={"result": "answered"})

    def test_both_sides_change_the_call_by_invite_between_ipv6_and_ipv4(self):
        self.run_both("reinvite6", "uac_reinvite.xml", {".2": "uas_reinvite.xml"}, (("out", 6), ("in", 6)), called="4015",
                      judge={"result": "answered"})

    # RFC 3311
    def test_both_sides_change_the_call_by_update(self):
        self.run_both("update", "uac_update.xml", {".2": "uas_update.xml"}, calls=self.calls(20, 500), called="4016",
                      judge={"result": "answered"})

    # RFC 6086
    def test_both_sides_send_info(self):
        self.run_both("info", "uac_info.xml", {".2": "uas_info.xml"}, calls=self.calls(20, 500), called="4017",
                      judge={"result": "answered"})

    # RFC 3261 §13.2.1
    def test_the_offer_comes_with_the_answer(self):
        self.run_both("delayed", "uac_delayed_offer.xml", {".2": "uas_delayed_offer.xml"}, calls=self.calls(20, 500),
                      called="4018", hold=50, judge={"result": "answered"})

    # RFC 3261 §21.4.5
    def test_a_number_without_a_route_is_not_found(self):
        for source in BOTH:
            run = Run(self, "lost", source, "uac_refused.xml", {}, called="9019", replace={'"486"': '"404"'})
            self.assertEqual((run.caller.wait(60), run.caller.count("successful")), (0, run.caller.calls), run.caller.words())


class CallsOnSeveralThreads(CallCase):
    """Three signalling threads on two lcores: a call stays on its thread, and its messages in their order."""

    @classmethod
    def configure(cls, config):
        super().configure(config)
        config["dataplane"].update(lcores=2, signalling_threads=3)

    def test_calls_both_ways_that_are_changed_by_both_sides(self):
        for name in ("reinvite", "update", "info"):
            with self.subTest(scenario=name):
                runs = [Run(self, name, source, f"uac_{name}.xml", {".2": f"uas_{name}.xml"}, calls=self.calls(50, 500),
                            called="4030") for source in (("out", 4), ("in", 6))]
                for run in runs:
                    run.judge(result="answered")
        self.assert_no_call_is_left()


class MoreCallsThanThereIsRoomFor(CallCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        config["dataplane"]["capacity"]["calls"] = 30

    # RFC 3261 §21.5.4
    def test_what_is_too_much_gets_503_and_what_is_up_lives_on(self):
        run = Run(self, "full", ("out", 4), "uac_call.xml", {".2": "uas_call.xml"}, calls=50, rate=100, hold=4000, called="4040")
        self.assertEqual(run.caller.wait(60), 1)
        made, refused = run.caller.count("successful"), run.caller.count("failed")
        self.assertEqual((made, refused), (30, 20), run.caller.words())
        self.assertEqual(run.caller.words().count("SIP/2.0 503"), refused)
        self.assertEqual(run.callees[".2"].finish(), 0)
        self.records.look()
        answered = [c for c in run.caller.call_ids() if self.records.of(c, "start")]
        self.records.await_ends(answered)
        self.assertEqual(len(answered), made)
        self.assertEqual(self.records.faults(answered, True), [])
        self.assert_no_call_is_left()


if __name__ == "__main__":
    unittest.main()
