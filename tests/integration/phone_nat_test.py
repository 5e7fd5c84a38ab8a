"""phone_nat_test.py — phones behind routers that translate addresses register in both modes and are called when they have long
been silent: RFC 3581, RFC 5626 §3.5, RFC 4787, RFC 7362. Test phones here, baresip in baresip_nat_test.py.

In `pass_through` the PBX inside is Kamailio, which challenges, keeps the registrations and relays calls between the phones."""

import time
import unittest

from harness import FAR_IN4, FAR_OUT4, FULL, IN4, OUT4, SIP_PORT, eventually
from home_routers import Router
from kamailio import Kamailio
from phone import Refused
from registering_phone import RegisteringPhone
from registrar_case import OwnRegistrarCase

DESK = "198.18.2.40"
LASTS = 600  # seconds of a registration: nobody refreshes one while he is idle
IDLE, FORGETS, KEEPALIVE = (90, 30, "25s") if FULL else (9, 7, "5s")  # seconds


class RoutersCase(OwnRegistrarCase):
    keys = {"keepalive": KEEPALIVE, "refresh": {"outside": "10m"}}

    def configure(self):
        self.config["ports"][0]["gateways"] = [FAR_OUT4]
        self.routers = []
        self.desk = None
        if self.mode == "pass_through":
            self.kamailio = Kamailio(self.net.inn, self.net.folder, FAR_IN4)
            self.addCleanup(self.kamailio.stop)
            self.net.inn.ip("address", "add", f"{DESK}/24", "dev", "wire")
            self.desk = self.desk_phone()

    def desk_phone(self):
        """One inside, that has registered at the PBX."""
        desk = RegisteringPhone(self.net.inn, self.net.inn.udp(DESK, SIP_PORT), (FAR_IN4, SIP_PORT), self.user())
        self.addCleanup(desk.stop)
        self.assert_status(200, desk.register(LASTS))
        return desk

    def router(self, how="masquerade", forgets=FORGETS):
        self.routers.append(Router(self.net, len(self.routers), how, forgets))
        return self.routers[-1]

    def phone_at(self, home, **what):
        return self.registered_phone(expires=LASTS, namespace=home.namespace, address=home.address, **what)

    def idle(self):
        """Nobody says anything of his own for so long that the routers would forget who he is."""
        begun = time.monotonic()
        eventually(lambda: time.monotonic() - begun > IDLE, "the time is over", IDLE + 5.0)

    def call_each_way(self, one, other):
        for caller, callee in ((one, other), (other, one)):
            call = self.connect(caller, callee, callee.user)
            for leg in (call.near, call.far):
                self.assertEqual(leg.theirs.media[0].address, IN4 if leg.phone is self.desk else OUT4)
            self.hang_up(call, call.near)

    def talk(self, one, other):
        """To each other; with a PBX, each to a phone inside."""
        for near, far in ((one, other),) if self.desk is None else ((one, self.desk), (self.desk, other)):
            self.call_each_way(near, far)

    def two_routers(self, how="masquerade", **what):
        return [self.phone_at(self.router(how).home(), **what) for _ in range(2)]

    def one_router(self, **what):
        router = self.router()
        return [self.phone_at(router.home(), **what) for _ in range(3)]

    def groups(self):
        """Phones that call each other, by what there is to say of them. Those with connections are silent longest: a pong must have
        been no harm."""
        return {**self.over_udp(), "over TCP": self.two_routers(transport="tcp"), "over TLS behind one router": self.one_router(transport="tls")}

    def over_udp(self):
        return {"routers of their own": self.two_routers(), "three behind one router": self.one_router()}


class BehindRouters:
    """What holds in both modes."""

    # All are silent at the same time: with --full that is long.
    def test_phones_behind_routers_are_called_after_a_long_silence(self):
        groups = self.groups()
        for phone in (one for phones in groups.values() for one in phones):
            self.assertEqual(len(self.shown(phone.user)), 1)
        first, shown = groups["routers of their own"][0], str(self.shown(groups["routers of their own"][0].user))
        self.assertIn(self.routers[0].address, shown)
        self.assertIn(first.sock.getsockname()[0], shown)
        self.idle()
        for what, phones in groups.items():
            for one, other in zip(phones, phones[1:]):
                with self.subTest(phones=what):
                    self.talk(one, other)


class Local(BehindRouters, RoutersCase):
    def over_udp(self):
        return {**super().over_udp(), "routers that give random ports": self.two_routers("masquerade fully-random"),
                "routers with a small range of ports": self.two_routers("masquerade to :40000-40009")}

    # RFC 3261 §10.3 step 7, RFC 3581
    def test_a_phone_whose_router_has_lost_its_power_is_called_after_the_next_refresh(self):
        router, other = self.router("masquerade fully-random"), self.registered_phone()
        phone = self.phone_at(router.home())
        router.namespace.ip("address", "del", f"{router.address}/30", "dev", "wan")  # its translations go too
        router.namespace.ip("address", "add", f"{router.address}/30", "dev", "wan")
        router.namespace.ip("route", "replace", "default", "via", f"203.0.113.{4 * router.number + 1}")
        answer = phone.register()
        self.assertEqual(answer.status, 200, "credentials that were challenged again")
        self.assertEqual(len(self.shown(phone.user)), 1)
        self.call_each_way(other, phone)


    # Sallyport goes on to keep the router's way open.
    def test_a_phone_that_says_nothing_is_called_after_a_kill_and_after_a_stop(self):
        phone, other = self.phone_at(self.router("masquerade fully-random", 60).home()), self.registered_phone(expires=LASTS)
        self.await_written(other)
        for how in (self.daemon_is_killed, self.daemon_stops):
            how()
            self.daemon, before = self.net.start(self.config), len(phone.keep_alives)
            eventually(lambda n=before: len(phone.keep_alives) > n, "a keep-alive", 40.0)
            self.hang_up(self.connect(other, phone, phone.user))

    def daemon_is_killed(self):
        self.daemon.kill()

    def daemon_stops(self):
        self.assertEqual(self.daemon.terminate(), 0)


class LocalWithoutKeepAlive(RoutersCase):
    keys = {"keepalive": "5m", "refresh": {"outside": "10m"}}

    def test_these_routers_do_forget(self):
        phone, other = self.phone_at(self.router().home()), self.registered_phone(expires=LASTS)
        self.idle()
        with self.assertRaises(Refused):
            other.call(phone.user, 5.0)
        self.assertEqual(phone.received("INVITE"), [])


class PassThrough(BehindRouters, RoutersCase):
    mode = "pass_through"

    # The PBX leaves SDP as it is: what it sends back names Sallyport's own ports.
    def test_phones_behind_routers_talk_through_a_pbx_that_leaves_voice_alone(self):
        self.call_each_way(*(self.phone_at(self.router().home()) for _ in range(2)))


if __name__ == "__main__":
    unittest.main()
