"""stream_attack_test.py — what strangers and broken peers do to TCP and TLS, while calls of known peers go on and none of
them fails. Threats P1, P2, P14, P15, R8, R9; RFC 3261 §18.3."""

import contextlib
import errno
import itertools
import os
import socket
import ssl
import threading
import time
import unittest

import certificates
import sip
from harness import eventually
from stream_case import TLS_PORT, StreamCase, far_end, host, own_address, port_of
from stream_phone import StreamEnd, await_ended, ready

KNOWN, STRANGER = host("out", ".3"), host("out", ".9")
FIRST_MESSAGE, IDLE, PER_SOURCE = 2, 4, 20
CROWD = range(20, 220)  # last parts of the addresses of many strangers
PADDING = "X-Padding: " + "p" * 1000
REGISTER = "REGISTER sip:198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/TCP 198.18.1.9:5060;branch=z9hG4bKslip\r\nFrom: <sip:a@b>;tag=1\r\n" \
           "To: <sip:a@b>\r\nCall-ID: slipped\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:a@198.18.1.9>\r\nContent-Length: 0\r\n\r\n"


class CallsMeanwhile:
    """Known peers call each other, one call after the other, over TCP and TLS, with a call that speaks all the time."""

    def __init__(self, case):
        self.case, self.made, self.failures = case, 0, []
        self.caller, self.callee = case.phone("out", "2", speaks=False), case.phone("in", "3", speaks=False)
        self.standing = case.connect(case.phone("out", "3"), case.phone("in", "1"), "1").talk().await_voice(5)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self):
        self._thread.start()
        self.await_calls(1)
        return self

    def __exit__(self, *failure):
        if failure[0] is None:
            self.await_calls(2)
        self._stopped.set()
        self._thread.join(30)
        if failure[0] is not None:
            return
        self.case.assertEqual(self.failures, [])
        self.standing.await_voice(5)
        self.case.assertLess(max(end.gap(other) for end, other in (self.standing.ends, self.standing.ends[::-1])), 1.0)
        self.case.hang_up(self.standing, self.standing.near)

    def await_calls(self, more):
        before = self.made
        eventually(lambda: self.made >= before + more or self.failures, f"{more} calls more", 30.0)

    def _live(self):
        while not self._stopped.is_set():
            try:
                dialog = self.caller.call("3001", 10.0)
                if dialog.hang_up() != 200:
                    self.failures.append(f"BYE of call {self.made}")
                self.made += 1
            except Exception as failure:  # pylint: disable=broad-exception-caught
                self.failures.append(f"call {self.made}: {failure!r}")
                return


class AttackCase(StreamCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        config["dataplane"]["capacity"].update(connections=1000, sources=20000)
        config["security"] = {"limits": {"tcp": {"connections_per_source": PER_SOURCE, "first_message": f"{FIRST_MESSAGE}s",
                                                 "idle": f"{IDLE}s"}}}
        for last in (9, *CROWD):
            far_end(cls.shared, "out").ip("address", "add", f"{host('out', f'.{last}')}/24", "dev", "wire", check=False)

    def setUp(self):
        super().setUp()
        self.ports = itertools.count(5100)

    def wire(self, address=KNOWN, transport="TCP", identity=None):
        end = StreamEnd(self.net.out, (address, next(self.ports)), (own_address("out", address), port_of(transport.lower())), transport,
                        identity or (self.sides["out"].identity("carrier-3", host("out", ".4")) if transport == "TLS" else None))
        self.addCleanup(end.close)
        return end

    def question(self, connection, **extra):
        return sip.request("OPTIONS", connection.near, connection.far, **extra).replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")

    def memory(self):
        """Resident kilobytes of the daemon."""
        with open(f"/proc/{self.daemon.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def raw_socket(self, address, wait=False, port=port_of("tcp")):
        """A TCP socket of a stranger, which need not come to be connected."""
        sock = far_end(self.net, "out").socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.bind((address, 0))
        if wait:
            sock.settimeout(10)
            sock.connect((own_address("out", address), port))
        else:
            sock.setblocking(False)
            sock.connect_ex((own_address("out", address), port))
        return sock

    def seconds_until_end(self, sock, most):
        """How long the other side left it open; what it says meanwhile is thrown away."""
        began = time.monotonic()
        while time.monotonic() - began < most:
            if ready([sock], 0.1):
                try:
                    if not sock.recv(65536):
                        return time.monotonic() - began
                except OSError:
                    return time.monotonic() - began
        self.fail(f"still open after {most} s")


class Framing(AttackCase):
    def lengths(self, *lines, body=b"x" * 10):
        """An OPTIONS with these lines in place of its Content-Length."""
        def make(connection):
            octets = self.question(connection).replace(b"Content-Length: 0\r\n", "".join(f"{one}\r\n" for one in lines).encode())
            return octets + body
        return make

    # threats P1
    def test_a_length_that_says_nothing_is_answered_400_and_ends_the_connection(self):
        wrong = {"negative": ["Content-Length: -1"], "a word": ["Content-Length: ten"], "empty": ["Content-Length:"],
                 "over 2^31": ["Content-Length: 2147483649"], "over 2^32": ["Content-Length: 4294967306"],
                 "over 2^64": ["Content-Length: 18446744073709551626"], "endless": ["Content-Length: " + "9" * 400],
                 "two": ["Content-Length: 10", "Content-Length: 0"], "two names": ["l: 10", "Content-Length: 0"],
                 "a list": ["Content-Length: 10, 0"], "hexadecimal": ["Content-Length: 0x0a"], "signed": ["Content-Length: +10"]}
        before = self.memory()
        for name, lines in wrong.items():
            for splits in (False, True):
                with self.subTest(length=name, splits=splits):
                    connection = self.wire().connect()
                    with contextlib.suppress(OSError):
                        connection.send(self.lengths(*lines)(connection), splits)
                        connection.send(self.question(connection))  # must not be found
                    self.assertIn(await_ended(connection), ("end", "reset"))
                    statuses = [m[8:11] for m in connection.messages]
                    self.assertEqual(len(statuses), 1, connection.messages)
                    self.assertIn(statuses[0], (b"400", b"413", b"513"))
        self.assertLess(self.memory() - before, 32 * 1024)

    def test_a_body_that_is_larger_than_what_is_taken_ends_the_connection_before_it_comes(self):
        connection = self.wire().connect()
        connection.send(self.lengths("Content-Length: 2000000", body=b"")(connection))
        self.assertEqual(await_ended(connection), "end")
        self.assertIn(connection.messages[0][8:11], (b"400", b"413", b"513"))

    def test_a_head_without_end_ends_the_connection(self):
        before, connection = self.memory(), self.wire().connect()
        with contextlib.suppress(OSError):
            connection.send(b"OPTIONS sip:198.18.1.1 SIP/2.0\r\n")
            for _ in range(5000):
                connection.send(PADDING.encode() + b"\r\n")
        self.assertIn(await_ended(connection), ("end", "reset"))
        self.assertLess(self.memory() - before, 32 * 1024)

    # threats P2
    def test_each_of_pipelined_requests_is_policed(self):
        connection = self.wire().connect()
        first, last = self.question(connection), self.question(connection)
        broken = self.lengths("Content-Length: -5")(connection)
        foreign = self.question(connection).replace(b"OPTIONS", b"PUBLISH")
        connection.send(first + foreign + broken + last)
        self.assertEqual(await_ended(connection), "end")
        self.assertEqual([m[8:11] for m in connection.messages], [b"200", b"405", b"400"])
        self.assertNotIn(sip.call_id_of(last), [sip.call_id_of(m) for m in connection.messages])

    # threats P14
    def test_junk_line_ends_and_octets_one_by_one_change_nothing(self):
        connection = self.wire().connect()
        connection.send(b"\r\n" * 500, splits=True)
        asked = self.question(connection)
        connection.send(asked, splits=True)
        connection.send(b"\r\n" * 3 + asked.replace(b"z9hG4bK", b"z9hG4bKb").replace(b"Call-ID: ", b"Call-ID: b"))
        eventually(lambda: len(connection.messages) == 2 or not connection.is_open, "two answers")
        self.assertEqual([m[8:11] for m in connection.messages], [b"200", b"200"])

    # threats P15; Samy Kamkar, NAT slipstreaming, 2020
    def test_sip_inside_another_protocol_is_never_found(self):
        post = f"POST / HTTP/1.1\r\nHost: 198.18.1.1:5060\r\nContent-Type: multipart/form-data\r\nContent-Length: {len(REGISTER) + 6000}\r\n\r\n"
        other = {"post": [post + REGISTER], "post at a segment": [post + PADDING * 5, REGISTER], "post in pieces": [post[:2], post[2:], REGISTER],
                 "get": ["GET / HTTP/1.1\r\n\r\n" + REGISTER], "text": ["hello\r\n\r\n" + REGISTER], "zeros": ["\0" * 200 + REGISTER],
                 "rtsp": ["OPTIONS rtsp://198.18.1.1/ RTSP/1.0\r\nCSeq: 1\r\n\r\n" + REGISTER], "ssh": ["SSH-2.0-OpenSSH\r\n", REGISTER],
                 "tls": ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + REGISTER], "smtp": ["EHLO sip\r\n\r\n" + REGISTER],
                 "long word": ["A" * 70000, REGISTER]}
        for address in (KNOWN, STRANGER):
            for name, pieces in other.items():
                with self.subTest(source=address, protocol=name):
                    connection = self.wire(address).connect()
                    with contextlib.suppress(OSError):
                        for piece in pieces:
                            connection.send(piece.encode("latin-1"))
                    self.assertIn(await_ended(connection, 1.5), ("end", "reset"))
                    self.assertEqual([m for m in connection.messages if b"slipped" in m], [])
                    if name not in ("rtsp",):
                        self.assertEqual((connection.messages, connection.framer.rest), ([], b""))

    def test_what_is_wrong_for_tcp_is_wrong_within_tls(self):
        for name, octets in (("post", b"POST / HTTP/1.1\r\n\r\n" + REGISTER.encode()), ("zeros", b"\0" * 300)):
            with self.subTest(protocol=name):
                connection = self.wire(host("out", ".4"), "TLS").connect()
                with contextlib.suppress(OSError):
                    connection.send(octets)
                self.assertIsNotNone(await_ended(connection))
                self.assertEqual(connection.messages, [])


class SlowLoris(AttackCase):
    """threats R8"""

    def test_idle_and_slow_connections_of_strangers_are_closed_in_time_and_calls_go_on(self):
        with CallsMeanwhile(self):
            idle = [self.raw_socket(STRANGER, wait=True) for _ in range(8)]
            slow = [self.raw_socket(host("out", f".{last}"), wait=True) for last in range(20, 28)]
            began = time.monotonic()
            message = f"OPTIONS sip:198.18.1.1 SIP/2.0\r\n{PADDING}\r\n".encode()
            for octet in message:
                alive = [s for s in slow if self.still_takes(s, bytes([octet]))]
                if not alive or time.monotonic() - began > 15:
                    break
                ready([], 1.0)  # one octet a second is the attack
            self.assertEqual(alive, [], "one octet a second keeps a connection open")
            self.assertLess(time.monotonic() - began, FIRST_MESSAGE + 4)
            for sock in idle:
                self.seconds_until_end(sock, 1.0)

    def still_takes(self, sock, octets):
        try:
            sock.send(octets)
            return not ready([sock], 0) or bool(sock.recv(100))
        except OSError:
            return False

    def test_a_known_peer_may_stay_idle(self):
        connection = self.wire().connect()
        connection.send(self.question(connection))
        eventually(lambda: connection.messages, "an answer")
        with CallsMeanwhile(self) as calls:
            end = time.monotonic() + IDLE + 2
            while time.monotonic() < end:
                calls.await_calls(1)
        self.assertTrue(connection.is_open)

    def test_a_handshake_that_does_not_go_on_is_ended(self):
        with CallsMeanwhile(self):
            hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
            for octets in (b"", hello[:3], hello):
                sock = self.raw_socket(STRANGER, wait=True, port=TLS_PORT)
                sock.send(octets)
                self.assertLess(self.seconds_until_end(sock, 8.0), 7.0)

    def test_who_never_reads_our_replies_is_left_and_holds_up_nobody(self):
        before = self.memory()
        with CallsMeanwhile(self):
            sock = far_end(self.net, "out").socket(socket.AF_INET, socket.SOCK_STREAM)
            self.addCleanup(sock.close)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.bind((host("out", ".3"), 0))
            sock.settimeout(10)
            sock.connect((own_address("out", KNOWN), port_of("tcp")))
            sock.settimeout(1)
            near, remote = sock.getsockname(), sock.getpeername()  # nobody's once it is reset
            end, ended = time.monotonic() + 40, False
            while time.monotonic() < end and not ended:
                try:
                    sock.sendall(b"".join(sip.request("OPTIONS", near, remote).replace(b"/UDP", b"/TCP") for _ in range(50)))
                except TimeoutError:
                    continue
                except OSError as error:
                    ended = error.errno in (errno.EPIPE, errno.ECONNRESET)
            self.assertTrue(ended, "it may send for ever what is never read")
        self.assertLess(self.memory() - before, 32 * 1024)


class Crowds(AttackCase):
    def alive(self, sockets):
        """Those that are connected and that the other side has not ended."""
        found = []
        for sock in sockets:
            try:
                sock.getpeername()
                if not ready([sock], 0) or sock.recv(100):
                    found.append(sock)
            except OSError:
                continue
        return found

    # threats R8; section 7
    def test_three_thousand_connections_of_one_stranger_touch_no_call(self):
        before = self.memory()
        with CallsMeanwhile(self) as calls:
            crowd, worst = [], 0
            for number in range(3000):
                crowd.append(self.raw_socket(STRANGER))
                if number % 100 == 99:
                    calls.await_calls(1)
                    worst = max(worst, len(self.alive(crowd)))
            self.assertLessEqual(worst, PER_SOURCE + 2)  # what Linux has accepted and Sallyport closes in a moment
            other = self.wire().connect()  # a known peer's
            other.send(self.question(other))
            eventually(lambda: other.messages, "an answer to a known peer")
            for sock in crowd:
                sock.close()
        self.assertLess(self.memory() - before, 64 * 1024)

    def test_strangers_of_two_hundred_addresses_leave_room_for_known_peers(self):
        with CallsMeanwhile(self) as calls:
            crowd = []
            for _ in range(8):
                crowd += [self.raw_socket(host("out", f".{last}")) for last in CROWD]
                calls.await_calls(1)
            self.assertLess(len(self.alive(crowd)), 1000)
            for digit in "23":
                end = self.wire(host("out", {"2": ".3", "3": ".4"}[digit]), {"2": "TCP", "3": "TLS"}[digit])
                connection = end.connect()
                connection.send(self.question(connection))
                eventually(lambda c=connection: c.messages, "an answer to a known peer")
            calls.await_calls(2)

    # threats R9
    def test_a_flood_of_handshakes_is_bounded_and_calls_over_tls_go_on(self):
        context = certificates.client_context()
        done, refused, stopped = [0], [0], threading.Event()
        silent = self.daemon.dropped("outside", "tcp_syn_rate")

        def flood(address):
            while not stopped.is_set():
                try:
                    with far_end(self.net, "out").socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
                        sock.settimeout(2)
                        sock.bind((address, 0))
                        sock.connect((own_address("out", address), TLS_PORT))
                        with context.wrap_socket(sock):
                            done[0] += 1
                except OSError:
                    refused[0] += 1
        threads = [threading.Thread(target=flood, args=(STRANGER,), daemon=True) for _ in range(8)]
        with CallsMeanwhile(self) as calls:
            for thread in threads:
                thread.start()
            began = time.monotonic()
            while time.monotonic() - began < 8:
                calls.await_calls(1)
            stopped.set()
            for thread in threads:
                thread.join(10)
            seconds = time.monotonic() - began
        print(f"{done[0]} handshakes and {refused[0]} refusals in {seconds:.1f} s; {calls.made} calls")
        self.assertLessEqual(done[0], 10 * seconds + 20)  # limits.tcp.handshakes: 10/s by default
        self.assertGreater(self.daemon.dropped("outside", "tcp_syn_rate"), silent)  # SYNs are dropped, and come again

    def test_junk_in_place_of_a_handshake_and_a_chain_without_end_end_it(self):
        authority, folder = self.sides["out"].authority, self.net.folder
        pair = authority.issue("chained")
        long = os.path.join(folder, "long.pem")
        with open(pair.certificate, encoding="ascii") as mine, open(authority.path, encoding="ascii") as above, \
                open(long, "w", encoding="ascii") as file:
            file.write(mine.read() + above.read() * 400)
        context = certificates.client_context()
        context.load_cert_chain(long, pair.key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with CallsMeanwhile(self):
            sock = self.raw_socket(STRANGER, wait=True, port=TLS_PORT)
            with self.assertRaises(OSError):
                context.wrap_socket(sock).close()
            for junk in (os.urandom(5000), b"\x16\x03\x01\xff\xff" + os.urandom(65535), b"\x15\x03\x01\x00\x02\x02\x28", b"\r\n" * 4000):
                sock = self.raw_socket(STRANGER, wait=True, port=TLS_PORT)
                with contextlib.suppress(OSError):
                    sock.sendall(junk)
                self.seconds_until_end(sock, 8.0)


if __name__ == "__main__":
    unittest.main()
