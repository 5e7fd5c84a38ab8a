"""memif_test.py — two Sallyports on one machine, joined by shared memory, find each other and serve their own sides."""

import os
import subprocess
import unittest

from harness import BINARY, FAR_IN4, FAR_OUT4, IN4, IN6, OUT4, SIP_PORT, Case, eventually, ports_of
from netns import inside, run

# The link between the two.
FIRST4, SECOND4, FIRST6, SECOND6 = "198.18.9.1", "198.18.9.2", "fd18:9::1", "fd18:9::2"


class Memif(Case):
    def node(self, name, number, link, outer):
        """A node with one port on a cable and one on the link; its peer is the node at the other end."""
        config = self.net.config(out_device=outer["device"], in_device=link["device"])
        config["node"] = {"name": name, "state": os.path.join(self.net.folder, f"state-{name}")}
        config["ports"][0]["addresses"] = outer["addresses"]
        config["ports"][1]["addresses"] = link["addresses"]
        config["peers"][0].update(targets=[{"address": f"{outer['peer']}:5060"}], sources=[])
        config["peers"][1]["targets"] = [{"address": f"{link['peer']}:5060"}]
        config["management"] = {"socket": os.path.join(self.net.folder, f"{name}.sock"), "listen": f"127.0.0.1:{8080 + number}"}
        return config

    def setUp(self):
        super().setUp()
        path = os.path.join(self.net.folder, "memif.sock")
        self.names = (self.net.tag, self.net.tag + "b")
        self.first = self.node(self.names[0], 0,
                               {"device": f"memif:{path},role=server", "addresses": [f"{FIRST4}/24", f"{FIRST6}/64"], "peer": SECOND4},
                               {"device": "af_packet:s-out", "addresses": [f"{OUT4}/24"], "peer": FAR_OUT4})
        self.second = self.node(self.names[1], 1,
                                {"device": f"memif:{path},role=client", "addresses": [f"{SECOND4}/24", f"{SECOND6}/64"], "peer": FIRST4},
                                {"device": "af_packet:s-in", "addresses": [f"{IN4}/24", f"{IN6}/64"], "peer": FAR_IN4})

    def assert_joined(self, first, second):
        """Each has found the other's MAC over the link, in IPv4 and IPv6, and serves its own side."""
        for daemon, name, other, targets in ((first, self.names[0], second, (SECOND4, SECOND6)),
                                             (second, self.names[1], first, (FIRST4, FIRST6))):
            mac = next(p["mac"] for p in ports_of(other) if p["name"] == "inside")
            for target in targets:
                def is_found(daemon=daemon, name=name, target=target, mac=mac):
                    with inside(f"/proc/{daemon.process.pid}/root/run/netns/sp-{name}-inside"):
                        run("ping", "-c", "1", "-W", "1", target, check=False)  # makes Linux ask for the neighbour
                        return f"lladdr {mac} " in run("ip", "neigh", "show", target).stdout
                eventually(is_found, f"{name} finds {target} over memif", 20.0)
        self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        self.assert_answered(self.known("in", 4), (IN4, SIP_PORT))

    def test_two_instances_joined_by_memif(self):
        first, second = self.net.start(self.first), self.net.start(self.second)
        self.assert_joined(first, second)
        self.assertEqual(second.terminate(), 0, second.log())
        self.assertEqual(first.terminate(), 0, first.log())

    def test_the_client_may_start_first(self):
        second = self.net.start(self.second)
        first = self.net.start(self.first)
        self.assert_joined(first, second)

    def test_a_client_that_was_killed_is_joined_again(self):
        first, second = self.net.start(self.first), self.net.start(self.second)
        self.assert_joined(first, second)
        second.kill()
        second = self.net.start(self.second)
        self.assert_joined(first, second)

    def test_a_server_that_was_killed_is_joined_again(self):
        first, second = self.net.start(self.first), self.net.start(self.second)
        self.assert_joined(first, second)
        first.kill()
        first = self.net.start(self.first)
        self.assert_joined(first, second)

    # The driver unmaps the ring while the lcore reads it: Sallyport once died with its neighbour.
    def test_a_neighbour_that_is_killed_in_the_middle_of_a_flood_takes_nobody_with_it(self):
        first = self.net.start(self.first)
        load = os.path.join(os.path.dirname(BINARY), "memif_load")
        socket = self.first["ports"][1]["device"].removeprefix("memif:").split(",")[0]
        for round_number in range(8):
            before = self.received(first)
            flood = subprocess.Popen([load, f"socket={socket}", "mode=blind", "seconds=30"], stdout=subprocess.DEVNULL)
            try:
                eventually(lambda: self.received(first) > before + 100_000, f"flood {round_number} arrives", 20.0)
            finally:
                flood.kill()
                flood.wait()
            self.assert_answered(self.known("out", 4), (OUT4, SIP_PORT))
        self.assertEqual(first.terminate(), 0, first.log())

    def received(self, daemon):
        port = next(p for p in ports_of(daemon) if p["name"] == "inside")
        return sum(count["packets"] for count in port["received"].values())


if __name__ == "__main__":
    unittest.main()
