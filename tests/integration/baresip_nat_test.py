"""baresip_nat_test.py — real phones behind routers that translate addresses: registered in both modes over UDP, TCP and TLS,
called when they have long been silent, a tone heard both ways. RFC 3581, RFC 5626 §3.5, RFC 7362."""

import tempfile
import unittest

from baresip import Baresip
from harness import FAR_IN4, FULL, OUT4, SIP_PORT, eventually
from home_routers import Home
from phone_nat_test import DESK, RoutersCase
from registering_phone import DOMAIN, USERS
from registrar_case import write_users
from stream_case import port_of

TONES = (700, 1200, 1900)


class RealPhones(RoutersCase):
    transport = "udp"

    def configure(self):
        super().configure()
        if self.mode == "local":  # baresip knows no other
            write_users(self.config["registrars"][0]["users_file"], USERS, ("ha1_md5",))

    def make(self, home, hertz, registrar, transport):
        """registrar: (address, port)."""
        user = self.user()
        identity = self.sides["out"].identity(f"phone-{hertz}", home.address) if transport == "tls" else None
        account = (f'<sip:{user}@{DOMAIN};transport={transport}>;auth_user={user};auth_pass={USERS[user]};'
                   f'outbound="sip:{registrar[0]}:{registrar[1]};transport={transport}";regint=3600')
        phone = Baresip(home.namespace, tempfile.mkdtemp(dir=self.net.folder), home.address, hertz, identity=identity, account=account)
        self.addCleanup(phone.close)
        phone.user, phone.hertz = user, hertz
        return phone

    def desk_phone(self):
        desk = self.make(Home(self.net.inn, DESK), 2700, (FAR_IN4, SIP_PORT), "udp")
        desk.await_words("200 OK")
        return desk

    def phone_at(self, home, hertz):  # pylint: disable=arguments-differ,arguments-renamed
        phone = self.make(home, hertz, (OUT4, port_of(self.transport)), self.transport)
        user = phone.user
        try:
            self.await_shown(user, 1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{phone.words()}") from None
        return phone

    def call_each_way(self, one, other):
        for caller, callee in ((one, other), (other, one)):
            self.tones_both_ways(caller, callee)

    def tones_both_ways(self, caller, callee):
        before = len(callee.dumps())
        caller.command("dial", f"sip:{callee.user}@{DOMAIN}")
        eventually(lambda: len(callee.dumps()) > before, f"it is answered:\n{caller.words()}\n{callee.words()}", 15.0)
        for one, other in ((caller, callee), (callee, caller)):
            eventually(lambda one=one, other=other: (one.heard(other.hertz) or 0) > 0.9,
                       f"{one.hertz} hears {other.hertz}:\n{one.words()}\n{other.words()}", 15.0)
            self.assertLess(one.heard(one.hertz) or 0, 0.05)
        caller.command("hangup")
        eventually(lambda: self.daemon.count("calls_active") == 0, "the call is over")

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
