"""baresip_nat_test.py — real phones behind routers that translate addresses: registered in both modes over UDP, TCP and TLS,
called when they have long been silent, a tone heard both ways. RFC 3581, RFC 5626 §3.5, RFC 7362."""

import unittest

from baresip_case import RealPhonesCase
from harness import FULL

TONES = (700, 1200, 1900)


class RealPhones(RealPhonesCase):
    def test_phones_behind_two_routers_and_behind_one_talk_after_a_long_silence(self):
        first, second = self.router(), self.router("masquerade fully-random")
        phones = [self.phone_at(router.home(), hertz) for router, hertz in zip((first, first, second), TONES)]
        self.idle()
        self.talk(phones[0], phones[1])
        self.talk(phones[2], phones[0])
        self.talk(phones[1], phones[2])


@unittest.skipUnless(FULL, "with --full: another pairing of mode and transport")
class LocalOverTcp(RealPhones):
    transport = "tcp"


@unittest.skipUnless(FULL, "with --full: another pairing of mode and transport")
class LocalOverTls(RealPhones):
    transport = "tls"


@unittest.skipUnless(FULL, "with --full: another pairing of mode and transport")
class PassThroughOverUdp(RealPhones):
    mode = "pass_through"


@unittest.skipUnless(FULL, "with --full: another pairing of mode and transport")
class PassThroughOverTcp(RealPhones):
    mode, transport = "pass_through", "tcp"


class PassThroughOverTls(RealPhones):
    mode, transport = "pass_through", "tls"


if __name__ == "__main__":
    unittest.main()
