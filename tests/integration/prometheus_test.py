"""prometheus_test.py — a real Prometheus watches Sallyport under calls and attacks: every panel of the dashboards and every
rule has data, alerts come and go, promtool has nothing to say. RFC 6076; threats R13."""

import json
import os
import re
import subprocess
import unittest

import prometheus_server
from attack_test import Attackers
from call_case import add_calls
from harness import OUT4, SIP_PORT, TOP, SharedCase, eventually
from prometheus_server import PrometheusServer, dashboards, filled_in, measured, panels, written_expressions
from registering_phone import DOMAIN, USERS
from registrar_case import Phones, write_users
from sipp import Sipp
from sipp_voice import VoiceRun
from stream_case import TLS_PORT, Side, listen_on_streams
from stream_phone import StreamEnd
from trunk_phone import Carrier

SILENT = "198.18.1.8"  # a peer that answers when a test wants it to
LIMITED = 10  # calls
COLLECTOR = ("127.0.0.1", 9060)
METRIC = r"(?<![\w:])(sallyport_\w+)(?![\w:])"


def metrics_of(expression):
    """Families that an expression reads; not what rules record."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(METRIC, expression)}


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


class Files(unittest.TestCase):
    """What can be said of dashboards and rules without a daemon."""

    def test_promtool_accepts_the_rules(self):
        done = promtool("check", "rules", prometheus_server.RULES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("SUCCESS", done.stdout)

    def test_the_rules_pass_their_own_tests(self):
        tests = prometheus_server.RULES.replace(".rules.yaml", "_rules_test.yaml")
        done = promtool("test", "rules", tests)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(prometheus_server.RULES, encoding="utf-8") as rules, open(tests, encoding="utf-8") as file:
            alerts, tested = re.findall(r"- alert: (\w+)", rules.read()), file.read()
        self.assertEqual([one for one in alerts if f"- name: {one}\n" not in tested], [], "alerts without a test")

    def test_every_alert_says_what_is_and_what_to_do(self):
        with open(prometheus_server.RULES, encoding="utf-8") as file:
            alerts = re.split(r"- alert: ", file.read())[1:]
        self.assertGreater(len(alerts), 20)
        for alert in alerts:
            name = alert.split("\n", 1)[0]
            for wanted in (r"severity: (critical|warning|info) ", r"\n +summary: \S", r"\n +description: \S", r"\n +action: \S"):
                self.assertRegex(alert, wanted, name)

    def test_dashboards_have_ids_titles_and_units_of_their_own(self):
        boards = dashboards()
        self.assertEqual(set(boards), {"overview.json", "peer.json", "media.json", "dataplane.json", "security.json"})
        for what in ("uid", "title"):
            self.assertEqual(len({board[what] for board in boards.values()}), len(boards), what)
        for name, board in boards.items():
            self.assertTrue(board["uid"].startswith("sallyport-") and len(board["uid"]) <= 40, name)
            ids = [panel["id"] for panel in board["panels"]]
            titles = [panel["title"] for panel in board["panels"]]
            self.assertEqual((len(set(ids)), len(set(titles))), (len(ids), len(titles)), name)
            for panel in panels(board):
                where = f"{name}: {panel['title']}"
                self.assertTrue(panel["description"] and panel["fieldConfig"]["defaults"]["unit"] and panel["targets"], where)
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}", where)
                    if panel["type"] == "timeseries" and len(panel["targets"]) > 1:
                        self.assertTrue(target["legendFormat"], where)

    def test_dashboards_let_nodes_and_peers_be_chosen(self):
        for name, board in dashboards().items():
            variables = {one["name"]: one for one in board["templating"]["list"]}
            self.assertEqual(variables["datasource"]["type"], "datasource", name)
            self.assertIn("node", variables, name)
            self.assertEqual("peer" in variables, name == "peer.json")
            for panel in panels(board):
                for target in panel["targets"]:
                    self.assertIn('instance=~"$node"', target["expr"], f"{name}: {panel['title']}")
                    self.assertEqual('peer=~"$peer"' in target["expr"], name == "peer.json", f"{name}: {panel['title']}")

    def test_panels_lie_side_by_side(self):
        for name, board in dashboards().items():
            taken = set()
            for panel in board["panels"]:
                at = panel["gridPos"]
                self.assertLessEqual(at["x"] + at["w"], 24, f"{name}: {panel['title']}")
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(cells & taken, f"{name}: {panel['title']} lies on another")
                taken |= cells


class Watched(Attackers, Phones, SharedCase):
    """Calls with voice, a peer that is down, a flood, a scan, TLS, a reload that fails: then Prometheus is asked."""

    transport = "udp"

    @classmethod
    def configure(cls, config):
        network = cls.shared
        add_calls(config, network)
        cls.sides = {side: Side(network, side) for side in ("out", "in")}
        listen_on_streams(config, cls.sides, client_certificate="none")
        config["dataplane"]["capacity"].update(registrations=1000)
        network.out.ip("address", "add", f"{SILENT}/24", "dev", "wire")
        config["peers"].append({"name": "silent", "realm": "outside", "targets": [{"address": f"{SILENT}:{SIP_PORT}"}],
                                "health": {"ping": "1s", "down_after": 1, "up_after": 1}})
        limited = next(peer for peer in config["peers"] if peer["name"] == "carrier-4")
        limited["limits"] = {"in": {"calls": LIMITED}}
        inside = [peer["name"] for peer in config["peers"] if peer["realm"] == "inside"]
        config["routes"].append({"name": "to-silent", "match": {"peer": inside, "called": "^8"}, "to": ["silent"]})
        config["registrars"] = [{"name": "phones", "realm": "outside", "mode": "local", "domains": [DOMAIN],
                                 "users_file": write_users(os.path.join(network.folder, "users.yaml"), USERS)}]
        config["routes"].append({"name": "between-phones", "match": {"registrar": ["phones"]}, "to": [{"registrar": "phones"}]})
        config["security"] = {"signatures": [{"file": os.path.join(TOP, "mgmt", "config", "rules", "sip.rules")}]}
        config["management"]["hep"] = {"collector": f"{COLLECTOR[0]}:{COLLECTOR[1]}", "capture_id": 77, "realms": ["outside"]}
        cls.config = config

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prometheus = PrometheusServer(cls.shared.sbc, cls.shared.folder)
        cls.addClassCleanup(cls.prometheus.end)
        cls.collector = cls.shared.sbc.udp(*COLLECTOR)
        cls.addClassCleanup(cls.collector.close)

    def number(self):
        return f"{os.getpid():x}.{next(self.numbers)}"

    numbers = iter(range(1, 1000))

    def fires(self, alert, **labels):
        return eventually(lambda: self.prometheus.firing(alert, **labels), lambda: f"{alert} fires; {self.prometheus.now('ALERTS')}", 25.0)

    def clears(self, alert, **labels):
        eventually(lambda: not self.prometheus.firing(alert, **labels), lambda: f"{alert} clears; {self.prometheus.now('ALERTS')}", 40.0)

    def test_1_calls_and_attacks_raise_alerts_that_go_away(self):
        """First: what it does the others look at."""
        self.fires("SallyportPeerDown", peer="silent")
        self.voice_up_to_the_limit()
        self.calls_that_fail()
        self.attacks()
        self.handshakes()
        self.a_reload_that_fails()
        self.clears("SallyportPeerNearLimit")
        carrier = Carrier(self.net.out, self.net.out.udp(SILENT, SIP_PORT), (OUT4, SIP_PORT))
        self.addCleanup(carrier.stop)
        self.clears("SallyportPeerDown")
        self.clears("SallyportCallsAreIneffective")
        self.clears("SallyportAttack")
        self.clears("SallyportReloadFailed")

    def voice_up_to_the_limit(self):
        run = VoiceRun(self, "watched", ("out", 4), ".2", called="4001", calls=LIMITED, rate=20, packets=250)
        eventually(lambda: self.daemon.count("media_streams_active") >= LIMITED, "streams are open")
        stranger = self.net.out.udp(self.attacker())
        for port in range(20000, 30000, 2):  # whoever it belongs to, he is not the one
            stranger.sendto(b"\x80\x00" + bytes(170), (OUT4, port))
        stranger.close()
        eventually(lambda: self.daemon.count("media_dropped_total", realm="outside", reason="foreign_source"), "his packets are dropped")
        self.fires("SallyportPeerNearLimit", peer="carrier-4", direction="in")
        run.judge_calls()

    def calls_that_fail(self):
        caller = Sipp(self.net.inn, self.net.folder, "uac_refused.xml", ("198.18.2.2", 5062), ("198.18.2.1", SIP_PORT), called="8001",
                      cid=f"fails-{self.number()}", calls=20, rate=10, replace={'"486"': '"503"'})
        self.addCleanup(caller.kill)
        self.assertEqual(caller.wait(30), 0, caller.words())
        self.fires("SallyportCallsAreIneffective", peer="pbx-4", direction="in")

    def attacks(self):
        self.registered_phone(self.user())  # who is challenged first
        address = self.attacker()
        flooder = Sipp(self.net.out, self.net.folder, "uac_call.xml", (address, 5062), (OUT4, SIP_PORT), called="4001",
                       cid=f"flood-{self.number()}", calls=600, rate=200, extra=["-timeout", "4s", "-max_retrans", "2"])
        self.addCleanup(flooder.kill)
        flooder.wait(30)
        # A signature knows this one by its name.
        self.run_tool("svwar", self.attacker(), "-m", "REGISTER", "--force", "-e1000-1060", "-t", "0.01", "--maximumtime", "2", "--domain", DOMAIN,
                      OUT4, seconds=4)
        self.fires("SallyportAttack", detector="signature")

    def handshakes(self):
        """One that ends well, and one with who says nothing that is TLS."""
        wire = self.net.out.socket(2, 1)
        self.addCleanup(wire.close)
        wire.connect((OUT4, TLS_PORT))
        wire.sendall(b"OPTIONS sip:nobody SIP/2.0\r\n\r\n" * 3)
        end = StreamEnd(self.net.out, ("198.18.1.2", 5199), (OUT4, TLS_PORT), "TLS", self.sides["out"].identity("someone", "198.18.1.2"))
        self.addCleanup(end.close)
        end.connect()
        eventually(lambda: self.daemon.count("tls_handshakes_total", result="ok") >= 1, "a handshake")
        end.close()

    def a_reload_that_fails(self):
        with open(self.daemon.config_path, encoding="utf-8") as file:
            good = file.read()
        for text, status in ((good.replace('"^8"', '"^[8"'), 78), (good, 0)):
            with open(self.daemon.config_path, "w", encoding="utf-8") as file:
                file.write(text)
            self.assertEqual(self.daemon.cli("reload", check=False).returncode, status)
            if status:
                self.fires("SallyportReloadFailed")

    def test_2_every_panel_shows_something(self):
        empty = [where for where, expression in written_expressions().items() if not self.prometheus.has_shown(filled_in(expression))]
        self.assertEqual(empty, [])

    def test_2_every_rule_has_data_and_no_error(self):
        rules = self.prometheus.rules()
        self.assertGreater(len(rules), 30)
        self.assertEqual([(one["name"], one["lastError"]) for one in rules if one["health"] != "ok"], [])
        for rule in rules:
            expression = rule["query"] if rule["type"] == "recording" else measured(rule["query"])
            self.assertTrue(self.prometheus.has_shown(expression), f"{rule['name']}: {expression}")

    def test_2_every_metric_is_in_a_panel_and_every_panel_has_a_metric(self):
        status, text = self.daemon.http("/metrics")
        self.assertEqual(status, 200)
        # A signature that did not match since the last reload has no series: Prometheus has seen it.
        known = {name for name in self.prometheus.ask("label/__name__/values") if re.fullmatch(METRIC, name)}
        served = set(re.findall(r"^# TYPE (\w+) ", text, re.M)) | set().union(*map(metrics_of, known))
        shown = set().union(*(metrics_of(expression) for expression in written_expressions().values()))
        self.assertEqual(shown - served, set(), "panels that show what is not served")
        self.assertEqual(served - shown, set(), "served, but in no panel")
        with open(prometheus_server.RULES, encoding="utf-8") as file:
            ruled = set().union(*(metrics_of(line) for line in file if "sallyport_" in line and not line.lstrip().startswith(("#", "-"))))
        self.assertEqual({one for one in ruled if one not in served}, set(), "rules of what is not served")

    def test_2_the_values_of_variables_are_there(self):
        for name, board in dashboards().items():
            for variable in board["templating"]["list"]:
                if variable["type"] != "query":
                    continue
                selector, label = re.fullmatch(r"label_values\((.*),(\w+)\)", variable["definition"]).groups()
                values = self.prometheus.ask(f"label/{label}/values", **{"match[]": filled_in(selector)})
                self.assertTrue(values, f"{name}: {variable['name']}")

    def test_2_a_scrape_is_small_and_names_no_stranger(self):
        self.assert_metrics_name_no_stranger()
        (_, seconds), = self.prometheus.now("max_over_time(scrape_duration_seconds[5m])")
        self.assertLess(seconds, 1.0)  # how fast it is a benchmark says: tests/bench/scrape_bench.cpp

    def test_3_a_node_that_is_gone_is_told(self):
        """Last: it ends the daemon."""
        self.daemon.kill()
        self.fires("SallyportDown", instance="127.0.0.1:8080")
        type(self).daemon = self.shared.start(json.loads(json.dumps(self.config)))
        self.clears("SallyportDown")


if __name__ == "__main__":
    unittest.main()
