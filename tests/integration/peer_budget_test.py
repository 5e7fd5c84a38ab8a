"""peer_budget_test.py — somebody writes a configured peer's address on a flood: the operator sees which peer it is and
since when, and the other peers are served."""

import json
import unittest

import sip
from harness import FAR_OUT4, IN4, OUT4, SIP_PORT, Case, eventually

AT_ONCE = 500  # of a peer with such limits (policy/decide/peer_budget.cpp)


class PeerBudget(Case):
    def test_the_peer_beyond_its_budget_is_named(self):
        config = self.net.config()
        config["peers"][0]["limits"] = {"in": {"calls": 10, "rate": "1/s"}, "out": {"calls": 10, "rate": "1/s"}}
        daemon = self.net.start(config)
        carrier, pbx = self.known("out"), self.known("in")
        self.assert_answered(carrier, (OUT4, SIP_PORT))
        alarms = lambda: [one for one in daemon.show("alarms")["alarms"] if one["name"] == "peer_over_budget"]
        self.assertEqual(alarms(), [])
        message = sip.request("MESSAGE", carrier.getsockname()[:2], (OUT4, SIP_PORT))
        for _ in range(20 * AT_ONCE):
            carrier.sendto(message, (OUT4, SIP_PORT))
        eventually(lambda: daemon.dropped("outside", "peer_rate") > AT_ONCE, "drops of the peer")
        self.assertEqual(daemon.dropped("outside", "source_rate"), 0)
        raised = eventually(alarms, "the alarm", 15.0)
        self.assertEqual([one["subject"] for one in raised], ["carrier"])
        self.assertRegex(raised[0]["detail"], r"^\d+ datagrams dropped$")
        self.assertTrue(raised[0]["since"])
        daemon.wait_for_log(r'"alarm_raised".*peer_over_budget')
        why = json.loads(daemon.cli("explain", FAR_OUT4, "--json").stdout)
        self.assertIn("peer_rate", [one["reason"] for one in why["drops"]])
        self.assertIn("alarm peer_over_budget", daemon.cli("explain", FAR_OUT4).stdout)
        self.assert_answered(pbx, (IN4, SIP_PORT))


if __name__ == "__main__":
    unittest.main()
