"""options_test.py — the first SIP answer: peers and trusted sources get one on either side, strangers silence."""

import socket
import struct
import unittest

import sip
from harness import (FAR_IN4, FAR_IN6, IN4, IN6, OUT4, OUT6, SIP_PORT, SharedCase, eventually)
from netns import run

STRANGER4, STRANGER6, DENIED = "198.18.1.77", "fd18:1::77", "198.18.1.66"


class Options(SharedCase):
    @classmethod
    def configure(cls, config):
        config["security"] = {"access": [{"source": f"{DENIED}/32", "realm": "outside", "action": "deny"}]}
        for address in (f"{STRANGER4}/24", f"{DENIED}/24"):
            cls.shared.out.ip("address", "add", address, "dev", "wire")
        cls.shared.out.ip("address", "add", f"{STRANGER6}/64", "dev", "wire", "nodad")

    def stranger(self, address, port=0):
        sock = self.net.out.udp(address, port)
        self.addCleanup(sock.close)
        return sock

    # RFC 3261 §11.2
    def test_a_known_peer_is_answered_with_what_we_can_do(self):
        answer = self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        for name in ("Allow", "Accept", "Supported"):
            self.assertIn(name.lower(), answer.headers)
        self.assertIn("OPTIONS", answer.header("Allow"))
        self.assertRegex(answer.header("To"), r";tag=\S+")

    def test_both_sides_answer_over_ipv4_and_ipv6(self):
        for side, version, remote in (("out", 4, OUT4), ("out", 6, OUT6), ("in", 4, IN4), ("in", 6, IN6)):
            with self.subTest(side=side, version=version):
                self.assert_answered(self.known(side, version), (remote, SIP_PORT))

    def test_a_trusted_realm_answers_whoever_asks(self):
        for address, remote in ((FAR_IN4, IN4), (FAR_IN6, IN6)):
            sock = self.net.inn.udp(address)
            self.addCleanup(sock.close)
            self.assert_answered(sock, (remote, SIP_PORT))

    # RFC 8489 §14.2, RFC 5626 §8
    def test_a_known_peer_learns_by_stun_where_it_is_seen_and_a_stranger_nothing(self):
        cookie, transaction = b"\x21\x12\xa4\x42", b"abcdefghijkl"
        question = b"\0\1\0\0" + cookie + transaction
        for version, remote in ((4, OUT4), (6, OUT6)):
            with self.subTest(version=version):
                sock = self.known("out", version)
                sock.settimeout(5.0)
                sock.sendto(question, (remote, SIP_PORT))
                answer, source = sock.recvfrom(2048)
                self.assertEqual(source[:2], (remote, SIP_PORT))
                self.assertEqual((answer[:2], answer[4:20]), (b"\1\1", cookie + transaction))
                port, address = struct.unpack("!H", answer[26:28])[0] ^ 0x2112, answer[28:]
                seen = bytes(a ^ b for a, b in zip(address, cookie + transaction))
                family = socket.AF_INET if version == 4 else socket.AF_INET6
                self.assertEqual((socket.inet_ntop(family, seen), port), sock.getsockname()[:2])
        stranger = self.stranger(STRANGER4)
        stranger.settimeout(0.5)
        stranger.sendto(question, (OUT4, SIP_PORT))
        with self.assertRaises(TimeoutError):
            stranger.recv(2048)

    def test_strangers_get_silence(self):
        before = self.daemon.count("sip_dropped_total", realm="outside", reason="stranger")
        self.assert_silent(self.stranger(STRANGER4), (OUT4, SIP_PORT))
        self.assert_silent(self.stranger(STRANGER6), (OUT6, SIP_PORT))
        eventually(lambda: self.daemon.count("sip_dropped_total", realm="outside", reason="stranger") >= before + 2,
                   "strangers are counted")

    def test_strangers_get_silence_for_any_method_and_for_junk(self):
        sock = self.stranger(STRANGER4)
        remote = (OUT4, SIP_PORT)
        for method in ("INVITE", "REGISTER", "SUBSCRIBE", "FLY"):
            self.assertIsNone(sip.ask(sock, remote, sip.request(method, sock.getsockname(), remote), 0.4))
        sock.sendto(b"\0\xff not SIP at all", remote)
        self.assertIsNone(sip.ask(sock, remote, b"OPTIONS sip:x SIP/9.9\r\nCall-ID: j\r\n\r\n", 0.4))

    def test_a_denied_source_is_dropped_by_the_guard(self):
        before = self.daemon.dropped("outside", "denied")
        self.assert_silent(self.stranger(DENIED), (OUT4, SIP_PORT))
        eventually(lambda: self.daemon.dropped("outside", "denied") > before, "denied is counted")

    # RFC 3261 §8.2.1, §21.5.2; a REFER is for a call that is there, threats D5
    def test_methods_get_their_answers(self):
        sock, remote = self.known("out", 4), (OUT4, SIP_PORT)
        for method, status in (("INFO", 481), ("REFER", 403), ("NOTIFY", 489), ("SUBSCRIBE", 405), ("PUBLISH", 405), ("REGISTER", 405),
                               ("FLY", 405)):
            with self.subTest(method=method):
                answer = sip.ask(sock, remote, sip.request(method, sock.getsockname(), remote), 5.0)
                self.assertIsNotNone(answer)
                self.assertEqual(answer.status, status)
                if status == 405:
                    self.assertIn("OPTIONS", answer.header("Allow"))

    # RFC 3261 §16.7, §18.4: nobody listens at the PBX' address, and the caller is told.
    def test_invite_to_a_peer_that_is_not_there_is_refused(self):
        sock, remote = self.known("out", 4), (OUT4, SIP_PORT)
        message = sip.request("INVITE", sock.getsockname(), remote)
        answer = sip.ask(sock, remote, message, 5.0)
        self.assertIsNotNone(answer)
        self.assertEqual(answer.status, 100)
        final = sip.receive(sock, sip.call_id_of(message), sip.time.monotonic() + 12.0)
        self.assertIsNotNone(final)
        self.assertIn(final.status, (408, 503))

    # RFC 3261 §17.2.2
    def test_a_retransmission_gets_the_same_answer(self):
        sock, remote = self.known("out", 4), (OUT4, SIP_PORT)
        message = sip.request("OPTIONS", sock.getsockname(), remote)
        first, second = sip.ask(sock, remote, message), sip.ask(sock, remote, message)
        self.assertIsNotNone(second)
        self.assertEqual(first.octets, second.octets)

    # RFC 3581 §4
    def test_with_rport_the_answer_goes_to_the_port_it_came_from(self):
        sock, remote = self.known("out", 4, 5999), (OUT4, SIP_PORT)
        message = sip.request("OPTIONS", (sock.getsockname()[0], 6999), remote)
        answer = sip.ask(sock, remote, message)
        self.assertIsNotNone(answer)
        self.assertRegex(answer.header("Via"), r"rport=5999")
        self.assertRegex(answer.header("Via"), r"received=198\.18\.1\.2")

    # RFC 3261 §18.2.2
    def test_without_rport_the_answer_goes_to_the_port_in_via(self):
        sock, other, remote = self.known("out", 4, 5998), self.known("out", 4, 6998), (OUT4, SIP_PORT)
        message = sip.request("OPTIONS", other.getsockname(), remote, rport=False)
        sock.sendto(message, remote)
        answer = sip.receive(other, sip.call_id_of(message), sip.time.monotonic() + 5.0)
        self.assertIsNotNone(answer)
        self.assertEqual(answer.status, 200)

    def test_counters_prove_that_the_fast_path_carried_it(self):
        before = self.daemon.count("dataplane_packets_total", port="outside", **{"class": "signalling"})
        asked = self.daemon.count("sip_requests_total", realm="outside", direction="in", method="OPTIONS")
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        eventually(lambda: self.daemon.count("dataplane_packets_total", port="outside", **{"class": "signalling"})
                   >= before + 2, "one in, one out")
        eventually(lambda: self.daemon.count("sip_requests_total", realm="outside", direction="in", method="OPTIONS")
                   > asked, "a request is counted")

    def test_sipsak_gets_its_answer(self):
        done = run("ip", "netns", "exec", self.net.inn.name, "sipsak", "-s", f"sip:test@{IN4}", check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
