"""frames.py — frames of any kind with any source, as octets, and what came back (scapy builds, AF_PACKET sends)."""

import logging
import select
import socket
import struct
import time

logging.getLogger("scapy").setLevel(logging.ERROR)
# pylint: disable=wrong-import-position,unused-import
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment  # noqa: E402,F401
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,  # noqa: E402,F401
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                                fragment6)
from scapy.layers.l2 import ARP, Dot1Q, Ether  # noqa: E402,F401
from scapy.packet import Raw  # noqa: E402,F401

BROADCAST = "ff:ff:ff:ff:ff:ff"
_SOL_PACKET, _PACKET_AUXDATA, _TP_STATUS_VLAN_VALID = 263, 8, 0x10


def heard(raw, wanted, seconds):
    """The first frame (as scapy's Ether) that `wanted` says yes to, or None when the time is over."""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([raw], [], [], left)[0]:
            return None
        frame = Ether(receive(raw))
        if wanted(frame):
            return frame


def receive(raw):
    """One frame with the VLAN tag that Linux took out of it put back."""
    octets, ancillary, _, _ = raw.recvmsg(65535, 256)
    for level, kind, payload in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA and len(payload) >= 20:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", payload[:20])
            if status & _TP_STATUS_VLAN_VALID:
                octets = octets[:12] + struct.pack("!HH", tpid or 0x8100, tci) + octets[12:]
    return octets


def drain(raw):
    while select.select([raw], [], [], 0)[0]:
        raw.recv(65535)


def ip_packet(source, destination, **fields):
    return IPv6(src=source, dst=destination, **fields) if ":" in source else IP(src=source, dst=destination, **fields)


def udp_frame(macs, source, destination, payload):
    """macs: (ours, theirs); source and destination: (address, port)."""
    return (Ether(src=macs[0], dst=macs[1]) / ip_packet(source[0], destination[0])
            / UDP(sport=source[1], dport=destination[1]) / Raw(payload))


def who_has(mac, source, target):
    return Ether(src=mac, dst=BROADCAST) / ARP(op=1, hwsrc=mac, psrc=source, pdst=target)


def echo(macs, source, destination, number=1, size=56):
    request = ICMPv6EchoRequest(id=77, seq=number, data=b"e" * size) if ":" in source else (
        ICMP(id=77, seq=number) / Raw(b"e" * size))
    return Ether(src=macs[0], dst=macs[1]) / ip_packet(source, destination) / request


def is_echo_reply(frame):
    return frame.haslayer(ICMPv6EchoReply) or (frame.haslayer(ICMP) and frame[ICMP].type == 0)


class RawHost:
    """A host made of raw frames: any MAC, address and tag; answers ARP and ND, sends what it is given, reassembles."""

    def __init__(self, namespace, interface, mac, address, vlan=None):
        self.raw = namespace.raw(interface)
        self.raw.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self.mac, self.address, self.vlan = mac, address, vlan
        self.peer_mac = None
        self._pieces = {}

    def close(self):
        self.raw.close()

    def ether(self, destination):
        frame = Ether(src=self.mac, dst=destination)
        return frame / Dot1Q(vlan=self.vlan) if self.vlan else frame

    def send(self, packet, destination_mac=None):
        """An IP packet, or a list of them (fragments), each in a frame of its own."""
        for one in packet if isinstance(packet, list) else [packet]:
            self.raw.send(bytes(self.ether(destination_mac or self.peer_mac) / one))

    def resolve(self, target, seconds=5.0):
        """The MAC of a neighbour, asked by ARP or ND; None when it is silent."""
        if ":" in target:
            low = socket.inet_pton(socket.AF_INET6, target)[13:]
            group = f"ff02::1:ff{low[0]:02x}:{low[1]:02x}{low[2]:02x}"
            question = (self.ether(f"33:33:ff:{low[0]:02x}:{low[1]:02x}:{low[2]:02x}")
                        / IPv6(src=self.address, dst=group, hlim=255)
                        / ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=self.mac))
        else:
            question = self.ether(BROADCAST) / ARP(op=1, hwsrc=self.mac, psrc=self.address, pdst=target)
        self.raw.send(bytes(question))

        def answers(frame):
            if not self.is_mine(frame):
                return False
            return (frame.haslayer(ARP) and frame[ARP].op == 2 and frame[ARP].psrc == target) or (
                frame.haslayer(ICMPv6ND_NA) and frame[ICMPv6ND_NA].tgt == target)

        found = heard(self.raw, answers, seconds)
        if found is not None:
            self.peer_mac = found.src
        return found and found.src

    def is_mine(self, frame):
        return (frame[Dot1Q].vlan if frame.haslayer(Dot1Q) else None) == self.vlan

    def answer_neighbour(self, frame):
        """Says where we are when a frame asks for it."""
        if frame.haslayer(ARP) and frame[ARP].op == 1 and frame[ARP].pdst == self.address:
            self.raw.send(bytes(self.ether(frame.src) / ARP(op=2, hwsrc=self.mac, psrc=self.address,
                                                            hwdst=frame.src, pdst=frame[ARP].psrc)))
        elif frame.haslayer(ICMPv6ND_NS) and frame[ICMPv6ND_NS].tgt == self.address:
            self.raw.send(bytes(self.ether(frame.src) / IPv6(src=self.address, dst=frame[IPv6].src, hlim=255)
                                / ICMPv6ND_NA(tgt=self.address, R=0, S=1, O=1)
                                / ICMPv6NDOptDstLLAddr(lladdr=self.mac)))

    def datagram(self, seconds, port, answer_neighbours=True):
        """The payload of the next UDP datagram to us on this port, from fragments if need be; None when time is over."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.raw], [], [], left)[0]:
                return None
            frame = Ether(receive(self.raw))
            if not self.is_mine(frame):
                continue
            if answer_neighbours:
                self.answer_neighbour(frame)
            whole = self._udp_of(frame)
            if whole is not None and struct.unpack("!H", whole[2:4])[0] == port:
                return whole[8:]

    def _udp_of(self, frame):
        """The octets of the UDP datagram that this frame completes."""
        if frame.haslayer(IP) and frame[IP].dst == self.address and frame[IP].proto == 17:
            packet = frame[IP]
            octets = bytes(packet)[packet.ihl * 4:packet.len]
            return self._piece(("4", packet.id), packet.frag * 8, "MF" in packet.flags, octets)
        if frame.haslayer(IPv6) and frame[IPv6].dst == self.address:
            octets = bytes(frame[IPv6])[40:40 + frame[IPv6].plen]
            if frame[IPv6].nh == 17:
                return octets
            if frame[IPv6].nh == 44:
                offset, number = struct.unpack("!HI", octets[2:8])
                return self._piece(("6", number), offset & 0xfff8, bool(offset & 1), octets[8:])
        return None

    def _piece(self, key, offset, more, octets):
        if offset == 0 and not more:
            return octets
        pieces = self._pieces.setdefault(key, {})
        pieces[offset] = (more, octets)
        whole = b""
        while len(whole) in pieces:
            more, octets = pieces[len(whole)]
            whole += octets
            if not more:
                return whole
        return None
