"""restart_test.py — start, stop and start again after kill -9, with every type of device of this kind of machine."""

import os
import signal
import struct
import unittest

import frames
from frames import ARP, Ether
from harness import IN4, OUT4, OUT6, SIP_PORT, Case, eventually, netns_names, ports_of
from netns import inside, run
from reload_test import FAR, NEAR, ReloadCase

NSENTER = ("nsenter",)  # keeps the mount namespace, so that named namespaces outlive a killed daemon


class Restart(Case):
    def left_behind(self):
        """What of the daemon is still there: namespaces, interfaces, nft tables, XDP programs, promiscuous mode."""
        found = [n for n in netns_names() if n.startswith("sp-" + self.net.tag)]
        sbc = self.net.sbc
        found += [line for line in sbc.ip("-o", "link").stdout.splitlines()
                  if "xdp" in line or "PROMISC" in line or not any(n in line for n in ("lo:", "s-out@", "s-in@"))]
        found += sbc.run("nft", "list", "tables").stdout.splitlines()
        return found

    def assert_both_sides(self):
        for side, version, address in (("out", 4, OUT4), ("out", 6, OUT6), ("in", 4, IN4)):
            sock = self.known(side, version)
            self.assert_answered(sock, (address, SIP_PORT), seconds=12.0)
            sock.close()

    def cycle(self, config, check):
        """Start, kill -9, start, SIGTERM, start, SIGTERM: every start works, every stop is clean."""
        for launch in (("ip", "netns", "exec"), NSENTER):
            with self.subTest(launch=launch[0]):
                check(self.net.start(config, launch=launch))
                self.net.daemons[-1].kill()
                daemon = self.net.start(config, launch=launch)
                check(daemon)
                self.assertEqual(daemon.terminate(), 0, daemon.log())
                self.assertEqual(self.left_behind(), [])
        daemon = self.net.start(config)
        check(daemon)
        self.assertEqual(daemon.terminate(), 0, daemon.log())
        self.assertEqual(self.left_behind(), [])

    def test_af_packet(self):
        self.cycle(self.net.config(), lambda daemon: self.assert_both_sides())

    def test_af_xdp(self):
        self.cycle(self.net.config(out_device="af_xdp:s-out", in_device="af_xdp:s-in"),
                   lambda daemon: self.assert_both_sides())

    def test_af_packet_after_af_xdp_was_killed(self):
        self.net.start(self.net.config(out_device="af_xdp:s-out", in_device="af_xdp:s-in"), launch=NSENTER)
        self.assert_both_sides()
        self.net.daemons[-1].kill()
        daemon = self.net.start(self.net.config(), launch=NSENTER)
        self.assert_both_sides()
        self.assertEqual(daemon.terminate(), 0)
        self.assertEqual(self.left_behind(), [])

    def test_memif(self):
        path = os.path.join(self.net.folder, "memif.sock")

        def ports_are_there(daemon):
            self.assertEqual([p["name"] for p in ports_of(daemon)], ["outside", "inside"])
        self.cycle(self.net.config(in_device=f"memif:{path},role=server"), ports_are_there)

    def test_ring_and_discard(self):
        def ports_are_there(daemon):
            self.assertEqual([p["name"] for p in ports_of(daemon)], ["outside", "inside"])
        self.cycle(self.net.config(out_device=f"ring:{self.net.tag}", in_device="discard"), ports_are_there)

    def test_pcap(self):
        file_in, file_out = (os.path.join(self.net.folder, n) for n in ("in.pcap", "out.pcap"))
        question = Ether(src="02:00:00:00:00:22", dst=frames.BROADCAST) / ARP(
            op=1, hwsrc="02:00:00:00:00:22", psrc="198.18.1.2", pdst=OUT4)
        write_pcap(file_in, [bytes(question)])

        def is_answered(_):
            eventually(lambda: any(Ether(f).haslayer(ARP) and Ether(f)[ARP].psrc == OUT4 for f in read_pcap(file_out)),
                       "an ARP answer in the file that pcap writes", 15.0)
        self.cycle(self.net.config(out_device=f"pcap:in={file_in},out={file_out}"), is_answered)

    def test_the_taps_live_in_namespaces_of_their_own(self):
        daemon = self.net.start(self.net.config(), launch=NSENTER)
        names = [n for n in netns_names() if n.startswith("sp-")]
        expected = [f"sp-{self.net.tag}-{port}" for port in ("inside", "outside")]
        self.assertEqual([n for n in names if self.net.tag in n], expected)
        for port, address in (("outside", OUT4), ("inside", IN4)):
            with inside(f"/run/netns/sp-{self.net.tag}-{port}"):
                self.assertIn(f" {address}/24 ", run("ip", "-o", "address").stdout)
                with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
                    self.assertEqual(file.read().strip(), "0")
        self.assertEqual(daemon.terminate(), 0)

    def state_of_interfaces(self):
        sbc, found = self.net.sbc, []
        for name in ("s-out", "s-in"):
            found += sbc.run("ethtool", "-k", name).stdout.splitlines()
            with inside(sbc.path):
                for key in ("ipv6/conf/%s/disable_ipv6", "ipv4/conf/%s/arp_ignore", "ipv4/conf/%s/rp_filter"):
                    with open("/proc/sys/net/" + key % name, encoding="ascii") as file:
                        found.append(f"{key % name} {file.read().strip()}")
        return found

    def test_the_interfaces_are_given_back_as_they_were(self):
        for kind in ("af_packet", "af_xdp"):
            before = self.state_of_interfaces()
            daemon = self.net.start(self.net.config(out_device=f"{kind}:s-out", in_device=f"{kind}:s-in"))
            self.assertNotEqual(self.state_of_interfaces(), before)
            self.assertEqual(daemon.terminate(), 0)
            self.assertEqual(self.state_of_interfaces(), before)

    def test_a_second_daemon_of_the_same_node_is_refused_and_hurts_nobody(self):
        self.net.start(self.net.config())
        self.assert_both_sides()
        second = self.net.start(self.net.config(), wait_ready=False)
        self.assertEqual(second.wait_end(), 71, second.log())
        self.assert_both_sides()

    def test_two_sigterms_stop_at_once(self):
        daemon = self.net.start(self.net.config())
        daemon.process.terminate()
        daemon.process.terminate()
        self.assertEqual(daemon.wait_end(), 0)
        self.assertEqual(self.left_behind(), [])


class Callbacks(ReloadCase):
    def first_config(self):
        config = super().first_config()
        next(one for one in config["peers"] if one["name"] == "far")["limits"] = {"out": {"calls": 1, "rate": "100/s"}}
        config["emergency"] = {"numbers": ["116117"], "to": ["near"], "callback": "10m"}
        return config

    def restart(self):
        for number in (signal.SIGTERM, signal.SIGTERM):  # a call is up: the second one ends the drain
            self.daemon.process.send_signal(number)
        self.assertEqual(self.daemon.wait_end(), 0)
        self.daemon = self.net.start(self.config)

    def test_who_has_called_for_help_may_be_called_back_after_a_restart(self):
        """`emergency.callback`: past the limit of the peer that is called, for ten minutes from then. RFC 7090 §1"""
        far, near = self.phone(FAR), self.phone(NEAR)
        far.me = far.me.replace("sip:phone@", "sip:6555001@")
        call = self.connect(near, far, "6001")
        self.assertEqual(self.refusal(near, "6555001"), 503)
        self.passes(far, near, "116117")
        for _ in range(2):
            self.passes(near, far, "6555001")
            self.assertEqual(self.refusal(near, "6555002"), 503)
            self.restart()
        self.passes(near, far, "6555001")
        self.config["emergency"]["callback"] = "0s"
        self.restart()
        self.assertEqual(self.refusal(near, "6555001"), 503)
        self.hang_up(*call)


def write_pcap(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for packet in packets:
            file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)


def read_pcap(path):
    """Frames of a pcap file that may still be growing (microseconds or nanoseconds, little endian)."""
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        octets = file.read()
    found, at = [], 24
    while at + 16 <= len(octets):
        size = struct.unpack_from("<I", octets, at + 8)[0]
        found.append(octets[at + 16:at + 16 + size])
        at += 16 + size
    return found


if __name__ == "__main__":
    unittest.main()
