"""extensions_test.py — messages, subscriptions and notices between phones outside and a PBX inside: RFC 3428, RFC 3842, RFC 3903,
RFC 4235, RFC 6665; threats I11, I12."""

import unittest

import exchanges
from exchanges import Notifier, Subscription, dialog_info, presence, say, waiting
from harness import FAR_IN4, IN4, SIP_PORT, eventually
from registering_phone import DOMAIN
from registrar_case import OwnRegistrarCase, RegistrarCase

METHODS = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "MESSAGE", "SUBSCRIBE", "PUBLISH"]
TEXT = "Grüße an alle.\r\nEine zweite Zeile.\r\n".encode()


def with_exchanges(config):
    """Phones and PBX may say everything."""
    config["profiles"] = [{"name": "talkative", "methods": METHODS}]
    for one in (config["registrars"][0], config["peers"][0]):
        one["profile"] = "talkative"


class ExchangeCase(RegistrarCase):
    mode = "pass_through"

    @classmethod
    def configure(cls, config):
        super().configure(config)
        with_exchanges(config)

    def setUp(self):
        super().setUp()
        self.inside = Notifier(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(self.inside.stop)

    def subscribed(self, phone, event, number=None):
        """A subscription whose first notice has come."""
        found = Subscription(phone, number or phone.user, event)
        self.assert_status(200, found.subscribe())
        eventually(found.notifies, "the first NOTIFY")
        return found

    def assert_told(self, subscription, body, kind):
        eventually(lambda: any(m.body == body for m in subscription.notifies()),
                   f"{body!r} in a NOTIFY: {[m.octets for m in subscription.notifies()]}")
        notice = next(m for m in subscription.notifies() if m.body == body)
        self.assertEqual(notice.header("content-type"), kind)
        self.assertEqual(notice.header("event").partition(";")[0], subscription.event)

    def assert_hidden(self, phone):
        heard = b"\n".join(m.octets for m in phone.heard)
        for word in (b"198.18.2.", b"fd18:2:"):
            self.assertNotIn(word, heard)
        heard = b"\n".join(m.octets for m in self.inside.heard if phone.user.encode() in m.octets)
        for word in (b"198.18.1.", b"fd18:1:"):
            self.assertNotIn(word, heard)


class Exchanges:
    """What holds over each transport."""

    def test_messages_cross_both_ways(self):
        phone = self.registered_phone()
        self.assert_status(200, say(phone, "1098", TEXT))
        there = self.inside.received("MESSAGE")[-1]
        self.assertEqual((there.body, there.header("content-type")), (TEXT, "text/plain"))
        self.assertIn(phone.user, there.header("from"))
        answer = self.assert_status(200, say(self.inside, self.inside.contacts(phone.user)[0], TEXT + b"back", to=phone.aor))
        self.assertNotIn(b"198.18.1.", answer.octets)
        here = phone.received("MESSAGE")[-1]
        self.assertEqual((here.body, here.start.split(" ")[1]), (TEXT + b"back", phone.contact.strip("<>")))
        self.assert_hidden(phone)

    def test_a_phone_is_told_of_waiting_messages(self):
        phone = self.registered_phone()
        found = self.subscribed(phone, "message-summary")
        self.assert_told(found, waiting(0), "application/simple-message-summary")
        for call_id, cseq in self.inside.change("message-summary", waiting(3)).items():
            eventually(lambda call_id=call_id, cseq=cseq: self.inside.final(call_id, cseq), "the NOTIFY is answered")
            if self.inside.subscribed[call_id][0].remote.find(phone.user) > 0:
                self.assertEqual(self.inside.final(call_id, cseq).status, 200)
        self.assert_told(found, waiting(3), "application/simple-message-summary")
        self.assert_hidden(phone)

    def test_a_subscription_is_refreshed_and_ended_by_the_phone(self):
        phone = self.registered_phone()
        found = self.subscribed(phone, "dialog", "1098")
        before = len(found.notifies())
        self.assert_status(200, found.subscribe())
        eventually(lambda: len(found.notifies()) > before, "the NOTIFY after a refresh")
        self.assert_status(200, found.subscribe(0))
        eventually(lambda: found.notifies()[-1].header("subscription-state").startswith("terminated"), "the last NOTIFY")
        self.assertEqual(len({m.call_id for m in self.inside.received("SUBSCRIBE") if phone.user in m.header("from")}), 1)
        self.assertGreaterEqual(found.subscribe().status, 400, "it is over")

    def test_a_phone_sees_the_calls_of_another_line(self):
        phone = self.registered_phone()
        found = self.subscribed(phone, "dialog", "1097")
        for version, state in enumerate(("early", "confirmed", "terminated"), 1):
            body = dialog_info(f"sip:1097@{DOMAIN}", state, version)
            self.inside.change("dialog", body)
            self.assert_told(found, body, "application/dialog-info+xml")


class OverUdp(Exchanges, ExchangeCase):
    pass


class OverTcp(Exchanges, ExchangeCase):
    transport = "tcp"


class OverTls(Exchanges, ExchangeCase):
    transport = "tls"


class Extensions(ExchangeCase):
    def test_a_message_is_challenged_by_the_pbx(self):
        phone = self.registered_phone()
        asked = self.inside.challenges["MESSAGE"] = type(self.inside.challenges["REGISTER"])(("MESSAGE",), 407, self.inside.users)
        self.assert_status(200, say(phone, "1098", TEXT))
        self.assertEqual(phone.answers_to("MESSAGE"), [407, 200])
        self.assertEqual(asked.faults, [])

    def test_a_refusal_of_the_pbx_reaches_the_phone(self):
        phone = self.registered_phone()
        self.assert_status(489, Subscription(phone, "1098", "presence").subscribe())

    # RFC 6665 §4.2.1.1, §8.3.2
    def test_a_package_that_is_not_listed_is_refused_with_a_list(self):
        phone = self.registered_phone()
        answer = self.assert_status(489, Subscription(phone, "1098", "conference").subscribe())
        self.assertIn("message-summary", answer.header("allow-events"))
        self.assertFalse([m for m in self.inside.received("SUBSCRIBE") if m.header("event") == "conference"])

    def test_the_subscription_of_another_one_is_not_touched(self):
        phone, other = self.registered_phone(), self.registered_phone()
        found = self.subscribed(phone, "message-summary")
        stolen = Subscription(other, "1098", "message-summary")
        for name in ("call_id", "local", "remote", "target", "cseq"):
            setattr(stolen.dialog, name, getattr(found.dialog, name))
        answer = stolen.subscribe(0)
        self.assertTrue(answer is None or answer.status in (403, 481), answer and answer.octets)
        self.inside.change("message-summary", waiting(7))
        self.assert_told(found, waiting(7), "application/simple-message-summary")

    def test_a_notice_that_nobody_subscribed_to_reaches_the_phone(self):
        phone = self.registered_phone()
        dialog = self.inside.dialog_to(self.inside.contacts(phone.user)[0], phone.aor)
        answer = exchanges.ask_in(dialog, "NOTIFY", headers=("Event: message-summary", "Subscription-State: active"), body=waiting(2),
                                  kind="application/simple-message-summary")
        self.assert_status(200, answer)
        self.assertEqual(phone.received("NOTIFY")[-1].body, waiting(2))

    def test_a_phone_publishes_its_presence(self):
        phone = self.registered_phone()
        body = presence(phone.aor)
        answer = self.assert_status(200, exchanges.publish(phone, phone.user, "presence", body))
        self.assertEqual(answer.header("sip-etag"), "one")
        self.assertEqual(self.inside.received("PUBLISH")[-1].body, body)
        self.assert_status(200, exchanges.publish(phone, phone.user, "presence", body, "SIP-If-Match: one"))
        self.assertEqual(self.inside.received("PUBLISH")[-1].header("sip-if-match"), "one")

    # threats I11
    def test_strangers_send_nothing(self):
        stranger, before = self.phone(), len(self.inside.heard)
        for answer in (say(stranger, "1098", TEXT, seconds=1.5), Subscription(stranger, "1098", "dialog").subscribe(seconds=1.5),
                       exchanges.publish(stranger, "1098", "presence", presence(stranger.aor), seconds=1.5)):
            self.assertTrue(answer is None or answer.status in (401, 403, 405, 407), answer and answer.octets)
        self.assertFalse([m for m in self.inside.heard[before:] if m.method in ("MESSAGE", "PUBLISH", "SUBSCRIBE")])

    def test_a_message_to_a_phone_that_is_gone_is_refused(self):
        phone = self.registered_phone()
        contact = self.inside.contacts(phone.user)[0]
        self.assert_status(200, phone.unregister())
        self.assertIn(say(self.inside, contact, TEXT, to=phone.aor).status, (404, 410, 480))
        self.assertEqual(phone.received("MESSAGE"), [])


class Restart(OwnRegistrarCase):
    mode = "pass_through"

    def configure(self):
        with_exchanges(self.config)

    def subscribed(self):
        inside = Notifier(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(inside.stop)
        phone = self.registered_phone()
        found = Subscription(phone, phone.user, "message-summary")
        self.assert_status(200, found.subscribe())
        eventually(found.notifies, "the first NOTIFY")
        return inside, phone, found

    def assert_goes_on(self, inside, found):
        inside.change("message-summary", waiting(5))
        eventually(lambda: any(m.body == waiting(5) for m in found.notifies()), "a NOTIFY after the restart")
        self.assert_status(200, found.subscribe(0))
        eventually(lambda: found.notifies()[-1].header("subscription-state").startswith("terminated"), "the last NOTIFY")

    def test_a_subscription_outlives_a_stop(self):
        inside, _, found = self.subscribed()
        self.assertEqual(self.daemon.terminate(), 0)
        self.daemon = self.net.start(self.config)
        self.assert_goes_on(inside, found)

    # RFC 6665 §4.1.2.2, §4.2.2: both sides learn that it is gone, and the phone asks for another.
    def test_a_subscription_that_a_kill_took_is_over_for_both_sides_and_made_again(self):
        inside, phone, found = self.subscribed()
        self.await_written(phone)
        self.daemon.kill()
        self.daemon = self.net.start(self.config)
        for call_id, cseq in inside.change("message-summary", waiting(4)).items():
            answer = eventually(lambda call_id=call_id, cseq=cseq: inside.final(call_id, cseq), "the NOTIFY is answered")
            self.assertEqual(answer.status, 481)
        self.assertEqual(found.subscribe().status, 481)
        again = Subscription(phone, phone.user, "message-summary")
        self.assert_status(200, again.subscribe())
        eventually(again.notifies, "the first NOTIFY")
        inside.subscribed.pop(next(iter(inside.subscribed)))
        self.assert_goes_on(inside, again)


class WithoutPbx(RegistrarCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        with_exchanges(config)

    def test_phones_send_each_other_messages(self):
        one, other = self.registered_phone(), self.registered_phone(transport="tls")
        self.assert_status(200, say(one, other.user, TEXT))
        self.assertEqual(other.received("MESSAGE")[-1].body, TEXT)
        self.assert_status(200, say(other, one.user, TEXT))
        self.assertEqual(one.received("MESSAGE")[-1].body, TEXT)

    def test_a_message_to_nobody_is_refused(self):
        self.assertIn(say(self.registered_phone(), self.user(), TEXT).status, (404, 480))


if __name__ == "__main__":
    unittest.main()
