"""sipp_voice.py — SIPp with voice: callers play a PCAP file, callees echo it, and nftables of each far end counts
what went by. RFC 3550 §5.1."""

import json
import os
import struct

from call_case import Run
from voice import OCTETS, PCMU, rtp

CALLERS, CALLEE = range(30000, 48000, 4), 50000  # media ports of phones; SIPp gives each call of a caller one of its own
_RULES = """
table inet voice {{
{counters}
  chain came {{
    type filter hook input priority 0
    udp dport 30000-47999 counter name back drop
    udp dport 50000 counter name there
  }}
  chain went {{
    type filter hook output priority 0
    udp sport 30000-47999 counter name said
    udp sport 50000 counter name echoed
  }}
}}
"""


def write_voice(path, packets):
    """A PCAP file of G.711 at 20 ms; SIPp takes the UDP payload alone."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for number in range(packets):
            payload = rtp(number, struct.pack("!Q", number) + b"\xd5" * (OCTETS - 8), PCMU, 0x5a11, marker=number == 0)
            datagram = struct.pack("!HHHH", CALLERS[0], CALLEE, 8 + len(payload), 0) + payload
            packet = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(datagram), number, 0, 64, 17, 0, 0xc0000201, 0xc0000202) + datagram
            frame = bytes(12) + b"\x08\x00" + packet
            file.write(struct.pack("<IIII", number // 50, number % 50 * 20000, len(frame), len(frame)) + frame)


def count_voice(namespace):
    """Begins to count; what comes back to a caller goes no further, as SIPp has no socket for it."""
    counters = "\n".join(f"  counter {name} {{ }}" for name in ("said", "there", "echoed", "back"))
    namespace.run("nft", "-f", "-", input="table inet voice { }\ndelete table inet voice\n" + _RULES.format(counters=counters))


def counted(namespace):
    """{said, there, echoed, back: packets}"""
    found = json.loads(namespace.run("nft", "-j", "list", "counters").stdout)["nftables"]
    return {one["counter"]["name"]: one["counter"]["packets"] for one in found if "counter" in one}


class VoiceRun(Run):
    """Calls whose callers say so many packets and hear as many echoed."""

    def __init__(self, case, name, source, place, **options):
        self.packets = options.pop("packets", 50)
        path = os.path.join(case.net.folder, f"voice-{self.packets}.pcap")
        if not os.path.exists(path):
            write_voice(path, self.packets)
        own = "c=IN IP[media_ip_type] [media_ip]"
        caller = {"c=IN IP[local_ip_type] [voice]": own, "m=audio 40000": "m=audio [auto_media_port]",
                  "<pause/>": f'<nop><action><exec play_pcap_audio="{path}"/></action></nop><pause/>'}
        callee = {"replace": {"c=IN IP[local_ip_type] [voice]": own, "m=audio 40002": "m=audio [media_port]"},
                  "extra": ["-rtp_echo", "-mi", self.host_of(source, place), "-mp", str(CALLEE)]}
        super().__init__(case, name, source, "uac_call.xml", {place: ("uas_call.xml", callee)}, replace=caller,
                         hold=20 * self.packets + 400, extra=["-mi", self.own_of(source), "-mp", str(CALLERS[0])], **options)

    @staticmethod
    def host_of(source, place):
        side = {"out": ("198.18.2", "fd18:2:"), "in": ("198.18.1", "fd18:1:")}[source[0]]
        return side[0 if place[0] == "." else 1] + place

    @staticmethod
    def own_of(source):
        side = {"out": ("198.18.1.2", "fd18:1::2"), "in": ("198.18.2.2", "fd18:2::2")}[source[0]]
        return side[0 if source[1] == 4 else 1]
