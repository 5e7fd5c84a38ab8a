"""voice.py — phones that speak: every 20 ms a packet of G.711 that says who sent it and which it is. RFC 3550 §5.1.

What a phone says must be heard whole and in the call alone: the receiver keeps each packet with its time and source, so
that loss, gaps and words of strangers are seen. RTCP goes to the port above RTP's, or to what `a=rtcp` says.
"""

import collections
import itertools
import os
import select
import struct
import threading
import time

import sdp
from harness import eventually
from phone import Phone

PERIOD = 0.02
OCTETS = 160
PCMU, EVENT = 0, 101
_PORTS = itertools.count(20000, 2)
_NAMES = itertools.count(1)

Rtp = collections.namedtuple("Rtp", "payload_type sequence timestamp ssrc marker payload")
Heard = collections.namedtuple("Heard", "when source octets")


def rtp(sequence, payload, payload_type=PCMU, ssrc=1, **fields):
    """fields: timestamp, marker."""
    second = payload_type | (0x80 if fields.get("marker") else 0)
    return struct.pack("!BBHII", 0x80, second, sequence & 0xffff, fields.get("timestamp", sequence * OCTETS) & 0xffffffff, ssrc) + payload


def parse_rtp(octets):
    """None for what is no plain RTP packet."""
    if len(octets) < 12 or octets[0] & 0xc0 != 0x80:
        return None
    _, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", octets)
    return Rtp(second & 0x7f, sequence, timestamp, ssrc, bool(second & 0x80), octets[12 + 4 * (octets[0] & 15):])


def words(name, number):
    """A payload that says whose it is and which of his."""
    return b"%-8s%08d" % (name.encode(), number) + b"\xd5" * (OCTETS - 16)


def speaker_of(octets):
    """(name, number) of a packet made with words(), or None."""
    packet = parse_rtp(octets)
    if packet is None or len(packet.payload) < 16 or not packet.payload[8:16].isdigit():
        return None
    return packet.payload[:8].decode(errors="replace").strip(), int(packet.payload[8:16])


class VoiceEnd:
    """The media sockets of one phone, and a thread that speaks and listens."""

    def __init__(self, namespace, address):
        self.name = f"v{next(_NAMES)}"
        self.namespace, self.address = namespace, address
        self.ssrc = int.from_bytes(os.urandom(4), "big")
        self.rtp_socket = self.rtcp_socket = None
        while self.rtcp_socket is None:  # another test's SIPp may have a port
            self.port = next(_PORTS)
            try:
                self.rtp_socket, self.rtcp_socket = namespace.udp(address, self.port), namespace.udp(address, self.port + 1)
            except OSError:
                continue
        self.remote = None  # where the other side wants our voice
        self.said, self.last_sent = 0, -1
        self.first = 0  # sequence number of what it says first
        self.loses = 0  # each so many-th packet is lost on its way
        self.heard, self.heard_rtcp = [], []
        self._next, self._talks = 0.0, False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def close(self):
        self._stopped.set()
        self._thread.join(5)
        self.rtp_socket.close()
        self.rtcp_socket.close()

    def talk(self):
        self._next, self._talks = time.monotonic(), True

    def hush(self):
        self._talks = False

    def send(self, octets, remote=None):
        """Any octets from the voice's own port."""
        self.rtp_socket.sendto(octets, remote or self.remote)

    def send_rtcp(self, octets):
        self.rtcp_socket.sendto(octets, (self.remote[0], self.remote[1] + 1))

    def move(self):
        """Other ports from now on, as of a phone that has moved; the old ones are closed."""
        old = self.rtp_socket, self.rtcp_socket
        self.port = next(_PORTS)
        self.rtp_socket = self.namespace.udp(self.address, self.port)
        self.rtcp_socket = self.namespace.udp(self.address, self.port + 1)
        for one in old:
            one.close()

    def _live(self):
        while not self._stopped.is_set():
            left = self._next - time.monotonic() if self._talks else 0.05
            sockets = {self.rtp_socket: self.heard, self.rtcp_socket: self.heard_rtcp}
            try:
                ready = select.select(list(sockets), [], [], max(0.0, min(left, 0.05)))[0]
                for sock in ready:
                    octets, source = sock.recvfrom(65535)
                    self.take(sockets[sock], Heard(time.monotonic(), source[:2], octets))
            except (OSError, ValueError):
                continue  # it has just moved
            if self._talks and time.monotonic() >= self._next:
                self._speak()

    def take(self, where, one):
        """where: `heard` or `heard_rtcp`."""
        where.append(one)

    def _speak(self):
        self._next += PERIOD
        if self.remote is None or self.remote[1] == 0 or self.remote[0] in ("0.0.0.0", "::"):
            return
        try:
            if not self.loses or self.said % self.loses != self.loses - 1:
                self.send(rtp(self.first + self.said, words(self.name, self.said), PCMU, self.ssrc))
                self.last_sent = self.said
            self.said += 1
        except OSError:
            pass  # moving, or no route for a moment

    def of(self, other):
        """What was heard of another end: {number: time of its first packet}."""
        found = {}
        for one in self.heard[:]:
            who = speaker_of(one.octets)
            if who is not None and who[0] == other.name:
                found.setdefault(who[1], one.when)
        return found

    def not_of(self, *others):
        """All that came in RTP's port and was said by none of these."""
        names = {other.name for other in others}
        return [one for one in self.heard[:] if (speaker_of(one.octets) or ("",))[0] not in names]

    def gap(self, other):
        """The longest time between two packets of another end."""
        times = sorted(self.of(other).values())
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def missing(self, other):
        """Numbers of what the other end said and that was not heard, up to its last one that was sent."""
        return sorted(set(range(other.last_sent + 1)) - set(self.of(other)))


def await_voice(here, there, packets=15, seconds=10.0):
    """Until each end has heard so many more packets of the other."""
    before = len(here.of(there)), len(there.of(here))
    eventually(lambda: len(here.of(there)) >= before[0] + packets, f"{here.name} hears {there.name}", seconds)
    eventually(lambda: len(there.of(here)) >= before[1] + packets, f"{there.name} hears {here.name}", seconds)


def hush_both(here, there):
    """Both are silent, and what was on the way has come."""
    for end, other in ((here, there), (there, here)):
        end.hush()
        last = end.last_sent
        eventually(lambda end=end, other=other, last=last: last < 0 or last in other.of(end),
                   f"the last packet of {end.name}", 5.0)


class Leg:
    """What one phone says of one call in SDP, and its voice."""

    end_type = VoiceEnd

    def __init__(self, phone, **what):
        self.phone, self.version = phone, 0
        self.end = self.end_type(phone.namespace, phone.sock.getsockname()[0])
        phone.ends.append(self.end)
        self.what = what  # of sdp.write()
        self.dialog = self.theirs = None

    def sdp(self, **changes):
        self.version += 1
        what = {**self.what, **changes}
        address = what.pop("address", self.end.address)
        return sdp.write(address, what.pop("port", self.end.port), self.version, **what)

    def heed(self, body):
        """The other side's SDP, as Sallyport shows it."""
        if body:
            self.theirs = sdp.Sdp(body)
            self.end.remote = self.theirs.media[0].remote

    def answer_to(self, body):
        offered = sdp.Sdp(body).media[0]
        changes = {"kind": offered.kind, "protocol": offered.protocol}
        if offered.kind == "image":
            changes.update(formats="t38", attributes=("T38FaxVersion:0", "T38FaxUdpEC:t38UDPRedundancy"))
        else:
            changes["direction"] = sdp.MIRRORED[offered.direction]
        return self.sdp(**changes)

    def change(self, method="INVITE", **changes):
        """A new offer; the status of its answer."""
        answer = self.dialog.change(self.sdp(**changes), method)
        if answer is None:
            return None
        if answer.status == 200:
            self.heed(answer.body)
        return answer.status


class VoicePhone(Phone):
    """A phone whose calls have a voice. `what` goes into each SDP it writes."""

    leg_type = Leg

    def __init__(self, namespace, sock, remote, **what):
        self.namespace, self.what, self.ends, self.legs = namespace, what, [], {}
        self.delays_offer = False
        self.provisionals = []
        super().__init__(sock, remote)

    def stop(self):
        super().stop()
        for end in self.ends:
            end.close()

    def offer(self):
        return b"" if self.delays_offer else self.leg.sdp()

    def invited(self, dialog):
        self.legs[dialog.call_id] = self.leg
        self.leg.dialog = dialog

    def answered(self, dialog, answer):
        body = self.leg.answer_to(answer.body) if self.delays_offer else b""
        self.leg.heed(answer.body)
        return body

    def on_provisional(self, message):
        self.provisionals.append(message)
        if message.body and message.call_id in self.legs:
            self.legs[message.call_id].heed(message.body)

    def call(self, number, seconds=15.0, to=None):
        self.leg = self.leg_type(self, **self.what)
        return super().call(number, seconds, to)

    def answer(self, request, status):
        wants_body = request.method in ("INVITE", "UPDATE") and status in (183, 200)
        if not wants_body:
            return b""
        leg = self.legs.get(request.call_id)
        if leg is None:
            leg = self.legs[request.call_id] = self.leg_type(self, **self.what)
        if request.body:
            leg.heed(request.body)
            return leg.answer_to(request.body)
        return leg.sdp()  # the offer is ours; the ACK brings the answer

    def _answer(self, request, status, *headers):
        super()._answer(request, status, *headers)
        leg = self.legs.get(request.call_id)
        if leg is not None and leg.dialog is None:
            leg.dialog = self.dialogs.get(request.call_id)

    def on_ack(self, message):
        if message.call_id in self.legs:
            self.legs[message.call_id].heed(message.body)

    def last_leg(self):
        return list(self.legs.values())[-1]
