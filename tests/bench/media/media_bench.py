#!/usr/bin/python3
"""media_bench.py — what relaying voice costs over the cables that the kernel knows, beside rtpengine and testpmd.

  media_bench.py busy      processor time of the whole machine at 20,000 and 40,000 packets a second, less that of the same
                           load over a cable without a relay; paired runs, every relay over the same veth pairs
  media_bench.py latency   what a packet takes longer than over a bare cable, at 20,000 a second: median and 99 of 100; and
                           99 of 100 in the median tenth of a second (usual p99), which leaves out what stops the machine
  media_bench.py rate      the most that rtpengine relays without a loss, plain and RTP to SRTP, its threads on one processor
                           and the load on the other, and plain on both (the other side of the issues' ratios is relay over
                           memif, measured by the device benchmarks)

Each leg is a call of 50 packets a second in each direction. Needs root, two cores and a quiet machine; prints figures,
judges nothing but that voice arrives at all.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "integration")]
# pylint: disable=wrong-import-position
import harness  # noqa: E402
import sdp  # noqa: E402
import srtp  # noqa: E402
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT  # noqa: E402
from netns import run, veth  # noqa: E402
from ng import Rtpengine  # noqa: E402
from phone import Phone  # noqa: E402

FIRST_PORT, PER_LEG = 30000, 100  # packets a second of a leg


def ports(number):
    return FIRST_PORT + 2 * number


class LegPhone(Phone):
    """Its n-th call is the n-th leg of the load; what the other side's SDP says is kept."""

    def __init__(self, sock, remote):
        self.theirs = []
        super().__init__(sock, remote)

    def own(self, number):
        return sdp.write(self.sock.getsockname()[0], ports(number), formats="0", attributes=())

    def offer(self):
        return self.own(len(self.theirs))

    def answered(self, dialog, answer):
        self.theirs.append(sdp.Sdp(answer.body).media[0].remote)
        return b""

    def answer(self, request, status):
        if request.method != "INVITE" or status != 200:
            return b""
        self.theirs.append(sdp.Sdp(request.body).media[0].remote)
        return self.own(len(self.theirs) - 1)


class Relay:
    """What all relays have: the network, and the legs that lead through it."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.network = harness.Network()
        self.legs = []  # ((own, to) outside, (own, to) inside), each end (address, port)

    def end(self):
        self.network.remove()


class Bare(Relay):
    """One cable from phone to phone."""

    def __init__(self, arguments, legs):
        super().__init__(arguments)
        net = self.network
        for far in (net.out, net.inn):
            far.ip("link", "del", "wire")
        veth(net.out, "wire", net.inn, "wire")
        for far, address in ((net.out, FAR_OUT4), (net.inn, FAR_IN4)):
            far.ip("address", "add", f"{address}/15", "dev", "wire")
            far.ip("link", "set", "wire", "up")
        self.legs = [(((FAR_OUT4, ports(n)), (FAR_IN4, ports(n))), ((FAR_IN4, ports(n)), (FAR_OUT4, ports(n)))) for n in range(legs)]


class ThroughRtpengine(Relay):
    suite = None  # RTP to RTP; else the inside is SRTP under a key of each leg's own

    def __init__(self, arguments, legs):
        super().__init__(arguments)
        for device, address in (("s-out", OUT4), ("s-in", IN4)):
            self.network.sbc.ip("address", "add", f"{address}/24", "dev", device)
        self.rtpengine = Rtpengine(self.network, OUT4, IN4)
        for number in range(legs):
            call = {"call-id": f"leg{number}", "from-tag": "a", "replace": ["origin", "session-connection"], "ICE": "remove"}
            offer = self.rtpengine.ask("offer", sdp=sdp.write(FAR_OUT4, ports(number), formats="0", attributes=()),
                                       direction=["outside", "inside"], **self.secured(), **call)
            answer = self.rtpengine.ask("answer", sdp=self.callee(number, sdp.Sdp(offer["sdp"])), **{**call, "to-tag": "b"})
            self.legs.append((((FAR_OUT4, ports(number)), sdp.Sdp(answer["sdp"]).media[0].remote),
                              ((FAR_IN4, ports(number)), sdp.Sdp(offer["sdp"]).media[0].remote)))

    def secured(self):
        if self.suite is None:
            return {}
        others = [f"no-{name}" for name in srtp.SUITES if name != self.suite]
        return {"transport-protocol": "RTP/SAVP", "DTLS": "off", "SDES": others}

    def callee(self, number, offer):
        if self.suite is None:
            return sdp.write(FAR_IN4, ports(number), formats="0", attributes=())
        offered = [line.partition(":")[2].split() for line in offer.media[0].attributes if line.startswith("crypto:")]
        tag = next(words[0] for words in offered if words[1] == self.suite)
        return sdp.write(FAR_IN4, ports(number), formats="0", attributes=(srtp.Key(self.suite).line(tag),), protocol="RTP/SAVP")

    def end(self):
        self.rtpengine.end()
        super().end()


class ThroughRtpengineCm80(ThroughRtpengine):
    suite = "AES_CM_128_HMAC_SHA1_80"


class ThroughRtpengineGcm(ThroughRtpengine):
    suite = "AEAD_AES_128_GCM"


class ThroughSallyport(Relay):
    device = "af_packet"

    def __init__(self, arguments, legs):
        super().__init__(arguments)
        config = self.network.config(out_device=f"{self.device}:s-out", in_device=f"{self.device}:s-in")
        config["dataplane"]["capacity"].update(calls=5000, transactions=60000)
        config["dataplane"]["lcores"] = arguments.lcores
        for realm in config["realms"]:
            realm["limits"] = {"calls": 5000, "rate": "5000/s"}
        self.daemon = self.network.start(config, binary=os.path.join(arguments.build, "sallyport"))
        net = self.network
        self.phones = [LegPhone(far.udp(address, SIP_PORT), (near, SIP_PORT))
                       for far, address, near in ((net.out, FAR_OUT4, OUT4), (net.inn, FAR_IN4, IN4))]
        for _ in range(legs):
            self.phones[0].call("4001")
        caller, callee = (phone.theirs for phone in self.phones)
        self.legs = [(((FAR_OUT4, ports(n)), caller[n]), ((FAR_IN4, ports(n)), callee[n])) for n in range(legs)]

    def end(self):
        # The second ends the drain (two of a kind may arrive as one); its BYEs are answered while the phones are there.
        for number in (signal.SIGTERM, signal.SIGINT):
            self.daemon.process.send_signal(number)
        self.daemon.wait_end()
        for phone in self.phones:
            phone.stop()
        super().end()


class ThroughSallyportXdp(ThroughSallyport):
    device = "af_xdp"


class ThroughTestpmd(Relay):
    """Frames go from one cable to the other as they are."""

    device = "net_af_packet0,iface={}", "net_af_packet1,iface={}"

    def __init__(self, arguments, legs):
        super().__init__(arguments)
        net = self.network
        for interface in ("s-out", "s-in"):
            net.sbc.run("ethtool", "-K", interface, "tx", "off", "rx", "off", "gro", "off", "gso", "off", "tso", "off", check=False)
            net.sbc.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 1)
        for far, address, other in ((net.out, FAR_OUT4, FAR_IN4), (net.inn, FAR_IN4, FAR_OUT4)):
            far.run("ethtool", "-K", "wire", "tx", "off", check=False)
            far.ip("address", "flush", "dev", "wire", "scope", "global")
            far.ip("address", "add", f"{address}/15", "dev", "wire")
            far.ip("neigh", "replace", other, "lladdr", (net.inn if far is net.out else net.out).mac("wire"), "dev", "wire")
        devices = [f"--vdev={name.format(interface)}" for name, interface in zip(self.device, ("s-out", "s-in"))]
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", net.sbc.name, "stdbuf", "-oL", "dpdk-testpmd", "-l", "0,1", "--no-huge", "-m", "512", "--no-pci",
             f"--file-prefix={net.tag}", *devices, "--", "--forward-mode=io", "--auto-start", "--nb-cores=1", "-i",
             "--total-num-mbufs=16384", "--disable-link-check"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        words = b""
        while b"nb forwarding ports" not in words:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"testpmd ended: {words.decode(errors='replace')[-2000:]}")
            words += line
        self.legs = [(((FAR_OUT4, ports(n)), (FAR_IN4, ports(n))), ((FAR_IN4, ports(n)), (FAR_OUT4, ports(n)))) for n in range(legs)]

    def end(self):
        self.process.communicate(b"quit\n", timeout=30)
        super().end()


class ThroughTestpmdXdp(ThroughTestpmd):
    device = "net_af_xdp0,iface={}", "net_af_xdp1,iface={}"


RATED = {"rtpengine": ThroughRtpengine, "rtpengine to cm80": ThroughRtpengineCm80, "rtpengine to gcm": ThroughRtpengineGcm}
RELAYS = {"bare": Bare, "rtpengine": ThroughRtpengine, "af_packet": ThroughSallyport, "af_xdp": ThroughSallyportXdp,
          "testpmd-af_packet": ThroughTestpmd, "testpmd-af_xdp": ThroughTestpmdXdp}


def idle_seconds():
    """Of all processors together, since the start of the machine."""
    with open("/proc/uptime", encoding="ascii") as file:
        up, idle = map(float, file.read().split())
    return up, idle


def load(relay, rate, seconds, *words):
    """One run: what rtp_load says, and how many processors were busy in it (1.0 is one of them)."""
    path = os.path.join(relay.network.folder, "legs")
    with open(path, "w", encoding="ascii") as file:
        for leg in relay.legs:
            for own, to in leg:
                file.write(f"{own[0]} {own[1]} {to[0]} {to[1]}\n")
    up, idle = idle_seconds()
    text = run(os.path.join(relay.arguments.build, "rtp_load"), relay.network.out.name, relay.network.inn.name, path, str(rate),
               str(seconds), *words, timeout=seconds + 60).stdout
    later, idler = idle_seconds()
    found = json.loads(text)
    found["busy"] = os.cpu_count() - (idler - idle) / (later - up)
    found["lost"] = found["said"] - found["heard"]
    if found["heard"] == 0 and rate < 100000:  # above it a relay may well drown
        raise SystemExit(f"{type(relay).__name__}: nothing arrives: {found}")
    return found


def measure(name, arguments, rate, legs=None):
    relay = RELAYS[name](arguments, legs or rate // PER_LEG)
    try:
        return load(relay, rate, arguments.seconds)
    finally:
        relay.end()


def paired(arguments, rate, names):
    """{name: runs}; in each round all of them once."""
    found = {}
    for number in range(arguments.runs):
        for name in names:
            one = measure(name, arguments, rate)
            found.setdefault(name, []).append(one)
            print(f"  run {number + 1} {name:18} {rate}/s: {one['said']} said, {one['lost']} lost, busy {one['busy']:.3f}, "
                  f"p50 {one['p50_us']:.1f} us, p99 {one['p99_us']:.1f} us, usual p99 {one['usual_p99_us']:.1f} us", flush=True)
    return found


def busy(arguments):
    for rate in (20000, 40000):
        runs = paired(arguments, rate, [n for n in RELAYS if arguments.only is None or n in arguments.only])
        bare = statistics.median(one["busy"] for one in runs["bare"])
        cost = {name: statistics.median(one["busy"] for one in of) - bare for name, of in runs.items() if name != "bare"}
        for name, value in cost.items():
            ratio = f", {value / cost['rtpengine']:.2f} of rtpengine's" if "rtpengine" in cost else ""
            print(f"busy {rate}/s {name}: {value:.3f} processors above the bare cable's {bare:.3f}{ratio}", flush=True)


def latency(arguments):
    rate = 20000
    names = [n for n in ("bare", "rtpengine", "af_packet", "af_xdp") if arguments.only is None or n in arguments.only]
    runs = paired(arguments, rate, names)
    keys = ("p50_us", "p99_us", "usual_p99_us")
    figures = {name: {key: statistics.median(one[key] for one in of) for key in keys} for name, of in runs.items()}
    for name in names[1:]:
        added = {key: figures[name][key] - figures["bare"][key] for key in keys}
        print(f"latency {rate}/s {name}: p50 {added['p50_us']:.1f} us, p99 {added['p99_us']:.1f} us, "
              f"usual p99 {added['usual_p99_us']:.1f} us above the bare cable", flush=True)


def on_one_processor(pid):
    """All threads of rtpengine on the first; what this process starts from now on runs on the second."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {0})
    os.sched_setaffinity(0, {1})


def most_relayed(arguments, name, is_pinned):
    """Halves the range between what is relayed whole and what is not; the callers alone speak, as in the device benchmark."""
    everything = os.sched_getaffinity(0)
    low, high = 10000, 400000
    while high - low > 8000:
        middle = (low + high) // 2
        relay = RATED[name](arguments, 500)
        try:
            if is_pinned:
                on_one_processor(relay.rtpengine.process.pid)
            one = load(relay, middle, arguments.seconds, "callers")
        finally:
            os.sched_setaffinity(0, everything)
            relay.end()
        print(f"  {name} {middle}/s: {one['lost']} of {one['said']} lost, busy {one['busy']:.2f}", flush=True)
        low, high = (middle, high) if one["lost"] == 0 else (low, middle)
    return low


def rate(arguments):
    for name, is_pinned in [(name, True) for name in RATED] + [("rtpengine", False)]:
        found = most_relayed(arguments, name, is_pinned)
        where = "on one processor, the load on the other" if is_pinned else "on both processors, with the load"
        print(f"rate: {name} relays {found} packets a second without a loss, {where}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("busy", "latency", "rate"))
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "..", "build", "release"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="these relays alone (bare is needed)")
    parser.add_argument("--lcores", default=1, type=lambda text: int(text) if text.isdigit() else text,
                        help="Sallyport's dataplane.lcores: 1 runs where Linux puts it, 1-1 on processor 1 and nowhere else")
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f} (above 0.5 the figures mean little)", flush=True)
    {"busy": busy, "latency": latency, "rate": rate}[arguments.part](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
