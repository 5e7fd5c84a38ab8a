"""stream_case.py — calls with voice between phones that speak UDP, TCP or TLS to one Sallyport. RFC 3261 §18, RFC 5922.

The first digit of a number picks the phone on the other side: 1 UDP, 2 TCP, 3 TLS over IPv4; 6, 7, 8 the same over IPv6.
Every side has an authority of its own, that the other side does not know.
"""

import re
import threading

import certificates
import voice_case
from call_case import OTHER, SIDES, host
from harness import FAR_IN4, FAR_OUT4, IN4, IN6, OUT4, OUT6, SIP_PORT, eventually
from phone import Phone, Refused
from records import Records
from stream_phone import StreamEnd
from voice import VoicePhone
from voice_case import Call, VoiceCase

TLS_PORT = 5061
PLACES = {"1": (".2", "udp"), "2": (".3", "tcp"), "3": (".4", "tls"), "6": (":2", "udp"), "7": (":3", "tcp"), "8": (":4", "tls")}
OWN = {"out": (OUT4, OUT6), "in": (IN4, IN6)}
FAR4 = {"out": FAR_OUT4, "in": FAR_IN4}


def far_end(network, side):
    return network.out if side == "out" else network.inn


def own_address(side, address):
    """Sallyport's address for who speaks to it from there."""
    return OWN[side][":" in address]


def port_of(transport):
    return TLS_PORT if transport == "tls" else SIP_PORT


def written(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Side:
    """The authority of one side and what it has signed."""

    def __init__(self, network, side):
        self.network, self.side = network, side
        self.authority = certificates.Authority(network.folder, f"authority-{side}")
        self.edge = self.authority.issue(f"edge-{side}", [f"sip:edge-{side}.test"], [f"edge-{side}.test"], OWN[side])
        self._identities = {}

    def identity(self, name, address):
        if name not in self._identities:
            pair = self.authority.issue(name, [f"sip:{name}.test"], [f"{name}.test"], [address])
            self._identities[name] = certificates.Identity(pair, self.authority, demands=True)
        return self._identities[name]


def listen_on_streams(config, sides, **tls):
    """TCP and TLS beside UDP in both realms. tls: further keys of the TLS listeners."""
    config["dataplane"]["capacity"]["connections"] = 2000
    config["tls"] = {
        "certificates": [{"name": f"edge-{s}", "certificate": sides[s].edge.certificate, "key": sides[s].edge.key} for s in sides],
        "authorities": [{"name": f"authority-{s}", "files": [sides[s].authority.path]} for s in sides]}
    for realm in config["realms"]:
        side = {"outside": "out", "inside": "in"}[realm["name"]]
        realm["listen"] = [{"transport": "udp", "port": SIP_PORT}, {"transport": "tcp", "port": SIP_PORT},
                           {"transport": "tls", "port": TLS_PORT, "certificate": f"edge-{side}", **tls}]


def stream_peer(side, name, address, transport):
    # No probes: who met no phone yet would leave its place alone for a while.
    found = {"name": name, "realm": SIDES[side][3], "transport": transport, "health": {"ping": "never"},
             "targets": [{"address": written(address, port_of(transport))}]}
    if transport == "tls":
        found["tls"] = {"certificate": f"edge-{side}", "authorities": [f"authority-{side}"], "name": f"{name}.test"}
    return found


def add_addresses(network, places):
    for side in SIDES:
        for place in places:
            address = host(side, place)
            far_end(network, side).ip("address", "add", f"{address}/{64 if ':' in address else 24}", "dev", "wire",
                                      *(["nodad"] if ":" in address else []), check=False)  # some are there


def add_streams(config, network, sides):
    config["dataplane"]["capacity"].update(calls=1000, transactions=20000)
    listen_on_streams(config, sides)
    add_addresses(network, [place for place, _ in PLACES.values()])
    config["peers"], config["routes"] = [], []
    for side, (_, _, name, _) in SIDES.items():
        config["peers"] += [stream_peer(side, f"{name}-{d}", host(side, p), t) for d, (p, t) in PLACES.items()]
        config["routes"] += [{"name": f"to-{name}-{digit}", "to": [f"{name}-{digit}"], "match": {
            "peer": [f"{SIDES[OTHER[side]][2]}-{one}" for one in PLACES], "called": f"^{digit}"}} for digit in PLACES]


def make_phone(case, side, name, address, transport, /, **what):
    """The phone of a peer. The case has `sides`. what: identity (for TLS, another than its own), speaks
    (False: a phone.Phone, for thousands of calls), words of its SDP."""
    identity, speaks = what.pop("identity", None), what.pop("speaks", True)
    namespace, remote = far_end(case.net, side), (own_address(side, address), port_of(transport))
    if transport == "udp":
        sock = namespace.udp(address, SIP_PORT)
    else:
        if transport == "tls" and identity is None:
            identity = case.sides[side].identity(name, address)
        sock = StreamEnd(namespace, (address, port_of(transport)), remote, transport.upper(), identity)
    phone = VoicePhone(namespace, sock, remote, **what) if speaks else Phone(sock, remote)
    case.addCleanup(phone.stop)
    return phone


class StreamCase(VoiceCase):
    @classmethod
    def configure(cls, config):
        cls.sides = {side: Side(cls.shared, side) for side in SIDES}
        add_streams(config, cls.shared, cls.sides)
        cls.records = Records(config["node"]["state"])

    def phone(self, side, digit="2", **what):
        """The phone that numbers with this first digit ring, on one side."""
        place, transport = PLACES[digit]
        return make_phone(self, side, f"{SIDES[side][2]}-{digit}", host(side, place), transport, **what)

    def connect(self, caller, callee, digit):
        """A call to the callee, who is the phone of this digit, acknowledged."""
        dialog = caller.call(f"{digit}001")
        eventually(lambda: dialog_of(callee) is not None and dialog_of(callee).is_acked, "the callee has the ACK")
        call = Call(caller.legs[dialog.call_id], callee.last_leg())
        self.addCleanup(self.end, call)
        return call

    def calling(self, caller, number, seconds=20.0):
        """A call that a thread makes; its Dialog or Refused is in the list once the thread has ended."""
        outcome = []

        def make():
            try:
                outcome.append(caller.call(number, seconds))
            except Refused as refused:
                outcome.append(refused)
        thread = threading.Thread(target=make, daemon=True)
        thread.start()
        self.addCleanup(thread.join, seconds)
        return outcome, thread

    def hang_up(self, call, leg):
        """By one side; the other has heard of it."""
        other = call.far if leg is call.near else call.near
        self.assertEqual(leg.dialog.hang_up(), 200)
        eventually(lambda: other.dialog.is_ended, f"the BYE comes over {other.phone.transport}")

    def assert_well_formed(self, phone):
        """What it heard was said over the transport that it speaks, and was whole."""
        self.assertEqual(getattr(phone.sock, "faults", []), [])
        for message in phone.heard:
            if message.status is None:
                self.assertEqual(len(message.headers["via"]), 1)
                self.assertTrue(message.header("via").startswith(f"SIP/2.0/{phone.transport} "), message.octets)
            contact = message.header("contact")
            if phone.transport != "UDP" and contact:
                self.assertIn(f";transport={phone.transport.lower()}", contact.lower())

    def assert_nothing_leaks(self, call):
        """Neither phone heard a word of its other side's."""
        for near, far in ((call.near, call.far), (call.far, call.near)):
            heard = b"\n".join(m.octets for m in near.phone.heard if m.call_id == near.dialog.call_id)
            self.assertTrue(heard)
            side = "in" if near.phone.namespace is self.net.out else "out"
            theirs = far.dialog
            words = [theirs.call_id, theirs.call_id.partition("@")[0], far.phone.sock.getsockname()[0],
                     *(f"{OWN[side][at].rpartition('.' if at == 0 else '::')[0]}" for at in (0, 1)),
                     *re.findall(r"tag=([^;>]+)", theirs.local + theirs.remote), theirs.target, *re.findall(r"@([^;>]+)", theirs.target),
                     *(m.branch for m in far.phone.heard if m.call_id == theirs.call_id), f"edge-{side}", f"authority-{side}"]
            for word in filter(None, words):
                self.assertNotIn(word.encode(), heard, f"of the other side, seen by {near.phone.transport}")


def dialog_of(phone):
    return phone.last_leg().dialog if phone.legs else None


class VoiceOverStreams:
    """Mixed into a case of VoiceCase: every peer and every phone speaks `transport`."""

    transport = "tcp"

    @classmethod
    def configure(cls, config):
        super().configure(config)
        cls.sides = {side: Side(cls.shared, side) for side in SIDES}
        listen_on_streams(config, cls.sides)
        for peer in config["peers"]:
            side = "out" if peer["realm"] == "outside" else "in"
            address = peer["targets"][0]["address"].rpartition(":")[0].strip("[]")
            peer.update(stream_peer(side, peer["name"], address, cls.transport))

    def phone(self, side, digit="4", **what):
        """The one before it at this place goes, for only one can listen there."""
        if not hasattr(self, "standing"):
            self.standing = {}
        if (side, digit) in self.standing:
            old = self.standing.pop((side, digit))
            for dialog in old.dialogs.values():
                if not dialog.is_ended:
                    dialog.hang_up(5.0)
            old.stop()
        name = f"{SIDES[side][2]}-{digit}"
        self.standing[side, digit] = make_phone(self, side, name, host(side, voice_case.PLACES[digit]), self.transport, **what)
        return self.standing[side, digit]
