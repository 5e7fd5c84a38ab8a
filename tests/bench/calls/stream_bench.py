#!/usr/bin/python3
"""stream_bench.py — what calls over TCP and TLS cost beside UDP, and what thousands of idle TLS connections hold.

`calls`: whole calls (INVITE, 180, 200, ACK, BYE, 200) between two namespaces, both legs over one UDP socket, one TCP or
one TLS connection each, by sip_load (one thread of its own on the same processors; its cost is told beside). By turns for
each transport: processor time of all threads of Sallyport for one call at a fixed rate, and the most calls a second of
which none fails and none waits a second for an answer. Over UDP what is lost is said again.
`idle`: resident memory before and with 10,000 TLS connections that say nothing (tls_idle), and calls while they are open.
What Linux keeps for a connection is not in it.
Needs root and a quiet machine; prints figures, judges nothing but that calls can be made and connections opened at all.
"""

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
sys.path.insert(0, HERE)
# pylint: disable=wrong-import-position
import harness  # noqa: E402
from calls_bench import spent  # noqa: E402
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4  # noqa: E402
from stream_case import Side, listen_on_streams, stream_peer  # noqa: E402

TRANSPORTS = ("udp", "tcp", "tls")
FAR, OWN, NAMES = {"out": FAR_OUT4, "in": FAR_IN4}, {"out": OUT4, "in": IN4}, {"out": "carrier", "in": "pbx"}
GOAL_IDLE = 400_000_000


class Rig:
    """A Sallyport whose peers speak these transports, and certificates for both sides."""

    def __init__(self, arguments, outside, inside, change=None):
        self.arguments, self.transports = arguments, {"out": outside, "in": inside}
        self.network = harness.Network()
        try:
            if arguments.segmented:
                for namespace in (self.network.out, self.network.inn):
                    namespace.run("ethtool", "-K", "wire", "tso", "off", "gso", "off")
            self.sides = {side: Side(self.network, side) for side in FAR}
            self.pairs = {side: self.sides[side].authority.issue(NAMES[side], [f"sip:{NAMES[side]}.test"], [f"{NAMES[side]}.test"],
                                                                 [FAR[side]]) for side in FAR}
            self.daemon = self.network.start(self.config(change), binary=arguments.binary or os.path.join(arguments.build, "sallyport"))
            self.pid = self.daemon.process.pid
        except BaseException:
            self.network.remove()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.network.remove()

    def config(self, change):
        config = self.network.config()
        config["dataplane"]["capacity"].update(calls=25000, transactions=800000)
        listen_on_streams(config, self.sides)
        for realm in config["realms"]:
            # A pair rests for three seconds at least: 8,000 calls a second have enough. The two hundred ports that are
            # left of Linux's range are for connections of our own.
            realm["media"] = {"ports": "10240-60799", "quarantine": "0s"}
            realm["limits"] = {"calls": 25000, "rate": "100000/s"}
        config["peers"] = [stream_peer(side, NAMES[side], FAR[side], self.transports[side]) for side in FAR]
        if change is not None:
            change(config)
        return config

    def phones(self, **transports):
        """sip_load; transports: others than the peers'."""
        words = []
        for side, namespace in (("out", self.network.out), ("in", self.network.inn)):
            words += [namespace.name, FAR[side], OWN[side], transports.get(side, self.transports[side]).upper()]
        for side in FAR:
            words += [self.pairs[side].certificate, self.pairs[side].key]
        return Load(os.path.join(self.arguments.build, "sip_load"), words)

    def warm(self, load):
        """Calls until they all succeed: a target whose neighbour was not known yet is left alone for a while."""
        for _ in range(8):
            one = load.run(200, 1000, 2, 0)
            if one["lost"] == 0:
                return
        raise SystemExit(f"calls fail: {one}\n{self.daemon.log()[-3000:]}")

    def troubles(self):
        """Counters of Sallyport that tell why a call was lost."""
        words = ("refused", "rejected", "failed", "full", "dropped", "lost", "overflow")
        return ", ".join(f"{name.removeprefix('sallyport_')}{sorted(dict(labels).items())} {value:.0f}"
                         for (name, labels), value in sorted(self.daemon.metrics().items(), key=lambda item: item[0][0])
                         if value and any(word in name for word in words))

    def resident(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS:"))


class Load:
    """A generator that is told what to do line by line, and answers so."""

    def __init__(self, program, words):
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self, seconds):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise SystemExit(f"{self.process.args[0]} says nothing for {seconds} s")
        found = self.process.stdout.readline()
        if not found:
            raise SystemExit(f"{self.process.args[0]} ended with {self.process.wait(10)}")
        return found

    def ready(self):
        self.line(30)
        return self

    def run(self, rate, window, seconds, hold):
        self.process.stdin.write(f"{rate} {window} {seconds} {hold}\n")
        self.process.stdin.flush()
        found = json.loads(self.line(seconds + 30))
        found["lost"] = found["failed"] + found["late"]
        return found

    def end(self):
        self.process.stdin.close()
        return json.loads(self.line(60))


def cost(before, after, made):
    """Microseconds of a call by thread."""
    return {name: (seconds - before[0].get(name, 0.0)) / max(made, 1) * 1e6 for name, seconds in after[0].items()}


def most(rig, load, arguments):
    """As many calls as can be with a window; halved until none is lost."""
    window = arguments.window
    while True:
        before = spent(rig.pid)
        one = load.run(0, window, arguments.seconds, 0)
        one["threads"], one["window"] = cost(before, spent(rig.pid), one["made"]), window
        one["rate"] = one["made"] / one["seconds"]
        if one["lost"] == 0:
            return one
        print(f"  {one['lost']} of {one['begun']} lost with {window} calls at once: {one['refusal'] or 'no answer'}; {rig.troubles()}",
              flush=True)
        if window == 1:
            raise SystemExit("even one call at a time is lost")
        window //= 2


def measure(transport, arguments):
    with Rig(arguments, transport, transport) as rig, rig.phones().ready() as load:
        rig.warm(load)
        before = spent(rig.pid)
        steady = load.run(arguments.rate, 20000, arguments.seconds, arguments.hold)
        steady["threads"] = cost(before, spent(rig.pid), steady["made"])
        return steady, most(rig, load, arguments)


def in_words(threads):
    largest = sorted(threads.items(), key=lambda item: -item[1])[:5]
    return f"{sum(threads.values()):.1f} us a call ({', '.join(f'{name} {value:.1f}' for name, value in largest)})"


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def calls(arguments):
    found = {transport: [] for transport in arguments.only}
    for run in range(arguments.runs):
        for transport in arguments.only:
            steady, top = measure(transport, arguments)
            found[transport].append((sum(steady["threads"].values()), top["rate"], sum(top["threads"].values())))
            print(f"stream calls run {run + 1} {transport} at {arguments.rate}/s: {steady['made']} made, {steady['lost']} lost, "
                  f"{steady['resent']} said again; {in_words(steady['threads'])}, generator {steady['own_us']:.1f} us; "
                  f"answered after p50 {steady['p50_ms']:.1f}, p99 {steady['p99_ms']:.1f} ms", flush=True)
            print(f"stream calls run {run + 1} {transport} most: {top['rate']:.0f}/s, {top['window']} at once, {top['resent']} said "
                  f"again; {in_words(top['threads'])}, generator {top['own_us']:.1f} us; p99 {top['p99_ms']:.1f} ms", flush=True)
    for transport, rows in found.items():
        beside = ""
        if transport != "udp" and "udp" in found:
            # Each with the UDP of the same round.
            pairs = list(zip(rows, found["udp"]))
            beside = (f"; beside UDP: rate {spread([one[1] / udp[1] for one, udp in pairs], 2)}, "
                      f"cost {spread([one[0] / udp[0] for one, udp in pairs], 2)}")
        print(f"stream calls {transport}: most {spread([one[1] for one in rows], 0)}/s, {spread([one[0] for one in rows], 1)} us a call "
              f"at {arguments.rate}/s, {spread([one[2] for one in rows], 1)} us at the most{beside}", flush=True)


def room_for_strangers(config):
    config["dataplane"]["capacity"].update(connections=20000, calls=1000, transactions=20000)
    config["security"] = {"limits": {
        "source": {"rate": "100000/s", "burst": 100000}, "prefix": {"rate": "100000/s", "burst": 100000},
        "unknown": {"rate": "1000000/s"},
        "tcp": {"connections_per_source": 2000, "handshakes": "10000/s", "first_message": "1h", "idle": "1d"}}}


def settled(rig):
    """Memory once it has not grown for a second."""
    pause, last = threading.Event(), -1
    while last != (last := rig.resident()):
        pause.wait(1.0)
    return last


def idle(arguments):
    addresses = [f"198.18.1.{number}" for number in range(100, 110)]
    with Rig(arguments, "udp", "udp", room_for_strangers) as rig:
        for address in addresses:
            rig.network.out.ip("address", "add", f"{address}/24", "dev", "wire")
        with rig.phones().ready() as load:
            rig.warm(load)
        empty = settled(rig)
        words = [rig.network.out.name, OUT4, str(arguments.connections), str(arguments.at_once), *addresses]
        with Load(os.path.join(arguments.build, "tls_idle"), words) as crowd:
            opened = json.loads(crowd.line(300))
            full = settled(rig)
            print(f"stream idle: {opened['open']} TLS connections open, {opened['failed']} failed, in {opened['seconds']:.1f} s; resident "
                  f"{empty / 1e6:.1f} MB before, {full / 1e6:.1f} MB with them: {(full - empty) / max(opened['open'], 1):.0f} bytes each, "
                  f"{full / 1e6:.0f} MB in all (goal at most {GOAL_IDLE / 1e6:.0f} MB)", flush=True)
            for transport in TRANSPORTS:
                with rig.phones(out=transport).ready() as load:
                    one = load.run(50, 50, 2, 0)
                    print(f"stream idle: calls over {transport} meanwhile: {one['made']} made, {one['lost']} lost, answered after "
                          f"p50 {one['p50_ms']:.1f}, p99 {one['p99_ms']:.1f} ms", flush=True)
            left = crowd.end()["open"]
        print(f"stream idle: {left} still open afterwards; resident {settled(rig) / 1e6:.1f} MB once they have gone", flush=True)
        if left != arguments.connections:
            raise SystemExit("not every connection could be kept")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("calls", "idle"))
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "..", "build", "release"))
    parser.add_argument("--binary", help="another Sallyport than the build's")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--hold", type=int, default=100, help="milliseconds that a call is up")
    parser.add_argument("--window", type=int, default=256, help="calls that begin while others are being made, at the most")
    parser.add_argument("--only", nargs="*", choices=TRANSPORTS, default=TRANSPORTS)
    parser.add_argument("--segmented", action="store_true", help="the far ends' interfaces send no segment larger than a frame")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--at-once", type=int, default=64, help="handshakes")
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f} (above 0.5 the figures mean little)", flush=True)
    {"calls": calls, "idle": idle}[arguments.part](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
