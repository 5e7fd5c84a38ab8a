"""overload_test.py — a signalling thread that has more to do than `security.overload` allows, over TCP and TLS: new calls of
those who are only trusted are refused with 503 and Retry-After, calls that are up, calls for help and known peers notice
nothing; a reload changes the thresholds while it lasts. RFC 3261 §21.5.4, §20.33; threats R1 to R5."""

import re
import unittest

import sip
from harness import OUT4, SIP_PORT, eventually
from phone import Phone, Refused
from pressure import pressure
from registrar_case import Phones, add_registrar
from reload_test import FRESH, NEAR, SPARE, ReloadCase
from stream_case import TLS_PORT, Side, listen_on_streams
from stream_phone import StreamEnd

CALM, STRICT = {"queue_delay": "5s", "cpu": "100%"}, {"queue_delay": "5s", "cpu": "10%"}
PACE = 5000  # INVITEs a second to where no route leads: a peer's limits explain more datagrams
STEPS = 200  # of the rules that each of them has to pass
HELP = "116117"


class Overload(ReloadCase):
    rate, packets = 20, 25
    _ports = iter(range(5100, 5200))

    def first_config(self):
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        config = super().first_config()
        listen_on_streams(config, self.sides)
        config["dataplane"]["capacity"]["connections"] = 200
        config["routes"].append({"name": "trusted", "match": {"realm": ["outside"], "called": "^5"}, "to": ["near"]})
        config["emergency"] = {"numbers": [HELP], "to": ["near"]}
        step = {"field": "caller", "replace": "^(.*)(.)$", "with": "\\1\\2"}
        config["header_rules"] = [{"name": "slow", "steps": [step] * STEPS}]
        config["profiles"] = [{"name": "slow", "headers": {"in": ["slow"]}}]
        self.named_peer(config, "spare")["profile"] = "slow"
        config["security"] = {"access": [{"source": f"{FRESH}/32", "realm": "outside", "action": "trusted"}], "overload": CALM}
        return config

    @staticmethod
    def named_peer(config, name):
        return next(one for one in config["peers"] if one["name"] == name)

    def stream_phone(self, transport):
        identity = self.sides["out"].identity("fresh", FRESH) if transport == "TLS" else None
        remote = (OUT4, TLS_PORT if transport == "TLS" else SIP_PORT)
        phone = Phone(StreamEnd(self.net.out, (FRESH, next(self._ports)), remote, transport, identity), remote)
        self.addCleanup(phone.stop)
        return phone

    def refused_call(self, phone):
        """The answer that refuses a call; None: it was answered, and is over."""
        try:
            self.assertEqual(phone.call("5002").hang_up(), 200)
        except Refused as refused:
            return phone.final(refused.call_id, "1 INVITE")
        return None

    def overload(self, thresholds):
        self.config["security"]["overload"] = thresholds
        self.assertIn("security.overload", self.reload())

    def test_calls_of_the_trusted_are_refused_and_nothing_else_is_and_a_reload_changes_when(self):
        near = self.phone(NEAR)
        with self.load(), pressure(self.net.out, "INVITE", SPARE, OUT4, PACE):
            phones = [self.stream_phone(transport) for transport in ("TCP", "TLS")]
            calls = [self.connect(phone, near, "5001") for phone in phones]
            self.overload(STRICT)
            for phone, call in zip(phones, calls):
                with self.subTest(transport=phone.transport):
                    answer = eventually(lambda phone=phone: self.refused_call(phone), "a call is refused", 40.0)
                    self.assertEqual(answer.status, 503)
                    self.assertGreater(int(answer.header("retry-after")), 0)
                    self.assert_goes_on(*call)
                    for _ in range(8):
                        self.passes(phone, near, HELP)
            self.overload(CALM)
            for phone, call in zip(phones, calls):
                with self.subTest(transport=phone.transport):
                    eventually(lambda phone=phone: all(self.refused_call(phone) is None for _ in range(10)), "calls are taken again", 20.0)
                    self.hang_up(*call)


class Promotion(Phones, ReloadCase):
    """What a phone has earned shows while strangers use up what all of them together may send."""

    rate, packets = 20, 25
    ASKED = 10

    def first_config(self):
        config = super().first_config()
        peers, routes = config["peers"], config["routes"]
        add_registrar(config, self.net.folder)
        config.update(peers=peers, routes=routes)
        much = {"rate": "100000/s", "burst": 100000}
        config["security"] = {"limits": {"source": much, "prefix": much, "unknown": {"rate": "20/s"}},
                              "promotion": {"by": ["registration"], "lasts": "1m"},
                              "detectors": {"scanner": {"action": "log"}, "invite_flood": {"action": "log"}}}
        return config

    def answered(self, phone):
        """How many of ten requests are answered at once; none is said again."""
        count = 0
        for _ in range(self.ASKED):
            request = sip.request("OPTIONS", phone.sock.getsockname()[:2], phone.remote)
            number = re.search(rb"CSeq: (\d+) ", request)[1].decode()
            count += phone.ask(request, sip.call_id_of(request).decode(), number, 0.4) == 200
        return count

    def promote_by(self, *what):
        self.config["security"]["promotion"]["by"] = list(what)
        self.assertIn("security.promotion", self.reload())

    def test_what_earns_trust_changes_and_what_was_earned_stays(self):
        stranger = self.address()
        with self.load():
            before = self.registered_phone()
            self.promote_by("call")
            late = self.registered_phone()
            with pressure(self.net.out, "OPTIONS", stranger, OUT4, 3000):
                eventually(lambda: self.daemon.dropped("outside", "unknown_rate") > 1000, "there is no room for strangers")
                self.assertEqual(self.answered(before), self.ASKED)
                self.assertLess(self.answered(late), self.ASKED // 2)
                self.assertEqual(self.answered(before), self.ASKED)
            self.promote_by("registration")
            self.assert_status(200, late.register())
            with pressure(self.net.out, "OPTIONS", stranger, OUT4, 3000):
                self.assertEqual(self.answered(late), self.ASKED)
                self.assertEqual(self.answered(before), self.ASKED)


if __name__ == "__main__":
    unittest.main()
