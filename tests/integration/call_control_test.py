"""call_control_test.py — calls as an operator sees and ends them: show, ladder, explain, hangup, drain, restart."""

import json
import os
import re
import signal
import subprocess
import unittest

from harness import BINARY, FAR_IN4, FAR_OUT4, OUT4, SIP_PORT, Case, eventually
from netns import run


class CallControl(Case):
    def setUp(self):
        super().setUp()
        self.config = self.net.config()
        self.daemon = self.net.start(self.config)
        self.addCleanup(self.stop_at_once)
        self.sipp(self.net.inn, "-sn", "uas", "-i", FAR_IN4)

    def stop_at_once(self):
        """Whatever calls are up: a second signal ends the drain."""
        if self.daemon.process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGINT):
                self.daemon.process.send_signal(number)

    def sipp(self, namespace, *arguments):
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "sipp", "-p", str(SIP_PORT), "-nostdin", *arguments],
                                   cwd=self.net.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def end():
            process.kill()
            process.wait(10)
        self.addCleanup(end)
        return process

    def call(self, seconds=600):
        """A call from outside that stays up; its id."""
        self.sipp(self.net.out, "-sn", "uac", "-m", "1", "-d", str(seconds * 1000), "-i", FAR_OUT4, "-s", "200",
                  f"{OUT4}:{SIP_PORT}")
        return eventually(self.answered, "a call is answered", 15.0)[0]["id"]

    def calls(self):
        return self.daemon.show("calls")["calls"]

    def answered(self):
        return [call for call in self.calls() if call["state"] == "answered"]

    def cdrs(self, kind="end"):
        path = os.path.join(self.config["node"]["state"], "cdr.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [record for record in map(json.loads, file) if record["type"] == kind]

    def test_a_call_is_shown_explained_and_ended(self):
        call = self.call()
        table = self.daemon.cli("show", "calls").stdout
        self.assertIn(call, table)
        self.assertIn("1 call is up", table)
        shown = json.loads(self.daemon.cli("show", "call", call, "--json").stdout)["call"]
        self.assertEqual((shown["peer_in"], shown["peer_out"], shown["route"]), ("carrier", "pbx", "inbound"))
        ladder = self.daemon.cli("show", "call", shown["legs"][0]["call_id"], "--ladder").stdout
        for words in (r"INVITE 1", r"100 ", r"180 ", r"200 OK", r"ACK 1", FAR_OUT4, FAR_IN4):
            self.assertRegex(ladder, words)
        self.assertTrue(all(len(line) <= 120 for line in ladder.splitlines()), ladder)
        self.assertEqual(self.daemon.cli("show", "call", shown["legs"][1]["call_id"], "--ladder").stdout, ladder)
        self.assertRegex(self.daemon.cli("explain", call).stdout, "inbound")
        self.assertEqual(json.loads(self.daemon.http(f"/api/v1/calls/{call}")[1])["call"]["id"], call)
        self.assertEqual(self.daemon.count("calls_active", peer="carrier", direction="in"), 1)
        self.assertEqual(self.daemon.cli("hangup", call).returncode, 0)
        eventually(lambda: not self.calls(), "the call ends")
        self.assertEqual(self.daemon.cli("hangup", call, check=False).returncode, 66)
        record = eventually(self.cdrs, "its record is written", 15.0)
        self.assertEqual([one["id"] for one in record], [call])
        self.assertEqual((record[0]["result"], record[0]["ended_by"]), ("answered", "sallyport"))
        self.assertEqual(json.loads(self.daemon.cli("show", "call", call, "--json").stdout)["call"]["state"], "ended")

    def test_what_is_not_there_says_66_and_no_daemon_69(self):
        for words in (("show", "call", "nobody"), ("explain", "nobody"), ("hangup", "nobody")):
            done = self.daemon.cli(*words, check=False)
            self.assertEqual(done.returncode, 66, words)
            self.assertRegex(done.stderr, r"\Asallyport: no such call: nobody\n\Z")
        done = run(BINARY, "show", "calls", "--socket", "/nonexistent", check=False)
        self.assertEqual(done.returncode, 69)

    def test_drain_keeps_calls_and_takes_no_new_ones(self):
        call = self.call()
        self.assertIn("1 call is still up", self.daemon.cli("drain").stdout)
        self.assertEqual(self.daemon.http("/readyz")[0], 503)
        refused = self.sipp(self.net.out, "-sn", "uac", "-m", "1", "-i", FAR_OUT4, "-p", "5070", f"{OUT4}:{SIP_PORT}")
        self.assertNotEqual(refused.wait(30), 0)
        self.assertEqual([one["id"] for one in self.calls()], [call])

    def test_a_stop_waits_for_calls_and_ends_with_the_last(self):
        call = self.call()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.daemon.wait_for_log('"draining".*"calls":1')
        self.daemon.cli("hangup", call)
        self.assertEqual(self.daemon.wait_end(), 0)
        self.assertRegex(self.daemon.log(), "no call is up")
        self.assertEqual([one["id"] for one in self.cdrs()], [call])

    def test_calls_go_on_after_a_restart(self):
        call = self.call()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.daemon.wait_for_log('"draining"')
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait_end(), 0)
        self.assertRegex(self.daemon.log(), '"calls_saved".*"calls":1')
        self.assertEqual(self.cdrs(), [])
        self.daemon = self.net.start(self.config)
        self.assertEqual([one["id"] for one in self.answered()], [call])
        self.assertTrue(re.search("INVITE|no messages", self.daemon.cli("show", "call", call, "--ladder").stdout))
        self.daemon.cli("hangup", call)
        eventually(self.cdrs, "its record is written", 15.0)
        self.assertEqual([one["id"] for one in self.cdrs()], [call])

    def restart_with(self, threads):
        self.stop_at_once()
        self.assertEqual(self.daemon.wait_end(), 0)
        self.config["dataplane"]["signalling_threads"] = threads
        self.daemon = self.net.start(self.config)

    def test_calls_of_three_threads_are_one_list_and_go_on_with_one_thread(self):
        self.restart_with(threads=3)
        self.sipp(self.net.out, "-sn", "uac", "-m", "40", "-r", "40", "-l", "40", "-d", "600000", "-i", FAR_OUT4,
                  f"{OUT4}:{SIP_PORT}")
        eventually(lambda: len(self.answered()) == 40, "40 calls are answered", 30.0)
        calls = [call["id"] for call in self.calls()]
        self.assertEqual(calls, sorted(calls))
        paged, cursor = [], "0"
        while cursor:
            page = json.loads(self.daemon.http(f"/api/v1/calls?limit=7&cursor={cursor}")[1])
            paged += [call["id"] for call in page["calls"]]
            cursor = page["next"]
        self.assertEqual(paged, calls)
        self.restart_with(threads=1)
        self.assertEqual([call["id"] for call in self.answered()], calls)
        for call in calls:
            self.daemon.cli("hangup", call)
        eventually(lambda: len(self.cdrs()) == 40, "40 records are written", 20.0)
        self.assertEqual(sorted(record["id"] for record in self.cdrs()), calls)
        self.assertEqual(sorted(record["id"] for record in self.cdrs("start")), calls)


if __name__ == "__main__":
    unittest.main()
