"""ear.py — what a phone is sent to hear: G.711 of RTP as it comes in at the phone's wire. RFC 3550 §5.1; ITU-T G.711."""

import array
import select
import threading

from baresip import RATE, power
from capture import datagram_of
from voice import PCMU, parse_rtp


def _linear(octet):
    """A sample of mu-law."""
    octet ^= 0xff
    size = ((((octet & 15) << 3) + 132) << (octet >> 4 & 7)) - 132
    return -size if octet & 0x80 else size


_LINEAR = [_linear(octet) for octet in range(256)]


class Ear:
    """At `wire` of a namespace, for the voice that comes to one address."""

    def __init__(self, namespace, address):
        self._address, self._samples = address, array.array("h")
        self._sock = namespace.raw("wire")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while not self._stopped.is_set():
            if select.select([self._sock], [], [], 0.1)[0]:
                self._take(self._sock.recv(65535))

    def _take(self, frame):
        found = datagram_of(frame) if len(frame) > 34 else None
        if found is None or found[1][0] != self._address:
            return
        packet = parse_rtp(found[2])
        if packet is not None and packet.payload_type == PCMU:
            self._samples.extend(_LINEAR[octet] for octet in packet.payload)

    def sound(self):
        """How many seconds of it have come so far."""
        return len(self._samples) / RATE

    def heard(self, hertz, seconds=1.0):
        """The share of a tone in the last seconds of it."""
        return power(self._samples[-int(seconds * RATE):], hertz)

    def close(self):
        self._stopped.set()
        self._thread.join(5)
        self._sock.close()
