"""secured_voice.py — phones that speak SRTP with keys in their SDP: RFC 4568 §5 (offer, answer), §7.1.

What a leg's phone says beside voice.py: `suites` that it offers, in their order, and understands; or `keys`, which makes
what it offers; `picks`, a suite that it answers with; `twist`, what becomes of each SDP before it is sent.
"""

import sdp
from srtp import Key, Session, parse_line
from voice import Heard, Leg, VoiceEnd, VoicePhone

CM80 = "AES_CM_128_HMAC_SHA1_80"


class SecuredEnd(VoiceEnd):
    """Nothing leaves or counts as heard that is not sealed, once keys are agreed; without any it is plain."""

    def __init__(self, namespace, address):
        self.sends, self.hears = None, []  # of those it hears by, the newest first
        self.is_secured = False
        self.unread = []  # what could not be opened
        self.sent = []  # as it left
        super().__init__(namespace, address)

    def use(self, ours, theirs):
        """What repeats itself goes on as it was; of theirs the one before counts too."""
        if self.sends is None or self.sends.key.octets != ours.octets:
            self.sends = Session(ours, True)
        if not self.hears or self.hears[0].key.octets != theirs.octets:
            self.hears = [Session(theirs, False), *self.hears[:1]]
        self.is_secured = True

    def send(self, octets, remote=None):
        sealed = self.sends.seal(octets) if self.is_secured else octets
        self.sent.append(sealed)
        super().send(sealed, remote)

    def send_rtcp(self, octets):
        super().send_rtcp(self.sends.seal(octets, True) if self.is_secured else octets)

    def send_raw(self, octets):
        super().send(octets)

    def send_rtcp_raw(self, octets):
        super().send_rtcp(octets)

    def take(self, where, one):
        if not self.is_secured:
            super().take(where, one)
            return
        for session in self.hears[:]:
            octets = session.open(one.octets, where is self.heard_rtcp)
            if octets is not None:
                where.append(Heard(one.when, one.source, octets))
                return
        self.unread.append(one)


class SecuredLeg(Leg):
    end_type = SecuredEnd

    def __init__(self, phone, **what):
        super().__init__(phone, **what)
        self.offered, self.agreed = {}, None  # {tag: Key} of ours; (tag, ours, theirs)
        self.answers = False

    def renew(self):
        """Other keys from the next offer or answer on."""
        self.offered, self.agreed = {}, None

    def _make(self):
        return self.what["keys"]() if "keys" in self.what else [Key(suite) for suite in self.what.get("suites", (CM80,))]

    def sdp(self, **changes):
        crypto = changes.pop("crypto", None)  # of an answer
        if crypto is None:
            self.offered = self.offered or dict(enumerate(self._make(), 1))
            crypto = [key.line(tag) for tag, key in self.offered.items()]
            changes.setdefault("protocol", self.what.get("protocol", "RTP/SAVP"))
        octets = super().sdp(**{**changes, "attributes": (*sdp.EVENTS, *crypto)})
        return self.what.get("twist", lambda one: one)(octets)

    def lines(self, body):
        return [a.partition(":")[2] for a in sdp.Sdp(body).media[0].attributes if a.startswith("crypto:")]

    def heed(self, body):
        super().heed(body)
        if not body or self.answers:
            return
        found = [parse_line(one) for one in self.lines(body)]
        if len(found) == 1 and found[0][0] in self.offered and found[0][1].suite == self.offered[found[0][0]].suite:
            tag, theirs = found[0]
            self._agree(tag, self.offered[tag], theirs)
        elif not found:
            self.end.is_secured = False

    def answer_to(self, body):
        media, chosen, crypto = sdp.Sdp(body).media[0], self._choose(body), ()
        if chosen is None:
            self.end.is_secured = False
        else:
            tag, theirs = chosen
            ours = self.agreed[1] if self.agreed and self.agreed[1].suite == theirs.suite else Key(theirs.suite)
            self._agree(tag, ours, theirs)
            self.offered, crypto = {1: ours}, [ours.line(tag)]
        return self.sdp(crypto=crypto, protocol=media.protocol, direction=sdp.MIRRORED[media.direction])

    def _choose(self, body):
        wanted = (self.what["picks"],) if "picks" in self.what else self.what.get("suites", (CM80,))
        lines = [one for one in self.lines(body) if one.split()[1] in wanted]
        return parse_line(lines[0]) if lines else None

    def _agree(self, tag, ours, theirs):
        self.agreed = tag, ours, theirs
        self.end.use(ours, theirs)


class SecuredPhone(VoicePhone):
    leg_type = SecuredLeg

    def answer(self, request, status):
        leg = self.legs.get(request.call_id)
        if leg is None and request.method == "INVITE" and request.body and status in (183, 200):
            leg = self.legs[request.call_id] = self.leg_type(self, **self.what)
        if leg is not None:
            leg.answers = True  # what comes is an offer: its keys are taken up by the answer
        try:
            return super().answer(request, status)
        finally:
            if leg is not None:
                leg.answers = False
