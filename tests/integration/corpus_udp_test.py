"""corpus_udp_test.py — each torture message, sent by a configured peer over UDP, gets what its row says: RFC 4475, RFC 5118.

The project's own messages, and the shared corpus where it lies beside the repository.
"""

import csv
import os
import re
import select
import threading
import time
import unittest

import sip
from harness import OUT4, FAR_IN4, FAR_OUT4, SIP_PORT, TOP, Case, eventually

CORPORA = (os.path.join(TOP, "tests", "fixtures"), os.path.join(TOP, "..", "shared", "corpus"))
# What the parser and the checks of every request say; a message that is relayed gets none of them.
OWN_CODES = {"400", "415", "416", "420", "483", "505"}


def rows():
    for folder in CORPORA:
        path = os.path.join(folder, "verdicts.csv")
        if os.path.exists(path):
            with open(path, encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    with open(os.path.join(folder, row["file"]), "rb") as message:
                        yield os.path.basename(folder), row, message.read()


class Refuser:
    """The phone on the far side: refuses each INVITE, grants all else."""

    def __init__(self, sock):
        self.sock, self.heard = sock, []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stopped.is_set():
            if not select.select([self.sock], [], [], 0.1)[0]:
                continue
            octets, source = self.sock.recvfrom(65535)
            method = octets.split(b" ", 1)[0]
            if method in (b"SIP/2.0", b"ACK"):
                continue
            self.heard.append(octets)
            self.sock.sendto(answer_to(octets, b"486 Busy Here" if method == b"INVITE" else b"200 OK"), source)

    def stop(self):
        self.stopped.set()
        self.thread.join(5)
        self.sock.close()


def answer_to(request, status):
    head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    kept = [line for line in head[1:] if line.split(b":")[0].lower() in (b"via", b"from", b"call-id", b"cseq")]
    to = [line + (b"" if b";tag=" in line else b";tag=refuser") for line in head[1:] if line.lower().startswith(b"to:")]
    return b"\r\n".join([b"SIP/2.0 " + status, *kept, *to, b"Content-Length: 0", b"", b""])


def passes():
    """The rows in lists in which no transaction and no Call-ID comes twice: it would be a retransmission. RFC 3261 §17.2.3"""
    lists = []
    for row in rows():
        names = names_of(row[2])
        for seen, members in lists:
            if not names & seen:
                break
        else:
            seen, members = set(), []
            lists.append((seen, members))
        seen |= names
        members.append(row)
    return [members for _, members in lists]


def names_of(message):
    found = re.findall(rb"^(?:call-id|i|via|v)[ \t]*:\s*([^\r\n]+)", message, re.M | re.I)
    return set(found) or {message}


class CorpusOverUdp(Case):
    def setUp(self):
        super().setUp()
        self.refuser = Refuser(self.net.inn.udp(FAR_IN4, SIP_PORT))
        self.addCleanup(self.refuser.stop)

    def start(self):
        config = self.net.config()
        # A node remembers its transactions through a restart; each of ours is a new one.
        config["node"]["state"] += f"-{len(self.net.daemons)}"
        config["routes"] = [{"name": "forth", "match": {"realm": ["outside"]}, "to": ["pbx"]},
                            {"name": "back", "match": {"realm": ["inside"]}, "to": ["carrier"]}]
        return self.net.start(config)

    def statuses(self, message, final):
        """What the sender is told. `final`: wait for a final answer; else until a later OPTIONS has got its own."""
        sock = self.net.out.udp(FAR_OUT4)
        try:
            sock.sendto(message, (OUT4, SIP_PORT))
            question = sip.request("OPTIONS", sock.getsockname(), (OUT4, SIP_PORT))
            found, end, asked = [], time.monotonic() + 10.0, False
            while time.monotonic() < end:
                if not final and not asked:
                    sock.sendto(question, (OUT4, SIP_PORT))
                    asked = True
                if not select.select([sock], [], [], max(0.0, end - time.monotonic()))[0]:
                    continue
                octets = sock.recvfrom(65535)[0]
                if octets.startswith(b"SIP/2.0 ") and sip.call_id_of(octets) != sip.call_id_of(question):
                    found.append(octets[8:11].decode())
                    if final and found[-1] >= "200":
                        return found
                elif asked:
                    return found
            return found
        finally:
            sock.close()

    def check(self, expected, message):
        statuses = self.statuses(message, final=expected != "silence")
        if expected == "silence":
            self.assertEqual(statuses, [])
            return
        self.assertTrue(statuses, "nothing came back")
        if expected == "relay":
            self.assertNotIn(statuses[-1], OWN_CODES, statuses)
            self.assertGreaterEqual(statuses[-1], "200", statuses)
        else:
            self.assertEqual(statuses, [expected])

    def test_every_row_gets_its_verdict_and_what_is_refused_goes_no_further(self):
        count = 0
        for messages in passes():
            daemon = self.start()
            for corpus, row, message in messages:
                before = len(self.refuser.heard)
                with self.subTest(corpus=corpus, file=row["file"], expected=row["udp"]):
                    self.check(row["udp"], message)
                    if row["udp"] != "relay":
                        self.assertEqual(self.refuser.heard[before:], [], "it reached the other side")
                count += 1
            sock = self.net.out.udp(FAR_OUT4)
            self.assert_answered(sock, (OUT4, SIP_PORT))
            sock.close()
            eventually(lambda one=daemon: one.count("calls_active") == 0, "no call is left")
            self.assertEqual(daemon.terminate(), 0, daemon.log()[-3000:])
        self.assertGreaterEqual(count, 61)


if __name__ == "__main__":
    unittest.main()
