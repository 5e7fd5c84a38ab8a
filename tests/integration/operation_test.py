"""operation_test.py — what an operator and his tools see: exit statuses, log, show, health, metrics."""

import copy
import json
import os
import subprocess
import unittest

from harness import BINARY, MANAGEMENT, OUT4, SIP_PORT, TOP, Case, Daemon, SharedCase
from netns import run


class Running(SharedCase):
    def test_show_ports_and_stats_for_people_and_programs(self):
        for what in ("ports", "stats"):
            self.assertTrue(self.daemon.cli("show", what).stdout.strip())
            self.assertTrue(self.daemon.show(what))
        text = json.dumps(self.daemon.show("ports"))
        for word in ("outside", "inside", f"{OUT4}/24", self.daemon.port_mac("outside")):
            self.assertIn(word, text)

    def test_show_watch_goes_on_until_it_is_ended(self):
        watching = subprocess.Popen([BINARY, "show", "ports", "--json", "--watch", "100ms", "--socket", self.daemon.socket_path],
                                    stdout=subprocess.PIPE, text=True)
        try:
            decoder, text, seen = json.JSONDecoder(), "", 0
            while seen < 3:
                line = watching.stdout.readline()
                self.assertTrue(line, "it ended by itself")
                text = (text + line).lstrip()
                try:
                    _, end = decoder.raw_decode(text)
                except ValueError:
                    continue
                seen, text = seen + 1, text[end:]
        finally:
            watching.terminate()
            watching.communicate(timeout=10)

    def test_health_and_readiness(self):
        self.assertEqual(self.daemon.http("/healthz")[0], 200)
        self.assertEqual(self.daemon.http("/readyz")[0], 200)
        self.assertEqual(self.daemon.http("/nothing")[0], 404)

    def test_metrics_please_promtool(self):
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        status, text = self.daemon.http("/metrics")
        self.assertEqual(status, 200)
        done = run("promtool", "check", "metrics", check=False, input=text)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_metrics_of_the_contract_are_there(self):
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        names = {name for name, _ in self.daemon.metrics()}
        for name in ("build_info", "sip_requests_total", "sip_responses_total", "sip_dropped_total", "sip_retransmissions_total",
                     "transactions_active", "dataplane_packets_total", "dataplane_bytes_total", "dataplane_dropped_total",
                     "dataplane_busy_ratio", "dataplane_ring_used_ratio", "dataplane_mbufs_free"):
            self.assertIn(f"sallyport_{name}", names)

    def test_metrics_name_no_address(self):
        text = self.daemon.http("/metrics")[1]
        for address in (OUT4, "198.18.", "fd18:"):
            self.assertNotIn(address, text)

    def test_the_log_is_json_line_by_line(self):
        for line in self.daemon.log().splitlines():
            self.assertIsInstance(json.loads(line), dict)


class Statuses(Case):
    def status(self, config, *arguments):
        path = os.path.join(self.net.folder, "checked.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        return run(BINARY, "check", "-c", path, *arguments, check=False)

    def test_check_says_0_for_a_good_configuration(self):
        done = self.status(self.net.config())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_check_says_0_for_the_smallest_example(self):
        done = run(BINARY, "check", "-c", os.path.join(TOP, "mgmt/config/examples/smallest.yaml"), check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_check_says_78_and_names_file_line_and_key(self):
        config = self.net.config()
        config["realms"][0]["port"] = "outsidee"
        config["ports"][1]["mtux"] = 1500
        done = self.status(config)
        words = done.stdout + done.stderr
        self.assertEqual(done.returncode, 78, words)
        self.assertRegex(words, r"checked\.yaml:\d+: \S*port")
        self.assertIn("outsidee", words)
        self.assertIn("mtux", words)

    def test_run_says_78_for_a_bad_configuration(self):
        config = copy.deepcopy(self.net.config())
        del config["ports"]
        daemon = self.net.start(config, wait_ready=False)
        self.assertEqual(daemon.wait_end(), 78, daemon.log())

    def test_run_says_78_when_there_is_no_file(self):
        done = run(BINARY, "run", "-c", os.path.join(self.net.folder, "nothing.yaml"), check=False, timeout=30)
        self.assertEqual(done.returncode, 78, done.stdout + done.stderr)

    def test_run_says_71_and_one_sentence_for_each_device_that_cannot_be_had(self):
        for device, word in (("af_packet:s-none", "s-none"), ("af_xdp:s-none", "s-none"), ("pci:0000:7f:1f.7", "0000:7f:1f.7"),
                             ("pcap:in=/nonexistent.pcap,out=/dev/null", "/nonexistent.pcap")):
            with self.subTest(device=device):
                daemon = self.net.start(self.net.config(out_device=device), wait_ready=False)
                self.assertEqual(daemon.wait_end(), 71, daemon.log())
                self.assertIn(word, daemon.log())

    def test_run_says_71_when_the_management_address_is_taken(self):
        self.net.sbc.ip("address", "add", f"{MANAGEMENT}/32", "dev", "lo")
        taken = self.net.sbc.socket(2, 1)
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 8080))
        taken.listen()
        daemon = self.net.start(self.net.config(), wait_ready=False)
        self.assertEqual(daemon.wait_end(), 71, daemon.log())
        self.assertIn("8080", daemon.log())

    def test_show_says_69_when_no_daemon_answers(self):
        done = run(BINARY, "show", "ports", "--socket", os.path.join(self.net.folder, "none.sock"), check=False, timeout=30)
        self.assertEqual(done.returncode, 69, done.stdout + done.stderr)

    def test_sigterm_ends_with_0_and_takes_everything_along(self):
        daemon = self.net.start(self.net.config())
        self.assertIsInstance(daemon, Daemon)
        self.assertEqual(daemon.terminate(), 0, daemon.log())
        self.assertFalse(os.path.exists(daemon.socket_path), "the control socket is left")


if __name__ == "__main__":
    unittest.main()
