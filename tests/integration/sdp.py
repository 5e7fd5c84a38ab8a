"""sdp.py — session descriptions as tests write and read them. RFC 8866; directions of RFC 3264 §6.1."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
EVENTS = ("rtpmap:101 telephone-event/8000", "fmtp:101 0-15")


class MediaLine:
    """One m-line with the address that holds for it."""

    def __init__(self, words, address):
        self.kind, port, self.protocol, *self.formats = words
        self.port, self.address, self.attributes = int(port), address, []

    @property
    def direction(self):
        return next((a for a in self.attributes if a in DIRECTIONS), "sendrecv")

    def attribute(self, name):
        """The value of `a=name:value`, "" for a flag, None when it is not there."""
        for one in self.attributes:
            found, _, value = one.partition(":")
            if found == name:
                return value
        return None

    @property
    def remote(self):
        return self.address, self.port


class Sdp:
    def __init__(self, octets):
        self.text, self.origin, self.attributes, self.media = octets.decode(), "", [], []
        address = ""
        for line in self.text.splitlines():
            kind, _, value = line.partition("=")
            if kind == "o":
                self.origin = value
            elif kind == "m":
                self.media.append(MediaLine(value.split(), address))
            elif kind == "c" and self.media:
                self.media[-1].address = value.split()[2]
            elif kind == "c":
                address = value.split()[2]
            elif kind == "a":
                (self.media[-1].attributes if self.media else self.attributes).append(value)


def write(address, port, version=1, **what):
    """what: kind, protocol, formats, attributes, direction, name (of the session), origin (o='s address), ptime."""
    family = "IP6" if ":" in address else "IP4"
    origin = what.get("origin", address)
    lines = ["v=0", f"o={what.get('name', 'phone')} {4711 + port} {version} IN {'IP6' if ':' in origin else 'IP4'} {origin}",
             f"s={what.get('name', '-')}", f"c=IN {family} {address}", "t=0 0",
             f"m={what.get('kind', 'audio')} {port} {what.get('protocol', 'RTP/AVP')} {what.get('formats', '0 8 101')}",
             *(f"a={one}" for one in what.get("attributes", EVENTS))]
    if what.get("direction"):
        lines.append(f"a={what['direction']}")
    return ("\r\n".join(lines) + "\r\n").encode()
