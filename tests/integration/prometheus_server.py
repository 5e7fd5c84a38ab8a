"""prometheus_server.py — a real Prometheus beside a daemon, with the rules as shipped but for their times, and its HTTP API;
the expressions of the shipped dashboards and rules."""

import glob
import json
import math
import os
import re
import subprocess
import time
import urllib.parse

from harness import TOP, eventually, http_get

MONITORING = os.path.join(TOP, "mgmt", "monitoring")
RULES = os.path.join(MONITORING, "alerts", "sallyport.rules.yaml")
WINDOW = "10s"  # of a rate; a scrape a second


def dashboards():
    """{file name: dashboard}"""
    found = {}
    for path in sorted(glob.glob(os.path.join(MONITORING, "dashboards", "*.json"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = json.load(file)
    return found


def panels(board):
    """Those that show something; rows only part them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def written_expressions():
    """{where: expression} of every panel and annotation, as the files say them."""
    found = {}
    for name, board in dashboards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                found[f"{name}: {panel['title']} ({target['refId']})"] = target["expr"]
        for note in board["annotations"]["list"]:
            found[f"{name}: {note['name']}"] = note["expr"]
    return found


def filled_in(expression):
    """As Grafana would send it, with all nodes and peers chosen."""
    for variable in ("$node", "$peer"):
        expression = expression.replace(variable, ".*")
    return expression.replace("$__rate_interval", WINDOW)


def measured(expression):
    """An alert's expression with every threshold turned into 0 or 1: it has a value whether or not the alert is up."""
    return re.sub(r" (==|!=|>=|<=|>|<) (\d)", r" \1 bool \2", expression)


class PrometheusServer:
    """It scrapes 127.0.0.1:8080 of the daemon's namespace each second. Windows of rates are ten seconds and what must last
    before an alert fires one, so that a test sees alerts come and go."""

    def __init__(self, namespace, folder, shipped_rules=RULES):
        self.namespace = namespace
        rules = os.path.join(folder, "rules.yaml")
        with open(shipped_rules, encoding="utf-8") as shipped, open(rules, "w", encoding="utf-8") as file:
            file.write(re.sub(r"\bfor: \w+", "for: 1s", re.sub(r"\[\d+m\]", f"[{WINDOW}]", shipped.read())))
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules],
                  "scrape_configs": [{"job_name": "sallyport", "static_configs": [{"targets": ["127.0.0.1:8080"]}]}]}
        path = os.path.join(folder, "prometheus.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump(config, file)  # JSON is YAML
        self._log = open(os.path.join(folder, "prometheus.log"), "wb")  # pylint: disable=consider-using-with
        self.start = time.time()
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace.name, "prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/tsdb",
             "--web.listen-address=127.0.0.1:9090", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        eventually(self._is_ready, self.words, 30.0)

    def words(self):
        with open(self._log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def _is_ready(self):
        try:
            return self._get("/-/ready")[0] == 200
        except OSError:
            return False

    def _get(self, path):
        return http_get(self.namespace, 9090, path, 20)

    def ask(self, path, **parameters):
        """`data` of an answer of the API."""
        status, body = self._get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        if status != 200 or answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {status} {answer}")
        return answer["data"]

    def now(self, expression):
        """[(labels, value)]"""
        return [(one["metric"], float(one["value"][1])) for one in self.ask("query", query=expression)["result"]]

    def history(self, expression):
        """[(labels, [(time, value)])] of each second since it was started."""
        data = self.ask("query_range", query=expression, start=self.start, end=time.time(), step="1")
        return [(one["metric"], [(float(at), float(value)) for at, value in one["values"]]) for one in data["result"]]

    def has_shown(self, expression):
        """Whether it ever had a value that is a number."""
        return any(math.isfinite(value) for _, values in self.history(expression) for _, value in values)

    def firing(self, alert, **labels):
        matchers = "".join(f',{name}="{value}"' for name, value in labels.items())
        return self.now(f'ALERTS{{alertname="{alert}",alertstate="firing"{matchers}}}')

    def rules(self):
        """All that it evaluates."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._log.close()
