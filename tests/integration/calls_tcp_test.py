"""calls_tcp_test.py — what calls_test.py asks of calls by SIPp over UDP holds over TCP. RFC 3261 §18."""

import unittest

import calls_test
from harness import FULL, SIP_PORT


@unittest.skipUnless(FULL, "with --full: transports_test.py has the calls of every run")
class CallsOverTcp(calls_test.Calls):
    transport = "tcp"
    test_a_target_that_is_silent_is_left_within_setup = None  # its deaf socket is UDP's: transports_test.py has TCP's

    @classmethod
    def configure(cls, config):
        super().configure(config)
        for realm in config["realms"]:
            realm["listen"] = [{"transport": "tcp", "port": SIP_PORT}]
        for peer in config["peers"]:
            peer["transport"] = "tcp"


if __name__ == "__main__":
    unittest.main()
