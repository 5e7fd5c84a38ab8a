"""registering_phone.py — phones that register, and a registrar for them to be registered at: RFC 3261 §10, §22; RFC 7616;
RFC 8760; RFC 5626.

    phone = RegisteringPhone(namespace, sock, (OUT4, 5060), "1001")
    phone.register().status         # the challenge is answered
    phone.call("1002")              # here too
"""

import itertools
import os
import re
import time
import types

import sip
from trunk_phone import Carrier, Challenge, digest, parameters
from voice import VoicePhone

DOMAIN = "example.com"
FIELDS = {401: ("www-authenticate", "Authorization"), 407: ("proxy-authenticate", "Proxy-Authorization")}
USERS = {f"{number}": f"secret-of-{number}" for number in range(1001, 1100)}
_NUMBERS = itertools.count(1)


def bindings(answer):
    """{URI: seconds} of a 200 to REGISTER. RFC 3261 §10.3 step 8"""
    found = re.findall(r"<(sips?:[^>]*)>[^,]*?;expires=(\d+)", ", ".join(answer.headers.get("contact", [])))
    return {uri: int(seconds) for uri, seconds in found}


def uri_of(value):
    """'<sip:1001@...>;expires=60' without what is around the URI."""
    return value.partition("<")[2].partition(">")[0] or value.partition(";")[0]


class Credentials:
    """A phone's answers to challenges. RFC 7616 §3.4"""

    def __init__(self, user, password, algorithms=("SHA-256", "MD5")):
        self.user, self.password, self.algorithms = user, password, algorithms  # the one liked best first
        self.challenge, self.count, self.field = None, 0, ""

    def take(self, answer):
        """A 401 or 407 brings another challenge; False: none of them is for us."""
        name, self.field = FIELDS[answer.status]
        offered = [parameters(value) for value in answer.headers.get(name, [])]
        for algorithm in self.algorithms:
            for one in offered:
                if one.get("algorithm", "MD5").upper() == algorithm:
                    self.challenge, self.count = one, 0
                    return True
        return False

    def header(self, method, uri, count=None):
        """The line that answers the last challenge. count: in place of the next nc."""
        self.count = self.count + 1 if count is None else count
        asked, nc, cnonce = self.challenge, f"{self.count:08x}", os.urandom(6).hex()
        algorithm = asked.get("algorithm", "MD5")
        secret = digest(algorithm.upper(), self.user, asked["realm"], self.password)
        middle = [nc, cnonce, "auth"] if "qop" in asked else []
        response = digest(algorithm.upper(), secret, asked["nonce"], *middle, digest(algorithm.upper(), method, uri))
        said = [f'username="{self.user}"', f'realm="{asked["realm"]}"', f'nonce="{asked["nonce"]}"', f'uri="{uri}"',
                f'response="{response}"', f"algorithm={algorithm}", *([f'opaque="{asked["opaque"]}"'] if "opaque" in asked else []),
                *([f"qop=auth, nc={nc}", f'cnonce="{cnonce}"'] if middle else [])]
        return f"{self.field}: Digest {', '.join(said)}"


class RegisteringPhone(VoicePhone):
    """The phone of a user."""

    def __init__(self, namespace, sock, remote, user="1001", **what):
        """what: password, domain, algorithms; what else there is are words of its SDP."""
        domain, password = what.pop("domain", DOMAIN), what.pop("password", USERS.get(user, "a guess"))
        algorithms = what.pop("algorithms", ("SHA-256", "MD5"))
        self.user, self.aor = user, f"sip:{user}@{domain}"
        self.for_registering, self.for_calls = (Credentials(user, password, algorithms) for _ in range(2))
        self.registration, self.cseq = f"registration-{os.getpid():x}.{next(_NUMBERS)}@phone.invalid", 0
        self.last_register = b""
        super().__init__(namespace, sock, remote, **what)
        self.me, self.domain = self.aor, domain
        self.contact = self.contact.replace("<sip:phone@", f"<sip:{user}@")

    def received(self, method):
        return [m for m in self.heard[:] if m.status is None and m.method == method]

    def answers_to(self, method):
        """The status of each final answer that came."""
        return [m.status for m in self.heard[:] if (m.status or 0) >= 200 and m.method == method]

    def register(self, expires=60, contacts=None, headers=(), aor=None, seconds=10.0):
        """The final answer, after the challenge, if there is one, was answered; None: none came. contacts: values in place
        of our own; () only asks what is there. RFC 3261 §10.2"""
        answer = None
        for _ in range(2):
            answer = self.register_once(expires, contacts, headers, aor, seconds)
            if answer is None or answer.status not in FIELDS or not self.for_registering.take(answer):
                break
        return answer

    def unregister(self, contacts=None):
        return self.register(0, contacts)

    def registered(self):
        """{URI: seconds} that the registrar knows of our AOR."""
        answer = self.register(None, ())
        if answer is None or answer.status != 200:
            raise AssertionError(f"asked what is registered: {answer and answer.start}")
        return bindings(answer)

    # pylint: disable-next=too-many-arguments
    def register_once(self, expires=60, contacts=None, headers=(), aor=None, seconds=10.0):
        self.last_register = self.register_request(expires, contacts, headers, aor)
        number = self.cseq
        self.ask(self.last_register, self.registration, number, seconds)
        return self.final(self.registration, f"{number} REGISTER")

    def register_request(self, expires=60, contacts=None, headers=(), aor=None):
        self.cseq += 1
        host, port = self.sock.getsockname()[:2]
        aor, registrar = aor or self.aor, f"sip:{self.domain}"
        lines = [f"REGISTER {registrar} SIP/2.0",
                 f"Via: SIP/2.0/{self.transport} {sip.bracketed(host)}:{port};branch=z9hG4bK{os.urandom(8).hex()};rport",
                 "Max-Forwards: 70", f"From: <{aor}>;tag=r{os.urandom(4).hex()}", f"To: <{aor}>", f"Call-ID: {self.registration}",
                 f"CSeq: {self.cseq} REGISTER", *(f"Contact: {one}" for one in ([self.contact] if contacts is None else contacts)),
                 *([] if expires is None else [f"Expires: {expires}"]), "User-Agent: RegisteringPhone/1",
                 "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, UPDATE, PRACK, INFO, MESSAGE",
                 "Allow-Events: talk, hold, conference, refer, check-sync, dialog, message-summary", *headers]
        if self.for_registering.challenge is not None:
            lines.append(self.for_registering.header("REGISTER", registrar))
        return ("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode()

    def invite(self, dialog, seconds):
        answer = super().invite(dialog, seconds)
        if answer is not None and answer.status in FIELDS and self.for_calls.take(answer):
            dialog.cseq += 1
            dialog.further = (self.for_calls.header("INVITE", dialog.target),)
            answer = super().invite(dialog, seconds)
        return answer


class UserChallenge(Challenge):
    """One that each user answers with a password of his own."""

    def __init__(self, methods, status, users, **other):
        super().__init__(methods, status, other.pop("algorithms", ("MD5",)), realm=other.pop("realm", DOMAIN), **other)
        self.users = users

    def is_right(self, found, request):
        user = found.get("username")
        if user not in self.users:
            return False
        self.user, self.password = user, self.users[user]
        if request.method != "REGISTER":  # a proxy may have changed the Request-URI. RFC 3261 §22.4
            request = types.SimpleNamespace(method=request.method, start=f"{request.method} {found.get('uri')} SIP/2.0")
        return super().is_right(found, request)


class UpstreamRegistrar(Carrier):
    """A PBX inside at which users register, and that calls them by the Contact which it was told. `challenges`: by method;
    `grants`, `least`: longest and shortest time in seconds; `silent`, `refuses_register`: as of a Carrier."""

    def __init__(self, namespace, sock, remote, **what):
        self.users = dict(USERS)
        self.challenges = {}
        self.challenges_registering()
        self.bindings = {}  # {AOR: {Contact URI: (until, its parameters)}}
        self.says = ()  # further header lines of a 200
        self._said = {}  # the last answer to each request, for one that comes twice. RFC 3261 §17.2.2
        super().__init__(namespace, sock, remote, **what)

    def challenges_registering(self):
        self.challenges["REGISTER"] = UserChallenge(("REGISTER",), 401, self.users)

    def challenges_calls(self, **how):
        self.challenges["INVITE"] = UserChallenge(("INVITE",), 407, self.users, **how)
        return self.challenges["INVITE"]

    def contacts(self, user):
        """URIs that are still good, the one that came last at the end."""
        now = time.monotonic()
        return [uri for uri, (until, _) in dict(self.bindings.get(f"sip:{user}@{DOMAIN}", {})).items() if until > now]

    def parameters_of(self, user, uri):
        return self.bindings[f"sip:{user}@{DOMAIN}"][uri][1]

    def send(self, octets, request=None):
        if request is not None:
            self._said[request.branch, request.method] = octets
        super().send(octets, request)

    def _take(self, message):
        if message.status is None and message.method != "ACK" and (message.branch, message.method) in self._said:
            super().send(self._said[message.branch, message.method], message)
            return
        is_new = message.status is None and ";tag=" not in message.header("to")
        self.challenge = self.challenges.get(message.method) if is_new else None
        super()._take(message)

    def _register(self, message):
        if self.refuses_register:
            self._answer(message, self.refuses_register, *self.says)
            return
        aor, now = uri_of(message.header("to")), time.monotonic()
        kept = self.bindings.setdefault(aor, {})
        for value in [one.strip() for line in message.headers.get("contact", []) for one in line.split(",")]:
            asked = re.search(r";expires=(\d+)", value) or re.search(r"(\d+)", message.header("expires"))
            seconds = int(asked.group(1)) if asked else 3600
            if 0 < seconds < self.least:
                self._answer(message, 423, f"Min-Expires: {self.least}")
                return
            granted = min(seconds, self.grants)
            self.registers.append((now, value, granted))
            if value == "*":
                kept.clear()
            elif granted == 0:
                kept.pop(uri_of(value), None)
            else:
                kept[uri_of(value)] = (now + granted, value.partition(">")[2])
        self._answer(message, 200, *(f"Contact: <{uri}>{re.sub(';expires=[0-9]+', '', rest)};expires={int(until - now)}"
                                     for uri, (until, rest) in kept.items() if until > now), *self.says)
