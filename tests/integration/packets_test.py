"""packets_test.py — VLANs, fragments, IPv6, big messages and checksums, seen from the wire."""

import socket
import struct
import unittest

import frames
import sip
from frames import ICMP, IP, UDP, Ether, IPv6, RawHost
from harness import FAR_OUT4, IN4, OUT4, OUT6, SIP_PORT, SharedCase, eventually

VLAN, TAGGED4, TAGGED6 = 100, "198.18.3.1", "fd18:3::1"
FAR_TAGGED4, FAR_TAGGED6 = "198.18.3.2", "fd18:3::2"
HOST_MAC = "02:00:00:00:00:22"
UDP_SEGMENT = 103  # <linux/udp.h>: a sender gives datagrams of one size to Linux in one piece


class Packets(SharedCase):
    @classmethod
    def configure(cls, config):
        config["ports"].append({"name": "tagged", "device": "af_packet:s-out", "vlan": VLAN,
                                "addresses": [f"{TAGGED4}/24", f"{TAGGED6}/64"]})
        config["realms"].append({"name": "tagged", "port": "tagged", "trust": "trusted",
                                 "listen": [{"transport": "udp", "port": SIP_PORT}], "media": {"ports": "20000-29999"}})
        config["peers"][0]["sources"] += ["198.18.1.40/29", "fd18:1::40/125"]

    def host(self, address, vlan=None):
        found = RawHost(self.net.out, "wire", HOST_MAC, address, vlan)
        self.addCleanup(found.close)
        return found

    def answer_to(self, host, target, build=None, seconds=5.0, **extra):
        """Sends OPTIONS from a raw host, as `build` shapes it, and returns what comes back."""
        self.assertIsNotNone(host.resolve(target), f"{target} does not answer ARP or ND")
        message = sip.request("OPTIONS", (host.address, 5060), (target, SIP_PORT), **extra)
        packet = frames.ip_packet(host.address, target) / UDP(sport=5060, dport=SIP_PORT) / frames.Raw(message)
        host.send(build(packet) if build else packet)
        payload = host.datagram(seconds, 5060)
        return payload and sip.Answer(payload, (target, SIP_PORT))

    def assert_ok(self, answer):
        self.assertIsNotNone(answer, "no answer")
        self.assertEqual(answer.status, 200)

    def assert_dropped(self, reason, host, target, build, **extra):
        before = self.daemon.dropped("outside", reason)
        self.assertIsNone(self.answer_to(host, target, build, 0.5, **extra))
        eventually(lambda: self.daemon.dropped("outside", reason) > before, f"{reason} is counted")

    def test_a_tagged_port_answers_within_its_vlan(self):
        self.assert_ok(self.answer_to(self.host(FAR_TAGGED4, VLAN), TAGGED4))
        self.assert_ok(self.answer_to(self.host(FAR_TAGGED6, VLAN), TAGGED6))

    # IEEE 802.1Q: the tag comes on top of the MTU, which both this port and its interface have at 1,500
    def test_a_tagged_port_takes_and_sends_packets_of_the_whole_mtu(self):
        host = self.host(FAR_TAGGED4, VLAN)
        self.assertIsNotNone(host.resolve(TAGGED4))
        payload = frames.Raw(b"x" * (1500 - 28))
        ping = ICMP(id=77, seq=1) / payload
        host.send(IP(src=FAR_TAGGED4, dst=TAGGED4) / ping)

        def is_reply(frame):
            host.answer_neighbour(frame)
            return frame.haslayer(ICMP) and frame[ICMP].type == 0 and frame[IP].len == 1500
        self.assertIsNotNone(frames.heard(host.raw, is_reply, 5.0))

    def test_vlans_do_not_see_each_other(self):
        self.assertIsNone(self.host(FAR_TAGGED4).resolve(TAGGED4, 0.5))
        self.assertIsNone(self.host("198.18.1.41", VLAN).resolve(OUT4, 0.5))

    def test_a_tag_of_nobody_is_dropped(self):
        before = self.daemon.count("dataplane_dropped_total", reason="unknown_vlan")
        self.assertIsNone(self.host(FAR_TAGGED4, 200).resolve(TAGGED4, 0.3))
        eventually(lambda: self.daemon.count("dataplane_dropped_total", reason="unknown_vlan") > before, "counted")

    def test_fragments_in_any_order_are_put_together(self):
        orders = {"as sent": lambda p: p, "backwards": lambda p: p[::-1], "middle first": lambda p: p[1:] + p[:1]}
        for name, order in orders.items():
            with self.subTest(order=name):
                self.assert_ok(self.answer_to(self.host("198.18.1.41"), OUT4,
                                              lambda p, order=order: order(frames.fragment(p, 600)), padding=1600))

    def test_ipv6_fragments_are_put_together(self):
        def pieces(packet):
            plain = IPv6(src=packet.src, dst=packet.dst) / frames.IPv6ExtHdrFragment(id=77) / packet.payload
            return frames.fragment6(plain, 700)[::-1]
        self.assert_ok(self.answer_to(self.host("fd18:1::41"), OUT6, pieces, padding=1600))

    # RFC 6946: a fragment header on a packet that is whole
    def test_an_atomic_ipv6_fragment_is_a_packet(self):
        self.assert_ok(self.answer_to(self.host("fd18:1::42"), OUT6, lambda p: IPv6(src=p.src, dst=p.dst)
                                      / frames.IPv6ExtHdrFragment(id=5) / p.payload))

    def test_overlapping_fragments_are_dropped(self):
        def overlap(packet):
            octets = bytes(packet.payload)
            base = {"src": packet.src, "dst": packet.dst, "proto": 17, "id": 4242}
            return [IP(**base, flags="MF") / octets[:400], IP(**base, flags="MF", frag=40) / octets[320:400],
                    IP(**base, frag=50) / octets[400:]]
        self.assert_dropped("fragment_invalid", self.host("198.18.1.42"), OUT4, overlap, padding=400)

    def test_linux_sends_and_gets_messages_above_the_mtu(self):
        for side, version, remote in (("out", 4, OUT4), ("out", 6, OUT6), ("in", 4, IN4)):
            for size in (1400, 1500, 2500, 4000):
                with self.subTest(side=side, version=version, size=size):
                    self.assert_answered(self.known(side, version), (remote, SIP_PORT), padding=size)

    # A neighbour on the same machine, with the offloads that Linux has by default, handed all of it over as one frame,
    # of which the packet ring kept the beginning.
    def test_datagrams_that_a_neighbour_sends_in_one_piece_come_one_by_one(self):
        sock = self.known("out", 4)
        self.assert_answered(sock, (OUT4, SIP_PORT))
        before = self.daemon.dropped("outside", "runt_frame")
        messages = [sip.request("OPTIONS", sock.getsockname(), (OUT4, SIP_PORT)) for _ in range(10)]
        size = max(map(len, messages))
        padded = [m.replace(b"From: ", b"From: " + b" " * (size - len(m)), 1) for m in messages]
        ancillary = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))]
        sock.sendmsg([b"".join(padded)], ancillary, 0, (OUT4, SIP_PORT))
        sock.settimeout(8)
        self.assertEqual({sip.call_id_of(sock.recv(65535)) for _ in messages}, set(map(sip.call_id_of, messages)))
        self.assertEqual(self.daemon.dropped("outside", "runt_frame"), before)

    # RFC 3261 §8.2.6.2: all Via header fields come back, so a big request makes a big answer
    def test_an_answer_above_the_mtu_arrives_whole(self):
        for version, remote in ((4, OUT4), (6, OUT6)):
            sock = self.known("out", version)
            message = sip.request("OPTIONS", sock.getsockname()[:2], (remote, SIP_PORT))
            via = "".join(f"Via: SIP/2.0/UDP h{n}.example.net;branch=z9hG4bK{n};x={'v' * 600}\r\n" for n in range(4))
            message = message.replace(b"From:", via.encode() + b"From:", 1)
            answer = sip.ask(sock, (remote, SIP_PORT), message)
            self.assertIsNotNone(answer)
            self.assertEqual(answer.status, 200)
            self.assertGreater(len(answer.octets), 2400)

    def test_wrong_checksums_are_dropped(self):
        def wrong_udp(packet):
            packet[UDP].chksum = 0x1234
            return packet

        def wrong_ip(packet):
            packet.chksum = 0x4321
            return packet

        self.assert_dropped("bad_l4_checksum", self.host("198.18.1.43"), OUT4, wrong_udp)
        self.assert_dropped("bad_l4_checksum", self.host("fd18:1::43"), OUT6, wrong_udp)
        self.assert_dropped("bad_ip_checksum", self.host("198.18.1.43"), OUT4, wrong_ip)

    # RFC 768: zero means that the sender made none; RFC 8200 §8.1 forbids it
    def test_no_checksum_is_allowed_in_ipv4_only(self):
        def none(packet):
            packet[UDP].chksum = 0
            return packet
        self.assert_ok(self.answer_to(self.host("198.18.1.44"), OUT4, none))
        self.assert_dropped("bad_l4_checksum", self.host("fd18:1::44"), OUT6, none)

    def test_checksums_made_by_linux_or_left_half_done_are_both_taken(self):
        for state in ("off", "on"):
            self.net.out.run("ethtool", "-K", "wire", "tx", state, check=False)
            with self.subTest(tx=state):
                self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
                self.assert_answered(self.known("out", 6), (OUT6, SIP_PORT))

    def test_answers_carry_right_checksums(self):
        for address, target in (("198.18.1.45", OUT4), ("fd18:1::45", OUT6)):
            host = self.host(address)
            self.assertIsNotNone(host.resolve(target))
            message = sip.request("OPTIONS", (address, 5060), (target, SIP_PORT))
            host.send(frames.ip_packet(address, target) / UDP(sport=5060, dport=SIP_PORT) / frames.Raw(message))

            def is_answer(frame, host=host):
                host.answer_neighbour(frame)
                return frame.haslayer(UDP) and frame[UDP].dport == 5060
            frame = frames.heard(host.raw, is_answer, 5.0)
            self.assertIsNotNone(frame)
            sums = frame[UDP].chksum, frame[IP].chksum if frame.haslayer(IP) else None
            again = Ether(bytes(frame))
            del again[UDP].chksum
            if again.haslayer(IP):
                del again[IP].chksum
            again = Ether(bytes(again))
            self.assertEqual(sums, (again[UDP].chksum, again[IP].chksum if again.haslayer(IP) else None))

    def test_ipv4_options_are_stepped_over(self):
        self.assert_ok(self.answer_to(self.host("198.18.1.46"), OUT4,
                                      lambda p: IP(src=p.src, dst=p.dst, options=b"\x01\x01\x01\x00") / p.payload))

    def test_ipv6_extension_headers_are_stepped_over(self):
        self.assert_ok(self.answer_to(self.host("fd18:1::46"), OUT6, lambda p: IPv6(src=p.src, dst=p.dst)
                                      / frames.IPv6ExtHdrHopByHop() / frames.IPv6ExtHdrDestOpt() / p.payload))

    def test_a_routing_header_is_dropped(self):
        self.assert_dropped("bad_extension_header", self.host("fd18:1::47"), OUT6, lambda p: IPv6(src=p.src, dst=p.dst)
                            / frames.IPv6ExtHdrRouting(addresses=["fd18:2::2"]) / p.payload)

    def test_lying_lengths_are_dropped(self):
        def long_udp(packet):
            packet[UDP].len = 60000
            return packet

        def short_udp(packet):
            packet[UDP].len = 7
            return packet

        for build in (long_udp, short_udp):
            self.assert_dropped("bad_udp_header", self.host("198.18.1.47"), OUT4, build)

    def test_pieces_of_frames_are_counted_and_hurt_nobody(self):
        before = self.daemon.dropped("outside", "runt_frame")
        mac = bytes.fromhex(self.daemon.port_mac("outside").replace(":", ""))
        host = self.host(FAR_OUT4)
        whole = mac + bytes.fromhex("020000000022") + b"\x08\x00" + bytes(IP(src=FAR_OUT4, dst=OUT4) / UDP() / frames.Raw(b"x" * 30))
        for size in range(15, 42):
            host.raw.send(whole[:size])
        eventually(lambda: self.daemon.dropped("outside", "runt_frame") > before, "counted")
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        self.assert_answered(self.known("out", 6), (OUT6, SIP_PORT))


if __name__ == "__main__":
    unittest.main()
