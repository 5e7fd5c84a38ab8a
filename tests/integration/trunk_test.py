"""trunk_test.py — a trunk that challenges, wants to be registered at, is watched, fails and comes back, and is known by a
name. RFC 3261 §10.2, §22; RFC 7616; RFC 8760; RFC 3263; RFC 6140; threats I3, R14."""

import json
import os
import unittest

from certificates import Identity
from dns_server import DnsServer
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, Case, SharedCase, eventually
from phone import Refused
from records import Records
from stream_case import Side, listen_on_streams, port_of
from stream_phone import StreamEnd
from trunk_phone import Carrier, Challenge
from voice import VoicePhone
from voice_case import Call

SECOND4, THIRD4, NAMES4 = "198.18.1.3", "198.18.1.4", "198.18.1.53"
PASSWORD = "secret of trunk1"
QUICK = {"ping": "1s", "down_after": 2, "up_after": 2}


def carrier_config(config, folder, **peer):
    """Quick timers, and credentials for the carrier."""
    secret = os.path.join(folder, "trunk1.secret")
    with open(secret, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(PASSWORD + "\n")
    config["profiles"] = [{"name": "quick", "timers": {"t1": "150ms", "setup": "1s"}}]
    config["peers"][0] = {"name": "carrier", "realm": "outside", "profile": "quick", "targets": [{"address": f"{FAR_OUT4}:5060"}],
                          "credentials": [{"digest_realm": "carrier.test", "user": "trunk1", "password_file": secret}], **peer}
    config["routes"][1]["retry_on"] = [408, 500, 502, 503, 504]
    return config


class TrunkMixin:
    """Phones of both sides for a Case or a SharedCase that has `daemon` and `records`."""

    def prepare(self):
        for address in (SECOND4, THIRD4, NAMES4):
            self.net.out.ip("address", "add", f"{address}/24", "dev", "wire", check=False)

    def carrier(self, address=FAR_OUT4, transport="udp"):
        remote = OUT4, port_of(transport)
        if transport == "udp":
            sock = self.net.out.udp(address, SIP_PORT)
        else:
            identity = self.sides["out"].identity(f"carrier-{address}", address) if transport == "tls" else None
            sock = StreamEnd(self.net.out, (address, port_of(transport)), remote, transport.upper(), identity)
        found = Carrier(self.net.out, sock, remote)
        self.addCleanup(found.stop)
        return found

    def pbx(self):
        found = VoicePhone(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(found.stop)
        return found

    def connect(self, caller, callee, number="+15550100"):
        dialog = caller.call(number)
        eventually(lambda: callee.legs and callee.last_leg().dialog is not None and callee.last_leg().dialog.is_acked, "the ACK")
        return Call(caller.legs[dialog.call_id], callee.last_leg())

    def hang_up(self, call):
        self.assertEqual(call.near.dialog.hang_up(), 200)
        eventually(lambda: call.far.dialog.is_ended, "the BYE arrives")

    def up(self, peer="carrier"):
        return self.daemon.count("peer_up", peer=peer)


class Digest(TrunkMixin, SharedCase):
    @classmethod
    def configure(cls, config):
        carrier_config(config, cls.shared.folder)

    def setUp(self):
        super().setUp()
        self.prepare()

    def challenged_call(self, challenge):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = challenge
        call = self.connect(caller, callee)
        self.assertNotIn(challenge.status, [m.status for m in caller.heard], "the caller saw it")
        self.hang_up(call)
        self.assertEqual(challenge.faults, [])
        for phone in (caller, callee):
            phone.stop()

    def test_each_algorithm_by_server_and_by_proxy_with_and_without_qop(self):
        for algorithm in ("MD5", "SHA-256", "SHA-512-256"):
            for status in (401, 407):
                for qop in ("auth", "auth,auth-int", ""):
                    with self.subTest(algorithm=algorithm, status=status, qop=qop):
                        challenge = Challenge(("INVITE",), status, (algorithm,), qop=qop)
                        self.challenged_call(challenge)
                        self.assertEqual(challenge.passed, [("INVITE", algorithm)])

    # RFC 8760 §2.4
    def test_of_several_challenges_the_strongest_is_answered(self):
        challenge = Challenge(("INVITE",), 401, ("MD5", "SHA-256"))
        self.challenged_call(challenge)
        self.assertEqual(challenge.passed, [("INVITE", "SHA-256")])

    def test_requests_within_the_call_are_answered_too(self):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = Challenge(("INVITE", "BYE", "UPDATE"), 407, ("SHA-256",))
        call = self.connect(caller, callee)
        for method in ("INVITE", "UPDATE"):
            self.assertEqual(call.near.change(method), 200)
        self.hang_up(call)
        self.assertEqual([m for m, _ in callee.challenge.passed], ["INVITE", "INVITE", "UPDATE", "BYE"])
        self.assertEqual(callee.challenge.faults, [])

    # RFC 7616 §3.3: stale
    def test_a_nonce_that_is_stale_is_replaced(self):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = Challenge(("INVITE", "BYE"), 401, ("MD5",), lasts=2)
        for _ in range(4):
            self.hang_up(self.connect(caller, callee))
        self.assertEqual(callee.challenge.faults, [])
        self.assertEqual(len(callee.challenge.passed), 8)

    def test_a_wrong_password_ends_in_a_refusal_and_not_in_a_loop(self):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = Challenge(("INVITE",), 407, password="another")
        with self.assertRaises(Refused) as raised:
            caller.call("+15550100")
        self.assertTrue(400 <= (raised.exception.status or 0) < 600, raised.exception)
        self.assertLessEqual(callee.challenge.asked, 4)
        self.assertEqual(callee.legs, {})

    # threats I3
    def test_a_realm_that_is_not_the_configured_one_gets_no_credentials(self):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = Challenge(("INVITE",), 401, realm="evil.test")
        self.assertRaises(Refused, caller.call, "+15550100")
        self.assertEqual(callee.challenge.asked, 1)
        self.assertFalse([m for m in callee.heard if b'realm="evil.test"' in m.octets])

    def test_a_callee_who_challenges_with_the_carriers_realm_gets_no_credentials(self):
        """CVE-2021-41158: the PBX is not the carrier."""
        caller, callee = self.carrier(), Carrier(self.net.inn, self.net.inn.udp(FAR_IN4, SIP_PORT), (IN4, SIP_PORT))
        self.addCleanup(callee.stop)
        callee.challenge = Challenge(("INVITE",), 407)
        self.assertRaises(Refused, caller.call, "5550199")
        self.assert_no_credentials(callee)
        callee.challenge = None
        call = self.connect(caller, callee, "5550199")
        callee.challenge = Challenge(("BYE", "INVITE"), 401)
        call.near.change()
        call.near.dialog.hang_up()
        self.assert_no_credentials(callee)

    def assert_no_credentials(self, phone):
        for message in phone.heard:
            for name in ("authorization", "proxy-authorization"):
                self.assertNotIn(name, message.headers, message.octets)
            self.assertNotIn(b"trunk1", message.octets)

    def test_nothing_of_the_trunks_credentials_is_seen_on_the_other_side_or_in_the_log(self):
        caller, callee = self.pbx(), self.carrier()
        callee.challenge = Challenge(("INVITE", "BYE"), 401, ("SHA-256",))
        self.hang_up(self.connect(caller, callee))
        heard = b"".join(m.octets for m in caller.heard)
        for word in (b"trunk1", b"carrier.test", b"nonce", b"Digest"):
            self.assertNotIn(word, heard)
        self.assertNotIn(PASSWORD, self.daemon.log())


class Registration(TrunkMixin, Case):
    def setUp(self):
        super().setUp()
        self.prepare()

    def start(self, targets=(FAR_OUT4,), **peer):
        peer.setdefault("register", {"aor": "sip:+15550100@carrier.test", "expires": "60s"})
        config = carrier_config(self.net.config(), self.net.folder, health=QUICK,
                                **{"targets": [{"address": f"{one}:5060"} for one in targets], **peer})
        self.daemon = self.net.start(config)

    def registered(self, carrier, times=1, seconds=15.0):
        eventually(lambda: len(carrier.registers) >= times, f"registration number {times}", seconds)
        return carrier.registers[times - 1]

    def test_the_trunk_is_registered_with_digest_and_refreshed_before_its_time_is_over(self):
        carrier = self.carrier()
        carrier.challenge = Challenge(("REGISTER",), 401, ("SHA-256", "MD5"))
        carrier.grants = 6
        self.start()
        times = [self.registered(carrier, n, 20.0)[0] for n in (1, 2, 3)]
        self.assertEqual(carrier.challenge.faults, [])
        for before, after in zip(times, times[1:]):
            self.assertTrue(0.5 < after - before < 6.0, times)
        requests = carrier.received("REGISTER")
        self.assertEqual(len({m.call_id for m in requests}), 1)  # RFC 3261 §10.2.4
        numbers = [int(m.header("cseq").split()[0]) for m in requests]
        self.assertEqual(numbers, sorted(set(numbers)))
        for message in requests:
            self.assertEqual(message.start, "REGISTER sip:carrier.test SIP/2.0")
            self.assertIn("<sip:+15550100@carrier.test>", message.header("to"))
        pbx = self.pbx()  # what the registrar sends to the contact is a call for the trunk
        contact = carrier.registers[-1][1].partition("<")[2].partition(">")[0]
        self.assertIn(OUT4, contact)
        self.check_call_to(carrier, pbx, contact)

    def check_call_to(self, carrier, pbx, contact):
        number = contact.partition(":")[2].partition("@")[0]
        call = self.connect(carrier, pbx, number)
        self.hang_up(call)

    def test_a_registrar_that_wants_longer_ones_gets_them(self):
        carrier = self.carrier()
        carrier.least = 300
        self.start()
        self.assertEqual(self.registered(carrier)[2], 300)

    def test_when_the_first_target_dies_the_second_is_registered_at_and_then_the_first_again(self):
        first, second = self.carrier(), self.carrier(SECOND4)
        for one in (first, second):
            one.grants = 5
        self.start((FAR_OUT4, SECOND4))
        self.registered(first)
        self.assertEqual(second.registers, [])
        first.silent = True
        self.registered(second, 1, 45.0)
        first.silent = False
        count = len(first.registers)
        self.registered(first, count + 1, 45.0)

    def test_a_registration_that_is_refused_is_not_asked_for_all_the_time(self):
        carrier = self.carrier()
        carrier.refuses_register = 403
        self.start()
        eventually(lambda: carrier.received("REGISTER"), "a REGISTER")
        eventually(lambda: len(carrier.received("OPTIONS")) > 5, "seconds go by", 20.0)
        self.assertLessEqual(len(carrier.received("REGISTER")), 2)
        self.assertIn("carrier", self.daemon.cli("show", "peers").stdout)

    # RFC 6140 §5.2
    def test_numbers_in_bulk(self):
        carrier = self.carrier()
        self.start(register={"aor": "sip:pbx@carrier.test", "expires": "60s", "mode": "bulk"})
        contact = self.registered(carrier)[1]
        self.assertIn(";bnc", contact)
        request = carrier.received("REGISTER")[0]
        self.assertIn("gin", request.header("require"))
        self.assertIn("gin", request.header("proxy-require"))
        uri = contact.partition("<")[2].partition(">")[0]
        self.assertNotIn("@", uri)

    def test_over_tcp_and_tls_the_registration_is_kept_when_its_connection_breaks(self):
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport):
                config = carrier_config(self.net.config(), self.net.folder, transport=transport, register={"aor": "sip:a@carrier.test", "expires": "60s"},
                                        targets=[{"address": f"{FAR_OUT4}:{port_of(transport)}"}])
                listen_on_streams(config, self.sides)
                if transport == "tls":
                    config["peers"][0]["tls"] = {"certificate": "edge-out", "authorities": ["authority-out"], "name": f"carrier-{FAR_OUT4}.test"}
                carrier = self.carrier(FAR_OUT4, transport)
                carrier.grants = 6
                self.daemon = self.net.start(config)
                self.registered(carrier)
                for connection in carrier.sock.connections:
                    connection.reset()
                self.registered(carrier, 2, 20.0)
                self.assertEqual(self.daemon.terminate(), 0)
                carrier.stop()

    # RFC 3261 §10.2.2: whatever has become of the connection that it was made over.
    def test_the_registration_of_a_trunk_that_is_taken_out_is_taken_back_over_a_new_connection(self):
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport):
                config = carrier_config(self.net.config(), self.net.folder, transport=transport, health={"ping": "never"},
                                        register={"aor": "sip:a@carrier.test", "expires": "600s"},
                                        targets=[{"address": f"{FAR_OUT4}:{port_of(transport)}"}])
                listen_on_streams(config, self.sides)
                if transport == "tls":
                    config["peers"][0]["tls"] = {"certificate": "edge-out", "authorities": ["authority-out"], "name": f"carrier-{FAR_OUT4}.test"}
                carrier = self.carrier(FAR_OUT4, transport)
                self.daemon = self.net.start(config)
                self.registered(carrier)
                for connection in carrier.sock.connections:
                    connection.finish()
                eventually(lambda transport=transport: self.daemon.count("connections_active", transport=transport) == 0, "its connection has gone")
                before = len(carrier.sock.connections)
                self.take_out_the_carrier(config)
                eventually(lambda carrier=carrier: len(carrier.registers) > 1, "it is taken back", 20.0)
                self.assertEqual(carrier.registers[1][2], 0)
                self.assertEqual(carrier.registers[1][1], carrier.registers[0][1])
                self.assertGreater(len(carrier.sock.connections), before)
                last = carrier.received("REGISTER")[-1]
                self.assertEqual(last.header("expires"), "0")
                self.assertEqual(self.daemon.terminate(), 0)
                carrier.stop()

    def take_out_the_carrier(self, config):
        del config["peers"][0]
        config["routes"] = [{"name": "nowhere", "match": {}, "to": [{"reject": 404}]}]
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.daemon.cli("reload")


class Health(TrunkMixin, SharedCase):
    @classmethod
    def configure(cls, config):
        carrier_config(config, cls.shared.folder, health=QUICK, targets=[{"address": f"{one}:5060"} for one in (FAR_OUT4, SECOND4)])
        cls.records = Records(config["node"]["state"])

    def setUp(self):
        super().setUp()
        self.prepare()

    def both(self):
        first, second, pbx = self.carrier(), self.carrier(SECOND4), self.pbx()
        eventually(lambda: self.up() == 1 and len(first.received("OPTIONS")) > 1, "the carrier is up", 15.0)
        return first, second, pbx

    def goes_to(self, pbx, carrier, seconds=10.0):
        """A call, and that it went there without a detour."""
        before = len(carrier.legs)
        call = pbx.call("+15550100", seconds)
        eventually(lambda: len(carrier.legs) == before + 1, "the call has come")
        self.assertEqual(call.hang_up(), 200)
        self.records.await_ends([call.call_id])
        return self.records.of(call.call_id, "end")[0]["tried"]

    def test_a_target_that_is_silent_goes_down_calls_go_to_the_next_and_come_back_with_it(self):
        first, second, pbx = self.both()
        eventually(lambda: len(self.goes_to(pbx, first)) == 1, "calls go to the first")
        first.silent = True
        tried = self.goes_to(pbx, second)  # before OPTIONS have found out
        self.assertEqual(len(tried), 2, tried)
        eventually(lambda: len(self.goes_to(pbx, second)) == 1, "the first is not even tried", 30.0)
        first.silent = False
        eventually(lambda: self.count_of(first, pbx) == 1, "calls go to the first again", 45.0)
        self.assertEqual(self.up(), 1)

    def count_of(self, carrier, pbx):
        before = len(carrier.legs)
        pbx.call("+15550100").hang_up()
        return len(carrier.legs) - before

    def test_a_target_that_answers_503_is_down_and_one_that_answers_404_is_not(self):
        first, second, pbx = self.both()
        first.pings_answered_with = 404
        count = len(first.received("OPTIONS"))
        eventually(lambda: len(first.received("OPTIONS")) > count + 4, "more OPTIONS", 20.0)
        self.assertEqual(self.count_of(first, pbx), 1)
        first.pings_answered_with = 503
        eventually(lambda: self.count_of(second, pbx) == 1, "503 to OPTIONS", 30.0)
        first.pings_answered_with = 200
        eventually(lambda: self.count_of(first, pbx) == 1, "the first again", 30.0)

    def test_a_peer_of_which_all_targets_are_down_is_down_and_calls_are_refused_at_once(self):
        first, second, pbx = self.both()
        for one in (first, second):
            one.silent = True
        eventually(lambda: self.up() == 0, "peer_up is 0", 45.0)
        with self.assertRaises(Refused) as raised:
            pbx.call("+15550100", 3.0)
        self.assertEqual(raised.exception.status, 503)
        self.assertIn("carrier", self.daemon.cli("show", "peers").stdout)
        for one in (first, second):
            one.silent = False
        eventually(lambda: self.up() == 1, "peer_up is 1 again", 45.0)

    def test_a_call_whose_target_dies_in_the_middle_is_ended_for_the_other_side(self):
        first, second, pbx = self.both()
        call = self.connect(pbx, first)
        first.stop()
        self.assertEqual(call.near.dialog.hang_up(), 200)
        self.records.await_ends([call.near.dialog.call_id], 45.0)
        end = self.records.of(call.near.dialog.call_id, "end")[0]
        self.assertEqual((end["result"], end["ended_by"]), ("answered", "caller"), end)
        eventually(lambda: self.count_of(second, pbx) == 1, "new calls go to the second")


class Names(TrunkMixin, Case):
    server = None

    def setUp(self):
        super().setUp()
        self.prepare()

    def start(self, transport="udp", **what):
        self.name_server(self.net.out, NAMES4)
        config = carrier_config(self.net.config(), self.net.folder, transport=transport, targets=[{"domain": "carrier.test"}],
                                health=QUICK)
        config["dns"] = {"servers": f"{NAMES4}:53", "via": "outside", "timeout": "1s", **what}
        if transport != "udp":
            self.sides = {side: Side(self.net, side) for side in ("out", "in")}
            listen_on_streams(config, self.sides)
        if transport == "tls":
            config["peers"][0]["tls"] = {"certificate": "edge-out", "authorities": ["authority-out"]}  # name: auto
        self.config = config

    def name_server(self, namespace, address):
        """The one before it goes."""
        if self.server is not None:
            self.server.close()
        else:
            self.addCleanup(lambda: self.server.close())  # pylint: disable=unnecessary-lambda
        self.server = DnsServer(namespace, address)

    def run_daemon(self):
        self.daemon = self.net.start(self.config)

    def put_srv(self, kind="udp", ttl=30, hosts=((10, 1, "a"), (20, 1, "b")), port=SIP_PORT):
        service = "_sips._tcp" if kind == "tls" else f"_sip._{kind}"
        self.server.put(f"{service}.carrier.test", "SRV", [(p, w, port, f"{name}.carrier.test") for p, w, name in hosts], ttl)
        for name, address in (("a", FAR_OUT4), ("b", SECOND4), ("c", THIRD4)):
            self.server.put(f"{name}.carrier.test", "A", [address], ttl)

    def reaches(self, pbx, carrier, seconds=20.0):
        before = len(carrier.legs)

        def once():
            try:
                pbx.call("+15550100", 5.0).hang_up()
            except Refused:
                return False
            return len(carrier.legs) > before
        eventually(once, f"a call reaches {carrier.sock.getsockname()}", seconds)

    def test_srv_records_say_where_and_in_which_order(self):
        self.start()
        self.put_srv()
        first, second, pbx = self.carrier(), self.carrier(SECOND4), self.pbx()
        self.run_daemon()
        self.reaches(pbx, first)
        self.assertEqual(second.legs, {})
        first.silent = True
        self.reaches(pbx, second)
        request = second.received("INVITE")[0]
        self.assertIn("@carrier.test", request.start)

    def test_naptr_names_the_service_for_each_transport_and_the_domain_is_what_a_certificate_must_show(self):
        for transport in ("tcp", "tls"):
            with self.subTest(transport=transport):
                self.start(transport)
                port, service = port_of(transport), {"tcp": "SIP+D2T", "tls": "SIPS+D2T"}[transport]
                self.server.put("carrier.test", "NAPTR", [(10, 10, "s", "SIP+D2U", "", "_sip._udp.carrier.test"),
                                                          (20, 10, "s", service, "", "elsewhere.carrier.test")])
                self.server.put("elsewhere.carrier.test", "SRV", [(1, 1, port, "a.carrier.test")])
                self.server.put("a.carrier.test", "A", [FAR_OUT4])
                if transport == "tls":
                    pair = self.sides["out"].authority.issue("named", ["sip:carrier.test"])
                    self.sides["out"].identity = lambda *_, pair=pair: Identity(pair, self.sides["out"].authority, demands=True)
                carrier, pbx = self.carrier(FAR_OUT4, transport), self.pbx()
                self.run_daemon()
                self.reaches(pbx, carrier)
                self.assertEqual(self.daemon.terminate(), 0)
                for phone in (carrier, pbx):
                    phone.stop()

    def test_a_domain_without_srv_is_found_by_its_address(self):
        self.start()
        self.server.put("carrier.test", "A", [FAR_OUT4])
        carrier, pbx = self.carrier(), self.pbx()
        self.run_daemon()
        self.reaches(pbx, carrier)
        self.reaches(carrier, pbx)  # and is known as a source

    def test_another_address_is_used_once_the_old_answer_is_too_old(self):
        self.start()
        self.server.put("carrier.test", "A", [FAR_OUT4], ttl=2)
        first, second, pbx = self.carrier(), self.carrier(SECOND4), self.pbx()
        self.run_daemon()
        self.reaches(pbx, first)
        self.server.put("carrier.test", "A", [SECOND4], ttl=2)
        self.reaches(pbx, second, 30.0)

    # threats R14
    def test_while_name_servers_are_silent_the_last_answer_serves(self):
        self.start()
        self.server.put("carrier.test", "A", [FAR_OUT4], ttl=1)
        carrier, pbx = self.carrier(), self.pbx()
        self.run_daemon()
        self.reaches(pbx, carrier)
        self.server.silent = True
        count = len(self.server.asked)
        eventually(lambda: len(self.server.asked) > count + 1, "it is asked again", 20.0)
        self.reaches(pbx, carrier, 1.0)

    def test_name_servers_that_never_answer_hold_up_no_other_call(self):
        self.start()
        self.server.silent = True
        self.config["peers"].append({"name": "other", "realm": "outside", "targets": [{"address": f"{SECOND4}:5060"}]})
        self.config["routes"].insert(0, {"name": "other", "match": {"peer": ["pbx"], "called": "^7"}, "to": ["other"]})
        other, pbx = self.carrier(SECOND4), self.pbx()
        self.run_daemon()
        with self.assertRaises(Refused) as raised:
            pbx.call("+15550100", 10.0)
        self.assertIn(raised.exception.status, (408, 480, 500, 503))
        self.hang_up(self.connect(pbx, other, "7001"))

    def test_names_that_lie_lead_nowhere_and_are_not_asked_without_end(self):
        """To Sallyport itself, to loopback, to everybody, in a circle, to a thousand hosts."""
        self.start()
        lies = {
            "own address": lambda: self.server.put("carrier.test", "A", [OUT4], ttl=1),
            "the other side's": lambda: self.server.put("carrier.test", "A", [IN4], ttl=1),
            "loopback": lambda: self.server.put("carrier.test", "A", ["127.0.0.1"], ttl=1),
            "broadcast": lambda: self.server.put("carrier.test", "A", ["255.255.255.255", "224.0.0.1", "0.0.0.0"], ttl=1),
            "circle": lambda: (self.server.put("carrier.test", "CNAME", ["x.test"], ttl=1), self.server.put("x.test", "CNAME", ["carrier.test"], ttl=1)),
            "thousands": lambda: self.server.put("_sip._udp.carrier.test", "SRV", [(1, 1, 5060, f"h{n}.carrier.test") for n in range(900)], ttl=1),
            "rubbish": lambda: setattr(self.server, "lie", lambda name, kind, honest: honest[:12] + os.urandom(40)),
            "cut": lambda: setattr(self.server, "lie", lambda name, kind, honest: honest[:7]),
        }
        pbx = self.pbx()
        self.run_daemon()
        for name, tell in lies.items():
            with self.subTest(lie=name):
                for kind in ("carrier.test", "x.test", "_sip._udp.carrier.test"):
                    self.server.remove(kind)
                self.server.lie = None
                tell()
                count = len(self.server.asked)
                eventually(lambda c=count: len(self.server.asked) > c, "it is asked", 20.0)
                with self.assertRaises(Refused) as raised:
                    pbx.call("+15550100", 8.0)
                self.assertTrue(raised.exception.status, "no answer at all")
                self.assertLess(len(self.server.asked) - count, 300)
                self.assertIsNone(self.daemon.process.poll())
        self.server.lie = None
        self.server.put("carrier.test", "A", [FAR_OUT4], ttl=30)
        self.reaches(pbx, self.carrier(), 45.0)

    def test_an_answer_that_is_too_long_for_a_datagram_comes_over_tcp(self):
        self.start()
        self.put_srv()
        self.server.truncate = True
        carrier, pbx = self.carrier(), self.pbx()
        self.run_daemon()
        self.reaches(pbx, carrier)
        self.assertTrue(any(transport == "tcp" for _, _, transport in self.server.asked))

    def test_name_servers_of_the_management_side(self):
        """dns.via: host, which is the default."""
        self.start()
        self.name_server(self.net.sbc, "127.0.0.53")
        self.config["dns"] = {"servers": "127.0.0.53:53"}
        self.server.put("carrier.test", "A", [FAR_OUT4])
        carrier, pbx = self.carrier(), self.pbx()
        self.run_daemon()
        self.reaches(pbx, carrier)


if __name__ == "__main__":
    unittest.main()
