"""kamailio_phones_test.py — phones outside and Kamailio inside, as registrar, proxy and presence server: registration, calls,
messages, waiting messages, dialog events, presence. RFC 3261 §10; RFC 3428; RFC 3842; RFC 3903; RFC 4235; RFC 6665."""

import unittest

from exchanges import Subscription, dialog_info, presence, publish, say, waiting
from extensions_test import TEXT, with_exchanges
from harness import FAR_IN4, SIP_PORT, eventually
from kamailio import Kamailio, has_presence
from phone import Refused
from registering_phone import DOMAIN, RegisteringPhone, bindings, uri_of
from registrar_case import RegistrarCase

SERVER = "198.18.2.30"  # a mailbox and a switchboard inside, that publish


@unittest.skipUnless(has_presence(), "needs kamailio-presence-modules")
class KamailioPhones(RegistrarCase):
    mode = "pass_through"

    @classmethod
    def configure(cls, config):
        super().configure(config)
        with_exchanges(config)
        cls.shared.inn.ip("address", "add", f"{SERVER}/24", "dev", "wire")
        cls.kamailio = Kamailio(cls.shared.inn, cls.shared.folder, FAR_IN4, with_presence=True)
        cls.addClassCleanup(cls.kamailio.stop)

    def server(self):
        found = RegisteringPhone(self.net.inn, self.net.inn.udp(SERVER), (FAR_IN4, SIP_PORT), "1099")
        self.addCleanup(found.stop)
        return found

    def assert_told(self, subscription, *words):
        def told():
            return [m for m in subscription.notifies() if all(word.encode() in m.body for word in words)]
        eventually(told, f"{words} in {[m.body for m in subscription.notifies()]}\n{self.kamailio.words()}")
        self.assertNotIn(b"198.18.2.", b"".join(m.octets for m in subscription.notifies()))

    def test_phones_of_each_transport_register_and_unregister(self):
        for transport, version in (("udp", 4), ("tcp", 4), ("tls", 4), ("udp", 6)):
            with self.subTest(transport=transport, version=version):
                phone = self.phone(transport=transport, version=version)
                answer = self.assert_status(200, phone.register())
                self.assertEqual(list(bindings(answer)), [uri_of(phone.contact)])
                self.assertEqual(bindings(self.assert_status(200, phone.unregister())), {})

    # This proxy leaves SDP as it is, so what it sends back names Sallyport's own ports.
    def test_phones_call_each_other_through_it(self):
        one, other = self.registered_phone(), self.registered_phone(transport="tls")
        self.hang_up(self.connect(one, other, other.user))
        self.hang_up(self.connect(other, one, one.user))
        self.assertEqual(one.answers_to("INVITE"), [407, 200])

    def test_a_phone_that_is_not_there_is_not_called(self):
        one = self.registered_phone()
        with self.assertRaises(Refused) as raised:
            one.call(self.user())
        self.assertEqual(raised.exception.status, 480)

    def test_phones_send_each_other_messages(self):
        one, other = self.registered_phone(), self.registered_phone(transport="tcp")
        self.assert_status(200, say(one, other.user, TEXT))
        self.assertEqual(other.received("MESSAGE")[-1].body, TEXT)
        self.assert_status(200, say(other, one.user, TEXT))
        self.assertEqual(one.received("MESSAGE")[-1].body, TEXT)

    def test_a_phone_is_told_of_waiting_messages(self):
        for transport in ("udp", "tls"):
            with self.subTest(transport=transport):
                phone, mailbox = self.registered_phone(transport=transport), self.server()
                found = Subscription(phone, phone.user, "message-summary")
                self.assertIn(found.subscribe().status, (200, 202))
                self.assert_status(200, publish(mailbox, phone.user, "message-summary", waiting(4)))
                self.assert_told(found, "Voice-Message: 4/0")
                self.assertIn(found.subscribe(0).status, (200, 202))
                eventually(lambda found=found: found.notifies()[-1].header("subscription-state").startswith("terminated"), "the last NOTIFY")

    def test_a_lamp_shows_the_calls_of_another_line(self):
        phone, switch, line = self.registered_phone(), self.server(), self.user()
        found = Subscription(phone, line, "dialog")
        self.assertIn(found.subscribe().status, (200, 202))
        tag = None
        for version, state in enumerate(("early", "confirmed", "terminated")):
            answer = self.assert_status(200, publish(switch, line, "dialog", dialog_info(f"sip:{line}@{DOMAIN}", state, version),
                                                     *([f"SIP-If-Match: {tag}"] if tag else [])))
            tag = answer.header("sip-etag")
            self.assert_told(found, f"<state>{state}</state>")

    def test_phones_see_who_is_there(self):
        watcher, watched = self.registered_phone(), self.registered_phone(transport="tcp")
        found = Subscription(watcher, watched.user, "presence")
        self.assertIn(found.subscribe().status, (200, 202))
        answer = self.assert_status(200, publish(watched, watched.user, "presence", presence(watched.aor)))
        self.assert_told(found, "<basic>open</basic>")
        self.assert_status(200, publish(watched, watched.user, "presence", presence(watched.aor, "closed"),
                                        f"SIP-If-Match: {answer.header('sip-etag')}"))
        self.assert_told(found, "<basic>closed</basic>")


if __name__ == "__main__":
    unittest.main()
