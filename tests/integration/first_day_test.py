"""first_day_test.py — a new user's first day, with --full: in a clean Debian the package is installed, a configuration is
asked for and checked, the node runs between two networks, and SIPp places a call with voice. What the user types and what he
reads is written down as a transcript (to the file that SALLYPORT_TRANSCRIPT names, too), and each answer is judged."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

import prometheus_server
from harness import FULL, IN4, OUT4, SIP_PORT, START_SECONDS, FAR_IN4, FAR_OUT4, Network, eventually
from package_test import CleanRoot, Packed
from prometheus_server import PrometheusServer, filled_in, panels
from sipp import Sipp
from sipp_voice import CALLEE, CALLERS, count_voice, counted, write_voice

CONFIG = "/etc/sallyport/sallyport.yaml"
MONITORING = "/usr/share/doc/sallyport/monitoring"
EMPTY = {"Certificates: days left", "Copies for the HEP collector"}  # panels of what a first configuration does not have
CALLED = "4001"
PACKETS = 750  # fifteen seconds of voice: the call is up while it is looked at
KEPT_LINES = 60  # of what one command says, in the transcript


class Transcript:
    """What was typed and what was said, as a user would have it on his screen."""

    def __init__(self):
        self.text = ""

    def note(self, words):
        self.text += f"\n# {words}\n"

    def add(self, typed, said, status=0):
        lines = said.rstrip("\n").split("\n") if said.strip() else []
        if len(lines) > KEPT_LINES:
            lines = [*lines[:KEPT_LINES], f"... {len(lines) - KEPT_LINES} lines more"]
        self.text += "\n".join([f"$ {typed}", *lines, *([f"(status {status})"] if status else [])]) + "\n"

    def keep(self):
        print(self.text, flush=True)
        path = os.environ.get("SALLYPORT_TRANSCRIPT")
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.text)


@unittest.skipUnless(FULL, "a clean Debian is fetched with --full")
class FirstDay(Packed):
    def setUp(self):
        self.net = Network()
        self.addCleanup(self.net.remove)
        self.debian = CleanRoot(self.folder)
        self.transcript = Transcript()
        self.addCleanup(self.transcript.keep)

    def type(self, *words, status=0, typed=None, **options):
        """What a command says, in the clean Debian and in the namespace of the node."""
        command = self.debian.command(*words, namespace=self.net.sbc)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600,
                              env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}, **options)
        said = done.stdout + done.stderr
        self.transcript.add(typed or shlex.join(words), said, done.returncode)
        self.assertEqual(done.returncode, status, f"{shlex.join(words)}: {said}")
        return said

    def test_from_the_package_to_a_call_on_a_dashboard(self):
        self.install()
        self.configure()
        self.run_it()
        self.place_a_call()
        self.look_back()
        self.look_at_the_page()
        self.watch_it()
        self.stop_it()

    def install(self):
        self.transcript.note("A Debian 12 in which nothing was installed before")
        shutil.copy(self.package, self.debian.file("/sallyport.deb"))
        self.debian.run("apt-get", "update")  # over the network of the machine, not of the node
        done = self.debian.run("apt-get", "install", "-y", "--no-install-recommends", "/sallyport.deb")
        told = done.stdout[done.stdout.rindex("Setting up sallyport "):]
        self.transcript.add("apt-get install ./sallyport.deb", told)
        self.assertIn("next are 'sallyport init' and", told)
        said = self.type("sallyport", "--help")
        for command in ("run", "check", "show", "init", "doctor", "explain"):
            self.assertRegex(said, rf"(?m)^  {command} ", "the first help names it")

    def configure(self):
        self.transcript.note("Ten questions; Enter takes what stands in brackets")
        answers = [self.net.tag, "s-out", f"{OUT4}/24", "", "s-in", f"{IN4}/24", "", FAR_OUT4, FAR_IN4, ""]
        said = self.type("sallyport", "init", input="\n".join(answers) + "\n")
        self.assertIn(CONFIG, said)
        self.assertIn("sallyport check", said, "it says what comes next")
        self.assertEqual(self.debian.run("stat", "-c", "%a", CONFIG).stdout.strip()[-1], "0", "no stranger reads it")
        self.type("cat", CONFIG)
        said = self.type("sallyport", "check", "-c", CONFIG)
        self.assertRegex(said, r"\bMB\b|\bGB\b", "it says what memory it takes")
        said = self.type("sallyport", "doctor", "-c", CONFIG, status=0)
        self.assertRegex(said, r"\b0 in the way of a start")
        said = self.type("sallyport", "test", "route", "-c", CONFIG, "--peer", "carrier", "--called", CALLED)
        self.assertIn("pbx", said)
        said = self.type("sallyport", "show", "calls", status=69)
        self.assertIn("no daemon answers", said)

    def run_it(self):
        self.transcript.note("Under systemd: systemctl enable --now sallyport. Here its command line:")
        log = os.path.join(self.net.folder, "node.log")
        with open(log, "wb") as out:
            # pylint: disable-next=consider-using-with
            self.node = subprocess.Popen(self.debian.command("/usr/bin/sallyport", "run", "-c", CONFIG, namespace=self.net.sbc),
                                         stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.addCleanup(self.end)
        def said():
            with open(log, encoding="utf-8") as file:
                return file.read()
        eventually(lambda: '"ready"' in said() or self.node.poll() is not None, "it says ready", START_SECONDS)
        self.transcript.add(f"sallyport run -c {CONFIG} &", said())
        self.assertIn('"ready"', said())
        said = self.type("sallyport", "show", "peers")
        for peer in ("carrier", "pbx"):
            self.assertIn(peer, said)
        self.type("sallyport", "show", "ports")
        # From here on Prometheus looks: with the rules that are installed, not with what lies in the source.
        self.prometheus = PrometheusServer(self.net.sbc, self.net.folder, self.debian.file(f"{MONITORING}/alerts/sallyport.rules.yaml"))
        self.addCleanup(self.prometheus.end)
        eventually(lambda: self.prometheus.now('up{job="sallyport"} == 1'), "it is scraped", 20.0)

    def end(self):
        if self.node.poll() is None:
            self.node.terminate()
            try:
                self.node.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.node.kill()
                self.node.wait(10)

    def place_a_call(self):
        self.transcript.note(f"Outside SIPp calls {CALLED} and speaks for fifteen seconds; inside another answers and sends its voice back")
        write_voice(os.path.join(self.net.folder, "voice.pcap"), PACKETS)
        own = "c=IN IP[media_ip_type] [media_ip]"
        callee = Sipp(self.net.inn, self.net.folder, "uas_call.xml", (FAR_IN4, SIP_PORT),
                      replace={"c=IN IP[local_ip_type] [voice]": own, "m=audio 40002": "m=audio [media_port]"},
                      extra=["-rtp_echo", "-mi", FAR_IN4, "-mp", str(CALLEE)])
        self.addCleanup(callee.kill)
        for namespace in (self.net.out, self.net.inn):
            count_voice(namespace)
        play = f'<nop><action><exec play_pcap_audio="{self.net.folder}/voice.pcap"/></action></nop><pause/>'
        caller = Sipp(self.net.out, self.net.folder, "uac_call.xml", (FAR_OUT4, 5062), (OUT4, SIP_PORT), calls=1, called=CALLED,
                      cid="first-day", hold=20 * PACKETS + 400, extra=["-mi", FAR_OUT4, "-mp", str(CALLERS[0])],
                      replace={"c=IN IP[local_ip_type] [voice]": own, "m=audio 40000": "m=audio [auto_media_port]", "<pause/>": play})
        self.addCleanup(caller.kill)
        def is_heard():
            return self.is_measured(self.shown("calls")["calls"])
        eventually(is_heard, lambda: f"voice in both directions: {caller.words()}", 20.0)
        said = self.type("sallyport", "show", "calls")
        self.assertRegex(said, rf"answered .*{CALLED}")
        self.assertIn("1 call is up", said)
        self.assertEqual((caller.wait(60), caller.count("successful")), (0, 1), caller.words())
        callee.finish()
        self.assertEqual(callee.count("successful"), 1, callee.words())  # it takes the node's probes for calls that failed
        out, inn = counted(self.net.out), counted(self.net.inn)
        self.transcript.note(f"{out['said']} packets of voice left the caller, {inn['there']} came to the callee; "
                             f"{inn['echoed']} went back, {out['back']} came")
        self.assertEqual((out["said"], inn["there"], inn["echoed"], out["back"]), (PACKETS,) * 4, "not one is lost")

    @staticmethod
    def is_measured(calls):
        return len(calls) == 1 and all(row["packets"] for row in calls[0]["media"]) and len(calls[0]["media"]) == 2

    def shown(self, *what):
        done = self.debian.run("sallyport", "show", *what, "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"calls": [], "alarms": []}

    def look_back(self):
        path = "/var/lib/sallyport/cdr.jsonl"
        def ends():
            lines = self.debian.run("cat", path, check=False).stdout.splitlines()
            return [line for line in lines if json.loads(line)["type"] == "end"]
        (line,) = eventually(ends, "its record", 10.0)
        self.transcript.note("The call is over and has its record; a Call-ID of either leg names it")
        self.transcript.add(f"tail -n 1 {path}", line)
        record = json.loads(line)
        self.assertEqual((record["result"], record["called_in"], [row["packets"] for row in record["media"]]),
                         ("answered", CALLED, [PACKETS, PACKETS]))
        call_id = "first-day-1@phone.invalid"
        said = self.type("sallyport", "show", "call", call_id)
        self.assertEqual(len(re.findall(rf"PCMU/8000 .* {PACKETS} .* 4\.\d\d ", said)), 2, "packets and a good MOS in each direction")
        ladder = self.type("sallyport", "show", "call", call_id, "--ladder")
        for message in ("INVITE", "200", "ACK", "BYE"):
            self.assertGreaterEqual(len(re.findall(rf"\b{message}\b", ladder)), 2, f"{message} on both legs")
        said = self.type("sallyport", "explain", call_id)
        self.assertIn("route inbound matched", said)
        self.transcript.note("SIPp has ended, so nobody answers to probes any more: that is told")
        def down():
            return {one["subject"] for one in self.shown("alarms")["alarms"] if one["name"] == "peer_down"} == {"carrier", "pbx"}
        eventually(down, "both peers are down", 90.0)
        said = self.type("sallyport", "show", "alarms")
        for peer in ("carrier", "pbx"):
            self.assertRegex(said, rf"peer_down +{peer}")

    def look_at_the_page(self):
        self.transcript.note("What a browser fetches, and a scraper")
        for path, wanted in (("/", "<html"), ("/page/app.js", "import "), ("/readyz", "true"),
                             ("/metrics", "sallyport_calls_total"), ("/api/v1/calls/first-day-1@phone.invalid", CALLED)):
            status, text = self.get(path)
            self.transcript.add(f"curl http://127.0.0.1:8080{path}", "\n".join(line[:160] for line in text.split("\n")[:6]) + "\n...")
            self.assertEqual(status, 200, path)
            self.assertIn(wanted, text, path)

    def get(self, path):
        return prometheus_server.http_get(self.net.sbc, 8080, path)

    def watch_it(self):
        self.transcript.note("Prometheus has looked on, and has what the dashboard of the package wants to know")
        board = json.loads(self.debian.read(f"{MONITORING}/dashboards/overview.json"))
        prometheus, shown = self.prometheus, {}
        for panel in panels(board):
            for target in panel["targets"]:
                found = prometheus.history(filled_in(target["expr"]))
                shown[panel["title"]] = f"{len(found)} series, the first is now {found[0][1][-1][1]:g}" if found else "no data"
        self.transcript.add("(overview.json in Grafana, asked of Prometheus)",
                            "\n".join(f"{title}: {what}" for title, what in shown.items()))
        self.assertEqual({title for title, what in shown.items() if what == "no data"}, EMPTY)
        rules = prometheus.rules()
        self.assertGreater(len(rules), 30)
        self.assertEqual([one["name"] for one in rules if one["health"] != "ok"], [])

    def stop_it(self):
        self.node.terminate()
        self.assertEqual(self.node.wait(START_SECONDS), 0)
        self.assertEqual([name for name in os.listdir("/run/netns") if name.startswith(f"sp-{self.net.tag}")], [])
        self.transcript.note("SIGTERM: it has stopped with status 0, and nothing is left behind")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    unittest.main()
