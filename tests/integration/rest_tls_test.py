"""rest_tls_test.py — REST over TLS on an address that others reach: versions, certificates that change, tokens, and clients that
mean no good. RFC 8446, RFC 9112, RFC 9325, threats R12."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import unittest
import warnings

from certificates import Authority
from harness import BINARY, OUT4, SIP_PORT, eventually
from netns import run, veth
from rest import RestCase, next_event

PLACE, CLIENT, PORT = "198.18.9.1", "198.18.9.2", 8443


class OpenAddress(RestCase):
    """Management has a wire of its own to another machine."""

    host, port = PLACE, PORT

    def setUp(self):
        self.authority = None
        super().setUp()
        self.client = self.net.namespace("adm")
        veth(self.net.sbc, "mgmt", self.client, "wire")
        self.net.sbc.ip("address", "add", f"{PLACE}/24", "dev", "mgmt")
        self.net.sbc.ip("link", "set", "mgmt", "up")
        self.client.ip("address", "add", f"{CLIENT}/24", "dev", "wire")
        self.client.ip("link", "set", "wire", "up")

    def configure(self, config):
        self.authority = Authority(self.net.folder, "office")
        self.issue("edge")
        config["tls"] = {"certificates": [{"name": "edge", "certificate": "edge.pem", "key": "edge.key"}]}
        config["management"].update(listen=f"0.0.0.0:{PORT}", tls_certificate="edge")
        self.tls = ssl.create_default_context(cafile=self.authority.path)

    def issue(self, name):
        return self.authority.issue(name, addresses=[PLACE])

    def connect(self, namespace=None):
        return super().connect(namespace or self.client)

    def clear(self):
        """A client's socket without TLS."""
        wrapped, self.tls = self.tls, None
        try:
            return self.connect()
        finally:
            self.tls = wrapped

    def shown(self):
        """The serial number of the certificate."""
        with self.connect() as sock:
            return sock.getpeercert()["serialNumber"]

    def test_tokens_and_metrics_work_over_tls(self):
        self.assertEqual(self.ask("GET", "/healthz").status, 200)
        self.assertEqual(self.ask("GET", "/api/v1/calls").status, 401)
        self.assertEqual(self.ask("GET", "/api/v1/calls", "viewer").status, 200)
        self.assertIn('sallyport_certificate_expiry_timestamp_seconds{certificate="edge"}', self.ask("GET", "/metrics").text)
        order = json.dumps({"prefix": "198.18.1.77"})
        self.assertEqual(self.ask("POST", "/api/v1/blocked", "operator", body=order).status, 200)
        told = json.loads(self.daemon.wait_for_log('"rest_change"'))
        self.assertEqual((told["by"], told["from"]), ("operator", CLIENT))
        next_event(self.stream("/api/v1/events", "viewer"), "stats")

    def test_old_versions_and_clear_text_find_nothing(self):
        with self.connect() as sock:
            self.assertEqual(sock.version(), "TLSv1.3")
        self.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.connect() as sock:
            self.assertEqual(sock.version(), "TLSv1.2")
            self.assertRegex(sock.cipher()[0], "ECDHE.*(GCM|CHACHA)")
        self.tls.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tls.minimum_version = ssl.TLSVersion.TLSv1
            self.tls.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect()
        with self.clear() as sock:
            sock.sendall(b"GET /api/v1/calls HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                self.assertNotIn(b"HTTP/1.1 200", sock.recv(65536))

    def test_a_certificate_that_changes_is_read_again_and_a_broken_one_is_not(self):
        before = self.shown()
        open_before = self.stream("/api/v1/events", "viewer")
        self.issue("other")
        shutil.copy(os.path.join(self.net.folder, "other.pem"), os.path.join(self.net.folder, "edge.pem"))
        self.daemon.wait_for_log('"certificate_failed"', 25.0)  # the key is still that of before
        self.assertEqual(self.shown(), before)
        shutil.copy(os.path.join(self.net.folder, "other.key"), os.path.join(self.net.folder, "edge.key"))
        self.daemon.wait_for_log('"certificate_read"', 25.0)
        self.assertNotEqual(self.shown(), before)
        next_event(open_before, "stats")  # who was there stays

    def test_that_it_ends_soon_is_an_alarm_though_no_listener_of_sip_has_tls(self):
        def alarms():
            return [(one["name"], one["subject"], one["detail"]) for one in self.daemon.show("alarms")["alarms"]
                    if one["name"] == "certificate_expires"]
        self.assertEqual(alarms(), [])
        self.authority.issue("edge", days=2, addresses=[PLACE])
        eventually(lambda: alarms() == [("certificate_expires", "edge", "expires in 1 day")], alarms, 30.0)
        self.issue("edge")
        eventually(lambda: not alarms(), alarms, 30.0)

    def test_hostile_clients_are_bounded_and_harm_nobody(self):
        hostile = []
        for _ in range(40):  # of which a source may have 32; they shake no hands
            with contextlib.suppress(OSError):
                hostile.append(self.clear())
        for sock in hostile:
            self.addCleanup(sock.close)
        with self.assertRaises((OSError, ssl.SSLError)):
            self.connect().close()
        self.assert_answered(self.known("out"), (OUT4, SIP_PORT))
        eventually(self.is_served, "the handshakes' time is over", 15.0)

    def is_served(self):
        try:
            return self.ask("GET", "/healthz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def test_check_takes_it_and_names_what_is_missing(self):
        path = self.daemon.config_path
        done = run(BINARY, "check", "-c", path, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.config["management"]["tls_certificate"] = "none"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        done = run(BINARY, "check", "-c", path, check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("tls_certificate", done.stdout + done.stderr)


class Hostile(RestCase):
    """On loopback, in clear: what a parser of requests may be shown."""

    def say(self, octets, seconds=15):
        """All that comes back until the server closes."""
        with self.connect() as sock:
            sock.settimeout(seconds)
            answered = b""
            with contextlib.suppress(OSError):  # it may have its answer, and be gone, before all is said
                sock.sendall(octets)
                sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while chunk := sock.recv(65536):
                    answered += chunk
            return answered

    def test_requests_of_all_kinds_get_an_answer_of_the_standard_or_none(self):
        good = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        for octets, status in (
                (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"431"),
                (good + b"X: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
                (b"POST /api/v1/blocked HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", b"413"),
                (b"POST /api/v1/blocked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 b"10000\r\n" + b"a" * 65536 + b"\r\n10000\r\n" + b"a" * 65536 + b"\r\n0\r\n\r\n", b"413"),
                (b"POST /api/v1/blocked HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"400"),
                (good + b"Content-Length: -1\r\n\r\n", b"400"),
                (b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", b"400"),
                (b"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", b"400"),
                (b"\x00" * 100 + b"\r\n\r\n", b"400"),
                (b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
                (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
                (b"GET /page/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
                (b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
                (good + b"Expect: nothing\r\n\r\n", b"200")):
            answered = self.say(octets)
            self.assertEqual(answered[9:12], status, (octets[:60], answered[:80]))
        for depth in (b"[" * 60000, b'{"a":' * 10000):
            answered = self.say(b"POST /api/v1/blocked HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                b"Authorization: Bearer " + b"2" * 32 + b"\r\nContent-Length: %d\r\n\r\n" % len(depth) + depth)
            self.assertEqual(answered[9:12], b"400", answered[:80])
        self.assertEqual(self.ask("GET", "/healthz").status, 200)

    def test_a_thousand_requests_in_one_go_are_all_answered(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with self.connect() as sock:
            sock.sendall(request * 1000)
            answered = b""
            while answered.count(b"HTTP/1.1 200 OK") < 1000 or not answered.endswith(b'{"healthy":true}\n'):
                chunk = sock.recv(65536)
                self.assertTrue(chunk, "the server has closed")
                answered += chunk

    def test_clients_that_say_one_octet_at_a_time_are_let_go_and_others_are_served(self):
        slow = [self.connect() for _ in range(300)]  # of which 256 find room
        for sock in slow:
            self.addCleanup(sock.close)
            with contextlib.suppress(OSError):
                sock.sendall(b"GET /healthz HT")
        self.assert_answered(self.known("out"), (OUT4, SIP_PORT))
        self.assertTrue(self.daemon.show("ports"))

        def served():
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.ask("GET", "/healthz").status == 200
            return False
        eventually(served, "they are let go", 25.0)


if __name__ == "__main__":
    unittest.main()
