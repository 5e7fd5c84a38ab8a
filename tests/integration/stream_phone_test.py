"""stream_phone_test.py — the test's own phone over TCP and TLS, two of them without a Sallyport between: what it says on
the wire is what its tests believe. RFC 3261 §18."""

import os
import ssl
import unittest

import certificates
import sip
from harness import Network, eventually
from phone import Phone
from stream_phone import PING, Framer, StreamEnd, await_ended

LEFT, RIGHT = ("198.18.1.2", 5060), ("198.18.1.3", 5060)
LEFT6, RIGHT6 = ("fd18:1::2", 5060), ("fd18:1::3", 5060)


class Framing(unittest.TestCase):
    def test_any_split_gives_the_same_messages(self):
        one, two = b"A sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody", b"B sip:b SIP/2.0\r\nl: 0\r\n\r\n"
        stream = PING + one + two + b"\r\n" + one
        for size in (1, 2, 7, 1000):
            framer = Framer()
            found = [m for at in range(0, len(stream), size) for m in framer.take(stream[at:at + size])]
            self.assertEqual((found, framer.rest), ([one, two, one], b""))
            self.assertGreaterEqual(framer.pings + framer.pongs, 2)

    def test_a_message_without_length_is_a_fault(self):
        with self.assertRaises(ValueError):
            Framer().take(b"A sip:a SIP/2.0\r\n\r\n")


class TwoPhones(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            raise AssertionError("needs root for namespaces: sudo tests/run --only integration")
        self.net = Network()
        self.addCleanup(self.net.remove)
        self.net.out.ip("address", "add", "198.18.1.3/24", "dev", "wire")
        self.net.out.ip("address", "add", "fd18:1::3/64", "dev", "wire", "nodad")

    def phones(self, transport, here=LEFT, there=RIGHT, identity=None):
        found = []
        for mine, other in ((here, there), (there, here)):
            end = StreamEnd(self.net.out, mine, other, transport, identity)
            found.append(Phone(end, other))
            self.addCleanup(found[-1].stop)
        return found

    def identity(self):
        authority = certificates.Authority(self.net.folder, "trunks")
        return certificates.Identity(authority.issue("phone", addresses=[LEFT[0], RIGHT[0]]), authority, demands=True)

    def check_calls(self, left, right):
        for caller, callee in ((left, right), (right, left)):
            for hangs_up in (caller, callee):
                dialog = caller.call("4001")
                eventually(lambda c=callee, d=dialog: c.dialogs[d.call_id].is_acked, "the ACK")
                self.assertEqual(hangs_up.dialogs[dialog.call_id].hang_up(), 200)
        for phone in (left, right):
            self.assertEqual(phone.sock.faults, [])
            self.assertTrue(phone.sock.opened_by(True) and phone.sock.opened_by(False))

    def test_calls_over_tcp(self):
        for here, there in ((LEFT, RIGHT), (LEFT6, RIGHT6)):
            with self.subTest(here=here):
                self.check_calls(*self.phones("TCP", here, there))

    def test_calls_over_tls_whose_both_sides_show_certificates(self):
        self.check_calls(*self.phones("TLS", identity=self.identity()))

    def test_calls_octet_by_octet(self):
        for phones in (self.phones("TCP"), self.phones("TLS", LEFT6, RIGHT6, self.identity())):
            for phone in phones:
                phone.sock.splits = True
            self.check_calls(*phones)

    def test_pipelined_requests_are_answered_in_their_order_and_a_ping_by_a_pong(self):
        left, right = self.phones("TCP")
        asked = [sip.request("OPTIONS", LEFT, RIGHT) for _ in range(5)]
        left.sock.together(PING, *asked)
        connection = left.sock.connections[0]
        eventually(lambda: len(connection.messages) == 5, "five answers")
        self.assertEqual([sip.call_id_of(m) for m in connection.messages], [sip.call_id_of(m) for m in asked])
        self.assertEqual((connection.framer.pongs, right.sock.connections[0].framer.pings), (1, 1))

    def test_a_connection_that_was_reset_or_closed_is_opened_again(self):
        left, right = self.phones("TCP")
        for end in ("reset", "close"):
            dialog = left.call("4001")
            connection = next(c for c in right.sock.connections if c.is_open)
            getattr(connection, end)()
            self.assertEqual(await_ended(left.sock.connections[-1]), {"reset": "reset", "close": "end"}[end])
            self.assertEqual(dialog.hang_up(), 200)

    def test_who_refuses_is_reached_again_once_he_listens(self):
        left, right = self.phones("TCP")
        right.sock.refuse()
        self.assertRaises(ConnectionRefusedError, left.call, "4001")
        right.sock.listen()
        self.assertEqual(left.call("4001").hang_up(), 200)

    def test_what_is_wrong_with_a_certificate_is_seen(self):
        authority = certificates.Authority(self.net.folder, "trunks")
        other = certificates.Authority(self.net.folder, "others")
        pairs = {"expired": (authority.issue("late", days=certificates.EXPIRED), "expired"),
                 "foreign": (other.issue("foreign"), "unable to get local issuer"),
                 "self-signed": (certificates.self_signed(self.net.folder, "own"), "self-signed")}
        right = StreamEnd(self.net.out, RIGHT, LEFT, "TLS", None)
        self.addCleanup(right.close)
        left = StreamEnd(self.net.out, LEFT, RIGHT, "TLS", certificates.Identity(authority.issue("left"), authority))
        self.addCleanup(left.close)
        for name, (pair, words) in pairs.items():
            with self.subTest(certificate=name):
                right.identity = certificates.Identity(pair, authority)
                with self.assertRaisesRegex(ssl.SSLError, words):
                    left.connect()
        below = certificates.Authority(self.net.folder, "below", above=authority)
        right.identity = certificates.Identity(below.issue("chained"), authority)
        self.assertEqual(left.connect().version, "TLSv1.3")


if __name__ == "__main__":
    unittest.main()
