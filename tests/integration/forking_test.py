"""forking_test.py — Kamailio as a forking proxy behind Sallyport: several 18x, several 200s, a failure acknowledged hop
by hop. RFC 3261 §12.1.2, §13.2.2.4, §16.7, §17.1.1.3.

The proxy stays on the route (§16.6 step 4): SIPp sends every answer to where its first request came from, whatever Via says."""

import os
import signal
import subprocess
import unittest

from call_case import CallCase, Run
from capture import Capture
from harness import IN4, OUT4, SIP_PORT, eventually
from sipp import Sipp, is_bound

PROXY = ("198.18.2.20", SIP_PORT)
PHONES = ("198.18.2.21", "198.18.2.22")
CONFIG = """
children=1
auto_aliases=no
log_stderror=yes
debug=1
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
listen=udp:{address}:{port}
request_route {{
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here");
    exit;
  }}
  if (!is_method("INVITE")) {{ sl_send_reply("200", "OK"); exit; }}
  record_route();
  $ru = "sip:" + $rU + "@{first}:{port}";
  append_branch("sip:$rU@{second}:{port}");
  t_relay();
}}
"""


class Kamailio:
    def __init__(self, namespace, folder):
        path = os.path.join(folder, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(address=PROXY[0], port=PROXY[1], first=PHONES[0], second=PHONES[1]))
        self._log = open(os.path.join(folder, "kamailio.log"), "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "kamailio", "-f", path, "-DD", "-E", "-m", "32",
                                         "-M", "4", "-w", folder, "-Y", folder, "-P", os.path.join(folder, "kamailio.pid")],
                                        stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        eventually(self._listens, "Kamailio listens", 20.0)

    def _listens(self):
        if self.process.poll() is not None:
            with open(self._log.name, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"Kamailio ended: {file.read()[-3000:]}")
        return is_bound(self.process.pid, PROXY)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._log.close()


class Forking(CallCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        for address in (PROXY[0], *PHONES):
            cls.shared.inn.ip("address", "add", f"{address}/24", "dev", "wire")
        config["peers"].append({"name": "proxy", "realm": "inside", "targets": [{"address": f"{PROXY[0]}:{PROXY[1]}"}],
                                "sources": [f"{phone}/32" for phone in PHONES]})
        config["routes"].insert(0, {"name": "forked", "match": {"realm": ["outside"], "called": "^8"}, "to": ["proxy"]})
        cls.proxy = Kamailio(cls.shared.inn, cls.shared.folder)
        cls.addClassCleanup(cls.proxy.stop)

    def phones(self, *scenarios):
        found = []
        for address, scenario in zip(PHONES, scenarios):
            scenario, options = scenario if isinstance(scenario, tuple) else (scenario, {})
            found.append(Sipp(self.net.inn, self.net.folder, scenario, (address, SIP_PORT), **options))
            self.addCleanup(found[-1].kill)
        return found

    def run_forked(self, name, caller, phones, **options):
        """The SIP that was seen outside and inside, and the run, once both phones and the caller are content."""
        judge, is_race = options.pop("judge", {}), options.pop("is_race", False)
        resent = self.daemon.count("sip_retransmissions_total")
        phones = self.phones(*phones)
        captures = [Capture(namespace, os.path.join(self.net.folder, f"{name}-{number}.pcap"))
                    for number, namespace in enumerate((self.net.out, self.net.inn))]
        try:
            run = Run(self, name, ("out", 4), caller, {}, calls=self.calls(20, 200), rate=20, **options)
            run.judge(**judge)
            for phone in phones:
                phone.finish()
                # A CANCEL of the proxy may come when the dialog has been ended by ACK and BYE.
                late = phone.words().count("unexpected CANCEL") if is_race else 0
                self.assertEqual((phone.count("successful"), phone.count("failed")), (run.caller.calls, late), phone.words())
            self.assert_no_call_is_left()
            again = self.daemon.count("sip_retransmissions_total") - resent
            self.assertLess(again, run.caller.calls, "each call had something sent twice")
        finally:
            heard = [capture.stop() for capture in captures]
        return heard[0], heard[1], run

    # RFC 3261 §12.1.2: each phone that rings is a dialog of its own for the caller too.
    def test_one_phone_rings_the_other_answers(self):
        outside, _, run = self.run_forked("rings", "uac_call.xml", ("uas_rings.xml", ("uas_call.xml", {
            "replace": {'<pause milliseconds="20"/>': '<pause milliseconds="400"/>'}})), called="8001", hold=100,
            judge={"result": "answered"})
        forked = 0
        for call_id in run.caller.call_ids():
            told = [m for m in outside if m.call_id == call_id and m.source[0] == OUT4 and m.method == "INVITE"]
            tags = {status: {m.header("to").partition(";tag=")[2] for m in told if m.status == status} for status in (180, 200)}
            self.assertEqual(len(tags[200]), 1)
            self.assertLessEqual(len(tags[180]), 2)
            forked += len(tags[180]) == 2
        self.assertGreater(forked, 0, "no call came with two early dialogs")

    # RFC 3261 §13.2.2.4: every 200 is acknowledged, the second dialog ended; the caller hears of one.
    def test_both_phones_answer(self):
        outside, inside, run = self.run_forked("twice", "uac_call.xml", ("uas_answers_at_once.xml", "uas_answers_at_once.xml"),
                                               called="8002", hold=300, is_race=True, judge={"result": "answered"})
        for call_id in run.caller.call_ids():
            tags = {m.header("to").partition(";tag=")[2] for m in outside
                    if m.call_id == call_id and m.source[0] == OUT4 and m.status == 200 and m.method == "INVITE"}
            self.assertEqual(len(tags), 1, call_id)
            far = self.records.of(call_id, "end")[0]["legs"][1]["call_id"]
            dialogs = {m.header("to").partition(";tag=")[2] for m in inside
                       if m.call_id == far and m.destination[0] == IN4 and m.status == 200 and m.method == "INVITE"}
            ended = {m.header("to").partition(";tag=")[2] for m in inside
                     if m.call_id == far and m.source[0] == IN4 and m.status is None and m.method == "BYE"}
            self.assertEqual(len(dialogs), 2, far)
            self.assertEqual(ended, dialogs, far)

    # RFC 3261 §17.1.1.3: ACK of a failure goes hop by hop, with the INVITE's branch.
    def test_both_phones_refuse(self):
        refuses = ("uas_refuses.xml", {"replace": {"486 Busy Here": "404 Not Found"}})
        _, inside, run = self.run_forked("refuse", "uac_refused.xml", ("uas_refuses.xml", refuses), called="8003",
                                         replace={'"486"': '"404"'}, judge={"answered": False, "sip_code": 404})
        for call_id in run.caller.call_ids():
            far = self.records.of(call_id, "end")[0]["legs"][1]["call_id"]
            ours = [m for m in inside if m.call_id == far and PROXY[0] in (m.source[0], m.destination[0])
                    and IN4 in (m.source[0], m.destination[0])]
            branches = {m.method: m.branch for m in ours if m.status is None}
            self.assertEqual(branches.get("ACK"), branches["INVITE"], far)
            finals = [m for m in ours if m.status is not None and m.status >= 300]
            acks = [m for m in ours if m.status is None and m.method == "ACK"]
            self.assertEqual(len(acks), len(finals), "an ACK for each final answer, and no more")

    # RFC 3261 §9.1, §16.10
    def test_the_caller_gives_up_while_both_ring(self):
        self.run_forked("gives-up", "uac_cancels.xml", ("uas_rings.xml", "uas_rings.xml"), called="8004", hold=300,
                        replace={'<recv response="180"/>': '<recv response="180"/>\n  <recv response="180"/>',
                                 "[branch-4]": "[branch-5]", "[branch-7]": "[branch-8]"},
                        judge={"answered": False, "result": "cancelled"})


if __name__ == "__main__":
    unittest.main()
