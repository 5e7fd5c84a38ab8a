"""capture.py — SIP on a cable as tcpdump saw it: who said what to whom, with its time."""

import os
import signal
import socket
import struct
import subprocess

from harness import eventually
from sip import COMPACT


class Message:
    """One SIP message of a capture; headers by lower-case name."""

    def __init__(self, when, source, destination, octets):
        self.when, self.source, self.destination, self.octets = when, source, destination, octets
        head, _, self.body = octets.partition(b"\r\n\r\n")
        self.start, *lines = head.decode(errors="replace").split("\r\n")
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.setdefault(COMPACT.get(name, name), []).append(value.strip())
        words = self.start.split(" ", 2)
        self.status = int(words[1]) if words[0] == "SIP/2.0" and len(words) > 1 else None
        self.method = words[0] if self.status is None else self.header("cseq").rpartition(" ")[2]

    def header(self, name):
        return self.headers.get(name, [""])[0]

    @property
    def call_id(self):
        return self.header("call-id")

    @property
    def branch(self):
        return self.header("via").partition("branch=")[2].partition(";")[0].partition(",")[0]


class Capture:
    """tcpdump of UDP (or what `kinds` says) at `wire` of a namespace, from its start until stop()."""

    def __init__(self, namespace, path, kinds="udp or ip6"):
        self.path, self.namespace = path, namespace
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "tcpdump", "-i", "wire", "-s", "0", "-B", "32768",
                                         "-Z", "root", "-U", "-n", "--immediate-mode", "-w", path, kinds],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.words = ""
        while "listening on" not in self.words:
            line = self.process.stderr.readline().decode()
            if not line:
                raise AssertionError(f"tcpdump ended: {self.words}")
            self.words += line

    def stop(self):
        """Ends it and returns what it wrote of SIP."""
        if self.process.poll() is None:
            self._see_all_that_went_by()
            self.process.send_signal(signal.SIGINT)
            self.process.wait(20)
        self.process.stderr.close()
        return list(messages(self.path))

    def _see_all_that_went_by(self):
        """What tcpdump has not yet read when it is ended is lost; so a datagram of our own is awaited in its file."""
        mark = b"the capture ends here"
        with self.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
            sock.sendto(mark, ("255.255.255.255", 9))
        eventually(lambda: any(mark in frame for _, frame in frames_of(self.path)), "the capture's own mark", 20.0)

    def await_message(self, wanted, what, seconds=10.0):
        """The first message so far that `wanted` says yes to."""
        return eventually(lambda: next((m for m in messages(self.path) if wanted(m)), None), what, seconds)


def messages(path):
    """The SIP messages of a pcap file (Ethernet, IPv4 and IPv6, no fragments)."""
    for when, frame in frames_of(path):
        packet = datagram_of(frame)
        if packet is None:
            continue
        source, destination, payload = packet
        if b"SIP/2.0" in payload.partition(b"\r\n")[0]:
            yield Message(when, source, destination, payload)


def frames_of(path):
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        octets = file.read()
    if len(octets) < 24:
        return
    fraction = 1e9 if struct.unpack_from("<I", octets)[0] == 0xa1b23c4d else 1e6
    at = 24
    while at + 16 <= len(octets):
        seconds, parts, size, _ = struct.unpack_from("<IIII", octets, at)
        if at + 16 + size > len(octets):
            return  # still being written
        yield seconds + parts / fraction, octets[at + 16:at + 16 + size]
        at += 16 + size


def datagrams(path):
    """(time, source, destination, payload) of each UDP datagram of a pcap file."""
    for when, frame in frames_of(path):
        packet = datagram_of(frame)
        if packet is not None:
            yield (when, *packet)


def datagram_of(frame):
    """(source, destination, payload) of a datagram that came whole; None for all else."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800 and frame[23] == 17:
        at, family, hosts = 14 + (frame[14] & 15) * 4, socket.AF_INET, (frame[26:30], frame[30:34])
    elif kind == 0x86dd and frame[20] == 17:
        at, family, hosts = 54, socket.AF_INET6, (frame[22:38], frame[38:54])
    else:
        return None
    if len(frame) < at + 8:
        return None
    ports = struct.unpack_from("!HHH", frame, at)
    ends = [(socket.inet_ntop(family, host), port) for host, port in zip(hosts, ports)]
    return ends[0], ends[1], frame[at + 8:at + ports[2]]
