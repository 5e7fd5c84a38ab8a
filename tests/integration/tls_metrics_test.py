"""tls_metrics_test.py — handshakes by their results, and when certificates end, as Prometheus sees them."""

import time
import unittest

from harness import eventually
from tls_test import TlsCase


class TlsMetrics(TlsCase):
    def handshakes(self, realm="outside"):
        """(those that came to an end, those that failed)"""
        found = [(dict(labels), v) for (name, labels), v in self.daemon.metrics().items() if name == "sallyport_tls_handshakes_total"]
        mine = [(labels["result"], v) for labels, v in found if labels["realm"] == realm]
        return sum(v for result, v in mine if result == "ok"), sum(v for result, v in mine if result != "ok")

    def test_handshakes_are_counted_by_their_result(self):
        good, bad = self.handshakes()
        self.assert_answers(self.client().connect())
        eventually(lambda: self.handshakes()[0] == good + 1, "one more that is good")
        self.assert_refused(self.client(self.identity(self.other.issue("uncounted", ["sip:carrier-3.test"]))))
        eventually(lambda: self.handshakes()[1] == bad + 1, "one more that failed")

    def test_the_end_of_each_certificate_is_shown(self):
        for name in ("edge-out", "edge-in"):
            left = self.daemon.count("certificate_expiry_timestamp_seconds", certificate=name) - time.time()
            self.assertTrue(59 * 86400 < left < 61 * 86400, f"{name}: {left}")


if __name__ == "__main__":
    unittest.main()
