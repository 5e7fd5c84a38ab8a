"""page_test.py — the web page in Chromium, before a node with calls: what an operator sees, searches, presses, and that
nothing a stranger wrote is more than text. WHATWG HTML, CSP Level 3, threats R12."""

import json
import threading
import unittest

from page_case import MARKUP, SCRIPT, TOKENS, HostilePhone, PageCase
import sip
from harness import FAR_IN4, OUT4, SIP_PORT, eventually

VIEWS = ("overview", "calls", "peers", "registrations", "detections", "blocked")
ROWS = ".rows .space .row"


class Tokens(PageCase):
    def test_a_token_is_asked_for_and_stays_in_the_tab(self):
        self.browser.open()
        self.browser.see("dialog", "Token")
        self.give_token("wrong-token-wrong-token-wrong-00")
        self.browser.see("dialog", "not known")
        self.give_token(TOKENS["viewer"])
        self.browser.see(".state .pill.good", "live")
        self.browser.gone("dialog")
        kept = self.browser.do("kept")
        self.assertEqual(list(kept["session"].values()), [TOKENS["viewer"]])
        self.assertNotIn(TOKENS["viewer"], str(kept["local"]) + kept["cookie"])
        self.browser.do("reload")
        self.browser.see(".state .pill.good", "live")
        self.assertEqual(self.browser.count("dialog"), 0)
        self.browser.open()
        self.browser.see("dialog", "Token")

    def test_whoever_closes_the_dialog_is_not_asked_again_by_itself(self):
        self.browser.open("/#/calls")
        self.browser.click("dialog button", "Not now")
        self.browser.see(".trouble", "needs a token")
        self.browser.see(".state .pill", "no token")
        self.assertEqual(self.browser.count("dialog"), 0)
        self.browser.click("button[aria-label=Token]")
        self.give_token(TOKENS["viewer"])
        self.browser.see(".empty", "No call is up")

    def test_a_viewer_who_would_block_is_told_which_role_it_needs(self):
        self.enter("viewer", "/#/blocked")
        self.browser.click(".bar .danger")
        self.browser.fill("dialog input[name=prefix]", "198.51.100.9")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("dialog #token-why", "operator")
        self.browser.click("dialog:has(#token-why) button", "Not now")
        self.browser.see("dialog .trouble", "operator")
        self.assertEqual(self.daemon.show("blocked")["blocked"], [])
        self.browser.click("dialog button[type=submit]")
        self.give_token(TOKENS["operator"])
        self.browser.see(ROWS, "198.51.100.9/32")
        self.daemon.cli("unblock", "198.51.100.9")
        self.assert_no_trouble(but="403")


class Looks(PageCase):
    def test_each_view_fits_a_phone_and_a_desk_in_light_and_dark(self):
        self.call("2001")
        ground = {}
        for name, how in {"desk": {"width": 1360, "height": 860}, "dark": {"width": 1360, "height": 860, "scheme": "dark"},
                          "phone": {"width": 390, "height": 844, "phone": True}}.items():
            self.enter("viewer", **how)
            ground[name] = self.browser.do("colour", selector="body", property="background-color")
            for view in VIEWS:
                with self.subTest(view=view, how=name):
                    self.browser.click(f"nav a[href='#/{view}']")
                    self.browser.see("h1")
                    self.browser.see(f"nav a[aria-current][href='#/{view}']")
                    self.assertLessEqual(self.browser.do("overflow"), 0)
                    self.shot(f"{name}-{view}")
            self.assert_no_trouble()
        self.assertEqual(ground["desk"], ground["phone"])
        self.assertNotEqual(ground["desk"], ground["dark"])

    def test_the_overview_counts_what_the_node_does(self):
        self.enter("viewer")
        self.call("2001")
        self.browser.see(".tile:has-text('Calls') b:text-is('1')")
        registered = len(self.daemon.show("registrations")["registrations"])
        self.browser.see(f".tile:has-text('Registrations'):has-text('of 5,000') b:text-is('{registered}')")
        self.browser.see(".legend li", "outside in")
        self.assertEqual(self.browser.count(".plot canvas"), 3)
        eventually(lambda: any(one not in ("–", "0") for one in self.browser.texts(".chart:has-text('Packets') .legend b")),
                   "packets are counted", 15.0)
        self.browser.see("tbody tr:has-text('outside')", "up")
        self.assertIn(self.shared.tag, self.browser.do("title"))
        self.assert_no_trouble()

    def test_a_peer_shows_its_targets(self):
        self.call("2001")
        self.enter("viewer", "/#/peers")
        self.browser.see(f"{ROWS}:has-text('pbx')", "1 of 1")
        self.browser.click(ROWS, "pbx")
        self.browser.see("h1", "pbx")
        self.browser.see("td", f"{FAR_IN4}:{SIP_PORT}")
        self.browser.see("dt:has-text('Calls out') + dd", "1")
        self.assert_no_trouble()

    def test_registrations_are_searched(self):
        first, second = self.registered_phone(), self.registered_phone()
        self.enter("viewer", "/#/registrations")
        for phone in (first, second):
            self.browser.see(ROWS, phone.sock.getsockname()[0])
        self.browser.fill("input[type=search]", second.sock.getsockname()[0] + ":")
        self.browser.gone(ROWS, first.sock.getsockname()[0] + ":")
        eventually(lambda: self.browser.count(ROWS) == 1, "1 rows")
        self.assert_no_trouble()

    def test_the_theme_is_chosen_and_kept(self):
        self.enter("viewer")
        light = self.browser.do("colour", selector="body", property="background-color")
        self.browser.click("button[aria-label='Light or dark']")
        self.browser.click("button[aria-label='Light or dark']")
        self.browser.do("reload")
        self.browser.see("h1")
        self.assertNotEqual(self.browser.do("colour", selector="body", property="background-color"), light)
        self.assertEqual(self.browser.do("attribute", selector="html", name="data-theme"), "dark")

    def test_a_keyboard_is_enough(self):
        self.call("2001")
        self.enter("viewer")
        self.browser.press("2")
        self.browser.see(ROWS)
        self.browser.press("/")
        for key in "2001":
            self.browser.press(key)
        self.browser.press("ArrowDown", "ArrowDown", "Enter")
        self.browser.see(".ladder .arrow")
        self.browser.see("h1", "to 2001")
        self.assert_no_trouble()


class Calls(PageCase):
    def test_a_call_rings_is_answered_and_ends_before_the_eyes(self):
        office, caller = self.office(), self.registered_phone()
        office.answers = False
        self.enter("viewer", "/#/calls")
        self.browser.see(".empty", "No call is up")
        calling = threading.Thread(target=lambda: caller.call("2077"))
        calling.start()
        self.addCleanup(calling.join)
        self.browser.see(f"{ROWS}:has-text('2077')", "ringing")
        self.browser.click(ROWS, "2077")
        self.browser.see(".pill", "ringing")
        self.browser.see(".arrow", "180 Ringing")
        self.assertEqual(self.browser.count(".arrow:has-text('200 OK')"), 0)
        office.pick_up(list(office.ringing)[0])
        calling.join(20)
        self.browser.see(".arrow", "200 OK SDP")
        self.browser.see(".pill", "answered")
        leg = caller.legs[list(caller.dialogs)[0]]
        leg.end.talk()
        self.browser.see("td", "PCMU")
        leg.dialog.hang_up()
        self.browser.see(".arrow", "200 OK (BYE)")
        self.browser.see("dd", "caller")
        labels = self.browser.texts(".arrow text.label")
        for word in ("INVITE SDP", "180 Ringing", "200 OK SDP", "ACK", "BYE", "200 OK (BYE)"):
            self.assertGreaterEqual(labels.count(word), 2, f"{word} on both legs: {labels}")
        self.assert_no_trouble()

    def test_a_call_is_found_by_its_number(self):
        self.call("2101")
        self.call("2202")
        self.enter("viewer", "/#/calls")
        self.browser.see(ROWS, "2202")
        eventually(lambda: self.browser.count(ROWS) == 2, "2 rows")
        self.browser.fill("input[type=search]", "22-02")
        self.browser.gone(ROWS, "2101")
        eventually(lambda: self.browser.count(ROWS) == 1, "1 rows")
        self.browser.press("Enter")
        self.browser.see("h1", "to 2202")
        self.assert_no_trouble()

    def test_a_call_that_has_ended_is_found_by_its_call_id(self):
        call = self.call("2101")
        self.hang_up(call)
        self.enter("viewer", "/#/calls")
        self.browser.fill("input[type=search]", call.near.dialog.call_id)
        self.browser.click("button.link")
        self.browser.see(".pill", "answered")
        self.browser.see(".arrow", "BYE")

    def test_both_directions_show_how_they_sound(self):
        call = self.call("2001")
        self.enter("viewer", f"/#/calls/{self.id_of(call)}")
        quality = "section:has(h3:has-text('Quality'))"
        self.browser.see(f"{quality} tbody tr:has-text('caller')", "PCMU")
        self.browser.see(f"{quality} tbody tr:has-text('callee')", "PCMU")
        def packets():
            rows = [row.split("\t") for row in self.browser.texts(f"{quality} tbody tr")]
            counts = [cells[5].replace(",", "") for cells in rows if len(cells) > 5]  # a row may be in the making
            return [int(count) for count in counts if count != "–"]
        first = eventually(lambda: len(packets()) == 2 and packets(), "packets of both", 15.0)
        def is_more(counts):
            return len(counts) == 2 and all(now > then for now, then in zip(counts, first))
        eventually(lambda: is_more(packets()), "more packets of both", 15.0)
        self.browser.see("td.good")  # MOS
        self.browser.see("section:has(h3:has-text('Why')) tbody tr")
        self.assertEqual(self.browser.count("section:has(h3:has-text('Legs')) tbody tr"), 2)
        self.assert_no_trouble()
        self.shot("call")

    def test_hang_up_asks_first_and_ends_both_legs(self):
        call = self.call("2001")
        self.enter("operator", f"/#/calls/{self.id_of(call)}")
        self.browser.click(".bar .danger")
        self.browser.see("dialog", "It is ended on both legs")
        self.browser.click("dialog button", "Cancel")
        self.browser.gone("dialog")
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)
        self.browser.click(".bar .danger")
        self.browser.press("Escape")
        self.browser.gone("dialog")
        self.assertEqual(self.daemon.count("calls_active"), 2)  # both directions
        self.browser.click(".bar .danger")
        self.browser.click("dialog button.danger")
        eventually(lambda: call.near.dialog.is_ended and call.far.dialog.is_ended, "both phones have their BYE")
        self.browser.see("dd", "sallyport")
        self.browser.gone(".bar .danger")
        self.assert_no_trouble()

    def test_a_call_that_is_not_there_is_said_so(self):
        self.enter("viewer", "/#/calls/nobody%20knows%20it")
        self.browser.see(".trouble", "no such call: nobody knows it")
        self.assert_no_trouble(but="404")


class Defence(PageCase):
    def test_a_prefix_is_blocked_and_unblocked_behind_a_question(self):
        self.enter("operator", "/#/blocked")
        self.browser.see(".empty", "Nothing is blocked")
        self.browser.click(".bar .danger")
        self.browser.fill("dialog input[name=prefix]", "not-an-address")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("dialog .trouble")
        self.browser.fill("dialog input[name=prefix]", "2001:db8:7::/48")
        self.browser.do("choose", selector="dialog select", value="24h")
        self.browser.fill("dialog input[name=reason]", f"a scan {MARKUP}")
        self.browser.click("dialog button[type=submit]")
        self.browser.see(f"{ROWS}:has-text('2001:db8:7::/48')", MARKUP)
        found = self.daemon.show("blocked")["blocked"]
        self.assertEqual([(one["prefix"], one["origin"]) for one in found], [("2001:db8:7::/48", "operator")])
        self.assertGreater(found[0]["expires_in_s"], 86000)
        self.browser.click(f"{ROWS} button", "Unblock")
        self.browser.click("dialog button", "Cancel")
        self.assertEqual(len(self.daemon.show("blocked")["blocked"]), 1)
        self.browser.click(f"{ROWS} button", "Unblock")
        self.browser.click("dialog button.danger")
        self.browser.see(".empty", "Nothing is blocked")
        self.assertEqual(self.daemon.show("blocked")["blocked"], [])
        self.assert_no_trouble(but="400")

    def test_an_attack_is_shown_with_its_reason_while_it_happens(self):
        self.enter("viewer", "/#/detections")
        self.browser.see(".empty", "Nothing has looked like an attack")
        attacker = self.net.out.udp(self.address())
        self.addCleanup(attacker.close)
        def scan():
            for number in range(5):
                attacker.sendto(sip.request("OPTIONS", attacker.getsockname()[:2], (OUT4, SIP_PORT), User_Agent=f"friendly-scanner {SCRIPT}{number}"),
                                (OUT4, SIP_PORT))
            return self.daemon.show("detections")["detections"]
        found = eventually(scan, "a detection")
        self.browser.see(ROWS, found[0]["source"])
        self.browser.see(ROWS, found[0]["detector"].replace("_", " "))
        self.browser.click(ROWS)
        self.browser.see("h1", found[0]["source"])
        self.browser.see(".reasons li")
        self.browser.see("section:has(h3:has-text('Detections')) td", found[0]["evidence"][:20])
        self.shot("source")
        self.assert_no_trouble()


class Hostile(PageCase):
    def test_what_strangers_write_is_text_and_nothing_else(self):
        place = self.address()
        sock = self.net.out.udp(place, SIP_PORT)
        phone = HostilePhone(self.net.out, sock, (OUT4, SIP_PORT), self.user())
        self.addCleanup(phone.stop)
        self.assert_status(200, phone.register(60))
        call = self.call("2001", phone)
        self.enter("viewer", "/#/registrations")
        self.browser.see(ROWS, MARKUP)
        self.browser.do("go", path=f"/#/calls/{self.id_of(call)}")
        self.browser.click(".arrow", "INVITE")
        self.browser.see("pre", MARKUP)
        self.browser.see("pre", "\\u202egnp.exe")
        self.assertEqual(self.browser.count("#main img, #main script"), 0)
        self.shot("hostile")
        self.assert_no_trouble()

    def test_the_browser_itself_refuses_markup_from_strings(self):
        self.enter("viewer")
        self.assertEqual(self.browser.do("markup"), "TypeError")

    def test_an_address_that_a_stranger_made_up_shows_as_text(self):
        self.enter("viewer", f"/#/calls/{MARKUP}")
        self.browser.see(".trouble", MARKUP)
        self.assertEqual(self.browser.count("#main img"), 0)
        self.assert_no_trouble(but="404")


class WithoutTokens(PageCase):
    tokens = False

    def test_on_the_machine_itself_it_reads_and_says_why_it_changes_nothing(self):
        self.browser.open("/#/blocked")
        self.browser.see(".empty", "Nothing is blocked")
        self.assertEqual(self.browser.count("dialog"), 0)
        self.browser.click(".bar .danger")
        self.browser.fill("dialog input[name=prefix]", "198.51.100.9")
        self.browser.click("dialog button[type=submit]")
        self.browser.see("dialog .trouble", "management.tokens")
        self.assertEqual(self.browser.count("dialog"), 1)
        self.assert_no_trouble(but="403")

    def test_without_events_the_counters_are_asked_for(self):
        self.browser.open("/")
        self.browser.see(".state .pill", "live")
        self.browser.do("answer", path="/api/v1/events", status=503)
        self.browser.trouble()
        self.browser.do("go", path="/")
        self.browser.see(".state .pill.warn", "every 2 s")
        eventually(lambda: self.browser.text(".legend b") != "–", "counters", 15.0)
        self.assert_no_trouble(but="503")

    def test_the_page_finds_the_node_again_after_a_restart(self):
        self.browser.open()
        self.browser.see(".state .pill.good", "live")
        config_path = self.daemon.config_path
        self.assertEqual(self.daemon.terminate(), 0)
        self.browser.see(".state .pill.bad", "no answer")
        self.browser.trouble()
        with open(config_path, encoding="utf-8") as file:
            type(self).daemon = self.shared.start(json.load(file))
        self.browser.see(".state .pill.good", "live")


if __name__ == "__main__":
    unittest.main()
