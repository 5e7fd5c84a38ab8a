"""capture_test.py — signalling in clear for the operator: `sallyport capture` and HEP, both read by tshark. RFC 3261 §18;
draft-ietf-opsawg-pcapng; HEP3."""

import json
import os
import signal
import stat
import struct
import subprocess
import unittest

from call_case import host
from harness import BINARY, FAR_IN4, FAR_OUT4, IN4, OUT4, eventually
from netns import run
from stream_case import StreamCase

COLLECTOR = ("127.0.0.1", 9060)
DISSECTOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hep3.lua")


def tshark(path, *fields, lua=None, wanted=None):
    """One dictionary of these fields for each packet, or for those that pass a display filter."""
    command = ["tshark", "-r", path, "-T", "json", *(["-X", f"lua_script:{lua}"] if lua else []), *(["-Y", wanted] if wanted else [])]
    for field in fields:
        command += ["-e", field]
    done = run(*command, timeout=60)
    return [{name: values[0] for name, values in packet["_source"]["layers"].items()} for packet in json.loads(done.stdout)]


def write_pcap(path, datagrams):
    """Datagrams to the collector as packets without a link layer."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for octets in datagrams:
            udp = struct.pack("!HHHH", 40000, COLLECTOR[1], 8 + len(octets), 0) + octets
            packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([127, 0, 0, 1]),
                                 bytes([127, 0, 0, 1])) + udp
            file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)


class Captures(StreamCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        cls.collector = cls.shared.sbc.udp(*COLLECTOR)
        cls.collector.settimeout(0.3)
        cls.addClassCleanup(cls.collector.close)
        config["management"]["hep"] = {"collector": f"{COLLECTOR[0]}:{COLLECTOR[1]}", "capture_id": 77, "realms": ["inside"]}

    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.net.folder, f"{self.id().rpartition('.')[2]}.pcapng")
        self.heard_of_hep()  # what is still there of another test

    def heard_of_hep(self):
        found = []
        try:
            while True:
                found.append(self.collector.recv(65536))
        except TimeoutError:
            return found

    def capture(self, *what):
        """A capture that runs."""
        captures = self.daemon.log().count("an operator captures")
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen([BINARY, "capture", *what, "--to", self.file, "--socket", self.daemon.socket_path],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        eventually(lambda: self.daemon.log().count("an operator captures") > captures or process.poll() is not None, "the capture")
        return process

    def stop(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0, process.stdout.read())

    def media_in(self, path):
        """What tshark made of each RTP packet; it knows them by the SDP in the same file."""
        return tshark(path, "ip.src", "ip.dst", "udp.srcport", "rtp.seq", "rtp.ssrc", "frame.cap_len", "frame.len", "frame.comment",
                      "frame.interface_name", wanted="rtp")

    def sip_in(self, path):
        """What tshark made of each message; all packets but media are SIP."""
        found = tshark(path, "frame.comment", "frame.time_epoch", "ip.src", "ip.dst", "udp.srcport", "udp.checksum.status",
                       "sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.Call-ID", "frame.interface_name", wanted="!rtp && !rtcp")
        for packet in found:
            self.assertIn("sip.Call-ID", packet, packet)
        return found

    def one_call(self, digits="13"):
        return self.connect(self.phone("out", digits[0]), self.phone("in", digits[1]), digits[1])

    def id_of(self, call):
        return json.loads(self.daemon.cli("show", "call", call.near.dialog.call_id, "--json").stdout)["call"]["id"]

    def test_a_call_from_its_first_message_to_its_last_with_tls_in_clear(self):
        call = self.one_call()
        other = self.connect(self.phone("out", "2"), self.phone("in", "2"), "2")
        number = self.id_of(call)
        process = self.capture("--call", call.far.dialog.call_id)
        for one in (call, other):
            one.talk().await_voice(60)
            one.hush()
        self.hang_up(call, call.near)
        self.assertEqual(process.wait(30), 0, process.stdout.read())  # the call's end is its end
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        packets = self.sip_in(self.file)
        near, far = call.near.dialog.call_id, call.far.dialog.call_id
        self.assertEqual({p["sip.Call-ID"] for p in packets}, {near, far})
        self.assertNotIn(other.near.dialog.call_id, {p["sip.Call-ID"] for p in packets})
        for call_id, realm, transport in ((near, "outside", "over udp"), (far, "inside", "over tls, shown as udp")):
            leg = [p for p in packets if p["sip.Call-ID"] == call_id]
            words = [(p.get("sip.Method"), p.get("sip.Status-Code"), p.get("sip.CSeq.method")) for p in leg]
            for wanted in (("INVITE", None, "INVITE"), (None, "200", "INVITE"), ("ACK", None, "ACK"), ("BYE", None, "BYE"),
                           (None, "200", "BYE")):
                self.assertIn(wanted, words)
            for packet in leg:
                self.assertIn(f"call {number}, ", packet["frame.comment"])
                self.assertIn(f" realm {realm} ", packet["frame.comment"])
                self.assertIn(transport, packet["frame.comment"])
                self.assertEqual(packet["frame.interface_name"], realm)
        media = self.media_in(self.file)
        ends = {FAR_OUT4: (OUT4, "outside"), host("in", ".4"): (IN4, "inside")}
        for end in call.ends:
            source = end.address
            theirs = [p for p in media if (p["ip.src"], p["udp.srcport"]) == (source, str(end.port))]
            self.assertGreaterEqual(len(theirs), 50)
            for packet in theirs:
                self.assertEqual((packet["ip.dst"], packet["frame.interface_name"]), ends[source])
                self.assertEqual(int(packet["frame.cap_len"]), 20 + 8 + 12)  # the head, and nothing that was said
                self.assertGreater(int(packet["frame.len"]), 20 + 8 + 12)
                self.assertIn(f"call {number}, media", packet["frame.comment"])
        self.assertEqual({(p["ip.src"], p["udp.srcport"]) for p in media}, {(e.address, str(e.port)) for e in call.ends})
        times = [float(p["frame.time_epoch"]) for p in packets]
        self.assertEqual(times, sorted(times))
        self.assertAlmostEqual(times[-1], os.stat(self.file).st_mtime, delta=60)
        self.assertEqual((packets[0]["ip.src"], packets[0]["ip.dst"]), (FAR_OUT4, OUT4))
        self.assertIn((IN4, host("in", ".4")), {(p["ip.src"], p["ip.dst"]) for p in packets})

    def test_a_peer_and_an_address_are_captured_until_they_are_not(self):
        process = self.capture("--peer", "pbx-2")
        call = self.one_call("12")
        self.hang_up(call, call.far)
        self.stop(process)
        packets = self.sip_in(self.file)
        self.assertEqual({p["sip.Call-ID"] for p in packets if "no call" not in p["frame.comment"]}, {call.far.dialog.call_id})
        self.assertTrue(all("peer pbx-2" in p["frame.comment"] for p in packets))
        self.file += ".2"
        process = self.capture("--address", FAR_IN4, "--for", "60s")
        call = self.one_call("21")
        self.hang_up(call, call.near)
        self.stop(process)
        packets = self.sip_in(self.file)
        self.assertTrue(packets)
        self.assertTrue(all(FAR_IN4 in (p["ip.src"], p["ip.dst"]) for p in packets))

    def test_what_is_not_there_can_not_be_captured(self):
        for what, status in ((("--call", "nobody"), 66), (("--peer", "nobody"), 66), (("--address", "nowhere"), 64), ((), 64)):
            done = self.daemon.cli("capture", *what, "--to", self.file, check=False)
            self.assertEqual(done.returncode, status, (what, done.stderr))
            self.assertFalse(os.path.exists(self.file))
        done = self.daemon.cli("capture", "--peer", "pbx-2", "--to", "/nonexistent/file", check=False)
        self.assertEqual(done.returncode, 71, done.stderr)
        done = run(BINARY, "capture", "--peer", "x", "--to", self.file, "--socket", "/nonexistent", check=False)
        self.assertEqual(done.returncode, 69, done.stderr)

    def test_a_capture_ends_when_its_time_is_over(self):
        done = self.daemon.cli("capture", "--peer", "pbx-2", "--to", self.file, "--for", "500ms")
        self.assertRegex(done.stdout, r"\A\d+ packets in ")

    def test_the_collector_gets_the_messages_of_its_realms_in_clear(self):
        call = self.one_call("13")
        number = self.id_of(call)
        self.hang_up(call, call.near)
        path = self.file + ".pcap"
        write_pcap(path, self.heard_of_hep())
        found = tshark(path, "hep3.capture_id", "hep3.correlation_id", "hep3.node", "hep3.src", "hep3.dst", "hep3.protocol",
                       "hep3.type", "hep3.seconds", "sip.Method", "sip.Status-Code", "sip.Call-ID", lua=DISSECTOR)
        ours = [p for p in found if p.get("sip.Call-ID") == call.far.dialog.call_id]
        self.assertNotIn(call.near.dialog.call_id, {p.get("sip.Call-ID") for p in found})
        for wanted in ("INVITE", "ACK", "BYE"):
            self.assertIn(wanted, {p.get("sip.Method") for p in ours})
        for packet in ours:
            self.assertEqual({name: packet[f"hep3.{name}"] for name in ("capture_id", "correlation_id", "protocol", "type")},
                             {"capture_id": "77", "correlation_id": number, "protocol": "6", "type": "1"})
            self.assertEqual({packet["hep3.src"], packet["hep3.dst"]}, {IN4, host("in", ".4")})
            self.assertAlmostEqual(int(packet["hep3.seconds"]), os.stat(path).st_mtime, delta=60)
        self.assertGreaterEqual(self.daemon.count("hep_sent_total"), len(found))
        self.assertEqual(self.daemon.count("hep_dropped_total"), 0)

    def test_the_collector_is_told_how_good_media_was_when_a_call_is_over(self):
        call = self.one_call("13")
        number = self.id_of(call)
        call.talk().await_voice(60)
        call.hush()
        self.hang_up(call, call.near)
        heard = []

        def reports():
            heard.extend(self.heard_of_hep())
            write_pcap(self.file, heard)
            return tshark(self.file, "hep3.correlation_id", "hep3.src", "hep3.dst", "hep3.srcport", "hep3.dstport", "hep3.mos",
                          "hep3.payload", "json.path", lua=DISSECTOR,
                          wanted=f'hep3.type == 34 && hep3.correlation_id == "{number}"')

        eventually(reports, "a report", 20.0)
        (report,) = reports()  # of the inside alone
        self.assertIn("json.path", report, "tshark reads no JSON there")
        told = json.loads(bytes.fromhex(report["hep3.payload"].replace(":", "")))
        self.records.await_ends([call.near.dialog.call_id])
        (end,) = self.records.of(call.near.dialog.call_id, "end")
        (direction,) = [one for one in end["media"] if one["local"].startswith(IN4)]
        self.assertEqual(report["hep3.correlation_id"], number)
        self.assertEqual((f'{report["hep3.src"]}:{report["hep3.srcport"]}', f'{report["hep3.dst"]}:{report["hep3.dstport"]}'),
                         (direction["remote"], direction["local"]))
        self.assertEqual((told["TOTAL_PK"], told["PACKET_LOSS"]), (direction["packets"], direction["lost"]))
        self.assertAlmostEqual(told["MOS"], direction["mos"], delta=0.01)
        self.assertEqual(int(report["hep3.mos"]), round(told["MOS"] * 100))
        self.assertEqual(told["RTP_SIP_CALL_ID"], call.far.dialog.call_id)


if __name__ == "__main__":
    unittest.main()
