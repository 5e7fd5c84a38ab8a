"""baresip_case.py — real phones that register behind routers that translate addresses, call each other and hear each other's tone.
RFC 3581, RFC 7362. In `pass_through` a PBX and a desk phone are inside."""

import tempfile

from baresip import Baresip
from harness import FAR_IN4, OUT4, SIP_PORT, eventually
from home_routers import Home
from phone_nat_test import DESK, RoutersCase
from registering_phone import DOMAIN, USERS
from registrar_case import write_users
from stream_case import port_of


class RealPhonesCase(RoutersCase):
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
