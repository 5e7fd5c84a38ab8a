"""transports_test.py — calls with voice over UDP, TCP and TLS in every pairing of the two legs, and connections that break,
are used again, or come when they are needed. RFC 3261 §18, §26.2.2; RFC 5923."""

import contextlib
import unittest

import sip
from call_case import OTHER, host
from harness import FAR_IN4, IN4, SIP_PORT, eventually
from phone import Refused
from stream_case import PLACES, TLS_PORT, StreamCase, port_of, written
from stream_phone import PING, StreamEnd, await_ended, deaf_door

IPV4, STREAMS = "123", "23"
REALMS = {"out": "outside", "in": "inside"}


class Pairings(StreamCase):
    def setUp(self):
        super().setUp()
        self.phones_of = {}
        self.ended = []  # calls whose records are looked at once all are over, for each comes seconds after its call

    def one(self, side, digit):
        """A phone that stays for the whole test."""
        if (side, digit) not in self.phones_of:
            self.phones_of[side, digit] = self.phone(side, digit)
        return self.phones_of[side, digit]

    def check_record(self, call, side, digits):
        end = self.record(call.near)
        self.assertEqual((end["result"], end["sip_code"], end["end_reason"]), ("answered", 200, "bye"), end)
        legs = {leg["realm"]: leg for leg in end["legs"]}
        for where, digit, leg in ((side, digits[0], call.near), (OTHER[side], digits[1], call.far)):
            place, transport = PLACES[digit]
            found = legs[REALMS[where]]
            self.assertEqual((found["transport"], found["call_id"]), (transport, leg.dialog.call_id), end)
            self.assertIn(host(where, place), found["remote"])

    def check_pairing(self, side, digits):
        caller, callee = self.one(side, digits[0]), self.one(OTHER[side], digits[1])
        for hangs_up in ("near", "far"):
            call = self.connect(caller, callee, digits[1]).talk().await_voice(5)
            self.assert_whole(call)
            self.hang_up(call, getattr(call, hangs_up))
            self.ended.append((call, side, digits))
            self.assert_nothing_leaks(call)
        for phone in (caller, callee):
            self.assert_well_formed(phone)

    def check_pairings(self, pairs):
        for side in ("out", "in"):
            for digits in pairs:
                with self.subTest(caller=PLACES[digits[0]], callee=PLACES[digits[1]], side=side):
                    self.check_pairing(side, digits)
        for call in self.ended:
            self.check_record(*call)

    def test_every_pairing_over_ipv4(self):
        self.check_pairings([a + b for a in IPV4 for b in IPV4])

    def test_each_transport_over_ipv6_and_between_ipv6_and_ipv4(self):
        self.check_pairings(["66", "77", "88", "82", "17", "63"])

    # A message that comes octet by octet is the same message. RFC 3261 §18.3
    def test_phones_that_send_octet_by_octet(self):
        for digits in ("22", "33", "23"):
            for phone in (self.one("out", digits[0]), self.one("in", digits[1])):
                phone.sock.splits = True
            with self.subTest(digits=digits):
                self.check_pairing("out", digits)

    def test_both_sides_change_the_call_and_say_more_than_a_segment_carries(self):
        long = tuple(f"fmtp:{n} {'x' * 60}" for n in range(96, 127))
        for digits in ("12", "22", "33", "31", "18"):
            with self.subTest(digits=digits):
                call = self.connect(self.one("out", digits[0]), self.one("in", digits[1]), digits[1]).talk().await_voice(5)
                for leg in (call.near, call.far):
                    for method in ("INVITE", "UPDATE"):
                        attributes = () if leg.phone.transport == "UDP" else long
                        self.assertEqual(leg.change(method, formats="0", attributes=attributes), 200)
                call.await_voice(5)
                self.hang_up(call, call.far)

    def test_one_connection_carries_many_calls(self):
        for digit in STREAMS:
            caller, callee = self.one("out", digit), self.one("in", digit)
            with self.subTest(transport=callee.transport):
                for _ in range(10):
                    self.hang_up(self.connect(caller, callee, digit), callee.last_leg())
                self.assertEqual(len(callee.sock.opened_by(us=False)), 1)
                self.assertEqual(len(caller.sock.opened_by(us=True)), 1)

    # RFC 5626 §4.4.1
    def test_a_ping_gets_a_pong_and_a_keep_alive_nothing(self):
        for digit in "2378":
            connection = self.one("out", digit).sock.connection()
            with self.subTest(digit=digit):
                connection.send(PING)
                eventually(lambda c=connection: c.framer.pongs == 1, "the pong", 5.0)
                connection.send(b"\r\n")
                connection.send(PING, splits=True)
                eventually(lambda c=connection: c.framer.pongs == 2, "the second pong", 5.0)
                self.assertTrue(connection.is_open)
                self.assertEqual(connection.messages, [])

    def test_pipelined_requests_are_answered_each(self):
        for digit in STREAMS:
            sock = self.one("out", digit).sock
            asked = [sip.request("OPTIONS", sock.here, sock.remote).replace(b"SIP/2.0/UDP", f"SIP/2.0/{sock.transport}".encode())
                     for _ in range(30)]
            with self.subTest(transport=sock.transport):
                sock.together(asked[0], PING, b"\r\n\r\n", *asked[1:])
                connection = sock.connection()
                eventually(lambda c=connection: len(c.messages) == 30, "30 answers")
                self.assertEqual({sip.call_id_of(m) for m in connection.messages}, {sip.call_id_of(m) for m in asked})
                for message in connection.messages:
                    self.assertTrue(message.startswith(b"SIP/2.0 200 "), message)


class BrokenConnections(StreamCase):
    @contextlib.contextmanager
    def two(self, side, digits):
        """A caller and a callee that are gone afterwards. Each is reached by now, though one was gone a moment ago."""
        phones = [self.phone(side, digits[0]), self.phone(OTHER[side], digits[1])]
        try:
            for caller, callee, digit in ((*phones, digits[1]), (*phones[::-1], digits[0])):
                eventually(lambda a=caller, b=callee, d=digit: self.is_reached(a, b, d), "it is called again", 40.0)
            yield phones
        finally:
            for phone in phones:
                phone.stop()

    def break_all(self, phone, how):
        for connection in phone.sock.connections:
            getattr(connection, how)()

    def test_after_the_callee_closed_the_connection_in_mid_call_the_bye_comes_over_a_new_one(self):
        legs = []
        for digit in STREAMS:
            for how in ("finish", "reset"):
                for side in ("out", "in"):
                    with self.subTest(digit=digit, how=how, side=side), self.two(side, digit * 2) as (caller, callee):
                        call = self.connect(caller, callee, digit).talk().await_voice(5)
                        opened = len(callee.sock.opened_by(us=False))
                        self.break_all(callee, how)
                        call.await_voice(5)  # the voice does not care
                        self.hang_up(call, call.near)
                        self.assertEqual(len(callee.sock.opened_by(us=False)), opened + 1)
                        legs.append(call.near)
        for leg in legs:  # a record comes seconds after its call
            self.assertEqual(self.record(leg)["end_reason"], "bye")

    def test_after_the_caller_closed_the_connection_in_mid_call_it_is_called_at_its_contact(self):
        for digit in STREAMS:
            for how in ("finish", "reset"):
                with self.subTest(digit=digit, how=how), self.two("out", digit + "1") as (caller, callee):
                    call = self.connect(caller, callee, "1").talk().await_voice(5)
                    opened = len(caller.sock.opened_by(us=False))
                    self.break_all(caller, how)
                    self.hang_up(call, call.far)
                    self.assertEqual(len(caller.sock.opened_by(us=False)), opened + 1)

    def test_both_hang_up_over_new_connections_after_all_were_reset(self):
        for digit in STREAMS:
            for leg in ("near", "far"):
                with self.subTest(digit=digit, hangs_up=leg), self.two("out", digit * 2) as (caller, callee):
                    call = self.connect(caller, callee, digit)
                    for phone in (caller, callee):
                        self.break_all(phone, "reset")
                    self.hang_up(call, getattr(call, leg))

    # RFC 3261 §18.2.2: an answer whose connection is gone comes over another.
    def test_the_answer_of_a_callee_whose_connection_broke_while_it_rang_counts(self):
        for digit in STREAMS:
            with self.subTest(digit=digit), self.two("out", "1" + digit) as (caller, callee):
                callee.answers, rung = False, len(callee.ringing)
                outcome, thread = self.calling(caller, f"{digit}001")
                eventually(lambda c=callee, n=rung: len(c.ringing) > n, "it rings")
                self.break_all(callee, "finish")
                callee.pick_up(list(callee.ringing)[-1])
                thread.join(20)
                self.assertEqual(len(outcome), 1)
                self.assertEqual(outcome[0].hang_up(), 200, outcome)

    def test_a_caller_whose_connection_broke_while_it_rang_gets_the_answer_over_a_new_one(self):
        for digit in STREAMS:
            with self.subTest(digit=digit), self.two("out", digit + "1") as (caller, callee):
                callee.answers, rung = False, len(callee.ringing)
                outcome, thread = self.calling(caller, "1001")
                eventually(lambda c=callee, n=rung: len(c.ringing) > n, "it rings")
                self.break_all(caller, "finish")
                callee.pick_up(list(callee.ringing)[-1])
                thread.join(20)
                self.assertEqual(outcome[0].hang_up(), 200, outcome)
                self.assertTrue(caller.sock.opened_by(us=False))

    def test_a_peer_that_restarts_is_called_again_and_calls_again(self):
        for digit in STREAMS:
            with self.subTest(digit=digit), self.two("out", digit * 2) as (caller, callee):
                callee.sock.refuse()
                self.break_all(callee, "reset")
                with self.assertRaises(Refused) as raised:  # at once, not after timer B
                    caller.call(f"{digit}002", 8.0)
                self.assertIn(raised.exception.status, (408, 480, 500, 503))
                callee.sock.listen()
                self.hang_up(self.connect(callee, caller, digit), caller.last_leg())
                eventually(lambda a=caller, b=callee, d=digit: self.is_reached(a, b, d), "it is called again", 40.0)

    def is_reached(self, caller, callee, digit):
        try:
            self.hang_up(self.connect(caller, callee, digit), callee.last_leg())
        except Refused:
            return False
        return True

    def test_a_peer_that_never_accepts_fails_the_call_within_setup_and_holds_up_no_other(self):
        for one in deaf_door(self.net.inn, (host("in", ".3"), SIP_PORT)):
            self.addCleanup(one.close)
        caller, other, callee = self.phone("out", "1"), self.phone("out", "3"), self.phone("in", "3")
        outcome, thread = self.calling(caller, "2001")
        self.hang_up(self.connect(other, callee, "3"), callee.last_leg())
        thread.join(20)
        self.assertIn(outcome[0].status, (408, 480, 503))


class LargeAndSecure(StreamCase):
    # RFC 3261 §18.1.1
    def test_a_request_over_the_path_mtu_goes_by_tcp_where_the_peer_takes_it_and_else_by_udp(self):
        caller, callee = self.phone("out", "2"), self.phone("in", "1")
        caller.what = {"formats": "0 " + " ".join(str(n) for n in range(96, 127)),
                       "attributes": tuple(f"rtpmap:{n} some-codec-of-ours/{8000 + n}" for n in range(96, 127))}
        door = StreamEnd(self.net.inn, (FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(door.close)
        outcome, thread = self.calling(caller, "1001")
        eventually(lambda: door.opened_by(us=False) and door.connections[0].messages, "the INVITE over TCP")
        self.assertIn(b"Via: SIP/2.0/TCP", door.connections[0].messages[0])
        door.refuse()
        door.connections[0].reset()
        thread.join(20)
        caller.call("1002").hang_up()
        self.assertTrue(callee.legs, "over UDP, for nobody takes TCP")
        self.assertTrue(outcome)

    # RFC 3261 §26.2.2
    def test_sips_goes_to_tls_and_nowhere_else(self):
        caller = self.phone("out", "3")
        caller.scheme, caller.contact = "sips", f"<sips:phone@{written(host('out', '.4'), TLS_PORT)}>"
        secure = self.phone("in", "3")
        self.hang_up(self.connect(caller, secure, "3"), secure.last_leg())
        for digit in "12":
            open_one = self.phone("in", digit)
            with self.subTest(callee=open_one.transport):
                with self.assertRaises(Refused) as raised:
                    caller.call(f"{digit}001", 5.0)
                self.assertTrue(400 <= (raised.exception.status or 0) < 600, raised.exception)
                self.assertEqual(open_one.heard, [])

    def test_sips_that_comes_over_udp_or_tcp_is_refused(self):
        callee = self.phone("in", "3")
        for digit in "12":
            caller = self.phone("out", digit)
            caller.scheme = "sips"
            with self.subTest(caller=caller.transport):
                with self.assertRaises(Refused) as raised:
                    caller.call("3001", 5.0)
                self.assertTrue(400 <= (raised.exception.status or 0) < 600, raised.exception)
        self.assertEqual(callee.heard, [])

    def test_a_listener_takes_its_own_transport_only(self):
        """SIP in clear on the TLS port, a hello of TLS on the TCP port."""
        clear = StreamEnd(self.net.out, (host("out", ".2"), 5070), (host("out", ".1"), port_of("tls")))
        self.addCleanup(clear.close)
        connection = clear.connection()
        connection.send(sip.request("OPTIONS", clear.here, clear.remote))
        self.assertIn(await_ended(connection), ("end", "reset"))
        self.assertEqual(connection.messages, [])
        hello = StreamEnd(self.net.out, (host("out", ".2"), 5071), (host("out", ".1"), SIP_PORT), "TLS",
                          self.sides["out"].identity("hello", host("out", ".2")))
        self.addCleanup(hello.close)
        with self.assertRaises(OSError):
            hello.connect()


if __name__ == "__main__":
    unittest.main()
