"""tls_test.py — whose certificate is believed on either side, which is shown, and what a TLS connection may be used for.
RFC 5922 §7, RFC 5923 §4, §9, RFC 6066 §3, RFC 8996, RFC 9325; threats I6, R9."""

import itertools
import ssl
import subprocess
import unittest

import certificates
import sip
from certificates import EXPIRED, Identity
from harness import eventually
from phone import Refused
from stream_case import TLS_PORT, StreamCase, far_end, host, make_phone, own_address
from stream_phone import StreamEnd, await_ended

_PORTS = itertools.count(5100)
PEER = {"out": "carrier-3", "in": "pbx-3"}
PHONE = {side: host(side, ".4") for side in PEER}  # where the TLS peer of a side is
STRANGER = host("out", ".9")


class TlsCase(StreamCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        cls.other = certificates.Authority(cls.shared.folder, "unknown-authority")
        for side in PEER:
            far_end(cls.shared, side).ip("address", "add", f"{host(side, '.9')}/24", "dev", "wire")

    def client(self, identity=None, address=PHONE["out"], port=None, side="out"):
        """The wire of a client that may show what it wants."""
        found = StreamEnd(far_end(self.net, side), (address, port or next(_PORTS)), (own_address(side, address), TLS_PORT), "TLS",
                          identity or self.sides[side].identity(PEER[side], PHONE[side]))
        self.addCleanup(found.close)
        return found

    def question(self, connection, **extra):
        return sip.request("OPTIONS", connection.near, connection.far, **extra).replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS")

    def assert_answers(self, connection):
        before = len(connection.messages)
        connection.send(self.question(connection))
        eventually(lambda: len(connection.messages) > before or not connection.is_open, "an answer")
        self.assertTrue(connection.messages[before:], f"ended: {connection.ended_by}")
        self.assertTrue(connection.messages[-1].startswith(b"SIP/2.0 200 "), connection.messages[-1])

    def assert_refused(self, end):
        """No handshake; with TLS 1.3 a client hears of it after its own last word."""
        try:
            connection = end.connect()
        except OSError:
            return
        try:
            connection.send(self.question(connection))
        except OSError:
            pass
        self.assertIsNotNone(await_ended(connection))
        self.assertEqual(connection.messages, [])

    def identity(self, pair, side="out"):
        return Identity(pair, self.sides[side].authority)

    def issue(self, name, side="out", **names):
        return self.sides[side].authority.issue(name, **names)


class Clients(TlsCase):
    """`client_certificate: optional`, which is the default."""

    def test_a_client_that_shows_its_certificate_or_none_is_served(self):
        for name, identity in (("its own", None), ("none", BareIdentity(self.sides["out"].authority))):
            with self.subTest(certificate=name):
                self.assert_answers(self.client(identity).connect())

    def test_a_client_with_a_bad_certificate_is_not(self):
        own = certificates.self_signed(self.net.folder, "client-own", ["sip:carrier-3.test"])
        bad = {"expired": self.issue("client-late", uris=["sip:carrier-3.test"], days=EXPIRED), "self-signed": own,
               "unknown authority": self.other.issue("client-foreign", ["sip:carrier-3.test"]),
               "the other side's authority": self.issue("client-inside", "in", uris=["sip:carrier-3.test"])}
        for name, pair in bad.items():
            with self.subTest(certificate=name):
                self.assert_refused(self.client(self.identity(pair)))
        self.assert_answers(self.client(port=5091).connect())

    # RFC 8996
    def test_versions_before_1_2_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version=version.name):
                identity = self.fresh()
                identity.client.set_ciphers("ALL:@SECLEVEL=0")
                identity.client.minimum_version = ssl.TLSVersion.TLSv1
                identity.client.maximum_version = version
                with self.assertRaisesRegex(OSError, "(?i)version|reset|closed|EOF"):
                    self.client(identity).connect()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                identity = self.fresh()
                identity.client.minimum_version = identity.client.maximum_version = version
                connection = self.client(identity).connect()
                self.assertEqual(connection.version, version.name.replace("_", "."))
                self.assert_answers(connection)

    def fresh(self):
        return self.identity(self.issue(f"fresh-{self.net.tag}", uris=["sip:carrier-3.test"]))

    def test_a_client_that_knows_only_ciphers_of_yesterday_is_refused(self):
        identity = self.fresh()
        identity.client.maximum_version = ssl.TLSVersion.TLSv1_2
        identity.client.set_ciphers("AES128-SHA:NULL-SHA256:@SECLEVEL=0")
        with self.assertRaises(OSError):
            self.client(identity).connect()
        self.assert_answers(self.client(port=5091).connect())

    # RFC 5077, RFC 8446 §2.2
    def test_a_session_is_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                identity = self.fresh()
                identity.client.minimum_version = identity.client.maximum_version = version
                end = self.client(identity)
                first = end.connect()
                self.assert_answers(first)  # the tickets of 1.3 come after the handshake
                with self.net.out.socket(end.family, 1) as sock:
                    sock.settimeout(10)
                    sock.connect(end.remote)
                    with identity.client.wrap_socket(sock, session=first.sock.session) as again:
                        self.assertTrue(again.session_reused)

    # threats R9. RFC 9325 §3.5
    def test_a_client_that_wants_to_renegotiate_is_refused_and_nobody_else_notices(self):
        spoken = self.s_client("-tls1_2", "-legacy_renegotiation", says=b"R\n")
        self.assertIn("RENEGOTIATING", spoken)
        self.assertRegex(spoken, "(?i)no.renegotiation|alert|closed|unexpected eof")
        self.assert_answers(self.client().connect())

    # RFC 8446 §8
    def test_there_is_no_early_data_and_no_compression(self):
        spoken = self.s_client("-tls1_3", says=b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n")
        self.assertNotRegex(spoken, "Max Early Data: [1-9]")
        self.assertIn("Compression: NONE", spoken)

    def s_client(self, *arguments, says):
        command = ["ip", "netns", "exec", self.net.out.name, "openssl", "s_client", "-connect", f"{own_address('out', STRANGER)}:{TLS_PORT}",
                   "-bind", f"{PHONE['out']}:0", *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            heard = b""
            while b"Verify return code" not in heard:
                line = process.stdout.readline()
                self.assertTrue(line, heard.decode())
                heard += line
            process.stdin.write(says)
            process.stdin.flush()
            try:
                heard += process.communicate(timeout=20)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                self.fail(f"nothing happened: {heard.decode()}")
        return heard.decode(errors="replace")


class BareIdentity(Identity):
    """A client without a certificate."""

    def __init__(self, authority):  # pylint: disable=super-init-not-called
        self.server, self.client, self.server_name = None, certificates.client_context(authority), None


class ClientsThatMustShowOne(TlsCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        for realm in config["realms"]:
            realm["listen"][2]["client_certificate"] = "required"
        config["tls"]["minimum_version"] = "1.3"

    def test_who_shows_none_is_refused_and_who_shows_his_own_is_served(self):
        self.assert_refused(self.client(BareIdentity(self.sides["out"].authority)))
        self.assert_refused(self.client(self.identity(self.other.issue("no-friend", ["sip:carrier-3.test"]))))
        self.assert_answers(self.client(port=5091).connect())

    def test_the_oldest_version_is_the_one_that_is_configured(self):
        identity = self.identity(self.issue("of-1-2", uris=["sip:carrier-3.test"]))
        identity.client.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assert_refused(self.client(identity))

    def test_calls_between_phones_that_show_theirs(self):
        caller, callee = self.phone("out", "3"), self.phone("in", "3")
        self.hang_up(self.connect(caller, callee, "3"), callee.last_leg())


class ClientsThatMayShowNone(TlsCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        for realm in config["realms"]:
            realm["listen"][2]["client_certificate"] = "none"

    def test_nobody_is_asked_for_one(self):
        self.assert_answers(self.client(BareIdentity(self.sides["out"].authority)).connect())
        self.assert_answers(self.client(self.identity(self.other.issue("unasked"))).connect())


class Servers(TlsCase):
    """Sallyport calls a peer that shows this or that."""

    def listener(self, pair, side="in"):
        identity = Identity(pair, self.sides[side].authority, demands=True)
        return make_phone(self, side, PEER[side], PHONE[side], "tls", identity=identity)

    def test_a_peer_with_a_bad_certificate_hears_no_word_of_sip(self):
        name, uri = "pbx-3.test", ["sip:pbx-3.test"]
        bad = {
            "expired": self.issue("late", "in", uris=uri, days=EXPIRED),
            "self-signed": certificates.self_signed(self.net.folder, "own", uri, [name]),
            "unknown authority": self.other.issue("foreign", uri, [name]),
            "the other side's authority": self.issue("crossed", "out", uris=uri, domains=[name]),
            "another name": self.issue("other", "in", uris=["sip:pbx-4.test"], domains=["pbx-4.test"], addresses=[PHONE["in"]]),
            "a wildcard": self.issue("wild", "in", uris=["sip:*.test"], domains=["*.test"]),
            # RFC 5922 §7.1: where URIs of SIP are there, DNS names do not count; and the CN never beside a SAN.
            "its name beside another's URI": self.issue("beside", "in", uris=["sip:pbx-4.test"], domains=[name]),
            "its name in the CN only": self.issue(name, "in", domains=["pbx-4.test"]),
            "its name as the beginning of another": self.issue("longer", "in", uris=["sip:pbx-3.test.evil.test"]),
            "its name as the end of another": self.issue("below", "in", uris=["sip:a.pbx-3.test"]),
        }
        for what, pair in bad.items():
            with self.subTest(certificate=what):
                caller, callee = self.phone("out", "1"), self.listener(pair)
                try:
                    with self.assertRaises(Refused) as raised:
                        caller.call("3001", 8.0)
                    self.assertIn(raised.exception.status, (408, 480, 488, 500, 503))
                    self.assertEqual(callee.heard, [])
                finally:
                    caller.stop()
                    callee.stop()
                self.wait_until_it_is_tried_again()

    def wait_until_it_is_tried_again(self):
        """A good certificate is found good soon after bad ones."""
        caller, callee = self.phone("out", "1"), self.phone("in", "3")
        eventually(lambda: self.is_reached(caller, callee), "the peer is called again", 45.0)
        for phone in (caller, callee):
            phone.stop()

    def is_reached(self, caller, callee):
        try:
            self.hang_up(self.connect(caller, callee, "3"), callee.last_leg())
        except Refused:
            return False
        return True

    def test_a_peer_whose_name_stands_where_it_may_is_called(self):
        name = "pbx-3.test"
        good = {"URI": self.issue("good-uri", "in", uris=[f"sip:{name}"]), "DNS": self.issue("good-dns", "in", domains=[name]),
                "one of several": self.issue("good-many", "in", uris=["sip:pbx-9.test", f"sip:{name}"]),
                "another case": self.issue("good-case", "in", uris=["sip:PBX-3.Test"])}
        for what, pair in good.items():
            with self.subTest(certificate=what):
                caller, callee = self.phone("out", "1"), self.listener(pair)
                self.assertTrue(self.is_reached(caller, callee))
                for phone in (caller, callee):
                    phone.stop()


class ShownCase(TlsCase):
    """Which certificate Sallyport shows as a server."""

    @classmethod
    def configure(cls, config):
        super().configure(config)
        cls.second = cls.sides["out"].authority.issue("second", ["sip:second.test"], ["second.test"])
        config["tls"]["certificates"].append({"name": "second", "certificate": cls.second.certificate, "key": cls.second.key})

    def subject(self, end, server_name=None):
        connection = end.connect(server_name)
        found = dict(pair[0] for pair in connection.sock.getpeercert()["subject"])["commonName"]
        return found, connection


class Shown(ShownCase):
    # RFC 6066 §3
    def test_the_name_in_the_hello_picks_one_and_never_the_other_sides(self):
        end = self.client()
        for asked, shown in ((None, "edge-out"), ("second.test", "second"), ("edge-out.test", "edge-out"),
                             ("edge-in.test", "edge-out"), ("nobody.test", "edge-out")):
            with self.subTest(asked=asked):
                found, connection = self.subject(end, asked)
                self.assertEqual(found, shown)
                self.assert_answers(connection)


class Renewed(ShownCase):
    def test_a_file_that_is_replaced_is_used_by_new_handshakes_and_open_connections_stay(self):
        end, pair = self.client(), self.sides["out"].edge
        found, old = self.subject(end)
        caller, callee = self.phone("out", "3"), self.phone("in", "2")
        call = self.connect(caller, callee, "2").talk()
        renewed = self.issue(f"renewed-{self.net.tag}", uris=["sip:edge-out.test"], domains=["edge-out.test"], addresses=["198.18.1.1"])
        certificates.replace(pair, renewed)

        def is_renewed():
            try:
                found, connection = self.subject(end)
            except (OSError, ValueError):  # too many in this second: closed before its handshake
                return False
            connection.sock.close()
            return found.startswith("renewed")
        eventually(is_renewed, "new handshakes show the new certificate", 75.0)
        self.assertTrue(old.is_open)
        self.assert_answers(old)
        call.await_voice()
        self.hang_up(call, call.near)
        self.assertTrue(all(c.is_open for c in caller.sock.connections))
        self.assertEqual(found[:4], "edge")
        # What is no certificate is not taken, and the last good one is shown on.
        said = len(self.daemon.lines)
        with open(pair.certificate, "w", encoding="ascii") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
        self.daemon.wait_for_log(r"(?i)certificate", 75.0, start=said)
        self.assertTrue(self.subject(end)[0].startswith("renewed"))
        certificates.replace(pair, renewed)


class Aliases(TlsCase):
    """A connection that a peer has opened carries calls to it only where its certificate proves that it is that peer."""

    def deaf(self, phone):
        phone.sock.refuse()
        return phone

    def called(self, number="3001"):
        """The status of a call from inside to the TLS peer outside."""
        caller = self.phone("in", "1")
        try:
            return caller.call(number, 8.0)
        except Refused as refused:
            return refused.status
        finally:
            caller.stop()

    # RFC 5923 §4
    def test_who_has_proved_his_name_is_called_over_the_connection_that_he_opened(self):
        callee = self.deaf(self.phone("out", "3"))
        self.assert_answers(callee.sock.connection())
        self.called()
        self.assertTrue(callee.legs, "the INVITE did not come over the connection of the peer")

    # threats I6
    def test_who_has_proved_another_name_or_none_is_not(self):
        impostors = {"another name": self.identity(self.issue("impostor", uris=["sip:impostor.test"])),
                     "a wildcard": self.identity(self.issue("wild-client", uris=["sip:*.test"], domains=["*.test"])),
                     "none": BareIdentity(self.sides["out"].authority)}
        for what, identity in impostors.items():
            with self.subTest(shows=what):
                end = self.client(identity, port=TLS_PORT)
                connection = end.connect()
                end.refuse()
                connection.send(self.question(connection).replace(b";rport", b";rport;alias"))
                eventually(lambda c=connection: c.messages, "an answer")
                self.assertIsInstance(self.called(), (int, type(None)))
                self.assertFalse([m for m in connection.messages if m.startswith(b"INVITE")], "the call was stolen")
                end.close()

    def test_a_stranger_with_a_good_certificate_and_the_peers_address_in_his_via_gets_no_call(self):
        thief = self.client(self.identity(self.issue("thief", uris=["sip:thief.test"])), address=STRANGER)
        connection = thief.connect()
        forged = self.question(connection).replace(f"SIP/2.0/TLS {STRANGER}:{connection.near[1]}".encode(),
                                                   f"SIP/2.0/TLS {PHONE['out']}:{TLS_PORT};alias".encode())
        self.assertIn(b";alias", forged)
        connection.send(forged)
        callee = self.phone("out", "3")
        self.assertNotIsInstance(self.called(), int)
        self.assertTrue(callee.legs)
        self.assertFalse([m for m in connection.messages if m.startswith(b"INVITE")])

    # RFC 5923 is for TLS; over TCP nothing is proved.
    def test_over_tcp_no_connection_of_a_client_carries_calls_to_it(self):
        callee = self.phone("out", "2")
        connection = callee.sock.connection()
        connection.send(sip.request("OPTIONS", connection.near, connection.far).replace(b"UDP", b"TCP").replace(b";rport", b";rport;alias"))
        eventually(lambda: connection.messages, "an answer")
        self.called("2001")
        self.assertFalse([m for m in connection.messages if m.startswith(b"INVITE")])
        self.assertTrue(callee.legs)


if __name__ == "__main__":
    unittest.main()
