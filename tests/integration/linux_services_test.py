"""linux_services_test.py — what `linux.services` lets in and out beside connections: VRRP, OSPF, BFD, NTP, and what a router
says of a path that is narrow. RFC 5798, RFC 2328, RFC 5340, RFC 5881, RFC 5905, RFC 1191, RFC 8201.

The outside has all services, the inside none: the same packets reach Linux there, and here they do not."""

import contextlib
import select
import socket
import struct
import unittest

import frames
from frames import ICMP, IP, TCP, UDP, Ether, ICMPv6PacketTooBig, IPv6, Raw
from harness import FAR_IN4, FAR_IN6, FAR_OUT4, FAR_OUT6, IN4, IN6, OUT4, OUT6, SharedCase, eventually
from netns import inside

BGP, NTP, BFD, BFD_ECHO, BFD_MULTIHOP = 179, 123, 3784, 3785, 4784
OSPF, VRRP = 89, 112
# Of each protocol the groups that it is sent to.
GROUPS = {(OSPF, 4): ("224.0.0.5", "224.0.0.6"), (VRRP, 4): ("224.0.0.18",),
          (OSPF, 6): ("ff02::5", "ff02::6"), (VRRP, 6): ("ff02::12",)}
OTHER_GROUPS = {4: ("224.0.0.9", "224.0.0.2"), 6: ("ff02::9", "ff02::2")}
NARROW = 1280
IP_MTU, IPV6_MTU = 14, 24


def group_mac(group):
    if ":" in group:
        return "33:33:" + ":".join(f"{octet:02x}" for octet in socket.inet_pton(socket.AF_INET6, group)[12:])
    octets = socket.inet_pton(socket.AF_INET, group)
    return f"01:00:5e:{octets[1] & 0x7f:02x}:{octets[2]:02x}:{octets[3]:02x}"


class Side:
    """One port and the host at the far end of its cable."""

    def __init__(self, name, namespace, own, far):
        self.name, self.namespace, self.own, self.far = name, namespace, own, far
        self.wire, self.macs = None, None  # frames in and out of the far end; its MAC and the port's


class Services(SharedCase):
    @classmethod
    def configure(cls, config):
        ping = "1000/s"  # settled() asks often
        config["ports"][0]["linux"] = {"ping": ping, "services": ["bgp", "bfd", "ospf", "vrrp", "ntp", "dns"]}
        config["ports"][1]["linux"] = {"ping": ping}

    def setUp(self):
        super().setUp()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.outside = Side("outside", self.net.out, {4: OUT4, 6: OUT6}, {4: FAR_OUT4, 6: FAR_OUT6})
        self.inside = Side("inside", self.net.inn, {4: IN4, 6: IN6}, {4: FAR_IN4, 6: FAR_IN6})
        for side in (self.outside, self.inside):
            side.wire = self.stack.enter_context(side.namespace.raw("wire"))
            side.macs = (side.namespace.mac("wire"), self.daemon.port_mac(side.name))

    def namespace_of(self, side):
        return inside(f"/proc/{self.daemon.process.pid}/root/run/netns/sp-{self.net.tag}-{side.name}")

    def in_port(self, side, version, kind, protocol=0):
        with self.namespace_of(side):
            made = self.stack.enter_context(
                socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind, protocol))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(8)
        return made

    def far(self, side, version, kind, port):
        made = self.stack.enter_context(
            side.namespace.socket(socket.AF_INET if version == 4 else socket.AF_INET6, kind))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(8)
        made.bind((side.far[version], port))
        return made

    def routing_socket(self, side, version, protocol):
        """As a routing daemon has it: of that protocol, in its groups on the port's interface."""
        made = self.in_port(side, version, socket.SOCK_RAW, protocol)
        with self.namespace_of(side):
            interface = next(number for number, name in socket.if_nameindex() if name != "lo")
        for group in GROUPS[protocol, version] + OTHER_GROUPS[version]:
            octets = socket.inet_pton(made.family, group)
            if version == 4:
                made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                octets + struct.pack("=4si", b"\0\0\0\0", interface))
            else:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, octets + struct.pack("=I", interface))
        if version == 4:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", b"\0\0\0\0",
                                                                                  b"\0\0\0\0", interface))
        else:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface)
        return made

    def packet(self, side, version, protocol, destination, payload):
        """One of a routing protocol, from the far host."""
        if version == 4:
            return IP(src=side.far[4], dst=destination, ttl=255, proto=protocol) / Raw(payload)
        return IPv6(src=side.far[6], dst=destination, hlim=255, nh=protocol) / Raw(payload)

    def send(self, side, packet):
        destination = packet.dst
        is_group = destination.startswith(("224.", "ff02"))
        side.wire.send(bytes(Ether(src=side.macs[0], dst=group_mac(destination) if is_group else side.macs[1]) / packet))

    def settled(self, side):
        """Linux in the port's namespace has had all that was sent before: it answers an echo that came behind."""
        side.wire.send(bytes(frames.echo(side.macs, side.far[4], side.own[4])))
        self.assertIsNotNone(frames.heard(side.wire, frames.is_echo_reply, 8.0), "no answer to an echo")

    def assert_not_crossed(self, side, marker):
        other = self.inside if side is self.outside else self.outside
        self.settled(other)
        while select.select([other.wire], [], [], 0)[0]:
            self.assertNotIn(marker, frames.receive(other.wire), "it crossed to the other port")

    def reaches(self, sock, marker):
        """What has reached a socket holds the marker."""
        while select.select([sock], [], [], 0)[0]:
            if marker in sock.recv(2048):
                return True
        return False

    def left(self, side, marker):
        return frames.heard(side.wire, lambda frame: marker in bytes(frame), 8.0)

    def test_routing_protocols_reach_linux_where_they_are_configured(self):
        for (protocol, version), groups in GROUPS.items():
            for side, is_wanted in ((self.outside, True), (self.inside, False)):
                listener = self.routing_socket(side, version, protocol)
                for destination in (*groups, side.own[version]):
                    with self.subTest(protocol=protocol, port=side.name, to=destination):
                        marker = f"in {protocol} {destination} {side.name}".encode()
                        self.send(side, self.packet(side, version, protocol, destination, marker))
                        self.settled(side)
                        self.assertEqual(self.reaches(listener, marker), is_wanted)
                        self.assert_not_crossed(side, marker)
                listener.close()

    def test_routing_protocols_to_groups_that_are_not_theirs_reach_nobody(self):
        for protocol, version in GROUPS:
            listener = self.routing_socket(self.outside, version, protocol)
            for destination in OTHER_GROUPS[version]:
                with self.subTest(protocol=protocol, to=destination):
                    marker = f"astray {protocol} {destination}".encode()
                    self.send(self.outside, self.packet(self.outside, version, protocol, destination, marker))
                    self.settled(self.outside)
                    self.assertFalse(self.reaches(listener, marker))
            listener.close()

    def test_routing_protocols_leave_where_they_are_configured(self):
        for (protocol, version), groups in GROUPS.items():
            speaker = self.routing_socket(self.outside, version, protocol)
            for destination in (*groups, self.outside.far[version]):
                with self.subTest(protocol=protocol, to=destination):
                    marker = f"out {protocol} {destination}".encode()
                    speaker.sendto(marker, (destination, 0))
                    frame = self.left(self.outside, marker)
                    self.assertIsNotNone(frame)
                    layer = frame.getlayer(IP) or frame.getlayer(IPv6)
                    self.assertEqual(layer.dst, destination)
                    self.assert_not_crossed(self.outside, marker)
            speaker.close()
            silent = self.routing_socket(self.inside, version, protocol)
            before = self.daemon.dropped("inside", "egress_not_allowed")
            silent.sendto(b"not from here", (groups[0], 0))
            eventually(lambda before=before: self.daemon.dropped("inside", "egress_not_allowed") > before, "counted")
            silent.close()

    def test_bfd_comes_and_goes_where_it_is_configured(self):
        for version in (4, 6):
            for side, is_wanted in ((self.outside, True), (self.inside, False)):
                for port in (BFD, BFD_ECHO, BFD_MULTIHOP):
                    with self.subTest(version=version, port=port, side=side.name):
                        listener = self.in_port(side, version, socket.SOCK_DGRAM)
                        listener.bind((side.own[version], port))
                        marker = f"control {version} {port} {side.name}".encode()
                        before = self.daemon.dropped(side.name, "no_listener")
                        packet = frames.ip_packet(side.far[version], side.own[version]) / UDP(sport=49152, dport=port)
                        self.send(side, packet / Raw(marker))
                        self.settled(side)
                        self.assertEqual(self.reaches(listener, marker), is_wanted)
                        self.assert_not_crossed(side, marker)
                        if not is_wanted:
                            eventually(lambda side=side, before=before:
                                       self.daemon.dropped(side.name, "no_listener") > before, "counted")
                        before = self.daemon.dropped(side.name, "egress_not_allowed")
                        speaker = self.in_port(side, version, socket.SOCK_DGRAM)
                        speaker.bind((side.own[version], 0))
                        speaker.sendto(b"out " + marker, (side.far[version], port))
                        if is_wanted:
                            self.assertIsNotNone(self.left(side, b"out " + marker))
                        else:
                            eventually(lambda side=side, before=before:
                                       self.daemon.dropped(side.name, "egress_not_allowed") > before, "counted")
                        for sock in (listener, speaker):
                            sock.close()

    def test_questions_for_the_time_are_answered_by_who_was_asked_alone(self):
        for version in (4, 6):
            with self.subTest(version=version):
                side = self.outside
                server = self.far(side, version, socket.SOCK_DGRAM, NTP)
                client = self.in_port(side, version, socket.SOCK_DGRAM)
                client.bind((side.own[version], 0))
                client.sendto(b"what time is it", (side.far[version], NTP))
                question, asker = server.recvfrom(100)
                self.assertEqual(question, b"what time is it")
                before = self.daemon.dropped(side.name, "no_listener")
                for port, payload in ((NTP + 1, b"from another port"), (NTP, b"the answer")):
                    self.send(side, frames.ip_packet(side.far[version], side.own[version])
                              / UDP(sport=port, dport=asker[1]) / Raw(payload))
                self.assertEqual(client.recv(100), b"the answer")
                eventually(lambda before=before: self.daemon.dropped("outside", "no_listener") > before, "counted")
                self.assertFalse(self.reaches(client, b"from another port"))
                for sock in (server, client):
                    sock.close()

    def test_nobody_asks_for_the_time_where_it_is_not_configured(self):
        for version in (4, 6):
            with self.subTest(version=version):
                side = self.inside
                before = self.daemon.dropped(side.name, "egress_not_allowed")
                client = self.in_port(side, version, socket.SOCK_DGRAM)
                client.bind((side.own[version], 0))
                client.sendto(b"what time is it", (side.far[version], NTP))
                eventually(lambda before=before: self.daemon.dropped("inside", "egress_not_allowed") > before, "counted")

    def narrow(self, version, segment):
        """What a router says of a segment that is too big for it: RFC 792, RFC 4443 §3.2."""
        side = self.outside
        if version == 4:
            return (IP(src="198.18.1.77", dst=side.own[4]) / ICMP(type=3, code=4, nexthopmtu=NARROW)
                    / Raw(bytes(segment)[:28]))
        return IPv6(src="fd18:1::77", dst=side.own[6]) / ICMPv6PacketTooBig(mtu=NARROW) / Raw(bytes(segment)[:1000])

    def path_mtu(self, server, version):
        return server.getsockopt(socket.IPPROTO_IP, IP_MTU) if version == 4 else server.getsockopt(
            socket.IPPROTO_IPV6, IPV6_MTU)

    def test_a_connection_of_linux_learns_that_its_path_is_narrow(self):
        for version in (4, 6):
            with self.subTest(version=version):
                side = self.outside
                listener = self.in_port(side, version, socket.SOCK_STREAM)
                listener.bind((side.own[version], BGP))
                listener.listen()
                client = self.far(side, version, socket.SOCK_STREAM, 0)
                client.connect((side.own[version], BGP))
                server = self.stack.enter_context(listener.accept()[0])
                frames.drain(side.wire)
                server.sendall(b"open")
                self.assertEqual(client.recv(4), b"open")
                seen = frames.heard(side.wire, lambda frame: frame.haslayer(TCP) and b"open" in bytes(frame), 8.0)
                self.assertIsNotNone(seen)
                segment = seen.getlayer(IP) or seen.getlayer(IPv6)
                segment[TCP].seq += 4  # what is acknowledged already is not believed. RFC 5927 §4.1
                for layer in (segment, segment[TCP]):
                    layer.fields.pop("chksum", None)
                self.assertGreater(self.path_mtu(server, version), NARROW)
                # About a connection that is not there: nobody believes it.
                before = self.daemon.dropped("outside", "error_quotes_no_flow")
                other = segment.copy()
                other[TCP].dport = 9
                self.send(side, self.narrow(version, other))
                eventually(lambda before=before: self.daemon.dropped("outside", "error_quotes_no_flow") > before, "counted")
                self.settled(side)
                self.assertGreater(self.path_mtu(server, version), NARROW)
                self.send(side, self.narrow(version, segment))
                eventually(lambda server=server, version=version: self.path_mtu(server, version) == NARROW,
                           "the connection knows its path")
                octets = b"x" * 20000
                server.sendall(octets)
                got = b""
                while len(got) < len(octets):
                    got += client.recv(65536)
                self.assertEqual(got, octets)
                for sock in (listener, client, server):
                    sock.close()


if __name__ == "__main__":
    unittest.main()
