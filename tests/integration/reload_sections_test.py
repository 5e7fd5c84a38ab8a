"""reload_sections_test.py — every section of the file changes by a reload while fifty calls a second with voice go on: each change
is seen on the wire, no call is lost, and calls that were up keep what they began with: listeners and ports that are gone,
too. RFC 3261 §12.2, §18; RFC 3264 §8."""

import contextlib
import json
import os
import re
import socket
import struct
import unittest

from harness import FAR_OUT6, OUT4, OUT6, SIP_PORT, eventually
from netns import inside
from phone import Phone
from reload_test import FAR, FRESH, NEAR, ReloadCase, peer
from stream_phone import StreamEnd

NEXT_PORT, STREAM_PORT, ANNEX_PORT = 5070, 5072, 5090
CS4 = 32
ECHO = 0x5a11  # names our echo requests


def checksum(octets):
    """RFC 1071, of an even number of octets."""
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


class SectionsCase(ReloadCase):
    rate, packets = 50, 10
    _ports = iter(range(5200, 5400))

    def first_config(self):
        config = super().first_config()
        config["dataplane"]["capacity"]["connections"] = 200
        self.named_in(config, "peers", "far")["sources"] = [f"{FAR_OUT6}/128"]
        return config

    @staticmethod
    def named_in(config, section, name):
        return next(one for one in config[section] if one["name"] == name)

    def realm(self, name):
        return self.named("realms", name)

    def phone_at(self, address, remote):
        """At a port of its own, so that several speak for one neighbour."""
        side = self.net.inn if address == NEAR else self.net.out
        found = Phone(side.udp(address, next(self._ports)), remote)
        self.addCleanup(found.stop)
        return found

    def door(self, address):
        sock = self.net.out.udp(address, next(self._ports))
        self.addCleanup(sock.close)
        return sock

    @staticmethod
    def last(phone, method):
        return [m for m in phone.heard[:] if m.status is None and m.method == method][-1]

    @staticmethod
    def media_port(message):
        return int(re.search(r"m=audio (\d+)", message.octets.decode()).group(1))


class Realms(SectionsCase):
    def test_how_we_show_ourselves_changes_for_new_calls_alone(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            old = self.connect(near, far, "6001")
            port = self.media_port(self.last(far, "INVITE"))
            self.realm("outside")["advertise"] = {"domain": "edge.example.net"}
            self.realm("outside")["media"] = {"ports": "30000-34999", "quarantine": "1s"}
            self.reload()
            new = self.connect(near, far, "6002")
            invite = self.last(far, "INVITE")
            self.assertIn("@edge.example.net", invite.header("contact"))
            self.assertIn(self.media_port(invite), range(30000, 35000))
            self.assert_goes_on(*old)
            again = self.last(far, "INVITE")
            self.assertIn(f"@{OUT4}", again.header("contact"))
            self.assertEqual(self.media_port(again), port)
            for call in (old, new):
                self.assert_goes_on(*call)
                self.hang_up(*call)

    def test_trust_and_marking_change(self):
        stranger, known = self.door(FRESH), self.door(FAR)
        known.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        with self.load():
            self.assert_silent(stranger, (OUT4, SIP_PORT))
            self.realm("outside").update(trust="trusted", signalling_dscp="CS4")
            self.reload()
            self.assert_answered(stranger, (OUT4, SIP_PORT))
            self.assertEqual(self.marking(known), CS4)
            self.realm("outside").update(trust="untrusted", signalling_dscp="CS3")
            self.reload()
            self.assert_silent(stranger, (OUT4, SIP_PORT))

    def marking(self, sock):
        """DSCP of the answer to OPTIONS."""
        import sip  # pylint: disable=import-outside-toplevel
        sock.settimeout(5)
        sock.sendto(sip.request("OPTIONS", sock.getsockname(), (OUT4, SIP_PORT)), (OUT4, SIP_PORT))
        _, notes, _, _ = sock.recvmsg(65535, 256)
        return next(octets[0] >> 2 for level, kind, octets in notes if (level, kind) == (socket.IPPROTO_IP, socket.IP_TOS))


class Listeners(SectionsCase):
    def test_a_listener_comes_and_goes_and_its_calls_stay(self):
        near, four, six = self.phone(NEAR), self.door(FAR), self.door(FAR_OUT6)
        listen = [{"transport": "udp", "port": SIP_PORT}]
        with self.load():
            for sock, own in ((four, OUT4), (six, OUT6)):
                self.assert_silent(sock, (own, NEXT_PORT))
            self.realm("outside")["listen"] = listen + [{"transport": "udp", "port": NEXT_PORT}]
            self.reload()
            for sock, own in ((four, OUT4), (six, OUT6)):
                self.assert_answered(sock, (own, NEXT_PORT))
            calls = [self.connect(self.phone_at(FAR, (OUT4, NEXT_PORT)), near, "5001"),
                     self.connect(self.phone_at(FAR_OUT6, (OUT6, NEXT_PORT)), near, "5001")]
            self.realm("outside")["listen"] = listen
            for number in range(2):  # in use, it stays over the next one, too
                self.config["routes"][0]["rules"] = []
                self.named("peers", "spare")["limits"] = {"in": {"calls": 100 + number, "rate": "100/s"}}
                self.reload()
                for sock, own in ((four, OUT4), (six, OUT6)):
                    self.assert_silent(sock, (own, NEXT_PORT))
                    self.assert_answered(sock, (own, SIP_PORT))
                for call in calls:
                    self.assert_goes_on(*call)
            for call in calls:
                self.hang_up(*call)

    def test_a_listener_of_streams_comes_and_goes_and_its_connections_stay(self):
        near = self.phone(NEAR)
        listen = [{"transport": "udp", "port": SIP_PORT}]
        with self.load():
            for own, far in ((OUT4, FAR), (OUT6, FAR_OUT6)):
                with self.subTest(address=own):
                    self.realm("outside")["listen"] = listen
                    self.reload()
                    self.assertFalse(self.takes_connections(far, own))
                    self.realm("outside")["listen"] = listen + [{"transport": "tcp", "port": STREAM_PORT}]
                    self.reload()
                    end = StreamEnd(self.net.out, (far, next(self._ports)), (own, STREAM_PORT))
                    phone = Phone(end, end.remote)
                    self.addCleanup(phone.stop)
                    call = self.connect(phone, near, "5001")
                    self.realm("outside")["listen"] = listen
                    self.reload()
                    self.assertFalse(self.takes_connections(far, own))
                    self.assert_goes_on(*call)
                    self.hang_up(*call)

    def takes_connections(self, far, own):
        family = socket.AF_INET6 if ":" in own else socket.AF_INET
        with inside(self.net.out.path):
            sock = socket.socket(family, socket.SOCK_STREAM)
        with sock:
            sock.settimeout(1.0)
            sock.bind((far, 0))
            try:
                sock.connect((own, STREAM_PORT))
            except (TimeoutError, ConnectionRefusedError):
                return False
        return True


class Annex(SectionsCase):
    """A realm of its own on a port that others use, too."""

    def annex(self):
        self.config["realms"].append({"name": "annex", "port": "outside", "listen": [{"transport": "udp", "port": ANNEX_PORT}],
                                      "media": {"ports": "45000-45999"}})
        self.config["peers"].append({**peer("annexed", "annex", FRESH)})
        self.config["routes"] += [{"name": "from-annex", "match": {"realm": ["annex"]}, "to": ["near"]},
                                  {"name": "to-annex", "match": {"peer": ["near"], "called": "^9"}, "to": ["annexed"]}]

    def test_a_realm_comes_and_goes_and_its_calls_end_when_they_end(self):
        near = self.phone(NEAR)
        fresh = Phone(self.net.out.udp(FRESH, SIP_PORT), (OUT4, ANNEX_PORT))
        self.addCleanup(fresh.stop)
        without = json.loads(json.dumps(self.config))
        with self.load():
            self.assertIsNone(self.refusal(fresh, "5001", 1.5))
            self.annex()
            self.assertIn("annex", self.reload())
            calls = [self.connect(fresh, near, "5001"), self.connect(near, fresh, "9001")]
            self.assertIn(self.media_port(self.last(fresh, "INVITE")), range(45000, 46000))
            self.assertIn(f":{ANNEX_PORT}", self.last(fresh, "INVITE").header("contact"))
            within = self.config
            self.config = without
            self.assertIn("annex", self.reload())
            self.assertIsNone(self.refusal(fresh, "5001", 1.5))
            self.assertEqual(self.refusal(near, "9001"), 404)
            for call in calls:
                self.assert_goes_on(*call)
                self.hang_up(*call)
            self.config = within  # once more, in its place
            self.reload()
            self.passes(fresh, near, "5002")
            self.passes(near, fresh, "9002")
        self.records.await_ends([one[0].call_id for one in calls])
        end = self.records.of(calls[0][0].call_id, "end")[0]
        self.assertEqual([leg["realm"] for leg in end["legs"]], ["annex", "inside"])


class Others(SectionsCase):
    def test_what_linux_may_use_of_a_port_changes(self):
        namespace = f"/proc/{self.daemon.process.pid}/root/run/netns/sp-{self.config['node']['name']}-outside"
        with inside(namespace):
            served = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(served.close)
        served.bind((OUT4, 9161))
        served.setblocking(False)
        client = self.door(FAR)
        with self.load():
            for services, hears in (([], False), (["udp:9161"], True), ([], False)):
                self.config["ports"][0]["linux"] = {"services": services}
                self.reload()
                before = self.daemon.dropped("outside", "no_listener")
                client.sendto(b"question", (OUT4, 9161))
                if hears:
                    eventually(lambda: self.heard(served), "Linux hears it")
                else:
                    eventually(lambda before=before: self.daemon.dropped("outside", "no_listener") > before, "it is dropped")
                    self.assertFalse(self.heard(served))

    def test_how_often_linux_answers_a_ping_changes(self):
        """A stranger's, and a peer's, which has as much for itself. Kept to: what one burst may hold, then nothing for long."""
        with self.load():
            for rate, most in (("0/s", 0), ("1000/s", 40), ("3/s", 10), ("0/s", 0), ("1000/s", 40)):
                self.config["ports"][0]["linux"] = {"ping": rate}
                self.reload()
                for address in (FRESH, FAR):
                    with self.subTest(rate=rate, address=address):
                        answered = self.echoes(address, 40)
                        self.assertLessEqual(answered, most)
                        self.assertEqual(answered > 0, most > 0)
                        self.assertEqual(answered == 40, most == 40)

    def echoes(self, address, count):
        """How many of so many echo requests, as fast as they go, are answered; the last word is dropped or answered, too."""
        before = self.echoes_told()
        with contextlib.closing(self.net.out.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) as sock:
            sock.bind((address, 0))
            sock.setblocking(False)
            heard = set()
            for number in range(count):
                head = struct.pack("!BBHHH", 8, 0, 0, ECHO, number)
                sock.sendto(struct.pack("!BBHHH", 8, 0, checksum(head), ECHO, number), (OUT4, 0))

            def all_are_told():
                with contextlib.suppress(BlockingIOError):
                    while True:
                        octets = sock.recv(2000)[20:]
                        kind, _, _, name, number = struct.unpack("!BBHHH", octets[:8])
                        if (kind, name) == (0, ECHO):
                            heard.add(number)
                return len(heard) + self.echoes_told() - before >= count
            eventually(all_are_told, "each is answered or counted as dropped")
        return len(heard)

    def echoes_told(self):
        return self.daemon.dropped("outside", "echo_budget")

    @staticmethod
    def heard(sock):
        try:
            return sock.recv(100) == b"question"
        except BlockingIOError:
            return False

    def test_every_other_section_changes_at_once(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        token = os.path.join(self.net.folder, "reader.token")
        with open(token, "w", encoding="ascii") as file:
            file.write("reader-token-of-this-test-0123456789\n")
        os.chmod(token, 0o600)
        with self.load():
            old = self.connect(near, far, "6001")
            self.config["header_rules"] = [{"name": "edge", "steps": [{"field": "header:X-Edge", "set": "two"}]}]
            self.config["profiles"] = [{"name": "edged", "headers": {"out": ["edge"]}}]
            self.named("peers", "far")["profile"] = "edged"
            with open(os.path.join(self.net.folder, "lcr.csv"), "w", encoding="ascii") as file:
                file.write("prefix,peer,weight\n77,far,1\n")
            self.config["tables"] = [{"name": "lcr", "file": "lcr.csv"}]
            self.named("routes", "to-spare")["to"] = [{"table": "lcr"}]
            self.config["emergency"] = {"numbers": ["116117"], "to": ["far"]}
            self.config["security"] = {"access": [{"source": f"{FRESH}/32", "realm": "outside", "action": "trusted"}]}
            self.config["management"]["tokens"] = [{"file": token, "role": "viewer"}]
            self.config["management"].setdefault("log", {})["level"] = "debug"
            self.reload()
            self.passes(near, far, "7701")
            self.assertEqual(self.last(far, "INVITE").header("x-edge"), "two")
            self.passes(near, far, "116117")
            self.assert_answered(self.door(FRESH), (OUT4, SIP_PORT))
            self.daemon.wait_for_log('"call_ended"')
            self.assertEqual(self.daemon.http("/api/v1/peers")[0], 401)
            self.assert_goes_on(*old)
            self.hang_up(*old)

    def test_what_by_nature_needs_a_restart_is_refused_by_file_line_and_key(self):
        changes = {
            "dataplane.lcores": lambda c: c["dataplane"].update(lcores=2),
            "dataplane.capacity.calls": lambda c: c["dataplane"]["capacity"].update(calls=2000),
            "ports[outside].device": lambda c: c["ports"][0].update(device="af_packet:other"),
            "ports[outside].addresses": lambda c: c["ports"][0].update(addresses=[f"{OUT4}/25"]),
            "realms[inside].port": lambda c: c["realms"][1].update(port="outside", listen=[{"transport": "udp", "port": 5099}],
                                                                    media={"ports": "46000-46999"}),
        }
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            for key, change in changes.items():
                with self.subTest(key=key):
                    other = json.loads(json.dumps(self.config))
                    change(other)
                    other["realms"][0]["listen"] = other["realms"][0]["listen"] + [{"transport": "udp", "port": NEXT_PORT}]
                    text = json.dumps(other, indent=1)
                    said = self.reload_is_refused(key, "restart", text=text)
                    self.assertRegex(said, rf"{re.escape(os.path.basename(self.daemon.config_path))}:\d+: {re.escape(key)}")
                    self.assert_silent(self.door(FAR), (OUT4, NEXT_PORT))  # not even that
            self.reload()
            self.passes(near, far, "6001")


if __name__ == "__main__":
    unittest.main()
