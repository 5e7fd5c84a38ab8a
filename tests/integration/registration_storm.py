"""registration_storm.py — many phones of a socket each, that all register in the same moment: RFC 3261 §10.2, §17.1.2;
Retry-After of RFC 3261 §20.33."""

import os
import time

from capture import Message
from registering_phone import DOMAIN, FIELDS, Credentials
from stream_phone import ready


class StormPhone:
    """Timer E over UDP; a 503 is obeyed."""

    def __init__(self, sock, remote, user, password):
        self.sock, self.remote, self.user = sock, remote, user
        self.sock.setblocking(False)
        self.credentials = Credentials(user, password)
        self.call_id, self.cseq = f"storm-{user}-{os.urandom(4).hex()}@phone.invalid", 0
        self.due, self.interval, self.octets = 0.0, 0.5, b""
        self.outcome, self.expires, self.sent, self.refusals, self.is_challenged = None, 0, 0, 0, False

    def begin(self, now, expires):
        self.outcome, self.expires, self.is_challenged = None, expires, False
        self._next_request(now)

    def _next_request(self, now):
        self.cseq += 1
        host, port = self.sock.getsockname()[:2]
        lines = [f"REGISTER sip:{DOMAIN} SIP/2.0", f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{os.urandom(8).hex()};rport",
                 "Max-Forwards: 70", f"From: <sip:{self.user}@{DOMAIN}>;tag=s{self.cseq}", f"To: <sip:{self.user}@{DOMAIN}>",
                 f"Call-ID: {self.call_id}", f"CSeq: {self.cseq} REGISTER", f"Contact: <sip:{self.user}@{host}:{port}>",
                 f"Expires: {self.expires}", "User-Agent: StormPhone/1",
                 "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY, REFER, UPDATE, PRACK, INFO, MESSAGE, SUBSCRIBE"]
        if self.credentials.challenge is not None:
            lines.append(self.credentials.header("REGISTER", f"sip:{DOMAIN}"))
        self.octets = ("\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n").encode()
        self.due, self.interval = now, 0.5

    def tick(self, now):
        if self.outcome is None and now >= self.due:
            self.sock.sendto(self.octets, self.remote)
            self.sent += 1
            self.due, self.interval = now + self.interval, min(2 * self.interval, 4.0)

    def hear(self, now):
        message = Message(now, None, None, self.sock.recv(65535))
        if message.status is None or message.status < 200 or message.header("cseq") != f"{self.cseq} REGISTER" or self.outcome:
            return
        if message.status == 503 and message.header("retry-after"):
            self.refusals += 1
            self._next_request(now + int(message.header("retry-after").split()[0]))
        elif message.status in FIELDS and not self.is_challenged and self.credentials.take(message):
            self.is_challenged = True
            self._next_request(now)
        else:
            self.outcome = message.status


class Storm:
    def __init__(self, namespace, addresses, remote, users):
        """As many phones at each of the addresses."""
        # Ports of our choice: the kernel gives one to two sockets that may share their address.
        self.phones = [StormPhone(namespace.udp(addresses[number % len(addresses)], 10000 + number), remote, *one)
                       for number, one in enumerate(users.items())]

    def register(self, seconds=40.0, expires=3600):
        """{outcome: how many}; None for those without a final answer."""
        begun = time.monotonic()
        for phone in self.phones:
            phone.begin(begun, expires)
        by_socket = {phone.sock: phone for phone in self.phones}
        while (now := time.monotonic()) < begun + seconds and any(phone.outcome is None for phone in self.phones):
            for phone in self.phones:
                phone.tick(now)
            for sock in ready(list(by_socket), 0.02):
                by_socket[sock].hear(time.monotonic())
        found = {}
        for phone in self.phones:
            found[phone.outcome] = found.get(phone.outcome, 0) + 1
        return found

    def close(self):
        for phone in self.phones:
            phone.sock.close()
