"""phone.py — a SIP phone for tests that say themselves when a call is made and ended: RFC 3261 §8, §12, §13, §15.

One socket, which may be a stream_phone.StreamEnd; one thread that listens; it answers calls that come in with 180 and 200, and whatever else with 200.
"""

import itertools
import os
import select
import threading
import time

import sip
from capture import Message

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def _values(message, name):
    return [one.strip() for line in message.headers.get(name, []) for one in line.split(",")]


_REASONS = {180: "Ringing", 183: "Session Progress", 200: "OK", 487: "Request Terminated"}


class Refused(AssertionError):
    """A call that got another final answer than 200; `status` is None when none came."""

    def __init__(self, words, status, call_id=""):
        super().__init__(words)
        self.status, self.call_id = status, call_id


class Dialog:
    """One call of a phone: names of both sides, and what came for it."""

    def __init__(self, phone, call_id, **names):  # local, remote: with their tags; target: the other side's Contact
        self.phone, self.call_id = phone, call_id
        self.local, self.remote, self.target = names["local"], names["remote"], names["target"]
        self.cseq = self.invited_as = 1  # of the last request, of the INVITE
        self.routes = []
        self.further = ()  # header lines of INVITE and ACK
        self.is_acked = self.is_ended = False

    # pylint: disable-next=too-many-arguments
    def request(self, method, number=None, body=b"", headers=(), kind="application/sdp"):
        if number is None:
            self.cseq += 1
            number = self.cseq
        host, port = self.phone.sock.getsockname()[:2]
        here = f"{sip.bracketed(host)}:{port}"
        via = f"Via: SIP/2.0/{self.phone.transport} {here};branch=z9hG4bK{os.urandom(8).hex()};rport"
        lines = [f"{method} {self.target} SIP/2.0", via,
                 "Max-Forwards: 70", f"From: {self.local}", f"To: {self.remote}", f"Call-ID: {self.call_id}",
                 f"CSeq: {number} {method}", f"Contact: {self.phone.contact}", *(f"Route: {r}" for r in self.routes), *self.phone.further,
                 *(self.further if method in ("INVITE", "ACK") else ()), *(self.phone.options if method == "INVITE" else ()), *headers]
        lines += [f"Content-Type: {kind}"] * bool(body) + [f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    def change(self, body, method="INVITE", seconds=15.0):
        """Another offer within the call, acknowledged (RFC 3261 §14.1, RFC 3311 §5.1). The final answer, or None."""
        request = self.request(method, body=body)
        number = self.cseq
        self.phone.ask(request, self.call_id, number, seconds)
        answer = self.phone.final(self.call_id, f"{number} {method}")
        if answer is not None and method == "INVITE" and answer.status == 200:
            self.phone.send(self.request("ACK", number))
        return answer

    def hang_up(self, seconds=15.0):
        """BYE until its answer comes. The status, or None."""
        self.is_ended = True
        return self.phone.ask(self.request("BYE"), self.call_id, self.cseq, seconds)


class Phone:
    """Speaks with one neighbour only: `remote` is Sallyport."""

    _numbers = itertools.count(1)

    def __init__(self, sock, remote):
        self.sock, self.remote = sock, remote
        self.transport = getattr(sock, "transport", "UDP")  # as Via writes it
        host, port = sock.getsockname()[:2]
        way = "" if self.transport == "UDP" else f";transport={self.transport.lower()}"
        self.contact = f"<sip:phone@{sip.bracketed(host)}:{port}{way}>"
        self.scheme = "sip"  # of the numbers it calls
        self.me = f"sip:phone@{sip.bracketed(host)}"  # in From of its calls
        self.domain = f"{sip.bracketed(remote[0])}:{remote[1]}"  # of the numbers it calls
        self.further = ()  # header lines of each request
        self.options = ()  # of each INVITE
        self.heard = []  # every message, in its order
        self.keep_alives = []  # times of datagrams that hold nothing, and of OPTIONS
        self.answers = True  # False: it only rings, until pick_up()
        self.rings_with = 180
        self.dialogs, self.ringing = {}, {}
        self._finals, self._heard = {}, set()
        self._changed, self._stopped = threading.Condition(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join(5)
        self.sock.close()

    def _listen(self):
        while not self._stopped.is_set():
            if select.select([self.sock], [], [], 0.1)[0]:
                octets, source = self.sock.recvfrom(65535)
                if not octets.strip(b"\r\n\0"):  # RFC 5626 §3.5.1
                    self.keep_alives.append(time.monotonic())
                    continue
                message = Message(time.monotonic(), source, None, octets)
                self.heard.append(message)
                if message.method == "OPTIONS" and message.status is None:
                    self.keep_alives.append(message.when)
                with self._changed:
                    self._take(message)
                    self._changed.notify_all()

    def send(self, octets, request=None):
        """`request`: what this answers; over a stream it goes back the way that came. RFC 3261 §18.2.2"""
        self.sock.sendto(octets, self.remote if request is None or self.transport == "UDP" else request.source)

    # What a phone with a voice says and does in their place (voice.py).
    def offer(self):
        return SDP

    def answer(self, request, status):
        """The body of an answer to a request of the other side."""
        return SDP if request.method == "INVITE" and status == 200 else b""

    def lines(self, request, status):
        """Further header lines of an answer."""
        return ()

    def on_ack(self, message):
        pass

    def on_provisional(self, message):
        pass

    def _take(self, message):
        if message.status is not None:
            if message.status < 200:
                self.on_provisional(message)
            self._heard.add((message.call_id, message.header("cseq")))
            if message.status >= 200:
                self._finals[message.call_id, message.header("cseq")] = message
            return
        if message.method == "ACK":
            if message.call_id in self.dialogs:
                self.dialogs[message.call_id].is_acked = True
            self.on_ack(message)
        elif message.method == "INVITE" and ";tag=" in message.header("to"):
            self._answer(message, 200)
        elif message.method == "INVITE":
            self._answer(message, self.rings_with)
            self.ringing[message.call_id] = message
            if self.answers:
                self._answer(message, 200)
        else:
            if message.method == "BYE" and message.call_id in self.dialogs:
                self.dialogs[message.call_id].is_ended = True
            self._answer(message, 200)
            if message.method == "CANCEL" and message.call_id in self.ringing:  # RFC 3261 §9.2
                self._answer(self.ringing[message.call_id], 487)

    def pick_up(self, call_id):
        """200 until its ACK comes. RFC 3261 §13.3.1.4"""
        for _ in range(20):
            with self._changed:
                self._answer(self.ringing[call_id], 200)
            if self.await_true(lambda: self.dialogs[call_id].is_acked, 0.5):
                return
        raise AssertionError(f"no ACK for {call_id}")

    def refuse(self, call_id, status):
        """What rings is refused."""
        with self._changed:
            self._answer(self.ringing[call_id], status)

    def _answer(self, request, status, *headers):
        """`headers` are in place of Contact."""
        to = request.header("to")
        if ";tag=" not in to:
            to += f";tag=callee{request.call_id[-12:]}"
        is_answer = request.method == "INVITE" and status == 200
        if is_answer and request.call_id not in self.dialogs:
            contact = request.header("contact").partition("<")[2].partition(">")[0]
            self.dialogs[request.call_id] = Dialog(self, request.call_id, local=to, remote=request.header("from"),
                                                   target=contact)
            self.dialogs[request.call_id].cseq = 0
            self.dialogs[request.call_id].routes = _values(request, "record-route")  # RFC 3261 §12.1.1
        body = self.answer(request, status)
        lines = [f"SIP/2.0 {status} {_REASONS.get(status, 'Answered So')}", *(f"Via: {v}" for v in request.headers["via"]),
                 f"From: {request.header('from')}", f"To: {to}", f"Call-ID: {request.call_id}", f"CSeq: {request.header('cseq')}",
                 *(f"Record-Route: {one}" for one in request.headers.get("record-route", []) if request.method == "INVITE"),
                 *(headers or [f"Contact: {self.contact}"]), *self.lines(request, status), *(["Content-Type: application/sdp"] if body else []),
                 f"Content-Length: {len(body)}"]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body, request)

    def await_true(self, condition, seconds):
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def ask(self, octets, call_id, number, seconds):
        """Sends until a final answer comes (timers A and E). The answer's status, or None."""
        key = (call_id, f"{number} {octets.split(b' ', 1)[0].decode()}")
        end, interval = time.monotonic() + seconds, 0.5
        while time.monotonic() < end:
            # RFC 3261 §17.1.1.2: after a provisional answer no more, and over a stream once
            if key not in self._heard and (self.transport == "UDP" or interval == 0.5):
                self.send(octets)
            if self.await_true(lambda: key in self._finals, min(interval, max(0.0, end - time.monotonic()))):
                return self._finals[key].status
            interval = min(2 * interval, 4.0)
        return None

    def call(self, number, seconds=15.0, to=None):
        """An answered and acknowledged call. number: or a whole URI; to: the URI in To, if it is another."""
        dialog = self.dialog_to(number, to)
        self.invited(dialog)
        answer = self.invite(dialog, seconds)
        if answer is None or answer.status != 200:
            status = answer and answer.status
            raise Refused(f"a call to {number}: {status}", status, dialog.call_id)
        dialog.remote = answer.header("to")
        dialog.routes = _values(answer, "record-route")[::-1]  # RFC 3261 §12.1.2
        dialog.target = answer.header("contact").partition("<")[2].partition(">")[0]
        self.dialogs[dialog.call_id] = dialog
        self.send(dialog.request("ACK", dialog.invited_as, self.answered(dialog, answer)))
        return dialog

    def dialog_to(self, number, to=None):
        """One that nobody has heard of yet."""
        me = f"{os.getpid():x}.{next(self._numbers)}"
        there = number if ":" in number else f"{self.scheme}:{number}@{self.domain}"
        return Dialog(self, f"kept-{me}@phone.invalid", local=f"<{self.me}>;tag=caller{me}", remote=f"<{to or there}>", target=there)

    def invite(self, dialog, seconds):
        """The final answer to an INVITE, acknowledged if it refuses; None: none came."""
        number = dialog.invited_as = dialog.cseq
        status = self.ask(dialog.request("INVITE", number, self.offer()), dialog.call_id, number, seconds)
        if status not in (None, 200):
            self._acknowledge_refusal(dialog)
        return self.final(dialog.call_id, f"{number} INVITE")

    def invited(self, dialog):
        """Called before the INVITE of a new call leaves."""

    def answered(self, dialog, answer):
        """The body of the ACK."""
        return b""

    def _acknowledge_refusal(self, dialog):
        """RFC 3261 §17.1.1.3; its branch is the INVITE's."""
        refusal = self.final(dialog.call_id, f"{dialog.invited_as} INVITE")
        octets = dialog.request("ACK", dialog.invited_as).decode()
        lines = [line for line in octets.split("\r\n") if not line.startswith(("Via:", "To:"))]
        lines[1:1] = [f"Via: {refusal.header('via')}", f"To: {refusal.header('to')}"]
        self.send("\r\n".join(lines).encode())

    def final(self, call_id, cseq):
        """The final answer to one of our requests, or None."""
        return self._finals.get((call_id, cseq))
