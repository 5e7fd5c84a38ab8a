"""voice_attack_test.py — a stranger on the network outside, with any source address, hears nothing of a call, is not heard
in it and does not end it (threats M1, M5 to M9, M12). Judged by what both phones heard and by captures at every side.

The stranger's namespace is behind the far end of the outside cable, which forwards for it and answers ARP in its place,
so that Sallyport could well send to it.
"""

import contextlib
import select
import struct
import time
import unittest

import sdp
from capture import Capture, datagrams, frames_of
from frames import udp_frame
from harness import IN4, OUT4, OUT6, eventually
from netns import veth
from phone import Refused
from voice import rtp, words
from voice_case import VoiceCase, pcap_path
from voice_test import rtcp_types, sender_report

STRANGER = "198.18.1.66"
EVIL = "evil"
INJECTED_MAX = 5  # threats M1


class AttackCase(VoiceCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        net = cls.shared
        cls.evil = net.namespace("evil")
        veth(net.out, "to-evil", cls.evil, "wire")
        net.out.ip("link", "set", "to-evil", "up")
        cls.evil.ip("address", "add", f"{STRANGER}/32", "dev", "wire")
        cls.evil.ip("link", "set", "wire", "up")
        cls.evil.ip("route", "add", "198.18.1.0/24", "dev", "wire")
        net.out.ip("route", "add", f"{STRANGER}/32", "dev", "to-evil")
        net.out.sysctl("net.ipv4.ip_forward", 1)
        for interface in ("wire", "to-evil"):
            net.out.sysctl(f"net.ipv4.conf.{interface}.proxy_arp", 1)
        net.out.sysctl("net.ipv4.neigh.wire.proxy_delay", 0)
        net.out.sysctl("net.ipv4.neigh.to-evil.proxy_delay", 0)

    def setUp(self):
        super().setUp()
        self.socket = self.evil.udp(STRANGER)
        self.addCleanup(self.socket.close)
        self.raw = self.net.out.raw("wire")
        self.addCleanup(self.raw.close)
        self.macs = self.net.out.mac("wire"), self.daemon.port_mac("outside")
        self.said = 0

    def packet(self, ssrc=666, sequence=None):
        self.said += 1
        return rtp(self.said if sequence is None else sequence, words(EVIL, self.said), ssrc=ssrc)

    def inject(self, target, packets, **fields):
        """As the stranger itself, as fast as it can."""
        for _ in range(packets):
            self.socket.sendto(self.packet(**fields), target)

    def spoof(self, source, target, octets):
        """With any source address, from the cable itself."""
        self.raw.send(bytes(udp_frame(self.macs, source, target, octets)))

    @contextlib.contextmanager
    def captures(self, kinds="udp or icmp"):
        """Paths by side; whole when the block is left."""
        sides = {"out": self.net.out, "in": self.net.inn, "evil": self.evil}
        running = {name: Capture(where, pcap_path(self, f"{name}{self.said}"), kinds) for name, where in sides.items()}
        try:
            yield {name: capture.path for name, capture in running.items()}
        finally:
            for capture in running.values():
                capture.stop()

    @staticmethod
    def injected(end):
        return len([one for one in end.heard if b"evil    " in one.octets])

    def judge(self, call, paths, injected_max=INJECTED_MAX):
        """What the captures say: (injected, bled)."""
        injected = sum(1 for _, source, _, octets in datagrams(paths["in"]) if source[0] == IN4 and b"evil    " in octets)
        bled = sum(1 for _, source, _, octets in datagrams(paths["evil"]) if source[0] == OUT4)
        strange = [d for _, s, d, octets in datagrams(paths["out"])
                   if s[0] == OUT4 and call.far.end.name.encode() in octets[12:20] and d != (call.near.end.address, call.near.end.port)]
        self.assertEqual((bled, strange), (0, []), "bled")
        self.assertLessEqual(injected, injected_max)
        self.assertEqual(injected, self.injected(call.far.end))
        print(f"{self.id().rpartition('.')[2]}: {injected} injected, {bled} bled of {self.said}", flush=True)
        return injected


class BleedAndInject(AttackCase):
    """threats M1"""

    def before_the_lock(self, digit, packets, most):
        with self.captures() as paths:
            caller, callee = self.phones((digit, "4"))
            call = self.call(caller, callee, "4001")
            target = call.near.end.remote
            call.far.end.talk()
            self.inject(target, packets)
            eventually(lambda: call.far.end.said > 10, "the callee has spoken")
            call.near.end.talk()
            call.await_voice()
            self.inject(target, 200)
            call.await_voice()
            call.hush()
        self.assertEqual(call.far.end.missing(call.near.end), [])
        self.judge(call, paths, most)

    def test_before_the_lock_where_only_the_sdp_is_believed(self):
        self.before_the_lock("2", 200, 0)

    def test_before_the_lock_where_the_host_of_the_signalling_is_believed_too(self):
        self.before_the_lock("4", 200, 0)

    def test_before_the_lock_where_anybody_may_be_believed(self):
        self.before_the_lock("8", 4, INJECTED_MAX)

    # `any` means that a stranger is believed as long as nobody better is heard: from the first genuine packet he is out.
    def test_a_stranger_who_was_believed_is_out_with_the_first_packet_of_the_phone(self):
        caller, callee = self.phones(("8", "4"))
        call = self.call(caller, callee, "4001")
        call.far.end.talk()
        self.inject(call.near.end.remote, 50)
        eventually(lambda: select.select([self.socket], [], [], 0)[0], "the stranger hears; or the other tests would prove nothing")
        call.talk().await_voice()
        injected = self.injected(call.far.end)
        for _ in range(10):
            self.inject(call.near.end.remote, 20)
            call.await_voice(2)
        self.assertEqual(self.injected(call.far.end), injected)
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(2000)
        call.await_voice()
        self.assertEqual(select.select([self.socket], [], [], 0.1)[0], [], "the callee's voice still bleeds")

    def test_after_the_lock_with_any_source_and_all_that_can_be_guessed(self):
        for digit in ("2", "4", "8"):
            with self.subTest(digit=digit), self.captures() as paths:
                call = self.voice_call((digit, "4"))
                near, target = call.near.end, call.near.end.remote
                sources = ((near.address, near.port + 2), (STRANGER, near.port), (STRANGER, 5060), (OUT4, near.port), (IN4, target[1]),
                           ("127.0.0.1", near.port), ("198.18.2.2", call.far.end.port), ("0.0.0.0", near.port), (near.address, near.port + 1))
                for n in range(60):
                    for source in sources:
                        self.spoof(source, target, self.packet(near.ssrc, near.said + n))
                self.inject(target, 300, ssrc=near.ssrc, sequence=near.said + 1)
                self.inject((target[0], target[1] + 1), 50)
                call.await_voice(25)
                self.assert_whole(call)
            self.judge(call, paths, 0)

    def test_after_the_lock_over_ipv6_with_any_source(self):
        with self.captures("udp") as paths:
            call = self.voice_call(("6", "6"))
            near, target = call.near.end, call.near.end.remote
            sources = ((near.address, near.port + 2), ("fd18:1::66", near.port), (OUT6, near.port), ("::1", near.port), ("fe80::1", near.port),
                       ("::ffff:198.18.1.2", near.port), ("fd18:2::2", call.far.end.port), ("::", near.port))
            for n in range(60):
                for source in sources:
                    self.spoof(source, target, self.packet(near.ssrc, near.said + n))
            call.await_voice(25)
            self.assert_whole(call)
        elsewhere = [d for _, s, d, _ in datagrams(paths["out"]) if s[0] == OUT6 and s[1] == target[1] and d != (near.address, near.port)]
        self.assertEqual((self.injected(call.far.end), elsewhere), (0, []))

    def test_nobody_is_learned_anew_when_the_phone_falls_silent(self):
        call = self.voice_call()
        call.near.end.hush()
        far = call.far.end
        with self.captures() as paths:
            until = far.said + 60
            eventually(lambda: self.inject(call.near.end.remote, 2) or far.said > until, "more than a second")
        self.judge(call, paths, 0)

    # What a phone on the host of the signalling sends before the SDP's own port does is heard five times at the most.
    def test_another_port_of_the_same_host_before_the_lock(self):
        caller, callee = self.phones()
        call = self.call(caller, callee, "4001")
        other = self.net.out.udp(call.near.end.address)
        self.addCleanup(other.close)
        for _ in range(4):
            other.sendto(self.packet(), call.near.end.remote)
        call.talk().await_voice()
        for _ in range(100):
            other.sendto(self.packet(), call.near.end.remote)
        call.await_voice()
        self.assertLessEqual(self.injected(call.far.end), INJECTED_MAX)
        self.assertEqual(select.select([other], [], [], 0)[0], [], "bled")


STUN_HEAD = struct.pack("!HHI", 1, 8, 0x2112a442) + b"twelve-bytes"
STUN = (
    struct.pack("!HHI", 1, 0, 0x2112a442) + b"twelve-bytes",
    STUN_HEAD + struct.pack("!HH", 6, 0xffff) + b"user",
    STUN_HEAD + struct.pack("!HH", 9, 1) + b"\0\0\0\0",  # ERROR-CODE that is too short
    struct.pack("!HHI", 0x0101, 0xfffc, 0x2112a442) + b"twelve-bytes",
    struct.pack("!HHI", 1, 516, 0x2112a442) + b"twelve-bytes" + struct.pack("!HH", 6, 512) + b"u" * 512,
    b"\0\1\0\0",
    b"\0",
)
RTCP = (
    b"\x80\xc8\x00\x00",
    b"\x80\xc8\xff\xff" + b"\0" * 24,
    b"\x9f\xc9\x00\x01\0\0\0\1",
    b"\x81\xc8\x00\x06" + b"\0" * 24,
    sender_report(1, b"x")[:28] * 2,
    b"\x81\xcb\x00\x01" + b"\0\0\0\1",
    b"\x81\xca\x00\x02\0\0\0\1\1\xff\0\0",
    b"\x8f\xce\x00\x04\0\0\0\1\0\0\0\1REMB\1\0\0\1",
    b"\x83\xcd\x00\x04\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1",
    b"\x80\xcf\x00\x02\0\0\0\1\xff\xff\xff\xff",
    b"\xa0\xc8\x00\x00",
    b"\x40\xc8\x00\x00",
)


def lies(end):
    """Packets whose headers lie about what follows, or that nobody agreed on; all from the phone's own port."""
    good = rtp(9000, words("lie", 1), ssrc=end.ssrc)
    head, payload = good[:12], good[12:]
    return (
        b"\x8f" + head[1:], b"\x8f" + head[1:] + b"\0" * 40,  # 15 CSRCs that are not there
        b"\x90" + head[1:] + struct.pack("!HH", 0xbede, 0xffff) + payload, b"\x90" + head[1:] + b"\xbe",  # extension
        b"\xa0" + head[1:] + payload[:-1] + b"\xff", b"\xa0" + head[1:] + payload[:-1] + b"\0",  # padding
        b"\x40" + good[1:], b"\xc0" + good[1:], b"\x00" + good[1:],  # version
        head[:1] + bytes((77,)) + good[2:], head[:1] + bytes((8 + 64,)) + good[2:],  # payload type
        good[:11], good[:1], b"\x80",
    )


class Lies(AttackCase):
    def assert_lives(self, call):
        call.await_voice(25)
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)
        self.assert_whole(call)

    # threats M5
    def test_stun_of_any_shape_is_not_relayed_and_not_answered(self):
        with self.captures() as paths:
            call = self.voice_call()
            host, port = call.near.end.remote
            for _ in range(5):
                for octets in STUN:
                    for target in ((host, port), (host, port + 1)):
                        self.socket.sendto(octets, target)
                    call.near.end.send(octets)
                    call.near.end.send_rtcp(octets)
            self.assert_lives(call)
        self.assertEqual(call.far.end.heard_rtcp, [])
        self.judge(call, paths, 0)

    # threats M6
    def test_rtcp_of_any_shape_ends_no_call_and_what_lies_is_not_relayed(self):
        with self.captures() as paths:
            call = self.voice_call()
            near, (host, port) = call.near.end, call.near.end.remote
            for octets in RTCP:
                self.socket.sendto(octets, (host, port + 1))
                self.socket.sendto(octets, (host, port))
            call.await_voice(5)
            self.assertEqual(call.far.end.heard_rtcp, [], "RTCP of a stranger")
            for octets in RTCP:
                near.send_rtcp(octets)
            near.send_rtcp(sender_report(near.ssrc, b"x") + b"\x81\xcb\x00\x01" + struct.pack("!I", near.ssrc))  # BYE
            self.assert_lives(call)
        for one in call.far.end.heard_rtcp:
            self.assertIsNotNone(rtcp_types(one.octets), one)
        self.judge(call, paths, 0)

    # threats M7
    def test_headers_that_lie_are_not_relayed(self):
        call = self.voice_call()
        for octets in lies(call.near.end):
            call.near.end.send(octets)
        self.assert_lives(call)
        eventually(lambda: self.daemon.count("media_dropped_total", reason="bad_length") >= 6, "they are counted")
        self.assertGreaterEqual(self.daemon.count("media_dropped_total", reason="payload_type"), 1)

    # threats M7: a phone may begin anew at any time.
    def test_jumps_of_sequence_and_ssrc_pass(self):
        call = self.voice_call()
        for n, ssrc in enumerate((1, 2, 3, call.near.end.ssrc)):
            for sequence in (0, 65535, 1, 40000):
                call.near.end.send(rtp(sequence, words("jump", n), ssrc=ssrc))
        eventually(lambda: len(call.far.end.not_of(call.near.end)) == 16, "all of them")
        call.await_voice()

    # threats M12
    def test_fax_packets_that_lie_are_not_relayed(self):
        call = self.voice_call()
        call.hush()
        self.assertEqual(call.near.change(kind="image", protocol="udptl", formats="t38",
                                          attributes=("T38FaxVersion:0", "T38FaxUdpEC:t38UDPRedundancy")), 200)
        good = struct.pack("!HB", 7, 2) + b"\xaa\x01" + b"\0\0"
        bad = (b"", b"\0", b"\0\1", b"\0\1\xff", b"\0\1\x20" + b"a" * 5, b"\0\1\xc0\xc1\xc2", b"\0\1\2aa\0\xff", b"\0\1\2aa\x80\xff\xff")
        before = len(call.far.end.heard)
        for octets in bad:
            call.near.end.send(octets)
            self.socket.sendto(octets, call.near.end.remote)
        self.socket.sendto(good, call.near.end.remote)
        call.near.end.send(good)
        eventually(lambda: any(one.octets == good for one in call.far.end.heard[before:]), "the one that is right")
        self.assertEqual([one.octets for one in call.far.end.heard[before:]], [good])
        self.assertEqual(call.near.dialog.hang_up(), 200)


class Floods(AttackCase):
    """threats M8"""

    def flood(self, seconds, rate, target_of):
        """Packets of the stranger to target_of(n), evenly at `rate`."""
        begin, sent = time.monotonic(), 0
        while (now := time.monotonic()) < begin + seconds:
            due = int((now - begin) * rate)
            while sent < due:
                self.socket.sendto(self.packet(), target_of(sent))
                sent += 1
            select.select([], [], [], 0.001)
        return sent

    def icmp(self, path):
        return sum(1 for _, frame in frames_of(path) if frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[26:30] == bytes((198, 18, 1, 1)))

    def test_a_flood_to_the_open_port_starves_nobody(self):
        call = self.voice_call()
        with self.captures() as paths:
            sent = self.flood(2.0, 19000, lambda n: call.near.end.remote)
            call.await_voice()
            self.assert_whole(call)
        self.assertEqual(self.icmp(paths["evil"]), 0)
        self.judge(call, paths, 0)
        self.assertGreater(sent, 10000)

    def test_a_spray_over_all_ports_is_not_answered_and_starves_nobody(self):
        call = self.voice_call()
        own = call.near.end.remote[1]
        with self.captures() as paths:
            self.flood(1.0, 10000, lambda n: (OUT4, own + 2 + n % 9000 if own < 21000 else 20000 + n % (own - 20000)))
            call.await_voice()
            self.assert_whole(call)
        self.assertLess(self.icmp(paths["evil"]), 5, "a flood of ICMP")
        self.judge(call, paths, 0)

    # The phone itself sends more than it has agreed to: what is too much is not relayed.
    def test_a_phone_that_sends_ten_times_what_it_agreed_to_is_cut_down(self):
        call = self.voice_call()
        before, said = len(call.far.end.heard), 0
        until = call.far.end.said + 50
        while call.far.end.said < until:  # a second by the callee's packets
            for _ in range(10):
                call.near.end.send(rtp(said, words("burst", said), ssrc=call.near.end.ssrc))
                said += 1
            select.select([], [], [], 0.01)
        heard = len(call.far.end.heard) - before
        self.assertGreater(said, 400)
        self.assertLess(heard, 200, f"{heard} of {said}")


class PortReuse(AttackCase):
    """threats M9: four pairs of ports, each free again a second after its call."""

    @classmethod
    def configure(cls, config):
        super().configure(config)
        for realm in config["realms"]:
            realm["media"] = {"ports": "20000-20007", "quarantine": "1s"}
        # One number is dialled until there is a port again.
        config.setdefault("security", {}).setdefault("detectors", {})["tdos"] = {"calls_per_callee": "100/s"}

    def call_if_there_is_a_port(self, caller, callee):
        try:
            return self.call(caller, callee, "4001")
        except Refused as refused:
            self.assertEqual(refused.status, 503)
            return None

    def has_alarm(self):
        return any(alarm["name"] == "media_ports_low" for alarm in self.daemon.show("alarms")["alarms"])

    def test_a_call_for_which_there_is_no_port_is_refused_and_an_alarm_tells_of_it(self):
        caller, callee = self.phones()
        calls = [self.call(caller, callee, "4001") for _ in range(4)]
        eventually(self.has_alarm, "the alarm", 5.0)
        with self.assertRaises(Refused) as raised:
            caller.call("4001")
        self.assertEqual(raised.exception.status, 503)
        for call in calls:
            self.assertEqual(call.near.dialog.hang_up(), 200)
        eventually(lambda: not self.has_alarm(), "the alarm ends when the ports are free again", 10.0)

    def test_no_packet_of_a_call_reaches_the_next_one_at_its_port(self):
        caller, callee = self.phones()
        old = eventually(lambda: self.call_if_there_is_a_port(caller, callee), "a port").talk().await_voice()
        port = old.near.end.remote[1]
        self.assertEqual(old.near.dialog.hang_up(), 200)  # and both go on talking
        found = []

        def comes_again():
            new = self.call_if_there_is_a_port(caller, callee)
            if new is None:
                return False
            if new.near.end.remote[1] == port:
                return found.append(new) or True
            new.talk().await_voice(3)
            self.end(new)
            return False
        eventually(comes_again, "the port is given again", 20.0)
        new = found[0].talk().await_voice(50)
        for end in new.ends:
            for other in old.ends:
                self.assertEqual(len(end.of(other)), 0, "words of the call before")
        self.assertEqual(new.near.dialog.hang_up(), 200)
        for end in old.ends + new.ends:
            end.hush()


class BadOffers(AttackCase):
    """threats P11: what an edge must not pass on."""

    def test_offers_that_make_no_sense_are_refused_and_the_callee_hears_nothing(self):
        caller, callee = self.phones()
        good = sdp.write("198.18.1.2", 40000).decode()
        bad = {
            "payload type": good.replace("0 8 101", "0 4294967296"), "port": good.replace("40000", "99999"),
            "port negative": good.replace("40000", "-1"), "NUL": good.replace("a=fmtp", "a=fm\0tp"),
            "long name": good.replace("audio", "a" * 1100), "400 streams": good + "m=audio 40002 RTP/AVP 0\r\n" * 400,
            "no address": "\r\n".join(line for line in good.splitlines() if line[0] != "c") + "\r\n",
            "host cut": good.replace("c=IN IP4 198.18.1.2", "c=IN IP4 198.18.1"), "version": good.replace("v=0", "v=1"),
            "no sdp": "hello\r\n", "cut": good.partition("c=IN")[0] + "c=IN",
        }
        for name, text in bad.items():
            with self.subTest(offer=name):
                caller.offer = lambda text=text: text.encode()
                with self.assertRaises(Refused) as raised:
                    caller.call("4001")
                self.assertIn(raised.exception.status, (400, 488))
        self.assertEqual(callee.legs, {})


if __name__ == "__main__":
    unittest.main()
