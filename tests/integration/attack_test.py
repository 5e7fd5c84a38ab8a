"""attack_test.py — the tools that attackers use, as Debian ships them (sipvicious, SIPp), against Sallyport with its shipped
limits and detectors: what they achieve, what the operator sees, and that a trunk's calls with voice notice nothing."""

import contextlib
import json
import os
import re
import subprocess
import unittest

from call_case import CALLER_PORT, add_calls
from harness import OUT4, OUT6, SIP_PORT, Case, SharedCase, eventually
from records import Records
from registering_phone import DOMAIN, USERS, RegisteringPhone
from registrar_case import Phones, write_users
from reload_test import FAR, NEAR, ReloadCase
from sipp import Sipp
from sipp_voice import VoiceRun, count_voice, counted

_NUMBERS = iter(range(60, 250))
TOOL_SECONDS = 6


class Attackers:
    """Mixed into a case: an address for each attack, the tools, and what is seen of them."""

    def attacker(self, version=4):
        last = next(_NUMBERS)
        address = f"198.18.1.{last}" if version == 4 else f"fd18:1::{last:x}"
        self.net.out.ip("address", "add", f"{address}/{24 if version == 4 else 64}", "dev", "wire", *(["nodad"] if version == 6 else []))
        return address

    def run_tool(self, tool, address, *arguments, seconds=TOOL_SECONDS):
        """All that it says. When its time is over it is interrupted, and tells what it has found: svcrack ends only with a password."""
        command = ["ip", "netns", "exec", self.net.out.name, "timeout", "-s", "INT", "-k", "3", str(seconds), tool, "-b", address, "-x", address,
                   "-P", str(SIP_PORT), *arguments]
        # Not all of the tools bind to the address that they are given.
        self.net.out.ip("route", "replace", f"{OUT4}/32", "dev", "wire", "src", address)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "HOME": self.net.folder}, timeout=seconds + 20)
        self.net.out.ip("route", "delete", f"{OUT4}/32", "dev", "wire")
        return done.stdout.decode(errors="replace")

    @staticmethod
    def rows(said):
        """What a tool of sipvicious found: the cells of each line of its table."""
        lines = [line for line in said.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]

    def detections(self, address, detector=None):
        arguments = ["show", "detections", "--json", "--source", address, *(["--detector", detector] if detector else [])]
        return json.loads(self.daemon.cli(*arguments).stdout)["detections"]

    def assert_seen(self, address, detector, action="block"):
        """In every place where an operator looks."""
        row = eventually(lambda: [one for one in self.detections(address, detector) if one["action"] == action],
                         lambda: f"{detector} finds {address}; {self.detections(address)}\n{self.daemon.log()[-3000:]}")[0]
        self.assertTrue(row["evidence"], row)
        self.assertIn(detector, self.daemon.cli("show", "detections").stdout)
        status, text = self.daemon.http(f"/api/v1/detections?source={address}&detector={detector}")
        self.assertEqual((status, json.loads(text)["detections"][0]["source"]), (200, address))
        self.daemon.wait_for_log(f'"event":"detection".*"detector":"{detector}".*"source":"\\[?{re.escape(address)}')
        self.assertGreaterEqual(self.daemon.count("detections_total", detector=detector, action=action), 1)
        why = self.daemon.cli("explain", address).stdout
        self.assertIn(row["evidence"], why)
        if action == "block":
            block = eventually(lambda: self.blocked().get(f"{address}/{128 if ':' in address else 32}"), f"{address} is blocked")
            self.assertEqual((block["origin"], block["reason"][:len(detector)]), ("detector", detector))
            self.assertIsNotNone(block["until"])
            self.assertIn("is blocked by a detector since", self.daemon.cli("explain", address).stdout)
            self.assertGreaterEqual(self.daemon.count("blocked_prefixes"), 1)
        return row

    def blocked(self):
        return {one["prefix"]: one for one in self.daemon.show("blocked")["blocked"]}

    def assert_metrics_name_no_stranger(self):
        """Labels are words of ours, whatever attackers wrote."""
        values = {value for _, pairs in self.daemon.metrics() for _, value in pairs}
        self.assertLess(len(self.daemon.metrics()), 5000)
        self.assertEqual([one for one in values if re.search(r"friendly|scanner\b.*/|198\.18\.1\.(?!1$)|sip:|[0-9]{4}@|z9hG4bK", one)], [])


class AgainstTrunks(Attackers, Case):
    """Nobody registers here: who is no peer is not heard."""

    def setUp(self):
        super().setUp()
        self.daemon = self.net.start(self.net.config())
        self.assert_answered(self.known("out"), (OUT4, SIP_PORT))

    def test_svmap_finds_nothing(self):
        for method in ("OPTIONS", "INVITE", "REGISTER"):
            address = self.attacker()
            said = self.run_tool("svmap", address, "-m", method, "-t", "0.01", "198.18.1.0/28", OUT4)
            self.assertEqual(self.rows(said), [], f"{method}: {said}")
        self.assert_metrics_name_no_stranger()
        self.assertEqual(self.detections("198.18.1.2"), [])
        self.assertIn("no detector has found anything of it", self.daemon.cli("explain", "198.18.1.2").stdout)
        self.assert_answered(self.known("out"), (OUT4, SIP_PORT))


class AgainstPhones(Attackers, Phones, SharedCase):
    """A registrar that keeps the users itself, and trunks beside it."""

    transport = "udp"
    _runs = 0

    @classmethod
    def configure(cls, config):
        add_calls(config, cls.shared)
        config["dataplane"]["capacity"].update(registrations=1000, connections=500)
        config["realms"][0]["listen"] = [{"transport": transport, "port": SIP_PORT} for transport in ("udp", "tcp")]
        users = os.path.join(cls.shared.folder, "users.yaml")
        # svcrack knows no SHA-256, and dies of it: with MD5 alone it is at its best.
        config["registrars"] = [{"name": "phones", "realm": "outside", "mode": "local", "domains": [DOMAIN],
                                 "users_file": write_users(users, USERS, ("ha1_md5",))}]
        config["routes"].append({"name": "between-phones", "match": {"registrar": ["phones"]}, "to": [{"registrar": "phones"}]})
        cls.records = Records(config["node"]["state"])

    def number(self):
        AgainstPhones._runs += 1
        return f"{os.getpid():x}.{AgainstPhones._runs}"

    @contextlib.contextmanager
    def calls_with_voice(self):
        """All that a trunk does meanwhile succeeds, to the last packet of voice."""
        for far in (self.net.out, self.net.inn):
            count_voice(far)
        run = VoiceRun(self, "meanwhile", ("out", 4), ".2", called="4001", calls=20, rate=5)
        yield
        run.judge_calls()
        packets = run.packets * run.caller.calls
        here, there = counted(self.net.out), counted(self.net.inn)
        self.assertEqual((here["said"], there["there"], there["echoed"], here["back"]), (packets,) * 4, f"{here} {there}")

    def tearDown(self):
        self.assert_metrics_name_no_stranger()
        self.assertEqual({prefix for prefix in self.blocked() if prefix.startswith(("198.18.1.2/", "198.18.2."))}, set())
        super().tearDown()

    def test_svmap_learns_at_most_that_something_speaks_sip(self):
        address = self.attacker()
        with self.calls_with_voice():
            said = self.run_tool("svmap", address, "-t", "0.01", "198.18.1.0/28", OUT4)
        for row in self.rows(said):
            self.assertEqual(row[0], f"{OUT4}:{SIP_PORT}", said)
            self.assertNotRegex(row[1].lower(), "sallyport|sbc", "no banner")

    def test_svwar_learns_of_no_user(self):
        for method in ("REGISTER", "INVITE", "OPTIONS"):
            with self.subTest(method=method):
                address = self.attacker()
                with self.calls_with_voice():
                    said = self.run_tool("svwar", address, "-m", method, "--force", "-e1000-1100,2000-2020", "-t", "0.01", "--maximumtime", "2",
                                         "--domain", DOMAIN, OUT4)
                self.assertEqual(self.rows(said), [], said)

    def crack(self, address, user, words):
        path = os.path.join(self.net.folder, f"words-{user}.txt")
        with open(path, "w", encoding="ascii") as file:
            file.write("".join(f"{word}\n" for word in words))
        return self.run_tool("svcrack", address, "-u", user, "-d", path, "-t", "0.02", "--maximumtime", "2", "--domain", DOMAIN, OUT4)

    def test_svcrack_finds_a_password_among_the_first_two_but_not_among_a_hundred(self):
        user = self.user()
        said = self.crack(self.attacker(), user, ["wrong-1", USERS[user]])
        self.assertEqual(self.rows(said), [[user, USERS[user]]], f"the tool does not work against this registrar: {said}")
        user = self.user()
        phone = self.registered_phone(user)
        address = self.attacker()
        words = [f"guess-{number}" for number in range(60)] + [USERS[user]] + [f"more-{number}" for number in range(40)]
        with self.calls_with_voice():
            said = self.crack(address, user, words)
            self.assert_status(200, phone.register())
        self.assertEqual(self.rows(said), [], said)
        self.assertNotIn(USERS[user], said)
        self.assert_seen(address, "register_bruteforce")
        self.assert_status(200, phone.register())
        other = self.registered_phone(user)  # the same user at another desk
        self.assert_status(200, other.register())
        late = RegisteringPhone(self.net.out, self.net.out.udp(address, 5099), (OUT4, SIP_PORT), user)
        self.addCleanup(late.stop)
        self.assertIsNone(late.register(60, seconds=1.5), "with the right password he is not heard either")

    def flood(self, address, scenario, **options):
        """(SIPp, what it counted as calls that succeeded)."""
        flooder = Sipp(self.net.out, self.net.folder, scenario, (address, CALLER_PORT), (OUT6 if ":" in address else OUT4, SIP_PORT), called="4001",
                       cid=f"flood-{self.number()}", extra=["-timeout", "4s", "-max_retrans", "2"], **options)
        self.addCleanup(flooder.kill)
        flooder.wait(30)
        return flooder

    def test_a_flood_of_calls_from_a_stranger(self):
        address = self.attacker()
        with self.calls_with_voice():
            flooder = self.flood(address, "uac_call.xml", calls=600, rate=200)
        self.assertEqual(flooder.count("successful"), 0)
        self.assert_seen(address, "invite_flood")

    def test_a_flood_of_calls_over_ipv6(self):
        address = self.attacker(6)
        with self.calls_with_voice():
            flooder = self.flood(address, "uac_call.xml", calls=600, rate=200)
        self.assertEqual(flooder.count("successful"), 0)
        self.assert_seen(address, "invite_flood")

    def test_passwords_that_are_guessed_over_tcp(self):
        address = self.attacker()
        guesser = self.phone(self.user(), transport="tcp", address=address, password="a guess")
        for _ in range(5):
            guesser.for_registering.challenge = None
            guesser.register(seconds=2.0)
        self.assertTrue(self.assert_seen(address, "register_bruteforce")["proved"])

    def test_a_flood_of_broken_requests(self):
        address = self.attacker()
        with self.calls_with_voice():
            self.flood(address, "uac_malformed.xml", calls=600, rate=200)
        self.assert_seen(address, "malformed")


class Reloaded(Attackers, Phones, Case):
    """What the detectors go by changes while calls with voice go on and somebody guesses passwords; what they have counted stays."""

    transport = "udp"

    def setUp(self):
        super().setUp()
        config = self.net.config()
        add_calls(config, self.net)
        config["dataplane"]["capacity"].update(registrations=1000, connections=500)
        users = os.path.join(self.net.folder, "users.yaml")
        config["registrars"] = [{"name": "phones", "realm": "outside", "mode": "local", "domains": [DOMAIN], "users_file": write_users(users, USERS)}]
        config["security"] = {"detectors": {"register_bruteforce": {"failures": 50, "within": "10m", "action": "log"}}}
        self.config, self.records = config, Records(config["node"]["state"])
        self.daemon = self.net.start(config)

    def number(self):
        return f"{os.getpid():x}.reload.{next(_NUMBERS)}"

    def reload(self, *keys):
        """Each of these keys has changed, and nothing needed a restart."""
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        done = self.daemon.cli("reload", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for key in keys:
            self.assertIn(key, done.stdout)

    def guess(self, phone):
        phone.for_registering.challenge = None
        return phone.register(seconds=2.0)

    def test_thresholds_actions_lists_and_hours_change_at_once(self):
        detectors = self.config["security"]["detectors"]
        phone = self.phone("1001", password="a guess")
        address = phone.sock.getsockname()[0]
        count_voice(self.net.out)
        count_voice(self.net.inn)
        run = VoiceRun(self, "meanwhile", ("out", 4), ".2", called="4001", calls=30, rate=5)
        for _ in range(6):
            self.assert_status(401, self.guess(phone))
        self.assertEqual(self.detections(address), [])
        detectors["register_bruteforce"] = {"failures": 7, "within": "10m", "action": "reject"}
        self.reload("security.detectors.register_bruteforce.failures", "security.detectors.register_bruteforce.action")
        self.assert_status(403, self.guess(phone))  # the seventh: six were counted before
        self.assert_seen(address, "register_bruteforce", "reject")
        detectors["register_bruteforce"] = {"failures": 50, "within": "10m", "action": "reject"}
        self.config["security"].update(promotion={"by": ["call"], "lasts": "2h"}, overload={"queue_delay": "80ms", "cpu": "90%"})
        self.reload("security.detectors.register_bruteforce.failures", "security.promotion", "security.overload")
        self.assert_status(401, self.guess(phone))
        detectors["toll_fraud"] = {"hours": ["mon-fri 08:00-18:00"], "off_hours": {"concurrent": 0}}
        detectors["call_spam"] = {"deny": ["0900*"]}
        self.reload("security.detectors.toll_fraud", "security.detectors.call_spam")
        run.judge_calls()
        packets = run.packets * run.caller.calls
        here, there = counted(self.net.out), counted(self.net.inn)
        self.assertEqual((here["said"], there["there"], there["echoed"], here["back"]), (packets,) * 4, f"{here} {there}")


class Lists(Attackers, ReloadCase):
    """Callers whom the operator names, in the configuration and in a file."""

    def test_a_caller_on_a_list_is_refused_until_a_reload_takes_it_off(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        path = os.path.join(self.net.folder, "spam.txt")
        with open(path, "w", encoding="ascii") as file:
            file.write("# who sells\n0900*\n")
        self.config["security"] = {"detectors": {"call_spam": {"deny_file": path}}}
        self.reload()
        far.me = far.me.replace("sip:phone@", "sip:0900123456@")
        self.assertEqual(self.refusal(far, "5001"), 403)
        row = eventually(lambda: self.detections(FAR, "call_spam"), "it is told")[0]
        self.assertEqual(row["action"], "reject")
        self.assertNotIn(f"{FAR}/32", self.blocked())
        self.assertEqual(self.daemon.count("detections_total", detector="call_spam", action="reject"), 1)
        with open(path, "w", encoding="ascii") as file:
            file.write("0900*\nnobody\n")
        self.reload_is_refused("spam.txt:2: security.detectors.call_spam.deny_file: what stands there is not a number of a caller")
        self.assertEqual(self.refusal(far, "5001"), 403)
        self.config["security"]["detectors"]["call_spam"]["allow"] = ["0900123456"]
        with open(path, "w", encoding="ascii") as file:
            file.write("0900*\n")
        self.reload()
        self.hang_up(*self.connect(far, near, "5001"))


if __name__ == "__main__":
    unittest.main()
