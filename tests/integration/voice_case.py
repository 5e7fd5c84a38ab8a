"""voice_case.py — calls with voice through one Sallyport: phones on both sides that a test leads, at addresses that pick
how their peer is configured. The first digit of a number picks the phone on the other side:

4 IPv4, 6 IPv6, 2 `latch: sdp`, 8 `latch: any`, 5 short times (inactivity, early media).
"""

import os

from call_case import OTHER, SIDES, host, target
from harness import SIP_PORT, SharedCase, eventually
from records import Records
from voice import VoicePhone, await_voice, hush_both

PLACES = {"4": ".2", "6": ":2", "2": ".3", "8": ".4", "5": ".5"}
MEDIA = {"2": {"latch": "sdp"}, "8": {"latch": "any"}, "5": {"inactivity": "2s"}}


def add_voice(config, network):
    config["dataplane"]["capacity"].update(calls=1000, transactions=20000)
    config["peers"], config["routes"] = [], []
    for side, (_, _, name, realm) in SIDES.items():
        far = network.out if side == "out" else network.inn
        for last in (3, 4, 5):
            far.ip("address", "add", f"{host(side, f'.{last}')}/24", "dev", "wire")
        for digit, place in PLACES.items():
            peer = {"name": f"{name}-{digit}", "realm": realm, "targets": [target(host(side, place))]}
            if digit in MEDIA:
                peer["media"] = MEDIA[digit]
            if digit == "5":
                peer["timers"] = {"early_media": "2s"}
            config["peers"].append(peer)
        config["routes"] += [{"name": f"to-{name}-{digit}", "to": [f"{name}-{digit}"], "match": {
            "peer": [f"{SIDES[OTHER[side]][2]}-{one}" for one in PLACES], "called": f"^{digit}"}} for digit in PLACES]


class Call:
    """An answered call, with the legs of its two phones."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.ends = near.end, far.end

    def talk(self):
        for end in self.ends:
            end.talk()
        return self

    def await_voice(self, packets=15):
        await_voice(*self.ends, packets)
        return self

    def hush(self):
        hush_both(*self.ends)


class VoiceCase(SharedCase):
    @classmethod
    def configure(cls, config):
        add_voice(config, cls.shared)
        cls.records = Records(config["node"]["state"])

    def phone(self, side, digit="4", **what):
        """The phone that numbers with this first digit ring, on one side."""
        namespace = self.net.out if side == "out" else self.net.inn
        address = host(side, PLACES[digit])
        sallyport = host(side, ":1" if ":" in address else ".1")
        phone = VoicePhone(namespace, namespace.udp(address, SIP_PORT), (sallyport, SIP_PORT), **what)
        self.addCleanup(phone.stop)
        return phone

    def phones(self, digits=("4", "4"), side="out", **what):
        """A caller's phone on this side and a callee's on the other."""
        return self.phone(side, digits[0], **what), self.phone(OTHER[side], digits[1], **what)

    def call(self, caller, callee, number):
        caller.call(number)
        eventually(lambda: callee.legs and callee.last_leg().dialog is not None and callee.last_leg().dialog.is_acked,
                   "the callee has the ACK")
        call = Call(caller.leg, callee.last_leg())
        self.addCleanup(self.end, call)
        return call

    def end(self, call):
        """Hangs up, if nobody has."""
        if not (call.near.dialog.is_ended or call.far.dialog.is_ended):
            call.near.dialog.hang_up()

    def voice_call(self, digits=("4", "4"), side="out", **what):
        """A call between two new phones, both of whom speak and hear."""
        return self.call(*self.phones(digits, side, **what), f"{digits[1]}001").talk().await_voice()

    def assert_whole(self, call):
        """Everything that both said was heard, and nothing else."""
        call.hush()
        for end, other in (call.ends, call.ends[::-1]):
            self.assertEqual(end.missing(other), [], f"{end.name} of {other.name}, who said {other.said}")
            self.assertEqual(end.not_of(other), [])

    def assert_silence(self, end, other, seconds=0.5):
        """Nothing more is heard of `other` once what is on the way has come."""
        end_of_wait = len(end.of(other))
        eventually(lambda: not _grows(end, other), f"{end.name} still hears {other.name}", 3.0)
        self.assertLessEqual(len(end.of(other)) - end_of_wait, 10)

    def record(self, leg):
        """The end record of a leg's call."""
        self.records.await_ends([leg.dialog.call_id])
        return self.records.of(leg.dialog.call_id, "end")[0]


def _grows(end, other, seconds=0.3):
    before = len(end.of(other))
    try:
        eventually(lambda: len(end.of(other)) > before, "another packet", seconds)
    except AssertionError:
        return False
    return True


def pcap_path(case, word):
    return os.path.join(case.net.folder, f"{case.id().rpartition('.')[2]}-{word}.pcap")
