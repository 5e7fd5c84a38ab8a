"""sip.py — a SIP user agent client of a few lines over UDP: builds OPTIONS, waits for the answer (RFC 3261 §17.1.2)."""

import itertools
import os
import select
import time

_NUMBERS = itertools.count(1)
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "k": "supported", "l": "content-length", "m": "contact"}  # RFC 3261 §7.3.3


class Answer:
    """A SIP response taken apart."""

    def __init__(self, octets, source):
        self.octets, self.source = octets, source
        head, _, self.body = octets.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        version, status, self.reason = first.split(" ", 2)
        if version != "SIP/2.0":
            raise ValueError(f"not a response: {first}")
        self.status = int(status)
        self.headers = {}
        for line in rest:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.setdefault(COMPACT.get(name, name), []).append(value.strip())

    def header(self, name):
        return ", ".join(self.headers.get(name.lower(), []))


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def request(method, local, remote, **extra):
    """A request from local to remote, each (address, port). extra: headers as name=value, padding=N octets, rport=False."""
    number = next(_NUMBERS)
    unique = f"{os.getpid():x}.{number}.{os.urandom(4).hex()}"
    host, there = bracketed(local[0]), f"{bracketed(remote[0])}:{remote[1]}"
    rport = ";rport" if extra.pop("rport", True) else ""
    padding = extra.pop("padding", 0)
    lines = [
        f"{method} sip:{there} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{local[1]};branch=z9hG4bK-{unique}{rport}",
        f"From: <sip:test@{host}>;tag=f{number}",
        f"To: <sip:{there}>",
        f"Call-ID: {unique}@{host}",
        f"CSeq: {number} {method}",
        "Max-Forwards: 70",
        f"Contact: <sip:test@{host}:{local[1]}>",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in extra.items()]
    while padding > 0:
        size = min(padding, 900)
        lines.append(f"X-Padding: {'p' * max(1, size - 13)}")
        padding -= size
    return ("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode()


def call_id_of(octets):
    for line in octets.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"call-id", b"i"):
            return value.strip()
    return b""


def receive(sock, call_id, deadline):
    """The next answer with this Call-ID, or None when the deadline (time.monotonic) has come."""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([sock], [], [], left)[0]:
            return None
        octets, source = sock.recvfrom(65535)
        if call_id_of(octets) == call_id:
            return Answer(octets, source)


def ask(sock, remote, message, seconds=5.0, timer_e=0.5):
    """Sends and resends (timer E) until an answer comes; None when none does. RFC 3261 §17.1.2.2."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sock.sendto(message, remote)
        answer = receive(sock, call_id_of(message), min(end, time.monotonic() + timer_e))
        if answer is not None:
            return answer
        timer_e = min(2 * timer_e, 4.0)
    return None


def options(sock, remote, seconds=5.0, **extra):
    return ask(sock, remote, request("OPTIONS", sock.getsockname()[:2], remote, **extra), seconds)
