"""registrar_case.py — one Sallyport at which phones outside register, in either mode, and a PBX inside: addresses, users,
routes, calls between them.

Phones have numbers from 1001 to 1099, each an address of its own; what begins with 2 is the PBX's. Every test takes
users that no other one of its class has.
"""

import hashlib
import itertools
import json
import os

from harness import FAR_IN4, IN4, OUT4, OUT6, SIP_PORT, Case, SharedCase, eventually
from records import Records
from registering_phone import DOMAIN, USERS, RegisteringPhone, UpstreamRegistrar, uri_of
from stream_case import Side, listen_on_streams, port_of
from stream_phone import StreamEnd
from voice import VoicePhone
from voice_case import Call

GENEROUS = {"limits": {"source": {"rate": "5000/s", "burst": 10000}, "unknown": {"rate": "10000/s"},
                       "prefix": {"ipv4": 24, "ipv6": 64, "rate": "5000/s", "burst": 10000}}}
_PLACES = itertools.count(11)


def ha1(algorithm, user, password, realm=DOMAIN):
    return hashlib.new(algorithm, f"{user}:{realm}:{password}".encode()).hexdigest()


def write_users(path, users, words=("ha1_md5", "ha1_sha256")):
    """The file of users of a local registrar; one of `password` in place of hashes too."""
    def line(user, password):
        known = {"ha1_md5": ha1("md5", user, password), "ha1_sha256": ha1("sha256", user, password), "password": password}
        return {"user": user, "domain": DOMAIN, **{word: known[word] for word in words}}
    new = f"{path}.new"
    with open(new, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        json.dump({"users": [line(*one) for one in users.items()]}, file)
    os.replace(new, path)
    return path


def add_registrar(config, folder, mode="local", **more):
    """Registrar `phones` outside, and the routes between it and the PBX."""
    config["dataplane"]["capacity"].update(calls=1000, transactions=20000, registrations=5000, connections=2000)
    registrar = {"name": "phones", "realm": "outside", "mode": mode, "domains": [DOMAIN], **more}
    if mode == "local":
        registrar["users_file"] = write_users(os.path.join(folder, "users.yaml"), USERS)
    else:
        registrar["upstream"] = "pbx"
    config["registrars"] = [registrar]
    # No probes: a test may have no PBX.
    config["peers"] = [{"name": "pbx", "realm": "inside", "targets": [{"address": f"{FAR_IN4}:{SIP_PORT}"}], "health": {"ping": "never"}}]
    to_phones = {"to": [{"registrar": "phones"}]}
    config["routes"] = [{"name": "pbx-to-phones", "match": {"peer": ["pbx"]}, **to_phones}]
    if mode == "local":
        config["routes"] += [{"name": "phones-to-pbx", "match": {"registrar": ["phones"], "called": "^2"}, "to": ["pbx"]},
                             {"name": "between-phones", "match": {"registrar": ["phones"]}, **to_phones}]
    else:
        config["routes"].append({"name": "phones-to-pbx", "match": {"registrar": ["phones"]}, "to": ["pbx"]})
    config["security"] = GENEROUS
    return config


class Phones:
    """Mixed into a case that has `daemon`: phones, the PBX and calls. `sides`: for TLS (stream_case.Side)."""

    transport, version = "udp", 4
    sides = None
    _users = itertools.count(1001)

    def user(self):
        """A number that no other test has."""
        return f"{1001 + (next(Phones._users) - 1001) % len(USERS)}"

    def address(self, version=None):
        """Of one more phone outside."""
        last = next(_PLACES)
        address = f"198.18.1.{last}" if (version or self.version) == 4 else f"fd18:1::{last:x}"
        self.net.out.ip("address", "add", f"{address}/{64 if ':' in address else 24}", "dev", "wire",
                        *(["nodad"] if ":" in address else []))
        return address

    def phone(self, user=None, **what):
        """what: transport, version, address, namespace, keywords of RegisteringPhone."""
        transport, namespace = what.pop("transport", self.transport), what.pop("namespace", self.net.out)
        address = what.pop("address", None) or self.address(what.pop("version", None))
        remote = (OUT6 if ":" in address else OUT4), port_of(transport)
        if transport == "udp":
            sock = namespace.udp(address, SIP_PORT)
        else:
            identity = self.sides["out"].identity(f"phone-{next(_PLACES)}", address) if transport == "tls" else None
            sock = StreamEnd(namespace, (address, port_of(transport)), remote, transport.upper(), identity)
            sock.refuse()  # a phone is reached over the connection that it made
        phone = RegisteringPhone(namespace, sock, remote, user or self.user(), **what)
        self.addCleanup(phone.stop)
        return phone

    def registered_phone(self, user=None, expires=60, **what):
        phone = self.phone(user, **what)
        self.assert_status(200, phone.register(expires))
        return phone

    def pbx(self):
        found = VoicePhone(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(found.stop)
        return found

    def upstream(self):
        found = UpstreamRegistrar(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(found.stop)
        return found

    def assert_status(self, status, answer):
        self.assertIsNotNone(answer, "no answer")
        self.assertEqual(answer.status, status, answer.octets)
        return answer

    def connect(self, caller, callee, number, to=None):
        """An answered call with voice that both have heard."""
        dialog = caller.call(number, to=to)
        eventually(lambda: callee.legs and callee.last_leg().dialog is not None and callee.last_leg().dialog.is_acked, "the ACK")
        return Call(caller.legs[dialog.call_id], callee.last_leg()).talk().await_voice()

    def hang_up(self, call, by=None):
        """By one of both legs, once everything that was said was heard; the other leg is told."""
        call.hush()
        leg = by or call.near
        other = call.far if leg is call.near else call.near
        self.assertEqual(leg.dialog.hang_up(), 200)
        eventually(lambda: other.dialog.is_ended, "the BYE arrives")

    def shown(self, user):
        """Bindings of a user as `show registrations` has them."""
        return [one for one in self.daemon.show("registrations")["registrations"] if one["aor"] == f"{user}@{DOMAIN}"]

    def await_shown(self, user, number, seconds=10.0):
        eventually(lambda: len(self.shown(user)) == number, f"{number} bindings of {user} are shown", seconds)


class RegistrarCase(Phones, SharedCase):
    """Subclasses say their mode and further keys of the registrar."""

    mode, keys = "local", {}

    @classmethod
    def configure(cls, config):
        add_registrar(config, cls.shared.folder, cls.mode, **cls.keys)
        cls.sides = {side: Side(cls.shared, side) for side in ("out", "in")}
        listen_on_streams(config, cls.sides)
        cls.records = Records(config["node"]["state"])


class OwnRegistrarCase(Phones, Case):
    """A daemon for each test."""

    mode, keys = "local", {}

    def setUp(self):
        super().setUp()
        self.config = add_registrar(self.net.config(), self.net.folder, self.mode, **self.keys)
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        listen_on_streams(self.config, self.sides)
        self.configure()
        self.daemon = self.net.start(self.config)

    def configure(self):
        """Subclasses change `config` here."""

    def await_written(self, phone):
        """Nobody waits for the disk, so what a crash may take is the last moment; once the latest binding is in the file, all are."""
        paths = [os.path.join(self.config["node"]["state"], f"registrations.db{end}") for end in ("", "-wal")]

        def is_written():
            for path in paths:
                if os.path.exists(path):
                    with open(path, "rb") as file:
                        if uri_of(phone.contact).encode() in file.read():
                            return True
            return False
        eventually(is_written, "the last binding is on the disk")
