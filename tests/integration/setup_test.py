"""setup_test.py — from nothing to a call: `init` makes a configuration that carries one, `config schema` judges files as
`check` does, `doctor` names what is wrong with a machine."""

import glob
import json
import os
import socket
import unittest

import jsonschema
import yaml

from certificates import EXPIRED, Authority
from harness import BINARY, FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, TOP, Case
from netns import inside, run
from sipp import Sipp

EXAMPLES = os.path.join(TOP, "mgmt", "config", "examples")
CONTRACT = os.path.join(TOP, os.pardir, "shared", "contract")
SMALL = {"lcores": 1, "signalling_threads": 1, "hugepages": "never",
         "capacity": {"calls": 100, "transactions": 5000, "registrations": 100, "sources": 20000, "blocked": 1000,
                      "connections": 100}}


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


class Init(Case):
    def test_its_configuration_passes_check_and_carries_calls_both_ways(self):
        path = os.path.join(self.net.folder, "first.yaml")
        typed = f"{self.net.tag}\ns-out\n{OUT4}/24\n\ns-in\n{IN4}/24\n\n{FAR_OUT4}\n{FAR_IN4}\n\n"
        made = self.net.sbc.run(BINARY, "init", "--to", path, "--state", os.path.join(self.net.folder, "state"), input=typed)
        self.assertIn(f"sallyport check -c {path}", made.stdout)
        self.assertIn("here are s-", made.stdout, "it names the interfaces of this machine")
        checked = run(BINARY, "check", "-c", path, "--strict", check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        daemon = self.net.start({"include": [path], "dataplane": SMALL,
                                 "management": {"socket": os.path.join(self.net.folder, "control.sock")}})
        for near, far, caller, callee, own in ((self.net.out, self.net.inn, FAR_OUT4, FAR_IN4, OUT4),
                                               (self.net.inn, self.net.out, FAR_IN4, FAR_OUT4, IN4)):
            answers = Sipp(far, self.net.folder, "uas_call.xml", (callee, SIP_PORT))
            self.addCleanup(answers.kill)
            calls = Sipp(near, self.net.folder, "uac_call.xml", (caller, 5062), (own, SIP_PORT), calls=3, called="4001",
                         cid=f"from-{caller}")
            self.addCleanup(calls.kill)
            self.assertEqual((calls.wait(60), calls.count("successful")), (0, 3), calls.words())
            answers.kill()
        self.assertEqual(daemon.count("calls_total", direction="in", result="answered"), 6)

    def test_a_file_that_is_there_stays(self):
        path = os.path.join(self.net.folder, "mine.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write("mine\n")
        done = run(BINARY, "init", "--to", path, check=False, input="\n")
        self.assertEqual(done.returncode, 71)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine\n")


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(run(BINARY, "config", "schema").stdout)
        cls.judge = jsonschema.Draft7Validator(cls.schema)

    def mistakes(self, config):
        return ["/".join(str(step) for step in found.absolute_path) for found in self.judge.iter_errors(config)]

    def test_it_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(self.schema)

    def test_every_shipped_configuration_passes(self):
        files = [path for path in glob.glob(f"{EXAMPLES}/*.yaml") if "users" not in path] + glob.glob(f"{CONTRACT}/*.yaml")
        self.assertGreaterEqual(len(files), 11)
        for path in files:
            self.assertEqual(self.mistakes(load(path)), [], path)

    def test_mistakes_are_found_where_they_are(self):
        good = load(os.path.join(EXAMPLES, "smallest.yaml"))
        self.assertEqual(self.mistakes(good), [])
        for where, key, value, place in (
                (lambda c: c["ports"][0], "mtuu", 1500, "ports/0"),
                (lambda c: c["ports"][0], "mtu", 100, "ports/0/mtu"),
                (lambda c: c["realms"][1], "trust", "tursted", "realms/1/trust"),
                (lambda c: c["peers"][0], "health", {"ping": "30"}, "peers/0/health/ping"),
                (lambda c: c["peers"][0], "timers", {"rings": "30s"}, "peers/0/timers"),
                (lambda c: c["routes"][0], "to", [], "routes/0/to")):
            config = load(os.path.join(EXAMPLES, "smallest.yaml"))
            where(config)[key] = value
            self.assertEqual(self.mistakes(config), [place], f"{key}: {value}")
        del good["peers"]
        self.assertEqual(self.mistakes(good), [""], "peers is missing")

    def test_keys_of_every_example_are_explained(self):
        for key in ("peers[carrier].limits.in.calls", "realms.listen.transport", "management.cdr.rotate"):
            self.assertEqual(run(BINARY, "config", "explain", key).returncode, 0)
        wrong = run(BINARY, "config", "explain", "ports.mtuu", check=False)
        self.assertEqual((wrong.returncode, wrong.stderr),
                         (66, "sallyport: there is no key 'mtuu' below ports[]; did you mean ports[].mtu?\n"))


class Doctor(Case):
    def examine(self, config, *prefix):
        path = os.path.join(self.net.folder, "examined.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)
        done = self.net.sbc.run(*prefix, BINARY, "doctor", "-c", path, "--json", check=False)
        self.assertIn(done.returncode, (0, 71), done.stdout + done.stderr)
        return done.returncode, json.loads(done.stdout)["findings"]

    def test_nothing_is_in_the_way_on_a_machine_that_has_all(self):
        status, findings = self.examine(self.net.config())
        faults = [found for found in findings if found["health"] == "fault"]
        self.assertEqual((status, faults), (0, []))

    def listen(self, address):
        with inside(self.net.sbc.path):
            kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
            sock = socket.socket(kind, socket.SOCK_STREAM)
        self.addCleanup(sock.close)
        sock.bind(address)
        sock.listen()

    def test_more_than_ten_things_wrong_are_named_each_with_its_remedy(self):
        config, folder = self.net.config(), self.net.folder
        authority = Authority(folder, "authority")
        pairs = {"old": authority.issue("old", days=EXPIRED), "soon": authority.issue("soon", days=2)}
        config["tls"] = {"certificates": [{"name": name, "certificate": pair.certificate, "key": pair.key}
                                          for name, pair in pairs.items()]}
        config["ports"][0]["device"], config["ports"][1]["device"] = "af_packet:s-none", "pci:00ff:1e:00.0"
        config["dataplane"].update(lcores=128, hugepages="auto")
        config["dataplane"]["capacity"].update(sources=100_000_000, calls=1_000_000, connections=20_000)
        config["management"]["metrics"] = {"listen": "127.0.0.1:9100"}
        self.listen(("127.0.0.1", 8080))
        self.listen(("127.0.0.1", 9100))
        self.listen(config["management"]["socket"])
        os.makedirs(config["node"]["state"])
        spoilt = ("unshare", "--mount", "sh", "-ec",
                  f"mount -t tmpfs -o size=1m none {config['node']['state']}\n"
                  "exec setpriv --bounding-set=-sys_admin,-net_admin,-net_raw --inh-caps=-all prlimit --nofile=64:64 \"$@\"", "sh")
        status, findings = self.examine(config, *spoilt)
        self.assertEqual(status, 71)
        wrong = {found["about"]: found for found in findings if found["health"] != "good"}
        expected = {"cores": "fault", "memory": "fault", "rights": "fault", "files": "advice", "disk": "fault",
                    "port outside": "fault", "port inside": "fault", "certificate old": "fault",
                    "certificate soon": "advice", "management.listen": "advice", "management.metrics.listen": "advice",
                    "management.socket": "advice"}
        self.assertEqual({about: found["health"] for about, found in wrong.items() if about in expected}, expected)
        self.assertLessEqual(set(wrong) - set(expected), {"hugepages", "clock"}, "what the test can't choose")
        for about, found in wrong.items():
            self.assertTrue(found["do"], f"{about}: what is to be done?")


if __name__ == "__main__":
    unittest.main()
