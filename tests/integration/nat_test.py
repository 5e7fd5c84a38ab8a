"""nat_test.py — phones behind routers that translate addresses (nftables masquerade, Linux' connection tracking): two-way
voice, whichever side is behind one. RFC 7362 (latching), RFC 3581 (rport).

A phone lives in a namespace `home` behind the far end of a cable, which becomes the router. Connection tracking lets in
only what answers a packet that went out to the same address and port: all these routers are port-restricted at least.
"""

import unittest

from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, Case, eventually
from netns import veth
from voice import VoicePhone
from voice_case import Call

SALLYPORT, ROUTER = {"out": OUT4, "in": IN4}, {"out": FAR_OUT4, "in": FAR_IN4}


class NatCase(Case):
    def setUp(self):
        super().setUp()
        config = self.net.config()
        self.configure(config)
        self.daemon = self.net.start(config)

    def configure(self, config):
        """Subclasses change the configuration here."""

    def far(self, side):
        return self.net.out if side == "out" else self.net.inn

    def home(self, side, how):
        """The phone of one side, behind a router that translates as `how` says; how None: without one."""
        router = self.far(side)
        if how is None:
            return self.phone(router, ROUTER[side], side)
        home, number = self.net.namespace(f"home{side}"), {"out": 1, "in": 2}[side]
        veth(router, "lan", home, "wire")
        for namespace, interface, address in ((router, "lan", f"10.9.{number}.1/24"), (home, "wire", f"10.9.{number}.2/24")):
            namespace.ip("address", "add", address, "dev", interface)
            namespace.ip("link", "set", interface, "up")
        home.ip("route", "add", "default", "via", f"10.9.{number}.1")
        router.sysctl("net.ipv4.ip_forward", 1)
        voice = "" if how == "masquerade" else f"oifname wire udp sport != {SIP_PORT} {how}\n"
        router.run("nft", "-f", "-", input=f"""
table ip home {{
  chain out {{
    type nat hook postrouting priority srcnat
    {voice}oifname wire masquerade
  }}
  chain in {{
    type nat hook prerouting priority dstnat
    iifname wire udp dport {SIP_PORT} dnat to 10.9.{number}.2
  }}
}}
""")
        return self.phone(home, f"10.9.{number}.2", side)

    def phone(self, namespace, address, side):
        phone = VoicePhone(namespace, namespace.udp(address, SIP_PORT), (SALLYPORT[side], SIP_PORT))
        self.addCleanup(phone.stop)
        return phone

    def call(self, how_out, how_in, caller_side="out"):
        """Both talk and hear each other."""
        phones = {"out": self.home("out", how_out), "in": self.home("in", how_in)}
        caller, callee = phones[caller_side], phones["in" if caller_side == "out" else "out"]
        caller.call("200")
        eventually(lambda: callee.legs and callee.last_leg().dialog.is_acked, "the callee has the ACK")
        return Call(caller.leg, callee.last_leg()).talk().await_voice(50)

    def check(self, *how, **options):
        call = self.call(*how, **options)
        for side, leg in zip(("out", "in"), (call.near, call.far) if options.get("caller_side", "out") == "out" else (call.far, call.near)):
            self.assertEqual(leg.theirs.media[0].address, SALLYPORT[side])
        self.assertEqual([one for end, other in (call.ends, call.ends[::-1]) for one in end.not_of(other)], [])
        self.assertEqual(call.near.dialog.hang_up(), 200)


class Nat(NatCase):
    def test_the_caller_outside_is_behind_a_router(self):
        self.check("masquerade", None)

    def test_the_callee_outside_is_behind_a_router(self):
        self.check("masquerade", None, caller_side="in")

    def test_both_are_behind_routers(self):
        self.check("masquerade", "masquerade")

    def test_the_router_gives_each_flow_a_random_port(self):
        self.check("masquerade random", None)

    def test_both_routers_give_each_flow_a_random_port(self):
        self.check("masquerade fully-random", "masquerade fully-random", caller_side="in")

    def test_the_router_gives_ports_of_a_small_range_of_its_own(self):
        self.check("masquerade to :40000-40099", "masquerade to :50000-50099 random")

    def rebind(self, side):
        """The router forgets all its translations, as one that has lost its power."""
        router, address = self.far(side), f"{ROUTER[side]}/24"
        router.ip("address", "del", address, "dev", "wire")
        router.ip("address", "add", address, "dev", "wire")

    # A third address is learned only when signalling says that something has changed (threats M1).
    def test_a_router_that_forgets_its_translations_is_learned_again_by_signalling(self):
        call = self.call("masquerade fully-random", None)
        near, far = call.ends
        self.rebind("out")
        eventually(lambda n=near.said: near.said > n + 15, "what was on its way is over")
        heard = len(far.of(near))
        eventually(lambda n=near.said: near.said > n + 40, "less than a second passes")
        self.assertLessEqual(len(far.of(near)) - heard, 3, "another port was learned without signalling")
        self.assertEqual(call.near.change(), 200)
        call.await_voice(50)
        self.assertEqual(call.near.dialog.hang_up(), 200)


class NatWithOtherLatches(NatCase):
    def configure(self, config):
        config["peers"][0]["media"] = {"latch": "sdp"}
        config["peers"][1]["media"] = {"latch": "any"}

    def test_a_host_that_sdp_does_not_name_is_not_heard_where_only_sdp_is_believed(self):
        caller, callee = self.home("out", "masquerade"), self.home("in", None)
        caller.call("200")
        eventually(lambda: callee.legs and callee.last_leg().dialog.is_acked, "the callee has the ACK")
        call = Call(caller.leg, callee.last_leg()).talk()
        eventually(lambda: call.ends[0].said > 50, "a second passes")
        self.assertEqual(len(call.ends[1].of(call.ends[0])), 0)
        self.assertEqual(caller.leg.dialog.hang_up(), 200)

    def test_any_host_is_learned_where_the_configuration_says_so(self):
        self.check(None, "masquerade random")


if __name__ == "__main__":
    unittest.main()
