"""rest_answers_test.py — what REST answers is what its own description says: every path, under calls. OpenAPI 3.1, JSON Schema
2020-12; and what goes on: server-sent events, captures, the configuration. RFC 9457, WHATWG HTML §9.2."""

import contextlib
import json
import subprocess
import unittest

import jsonschema

from harness import FAR_IN4, FAR_OUT4, OUT4, SIP_PORT, eventually
from rest import TOKENS, RestCase, next_event

ORDERS = {"/api/v1/blocked": {"prefix": "198.18.1.77", "for": "1h", "reason": "a scan"}, "/api/v1/reload": {"confirm": "5m"}}
GOES_ON = ("/api/v1/events", "/api/v1/capture")
LAST = ("/api/v1/confirm", "/api/v1/rollback", "/api/v1/drain")  # after all else, in this order
PASSWORD = "a-password-that-nobody-sees"


class RestCalls(RestCase):
    """With calls that stay up."""

    def configure(self, config):
        self.secret("trunk.secret", PASSWORD)
        config["peers"][1]["credentials"] = [{"digest_realm": "any", "user": "trunk1", "password_file": "trunk.secret"}]

    def secret(self, name, text):
        with open(f"{self.net.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text + "\n")

    def sipp(self, namespace, *arguments):
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "sipp", "-p", str(SIP_PORT), "-nostdin", *arguments],
                                   cwd=self.net.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)

    def call(self, calls=1):
        """Their ids, once they are answered."""
        self.sipp(self.net.inn, "-sn", "uas", "-i", FAR_IN4)
        self.sipp(self.net.out, "-sn", "uac", "-m", str(calls), "-r", "50", "-d", "600000", "-i", FAR_OUT4, "-s", "200",
                  f"{OUT4}:{SIP_PORT}")
        answered = lambda: [one for one in self.daemon.show("calls")["calls"] if one["state"] == "answered"]
        eventually(lambda: len(answered()) == calls, "the calls are answered", 20.0)
        return [one["id"] for one in answered()]

    def tearDown(self):
        for one in self.daemon.show("calls")["calls"]:
            self.daemon.cli("hangup", one["id"], check=False)
        super().tearDown()


class Described(RestCalls):
    def setUp(self):
        super().setUp()
        self.document = self.ask("GET", "/api/v1/openapi.json").json

    def fits(self, value, schema, what):
        # pylint: disable-next=deprecated-class
        judge = jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", self.document))
        self.assertEqual([f"{what}: {fault.json_path}: {fault.message}" for fault in judge.iter_errors(value)], [])

    def judge(self, answer, operation, what):
        """Its status is described, and its body is as that says."""
        described = operation["responses"].get(str(answer.status))
        self.assertIsNotNone(described, f"{what}: {answer.status} is not described: {answer.text[:300]}")
        kind = answer.headers["Content-Type"].partition(";")[0]
        if "content" not in described:  # each file of the page has its own type
            self.assertEqual((what, kind), ("GET /page/{file}", "text/javascript"))
            return answer
        self.assertIn(kind, described["content"], what)
        if kind.endswith("json"):
            self.fits(answer.json, described["content"][kind]["schema"], what)
        return answer

    def operations(self):
        paths = sorted(self.document["paths"].items(), key=lambda one: LAST.index(one[0]) if one[0] in LAST else -1)
        for path, operations in paths:
            for method in sorted(operations, key=["get", "post", "delete"].index):  # what is blocked can be unblocked
                yield method.upper(), path, operations[method]

    @staticmethod
    def address(path, method, call):
        path = path.replace("{id}", call).replace("{file}", "app.js")
        query = {"/api/v1/explain": f"?of={call}", "/api/v1/capture": "?peer=pbx&for=1s"}.get(path, "")
        return path + ("?prefix=198.18.1.77" if (method, path) == ("DELETE", "/api/v1/blocked") else query)

    def test_every_answer_under_calls_is_as_it_is_described(self):
        ids = iter(self.call(3) * 10)
        self.daemon.cli("block", "203.0.113.0/24")
        seen = set()
        kept = next(ids)
        for method, path, operation in self.operations():
            if path in GOES_ON:
                continue
            call = next(ids) if method == "DELETE" else kept
            order = json.dumps(ORDERS[path]) if path in ORDERS and method == "POST" else None
            what = f"{method} {path}"
            answer = self.judge(self.ask(method, self.address(path, method, call), "admin", body=order), operation, what)
            self.assertEqual(answer.status, 200, f"{what}: {answer.text[:300]}")
            seen.add(what)
        for what in ("GET /api/v1/calls/{id}/messages", "GET /api/v1/stats", "GET /api/v1/config", "POST /api/v1/rollback"):
            self.assertIn(what, seen)
        self.assertGreaterEqual(len(seen), 22)

    def test_every_refusal_is_as_it_is_described(self):
        for method, path, operation in self.operations():
            if "x-role" not in operation:
                continue
            what = f"{method} {path}"
            self.assertEqual(self.judge(self.ask(method, self.address(path, method, "x")), operation, what).status, 401, what)
            if operation["x-role"] != "viewer":
                refused = self.ask(method, self.address(path, method, "x"), "viewer")
                self.assertEqual(self.judge(refused, operation, what).status, 403, what)
        for path in ("/api/v1/calls?limit=0", "/api/v1/calls?cursor=x", "/api/v1/calls/nobody", "/api/v1/calls/nobody/messages",
                     "/api/v1/explain?of=nobody", "/api/v1/detections?detector=x", "/api/v1/capture?peer=nobody",
                     "/api/v1/capture?for=2h&peer=pbx", "/api/v1/peers?limit=x", "/api/v1/registrations?limit=x"):
            plain = path.partition("?")[0].replace("nobody", "{id}")
            refused = self.judge(self.ask("GET", path, "admin"), self.document["paths"][plain]["get"], path)
            self.assertIn(refused.status, (400, 404), path)
            self.assertEqual(refused.headers["Content-Type"], "application/problem+json")

    def test_an_explained_address_and_pages_are_as_they_are_described(self):
        self.call(3)
        operation = self.document["paths"]["/api/v1/explain"]["get"]
        self.assertIn("realms", self.judge(self.ask("GET", f"/api/v1/explain?of={FAR_OUT4}", "viewer"), operation, "explain").json)
        operation = self.document["paths"]["/api/v1/calls"]["get"]
        cursor, seen = "", []
        while cursor is not None:
            page = self.judge(self.ask("GET", f"/api/v1/calls?limit=1{cursor and '&cursor=' + cursor}", "viewer"), operation, "calls")
            seen += [one["id"] for one in page.json["calls"]]
            cursor = page.json["next"]
            self.assertLessEqual(len(seen), 4)
        self.assertEqual(len(set(seen)), 3)

    def test_events_come_as_they_are_described(self):
        listening = self.stream("/api/v1/events", "viewer")
        self.assertEqual(listening.headers["Content-Type"], "text/event-stream")
        schemas = self.document["components"]["schemas"]
        first = next_event(listening, "stats")[1]
        self.fits(first, schemas["Stats"], "stats")
        second = next_event(listening, "stats")[1]
        self.assertGreater(second["at"], first["at"])
        self.call(2)
        while second["calls"]["active"] != 2:
            second = next_event(listening, "stats")[1]
        self.assertGreater(second["ports"][0]["received"]["signalling"]["packets"], 0)


class GoingOn(RestCalls):
    def test_events_end_when_the_token_is_taken_away(self):
        listening, other = self.stream("/api/v1/events", "viewer"), self.stream("/api/v1/events", "admin")
        next_event(listening, "stats")
        self.config["management"]["tokens"] = self.config["management"]["tokens"][1:]
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(self.config, file)
        self.daemon.cli("reload")
        with self.assertRaisesRegex(AssertionError, "ended"):
            while True:
                next_event(listening)
        for _ in range(3):
            next_event(other, "stats")

    def test_seventeen_listeners_are_one_too_many(self):
        streams = [self.stream("/api/v1/events", "viewer") for _ in range(16)]
        self.assertEqual(self.ask("GET", "/api/v1/events", "viewer").status, 503)
        self.assertEqual(self.ask("GET", "/api/v1/calls", "viewer").status, 200)
        streams[0].close()

    def test_an_alarm_and_its_end_are_events(self):
        listening = self.stream("/api/v1/events", "viewer")
        self.daemon.cli("reload", "--confirm", "5m")
        rises = next_event(listening, "alarm")[1]
        self.assertEqual((rises["name"], rises["is_active"]), ("config_unconfirmed", True))
        self.daemon.cli("confirm")
        self.assertFalse(next_event(listening, "alarm")[1]["is_active"])

    def test_a_capture_is_read_by_tshark(self):
        (call,) = self.call()
        client, response = self.begin("GET", f"/api/v1/capture?call={call}&media=none", "operator")
        self.assertEqual((response.status, response.headers["Content-Type"]), (200, "application/x-pcapng"))
        self.daemon.wait_for_log('"capture".*"by": ?"operator"')
        self.daemon.cli("hangup", call)
        with contextlib.closing(client):
            octets = response.read()  # the call's end is its end
        path = f"{self.net.folder}/rest.pcapng"
        with open(path, "wb") as file:
            file.write(octets)
        words = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "sip.Method"], capture_output=True, text=True, timeout=60,
                               check=True).stdout.split()
        self.assertGreaterEqual(words.count("INVITE"), 2)  # both legs
        self.assertIn("BYE", words)
        self.assertEqual(self.ask("GET", f"/api/v1/capture?call={call}", "viewer").status, 403)

    def test_the_configuration_is_shown_without_secrets(self):
        text = self.ask("GET", "/api/v1/config", "viewer").text
        shown = json.loads(text)["config"]
        self.assertEqual(shown["node"]["name"], self.config["node"]["name"])
        self.assertEqual(shown["peers"][1]["credentials"][0]["user"], "trunk1")
        self.assertEqual(shown["security"]["limits"]["source"]["rate"], "50/s")
        for secret in (*TOKENS.values(), PASSWORD, "trunk.secret", ".token"):
            self.assertNotIn(secret, text)

    def test_a_stop_ends_what_goes_on(self):
        listening = self.stream("/api/v1/events", "viewer")
        next_event(listening)
        self.assertEqual(self.daemon.terminate(), 0)
        with self.assertRaisesRegex(AssertionError, "ended"):
            while True:
                next_event(listening)

    def tearDown(self):
        if self.daemon.process.poll() is None:
            super().tearDown()


if __name__ == "__main__":
    unittest.main()
