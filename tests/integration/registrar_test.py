"""registrar_test.py — phones that register at Sallyport itself, call each other without a PBX, and call and are called by one:
RFC 3261 §10.3, §22; RFC 7616; RFC 8760; RFC 5626; threats I1, I2."""

import json
import os
import re
import unittest

import sip
from harness import OUT4, SIP_PORT, eventually
from phone import Refused
from registering_phone import DOMAIN, USERS, bindings, uri_of
from registrar_case import OwnRegistrarCase, RegistrarCase, write_users

STUN_REQUEST = bytes.fromhex("000100002112a442") + b"twelve octet"


def shape(answer):
    """An answer without what is another one each time: nonce, names of the request, time."""
    lines = []
    for line in answer.octets.decode().split("\r\n"):
        if line.lower().startswith(("via:", "v:", "from:", "f:", "to:", "t:", "call-id:", "i:", "cseq:", "date:")):
            line = line.partition(":")[0]
        lines.append(re.sub(r'(nonce|opaque)="[^"]*"', r"\1", line))
    return lines


class Registers:
    """What holds over each transport."""

    def test_a_phone_registers_asks_refreshes_and_unregisters(self):
        phone = self.phone()
        answer = self.assert_status(200, phone.register(60))
        self.assertEqual(phone.answers_to("REGISTER"), [401, 200])
        contact = uri_of(phone.contact)
        self.assertEqual(list(bindings(answer)), [contact])
        self.assertTrue(0 < bindings(answer)[contact] <= 60, answer.octets)
        self.assertEqual(list(phone.registered()), [contact])
        self.assertEqual(list(bindings(self.assert_status(200, phone.register(60)))), [contact])
        self.assertEqual(len(self.shown(phone.user)), 1)
        self.assertEqual(bindings(self.assert_status(200, phone.unregister())), {})
        self.assertEqual(phone.registered(), {})
        self.await_shown(phone.user, 0)

    def test_two_phones_talk_without_a_pbx(self):
        caller, callee = self.registered_phone(), self.registered_phone()
        call = self.connect(caller, callee, callee.user)
        self.hang_up(call)
        call = self.connect(callee, caller, caller.user)
        self.hang_up(call, call.far)
        asked = callee.received("INVITE")[0]
        self.assertEqual(asked.start.split(" ")[1], uri_of(callee.contact), "the Request-URI is the Contact that was registered")

    def test_the_pbx_calls_a_phone_and_a_phone_calls_the_pbx(self):
        phone, pbx = self.registered_phone(), self.pbx()
        self.hang_up(self.connect(pbx, phone, phone.user))
        self.hang_up(self.connect(phone, pbx, "2000"))
        pbx.stop()

    def test_a_phone_that_has_unregistered_is_called_no_more(self):
        caller, callee = self.registered_phone(), self.registered_phone()
        self.assert_status(200, callee.unregister())
        with self.assertRaises(Refused) as raised:
            caller.call(callee.user)
        self.assertEqual(raised.exception.status, 480)
        self.assertEqual(callee.received("INVITE"), [])

    def test_wrong_passwords_and_unknown_users_get_the_same_answers(self):
        found = []
        for user, password in ((self.user(), "a wrong one"), ("9999", "any"), ("nobody", "")):
            phone = self.phone(user, password=password)
            self.assert_status(401, phone.register())
            answers = [shape(m) for m in phone.heard]
            found.append(answers)
            self.assertEqual(len(answers), 2)
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], found[2])


class OverUdp(Registers, RegistrarCase):
    pass


class OverTcp(Registers, RegistrarCase):
    transport = "tcp"

    # RFC 5626 §4.4.1
    def test_a_ping_is_answered(self):
        phone = self.registered_phone()
        connection = phone.sock.connection()
        connection.send(b"\r\n\r\n")
        eventually(lambda: connection.framer.pongs > 0, "the pong")

    def test_a_phone_whose_connection_is_gone_registers_over_another_and_is_called_there(self):
        phone, pbx = self.registered_phone(), self.pbx()
        phone.sock.connection().reset()
        self.assert_status(200, phone.register())
        self.hang_up(self.connect(pbx, phone, phone.user))
        self.assertEqual(len(phone.sock.opened_by(True)), 2)
        pbx.stop()

    def test_a_phone_whose_connection_is_gone_is_not_called(self):
        phone, pbx = self.registered_phone(), self.pbx()
        phone.sock.connection().finish()
        with self.assertRaises(Refused) as raised:
            pbx.call(phone.user)
        self.assertEqual(raised.exception.status, 480)  # not 503: that would say that Sallyport is out of service
        pbx.stop()


class OverTls(Registers, RegistrarCase):
    transport = "tls"


class OverUdpOnIpv6(Registers, RegistrarCase):
    version = 6


class OverTcpOnIpv6(Registers, RegistrarCase):
    transport, version = "tcp", 6


class OverTlsOnIpv6(Registers, RegistrarCase):
    transport, version = "tls", 6


class Transports(RegistrarCase):
    def test_phones_of_different_transports_and_families_talk(self):
        ways = [("udp", 4), ("tcp", 4), ("tls", 4), ("udp", 6), ("tls", 6)]
        phones = [self.registered_phone(transport=transport, version=version) for transport, version in ways]
        for near, far in zip(phones, phones[1:] + phones[:1]):
            with self.subTest(near=near.transport, far=far.transport):
                self.hang_up(self.connect(near, far, far.user))


class Registrar(RegistrarCase):
    keys = {"contacts_per_aor": 2, "keepalive": "5s"}

    def test_each_algorithm_alone_will_do(self):
        for algorithm in ("MD5", "SHA-256"):
            with self.subTest(algorithm=algorithm):
                phone = self.registered_phone(algorithms=(algorithm,))
                self.assert_status(200, phone.unregister())

    # RFC 8760 §2.4
    def test_both_algorithms_are_offered_and_the_stronger_one_first(self):
        phone = self.phone()
        challenges = self.assert_status(401, phone.register_once()).headers["www-authenticate"]
        self.assertEqual([re.search(r"algorithm=([^,]*)", one).group(1) for one in challenges], ["SHA-256", "MD5"])
        for one in challenges:
            self.assertIn(f'realm="{DOMAIN}"', one)
            self.assertIn('qop="auth"', one)

    # RFC 3261 §10.3 step 6
    def test_a_star_unregisters_every_contact(self):
        user = self.user()
        phones = [self.registered_phone(user), self.registered_phone(user)]
        self.assertEqual(set(phones[0].registered()), {uri_of(one.contact) for one in phones})
        self.assert_status(400, phones[0].register(60, ["*"]))
        self.assertEqual(len(phones[0].registered()), 2)
        self.assertEqual(bindings(self.assert_status(200, phones[0].unregister(["*"]))), {})
        self.assertEqual(phones[1].registered(), {})

    def test_one_of_two_contacts_goes_and_the_other_is_called(self):
        user, pbx = self.user(), self.pbx()
        first, second = self.registered_phone(user), self.registered_phone(user)
        self.assert_status(200, first.unregister())
        self.hang_up(self.connect(pbx, second, user))
        self.assertEqual(first.received("INVITE"), [])
        pbx.stop()

    # RFC 3261 §20.10, §16.6
    def test_of_two_contacts_the_one_with_the_higher_q_rings(self):
        user, pbx = self.user(), self.pbx()
        first, second = self.phone(user), self.phone(user)
        self.assert_status(200, first.register(60, [f"{first.contact};q=0.9"]))
        self.assert_status(200, second.register(60, [f"{second.contact};q=0.1"]))
        self.hang_up(self.connect(pbx, first, user))
        pbx.stop()

    def test_a_user_has_no_more_contacts_than_allowed(self):
        user = self.user()
        phones = [self.registered_phone(user), self.registered_phone(user)]
        third = self.phone(user)
        self.assertIn(third.register().status, (403, 503))
        self.assertEqual(set(third.registered()), {uri_of(one.contact) for one in phones})
        self.assert_status(200, phones[0].register())
        self.assert_status(200, phones[1].unregister())
        self.assert_status(200, third.register())

    # RFC 3261 §10.3 step 4; threats I1
    def test_nobody_registers_another_one(self):
        phone, other = self.phone(), self.user()
        self.assert_status(403, phone.register(aor=f"sip:{other}@{DOMAIN}"))
        self.assertEqual(self.shown(other), [])

    # Threats I9: who does not even know whom he asks learns nothing.
    def test_a_stranger_that_asks_for_a_domain_that_is_not_served_hears_nothing(self):
        def dropped():
            return self.daemon.count("sip_dropped_total", realm="outside", reason="stranger")
        phone, before = self.phone(domain="elsewhere.test"), dropped()
        self.assertIsNone(phone.register(seconds=1.0))
        eventually(lambda: dropped() > before, "it is counted")

    # threats I1
    def test_what_was_overheard_is_of_no_use_to_another_source(self):
        phone, thief = self.registered_phone(), self.net.out.udp(self.address())
        self.addCleanup(thief.close)
        host, port = thief.getsockname()
        said = phone.last_register.replace(uri_of(phone.contact).encode(), f"sip:thief@{host}:{port}".encode())
        for count, octets in enumerate((phone.last_register, said)):
            again = octets.replace(f"CSeq: {phone.cseq} ".encode(), f"CSeq: {phone.cseq + 10 + count} ".encode())
            again = re.sub(rb"branch=z9hG4bK\w+", b"branch=z9hG4bK" + os.urandom(8).hex().encode(), again)
            answer = sip.ask(thief, (OUT4, SIP_PORT), again)
            self.assertEqual(answer and answer.status, 401)
        self.assertEqual(list(phone.registered()), [uri_of(phone.contact)])

    # RFC 7616 §3.4.5: nc
    def test_credentials_are_good_for_one_request(self):
        phone = self.registered_phone()
        credentials = next(line for line in phone.last_register.decode().split("\r\n") if line.startswith("Authorization:"))
        challenge, phone.for_registering.challenge = phone.for_registering.challenge, None
        answer = self.assert_status(401, phone.register_once(0, headers=[credentials]))
        self.assertIn("stale=true", answer.header("www-authenticate").lower())
        phone.for_registering.challenge = challenge
        self.assertEqual(list(phone.registered()), [uri_of(phone.contact)])

    def test_a_nonce_is_good_for_several_requests_with_rising_nc(self):
        phone = self.registered_phone()
        for _ in range(3):
            self.assert_status(200, phone.register())
        self.assertEqual(phone.answers_to("REGISTER"), [401, 200, 200, 200, 200])

    # RFC 3261 §10.3 step 7
    def test_a_request_older_than_the_last_one_changes_nothing(self):
        phone = self.phone()
        phone.cseq = 100
        self.assert_status(200, phone.register())
        phone.cseq = 50
        answer = phone.register(0)
        self.assertGreaterEqual(answer.status, 400)
        phone.cseq = 200
        self.assertEqual(list(phone.registered()), [uri_of(phone.contact)])

    def test_a_request_that_comes_twice_is_answered_twice_and_done_once(self):
        phone = self.registered_phone()
        before = len(phone.answers_to("REGISTER"))
        phone.send(phone.last_register)
        eventually(lambda: len(phone.answers_to("REGISTER")) > before, "the answer once more")
        self.assertEqual(phone.answers_to("REGISTER")[-1], 200)

    def test_contacts_that_are_no_sip_uri_are_refused(self):
        for contact in ("<mailto:phone@example.com>", "<tel:+15550100>"):
            with self.subTest(contact=contact):
                phone = self.phone()
                self.assert_status(400, phone.register(60, [contact]))
                self.assertEqual(self.shown(phone.user), [])

    def test_an_unknown_number_and_one_that_is_not_registered_are_refused(self):
        caller = self.registered_phone()
        for number in (self.user(), "1999"):
            with self.subTest(number=number), self.assertRaises(Refused) as raised:
                caller.call(number)
            self.assertIn(raised.exception.status, (404, 480))

    # threats I11: only who has registered may call.
    def test_a_stranger_calls_nobody(self):
        callee, stranger = self.registered_phone(), self.phone()
        with self.assertRaises(Refused) as raised:
            stranger.call(callee.user, 5.0)
        self.assertNotEqual(raised.exception.status, 200)
        self.assertEqual(callee.received("INVITE"), [])

    def test_the_callee_sees_the_number_that_was_registered_and_not_one_that_the_caller_claims(self):
        caller, callee = self.registered_phone(), self.registered_phone()
        caller.me = f"sip:1999@{DOMAIN}"
        try:
            call = self.connect(caller, callee, callee.user)
        except Refused as refused:
            self.assertEqual(refused.status, 403)
            return
        asked = callee.received("INVITE")[0]
        self.assertNotIn("1999", asked.header("from"), asked.octets)
        self.hang_up(call)

    # What a router translates shows in a Contact that is another than the source. RFC 4787 REQ-6: what the phone sends keeps
    # its mapping, so it is asked for an answer.
    def test_endpoints_behind_a_router_are_kept_alive(self):
        def dropped(reason):
            return self.daemon.count("sip_dropped_total", realm="outside", reason=reason)

        for version, inner in ((4, "10.9.8.7"), (6, "[fd99::7]")):
            with self.subTest(version=version):
                phone, taken, stray = self.phone(version=version), dropped("keepalive"), dropped("unmatched_response")
                self.assert_status(200, phone.register(60, [f"<sip:{phone.user}@{inner}:5060>"]))
                eventually(lambda phone=phone: len(phone.received("OPTIONS")) >= 2, "two keep-alives", 15.0)
                eventually(lambda taken=taken: dropped("keepalive") >= taken + 2, "its answers")
                self.assertEqual(dropped("unmatched_response"), stray)
                self.assert_status(200, phone.unregister(["*"]))

    # RFC 5626 §3.5.2, §8; RFC 5389 §6
    def test_a_binding_request_is_answered_at_the_port_for_sip(self):
        with self.net.out.udp(self.address()) as sock:
            def answered():
                sock.sendto(STUN_REQUEST, (OUT4, SIP_PORT))
                sock.settimeout(0.5)
                try:
                    return sock.recv(2000)
                except TimeoutError:
                    return b""
            octets = eventually(answered, "a binding response", 5.0)
            self.assertEqual(octets[:2], b"\x01\x01")
            self.assertEqual(octets[4:20], STUN_REQUEST[4:20])
            host, port = sock.getsockname()
            mapped = bytes(a ^ b for a, b in zip(port.to_bytes(2, "big") + bytes(map(int, host.split("."))),
                                                 b"\x21\x12" + b"\x21\x12\xa4\x42"))
            self.assertIn(b"\x00\x20\x00\x08\x00\x01" + mapped, octets)

    def test_a_registration_is_shown(self):
        phone = self.registered_phone()
        shown = self.shown(phone.user)
        self.assertEqual(len(shown), 1)
        words = json.dumps(shown[0])
        host, port = phone.sock.getsockname()
        for word in (f"{phone.user}@{DOMAIN}", "phones", uri_of(phone.contact), f"{host}:{port}", "udp", "RegisteringPhone/1"):
            self.assertIn(word, words)
        self.assertIn(phone.user, self.daemon.cli("show", "registrations").stdout)
        self.assertGreaterEqual(self.daemon.count("registrations_active"), 1)

    # RFC 3327 §5.3, §5.5
    def test_a_path_comes_back_in_the_answer_and_leads_calls(self):
        phone, pbx = self.phone(), self.pbx()
        path = f"<sip:{phone.sock.getsockname()[0]}:5060;lr>"
        answer = self.assert_status(200, phone.register(headers=[f"Path: {path}", "Supported: path"]))
        self.assertEqual(answer.header("path"), path)
        self.hang_up(self.connect(pbx, phone, phone.user))
        asked = phone.received("INVITE")[0]
        self.assertEqual((asked.header("route"), asked.start.split(" ")[1]), (path, uri_of(phone.contact)))
        pbx.stop()

    def test_a_call_is_recorded_and_counted_with_the_name_of_the_registrar(self):
        phone, pbx = self.registered_phone(), self.pbx()
        call = self.connect(phone, pbx, "2000")
        self.assertEqual(self.daemon.count("calls_active", peer="phones", direction="in"), 1)
        self.hang_up(call)
        self.records.await_ends([call.near.dialog.call_id])
        record = self.records.of(call.near.dialog.call_id, "end")[0]
        self.assertEqual((record["peer_in"], record["peer_out"], record["ended_by"]), ("phones", "pbx", "caller"))
        pbx.stop()

    def test_a_phone_that_moves_is_called_where_it_is_now(self):
        user, pbx = self.user(), self.pbx()
        first = self.registered_phone(user)
        first.stop()
        second = self.phone(user)
        second.for_registering.challenge = None
        self.assert_status(200, second.register())
        self.hang_up(self.connect(pbx, second, user))
        pbx.stop()

    def test_message_after_message_finds_no_hole(self):
        """Odd requests: the daemon answers each one or is silent, and lives."""
        phone = self.phone()
        whole = phone.register_request()
        odd = [whole.replace(b"Contact: <", b"Contact: <<"), whole.replace(b"Expires: 60", b"Expires: 99999999999999999999"),
               whole.replace(b"Expires: 60", b"Expires: -1"), whole.replace(b"Contact: ", b"Contact: *, "),
               whole.replace(b"To: <sip:", b"To: <tel:"), whole.replace(b"To: <sip:", b"To: <sip:%00%0d%0a"),
               whole.replace(b"User-Agent: ", b"Path: <sip:proxy.test;lr>\r\nRequire: path\r\nUser-Agent: "),
               whole.replace(b"User-Agent: ", b"Require: nonsense\r\nUser-Agent: "),
               whole.replace(b"User-Agent: ", b"Authorization: Digest " + b"a=b," * 200 + b"\r\nUser-Agent: "),
               whole.replace(b"User-Agent: ", b'Authorization: Digest username="x", username="y"\r\nUser-Agent: ')]
        for octets in odd:
            phone.send(re.sub(rb"branch=z9hG4bK\w+", b"branch=z9hG4bK" + os.urandom(8).hex().encode(), octets))
        self.assert_status(200, phone.register())
        self.assertFalse([m for m in phone.heard if m.status in (200, 500) and m is not phone.heard[-1]])


class Users(OwnRegistrarCase):
    def reload(self):
        done = self.daemon.cli("reload", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_users_file_is_read_again_with_the_configuration(self):
        stays, gone, fresh = self.registered_phone("1001"), self.registered_phone("1002"), self.phone("1200", password="new")
        self.assert_status(401, fresh.register())
        users = {user: password for user, password in USERS.items() if user != "1002"}
        write_users(self.config["registrars"][0]["users_file"], {**users, "1001": "changed", "1200": "new"})
        self.reload()
        self.assert_status(200, fresh.register())
        self.assert_status(401, gone.register())
        self.assert_status(401, stays.register())
        stays.for_registering.password = "changed"
        self.assert_status(200, stays.register())
        self.hang_up(self.connect(stays, fresh, "1200"))

    def test_passwords_in_the_file_will_do_too(self):
        write_users(self.config["registrars"][0]["users_file"], {"1001": "in clear"}, ("password",))
        self.reload()
        for algorithm in ("MD5", "SHA-256"):
            self.registered_phone("1001", password="in clear", algorithms=(algorithm,))

    def test_a_file_that_is_no_list_of_users_changes_nothing_and_is_named(self):
        path = self.config["registrars"][0]["users_file"]
        for text in ('{"users": [{"user": "1001"}]}', '{"users": [{"user": "1001", "ha1_md5": "xyz"}]}', "users: [", '{"users": [{"name": 1}]}'):
            with self.subTest(text=text):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
                done = self.daemon.cli("reload", check=False)
                self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
                self.assertIn("users.yaml", done.stdout + done.stderr)
        self.registered_phone("1001")


class Restart(OwnRegistrarCase):
    def again(self, how):
        """Bindings are there after another start, and a call reaches the phone; it refreshes as if nothing had been."""
        phones, pbx = [self.registered_phone() for _ in range(5)], self.pbx()
        self.assert_status(200, phones[4].unregister())
        self.await_written(self.registered_phone())
        eventually(lambda: len(self.daemon.show("registrations")["registrations"]) == 5, "they are shown")
        how()
        self.daemon = self.net.start(self.config)
        for phone in phones[:4]:
            self.await_shown(phone.user, 1)
        self.assertEqual(self.shown(phones[4].user), [])
        self.hang_up(self.connect(pbx, phones[0], phones[0].user))
        self.hang_up(self.connect(phones[1], phones[2], phones[2].user))
        self.assert_status(200, phones[3].register())
        self.assertEqual(list(phones[3].registered()), [uri_of(phones[3].contact)])

    def test_bindings_outlive_a_stop(self):
        self.again(lambda: self.assertEqual(self.daemon.terminate(), 0))

    def test_bindings_outlive_a_kill(self):
        self.again(lambda: self.daemon.kill())  # pylint: disable=unnecessary-lambda

    def test_phones_over_tls_and_tcp_register_again_after_a_kill(self):
        phones, pbx = [self.registered_phone(transport=one) for one in ("tcp", "tls")], self.pbx()
        self.daemon.kill()
        self.daemon = self.net.start(self.config)
        for phone in phones:
            for connection in phone.sock.opened_by(True):
                connection.close()
            self.assert_status(200, phone.register())
            self.hang_up(self.connect(pbx, phone, phone.user))

    def stop_at_once(self):
        self.daemon.process.terminate()
        self.daemon.wait_for_log('"draining"')  # or both are one signal
        self.daemon.process.terminate()
        self.assertEqual(self.daemon.wait_end(), 0)

    def half(self):
        """A phone that has been challenged and has not answered yet."""
        phone = self.phone()
        self.assertTrue(phone.for_registering.take(self.assert_status(401, phone.register_once())))
        return phone

    def complete(self, phone):
        """The answer to a challenge of before counts, or its nonce is too old and no more. RFC 7616 §3.3"""
        self.assert_status(200, phone.register())
        for one in phone.heard[1:]:
            self.assertTrue(one.status == 200 or "stale=true" in one.header("www-authenticate").lower(), one.octets)

    def test_a_call_and_a_registration_outlive_a_stop_in_the_middle(self):
        phone, pbx = self.registered_phone(), self.pbx()
        call = self.connect(pbx, phone, phone.user)
        half = self.half()
        self.stop_at_once()
        self.daemon = self.net.start(self.config)
        call.await_voice()
        self.hang_up(call)
        self.complete(half)

    # What was not saved is ended in its record; phones that ring on are told so when they ask.
    def test_a_registration_goes_on_after_a_kill_in_the_middle_and_new_calls_come(self):
        phone, pbx = self.registered_phone(), self.pbx()
        call = self.connect(pbx, phone, phone.user)
        half = self.half()
        self.await_written(phone)
        self.daemon.kill()
        self.daemon = self.net.start(self.config)
        self.assertIn(call.far.dialog.hang_up(), (200, 481))
        self.complete(half)
        for one in (phone, half):
            self.hang_up(self.connect(pbx, one, one.user))


if __name__ == "__main__":
    unittest.main()
