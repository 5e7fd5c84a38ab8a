"""acts_test.py — what may be done to the node from the page, by whom, and that it asks first: reload, keep, go back, drain,
capture. And that the node itself searches among its calls."""

import base64
import json
import os
import unittest

from page_case import TOKENS, PageCase
from harness import FAR_IN4, eventually
from netns import run

ROWS = ".rows .space .row"
ACTS = ".acts button"


class Acts(PageCase):
    def written(self, change):
        """The configuration file with a change in it; the one before is there again at the end."""
        path = self.daemon.config_path
        with open(path, encoding="utf-8") as file:
            before = file.read()
        def put_back():
            with open(path, "w", encoding="utf-8") as file:
                file.write(before)
            self.daemon.cli("reload")
        self.addCleanup(put_back)
        config = json.loads(before)
        change(config)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)

    @staticmethod
    def pbx_of(config):
        return next(peer for peer in config["peers"] if peer["name"] == "pbx")

    def pbx_weight(self):
        return self.pbx_of(self.daemon.show("peers"))["targets"][0]["weight"]

    def open_question(self, button, title):
        self.browser.click(ACTS, button)
        self.browser.see("dialog h2", title)

    def shut(self, *buttons):
        for button in buttons:
            eventually(lambda b=button: self.browser.do("isShut", selector=ACTS, text=b), f"{button} is shut")

    def open_to(self, *buttons):
        for button in buttons:
            eventually(lambda b=button: not self.browser.do("isShut", selector=ACTS, text=b), f"{button} is not shut")

    def test_who_may_do_what(self):
        call = self.call("2001")
        for role, may in (("viewer", ()), ("operator", ("Capture…",)), ("admin", ("Capture…", "Reload…", "Drain…"))):
            self.enter(role)
            self.browser.see(".tile:has-text('Calls') b:text-is('1')")
            for button in ("Reload…", "Drain…"):
                (self.open_to if button in may else self.shut)(button)
                if button not in may:
                    self.assertIn("needs the role admin", self.browser.do("attribute", selector=f"{ACTS}:has-text('{button}')", name="title"))
            self.browser.do("go", path=f"/#/calls/{self.id_of(call)}")
            self.browser.see(".arrow")
            (self.open_to if "Capture…" in may else self.shut)("Capture…")
            self.assertIn(f": {role}.", self.browser.do("attribute", selector="button[aria-label=Token]", name="title"))
            self.assert_no_trouble()

    def test_another_token_opens_what_was_shut(self):
        self.enter("viewer")
        self.shut("Reload…", "Drain…")
        self.browser.click("button[aria-label=Token]")
        self.give_token(TOKENS["admin"])
        self.open_to("Reload…", "Drain…")

    def test_a_reload_is_asked_for_told_and_kept(self):
        self.enter("admin")
        self.open_to("Reload…")
        self.written(lambda config: self.pbx_of(config)["targets"][0].update(weight=37))
        self.open_question("Reload…", "Reload")
        self.browser.click("dialog button", "Cancel")
        self.browser.gone("dialog")
        self.assertNotEqual(self.pbx_weight(), 37, "nothing is done before it is confirmed")
        self.open_question("Reload…", "Reload")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("#notes", "unless it is confirmed")
        self.assertEqual(self.pbx_weight(), 37)
        self.browser.see(".alarms", "config unconfirmed")
        self.open_question("Keep…", "Keep")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("#notes", "is kept")
        self.browser.gone(ACTS, "Keep…")
        self.assertEqual(self.daemon.show("alarms")["alarms"], [])
        self.assertEqual(self.pbx_weight(), 37)
        self.assert_no_trouble()

    def test_a_reload_is_taken_back(self):
        self.enter("admin")
        self.open_to("Reload…")
        before = self.pbx_weight()
        self.written(lambda config: self.pbx_of(config)["targets"][0].update(weight=38))
        self.open_question("Reload…", "Reload")
        self.browser.click("dialog button[type=submit]")
        eventually(lambda: self.pbx_weight() == 38, "the new weight")
        self.open_question("Go back…", "Go back")
        self.browser.click("dialog button[type=submit]")
        eventually(lambda: self.pbx_weight() == before, "the weight of before")
        self.browser.gone(ACTS, "Go back…")
        self.assert_no_trouble()

    def test_a_reload_of_a_wrong_file_says_what_is_wrong_and_changes_nothing(self):
        self.enter("admin")
        self.open_to("Reload…")
        self.written(lambda config: self.pbx_of(config).update(targets=[{"address": "nowhere at all"}]))
        self.open_question("Reload…", "Reload")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("dialog .trouble", "targets")
        self.browser.click("dialog button", "Cancel")
        self.assertEqual([one["target"] for peer in self.daemon.show("peers")["peers"] for one in peer["targets"]
                          if one["target"].startswith(FAR_IN4)][:1], [f"{FAR_IN4}:5060"])
        self.assert_no_trouble(but="409")

    def test_a_call_is_captured_into_a_file(self):
        call = self.call("2001")
        self.enter("operator", f"/#/calls/{self.id_of(call)}")
        self.browser.see(".arrow")
        self.open_to("Capture…")
        self.open_question("Capture…", "Capture")
        self.browser.click("dialog button", "Cancel")
        self.browser.gone("dialog")
        self.open_question("Capture…", "Capture")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("#notes", "Capturing: ")
        self.hang_up(call)
        self.browser.see("#notes", "is written")
        self.assert_no_trouble()

    def test_a_capture_is_stopped_and_what_came_is_a_whole_file(self):
        call = self.call("2001")
        self.enter("operator", f"/#/calls/{self.id_of(call)}")
        self.browser.see(".arrow")
        self.open_to("Capture…")
        self.open_question("Capture…", "Capture")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("#notes", "Capturing: ")
        file = self.browser.do("download", selector="#notes button", text="Stop")
        self.assertTrue(file["name"].endswith(".pcapng"), file["name"])
        path = os.path.join(self.net.folder, "of_the_page.pcapng")
        with open(path, "wb") as out:
            out.write(base64.b64decode(file["octets"]))
        read = run("tshark", "-r", path, "-T", "fields", "-e", "frame.number")
        self.assertGreater(len(read.stdout.split()), 0, "packets of the call")

    def test_the_node_searches_among_all_of_its_calls(self):
        self.call("2101")
        self.call("2202")
        self.enter("viewer", "/#/calls")
        self.browser.see(ROWS, "2101")
        self.browser.do("note", path="/api/v1/calls")
        self.browser.fill("input[type=search]", "2202")
        eventually(lambda: any("search=2202" in one for one in self.browser.do("asked")), "the node is asked")
        self.browser.gone(ROWS, "2101")
        self.browser.see(ROWS, "2202")
        self.browser.see(".bar", "1 of 2")
        listed = json.loads(self.daemon.cli("show", "calls", "--search", "22 02", "--json").stdout)["calls"]
        self.assertEqual([one["called_in"] for one in listed], ["2202"])
        self.browser.fill("input[type=search]", "")
        self.browser.see(ROWS, "2101")
        self.assert_no_trouble()


class Drain(PageCase):
    def test_draining_is_confirmed_and_shown(self):
        call = self.call("2001")
        self.enter("admin")
        self.open_acts()
        self.browser.click(ACTS, "Drain…")
        self.browser.see("dialog", "no new calls")
        self.browser.click("dialog button", "Cancel")
        self.browser.gone("dialog")
        self.assertEqual(self.daemon.http("/readyz")[0], 200)
        self.browser.click(ACTS, "Drain…")
        self.browser.click("dialog button.danger")
        self.browser.see(".state .pill.warn", "draining")
        self.assertEqual(self.daemon.http("/readyz")[0], 503)
        eventually(lambda: self.browser.do("isShut", selector=ACTS, text="Drain…"), "it is shut: it is done")
        self.assertFalse(call.near.dialog.is_ended, "the call goes on")
        self.assert_no_trouble()

    def open_acts(self):
        eventually(lambda: not self.browser.do("isShut", selector=ACTS, text="Drain…"), "it is open to an admin")


if __name__ == "__main__":
    unittest.main()
