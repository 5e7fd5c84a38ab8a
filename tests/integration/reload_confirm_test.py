"""reload_confirm_test.py — a reload that must be confirmed: it holds at once, and is taken back by itself, by `rollback`, or
never once it is confirmed; what is seen of it is whom Sallyport answers. RFC 3261 §11 (OPTIONS as a question)."""

import json
import unittest

from harness import OUT4, SIP_PORT, Case, eventually

STRANGER = "198.18.1.77"
SBC = (OUT4, SIP_PORT)


class ReloadConfirm(Case):
    def setUp(self):
        super().setUp()
        self.net.out.ip("address", "add", f"{STRANGER}/24", "dev", "wire")
        self.before = self.net.config()
        self.after = self.net.config()
        # Strangers get no answer at all; this one does after the reload.
        self.after["security"] = {"access": [{"source": f"{STRANGER}/32", "realm": "outside", "action": "trusted"}]}
        self.stranger = self.net.out.udp(STRANGER)
        self.addCleanup(self.stranger.close)
        self.daemon = self.net.start(self.before)

    def reload(self, *arguments, config=None):
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(config or self.after, file, indent=1)
        return self.daemon.cli("reload", *arguments).stdout

    def alarms(self):
        return {one["name"] for one in self.daemon.show("alarms")["alarms"]}

    def test_it_is_taken_back_when_nobody_confirms(self):
        self.assert_silent(self.stranger, SBC)
        self.assertRegex(self.reload("--confirm", "3s"), r"taken back at .*, in 3 s, unless you confirm it")
        self.assert_answered(self.stranger, SBC)
        self.assertEqual(self.alarms(), {"config_unconfirmed"})
        self.daemon.wait_for_log('"rolled_back"')
        self.assert_silent(self.stranger, SBC)
        self.assert_answered(self.known("out"), SBC)
        self.assertEqual(self.alarms(), {"config_rolled_back"})
        self.assertEqual(self.daemon.count("config_last_reload_successful"), 0)
        self.reload()
        self.assert_answered(self.stranger, SBC)
        self.assertEqual(self.daemon.count("config_last_reload_successful"), 1)
        self.assertEqual(self.alarms(), set())

    def test_it_stays_when_it_is_confirmed_and_rollback_takes_it_back(self):
        self.reload("--confirm", "2s")
        self.assertRegex(self.daemon.cli("confirm").stdout, "confirmed")
        self.assertEqual(self.daemon.cli("confirm", check=False).returncode, 78)
        # A third of a second later than it would have gone: the log shows that time has passed there, too.
        self.assert_silent(self.net_stranger(), SBC, seconds=2.3)
        self.assert_answered(self.stranger, SBC)
        self.assertNotRegex(self.daemon.log(), '"rolled_back"')
        self.assertRegex(self.daemon.cli("rollback").stdout, "taken back; the files still say")
        self.assert_silent(self.stranger, SBC)
        self.assertEqual(self.daemon.cli("rollback", check=False).returncode, 78)

    def net_stranger(self):
        """Another one, who is never answered."""
        self.net.out.ip("address", "add", "198.18.1.78/24", "dev", "wire")
        sock = self.net.out.udp("198.18.1.78")
        self.addCleanup(sock.close)
        return sock

    def test_a_start_during_the_wait_says_that_nobody_confirmed(self):
        self.reload("--confirm", "10m")
        self.daemon.kill()
        self.daemon = self.net.start(self.after)
        self.assert_answered(self.stranger, SBC)
        self.assertEqual(self.alarms(), {"config_unconfirmed"})
        self.assertEqual(self.daemon.cli("rollback", check=False).returncode, 78)
        self.daemon.cli("confirm")
        eventually(lambda: not self.alarms(), "the alarm goes")
        self.daemon.kill()
        self.daemon = self.net.start(self.after)
        self.assertEqual(self.alarms(), set())


if __name__ == "__main__":
    unittest.main()
