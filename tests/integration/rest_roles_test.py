"""rest_roles_test.py — REST with tokens: who may read, who may change, what is said of both, and what a guesser finds.
RFC 6750, RFC 9110 §15.5, threats R12."""

import json
import os
import unittest

from harness import OUT4, SIP_PORT, eventually
from rest import TOKENS, RestCase

SBC = (OUT4, SIP_PORT)


class WithTokens(RestCase):
    def test_reading_needs_a_viewer_and_health_nobody(self):
        for path in ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"):
            self.assertEqual(self.ask("GET", path).status, 200, path)
        none = self.ask("GET", "/api/v1/calls")
        self.assertEqual(none.status, 401)
        self.assertTrue(none.headers["WWW-Authenticate"].startswith("Bearer"))
        for role in self.roles:
            self.assertEqual(self.ask("GET", "/api/v1/calls", role).status, 200, role)
        self.assertIsNone(none.headers["Access-Control-Allow-Origin"])
        self.assertEqual(self.ask("OPTIONS", "/api/v1/blocked").status, 405)

    def test_an_operator_blocks_and_is_told_in_the_log(self):
        order = json.dumps({"prefix": "198.18.1.77", "for": "1h", "reason": "a scan"})
        self.assertEqual(self.ask("POST", "/api/v1/blocked", "viewer", body=order).status, 403)
        self.assertEqual(self.ask("POST", "/api/v1/blocked", "operator", body=order, kind="text/plain").status, 415)
        self.assertEqual(self.daemon.show("blocked")["blocked"], [])
        self.assertEqual(self.ask("POST", "/api/v1/blocked", "operator", body=order).status, 200)
        self.assertEqual([one["prefix"] for one in self.daemon.show("blocked")["blocked"]], ["198.18.1.77/32"])
        self.assertEqual(self.ask("DELETE", "/api/v1/blocked?prefix=198.18.1.77", "operator").status, 200)
        self.assertEqual(self.daemon.show("blocked")["blocked"], [])
        told = json.loads(self.daemon.wait_for_log('"rest_change".*"DELETE"'))
        self.assertEqual((told["by"], told["from"], told["status"]), ("operator", "127.0.0.1", 200))
        self.daemon.wait_for_log('"rest_refused".*"viewer"')
        self.assertEqual(self.daemon.count("rest_refused_total", reason="role"), 1)
        self.assertEqual(self.daemon.count("rest_refused_total", reason="not_json"), 1)
        for token in TOKENS.values():
            self.assertNotIn(token, self.daemon.log())

    def test_an_admin_reloads_confirms_rolls_back_and_drains(self):
        for path in ("reload", "confirm", "rollback", "drain"):
            self.assertEqual(self.ask("POST", f"/api/v1/{path}", "operator").status, 403, path)
        self.config["security"] = {"limits": {"source": {"rate": "70/s"}}}
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        done = self.ask("POST", "/api/v1/reload", "admin", body='{"confirm": "5m"}')
        self.assertEqual(done.status, 200, done.text)
        self.assertEqual(done.json["changes"], ["+ security.limits"])
        self.assertLessEqual(done.json["unconfirmed"]["seconds"], 300)
        self.assertEqual(self.ask("POST", "/api/v1/confirm", "admin").status, 200)
        self.assertEqual(self.ask("POST", "/api/v1/confirm", "admin").status, 409)
        self.assertTrue(self.ask("POST", "/api/v1/rollback", "admin").json["taken_back"])
        self.daemon.wait_for_log('"rolled_back".*"token admin"')
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            file.write("nonsense: 1\n")
        self.assertTrue(self.ask("POST", "/api/v1/reload", "admin").json["problems"])
        self.assertEqual(self.ask("POST", "/api/v1/drain", "admin").json["draining"], True)
        self.assertEqual(self.ask("GET", "/readyz").status, 503)

    def test_a_reload_takes_a_token_away_and_brings_another(self):
        self.config["management"]["tokens"] = self.config["management"]["tokens"][:1]
        with open(os.path.join(self.net.folder, "viewer.token"), "w", encoding="ascii") as file:
            file.write("44444444444444444444444444444444\n")
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        self.assertIn("reloaded tokens", self.daemon.cli("reload").stdout)
        self.assertEqual(self.ask("GET", "/api/v1/calls", "admin").status, 401)
        self.assertEqual(self.ask("GET", "/api/v1/calls", token="4" * 32).status, 200)

    def test_a_command_is_told_with_who_gave_it(self):
        self.daemon.cli("block", "198.18.1.77")
        told = json.loads(self.daemon.wait_for_log('"event": ?"command"'))
        self.assertEqual((told["by"], told["uid"], told["command"], told["status"]), ("root", 0, "block", 0))
        self.assertIn("198.18.1.77", told["arguments"])
        self.daemon.cli("hangup", "nobody", check=False)
        self.assertEqual(json.loads(self.daemon.wait_for_log('"command".*"hangup"'))["status"], 66)
        self.daemon.show("blocked")
        self.assertEqual(self.daemon.log().count('"event":"command"'), 2, "who only asks is not told of")

    def test_a_guesser_is_slowed_and_a_client_that_worked_is_not(self):
        self.assertEqual(self.ask("GET", "/api/v1/calls", "operator").status, 200)
        seen = [self.ask("GET", "/api/v1/calls", token=f"guess{n}").status for n in range(40)]
        self.assertGreater(seen.count(429), 20)
        self.assertLessEqual(self.daemon.log().count('"rest_token_wrong"'), 14)
        self.assertEqual(self.ask("GET", "/api/v1/calls", "operator").status, 200)
        slowed = self.ask("GET", "/api/v1/calls", token="guess")
        if slowed.status == 429:  # another guess may have come due
            self.assertGreater(int(slowed.headers["Retry-After"]), 0)
        self.assert_answered(self.known("out"), SBC)


class WithoutTokens(RestCase):
    roles = ()

    def test_rest_only_reads(self):
        self.assertEqual(self.ask("GET", "/api/v1/calls").status, 200)
        for method, path in (("POST", "/api/v1/blocked"), ("DELETE", "/api/v1/blocked?prefix=198.18.1.77"),
                             ("POST", "/api/v1/reload"), ("POST", "/api/v1/drain"), ("DELETE", "/api/v1/calls/x")):
            refused = self.ask(method, path, token="x", body="{}" if method == "POST" else None)
            self.assertEqual(refused.status, 403, path)
            self.assertIn("management.tokens", refused.json["detail"])
        eventually(lambda: self.ask("GET", "/readyz").status == 200, "it still takes calls")


if __name__ == "__main__":
    unittest.main()
