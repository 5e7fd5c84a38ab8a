"""neighbour_test.py — next hops that come, go, move or never existed, and routes that change under traffic."""

import unittest

import frames
import sip
from frames import ARP, UDP, Ether, RawHost
from harness import FAR_OUT4, FAR_OUT6, IN4, OUT4, OUT6, SIP_PORT, Case, eventually
from netns import inside, run

GATEWAY, OTHER_GATEWAY, FAR_AWAY = "198.18.1.254", "198.18.1.253", "203.0.113.5"
GHOST, GHOST6, OTHER_MAC = "198.18.1.9", "fd18:1::9", "02:00:00:00:00:53"


class Neighbour(Case):
    def setUp(self):
        super().setUp()
        config = self.net.config()
        config["ports"][0]["gateways"] = [GATEWAY]
        config["peers"][0]["sources"] += [f"{FAR_AWAY}/32", f"{GHOST}/32"]
        self.daemon = self.net.start(config)

    def in_port_namespace(self, *command, check=True):
        """Runs a program where the outside port's tap lives."""
        with inside(f"/proc/{self.daemon.process.pid}/root/run/netns/sp-{self.net.tag}-outside"):
            return run(*command, check=check)

    def lose(self):
        """The peer's address goes from the network, and what the daemon knew of it is found out to be wrong."""
        self.net.out.ip("link", "set", "wire", "down")

    def come_back(self, announce):
        self.net.out.sysctl("net.ipv4.conf.wire.arp_notify", int(announce))
        self.net.out.sysctl("net.ipv6.conf.wire.ndisc_notify", int(announce))
        self.net.out.ip("link", "set", "wire", "up")
        self.net.out.ip("address", "replace", f"{FAR_OUT6}/64", "dev", "wire", "nodad")

    def test_a_neighbour_that_never_existed_costs_only_its_own_answers(self):
        raw = self.net.out.raw("wire")
        self.addCleanup(raw.close)
        macs = (self.net.out.mac("wire"), self.daemon.port_mac("outside"))

        def lost():
            return sum(self.daemon.dropped("outside", r) for r in ("no_neighbour", "hold_queue_full"))
        before = lost()
        for _ in range(50):
            message = sip.request("OPTIONS", (GHOST, 5060), (OUT4, SIP_PORT))
            raw.send(bytes(frames.udp_frame(macs, (GHOST, 5060), (OUT4, SIP_PORT), message)))
        asked = frames.heard(raw, lambda f: f.haslayer(ARP) and f[ARP].pdst == GHOST, 5.0)
        self.assertIsNotNone(asked, "nobody asked for the ghost")
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT), seconds=2.0)
        self.assert_answered(self.known("in", 4), (IN4, SIP_PORT), seconds=2.0)
        eventually(lambda: lost() >= before + 50, "all answers to the ghost are counted as lost", 20.0)

    def test_a_ghost_that_appears_is_answered(self):
        ghost = RawHost(self.net.out, "wire", OTHER_MAC, GHOST)
        self.addCleanup(ghost.close)
        ghost.peer_mac = self.daemon.port_mac("outside")
        message = sip.request("OPTIONS", (GHOST, 5060), (OUT4, SIP_PORT))
        packet = frames.ip_packet(GHOST, OUT4) / UDP(sport=5060, dport=SIP_PORT) / frames.Raw(message)
        ghost.send(packet)
        self.assertIsNone(ghost.datagram(0.5, 5060, answer_neighbours=False))

        def is_answered():
            ghost.send(packet)
            return ghost.datagram(0.5, 5060)
        eventually(is_answered, "the ghost is answered once it says where it is", 20.0)

    def test_a_neighbour_that_goes_and_returns_is_found_again(self):
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        self.lose()
        self.assert_answered(self.known("in", 4), (IN4, SIP_PORT))
        self.come_back(announce=False)
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT), seconds=20.0)
        self.assert_answered(self.known("out", 6), (OUT6, SIP_PORT), seconds=20.0)

    def moves(self, announce, seconds):
        for version, address in ((4, OUT4), (6, OUT6)):
            self.assert_answered(self.known("out", version), (address, SIP_PORT))
        self.lose()
        self.net.out.ip("link", "set", "wire", "address", OTHER_MAC)
        self.come_back(announce)
        for version, address in ((4, OUT4), (6, OUT6)):
            with self.subTest(version=version):
                self.assert_answered(self.known("out", version), (address, SIP_PORT), seconds=seconds)

    def test_a_neighbour_that_moves_and_says_so_is_followed(self):
        self.moves(announce=True, seconds=10.0)

    def test_a_neighbour_that_moves_and_says_nothing_is_found(self):
        self.moves(announce=False, seconds=60.0)

    def test_what_lies_behind_the_gateway_is_answered_through_it(self):
        self.net.out.ip("address", "add", f"{GATEWAY}/24", "dev", "wire")
        self.net.out.ip("address", "add", f"{FAR_AWAY}/32", "dev", "lo")
        sock = self.net.out.udp(FAR_AWAY, 5060)
        self.addCleanup(sock.close)
        self.assert_answered(sock, (OUT4, SIP_PORT))

    def test_a_route_that_changes_under_traffic_is_followed(self):
        self.net.out.ip("address", "add", f"{GATEWAY}/24", "dev", "wire")
        self.net.out.ip("address", "add", f"{FAR_AWAY}/32", "dev", "lo")
        sock = self.net.out.udp(FAR_AWAY, 5060)
        self.addCleanup(sock.close)
        other = RawHost(self.net.out, "wire", OTHER_MAC, OTHER_GATEWAY)
        self.addCleanup(other.close)
        self.assert_answered(sock, (OUT4, SIP_PORT))
        self.in_port_namespace("ip", "route", "replace", "default", "via", OTHER_GATEWAY)

        def goes_the_other_way():
            message = sip.request("OPTIONS", (FAR_AWAY, 5060), (OUT4, SIP_PORT))
            sock.sendto(message, (OUT4, SIP_PORT))

            def is_it(frame):
                other.answer_neighbour(frame)
                return frame.dst == OTHER_MAC and sip.call_id_of(message) in bytes(frame)
            return frames.heard(other.raw, is_it, 0.5)
        eventually(goes_the_other_way, "answers leave by the new gateway", 15.0)
        self.in_port_namespace("ip", "route", "replace", "default", "via", GATEWAY)
        self.assert_answered(sock, (OUT4, SIP_PORT), seconds=15.0)

    def test_no_route_is_counted_and_hurts_nobody(self):
        self.in_port_namespace("ip", "route", "del", "default")
        raw = self.net.out.raw("wire")
        self.addCleanup(raw.close)
        before = self.daemon.dropped("outside", "no_route")
        macs = (self.net.out.mac("wire"), self.daemon.port_mac("outside"))
        message = sip.request("OPTIONS", (FAR_AWAY, 5060), (OUT4, SIP_PORT))
        frame = bytes(frames.udp_frame(macs, (FAR_AWAY, 5060), (OUT4, SIP_PORT), message))

        def is_counted():  # an answer or two may still meet what was known before the route went
            raw.send(frame)
            return self.daemon.dropped("outside", "no_route") > before
        eventually(is_counted, "counted", 10.0)
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))

    def test_answers_wait_while_their_next_hop_is_looked_for(self):
        self.net.out.ip("address", "add", f"{GATEWAY}/24", "dev", "wire")
        raw = self.net.out.raw("wire")
        self.addCleanup(raw.close)
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        macs = (self.net.out.mac("wire"), self.daemon.port_mac("outside"))
        frames.drain(raw)
        held = 8  # of each destination; more would be a way to fill memory
        for number in range(held):
            message = sip.request("OPTIONS", (FAR_AWAY, 6000 + number), (OUT4, SIP_PORT))
            raw.send(bytes(frames.udp_frame(macs, (FAR_AWAY, 6000 + number), (OUT4, SIP_PORT), message)))
        seen = set()

        def all_seen():
            frame = frames.heard(raw, lambda f: f.haslayer(UDP) and f[UDP].sport == SIP_PORT, 1.0)
            if frame is not None:
                seen.add(Ether(bytes(frame))[UDP].dport)
            return len(seen) == held
        eventually(all_seen, "every answer, the first of them held until the gateway was found", 20.0)


class DeadTargets(Case):
    # RFC 3261 §18.4, §8.1.3.1
    def test_a_call_goes_on_to_where_somebody_is_long_before_its_setup_timer(self):
        config = self.net.config()
        config["peers"][0].update(timers={"setup": "60s"}, health={"ping": "never"}, targets=[
            {"address": f"{GHOST}:5060"}, {"address": f"[{GHOST6}]:5060"}, {"address": f"{FAR_OUT4}:5060"}])
        daemon = self.net.start(config)
        pbx, carrier = self.known("in", 4), self.known("out", 4)
        carrier.settimeout(15.0)
        invite = sip.request("INVITE", pbx.getsockname(), (IN4, SIP_PORT))
        pbx.sendto(invite.replace(b"INVITE sip:", b"INVITE sip:+4930123456@", 1), (IN4, SIP_PORT))
        heard, source = carrier.recvfrom(65536)
        self.assertTrue(heard.startswith(b"INVITE "), heard)
        self.assertEqual(source, (OUT4, SIP_PORT))
        self.assertGreater(daemon.dropped("outside", "no_neighbour"), 0)


if __name__ == "__main__":
    unittest.main()
