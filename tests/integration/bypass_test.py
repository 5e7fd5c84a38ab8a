"""bypass_test.py — no header and no parameter leads a request past the routes, to a host of its sender's choice, or makes
a stranger known. RFC 3261 §16.4, §19.1.1, RFC 5923 §9; threats I5."""

import os
import select
import socket
import unittest

from harness import OUT4, eventually
from stream_case import StreamCase, far_end, host
from stream_phone import StreamEnd

SDP = b"v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\ns=-\r\nc=IN IP4 198.18.1.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


class Bypass(StreamCase):
    def setUp(self):
        super().setUp()
        self.traps = []
        for side in ("out", "in"):
            namespace, address = far_end(self.net, side), host(side, ".9")
            namespace.ip("address", "add", f"{address}/24", "dev", "wire", check=False)
            listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, 5060))
            listener.listen()
            self.traps += [namespace.udp(address, 5060), listener]
        for one in self.traps:
            self.addCleanup(one.close)

    def invite(self, source, **changes):
        """changes: uri, via (parameters), contact, lines (more headers), transport."""
        here, transport = f"{source[0]}:{source[1]}", changes.get("transport", "UDP")
        unique = os.urandom(8).hex()
        lines = [f"INVITE {changes.get('uri', 'sip:1001@198.18.1.1')} SIP/2.0",
                 f"Via: SIP/2.0/{transport} {changes.get('sent_by', here)};branch=z9hG4bK{unique}{changes.get('via', ';rport')}",
                 f"From: <sip:caller@{here}>;tag={unique}", "To: <sip:1001@198.18.1.1>", f"Call-ID: {unique}", "CSeq: 1 INVITE",
                 "Max-Forwards: 70", f"Contact: {changes.get('contact', f'<sip:caller@{here}>')}", *changes.get("lines", ()),
                 "Content-Type: application/sdp", f"Content-Length: {len(SDP)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + SDP

    def assert_nobody_is_trapped(self):
        self.assertEqual(select.select(self.traps, [], [], 0.3)[0], [], "a host of the sender's choice was reached")

    def final(self, answers):
        def found():
            return next((int(m[8:11]) for m in answers() if m.startswith(b"SIP/2.0 ") and m[8:11] >= b"200"), None)
        return eventually(found, "a final answer")

    def ask_udp(self, **changes):
        sock = self.net.out.udp(host("out", ".2"), 5060)
        heard = []
        try:
            sock.sendto(self.invite(sock.getsockname(), **changes), (OUT4, 5060))

            def answers():
                while select.select([sock], [], [], 0)[0]:
                    heard.append(sock.recv(65535))
                return heard
            return self.final(answers)
        finally:
            sock.close()

    def ask_tcp(self, **changes):
        end = StreamEnd(self.net.out, (host("out", ".3"), 5077), (OUT4, 5060))
        try:
            connection = end.connect()
            connection.send(self.invite(connection.near, transport="TCP", **changes))
            return self.final(lambda: connection.messages[:])
        finally:
            end.close()

    # RFC 3261 §16.4
    def test_a_route_that_is_not_ours_is_refused(self):
        callee = self.phone("in", "1")
        there = host("in", ".9")
        for lines in ([f"Route: <sip:{there};lr>"], [f"Route: <sip:198.18.1.1;lr>, <sip:{there};lr>"], [f"Route: <sip:{there}>"],
                      ["Route: <sip:198.18.1.1;lr>", f"Route: <sip:{there}:5060;transport=tcp;lr>"], [f"route : <sip:x@{there};lr;maddr={there}>"]):
            for ask in (self.ask_udp, self.ask_tcp):
                with self.subTest(lines=lines, by=ask.__name__):
                    self.assertIn(ask(lines=lines), (403, 404))
                    self.assertEqual(callee.heard, [])
        self.assert_nobody_is_trapped()

    def test_parameters_and_hosts_of_the_request_uri_pick_no_next_hop(self):
        there, elsewhere = host("in", ".9"), host("out", ".9")
        callee = self.phone("in", "1")
        for uri in (f"sip:1001@198.18.1.1;maddr={there}", f"sip:1001@198.18.1.1;maddr={elsewhere};transport=tcp", f"sip:1001@{there}",
                    f"sip:1001@198.18.1.1;received={there};alias", f"sip:1001@{there};transport=tcp;lr", f"sip:1001@{elsewhere}:5060",
                    f"sip:1001@198.18.1.1;transport=tls;ttl=5;maddr={there}"):
            for ask in (self.ask_udp, self.ask_tcp):
                with self.subTest(uri=uri, by=ask.__name__):
                    self.assertTrue(ask(uri=uri) >= 200)  # routed by its number, or refused
        self.assert_nobody_is_trapped()
        self.assertFalse([m for m in callee.heard if b"maddr" in m.octets or b"alias" in m.octets])

    def test_answers_go_where_the_request_came_from(self):
        there = host("out", ".9")
        self.phone("in", "1")
        for via in (f";maddr={there}", f";received={there}", f";rport=5060;received={there}", ";alias", f";rport;maddr={there};ttl=1"):
            with self.subTest(via=via):
                self.assertTrue(self.ask_udp(via=via) >= 200)
                self.assertTrue(self.ask_tcp(via=via, sent_by=f"{there}:5060") >= 200)
        self.assert_nobody_is_trapped()

    def test_a_contact_with_another_host_leads_no_request_to_the_other_side(self):
        callee = self.phone("in", "1")
        for contact in (f"<sip:x@{host('in', '.9')}>", f"<sip:x@198.18.1.2;maddr={host('in', '.9')}>"):
            with self.subTest(contact=contact):
                self.ask_tcp(contact=contact)
                dialog = eventually(lambda c=callee: c.legs and c.last_leg().dialog, "the call has come")
                dialog.hang_up(3.0)
        self.assert_nobody_is_trapped()

    def test_a_stranger_stays_one_whatever_he_writes(self):
        callee, peer = self.phone("in", "1"), host("out", ".2")
        self.net.out.ip("address", "add", f"{host('out', '.10')}/24", "dev", "wire", check=False)
        sock = self.net.out.udp(host("out", ".10"), 5060)
        self.addCleanup(sock.close)
        for lines in ((), (f"X-Real-IP: {peer}", f"X-Forwarded-For: {peer}"), (f"P-Asserted-Identity: <sip:carrier@{peer}>",),
                      (f"Via: SIP/2.0/UDP {peer}:5060;branch=z9hG4bKx",), (f"Record-Route: <sip:{peer};lr>",), (f"Path: <sip:{peer}>",)):
            for sent_by, via in ((f"{peer}:5060", f";received={peer}"), (f"[::ffff:{peer}]:5060", ";rport"), (f"{peer}:5060", ";alias;rport")):
                sock.sendto(self.invite((peer, 5060), lines=lines, sent_by=sent_by, via=via), (OUT4, 5060))
        end = StreamEnd(self.net.out, (host("out", ".10"), 5078), (OUT4, 5060))
        self.addCleanup(end.close)
        connection = end.connect()
        connection.send(self.invite((peer, 5060), transport="TCP", via=f";alias;received={peer}"))
        known = self.phone("out", "2")
        self.hang_up(self.connect(known, callee, "1"), callee.last_leg())  # all before it has been seen
        self.assertEqual(len(callee.legs), 1)
        self.assertEqual(select.select([sock], [], [], 0)[0], [])
        self.assertEqual([m for m in connection.messages if not m.startswith(b"SIP/2.0 4")], [])


if __name__ == "__main__":
    unittest.main()
