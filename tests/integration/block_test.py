"""block_test.py — an attacker in a namespace is blocked: he gets nothing from the moment the command has answered, others
notice nothing, and it ends when it should: by unblock, by its time, by a feed that leaves him out; not by a restart."""

import json
import os
import unittest

import sip
from harness import FAR_OUT4, MANAGEMENT, OUT4, OUT6, SIP_PORT, Case, eventually

ATTACKER, OTHER, ATTACKER6 = "198.18.1.77", "198.18.1.78", "fd18:1::77"
SBC, SBC6 = (OUT4, SIP_PORT), (OUT6, SIP_PORT)


class BlockCase(Case):
    def setUp(self):
        super().setUp()
        for address in (ATTACKER, OTHER):
            self.net.out.ip("address", "add", f"{address}/24", "dev", "wire")
        self.net.out.ip("address", "add", f"{ATTACKER6}/64", "dev", "wire", "nodad")
        self.config = self.net.config()
        # Strangers get no answer at all: these do, until they are blocked.
        self.config["security"] = {"access": [{"source": f"{one}", "realm": "outside", "action": "trusted"}
                                              for one in (f"{ATTACKER}/32", f"{OTHER}/32", f"{ATTACKER6}/128")]}
        self.config["realms"][0]["listen"].append({"transport": "tcp", "port": SIP_PORT})
        self.attacker, self.other = self.socket(ATTACKER), self.socket(OTHER)

    def socket(self, address):
        sock = self.net.out.udp(address)
        self.addCleanup(sock.close)
        return sock

    def start(self):
        self.daemon = self.net.start(self.config)
        return self.daemon

    def block(self, *arguments):
        return self.daemon.cli("block", *arguments).stdout

    def blocked(self):
        return {one["prefix"]: one for one in self.daemon.show("blocked")["blocked"]}

    def write_to_disk(self, prefix):
        """Until the node has it on the disk, where kill -9 leaves it."""
        log = os.path.join(self.config["node"]["state"], "blocks.db-wal")
        def is_there():
            with open(log, "rb") as file:
                return prefix.encode() in file.read()
        eventually(is_there, f"{prefix} in blocks.db")


class Blocking(BlockCase):
    def setUp(self):
        super().setUp()
        self.start()

    def test_the_attacker_gets_nothing_and_others_are_served(self):
        for sock in (self.attacker, self.other):
            self.assert_answered(sock, SBC)
        said = self.block(f"{ATTACKER}", "--reason", "a scan")
        self.assertEqual(said, f"{ATTACKER}/32 is blocked until it is unblocked\n")
        self.assert_silent(self.attacker, SBC)
        invite = sip.request("INVITE", self.attacker.getsockname()[:2], SBC)
        self.assertIsNone(sip.ask(self.attacker, SBC, invite, 1.0))
        self.assert_answered(self.other, SBC)
        self.assert_answered(self.known("out"), SBC)
        ping = self.net.out.run("ping", "-c", "1", "-W", "1", "-I", ATTACKER, OUT4, check=False)
        self.assertNotEqual(ping.returncode, 0, ping.stdout)
        self.assertEqual(self.net.out.run("ping", "-c", "1", "-W", "2", "-I", OTHER, OUT4, check=False).returncode, 0)
        one = self.blocked()[f"{ATTACKER}/32"]
        self.assertEqual((one["origin"], one["reason"], one["until"]), ("operator", "a scan", None))
        self.assertGreaterEqual(one["hits"], 3)
        self.assertIsNotNone(one["last_hit"])
        self.assertEqual(self.daemon.count("blocked_prefixes"), 1)
        self.assertGreaterEqual(self.daemon.dropped("outside", "blocked"), 3)
        why = self.daemon.cli("explain", ATTACKER).stdout
        for words in (f"{ATTACKER}/32 is blocked by the operator since", "(a scan)", "realm outside: blocked"):
            self.assertIn(words, why)
        self.daemon.cli("unblock", ATTACKER)
        self.assert_answered(self.attacker, SBC)
        self.assertEqual(self.blocked(), {})

    def test_a_prefix_and_an_address_of_the_other_family(self):
        six = self.socket(ATTACKER6)
        self.assert_answered(six, SBC6)
        self.block("fd18:1::70/124")
        self.assert_silent(six, SBC6)
        self.assert_answered(self.attacker, SBC)
        self.block("198.18.1.76/31")
        self.assert_silent(self.attacker, SBC)
        self.assert_answered(self.other, SBC)

    def test_it_ends_at_its_time(self):
        self.block(ATTACKER, "--for", "2s")
        self.assert_silent(self.attacker, SBC)
        eventually(lambda: sip.options(self.attacker, SBC, 0.5), "an answer after two seconds")
        eventually(lambda: not self.blocked(), "no block is shown")

    def test_what_is_open_over_tcp_is_closed_and_nothing_new_is_taken(self):
        tcp = self.net.out.socket(2, 1)
        self.addCleanup(tcp.close)
        tcp.bind((ATTACKER, 0))
        tcp.settimeout(5)
        tcp.connect(SBC)
        tcp.sendall(b"\r\n\r\n")
        self.assertEqual(tcp.recv(2), b"\r\n")
        active = lambda: self.daemon.show("stats")
        self.assertTrue(active())
        self.block(ATTACKER)
        self.daemon.wait_for_log('"blocked"|blocked')
        again = self.net.out.socket(2, 1)
        self.addCleanup(again.close)
        again.bind((ATTACKER, 0))
        again.settimeout(1.5)
        self.assertRaises(OSError, again.connect, SBC)
        eventually(lambda: self.daemon.count("connections_closed_total", reason="blocked") == 1, "it was closed")

    def test_a_peer_is_blocked_only_with_a_warning(self):
        peer = self.known("out")
        self.assert_answered(peer, SBC)
        self.assertIn("warning: peer carrier is blocked by it", self.block(FAR_OUT4))
        self.assert_silent(peer, SBC)
        self.daemon.cli("unblock", FAR_OUT4)
        self.assert_answered(peer, SBC)

    def test_what_is_wrong_is_said_in_one_line(self):
        for status, *arguments in ((64, "block", "nonsense"), (64, "block", "0.0.0.0/0"), (64, "block", "192.0.2.1", "--for", "soon"),
                                   (64, "block"), (66, "unblock", "192.0.2.1")):
            done = self.daemon.cli(*arguments, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)

    def test_rest_reads(self):
        self.block(ATTACKER)
        status, text = self.daemon.http("/api/v1/blocked?limit=10")
        self.assertEqual(status, 200)
        self.assertEqual([one["prefix"] for one in json.loads(text)["blocked"]], [f"{ATTACKER}/32"])
        for method in ("POST", "DELETE"):
            done = self.net.sbc.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method,
                                    "http://127.0.0.1:8080/api/v1/blocked?prefix=" + ATTACKER)
            self.assertEqual(done.stdout, "403", MANAGEMENT)


class Staying(BlockCase):
    def test_a_restart_and_a_kill_leave_him_blocked(self):
        self.start()
        self.block(ATTACKER)
        self.block(OTHER, "--for", "1s")
        self.assertEqual(self.daemon.terminate(), 0)
        self.start()
        self.assert_silent(self.attacker, SBC)
        self.assert_answered(self.other, SBC)
        self.daemon.cli("unblock", ATTACKER)
        self.block("192.0.2.0/24", "--for", "1h")  # written after it, or with it
        self.write_to_disk("192.0.2.0/24")
        self.daemon.kill()
        self.start()
        self.assertEqual(list(self.blocked()), ["192.0.2.0/24"])
        self.assert_answered(self.attacker, SBC)

    def test_a_feed_is_followed_from_the_start_and_from_each_reload_on(self):
        feed = os.path.join(self.net.folder, "drop.txt")
        def write(*lines):
            with open(feed, "w", encoding="ascii") as file:
                file.write("".join(f"{line}\n" for line in lines))
        write("# a feed", f"{ATTACKER} ; scanner", FAR_OUT4)
        self.config["security"]["blocklists"] = [{"file": feed}]
        self.start()
        self.assert_silent(self.attacker, SBC)
        self.assert_answered(self.known("out"), SBC)  # no feed shuts a peer out
        self.daemon.wait_for_log("feed_names_peer")
        self.assertEqual(self.blocked()[f"{ATTACKER}/32"]["reason"], "drop.txt")
        self.assertNotEqual(self.daemon.cli("unblock", ATTACKER, check=False).returncode, 0)
        self.block("192.0.2.0/24")
        write(OTHER)
        self.daemon.cli("reload")
        self.assert_answered(self.attacker, SBC)
        self.assert_silent(self.other, SBC)
        self.assertEqual(sorted(self.blocked()), ["192.0.2.0/24", f"{OTHER}/32"])
        write("nonsense")
        done = self.daemon.cli("reload", check=False)
        self.assertEqual(done.returncode, 78)
        self.assertIn("drop.txt:1:", done.stdout)
        self.assert_silent(self.other, SBC)


if __name__ == "__main__":
    unittest.main()
