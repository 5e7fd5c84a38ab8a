#!/usr/bin/python3
"""flood_bench.py — floods of INVITEs beside calls with voice of a known peer, over memif: do the calls notice?

One Sallyport, one kind of flood after the other (flood_frames.cpp names them), each at the same pace beside the same calls:
INVITE, 180, 200, ACK, PCMA both ways at 50 packets a second, BYE. For each kind: what was sent, calls that failed, how long
they took to be answered, voice packets that did not come, what was dropped and why, resident memory, what strangers were
answered. The lcore has processor 0; signalling, management and the generator share processor 1.

Kinds that end in 6 come over IPv6, and the calls beside them too (--family says otherwise).

Kinds other_peer, patient_peer and own_peer have the source address of configured peers. Nothing on a datagram tells such an
INVITE from the peer's own, but that the peer says again what nobody answers: while such a flood lasts its calls take half a
second longer. --registrar: phones may register outside, so that strangers are read and challenged (kinds methods, registers).

Needs root, two cores and a quiet machine. Prints figures, judges nothing but that there are calls without a flood.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

from device_bench import ROOT, Sallyport, leave_first_processor_to_lcore

CONFIG = """version: 1
node: {{ name: bench, state: {work}/state }}
dataplane: {{ lcores: "0", signalling_threads: 1, hugepages: never, capacity: {{ sources: 1000000 }} }}
ports:
  - {{ name: outside, device: "memif:{work}/o.sock,role=server", addresses: [198.18.1.1/24, "fd18:1::1/64"],
      gateways: [198.18.1.254, "fd18:1::254"] }}
  - {{ name: inside, device: "memif:{work}/i.sock,role=server", addresses: [198.18.2.1/24, "fd18:2::1/64"] }}
realms:
  - {{ name: outside, port: outside, trust: untrusted, listen: [{{ transport: udp, port: 5060 }}], media: {{ ports: 20000-29999 }} }}
  - {{ name: inside, port: inside, trust: trusted, listen: [{{ transport: udp, port: 5060 }}], media: {{ ports: 20000-29999 }} }}
peers:
  - {{ name: carrier, realm: outside, targets: [{{ address: "198.18.1.2:5060" }}],
      limits: {{ in: {{ calls: 2000, rate: 100/s }} }} }}
  - {{ name: other, realm: outside, targets: [{{ address: "198.18.1.3:5060" }}], health: {{ ping: never }},
      limits: {{ in: {{ calls: 2000, rate: 100/s }} }} }}
  - {{ name: carrier6, realm: outside, targets: [{{ address: "[fd18:1::2]:5060" }}],
      limits: {{ in: {{ calls: 2000, rate: 100/s }} }} }}
  - {{ name: other6, realm: outside, targets: [{{ address: "[fd18:1::3]:5060" }}], health: {{ ping: never }},
      limits: {{ in: {{ calls: 2000, rate: 100/s }} }} }}
  - {{ name: pbx, realm: inside, targets: [{{ address: "198.18.2.2:5060" }}] }}
  - {{ name: pbx6, realm: inside, targets: [{{ address: "[fd18:2::2]:5060" }}] }}
{registrars}
routes:
  - {{ name: inbound6, match: {{ peer: [carrier6, other6] }}, to: [pbx6] }}
  - {{ name: inbound, match: {{ realm: [outside] }}, to: [pbx] }}
management: {{ socket: {work}/control.sock, listen: "127.0.0.1:18081", messages: {{ keep: 4MB }} }}
"""
REGISTRAR = "registrars: [{ name: phones, realm: outside, mode: local, users_file: users.yaml, domains: [example.com] }]"
KINDS = ["one", "many", "spoofed", "loud", "methods", "registers", "malformed", "other_peer", "patient_peer", "own_peer",
         "one6", "many6", "prefix6", "spoofed6", "other_peer6", "own_peer6"]


def resident(pid):
    """Megabytes of memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def differences(before, after):
    """What grew, by name."""
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


def drops(stats):
    found = {}
    for port in stats["ports"]:
        for reason, count in port["dropped"]["reasons"].items():
            found[f"{port['name']} {reason}"] = count
    for realm in stats["realms"]:
        for reason, count in realm["dropped"].items():
            found[f"{realm['name']} SIP {reason}"] = count
        for code, count in realm["responses"]["out"].items():
            found[f"{realm['name']} answered {code}"] = count
    return found


class Flood:
    """A daemon, and the generator beside it."""

    def __init__(self, build, work, has_registrar):
        self.work = work
        if has_registrar:
            user = {"user": "1001", "domain": "example.com", "ha1_md5": "0" * 32, "ha1_sha256": "0" * 64}
            with open(os.path.join(work, "users.yaml"), "w", encoding="ascii",
                      opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                json.dump({"users": [user]}, file)
        self.daemon = Sallyport(build, work, CONFIG.format(work=work, registrars=REGISTRAR if has_registrar else ""))
        self.pid = self.daemon.process.pid
        leave_first_processor_to_lcore(self.pid)
        # pylint: disable-next=consider-using-with
        self.load = subprocess.Popen(["taskset", "-c", "1", os.path.join(build, "flood_load"), f"{work}/o.sock", f"{work}/i.sock"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.load.stdout.readline().strip() != "ready":
            raise SystemExit("flood_load does not start")

    def run(self, kind, rate, seconds, calls, voice, family):
        # pylint: disable=too-many-arguments
        before, memory = self.daemon.show("stats"), resident(self.pid)
        self.load.stdin.write(f"{kind} {rate} {seconds} {calls} {voice} {family}\n")
        self.load.stdin.flush()
        line = self.load.stdout.readline()
        if not line:
            raise SystemExit("flood_load has ended")
        result, after = json.loads(line), self.daemon.show("stats")
        lcore = [{key: two["lcores"][0][key] for key in ("busy_ns", "total_ns")} for two in (before, after)]
        result["lcore_busy"] = (lcore[1]["busy_ns"] - lcore[0]["busy_ns"]) / max(lcore[1]["total_ns"] - lcore[0]["total_ns"], 1)
        result["memory"] = (memory, resident(self.pid))
        result["drops"] = differences(drops(before), drops(after))
        result["free"] = after["mbufs"]["free"]
        result["detections"] = after["detections"]
        result["transactions"] = tuple(stats["transactions"]["active"] for stats in (before, after))
        return result

    def end(self):
        self.load.stdin.close()
        self.load.wait(timeout=30)
        self.daemon.stop()


def tell(result):
    seconds = result["seconds"]
    lost = [sent - heard for sent, heard in (result["voice_in"], result["voice_out"])]
    print(f"{result['kind']:10} {result['frames'] / seconds:8.0f} frames/s of {result['frame_octets'] / max(result['frames'], 1):.0f} octets"
          f" for {seconds:.1f} s; calls {result['begun']} begun, {result['made']} made, {result['failed']} failed"
          f"{' (' + result['refusal'] + ')' if result['refusal'] else ''}, {result['resent']} resent; setup p50 {result['p50_ms']:.2f}"
          f" p99 {result['p99_ms']:.2f} max {result['max_ms']:.2f} ms; voice in {result['voice_in'][0]} lost {lost[0]},"
          f" out {result['voice_out'][0]} lost {lost[1]}, strange {result['strange']}, not taken by the ring {result['not_taken']}")
    print(f"{'':10} memory {result['memory'][0]:.1f} to {result['memory'][1]:.1f} MB, transactions {result['transactions'][0]} to"
          f" {result['transactions'][1]}, {result['free']} buffers free; lcore busy"
          f" {result['lcore_busy'] * 100:.0f} %, generator {result['own_share'] * 100:.0f} %; strangers were answered"
          f" {result['answers']} times, {result['answer_octets'] / max(result['frame_octets'], 1) * 100:.2f} % of what came")
    print(f"{'':10} " + ", ".join(f"{name} {count}" for name, count in sorted(result["drops"].items(), key=lambda item: -item[1])),
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--kinds", nargs="*", default=KINDS, choices=KINDS)
    parser.add_argument("--rate", type=int, default=300000, help="frames a second of the flood")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=20, help="a second")
    parser.add_argument("--voice", type=int, default=100, help="packets of each side in a call")
    parser.add_argument("--family", type=int, choices=(4, 6), help="what the calls go over; else as the flood")
    parser.add_argument("--registrar", action="store_true", help="phones may register outside")
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f} (above 1.0 the figures mean little)", flush=True)
    work = tempfile.mkdtemp(prefix="sp-bench-")
    try:
        flood = Flood(arguments.build, work, arguments.registrar)
        try:
            # What is only touched under load is memory from then on: it is not the floods' that are measured.
            flood.run("spoofed", arguments.rate, 2, arguments.calls, 25, 4)
            flood.run("many6", arguments.rate, 2, arguments.calls, 25, 6)
            results = [flood.run(kind, arguments.rate, arguments.seconds, arguments.calls, arguments.voice,
                                 arguments.family or (6 if kind.endswith("6") else 4))
                       for kind in ["quiet", *arguments.kinds, "quiet"]]
        finally:
            flood.end()
    finally:
        shutil.rmtree(work)
    for result in results:
        tell(result)
    quiet = results[0]
    if quiet["made"] == 0:
        raise SystemExit(f"no call could be made without a flood: {quiet['refusal']}")
    for result in results[1:-1]:
        made = result["made"] / max(result["begun"], 1) * 100
        lost = sum(sent - heard for sent, heard in (result["voice_in"], result["voice_out"]))
        print(f"beside {result['kind']}: {made:.1f} % of calls made, {lost} voice packets lost, setup p99 {result['p99_ms']:.2f} ms"
              f" (quiet {quiet['p99_ms']:.2f}), memory {result['memory'][1] - results[0]['memory'][1]:+.1f} MB since quiet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
