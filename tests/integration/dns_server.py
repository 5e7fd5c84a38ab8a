"""dns_server.py — a name server for tests, over UDP and TCP in a namespace: answers as told, is late, silent, or lies.

    server = DnsServer(namespace, "198.18.1.53")
    server.put("_sip._udp.sip.test", "SRV", [(10, 5, 5060, "edge.sip.test")], ttl=30)
    server.put("edge.sip.test", "A", ["198.18.1.2"])
    server.wait_asked("edge.sip.test", "A", timeout=5)
"""

import ipaddress
import select
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "AAAA": 28, "SRV": 33, "NAPTR": 35}
_NAMES = {number: name for name, number in TYPES.items()}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def name_octets(name):
    """A name as labels, not compressed."""
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"


def _text(text):
    octets = text.encode("latin-1")
    return bytes([len(octets)]) + octets


def record_octets(kind, value):
    """The RDATA of a record: an address, a name, (priority, weight, port, target) of SRV,
    (order, preference, flags, service, expression, replacement) of NAPTR, the minimum of SOA; bytes stay as they are."""
    if isinstance(value, bytes):
        return value
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "CNAME":
        return name_octets(value)
    if kind == "SRV":
        return struct.pack("!HHH", *value[:3]) + name_octets(value[3])
    if kind == "SOA":
        return name_octets("ns.test") + name_octets("root.test") + struct.pack("!IIIII", 1, 3600, 600, 86400, value)
    order, preference, flags, service, expression, replacement = value
    return (struct.pack("!HH", order, preference) + _text(flags) + _text(service) + _text(expression)
            + name_octets(replacement))


def read_question(query):
    """Name, type and the octets of the question of a query."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    number = struct.unpack("!H", query[at + 1:at + 3])[0]
    return ".".join(labels).lower(), _NAMES.get(number, str(number)), query[12:at + 5]


class DnsServer:
    """Serves in a thread of its own until close(); its table may be changed at any time."""

    def __init__(self, namespace, address, port=53):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._udp = namespace.socket(family, socket.SOCK_DGRAM)
        self._tcp = namespace.socket(family, socket.SOCK_STREAM)
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for one in (self._udp, self._tcp):
            one.bind((address, port))
        self._tcp.listen(16)
        self._wake, self._woken = socket.socketpair()
        self._changed = threading.Condition()
        self._records = {}  # (name, type): (values, ttl)
        self._timers = []
        self.asked = []  # (name, type, "udp" or "tcp")
        self.code = None  # of every answer, in place of what the table says
        self.silent = False  # True: nothing is answered; or a set of names
        self.delay = 0.0  # seconds before each answer
        self.truncate = False  # over UDP
        self.negative_ttl = 5  # in the SOA of "no such name"
        self.lie = None  # called with (name, type, honest answer): the octets to send instead, or None for nothing
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def put(self, name, kind, values, ttl=30):
        with self._changed:
            self._records[(name.lower(), kind)] = (list(values), ttl)

    def remove(self, name, kind=None):
        with self._changed:
            for key in [key for key in self._records if key[0] == name.lower() and kind in (None, key[1])]:
                del self._records[key]

    def times_asked(self, name, kind):
        with self._changed:
            return sum(1 for one in self.asked if one[:2] == (name.lower(), kind))

    def wait_asked(self, name, kind, timeout, times=1):
        """True once this was asked so often."""
        def is_enough():
            return sum(1 for one in self.asked if one[:2] == (name.lower(), kind)) >= times
        with self._changed:
            return self._changed.wait_for(is_enough, timeout)

    def close(self):
        self._wake.send(b"x")
        self._thread.join()
        for timer in self._timers:
            timer.cancel()
        for one in (self._udp, self._tcp, self._wake, self._woken):
            one.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _serve(self):
        connections = []
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._woken, *connections], [], [])
            if self._woken in ready:
                break
            if self._udp in ready:
                query, source = self._udp.recvfrom(4096)
                self._take(query, "udp", lambda reply, to=source: self._udp.sendto(reply, to))
            if self._tcp in ready:
                connections.append(self._tcp.accept()[0])
            for one in [one for one in connections if one in ready]:
                if not self._take_stream(one):
                    one.close()
                    connections.remove(one)
        for one in connections:
            one.close()

    def _take_stream(self, connection):
        try:
            head = connection.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                return False
            query = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
        except OSError:
            return False
        self._take(query, "tcp", lambda reply: connection.sendall(struct.pack("!H", len(reply)) + reply))
        return True

    def _take(self, query, transport, send):
        try:
            name, kind, question = read_question(query)
        except (IndexError, struct.error):
            return
        with self._changed:
            self.asked.append((name, kind, transport))
            self._changed.notify_all()
            is_silent = self.silent is True or (self.silent and name in self.silent)
            reply = None if is_silent else self._reply(query, (name, kind, question), transport)
        if reply is None:
            return
        if not self.delay:
            send(reply)
            return
        timer = threading.Timer(self.delay, self._send_late, (send, reply))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    @staticmethod
    def _send_late(send, reply):
        try:
            send(reply)
        except OSError:
            pass  # who asked has gone

    def _reply(self, query, asked, transport):
        name, kind, question = asked
        answers, owner = [], name
        for _ in range(16):  # aliases, as a resolver gives them
            alias = self._records.get((owner, "CNAME"))
            if alias is None or kind == "CNAME":
                break
            answers.append((owner, "CNAME", alias[0][0], alias[1]))
            owner = alias[0][0].lower()
        values, ttl = self._records.get((owner, kind), ([], 0))
        answers += [(owner, kind, value, ttl) for value in values]
        is_known = any(key[0] == owner for key in self._records)
        code = self.code if self.code is not None else NOERROR if is_known else NXDOMAIN
        truncated = self.truncate and transport == "udp"
        if code != NOERROR or truncated:
            answers = []
        zone = owner.split(".")[-1]
        absences = [] if answers or truncated else [(zone, "SOA", self.negative_ttl, self.negative_ttl)]
        flags = 0x8180 | (0x0200 if truncated else 0) | code
        reply = query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), len(absences), 0) + question
        for one_owner, one_kind, value, one_ttl in answers + absences:
            octets = record_octets(one_kind, value)
            reply += name_octets(one_owner) + struct.pack("!HHIH", TYPES[one_kind], 1, one_ttl, len(octets)) + octets
        return self.lie(name, kind, reply) if self.lie else reply
