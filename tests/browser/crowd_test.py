"""crowd_test.py — the web page before a node with a thousand calls: all are there, one is found at once, and nothing stutters."""

import unittest

from browser import Browser  # first: it knows where the integration tests' modules are
from call_case import CallCase, Run
from harness import FULL, eventually

CALLS = 1000
HOLD_MS = 120000
SECONDS = 10 if FULL else 5
ROWS = ".rows .space .row"
# A machine without a graphics card that carries the calls beside the browser draws no sixty frames a second; a hand
# notices what takes longer than a tenth of one.
FRAME_MS, TASK_MS = 100, 200


class Crowd(CallCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser(cls.shared.sbc, cls.shared.folder)
        cls.addClassCleanup(cls.browser.end)

    def test_a_thousand_calls_are_live_without_stutter(self):
        run = Run(self, "crowd", ("out", 4), "uac_call.xml", {".2": "uas_call.xml"}, calls=CALLS, rate=50, called="4001", hold=HOLD_MS)
        eventually(lambda: self.daemon.count("calls_active", direction="in") == CALLS, "all calls are up", 60.0)
        self.browser.open("/#/calls", width=1360, height=860)
        self.browser.see(".bar", f"{CALLS:,} up")
        self.browser.see(ROWS)
        self.assertLess(self.browser.count(ROWS), 80)
        self.browser.gone(ROWS, "ringing")
        measured = self.browser.do("frames", seconds=SECONDS, scroll=".rows")
        words = ", ".join(f"{name} {value:.1f}" for name, value in measured.items())
        print(f"{CALLS} calls, scrolled for {SECONDS} s: {words} (ms)")
        self.assertLess(measured["p95"], FRAME_MS, words)
        self.assertLess(measured["longest_task"], TASK_MS, words)
        last = self.daemon.cli("show", "call", run.caller.call_ids()[-1], "--json").stdout
        self.assertIn(run.caller.call_ids()[-1], last)
        self.browser.fill("input[type=search]", run.caller.call_ids()[-1])
        self.browser.see(".bar", f"1 of {CALLS:,}")
        eventually(lambda: self.browser.count(ROWS) == 1, "one row")
        self.browser.fill("input[type=search]", "")
        self.browser.press("ArrowDown", "End")
        self.browser.see(f"{ROWS}[aria-rowindex='{CALLS + 1}']")
        self.browser.press("Enter")
        self.browser.see(".arrow", "200 OK SDP")
        self.assertEqual(self.browser.trouble(), [])
        run.caller.kill()


if __name__ == "__main__":
    unittest.main()
