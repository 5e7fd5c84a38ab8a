#!/usr/bin/python3
"""pike_bench.py — what Kamailio's pike drops: INVITEs of one source above its limit, over veth.

One worker, on processor 0; the sender has the other one. Counted is what the worker took out of its socket (Linux counts
that), and the time that Kamailio was on a processor for it. The packets come from the kernel's sockets, where
Sallyport takes its own from a ring: what is compared is a drop as the operator of either has it, I/O and all.
"""

import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "calls"))
# pylint: disable=wrong-import-position
import calls_bench  # noqa: E402
import harness  # noqa: E402
from harness import FAR_OUT4, IN4, OUT4, SIP_PORT  # noqa: E402

# pike_check_req() says no above fifty a second, which is what Sallyport allows a stranger; then nothing is answered.
KAMAILIO = """
children=1
auto_aliases=no
mhomed=yes
debug=-1
log_stderror=yes
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "pike.so"
modparam("pike", "sampling_time_unit", 2)
modparam("pike", "reqs_density_per_unit", 100)
modparam("pike", "remove_latency", 120)
modparam("pike", "pike_log_level", 5)
listen=udp:{out}:{port}
listen=udp:{inside}:{port}
request_route {{
  if (!pike_check_req()) exit;
  sl_send_reply("403", "Forbidden");
}}
"""
SENDER = """
import os, socket, sys
address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.sched_setaffinity(0, {1})
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((sys.argv[4], 5060))
sock.connect((address, port))
text = ("INVITE sip:a@%s SIP/2.0\\r\\nv:SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\\r\\nf:<sip:b@a>;tag=1\\r\\nt:<sip:a@a>\\r\\n"
        "i:1@a\\r\\nCSeq:1 INVITE\\r\\ns:%%s\\r\\n\\r\\n" % address)
message = (text % ("x" * max(size - 42 - len(text) + 2, 1))).encode()
print("sending", len(message) + 42, flush=True)
while True:
    for _ in range(1000):
        try:
            sock.send(message)
        except ConnectionRefusedError:
            pass
"""


def taken(space):
    """UDP datagrams that programs in that namespace have read."""
    text = subprocess.check_output(["ip", "netns", "exec", space.name, "cat", "/proc/net/snmp"], text=True)
    names, counts = [line.split() for line in text.splitlines() if line.startswith("Udp:")]
    return int(counts[names.index("InDatagrams")])


def busy(pid):
    """Seconds that Kamailio was on a processor; all but its one worker of that socket have nothing to do."""
    return sum(calls_bench.spent(pid)[0].values())


def pike(size, seconds):
    """Nanoseconds that Kamailio spends on a dropped packet of that many octets, and packets a second that it took."""
    network = harness.Network()
    try:
        pid, end = calls_bench.run_kamailio(network, KAMAILIO.format(out=OUT4, inside=IN4, port=SIP_PORT))
        try:
            for process in calls_bench.tree(pid):
                os.sched_setaffinity(process, {0})
            # pylint: disable-next=consider-using-with
            sender = subprocess.Popen(["ip", "netns", "exec", network.out.name, sys.executable, "-c", SENDER, OUT4, str(SIP_PORT),
                                       str(size), FAR_OUT4], stdout=subprocess.PIPE, text=True)
            try:
                sender.stdout.readline()
                time.sleep(3)  # two of pike's units: from then on it says no
                before, spent, begun = taken(network.sbc), busy(pid), time.monotonic()
                time.sleep(seconds)
                packets, elapsed = taken(network.sbc) - before, time.monotonic() - begun
                worked = busy(pid) - spent
            finally:
                sender.kill()
                sender.wait()
        finally:
            end()
    finally:
        network.remove()
    return worked / max(packets, 1) * 1e9, packets / elapsed


if __name__ == "__main__":
    print("pike: %.0f ns of Kamailio for each dropped INVITE, %.0f of them a second" % pike(214, 5))
