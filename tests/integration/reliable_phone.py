"""reliable_phone.py — a phone that acknowledges provisional responses and has its own acknowledged: RFC 3262; early sessions of
RFC 6337 §3.1.1, changed by UPDATE (RFC 3311)."""

import re

import sip
from phone import Dialog
from voice import VoicePhone

KNOWS = "Supported: 100rel"
INSISTS = "Require: 100rel"


def _rseq(message):
    return int(message.header("rseq") or 0)


class ReliablePhone(VoicePhone):
    """rings_reliably: a call is first answered with a 183 that is acknowledged, if the caller may be asked to do so; its SDP is
    the answer. What it makes as a caller says `options`."""

    def __init__(self, namespace, sock, remote, **what):
        self.rings_reliably, options = what.pop("rings_reliably", False), what.pop("options", ())
        self.rang = {}  # {Call-ID: the 183 that has not been acknowledged yet}
        self.acknowledged = set()  # Call-IDs whose 183 has been
        self.pracks = {}  # {(Call-ID, RSeq): (the PRACK, its CSeq)}, of what came reliably
        self.early = {}  # {Call-ID: Dialog}
        self._said, self._acks = {}, {}  # what may have to be said again
        self.loses, self._sent, self._came = 0, 0, 0  # each so many-th datagram is lost on its way, and on its way here
        super().__init__(namespace, sock, remote, **what)
        self.options = options

    def send(self, octets, request=None):
        if request is not None and octets.startswith(b"SIP/2.0 183 "):
            self._said[request.call_id] = octets
        elif octets.startswith(b"ACK "):
            self._acks[sip.call_id_of(octets).decode()] = octets
        self._sent += 1
        if not self.loses or self._sent % self.loses:
            super().send(octets, request)

    # As a caller.
    def on_provisional(self, message):
        super().on_provisional(message)
        if "100rel" not in message.header("require"):
            return
        key = message.call_id, _rseq(message)
        if key not in self.pracks:  # one that comes again is acknowledged by the same request. RFC 3262 §4
            dialog = self.legs[message.call_id].dialog
            dialog.remote, dialog.target = message.header("to"), message.header("contact").partition("<")[2].partition(">")[0]
            self.early[message.call_id] = dialog
            said = message.header("cseq")
            self.pracks[key] = dialog.request("PRACK", headers=(f"RAck: {_rseq(message)} {said}",)), f"{dialog.cseq} PRACK"
        self.send(self.pracks[key][0])

    def await_prack_answers(self, call_id, seconds=15.0):
        """Each PRACK of a call is said again until its answer comes. Their statuses; None: one has none."""
        mine = [one for (call, _), one in list(self.pracks.items()) if call == call_id]
        for _ in range(int(seconds / 0.5)):
            left = [octets for octets, cseq in mine if self.final(call_id, cseq) is None]
            if not left:
                return [self.final(call_id, cseq).status for _, cseq in mine]
            for octets in left:
                self.send(octets)
            self.await_true(lambda: all(self.final(call_id, cseq) for _, cseq in mine), 0.5)
        return None

    # As a callee.
    def _take(self, message):
        self._came += 1
        if self.loses and self._came % self.loses == 1:
            return
        if message.method == "PRACK" and message.status is None:
            self._take_prack(message)
        elif message.method == "INVITE" and message.status is None and ";tag=" not in message.header("to") and self.may_ring(message):
            if message.call_id not in self.ringing:
                self._ring(message)
        else:
            if message.status == 200 and message.method == "INVITE" and message.call_id in self._acks:
                self.send(self._acks[message.call_id])  # the ACK was lost. RFC 3261 §13.2.2.4
            super()._take(message)

    def may_ring(self, invite):
        return self.rings_reliably and "100rel" in invite.header("supported") + invite.header("require")

    def _ring(self, invite):
        self.ringing[invite.call_id] = invite
        self.rang[invite.call_id] = 1000
        self._answer(invite, 183)

    def lines(self, request, status):
        if status == 183 and request.call_id in self.rang:
            return (INSISTS, f"RSeq: {self.rang[request.call_id]}")
        return ()

    def answer(self, request, status):
        if request.method == "INVITE" and status == 200 and request.call_id in self.acknowledged:
            return b""  # it has been given. RFC 6337 §2.2
        return super().answer(request, status)

    def _take_prack(self, message):
        number = re.match(r"(\d+) (\d+ INVITE)$", message.header("rack"))
        mine = self.rang.get(message.call_id)
        if number is None or mine != int(number.group(1)):
            self._answer(message, 481)
            return
        self._answer(message, 200)
        if message.call_id not in self.acknowledged:
            self.acknowledged.add(message.call_id)
            invite = self.ringing[message.call_id]
            dialog = Dialog(self, message.call_id, local=f"{invite.header('to')};tag=callee{message.call_id[-12:]}",
                            remote=invite.header("from"), target=invite.header("contact").partition("<")[2].partition(">")[0])
            dialog.cseq = 0
            self.early[message.call_id] = self.legs[message.call_id].dialog = self.dialogs[message.call_id] = dialog

    def await_acknowledged(self, seconds=15.0):
        """The 183 is said again until its PRACK comes. The Call-ID of the call, or None. RFC 3262 §3"""
        self.await_true(lambda: self.rang, seconds)
        if not self.rang:
            return None
        call_id = list(self.rang)[-1]
        for _ in range(int(seconds / 0.5)):
            if self.await_true(lambda: call_id in self.acknowledged, 0.5):
                return call_id
            with self._changed:
                self._again(call_id)
        return None

    def _again(self, call_id):
        self.send(self._said[call_id], self.ringing[call_id])
