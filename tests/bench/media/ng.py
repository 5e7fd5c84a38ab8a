"""ng.py — rtpengine and its control protocol: bencoded dictionaries behind a cookie, over UDP."""

import itertools
import os
import signal
import subprocess

from harness import eventually
from sipp import is_bound

_COOKIES = itertools.count(1)
PORT = 2223


def encode(value):
    if isinstance(value, dict):
        return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, int):
        return b"i%de" % value
    octets = value if isinstance(value, bytes) else value.encode()
    return b"%d:%s" % (len(octets), octets)


def decode(octets):
    value, rest = _decode(octets)
    if rest:
        raise ValueError(f"more behind it: {rest[:20]!r}")
    return value


def _decode(octets):
    kind, rest = octets[:1], octets[1:]
    if kind == b"i":
        number, _, rest = rest.partition(b"e")
        return int(number), rest
    if kind in b"dl":
        items = []
        while rest[:1] != b"e":
            item, rest = _decode(rest)
            items.append(item)
        rest = rest[1:]
        if kind == b"l":
            return items, rest
        return {key.decode(): value for key, value in zip(items[::2], items[1::2])}, rest
    size, _, rest = octets.partition(b":")
    return rest[:int(size)], rest[int(size):]


class Rtpengine:
    """In user space, between two addresses of a namespace; `threads` of its own."""

    def __init__(self, network, outside, inside, threads=2):
        log = os.path.join(network.folder, "rtpengine.log")
        self._log = open(log, "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", network.sbc.name, "rtpengine", f"--interface=outside/{outside}", f"--interface=inside/{inside}",
             f"--listen-ng=127.0.0.1:{PORT}", "--table=-1", "--foreground", "--log-stderr", "--log-level=4", "--port-min=20000",
             "--port-max=39999", f"--num-threads={threads}", "--tos=184", "--timeout=600",
             f"--pidfile={os.path.join(network.folder, 'rtpengine.pid')}"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

        def listens():
            if self.process.poll() is not None:
                with open(log, encoding="utf-8", errors="replace") as file:
                    raise AssertionError(f"rtpengine ended: {file.read()[-2000:]}")
            return is_bound(self.process.pid, ("127.0.0.1", PORT))
        eventually(listens, "rtpengine listens", 20.0)
        self.socket = network.sbc.udp("127.0.0.1")
        self.socket.settimeout(5)

    def ask(self, command, **what):
        cookie = b"%d_%d" % (os.getpid(), next(_COOKIES))
        self.socket.sendto(cookie + b" " + encode({"command": command, **what}), ("127.0.0.1", PORT))
        answer = self.socket.recv(65535)
        name, _, body = answer.partition(b" ")
        found = decode(body)
        if name != cookie or found.get("result") != b"ok":
            raise AssertionError(f"{command}: {found}")
        return found

    def end(self):
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self._log.close()
