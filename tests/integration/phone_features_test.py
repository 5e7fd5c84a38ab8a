"""phone_features_test.py — session timers of each leg, and transfers after a word with the target: RFC 4028; RFC 3515, RFC 3891,
RFC 5589 §7."""

import re
import time
import unittest
import urllib.parse

from call_case import CallCase, Run, host
from harness import FULL, SIP_PORT, eventually
from phone import Refused
from registering_phone import DOMAIN
from registrar_case import RegistrarCase
from voice import VoicePhone
from voice_case import PLACES, VoiceCase


class TimerPhone(VoicePhone):
    """says: header lines of its 2xx to INVITE and UPDATE; least: an INVITE that wants a shorter session is refused."""

    def __init__(self, namespace, sock, remote, **what):
        self.says, self.least = what.pop("says", ()), what.pop("least", 0)
        super().__init__(namespace, sock, remote, **what)

    def lines(self, request, status):
        if status == 422:
            return (f"Min-SE: {self.least}",)
        return self.says if status == 200 and request.method in ("INVITE", "UPDATE") else ()

    def answer(self, request, status):
        if request.method == "UPDATE" and not request.body:
            return b""
        return super().answer(request, status)

    def _take(self, message):
        wanted = re.match(r"\d+", message.header("session-expires"))
        if message.status is None and message.method == "INVITE" and wanted and int(wanted.group()) < self.least:
            self._answer(message, 422)
        else:
            super()._take(message)

    def received(self, *methods):
        return [m for m in self.heard[:] if m.status is None and m.method in methods]


def seconds_of(message):
    """Of its session, and who refreshes."""
    found = re.match(r"(\d+)\s*(?:;\s*refresher=(\w+))?", message.header("session-expires"))
    return (int(found.group(1)), found.group(2)) if found else (None, None)


class TimerCase(VoiceCase):
    def timer_phones(self, options=(), **callee):
        """A caller outside, whose INVITEs have these lines, and a callee inside."""
        found = []
        for side, what in (("out", {}), ("in", callee)):
            namespace, address = self.net.out if side == "out" else self.net.inn, host(side, PLACES["4"])
            phone = TimerPhone(namespace, namespace.udp(address, SIP_PORT), (host(side, ".1"), SIP_PORT), **what)
            self.addCleanup(phone.stop)
            found.append(phone)
        found[0].options = options
        return found

    def talk(self, caller, callee):
        call = self.call(caller, callee, "4001").talk().await_voice()
        return call, caller.final(call.near.dialog.call_id, "1 INVITE")


class SessionTimers(TimerCase):
    # RFC 4028 §9, §7.1
    def test_each_leg_has_a_timer_of_its_own(self):
        caller, callee = self.timer_phones(("Supported: timer", "Session-Expires: 600;refresher=uac"),
                                           says=("Session-Expires: 1200;refresher=uas", "Require: timer"))
        call, answer = self.talk(caller, callee)
        self.assertEqual(seconds_of(answer), (600, "uac"))
        self.assertIn("timer", answer.header("require"))
        asked = callee.received("INVITE")[0]
        self.assertEqual(seconds_of(asked)[0], 1800)
        self.assertIn("timer", asked.header("supported"))
        self.assertGreaterEqual(int(asked.header("min-se") or 90), 90)
        # A refresh of one leg is no matter of the other. RFC 4028 §7.4, §10
        heard, dialog = len(callee.received("UPDATE", "INVITE")), call.near.dialog
        octets = dialog.request("UPDATE", headers=("Supported: timer", "Session-Expires: 600;refresher=uac"))
        self.assertEqual(caller.ask(octets, dialog.call_id, dialog.cseq, 5.0), 200)
        self.assertEqual(seconds_of(caller.final(dialog.call_id, f"{dialog.cseq} UPDATE")), (600, "uac"))
        self.assertEqual(len(callee.received("UPDATE", "INVITE")), heard)
        call.await_voice()

    def test_a_side_that_knows_of_no_timers_has_none(self):
        caller, callee = self.timer_phones()
        call, answer = self.talk(caller, callee)
        self.assertEqual((seconds_of(answer), answer.header("require")), ((None, None), ""))
        self.assertEqual(call.near.dialog.hang_up(), 200)

    # RFC 4028 §6, §9
    def test_a_session_that_is_too_short_is_refused_with_the_least(self):
        caller, callee = self.timer_phones(("Supported: timer", "Session-Expires: 30"))
        with self.assertRaises(Refused) as raised:
            caller.call("4001")
        self.assertEqual(raised.exception.status, 422)
        self.assertEqual(caller.final(raised.exception.call_id, "1 INVITE").header("min-se"), "90")
        self.assertEqual(callee.received("INVITE"), [])

    # RFC 4028 §7.3
    def test_a_callee_that_wants_a_longer_session_gets_it(self):
        caller, callee = self.timer_phones(says=("Session-Expires: 2400;refresher=uac", "Require: timer"), least=2400)
        call, _ = self.talk(caller, callee)
        self.assertEqual([seconds_of(m)[0] for m in callee.received("INVITE")][-1], 2400)
        self.assertEqual(caller.final(call.near.dialog.call_id, "1 INVITE").status, 200)
        self.assertEqual(call.near.dialog.hang_up(), 200)


@unittest.skipUnless(FULL, "minutes of a session: with --full; in virtual time in the unit tests")
class SessionTimersThatRun(TimerCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        for peer in config["peers"]:
            peer.setdefault("timers", {})["session"] = "90s"

    # RFC 4028 §10
    def test_sallyport_refreshes_where_it_should_and_ends_a_call_that_nobody_refreshes(self):
        caller, callee = self.timer_phones(("Supported: timer", "Session-Expires: 90;refresher=uac"),
                                           says=("Session-Expires: 90;refresher=uac", "Require: timer"))
        begun = time.monotonic()
        call, answer = self.talk(caller, callee)
        self.assertEqual(seconds_of(answer), (90, "uac"))
        eventually(lambda: len(callee.received("INVITE", "UPDATE")) > 1, "a refresh of the callee's leg", 60.0)
        self.assertGreater(time.monotonic() - begun, 30.0)
        call.await_voice()
        eventually(lambda: call.near.dialog.is_ended and call.far.dialog.is_ended, "the call is ended on both sides", 60.0)
        self.assertGreater(time.monotonic() - begun, 55.0)
        self.assertEqual(self.record(call.near)["ended_by"], "sallyport")


def checks(received, header, wanted):
    """A line of a scenario that receives, and checks a header field."""
    return received.replace("/>", f'><action><ereg regexp="{wanted}" search_in="hdr" header="{header}:" check_it="true" assign_to="1"/>'
                                  '</action></recv><Reference variables="1"/>')


class BySipp(CallCase):
    def test_sipp_on_both_sides_agrees_on_a_timer_with_sallyport(self):
        methods, answer, invite = "OPTIONS, UPDATE, INFO\n", '<recv response="200" rrs="true" rtd="1"/>', '<recv request="INVITE" rrs="true"/>'
        asks = {methods: methods + "      Supported: timer\n      Session-Expires: 600;refresher=uac\n",
                answer: checks(answer, "Session-Expires", "600 *; *refresher=uac")}
        agrees = {invite: checks(invite, "Session-Expires", "1800"),
                  "Content-Type:": "Require: timer\n      Session-Expires: 1200;refresher=uas\n      Content-Type:"}
        runs = [Run(self, "timer", source, "uac_call.xml", {".2": ("uas_call.xml", {"replace": agrees})}, called="4001", hold=50, replace=asks)
                for source in (("out", 4), ("in", 4))]
        for run in runs:
            run.judge(result="answered")


def tag_of(address):
    return address.partition("tag=")[2].partition(";")[0]


class Transfers(RegistrarCase):
    def refer(self, dialog, target, replaces=None):
        """The answer to a REFER. `replaces`: the asker's dialog with the target. RFC 3891 §3"""
        if replaces is not None:
            names = f"{replaces.call_id};to-tag={tag_of(replaces.remote)};from-tag={tag_of(replaces.local)}"
            target += f"?Replaces={urllib.parse.quote(names, safe='')}"
        octets = dialog.request("REFER", headers=(f"Refer-To: <{target}>",))
        dialog.phone.ask(octets, dialog.call_id, dialog.cseq, 10.0)
        return dialog.phone.final(dialog.call_id, f"{dialog.cseq} REFER")

    def told(self, phone):
        """What it has been told of its transfer, one after the other. RFC 3515 §2.4.4"""
        return [m.body.decode().split("\r\n")[0].split(" ")[1] for m in phone.received("NOTIFY")]

    def assert_transferred(self, phone, *dialogs):
        eventually(lambda: "200" in self.told(phone), lambda: f"it is told that it went well: {self.told(phone)}")
        self.assertTrue(phone.received("NOTIFY")[-1].header("subscription-state").startswith("terminated"))
        for dialog in dialogs:
            eventually(lambda dialog=dialog: dialog.is_ended, "the asker is out of it")

    def assert_connected(self, one, other):
        """By whatever was said last to each; every voice of before is left behind."""
        one.end.talk()
        other.end.talk()
        heard = len(one.end.of(other.end)), len(other.end.of(one.end))
        eventually(lambda: len(one.end.of(other.end)) > heard[0] + 15, "the one hears the other")
        eventually(lambda: len(other.end.of(one.end)) > heard[1] + 15, "the other hears the one")

    def test_a_transfer_after_a_word_to_the_target(self):
        asker, one, other = (self.registered_phone() for _ in range(3))
        first = self.connect(asker, one, one.user)
        self.assertEqual(first.near.change(direction="sendonly"), 200)
        second = self.connect(asker, other, other.user)
        self.assertEqual(second.near.change(direction="sendonly"), 200)
        answer = self.refer(first.near.dialog, f"sip:{other.user}@{DOMAIN}", replaces=second.near.dialog)
        self.assert_status(202, answer)
        self.assert_transferred(asker, first.near.dialog, second.near.dialog)
        self.assert_connected(first.far, second.far)
        self.assertEqual(first.far.dialog.hang_up(), 200)
        eventually(lambda: second.far.dialog.is_ended, "the BYE arrives")
        eventually(lambda: self.daemon.count("calls_active") == 0, "no call is left")

    def test_a_trunk_is_transferred_after_a_word_to_the_target(self):
        asker, other, pbx = self.registered_phone(), self.registered_phone(), self.pbx()
        first, second = self.connect(pbx, asker, asker.user), self.connect(asker, other, other.user)
        self.assert_status(202, self.refer(first.far.dialog, f"sip:{other.user}@{DOMAIN}", replaces=second.near.dialog))
        self.assert_transferred(asker, first.far.dialog, second.near.dialog)
        self.assert_connected(first.near, second.far)
        self.assertEqual(second.far.dialog.hang_up(), 200)
        eventually(lambda: first.near.dialog.is_ended, "the BYE arrives")
        pbx.stop()

    def test_a_transfer_to_nobody_leaves_the_call_as_it_was(self):
        asker, one = self.registered_phone(), self.registered_phone()
        call = self.connect(asker, one, one.user)
        self.assert_status(202, self.refer(call.near.dialog, f"sip:{self.user()}@{DOMAIN}"))
        eventually(lambda: asker.received("NOTIFY") and
                   asker.received("NOTIFY")[-1].header("subscription-state").startswith("terminated"), "it is told how it went")
        self.assertIn(self.told(asker)[-1], ("404", "480"))
        call.await_voice()
        self.hang_up(call)

    # threats D5
    def test_nobody_replaces_the_call_of_another(self):
        asker, one, thief, victim = (self.registered_phone() for _ in range(4))
        call, own = self.connect(asker, one, one.user), self.connect(thief, victim, victim.user)
        stolen = type(call.near.dialog)(thief, call.near.dialog.call_id, local=f"<{thief.aor}>;tag=guess", remote="<sip:x>;tag=guess", target="")
        answer = self.refer(own.near.dialog, f"sip:{one.user}@{DOMAIN}", replaces=stolen)
        self.assertTrue(answer.status >= 400 or "200" not in self.told(thief), answer.octets)
        call.await_voice()
        own.await_voice()
        self.hang_up(call)
        self.hang_up(own)


if __name__ == "__main__":
    unittest.main()
