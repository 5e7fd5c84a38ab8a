#!/usr/bin/python3
"""flood.py — sends frames of one kind as fast as it can until its standard input closes; prints how many.

flood.py NAMESPACE INTERFACE OUR-MAC THEIR-MAC KIND, as a process of its own so that the test's clock is not disturbed.
"""

import os
import random
import select
import sys

import frames
import netns
from frames import ARP, ICMP, IP, TCP, UDP, Ether, IPv6, Raw
from harness import OUT4, OUT6

VARIANTS = 512


def some_source(rng):
    return f"{rng.randrange(1, 223)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def some_mac(rng):
    return "02:" + ":".join(f"{rng.randrange(256):02x}" for _ in range(5))


def _echo(rng, ether):
    return ether / IP(src=some_source(rng), dst=OUT4) / ICMP(id=rng.randrange(65536)) / Raw(b"x" * rng.choice([8, 56, 1400]))


def _fragment(rng, ether):
    return (ether / IP(src=some_source(rng), dst=OUT4, proto=17, id=rng.randrange(65536), flags="MF",
                       frag=rng.choice([0, 10, 100, 8000])) / Raw(os.urandom(rng.choice([8, 64, 800]))))


def _fragment6(rng, ether):
    return (ether / IPv6(src=f"2001:db8:{rng.randrange(65536):x}::{rng.randrange(1, 65536):x}", dst=OUT6)
            / frames.IPv6ExtHdrFragment(nh=17, m=1, id=rng.randrange(1 << 32), offset=rng.choice([0, 1, 100]))
            / Raw(os.urandom(8 * rng.choice([1, 8, 100]))))


def _solicit(rng, ether):
    return (Ether(src=ether.src, dst="33:33:ff:00:00:01") / IPv6(src=f"fd18:1::{rng.randrange(3, 65536):x}", dst="ff02::1:ff00:1", hlim=255)
            / frames.ICMPv6ND_NS(tgt=OUT6) / frames.ICMPv6NDOptSrcLLAddr(lladdr=some_mac(rng)))


def _arp(rng, ether):
    mac = some_mac(rng)
    return Ether(src=mac, dst=frames.BROADCAST) / ARP(op=rng.choice([1, 2]), hwsrc=mac, psrc=f"198.18.1.{rng.randrange(3, 254)}",
                                                      pdst=OUT4, hwdst=ether.dst)


def _junk_frame(rng, ether):
    return ether / Raw(os.urandom(rng.randrange(1, 200)))


KINDS = {
    "arp": _arp,
    "nd": _solicit,
    "icmp": _echo,
    "syn": lambda rng, ether: ether / IP(src=some_source(rng), dst=OUT4) / TCP(
        sport=rng.randrange(1024, 65536), dport=rng.choice([5060, 5061, 22, rng.randrange(1, 65536)]), flags="S", seq=rng.randrange(1 << 32)),
    "fragments": _fragment,
    "fragments6": _fragment6,
    "junk_udp": lambda rng, ether: ether / IP(src=some_source(rng), dst=OUT4) / UDP(
        sport=rng.randrange(1, 65536), dport=rng.choice([5060, 20000, rng.randrange(1, 65536)])) / Raw(os.urandom(rng.randrange(0, 400))),
    "one_source": lambda rng, ether: ether / IP(src="198.18.1.99", dst=OUT4) / UDP(sport=rng.randrange(1024, 65536), dport=5060) / Raw(
        b"OPTIONS sip:a SIP/2.0\r\nCall-ID: " + os.urandom(8).hex().encode() + b"\r\n\r\n"),
    "junk_frames": _junk_frame,
}


def main():
    path, interface, ours, theirs, kind = sys.argv[1:]
    rng = random.Random(kind)
    ether = Ether(src=ours, dst=theirs)
    made = [bytes(KINDS[kind](rng, ether)) for _ in range(VARIANTS)]
    with netns.inside(path):
        raw = netns.socket.socket(netns.socket.AF_PACKET, netns.socket.SOCK_RAW)
    raw.bind((interface, 0))
    print("sending", flush=True)
    sent = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for frame in made:
            try:
                raw.send(frame)
            except OSError:  # the queue of the interface is full
                continue
        sent += len(made)
    print(sent, flush=True)


if __name__ == "__main__":
    main()
