"""log_test.py — what the log says and what it keeps to itself: levels that change while it runs, both formats, floods that end
in one line, hostile text, and with `mask_numbers: all` no number, user, key or password. Threats R11, R12."""

import json
import os
import re
import unittest

import log_scan
import sip
from attack_test import Attackers
from call_case import CALLER_PORT, CallCase, Run, add_calls
from harness import FAR_IN4, IN4, OUT4, SIP_PORT, Case, SharedCase, eventually
from records import Records
from registering_phone import DOMAIN, USERS
from registrar_case import GENEROUS, Phones, write_users
from sipp import Sipp
from trunk_phone import Carrier

KEY = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"  # the key of RFC 4568 §9.2's example, no secret
NUMBERS = ("4777001", "5550199", "+4930123456")
LEVELS = ("error", "warning", "info", "debug")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]")


def ends(daemon):
    return [line for line in daemon.log().splitlines() if "call_ended" in line and "suppressed" not in line]


class Scanner(unittest.TestCase):
    """Who looks at the logs of the whole suite must see."""

    SAID = {
        "a user": '{"ts":"2026-11-21T10:47:55.123Z","level":"info","msg":"x","to":"<sip:4001@198.18.1.1>"}',
        "a tel URI": '{"ts":"2026-11-21T10:47:55.123Z","msg":"tel:+15550100"}',
        "a number": '{"ts":"2026-11-21T10:47:55.123Z","msg":"x","called_in":"+15550100"}',
        "a media key": f'{{"msg":"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"}}',
        "a private key": '{"msg":"-----BEGIN PRIVATE KEY-----"}',
        "a password": '{"msg":"no hunter22 here"}',
        "a number in a line of text": "2026-11-21T10:47:55.123Z info    a: call 5550123456"}
    HARMLESS = ('{"ts":"2026-11-21T10:47:55.123Z","msg":"x","to":"<sip:****@198.18.1.1:5060>","called_in":"****","n":12345678}',
                '{"call":"67408c3e-00001234","source":"198.18.1.60","remote":"[fd18:1::2]:5060"}', "",
                "2026-11-21T10:47:55.123Z info    a: call=67408c3e-00001234 of 198.18.1.2:5060")

    def test_it_finds_what_must_not_be_said(self):
        for what, line in self.SAID.items():
            self.assertEqual(len(log_scan.faults([*self.HARMLESS, line], {"hunter22"}, masked=True)), 1, what)

    def test_it_leaves_alone_what_may(self):
        self.assertEqual(log_scan.faults(self.HARMLESS, {"hunter22"}, masked=True), [])
        self.assertEqual(log_scan.faults([self.SAID["a user"], self.SAID["a number"]], {"hunter22"}, masked=False), [])


class Masked(Attackers, Phones, SharedCase):
    """All that has numbers, at the level that says most."""

    transport = "udp"
    numbers = iter(range(1, 1000))

    @classmethod
    def configure(cls, config):
        add_calls(config, cls.shared)
        config["dataplane"]["capacity"].update(registrations=1000, connections=500)
        config["registrars"] = [{"name": "phones", "realm": "outside", "mode": "local", "domains": [DOMAIN],
                                 "users_file": write_users(os.path.join(cls.shared.folder, "users.yaml"), USERS)}]
        config["routes"].append({"name": "between-phones", "match": {"registrar": ["phones"]}, "to": [{"registrar": "phones"}]})
        detectors = {"toll_fraud": {"prefixes": ["+49"], "calls": "1/h", "concurrent": 1, "action": "reject"}}
        config["security"] = {**GENEROUS, "detectors": detectors}
        config["management"]["log"] = {"level": "debug", "mask_numbers": "all"}
        cls.records, cls.config = Records(config["node"]["state"]), config

    def number(self):
        return f"{os.getpid():x}.{next(self.numbers)}"

    def calls(self, called):
        """With a media key in what both sides say of their media."""
        crypto = {"a=tool:caller-phone/7.1": f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"}
        run = Run(self, "keyed", ("out", 4), "uac_call.xml", {".2": "uas_call.xml"}, calls=10, called=called, replace=crypto)
        run.judge_calls()

    def test_nothing_of_calls_registrations_and_attacks(self):
        self.calls(NUMBERS[0])
        phone = self.registered_phone(self.user())
        guesser = self.phone(self.user(), password="secret-of-nobody")
        for _ in range(8):
            guesser.register()
        phone.ask(phone.register_request(), phone.registration, phone.cseq, 2.0)  # his own digest once more
        for called in NUMBERS[1:]:
            address = self.attacker()
            flooder = Sipp(self.net.out, self.net.folder, "uac_call.xml", (address, CALLER_PORT), (OUT4, SIP_PORT), called=called,
                           cid=f"flood-{self.number()}", calls=300, rate=150, extra=["-timeout", "3s", "-max_retrans", "2"])
            self.addCleanup(flooder.kill)
            flooder.wait(30)
            self.assert_seen_masked(address)
        self.daemon.cli("hangup", NUMBERS[1], check=False)
        self.daemon.wait_for_log('"call_ended"', 15.0)
        end = json.loads(ends(self.daemon)[0])
        self.assertEqual((end["called_in"], end["called_out"], end["result"]), ("****", "****", "answered"))
        self.assertRegex(end["to"], r"sip:\*{4}@")
        lines = self.daemon.log().splitlines()
        secrets = log_scan.secrets_of(self.config, self.net.folder) | set(USERS.values()) | {KEY.partition(":")[2]}
        self.assertEqual(log_scan.faults(lines, secrets, masked=True), [])
        for word in (*NUMBERS, "555001", *(f"sip:{user}" for user in USERS)):
            self.assertNotIn(word, self.daemon.log())

    def assert_seen_masked(self, address):
        eventually(lambda: self.detections(address, "invite_flood"), f"the flood of {address} is found")
        self.daemon.wait_for_log(f'"event":"detection".*"source":"{re.escape(address)}')


class Levels(CallCase):
    """A call's end is told at `debug`."""

    @classmethod
    def configure(cls, config):
        super().configure(config)
        config["management"]["log"] = {"level": "info"}

    def level(self, *word, check=True):
        return self.daemon.cli("log", "level", *word, check=check)

    def call(self, calls=1):
        Run(self, "level", ("out", 4), "uac_call.xml", {".2": "uas_call.xml"}, calls=calls, called="4001").judge()

    def test_a_level_holds_from_the_moment_it_is_set(self):
        self.assertEqual(self.level().stdout, "log level: info\n")
        self.call()
        self.assertEqual(ends(self.daemon), [])
        self.assertIn("log level: debug, before: info", self.level("debug").stdout)
        self.daemon.wait_for_log('"log_level".*"level":"debug","before":"info"')
        self.call()
        self.daemon.wait_for_log('"call_ended".*"called_in":"4001"')
        self.level("error")
        self.daemon.wait_for_log('"log_level".*"level":"error","before":"debug"')  # the last that it says
        said = len(self.daemon.lines)
        self.daemon.cli("block", "192.0.2.99", "--for", "1m")
        self.assertEqual(self.daemon.lines[said:], [])
        self.assertEqual(json.loads(self.daemon.cli("log", "level", "info", "--json").stdout), {"level": "info", "before": "error"})

    def test_a_reload_brings_the_level_of_the_file_when_that_has_changed(self):
        self.level("warning")
        with open(self.daemon.config_path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("nothing has changed", self.daemon.cli("reload").stdout)
        self.assertEqual(self.level().stdout, "log level: warning\n")
        for before, after in (("info", "error"), ("error", "info")):
            text = text.replace(f'"level": "{before}"', f'"level": "{after}"')
            with open(self.daemon.config_path, "w", encoding="utf-8") as file:
                file.write(text)
            self.assertIn("management.log.level", self.daemon.cli("reload").stdout)
            self.assertEqual(self.level().stdout, f"log level: {after}\n")

    def test_a_word_that_is_no_level_changes_nothing(self):
        done = self.level("loud", check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn('"loud" is no level; write error, warning, info or debug', done.stderr)
        self.assertEqual(self.level().stdout, "log level: info\n")

    def test_what_comes_too_often_is_told_in_one_line(self):
        self.level("debug")
        self.addCleanup(self.level, "info")
        said = len(self.daemon.lines)
        self.call(calls=60)
        line = self.daemon.wait_for_log("log_lines_suppressed.*call_ended|call_ended.*log_lines_suppressed", 25.0, start=said)
        held = json.loads(line)["lines"]
        told = sum('"event":"call_ended"' in one for one in self.daemon.lines[said:])
        self.assertLessEqual(told, 40)  # 20 in ten seconds
        self.assertGreaterEqual(held + told, 60)


class Formats(Case):
    """A stranger's text is only text."""

    def run_with(self, word):
        """The lines of a daemon that met such text from a peer and from its operator."""
        config = self.net.config()
        config["management"]["log"] = {"level": "debug", "format": word}
        daemon = self.net.start(config)
        callee = Carrier(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(callee.stop)
        callee.refuses_with = 486
        sock = self.known("out")
        # U+202E turns the reading direction round.
        question = sip.request("INVITE", sock.getsockname()[:2], (OUT4, SIP_PORT), Subject='"},{"level":"error","event":"forged"}')
        question = question.replace(b"INVITE sip:", b"INVITE sip:5550199@").replace(b"From: <sip:test@", "From: \"an\u202evil\" <sip:%1B%5B2Jtest@".encode())
        answer = sip.ask(sock, (OUT4, SIP_PORT), question)
        self.assertIsNotNone(answer)
        daemon.cli("block", "192.0.2.98", "--reason", "said \x1b[2J by a stranger \u202e")
        daemon.wait_for_log("call_ended|a call is over")
        self.assertEqual(daemon.terminate(), 0)
        lines = daemon.log().splitlines()
        self.assertTrue(any("5550199" in line for line in lines), "the attempt is told")
        self.assertEqual([line for line in lines if CONTROL.search(line)], [])
        self.assertFalse(any('"event":"forged"' in line for line in lines))
        return lines

    def test_every_line_of_json_is_one_object(self):
        for line in self.run_with("json"):
            record = json.loads(line)
            self.assertIn(record["level"], LEVELS)
            self.assertTrue(record["ts"] and record["event"] and record["subsystem"], line)

    def test_every_line_of_text_has_time_level_and_subsystem(self):
        for line in self.run_with("text"):
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info|debug) +[a-z]+: \S")


if __name__ == "__main__":
    unittest.main()
