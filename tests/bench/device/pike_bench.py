#!/usr/bin/python3
"""pike_bench.py — what a processor drops with Kamailio's pike: INVITEs of one source above its limit, over veth.

Two figures for one packet, each at the rate at which Kamailio does best: either the highest that it takes without
losing a packet to its socket's buffer, found by halving, or all that the sender can send. (When more comes than pike can
see the kernel spends time on packets that go no further; but then nobody has to be woken.)

- process: the time of Kamailio alone, as the scheduler counts it. The kernel's receive work for its packets (veth,
  IP, UDP, the socket's queue) runs on the sender's processor and is not in it.
- core: all that the receiving side does, on one processor. That is what an lcore of Sallyport is: it takes packets
  from a ring, parses and judges them, and frees them; there is nothing beside it. The receive work is led to the
  processor of Kamailio's worker (RPS of the receiving veth), the sender has the other one, and counted is the time in
  which that processor was not idle, by what the worker read from its socket. That the receive work was there is
  checked by the kernel's count of packets (softnet_stat). Whatever else runs on that processor is counted too, so the
  machine must be quiet; what the scheduler counts for the worker and the processor's ksoftirqd, with the interrupts
  that came meanwhile, is told beside: it is less by the receive work that came while the worker slept.

What is left that differs is what the two are: Sallyport over memif gets its packets from shared memory, by polling;
Kamailio gets its own from the kernel's sockets, behind veth, which is as cheap as Linux' devices are: no interrupts
of a card, and no checksum, for a packet that came over veth is taken for sound. Sending costs the receiver nothing
in either case, nothing is answered, and Kamailio logs nothing. Its script asks pike first and ends then.
"""

import glob
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "calls"))
# pylint: disable=wrong-import-position
import calls_bench  # noqa: E402
import harness  # noqa: E402
from harness import FAR_OUT4, IN4, OUT4, SIP_PORT  # noqa: E402

WORKER, SENDER = 0, 1  # processors
LOST_AT_MOST = 0.001   # of what was sent, for a rate that Kamailio takes
DEVICE = "s-out"       # where its packets come in

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
# Many datagrams a call, so that Python costs nothing. A line of its input is a rate; 0: as many as it can.
SENDER_PROGRAM = """
import ctypes, os, select, socket, sys, time
address, port, size, own, processor = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
os.sched_setaffinity(0, {int(processor)})
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((own, 5060))
sock.connect((address, port))
text = ("INVITE sip:a@%s SIP/2.0\\r\\nv:SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\\r\\nf:<sip:b@a>;tag=1\\r\\nt:<sip:a@a>\\r\\n"
        "i:1@a\\r\\nCSeq:1 INVITE\\r\\ns:%%s\\r\\n\\r\\n" % address)
message = (text % ("x" * max(size - 42 - len(text) + 2, 1))).encode()
class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("size", ctypes.c_size_t)]
class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("pieces", ctypes.POINTER(Piece)),
                ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_size_t), ("sent", ctypes.c_size_t)]  # of their sizes with what fills them up
piece = Piece(message, len(message))
MOST = 256
messages = (Message * MOST)(*[Message(pieces=ctypes.pointer(piece), count=1) for _ in range(MOST)])
sendmmsg = ctypes.CDLL(None).sendmmsg
def send(count):
    return max(sendmmsg(sock.fileno(), messages, count, 0), 0)
print("sending", len(message) + 42, flush=True)
rate, begun, sent = 0.0, time.monotonic(), 0
while True:
    if select.select([sys.stdin], [], [], 0)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        rate, begun, sent = float(line), time.monotonic(), 0
    for _ in range(64):
        due = MOST if rate == 0 else int((time.monotonic() - begun) * rate) - sent
        if due >= 16:
            sent += min(due, MOST)
            send(min(due, MOST))
"""


def datagrams(space):
    """UDP datagrams in that namespace: read by programs, lost for want of room in a socket."""
    text = subprocess.check_output(["ip", "netns", "exec", space.name, "cat", "/proc/net/snmp"], text=True)
    names, counts = [line.split() for line in text.splitlines() if line.startswith("Udp:")]
    return int(counts[names.index("InDatagrams")]), int(counts[names.index("RcvbufErrors")])


def received_by_processor():
    """(packets that the kernel received, packets for which its queue was full) of each processor."""
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return [tuple(int(word, 16) for word in line.split()[:2]) for line in file]


def spent_by_processor(number):
    """Seconds of that processor since it was started: busy, of those in receive work (softirq), and all."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = next(line.split() for line in file if line.startswith("cpu%d " % number))
    user, nice, system, idle, iowait, irq, softirq, steal = (int(word) / os.sysconf("SC_CLK_TCK") for word in fields[1:9])
    busy = user + nice + system + irq + softirq
    return busy, irq + softirq, busy + idle + iowait + steal


def softirq_thread(number):
    """The folder in /proc of the kernel's thread for receive work that interrupts leave behind, of that processor."""
    for one in glob.glob("/proc/[0-9]*"):
        try:
            with open(one + "/comm", encoding="utf-8") as file:
                if file.read().strip() == "ksoftirqd/%d" % number:
                    return one
        except FileNotFoundError:
            pass  # it has ended
    raise SystemExit("pike: there is no ksoftirqd/%d" % number)


def run_seconds(folder):
    """Seconds that a thread was on a processor."""
    with open(folder + "/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


class Pike:
    """Kamailio under a flood, one worker on WORKER; the sender on SENDER."""

    def __init__(self, size, receive_work_on_worker):
        self.softirq = softirq_thread(WORKER)
        self.network, self.end, self.sender = harness.Network(), None, None
        self.on_worker = receive_work_on_worker
        try:
            self.pid, self.end = calls_bench.run_kamailio(self.network, KAMAILIO.format(out=OUT4, inside=IN4, port=SIP_PORT))
            for process in calls_bench.tree(self.pid):
                os.sched_setaffinity(process, {WORKER})
            mask = "%x" % (1 << (WORKER if receive_work_on_worker else SENDER))
            subprocess.run(["ip", "netns", "exec", self.network.sbc.name, "sh", "-c",
                            "echo %s > /sys/class/net/%s/queues/rx-0/rps_cpus" % (mask, DEVICE)], check=True)
            # pylint: disable-next=consider-using-with
            self.sender = subprocess.Popen(["ip", "netns", "exec", self.network.out.name, sys.executable, "-c", SENDER_PROGRAM,
                                            OUT4, str(SIP_PORT), str(size), FAR_OUT4, str(SENDER)],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.sender.stdout.readline()
            time.sleep(3)  # two of pike's units: from then on it says no
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.sender is not None:
            self.sender.kill()
            self.sender.wait()
        if self.end is not None:
            self.end()
        self.network.remove()

    def at(self, rate, seconds):
        """What came of `seconds` at that rate; 0: as fast as the sender can."""
        self.sender.stdin.write("%f\n" % rate)
        self.sender.stdin.flush()
        time.sleep(0.3)
        before = self.look()
        begun = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - begun
        after = self.look()
        read, lost = (new - old for new, old in zip(after[0], before[0]))
        came = [new[0] - old[0] for new, old in zip(after[1], before[1])]
        missed = sum(new[1] - old[1] for new, old in zip(after[1], before[1]))
        busy, receiving, total = (new - old for new, old in zip(after[2], before[2]))
        expected = WORKER if self.on_worker else SENDER
        if came[expected] < 0.9 * sum(came):
            raise SystemExit("pike: the kernel's receive work was not on processor %d: packets by processor: %s" % (expected, came))
        return {"dropped": read, "lost": lost + missed, "elapsed": elapsed, "process": after[3] - before[3],
                "accounted": after[3] - before[3] + after[4] - before[4], "busy": busy / total * elapsed, "receiving": receiving / total * elapsed}

    def look(self):
        """All counters at one moment."""
        return (datagrams(self.network.sbc), received_by_processor(), spent_by_processor(WORKER), self.process_seconds(),
                run_seconds(self.softirq))

    def process_seconds(self):
        """Seconds that Kamailio was on a processor; all but its one worker of that socket have nothing to do."""
        return sum(calls_bench.spent(self.pid)[0].values())

    def best_rate(self):
        """The highest rate of which next to nothing is lost."""
        seen = self.at(0, 1)
        low, high = 0.0, (seen["dropped"] + seen["lost"]) / seen["elapsed"]
        for _ in range(7):
            rate = (low + high) / 2
            seen = self.at(rate, 1)
            takes = seen["lost"] <= LOST_AT_MOST * (seen["dropped"] + seen["lost"])
            low, high = (rate, high) if takes else (low, rate)
        return low


def pike(size, seconds):
    """Nanoseconds for each INVITE that pike drops: of Kamailio's process, of the whole core, of that in receive work; the
    drops a second of that core at which it was so; and the share of what came that the kernel dropped instead."""
    found = {}
    for on_worker in (False, True):
        run = Pike(size, on_worker)
        try:
            what = "busy" if on_worker else "process"
            seen = min((run.at(rate, seconds) for rate in (run.best_rate(), 0)), key=lambda one: one[what] / max(one["dropped"], 1))
            if not on_worker:
                found["process"] = seen["process"] / max(seen["dropped"], 1) * 1e9
                continue
            found["core"] = seen["busy"] / max(seen["dropped"], 1) * 1e9
            found["receiving"] = seen["receiving"] / max(seen["dropped"], 1) * 1e9
            found["accounted"] = seen["accounted"] / max(seen["dropped"], 1) * 1e9
            found["rate"], found["busy"] = seen["dropped"] / seen["elapsed"], seen["busy"] / seen["elapsed"]
            found["not_seen"] = seen["lost"] / max(seen["dropped"] + seen["lost"], 1)
        finally:
            run.close()
    return found


def text_of(found):
    """One line for people."""
    return ("%.0f ns of Kamailio's process for each dropped INVITE; %.0f ns of the whole core (%.0f of them in softirq; %.0f accounted "
            "to its worker and ksoftirqd), %.0f a second at %.0f %% busy, where %.1f %% of what came never got as far as pike" % (
                found["process"], found["core"], found["receiving"], found["accounted"], found["rate"], 100 * found["busy"],
                100 * found["not_seen"]))


if __name__ == "__main__":
    print("pike:", text_of(pike(214, 5)))
