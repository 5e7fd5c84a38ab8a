"""isolation_test.py — the port's own addresses answer; the other side, the host and whatever lies behind do not.

Of TCP and of what Linux in a port's namespace does, only what is configured comes in or goes out."""

import contextlib
import select
import socket
import struct
import threading
import unittest

import frames
import sip
from frames import ARP, ICMP, IP, TCP, UDP, Ether, IPv6, RawHost
from harness import (FAR_IN4, FAR_IN6, FAR_OUT4, FAR_OUT6, IN4, IN6, MANAGEMENT, OUT4, OUT6, SIP_PORT, Case,
                     SharedCase, eventually)
from netns import inside, run, veth

MANAGEMENT6 = "fd18:99::1"
# What an attacker may write as his address: his own, a neighbour's, the far side's, the host's, nonsense.
SOURCES4 = [FAR_OUT4, "198.18.1.200", FAR_IN4, "198.18.2.200", "192.0.2.7", MANAGEMENT, "203.0.113.9", "127.0.0.1",
            "0.0.0.0", "224.0.0.1", "255.255.255.255", OUT4, IN4]
SOURCES6 = [FAR_OUT6, "fd18:1::200", FAR_IN6, "fd18:99::7", "2001:db8::9", "::1", "::", "ff02::1", OUT6, IN6,
            "::ffff:198.18.1.2"]


def make_careless_host(net):
    """The daemon's namespace becomes as careless as a host can be: it forwards, and has routes and addresses."""
    host = net.namespace("host")
    veth(net.sbc, "mgmt0", host, "wire")
    net.sbc.ip("address", "add", f"{MANAGEMENT}/24", "dev", "mgmt0")
    net.sbc.ip("address", "add", f"{MANAGEMENT6}/64", "dev", "mgmt0", "nodad")
    host.ip("address", "add", "192.0.2.7/24", "dev", "wire")
    net.sbc.ip("link", "set", "mgmt0", "up")
    host.ip("link", "set", "wire", "up")
    net.sbc.sysctl("net.ipv4.ip_forward", 1)
    net.sbc.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.sbc.ip("route", "add", "198.18.0.0/16", "via", "192.0.2.7")
    return host


class Trap(Case):
    def test_without_sallyport_the_host_would_be_reached(self):
        make_careless_host(self.net)
        service = self.net.sbc.udp("0.0.0.0", 9999)
        raw = self.net.out.raw("wire")
        for sock in (service, raw):
            self.addCleanup(sock.close)
        self.net.sbc.sysctl("net.ipv4.conf.s-out.rp_filter", 0)
        self.net.sbc.sysctl("net.ipv4.conf.all.rp_filter", 0)
        macs = (self.net.out.mac("wire"), self.net.sbc.mac("s-out"))
        raw.send(bytes(frames.udp_frame(macs, (FAR_OUT4, 4000), (MANAGEMENT, 9999), b"marked")))
        self.assertTrue(select.select([service], [], [], 5.0)[0], "the tests below could not fail")


class Isolation(SharedCase):
    @classmethod
    def configure(cls, config):
        cls.host = make_careless_host(cls.shared)

    def setUp(self):
        super().setUp()
        self.services = [self.net.sbc.udp("0.0.0.0", 9999), self.net.sbc.udp("::", 9998)]
        listener = self.net.sbc.socket(frames.socket.AF_INET6, frames.socket.SOCK_STREAM)
        listener.setsockopt(frames.socket.SOL_SOCKET, frames.socket.SO_REUSEADDR, 1)
        listener.bind(("::", 8081))
        listener.listen(16)
        self.services.append(listener)
        self.me = self.net.out.mac("wire")
        self.raw = self.net.out.raw("wire")
        self.far = self.net.inn.raw("wire")
        self.behind = self.host.raw("wire")  # where the host would send what it forwards
        for sock in (*self.services, self.raw, self.far, self.behind):
            self.addCleanup(sock.close)
        self.macs = (self.me, self.daemon.port_mac("outside"))

    def settled(self):
        """All frames sent so far have been seen: a SIP answer came after them, on either side."""
        self.assert_answered(self.known("out", 4, 5071), (OUT4, SIP_PORT))
        self.assert_answered(self.known("in", 4, 5071), (IN4, SIP_PORT))

    def replies(self, raw, addresses):
        """Frames with IP from one of these addresses, SIP aside."""
        found = []
        while select.select([raw], [], [], 0)[0]:
            frame = Ether(frames.receive(raw))
            layer = frame.getlayer(IP) or frame.getlayer(IPv6)
            if layer is not None and layer.src in addresses and not (
                    frame.haslayer(UDP) and frame[UDP].sport == SIP_PORT):
                if not frame.haslayer(frames.ICMPv6ND_NS) and not frame.haslayer(frames.ICMPv6ND_NA):
                    found.append(frame.summary())
        return found

    def assert_nothing_came_of(self, packets, addresses):
        """packets are sent to the outside port's MAC; no answer from addresses, nothing inside, no service touched."""
        for raw in (self.raw, self.far, self.behind):
            frames.drain(raw)
        for packet in packets:
            self.raw.send(bytes(Ether(src=self.macs[0], dst=self.macs[1]) / packet))
        self.settled()
        self.assertEqual(self.replies(self.raw, addresses), [])
        for raw, where in ((self.far, "the inside"), (self.behind, "the host's network")):
            crossed = [Ether(frames.receive(raw)) for _ in iter(lambda r=raw: select.select([r], [], [], 0)[0], [])]
            self.assertEqual([f.summary() for f in crossed if b"marked" in bytes(f)], [], f"crossed to {where}")
        self.assertEqual(select.select(self.services, [], [], 0)[0], [], "a service of the host was reached")

    def probes(self, sources, target):
        """Echo, UDP to SIP, to a service of the host and to nothing, SYN to each: from each source."""
        for source in sources:
            base = frames.ip_packet(source, target)
            yield frames.echo(self.macs, source, target).payload
            for port in (9999, 9998, 7):
                yield base / UDP(sport=4000, dport=port) / frames.Raw(b"marked")
            for port in (8081, 8080, 22, 5060):
                yield base / TCP(sport=4000, dport=port, flags="S", seq=1)

    def test_own_addresses_answer_arp_nd_and_ping(self):
        for side, namespace, own in (("outside", self.net.out, (FAR_OUT4, OUT4)), ("outside", self.net.out, (FAR_OUT6, OUT6)),
                                     ("inside", self.net.inn, (FAR_IN4, IN4)), ("inside", self.net.inn, (FAR_IN6, IN6))):
            with self.subTest(address=own[1]):
                host = RawHost(namespace, "wire", namespace.mac("wire"), own[0])
                self.addCleanup(host.close)
                self.assertEqual(host.resolve(own[1]), self.daemon.port_mac(side))
                host.raw.send(bytes(frames.echo((host.mac, host.peer_mac), *own)))
                reply = frames.heard(host.raw, frames.is_echo_reply, 5.0)
                self.assertIsNotNone(reply)
                self.assertEqual((reply.getlayer(IP) or reply.getlayer(IPv6)).src, own[1])
                again = frames.heard(host.raw, frames.is_echo_reply, 0.3)
                self.assertIsNone(again, "answered twice")

    def test_ping_of_linux_works(self):
        for namespace, address in ((self.net.out, OUT4), (self.net.out, OUT6), (self.net.inn, IN4), (self.net.inn, IN6)):
            done = namespace.run("ping", "-c", "2", "-i", "0.2", "-W", "5", address, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertNotIn("DUP", done.stdout)

    def test_nobody_answers_arp_or_nd_for_an_address_of_the_other_side_or_the_host(self):
        for own, targets in ((FAR_OUT4, (IN4, FAR_IN4, MANAGEMENT, "192.0.2.7")), (FAR_OUT6, (IN6, FAR_IN6, MANAGEMENT6))):
            host = RawHost(self.net.out, "wire", self.me, own)
            self.addCleanup(host.close)
            for target in targets:
                with self.subTest(target=target):
                    self.assertIsNone(host.resolve(target, 0.5))

    def test_the_other_sides_address_cannot_be_reached(self):
        before = self.daemon.dropped("outside", "not_our_address")
        self.assert_nothing_came_of(self.probes(SOURCES4, IN4), {IN4})
        self.assert_nothing_came_of(self.probes(SOURCES6, IN6), {IN6})
        eventually(lambda: self.daemon.dropped("outside", "not_our_address") > before, "counted")

    def test_sip_to_the_other_sides_address_is_silence(self):
        for source, target in ((FAR_OUT4, IN4), (FAR_IN4, IN4), (FAR_OUT6, IN6)):
            message = sip.request("OPTIONS", (source, 5060), (target, SIP_PORT))
            frames.drain(self.raw)
            frames.drain(self.far)
            self.raw.send(bytes(frames.udp_frame(self.macs, (source, 5060), (target, SIP_PORT), message)))
            self.settled()
            call_id = sip.call_id_of(message)
            for raw in (self.raw, self.far):
                seen = [1 for _ in iter(lambda r=raw: select.select([r], [], [], 0)[0], []) if call_id in raw.recv(65535)]
                self.assertEqual(seen, [])

    def test_services_of_the_host_cannot_be_reached(self):
        self.assert_nothing_came_of(self.probes(SOURCES4, MANAGEMENT), {MANAGEMENT})
        self.assert_nothing_came_of(self.probes(SOURCES6, MANAGEMENT6), {MANAGEMENT6})
        self.assert_nothing_came_of(self.probes(SOURCES4, "127.0.0.1"), {"127.0.0.1"})
        self.assert_nothing_came_of(self.probes(SOURCES4, "255.255.255.255"), {MANAGEMENT, OUT4, IN4})
        self.assert_nothing_came_of(self.probes([FAR_OUT4], "198.18.1.255"), {MANAGEMENT, OUT4, IN4})

    def test_services_of_the_host_cannot_be_reached_at_the_ports_own_address(self):
        packets = [p for source in (FAR_OUT4, "198.18.1.200", "203.0.113.9")
                   for p in self.probes([source], OUT4) if not p.haslayer(ICMP)]
        self.assert_nothing_came_of(packets, {OUT4})
        packets = [p for p in self.probes([FAR_OUT6, "2001:db8::9"], OUT6) if not p.haslayer(frames.ICMPv6EchoRequest)]
        self.assert_nothing_came_of(packets, {OUT6})

    def test_link_local_and_multicast_of_the_host_are_not_answered(self):
        link_local = self.net.out.ip("-6", "-o", "addr", "show", "dev", "wire", "scope", "link").stdout
        source = link_local.split()[3].split("/")[0]
        packets = [frames.echo(self.macs, source, "ff02::1").payload,
                   frames.ip_packet(source, "ff02::1") / UDP(sport=4000, dport=9998) / frames.Raw(b"marked")]
        self.assert_nothing_came_of(packets, {MANAGEMENT6, IN6})

    def test_sallyport_is_no_router(self):
        for sources, target in ((SOURCES4, FAR_IN4), (SOURCES4, "192.0.2.7"), (SOURCES6, FAR_IN6), (SOURCES4, "203.0.113.1")):
            with self.subTest(target=target):
                self.assert_nothing_came_of(self.probes(sources, target), {target})

    def test_linux_behind_a_route_over_sallyport_reaches_nothing(self):
        self.net.out.ip("route", "add", "198.18.2.0/24", "via", OUT4)
        self.addCleanup(self.net.out.ip, "route", "del", "198.18.2.0/24", check=False)
        for target in (IN4, FAR_IN4):
            done = self.net.out.run("ping", "-c", "1", "-W", "1", target, check=False)
            self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_ports_where_nobody_listens_are_silent_and_counted(self):
        before = {reason: self.daemon.dropped("outside", reason) for reason in ("no_listener", "tcp_not_admitted")}
        packets = [frames.ip_packet(FAR_OUT4, OUT4) / UDP(sport=4000, dport=port) / frames.Raw(b"x")
                   for port in (5061, 20000, 53, 1, 65535)]
        packets += [frames.ip_packet(FAR_OUT4, OUT4) / TCP(sport=4000, dport=port, flags=flags)
                    for port in (22, 80, 5061) for flags in ("S", "A", "R", "FPU")]
        self.assert_nothing_came_of(packets, {OUT4})
        for reason, count in before.items():
            eventually(lambda reason=reason, count=count: self.daemon.dropped("outside", reason) > count, reason)

    def test_a_frame_with_our_own_source_address_is_dropped(self):
        before = self.daemon.dropped("outside", "bad_source_address")
        self.raw.send(bytes(frames.echo(self.macs, OUT4, OUT4)))
        self.raw.send(bytes(frames.echo(self.macs, OUT6, OUT6)))
        eventually(lambda: self.daemon.dropped("outside", "bad_source_address") >= before + 2, "counted")

    def test_a_frame_to_another_mac_is_not_ours(self):
        macs = (self.me, "02:00:00:00:00:99")
        frames.drain(self.raw)
        self.raw.send(bytes(frames.echo(macs, FAR_OUT4, OUT4)))
        self.settled()
        self.assertEqual(self.replies(self.raw, {OUT4}), [])

    def test_linux_in_the_ports_namespace_does_not_speak_for_itself(self):
        before = self.daemon.dropped("outside", "egress_not_allowed")
        frames.drain(self.raw)
        with inside(f"/proc/{self.daemon.process.pid}/root/run/netns/sp-{self.net.tag}-outside"):
            done = run("ping", "-c", "1", "-W", "1", FAR_OUT4, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.replies(self.raw, {OUT4}), [])
        eventually(lambda: self.daemon.dropped("outside", "egress_not_allowed") > before, "counted")

    def test_an_arp_reply_nobody_asked_for_changes_nothing(self):
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        self.raw.send(bytes(Ether(src="02:00:00:00:00:66", dst=self.macs[1])
                            / ARP(op=2, hwsrc="02:00:00:00:00:66", psrc=FAR_IN4, hwdst=self.macs[1], pdst=OUT4)))
        self.assert_answered(self.known("in", 4), (IN4, SIP_PORT))


BGP, SNMP, DNS = 179, 161, 53
STRANGER4 = "198.18.1.200"


class LinuxServices(SharedCase):
    """A stream listener and services on the outside, names on the inside; sockets of ours stand for the services."""

    @classmethod
    def configure(cls, config):
        outside, inside_port = config["ports"]
        outside["gateways"] = [FAR_OUT4]
        outside["linux"] = {"services": ["bgp", f"udp:{SNMP}"]}
        inside_port["linux"] = {"services": ["dns"]}
        config["realms"][0]["listen"] = [{"transport": "udp", "port": SIP_PORT}, {"transport": "tcp", "port": SIP_PORT}]

    def setUp(self):
        super().setUp()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.macs = (self.net.out.mac("wire"), self.daemon.port_mac("outside"))
        self.raw = self.stack.enter_context(self.net.out.raw("wire"))
        self.net.out.ip("address", "replace", f"{STRANGER4}/24", "dev", "wire")

    def sockets_of(self, port):
        """Where sockets are made that live in a port's namespace."""
        return inside(f"/proc/{self.daemon.process.pid}/root/run/netns/sp-{self.net.tag}-{port}")

    def in_port(self, port, kind, local=None):
        family = socket.AF_INET6 if local and ":" in local[0] else socket.AF_INET
        with self.sockets_of(port):
            made = self.stack.enter_context(socket.socket(family, kind))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(8)
        if local:
            made.bind(local)
        return made

    def far(self, namespace, kind, local):
        made = self.stack.enter_context(namespace.socket(socket.AF_INET6 if ":" in local[0] else socket.AF_INET, kind))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(8)
        made.bind(local)
        return made

    def listening(self, port, local, backlog=16):
        made = self.in_port(port, socket.SOCK_STREAM, local)
        made.listen(backlog)
        return made

    def connected(self, listener, source):
        """Both ends of a connection from the outside."""
        client = self.far(self.net.out, socket.SOCK_STREAM, (source, 0))
        client.connect(listener.getsockname()[:2])
        server = self.stack.enter_context(listener.accept()[0])
        server.settimeout(8)
        return client, server

    def assert_carries(self, sender, receiver, size=200_000):
        octets = bytes(range(256)) * (size // 256)
        feeder = threading.Thread(target=sender.sendall, args=(octets,))
        feeder.start()
        got = b""
        while len(got) < len(octets):
            piece = receiver.recv(65536)
            self.assertTrue(piece, "closed")
            got += piece
        feeder.join()
        self.assertEqual(got, octets)

    def sent_again(self, sock):
        """How many segments of a connection Linux has sent more than once (tcpi_total_retrans)."""
        return struct.unpack_from("=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]

    def counted(self, reason, port="outside"):
        return self.daemon.dropped(port, reason)

    def assert_counts(self, reason, before, at_least=1, port="outside"):
        eventually(lambda: self.counted(reason, port) >= before + at_least, f"{at_least} more of {reason}")

    def send(self, packet):
        self.raw.send(bytes(Ether(src=self.macs[0], dst=self.macs[1]) / packet))

    def tcp_heard(self, seconds=0.5, flags=None):
        """The next TCP segment from the outside port's addresses."""
        return frames.heard(self.raw, lambda f: f.haslayer(TCP) and (f.getlayer(IP) or f.getlayer(IPv6)).src in (OUT4, OUT6)
                            and (flags is None or f[TCP].flags == flags), seconds)

    def test_connections_carry_octets_both_ways(self):
        for own, sources in ((OUT4, (FAR_OUT4, STRANGER4)), (OUT6, (FAR_OUT6,))):
            listener = self.listening("outside", (own, BGP))
            for source in sources:
                with self.subTest(source=source):
                    client, server = self.connected(listener, source)
                    self.assert_carries(client, server)
                    self.assert_carries(server, client)
                    client.close()
                    self.assertEqual(server.recv(1), b"")

    # A neighbour on the same machine, with the offloads that Linux has by default, handed over 64 KB in one piece;
    # the packet ring cut it, and it was sent again and again.
    def test_bulk_of_a_neighbour_on_the_same_machine_is_not_cut(self):
        listener = self.listening("outside", (OUT4, BGP))
        before = self.counted("runt_frame")
        client, server = self.connected(listener, FAR_OUT4)
        for sender, receiver in ((client, server), (server, client)):
            self.assert_carries(sender, receiver)
        self.assertEqual(self.counted("runt_frame"), before)
        for sock in (client, server):
            self.assertLess(self.sent_again(sock), 10)  # a busy machine may lose a few

    def test_a_syn_to_a_listener_is_answered(self):
        with contextlib.suppress(OSError):  # Sallyport listens there itself
            self.listening("outside", (OUT4, SIP_PORT))
        frames.drain(self.raw)
        self.send(IP(src=STRANGER4, dst=OUT4) / TCP(sport=4001, dport=SIP_PORT, flags="S", seq=7))
        answer = self.tcp_heard(5.0, "SA")
        self.assertIsNotNone(answer)
        self.assertEqual(answer[TCP].ack, 8)

    def test_a_syn_elsewhere_is_silent_and_counted(self):
        for port in (22, 80, SIP_PORT + 1, 8080):  # something listens on one of them
            with contextlib.suppress(OSError):
                self.listening("outside", (OUT4, 22))
            before = self.counted("tcp_not_admitted")
            self.send(IP(src=FAR_OUT4, dst=OUT4) / TCP(sport=4002, dport=port, flags="S"))
            self.assert_counts("tcp_not_admitted", before)
        self.assertIsNone(self.tcp_heard())

    def test_segments_of_no_connection_are_silent_and_counted(self):
        self.listening("outside", (OUT4, BGP))
        with contextlib.suppress(OSError):
            self.listening("outside", (OUT4, SIP_PORT))
        before = self.counted("tcp_not_admitted")
        frames.drain(self.raw)
        sent = 0
        for port in (BGP, SIP_PORT, 22):
            for flags in ("A", "R", "RA", "F", "FA", "SA", "SF", "SR", "SFRA", "PA", "", "FPU"):
                self.send(IP(src=FAR_OUT4, dst=OUT4) / TCP(sport=4003, dport=port, flags=flags, seq=1, ack=1) / frames.Raw(b"x"))
                sent += 1
        self.assert_counts("tcp_not_admitted", before, sent)
        self.assertIsNone(self.tcp_heard())

    def test_fragments_of_tcp_are_refused(self):
        self.listening("outside", (OUT4, BGP))
        before = self.counted("tcp_fragment")
        whole = IP(src=FAR_OUT4, dst=OUT4) / TCP(sport=4004, dport=BGP, flags="S") / frames.Raw(b"x" * 64)
        pieces = frames.fragment(whole, 40)
        for piece in pieces:
            self.send(piece)
        self.assert_counts("tcp_fragment", before, len(pieces))
        self.assertIsNone(self.tcp_heard())

    def test_nobody_in_the_ports_namespace_opens_connections_that_are_not_configured(self):
        server = self.far(self.net.out, socket.SOCK_STREAM, (FAR_OUT4, 9999))
        server.listen()
        before = self.counted("egress_not_allowed")
        client = self.in_port("outside", socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex((FAR_OUT4, 9999))
        self.assert_counts("egress_not_allowed", before)
        self.assertEqual(select.select([server], [], [], 0.5)[0], [])
        datagrams = self.in_port("outside", socket.SOCK_DGRAM)
        before = self.counted("egress_not_allowed")
        datagrams.sendto(b"marked", (FAR_OUT4, DNS))
        self.assert_counts("egress_not_allowed", before)

    def test_a_configured_service_opens_its_connections(self):
        server = self.far(self.net.out, socket.SOCK_STREAM, (FAR_OUT4, BGP))
        server.listen()
        client = self.in_port("outside", socket.SOCK_STREAM, (OUT4, 0))
        client.connect((FAR_OUT4, BGP))
        accepted = self.stack.enter_context(server.accept()[0])
        accepted.settimeout(8)
        self.assert_carries(client, accepted)
        self.assert_carries(accepted, client)

    def test_questions_of_a_service_are_answered_and_nothing_else_comes_in(self):
        server = self.far(self.net.inn, socket.SOCK_DGRAM, (FAR_IN4, DNS))
        other = self.far(self.net.inn, socket.SOCK_DGRAM, (FAR_IN4, 0))
        client = self.in_port("inside", socket.SOCK_DGRAM, (IN4, 0))
        client.sendto(b"question", (FAR_IN4, DNS))
        question, asker = server.recvfrom(100)
        self.assertEqual(question, b"question")
        self.assertEqual(asker[0], IN4)
        before = self.counted("no_listener", "inside")
        other.sendto(b"forged", asker)
        self.assert_counts("no_listener", before, port="inside")
        server.sendto(b"answer", asker)
        self.assertEqual(client.recv(100), b"answer")
        again = self.far(self.net.inn, socket.SOCK_STREAM, (FAR_IN4, DNS))
        again.listen()
        over_tcp = self.in_port("inside", socket.SOCK_STREAM, (IN4, 0))
        over_tcp.connect((FAR_IN4, DNS))  # RFC 7766

    def test_requests_to_a_configured_port_are_answered(self):
        server = self.in_port("outside", socket.SOCK_DGRAM, (OUT4, SNMP))
        client = self.far(self.net.out, socket.SOCK_DGRAM, (STRANGER4, 0))
        client.sendto(b"request", (OUT4, SNMP))
        request, asker = server.recvfrom(100)
        self.assertEqual(request, b"request")
        server.sendto(b"answer", asker)
        self.assertEqual(client.recv(100), b"answer")

    def test_a_source_opens_only_so_many_connections_a_second(self):
        self.listening("outside", (OUT4, BGP))
        before = self.counted("tcp_syn_rate")
        for port in range(60):
            self.send(IP(src=STRANGER4, dst=OUT4) / TCP(sport=5000 + port, dport=BGP, flags="S"))
        self.assert_counts("tcp_syn_rate", before, 20)

    def test_a_flood_of_syns_does_not_keep_others_out(self):
        listener = self.listening("outside", (OUT4, BGP), 4)
        before = self.counted("unknown_rate")
        flood = [bytes(Ether(src=self.macs[0], dst=self.macs[1]) / IP(src=f"10.{i % 200}.{i // 200}.9", dst=OUT4)
                       / TCP(sport=1024 + i, dport=BGP, flags="S", seq=i)) for i in range(6000)]
        for frame in flood:
            self.raw.send(frame)
        self.assert_counts("unknown_rate", before, 1000)
        for frame in flood[:200]:  # the backlog stays full
            self.raw.send(frame)
        client, server = self.connected(listener, FAR_OUT4)
        self.assert_carries(client, server, 2560)
        with self.sockets_of("outside"), open("/proc/thread-self/net/netstat", encoding="ascii") as file:
            names, values = [line.split() for line in file if line.startswith("TcpExt:")]
        self.assertGreater(int(values[names.index("SyncookiesSent")]), 0)


if __name__ == "__main__":
    unittest.main()
