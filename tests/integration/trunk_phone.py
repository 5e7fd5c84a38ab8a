"""trunk_phone.py — a carrier for tests: it challenges, keeps registrations, answers OPTIONS or not, and takes calls.
RFC 3261 §10.3, §22.4; RFC 7616; RFC 8760."""

import hashlib
import re
import time

from voice import VoicePhone

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
FIELDS = {401: ("WWW-Authenticate", "authorization"), 407: ("Proxy-Authenticate", "proxy-authorization")}


def digest(algorithm, *words):
    return hashlib.new(HASHES[algorithm], ":".join(words).encode()).hexdigest()


def parameters(value):
    """Those of a Digest header, without quotes."""
    return {name.lower(): quoted or plain for name, quoted, plain in re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', value)}


class Challenge:
    """How a carrier asks for credentials, and what it has been shown."""

    def __init__(self, methods=("INVITE",), status=407, algorithms=("MD5",), **other):
        """other: realm, qop, user, password, lasts (uses of a nonce, then stale)."""
        self.methods, self.status, self.algorithms = methods, status, algorithms
        self.realm, self.qop = other.get("realm", "carrier.test"), other.get("qop", "auth")
        self.user, self.password, self.lasts = other.get("user", "trunk1"), other.get("password", "secret of trunk1"), other.get("lasts", 0)
        self.issued, self.counts = 0, {}  # counts: highest nc of each nonce, or uses
        self.faults, self.passed, self.asked = [], [], 0

    def headers(self, stale=False):
        self.issued += 1
        nonce = f"nonce{self.issued}of{id(self):x}"
        self.counts[nonce] = 0
        tail = (f', qop="{self.qop}"' if self.qop else "") + (", stale=true" if stale else "")
        return [f'{FIELDS[self.status][0]}: Digest realm="{self.realm}", nonce="{nonce}", algorithm={one}, opaque="o{self.issued}"{tail}'
                for one in self.algorithms]

    def judge(self, request):
        """None: it passes; else the challenge that it meets."""
        self.asked += 1
        shown = request.headers.get(FIELDS[self.status][1], [])
        found = next((p for p in map(parameters, shown) if p.get("realm") == self.realm), None)
        if found is None:
            return self.headers()
        nonce = found.get("nonce")
        if nonce not in self.counts:
            return self.headers(stale=True)
        if not self.is_right(found, request):
            self.faults.append(shown)
            return self.headers()
        if self.lasts and self.counts[nonce] >= self.lasts:
            return self.headers(stale=True)
        count = int(found["nc"], 16) if self.qop else self.counts[nonce] + 1
        if count <= self.counts[nonce]:
            self.faults.append(f"nc {count} after {self.counts[nonce]}")
        self.counts[nonce] = count
        self.passed.append((request.method, found.get("algorithm", "MD5")))
        return None

    def is_right(self, found, request):
        algorithm = found.get("algorithm", "MD5")
        if algorithm not in self.algorithms or found.get("username") != self.user:
            return False
        secret = digest(algorithm, self.user, self.realm, self.password)
        what = digest(algorithm, request.method, found.get("uri", ""))
        if request.start.split(" ")[1] != found.get("uri"):
            self.faults.append(f"uri {found.get('uri')} in {request.start}")
        middle = [found.get("nc", ""), found.get("cnonce", ""), found.get("qop", "")] if self.qop else []
        return found.get("response") == digest(algorithm, secret, found["nonce"], *middle, what)


class Carrier(VoicePhone):
    """`challenge`: none, or what INVITE, BYE, REGISTER, ... have to pass; `grants`: seconds of a registration."""

    def __init__(self, namespace, sock, remote, **what):
        self.challenge, self.grants, self.least = None, 3600, 0
        self.pings_answered_with = 200  # None: silence
        self.refuses_with = self.refuses_register = None  # a status
        self.registers = []  # (time, contact, seconds) of those that passed
        self.silent = False
        super().__init__(namespace, sock, remote, **what)

    def received(self, method):
        return [m for m in self.heard[:] if m.status is None and m.method == method]

    def _take(self, message):
        if message.status is not None or message.method == "ACK":
            super()._take(message)
        elif self.silent or (message.method == "OPTIONS" and self.pings_answered_with is None):
            return
        elif self.challenge is not None and message.method in self.challenge.methods:
            headers = self.challenge.judge(message)
            if headers is None:
                self._serve(message)
            else:
                self._answer(message, self.challenge.status, *headers)
        else:
            self._serve(message)

    def _serve(self, message):
        if message.method == "REGISTER":
            self._register(message)
        elif message.method == "OPTIONS" and self.pings_answered_with != 200:
            self._answer(message, self.pings_answered_with)
        elif message.method == "INVITE" and self.refuses_with and ";tag=" not in message.header("to"):
            self._answer(message, self.refuses_with)
        else:
            super()._take(message)

    def _register(self, message):
        contact = message.header("contact")
        asked = re.search(r"expires=(\d+)", contact) or re.search(r"(\d+)", message.header("expires"))
        seconds = int(asked.group(1)) if asked else 3600
        if self.refuses_register:
            self._answer(message, self.refuses_register)
            return
        if 0 < seconds < self.least:
            self._answer(message, 423, f"Min-Expires: {self.least}")
            return
        granted = min(seconds, self.grants)
        self.registers.append((time.monotonic(), contact, granted))
        self._answer(message, 200, f"Contact: {contact.partition(';expires')[0]};expires={granted}", "Expires: 3600")
