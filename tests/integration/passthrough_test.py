"""passthrough_test.py — phones that register through Sallyport at a PBX inside: RFC 3261 §10, §22; RFC 5626; RFC 3608;
threats I1, I12, R1.

Towards the phone a registration is short, for the router between; inside it is long, and what only keeps the router open
stays outside."""

import re
import threading
import time
import unittest

from harness import FAR_IN4, FULL, IN4, eventually
from phone import Refused
from registering_phone import DOMAIN, bindings, uri_of
from registrar_case import OwnRegistrarCase, RegistrarCase
from registration_storm import Storm


class PassThroughCase(RegistrarCase):
    mode = "pass_through"

    def setUp(self):
        super().setUp()
        self.inside = self.upstream()

    def contact_inside(self, user):
        """The Contact by which the upstream knows a phone."""
        contacts = self.inside.contacts(user)
        self.assertEqual(len(contacts), 1, contacts)
        return contacts[0]

    def call_phone(self, phone):
        return self.connect(self.inside, phone, self.contact_inside(phone.user), to=phone.aor)

    def assert_nothing_leaks(self, phone):
        """Neither side heard a word of the other's network. What both share by design: user, domain, digest."""
        outside = [phone.registration.partition("@")[0], "198.18.1.", "fd18:1:", "edge-out",
                   *(m.branch for m in phone.heard if m.status is not None),
                   *(tag for m in phone.heard if m.status is not None for tag in re.findall(r"tag=([^;>\s]+)", m.header("from"))),
                   *(call_id for call_id in phone.legs if call_id.startswith("kept-"))]
        of_phone = [m for m in self.inside.heard if phone.user in m.octets.decode()]
        inside = ["198.18.2.", "fd18:2:", "edge-in", *(m.call_id for m in of_phone), *(m.branch for m in of_phone),
                  *(tag for m in of_phone for tag in re.findall(r"tag=([^;>\s]+)", m.header("from") + m.header("to")))]
        for words, heard, where in ((outside, of_phone, "inside"), (inside, phone.heard, "outside")):
            seen = b"\n".join(m.octets for m in heard)
            self.assertTrue(seen)
            for word in filter(None, words):
                self.assertNotIn(word.encode(), seen, f"seen {where}")


class Passes:
    """What holds over each transport."""

    def test_a_phone_registers_at_the_pbx_and_is_known_there_by_a_contact_of_sallyport(self):
        phone = self.phone()
        answer = self.assert_status(200, phone.register(3600))
        contact = uri_of(phone.contact)
        self.assertEqual(list(bindings(answer)), [contact])
        self.assertLessEqual(bindings(answer)[contact], 60, "short outside")
        self.assertEqual(phone.answers_to("REGISTER"), [401, 200])
        there = self.contact_inside(phone.user)
        self.assertIn(f"@{IN4}", there)
        asked = self.inside.received("REGISTER")[-1]
        self.assertEqual(asked.start.split(" ")[1], f"sip:{DOMAIN}")
        self.assertEqual([granted for _, value, granted in self.inside.registers if uri_of(value) == there], [3600], "long inside")
        self.assertEqual(self.inside.challenges["REGISTER"].faults, [])
        self.assert_nothing_leaks(phone)
        self.assertEqual(len(self.shown(phone.user)), 1)

    def test_refreshes_stay_outside(self):
        phone = self.registered_phone()
        before = len(self.inside.received("REGISTER"))
        for _ in range(6):
            answer = self.assert_status(200, phone.register())
            self.assertEqual(list(bindings(answer)), [uri_of(phone.contact)])
        self.assertEqual(len(self.inside.received("REGISTER")), before)

    def test_the_pbx_calls_a_phone_by_the_contact_that_it_was_told(self):
        phone = self.registered_phone()
        call = self.call_phone(phone)
        self.assertEqual(phone.received("INVITE")[0].start.split(" ")[1], uri_of(phone.contact))
        self.assert_nothing_leaks(phone)
        self.hang_up(call)
        self.hang_up(self.call_phone(phone), by=list(phone.legs.values())[-1])

    def test_a_call_of_the_phone_is_challenged_by_the_pbx(self):
        phone, asked = self.registered_phone(), self.inside.challenges_calls()
        call = self.connect(phone, self.inside, "1098")
        self.assertEqual(phone.answers_to("INVITE"), [407, 200])
        self.assertEqual(([method for method, _ in asked.passed], asked.faults), (["INVITE"], []))
        self.assert_nothing_leaks(phone)
        self.hang_up(call)

    def test_unregistering_ends_it_inside(self):
        phone = self.registered_phone()
        contact = self.contact_inside(phone.user)
        self.assertEqual(bindings(self.assert_status(200, phone.unregister())), {})
        self.assertEqual(self.inside.contacts(phone.user), [])
        self.await_shown(phone.user, 0)
        with self.assertRaises(Refused) as raised:
            self.inside.call(contact)
        self.assertIn(raised.exception.status, (404, 410, 480))
        self.assertEqual(phone.received("INVITE"), [])


class PassThroughOverUdp(Passes, PassThroughCase):
    pass


class PassThroughOverTcp(Passes, PassThroughCase):
    transport = "tcp"


class PassThroughOverTls(Passes, PassThroughCase):
    transport = "tls"


class PassThroughOnIpv6(Passes, PassThroughCase):
    version = 6


class PassThrough(PassThroughCase):
    keys = {"contacts_per_aor": 2}

    def test_each_of_two_phones_of_a_user_is_called_by_a_contact_of_its_own(self):
        user = self.user()
        phones = [self.registered_phone(user), self.registered_phone(user, transport="tcp")]
        contacts = self.inside.contacts(user)
        self.assertEqual(len(contacts), 2)
        for phone, contact in zip(phones, contacts):
            self.hang_up(self.connect(self.inside, phone, contact, to=phone.aor))
        # RFC 3261 §10.3 step 8: the answer names all of them.
        self.assertEqual(set(phones[0].registered()), {uri_of(one.contact) for one in phones})
        self.assert_status(200, phones[1].unregister())
        self.assertEqual(self.inside.contacts(user), contacts[:1])
        third, fourth = self.registered_phone(user), self.phone(user)
        self.assertIn(fourth.register().status, (403, 503))
        self.assert_status(200, third.unregister(["*"]))
        self.assertEqual(self.inside.contacts(user), [])

    def test_a_wrong_password_is_found_by_the_pbx(self):
        phone = self.phone(password="wrong")
        self.assert_status(401, phone.register())
        self.assertEqual(phone.answers_to("REGISTER"), [401, 401])
        self.assertEqual(self.shown(phone.user), [])
        self.assertEqual(self.inside.contacts(phone.user), [])

    def test_a_refusal_of_the_pbx_reaches_the_phone_and_nothing_is_kept(self):
        for status in (403, 404, 503):
            with self.subTest(status=status):
                self.inside.refuses_register = status
                phone = self.phone()
                self.assertIn(phone.register().status, (status, 500) if status == 503 else (status,))
                self.assertEqual(self.shown(phone.user), [])

    # RFC 3261 §10.2.8, §10.3 step 7
    def test_a_pbx_that_wants_a_longer_time_gets_it_and_the_phone_keeps_its_short_one(self):
        self.inside.least = 7200
        phone = self.phone()
        answer = phone.register()
        if answer.status == 423:
            answer = phone.register(int(answer.header("min-expires")))
        self.assert_status(200, answer)
        self.assertLessEqual(max(bindings(answer).values()), 60)
        self.assertEqual([granted for _, _, granted in self.inside.registers][-1:], [3600] if self.inside.grants < 7200 else [7200])

    def test_a_pbx_that_grants_less_is_asked_again_in_time(self):
        self.inside.grants = 12
        phone = self.phone()
        answer = self.assert_status(200, phone.register())
        self.assertLessEqual(max(bindings(answer).values()), 12)
        begun = len(self.inside.registers)

        def is_renewed():
            self.assert_status(200, phone.register())
            return len(self.inside.registers) > begun
        eventually(is_renewed, "a refresh goes inside before the PBX forgets the phone", 11.0)
        self.assertEqual(len(self.inside.contacts(phone.user)), 1)

    # RFC 3608: what routes inside stays inside.
    def test_a_service_route_of_the_pbx_leads_through_sallyport_or_is_not_shown(self):
        self.inside.says = (f"Service-Route: <sip:{FAR_IN4};lr>", f"P-Associated-URI: <sip:1001@{DOMAIN}>")
        phone = self.phone()
        answer = self.assert_status(200, phone.register())
        self.assertNotIn(FAR_IN4, answer.octets.decode())

    # RFC 5626 §4.2, §6
    def test_instance_and_reg_id_reach_the_pbx_and_come_back(self):
        phone = self.phone()
        instance = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'
        answer = self.assert_status(200, phone.register(60, [f"{phone.contact};{instance};reg-id=1"], ["Supported: path, outbound"]))
        asked = self.inside.received("REGISTER")[-1]
        self.assertIn(instance, asked.header("contact"))
        self.assertIn(instance, answer.header("contact"))
        # The same instance with another address is the same binding. RFC 5626 §6
        moved = phone.contact.replace(":5060", ":5070")
        answer = self.assert_status(200, phone.register(60, [f"{moved};{instance};reg-id=1"], ["Supported: path, outbound"]))
        self.assertEqual(list(bindings(answer)), [uri_of(moved)])
        self.assertEqual(len(self.shown(phone.user)), 1)

    # threats I1
    def test_a_stranger_cannot_use_the_contact_of_a_phone(self):
        phone, stranger = self.registered_phone(), self.phone()
        contact = self.contact_inside(phone.user).replace(IN4, "198.18.1.1")
        with self.assertRaises(Refused) as raised:
            stranger.call(contact, 5.0)
        self.assertNotEqual(raised.exception.status, 200)
        self.assertEqual(phone.received("INVITE"), [])

    def test_a_refresh_from_another_source_goes_to_the_pbx(self):
        phone = self.registered_phone()
        thief = self.phone(phone.user, password="unknown to the thief")
        before = len(self.inside.received("REGISTER"))
        self.assert_status(401, thief.register_once(60, [phone.contact]))
        self.assertGreater(len(self.inside.received("REGISTER")), before)
        self.assertNotEqual(thief.register_once(0, [phone.contact]).status, 200)
        self.assertEqual(len(self.shown(phone.user)), 1)
        self.hang_up(self.call_phone(phone))


class Outage(PassThroughCase):
    def test_while_the_pbx_is_silent_phones_stay_registered_and_new_ones_are_told(self):
        phone, new = self.registered_phone(), self.phone()
        self.inside.silent = True
        for _ in range(3):
            self.assert_status(200, phone.register())
        answer = new.register(seconds=40.0)
        self.assertIsNotNone(answer, "no answer at all")
        self.assertIn(answer.status, (408, 480, 500, 503, 504))
        self.assertEqual(len(self.shown(phone.user)), 1)
        self.inside.silent = False
        self.assert_status(200, new.register(seconds=20.0))
        self.hang_up(self.call_phone(new))
        self.hang_up(self.call_phone(phone))

    def test_a_phone_that_registers_while_nobody_is_there_is_told(self):
        self.inside.stop()
        new = self.phone()
        answer = new.register(seconds=40.0)
        self.assertIsNotNone(answer, "no answer at all")
        self.assertIn(answer.status, (408, 480, 500, 502, 503, 504))


@unittest.skipUnless(FULL, "waits for a minute: with --full")
class Gone(PassThroughCase):
    keys = {"refresh": {"outside": "10s", "inside": "20s"}, "keepalive": "5s"}

    def gone(self, phone):
        """It is no more. Nobody knows its password: the PBX takes what Sallyport says of it."""
        self.inside.challenges.clear()
        phone.stop()

    def test_a_phone_that_does_not_come_back_is_unregistered_inside(self):
        phone = self.registered_phone()
        self.gone(phone)
        eventually(lambda: not self.inside.contacts(phone.user), "it is unregistered at the PBX, before the PBX's own time is over", 18.0)
        self.assertEqual(self.inside.registers[-1][2], 0)
        self.await_shown(phone.user, 0)

    def test_a_phone_that_hangs_up_its_connection_is_unregistered_inside(self):
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport):
                self.inside.challenges_registering()
                phone = self.registered_phone(transport=transport)
                self.gone(phone)
                eventually(lambda phone=phone: not self.inside.contacts(phone.user), "it is unregistered at the PBX", 18.0)
                self.assertEqual(self.inside.registers[-1][2], 0)

    def test_a_pbx_that_asks_for_a_password_forgets_such_a_phone_in_its_own_time(self):
        phone = self.registered_phone()
        phone.stop()
        self.await_shown(phone.user, 0, 18.0)
        eventually(lambda: not self.inside.contacts(phone.user), "the time inside is over", 25.0)

    def test_half_of_the_time_inside_is_over_and_a_refresh_goes_there(self):
        phone, begun = self.registered_phone(), time.monotonic()
        before = len(self.inside.registers)

        def is_renewed():
            self.assert_status(200, phone.register())
            return len(self.inside.registers) > before
        eventually(is_renewed, "a refresh inside", 19.0)
        self.assertGreater(time.monotonic() - begun, 7.0, "refreshes stay outside for half of the time")
        self.assertEqual(len(self.inside.contacts(phone.user)), 1)


class Restart(OwnRegistrarCase):
    mode = "pass_through"

    def again(self, how):
        """The PBX never hears of it; Contacts that it was told are good, refreshes stay outside."""
        inside, phones = self.upstream(), [self.registered_phone() for _ in range(3)]
        self.assert_status(200, phones[2].unregister())
        contacts = [inside.contacts(phone.user)[0] for phone in phones[:2]]
        self.await_written(self.registered_phone())
        eventually(lambda: len(self.daemon.show("registrations")["registrations"]) == 3, "they are shown")
        how()
        self.daemon = self.net.start(self.config)
        before = len(inside.received("REGISTER"))
        for phone, contact in zip(phones, contacts):
            self.await_shown(phone.user, 1)
            self.hang_up(self.connect(inside, phone, contact, to=phone.aor))
            self.assert_status(200, phone.register())
        self.assertEqual(len(inside.received("REGISTER")), before)
        self.assert_status(200, phones[0].unregister())
        self.assertEqual(inside.contacts(phones[0].user), [])
        self.assert_status(200, phones[2].register())

    def test_bindings_outlive_a_stop(self):
        self.again(lambda: self.assertEqual(self.daemon.terminate(), 0))

    def test_bindings_outlive_a_kill(self):
        self.again(lambda: self.daemon.kill())  # pylint: disable=unnecessary-lambda

    def half_done(self, how):
        inside, phone = self.upstream(), self.phone()
        answer = self.assert_status(401, phone.register_once())
        how()
        self.daemon = self.net.start(self.config)
        self.assertTrue(phone.for_registering.take(answer))
        self.assert_status(200, phone.register_once())
        self.assertEqual(len(inside.contacts(phone.user)), 1)

    def test_a_registration_that_was_half_done_is_done_after_the_stop(self):
        self.half_done(lambda: self.assertEqual(self.daemon.terminate(), 0))

    def test_a_registration_that_was_half_done_is_done_after_a_kill(self):
        self.half_done(lambda: self.daemon.kill())  # pylint: disable=unnecessary-lambda

    # RFC 3261 §17.1.2.2: the phone asks again and again, and never knows.
    def test_a_registration_that_waits_for_the_pbx_is_done_after_a_kill(self):
        inside, phone, found = self.upstream(), self.phone(), []
        self.assertTrue(phone.for_registering.take(self.assert_status(401, phone.register_once())))
        asked = len(inside.received("REGISTER"))
        inside.silent = True
        thread = threading.Thread(target=lambda: found.append(phone.register_once(seconds=30.0)), daemon=True)
        thread.start()
        eventually(lambda: len(inside.received("REGISTER")) > asked, "it is on its way to the PBX")
        self.daemon.kill()
        inside.silent = False
        self.daemon = self.net.start(self.config)
        thread.join(30)
        self.assert_status(200, found[0])
        self.hang_up(self.connect(inside, phone, inside.contacts(phone.user)[0], to=phone.aor))


@unittest.skipUnless(FULL, "a minute of traffic: with --full")
class Storms(PassThroughCase):
    PHONES, HOUSES = 500, 50

    @classmethod
    def configure(cls, config):
        super().configure(config)
        config["dataplane"]["capacity"]["registrations"] = 2 * cls.PHONES

    def test_five_hundred_phones_register_at_once_and_again(self):
        users = {f"{number}": f"secret of {number}" for number in range(3000, 3000 + self.PHONES)}
        self.inside.users.update(users)
        storm = Storm(self.net.out, [self.address() for _ in range(self.HOUSES)], ("198.18.1.1", 5060), users)
        self.addCleanup(storm.close)
        self.assertEqual(storm.register(120.0), {200: self.PHONES})
        self.assertEqual(sum(len(self.inside.contacts(user)) for user in users), self.PHONES)
        self.assertEqual(self.inside.challenges["REGISTER"].faults, [])
        before = len(self.inside.received("REGISTER"))
        self.assertEqual(storm.register(20.0), {200: self.PHONES})
        self.assertEqual(len(self.inside.received("REGISTER")), before, "refreshes stay outside")
        self.assertEqual(self.daemon.count("registrations_active"), self.PHONES)
        self.assertEqual(storm.register(120.0, expires=0), {200: self.PHONES})
        eventually(lambda: self.daemon.count("registrations_active") == 0, "none is left")


if __name__ == "__main__":
    unittest.main()
