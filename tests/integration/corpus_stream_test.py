"""corpus_stream_test.py — each torture message, sent by a configured peer over TCP and TLS, whole and octet by octet, gets
what the `stream` column of its row says: RFC 4475, RFC 5118, RFC 3261 §18.3.

same: as over UDP, and the connection lives on; close: the answer, then the end; wait: nothing until the rest has come;
two: both messages are taken.
"""

import re
import time
import unittest

import sip
from corpus_udp_test import OWN_CODES, Refuser, passes
from harness import FAR_IN4, FAR_OUT4, FULL, OUT4, SIP_PORT, Case, eventually
from stream_case import Side, listen_on_streams, port_of
from stream_phone import StreamEnd, await_ended

FINAL = re.compile(rb"SIP/2\.0 [2-6]")


class Corpus:
    transport, splits = "TCP", False

    def setUp(self):
        super().setUp()
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        self.refuser = Refuser(self.net.inn.udp(FAR_IN4, SIP_PORT))
        self.addCleanup(self.refuser.stop)
        self.ports = iter(range(5100, 9000))

    def start(self):
        config = self.net.config()
        config["node"]["state"] += f"-{len(self.net.daemons)}"  # of its transactions a node knows after a restart
        listen_on_streams(config, self.sides)
        for peer in config["peers"]:
            peer["health"] = {"ping": "never"}
        config["routes"] = [{"name": "forth", "match": {"realm": ["outside"]}, "to": ["pbx"]},
                            {"name": "back", "match": {"realm": ["inside"]}, "to": ["carrier"]}]
        return self.net.start(config)

    def connected(self):
        remote = OUT4, port_of(self.transport.lower())
        end = StreamEnd(self.net.out, (FAR_OUT4, next(self.ports)), remote, self.transport,
                        self.sides["out"].identity("carrier", FAR_OUT4))
        self.addCleanup(end.close)
        connection = end.connect()
        connection.end_of_test = end
        return connection

    def question(self, connection):
        octets = sip.request("OPTIONS", connection.near, connection.far)
        return octets.replace(b"SIP/2.0/UDP", f"SIP/2.0/{self.transport}".encode())

    def lives(self, connection):
        """It answers an OPTIONS; what came before that is what came."""
        asked = self.question(connection)
        connection.send(asked)

        def answered():
            return any(sip.call_id_of(m) == sip.call_id_of(asked) for m in connection.messages)
        eventually(lambda: answered() or not connection.is_open, "an answer to OPTIONS, or the end")
        self.assertTrue(answered(), f"the connection was closed: {connection.ended_by}")
        return [m for m in connection.messages if sip.call_id_of(m) != sip.call_id_of(asked)]

    def await_finals(self, connection, count=1):
        def finals():
            return [m for m in connection.messages if FINAL.match(m)]
        eventually(lambda: len(finals()) >= count or not connection.is_open, "a final answer, or the end")
        return finals()

    def check(self, row, message):
        connection = self.connected()
        try:
            connection.send(message, self.splits)
            getattr(self, f"check_{row['stream']}")(connection, row["udp"], message)
        finally:
            connection.end_of_test.close()

    def check_same(self, connection, expected, message):
        if expected == "silence":
            self.assertEqual(self.lives(connection), [])
            return
        finals = self.await_finals(connection)
        self.assertTrue(finals, f"nothing came back; the connection: {connection.ended_by}")
        self.check_status(finals, expected)
        self.check_lives(connection, message)

    def check_lives(self, connection, *messages):
        """Who says less than he sends, or nothing, has begun another message that is none."""
        head, _, body = messages[-1].partition(b"\r\n\r\n")
        said = re.search(rb"^(?:content-length|l)[ \t]*:\s*(\d+)", head, re.M | re.I)
        if int(said.group(1) if said else 0) >= len(body.rstrip(b"\r\n")):
            self.lives(connection)
        else:
            self.assertEqual(await_ended(connection), "end")

    def check_status(self, finals, expected):
        statuses = [m[8:11].decode() for m in finals]
        if expected == "relay":
            self.assertNotIn(statuses[-1], OWN_CODES, statuses)
        else:
            self.assertEqual(statuses, [expected])

    def check_close(self, connection, expected, _):
        self.check_status(self.await_finals(connection), expected)
        self.assertEqual(await_ended(connection), "end")

    def check_wait(self, connection, _, message):
        head, _, body = message.partition(b"\r\n\r\n")
        size = int(re.search(rb"^(?:content-length|l)[ \t]*:\s*(\d+)", head, re.M | re.I).group(1))
        self.assertEqual(self.quiet(connection), [])
        connection.send(b" " * (size - len(body)))
        self.assertTrue(self.await_finals(connection))
        self.lives(connection)

    def quiet(self, connection):
        """What came until another connection has had an answer."""
        other = self.connected()
        self.lives(other)
        other.end_of_test.close()
        return connection.messages[:]

    def check_two(self, connection, _, message):
        wanted = set(re.findall(rb"^(?:call-id|i)[ \t]*:\s*([^\r\n]+)", message, re.M | re.I))
        finals = self.await_finals(connection, 2)
        self.assertEqual({sip.call_id_of(m) for m in finals}, wanted)
        second = re.search(rb"\r\n\r\n\s*([A-Z]+ sips?:.*)", message, re.S).group(1)
        self.check_lives(connection, second)

    def test_every_row_gets_its_verdict_and_what_is_refused_goes_no_further(self):
        count, began = 0, time.monotonic()
        for messages in passes():
            daemon = self.start()
            for corpus, row, message in messages:
                before = len(self.refuser.heard)
                with self.subTest(corpus=corpus, file=row["file"], stream=row["stream"], expected=row["udp"]):
                    self.check(row, message)
                    if row["udp"] != "relay" and row["stream"] not in ("wait", "two"):
                        self.assertEqual(self.refuser.heard[before:], [], "it reached the other side")
                count += 1
            eventually(lambda one=daemon: one.count("calls_active") == 0, "no call is left")
            self.assertEqual(daemon.terminate(), 0, daemon.log()[-3000:])
        self.assertGreaterEqual(count, 61)
        print(f"{count} messages in {time.monotonic() - began:.0f} s")


class OctetByOctet(Corpus, Case):
    splits = True


@unittest.skipUnless(FULL, "messages that come whole get what those get that come octet by octet: with --full")
class OverTcp(Corpus, Case):
    pass


@unittest.skipUnless(FULL, "TLS carries the same octets: with --full")
class OverTls(Corpus, Case):
    transport = "TLS"


if __name__ == "__main__":
    unittest.main()
