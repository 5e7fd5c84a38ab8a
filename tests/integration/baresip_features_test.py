"""baresip_features_test.py — what people do with real phones in a call: hold, resume, press keys, transfer; among phones that are
registered at Sallyport behind routers, and with a trunk. After each step each hears the other's tone, or nothing more when he should
not. RFC 3264 §8.4, RFC 3515, RFC 4733, RFC 5589 §6."""

import tempfile
import unittest

from baresip import Baresip
from baresip_case import RealPhonesCase
from ear import Ear
from harness import FAR_IN4, IN4, SIP_PORT, eventually
from registering_phone import DOMAIN

TRUNK = "2000"


class FeaturesCase(RealPhonesCase):
    features = {}  # of the registrar's profile and the trunk's

    def configure(self):
        super().configure()
        if self.features:
            self.config["profiles"] = [{"name": "special", **self.features}]
            for one in (self.config["registrars"][0], self.config["peers"][0]):
                one["profile"] = "special"

    def phones(self, *tones):
        """Registered ones behind routers of their own; 2700 is the trunk's, at whose address the PBX is configured."""
        return [self.trunk() if hertz == 2700 else self.phone_at(self.router().home(), hertz) for hertz in tones]

    def phone_at(self, home, hertz):
        phone = super().phone_at(home, hertz)
        self.listen(phone, home.address)
        return phone

    def listen(self, phone, address):
        """After a hold this baresip writes no more down of what it hears; so it is asked at its wire."""
        phone.ear = Ear(phone.namespace, address)
        self.addCleanup(phone.ear.close)

    def trunk(self):
        account = f'<sip:{TRUNK}@{FAR_IN4};transport=udp>;regint=0;outbound="sip:{IN4}:{SIP_PORT}"'
        phone = Baresip(self.net.inn, tempfile.mkdtemp(dir=self.net.folder), FAR_IN4, 2700, account=account)
        self.addCleanup(phone.close)
        phone.user, phone.hertz = TRUNK, 2700
        self.listen(phone, FAR_IN4)
        return phone

    def number(self, caller, callee):
        """By what one phone calls another."""
        return f"sip:{callee.user}@{IN4 if caller.user == TRUNK else DOMAIN}"

    def connected(self, caller, callee):
        caller.command("dial", self.number(caller, callee))
        self.assert_talk(caller, callee)
        return caller, callee

    def words_of(self, *phones):
        ladders = [self.daemon.cli("show", "call", call["id"], "--ladder").stdout for call in self.daemon.show("calls")["calls"]]
        return "\n".join([f"{phone.hertz}: {phone.words()[-1500:]}" for phone in phones] + ladders)

    def assert_talk(self, one, other):
        """Each hears the other's tone, and none of its own, from now on."""
        begun = one.ear.sound(), other.ear.sound()

        def is_heard(who, whom, since):
            return who.ear.sound() > since + 1.2 and who.ear.heard(whom.hertz) > 0.9
        eventually(lambda: is_heard(one, other, begun[0]) and is_heard(other, one, begun[1]),
                   lambda: f"{one.hertz} and {other.hertz} hear each other:\n{self.words_of(one, other)}", 15.0)

    def assert_quiet(self, *phones):
        """Once what was on the way has come, nothing more is heard."""
        def is_quiet():
            before = [one.ear.sound() for one in phones]
            try:
                eventually(lambda: any(one.ear.sound() > heard for one, heard in zip(phones, before)), "more sound", 0.8)
            except AssertionError:
                return True
            return False
        eventually(is_quiet, lambda: f"it is quiet:\n{self.words_of(*phones)}", 8.0)

    def press(self, presses, hears, digits="159#"):
        """Each is heard once, in its order."""
        heard = hears.console()
        before = len(heard.params("CALL_DTMF_START"))
        for count, digit in enumerate(digits, 1):
            presses.command("sndcode", digit)
            eventually(lambda count=count: len(heard.params("CALL_DTMF_START")) >= before + count,
                       lambda digit=digit: f"{digit} is heard: {heard.events}\n{self.words_of(presses, hears)}", 5.0)
            eventually(lambda: len(heard.params("CALL_DTMF_END")) >= len(heard.params("CALL_DTMF_START")), "the key is released", 5.0)
        self.assertEqual("".join(heard.params("CALL_DTMF_START")[before:]), digits)

    def hang_up(self, one):  # pylint: disable=arguments-differ
        one.command("hangup")
        eventually(lambda: self.daemon.count("calls_active") == 0, "the call is over")

    def use(self, one, other):
        """Everything but a transfer, by both sides of one call."""
        for near, far in ((one, other), (other, one)):
            near.command("hold")  # this baresip says nothing then: it has no music
            self.assert_quiet(near, far)
            near.command("resume")
            self.assert_talk(one, other)
            self.press(near, far)
            self.assert_talk(one, other)

    def transfer(self, by, who, to):
        """`by` talks to `who` and sends him to `to`."""
        by.console()
        by.command("transfer", self.number(by, to))
        self.assert_talk(who, to)
        eventually(lambda: by.console().params("CALL_CLOSED"), lambda: f"{by.hertz} is out of it: {self.words_of(by)}")
        eventually(lambda: [call["state"] for call in self.daemon.show("calls")["calls"]] == ["answered"], "one call is left")


class Features(FeaturesCase):
    def test_registered_phones_hold_resume_and_press_keys(self):
        one, other = self.connected(*self.phones(700, 1200))
        self.use(one, other)
        self.hang_up(other)

    def test_a_phone_and_a_trunk_hold_resume_and_press_keys(self):
        one, other = self.connected(*self.phones(700, 2700))
        self.use(one, other)
        self.hang_up(other)

    def test_a_caller_transfers_a_phone_to_another(self):
        one, other, third = self.phones(700, 1200, 1900)
        self.connected(one, other)
        self.transfer(one, other, third)
        self.hang_up(third)

    def test_a_callee_transfers_a_phone_to_another(self):
        one, other, third = self.phones(700, 1200, 1900)
        self.connected(one, other)
        self.transfer(other, one, third)
        self.hang_up(one)

    def test_a_phone_transfers_a_trunk_to_a_phone(self):
        trunk, one, other = self.phones(2700, 700, 1200)
        self.connected(trunk, one)
        self.transfer(one, trunk, other)
        self.hang_up(trunk)

    def test_a_phone_transfers_a_phone_to_a_trunk(self):
        one, other, trunk = self.phones(700, 1200, 2700)
        self.connected(one, other)
        self.transfer(one, other, trunk)
        self.hang_up(trunk)

    def test_a_trunk_transfers_a_phone_to_another(self):
        trunk, one, other = self.phones(2700, 700, 1200)
        self.connected(trunk, one)
        self.transfer(trunk, one, other)
        self.hang_up(other)


class TransferThatThePhoneCarriesOut(FeaturesCase):
    features = {"features": {"refer": "pass"}}

    def test_a_transfer_that_is_passed_on_is_carried_out_by_the_phone(self):
        one, other, third = self.phones(700, 1200, 1900)
        self.connected(one, other)
        self.transfer(one, other, third)
        self.hang_up(third)


class KeysAsMessages(FeaturesCase):
    def configure(self):
        super().configure()
        self.config["peers"][0]["media"] = {"dtmf": "info"}

    # This baresip sends keys in RTP only, and hears them in RTP and in INFO.
    def test_keys_of_a_phone_reach_a_trunk_as_messages(self):
        one, trunk = self.connected(*self.phones(700, 2700))
        self.press(one, trunk)
        self.assertIn("received DTMF", trunk.words())
        self.assert_talk(one, trunk)
        self.hang_up(one)


if __name__ == "__main__":
    unittest.main()
