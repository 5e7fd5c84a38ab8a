#!/usr/bin/python3
"""Whole-path benchmarks over memif and af_packet: what Sallyport costs beside DPDK's own testpmd.

  device_bench.py guard     cycles a packet of receive + parse + classify + guard + drop, one and a million sources;
                            and what Kamailio's pike drops of one source in the same run, by processors (pike_bench.py)
  device_bench.py options   OPTIONS answered a second over memif
  device_bench.py media     what the relay adds to testpmd macswap, one flow and 10,000 in random order: over memif,
                            and over rings in one process
  device_bench.py sessions  sessions opened and closed by command beside 200,000 relayed packets a second: plain ones, and
                            such with keys on both legs; what of the packets was lost
  device_bench.py idle      processor time of all threads at rest, ten pings a second answered

Needs root (namespaces), two cores and the packages of the bench tier. Prints figures; judges nothing.
"""
import argparse
import json
import os
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import pike_bench

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

MEMIF_CONFIG = """version: 1
node: {{ name: bench, state: {work}/state }}
dataplane: {{ lcores: "0", signalling_threads: 1, hugepages: never, capacity: {{ sources: 1000000 }} }}
ports:
  - {{ name: outside, device: "memif:{work}/m.sock,role=server", addresses: [198.18.1.1/24] }}
  - {{ name: inside, device: discard, addresses: [198.18.2.1/24] }}
realms:
  - {{ name: outside, port: outside, trust: untrusted, listen: [{{ transport: udp, port: 5060 }}] }}
  - {{ name: inside, port: inside, trust: trusted, listen: [{{ transport: udp, port: 5060 }}] }}
peers:
  - {{ name: load, realm: outside, targets: [{{ address: "198.18.1.2:5060" }}], limits: {{ in: {{ calls: 10000, rate: 100000/s }} }} }}
routes: [{{ name: refused, match: {{ peer: [load] }}, to: [{{ reject: 403 }}] }}]
management: {{ socket: {work}/control.sock, listen: "127.0.0.1:18080" }}
"""


def wait_for_line(process, wanted, seconds):
    """Reads the process' standard error until it holds `wanted`; ends the process when it does not come."""
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        ready, _, _ = select.select([process.stderr], [], [], 0.2)
        if ready:
            text += os.read(process.stderr.fileno(), 65536)
        if wanted in text:
            return
    process.kill()
    process.wait()
    raise SystemExit("no '%s' within %d s:\n%s" % (wanted.decode(), seconds, text.decode(errors="replace")))


class Sallyport:
    """A daemon under measurement; in a namespace of its own when asked."""

    def __init__(self, build, work, config, prefix=()):
        self.build, self.work, self.prefix = build, work, list(prefix)
        path = os.path.join(work, "bench.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        command = self.prefix + [os.path.join(build, "sallyport"), "run", "-c", path]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        wait_for_line(self.process, b'"ready"', 60)

    def show(self, what):
        socket = os.path.join(self.work, "control.sock")
        text = subprocess.check_output([os.path.join(self.build, "sallyport"), "show", what, "--json",
                                        "--socket", socket], text=True)
        return json.loads(text)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def tsc_hz():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return float(re.search(r"cpu MHz\s*:\s*([0-9.]+)", file.read()).group(1)) * 1e6


def load(build, work, **words):
    command = ["taskset", "-c", "1", os.path.join(build, "memif_load"), "socket=%s/m.sock" % work]
    return subprocess.Popen(command + ["%s=%s" % item for item in words.items()], stdout=subprocess.PIPE, text=True)


def testpmd_cycles(build, work, sources, size, seconds, mode="rxonly", load_mode="blind"):
    """Cycles that testpmd spends on a packet of the same load."""
    device = "net_memif0,role=server,socket=%s/m.sock,socket-abstract=no,rsize=11" % work
    command = ["stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "512", "--no-pci", "--file-prefix=bench-testpmd",
               "--vdev", device, "-l", "0,1", "--main-lcore", "1", "--", "--total-num-mbufs=65535",
               "--forward-mode=" + mode, "--nb-cores=1", "--record-core-cycles", "--disable-link-check",
               "--auto-start", "-i"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    for line in process.stdout:
        if "nb forwarding ports" in line:
            break
    flood = load(build, work, mode=load_mode, sources=sources, size=size, seconds=seconds)
    time.sleep(seconds - 1)  # stop while the load still runs: memif forgets its counters with the connection
    process.stdin.write("stop\nquit\n")
    process.stdin.flush()
    text = process.stdout.read()
    process.wait(timeout=20)
    flood.wait(timeout=20)
    found = re.search(r"CPU cycles/packet=([0-9.]+)", text)
    return float(found.group(1)) if found else float("nan")


def sallyport_cycles(build, work, sources, size, seconds):
    """Cycles that an lcore is busy for a packet of that load."""
    daemon = Sallyport(build, work, MEMIF_CONFIG.format(work=work))
    try:
        flood = load(build, work, mode="flood", sources=sources, size=size, seconds=seconds)
        time.sleep(1)
        before = daemon.show("stats")["lcores"][0], received(daemon)
        time.sleep(seconds - 2)
        after = daemon.show("stats")["lcores"][0], received(daemon)
        flood.wait(timeout=20)
    finally:
        daemon.stop()
    packets = after[1] - before[1]
    return (after[0]["busy_ns"] - before[0]["busy_ns"]) / max(packets, 1) * tsc_hz() / 1e9


def received(daemon):
    port = daemon.show("ports")["ports"][0]
    total = sum(count["packets"] for count in port["received"].values()) if isinstance(port["received"], dict) \
        else port["received"]["packets"]
    return total


def guard(arguments):
    hz = tsc_hz()
    for sources in (1, 1_000_000):
        rows = {"testpmd rxonly": [], "sallyport": []}
        for _ in range(arguments.runs):
            for name, measure in (("testpmd rxonly", testpmd_cycles), ("sallyport", sallyport_cycles)):
                work = tempfile.mkdtemp(prefix="sp-bench-")
                try:
                    rows[name].append(measure(arguments.build, work, sources, arguments.size, arguments.seconds))
                finally:
                    shutil.rmtree(work)
        for name, cycles in rows.items():
            print("guard sources=%d size=%d %-15s cycles/packet min %.0f median %.0f max %.0f (%.0f ns)" % (
                sources, arguments.size, name, min(cycles), statistics.median(cycles), max(cycles),
                statistics.median(cycles) / hz * 1e9), flush=True)
        added = statistics.median(rows["sallyport"]) - statistics.median(rows["testpmd rxonly"])
        print("guard sources=%d added by guard and classify: %.0f cycles, %.0f ns" % (sources, added, added / hz * 1e9))
        if sources == 1:
            beside_pike(arguments, statistics.median(rows["sallyport"]) / hz * 1e9, added / hz * 1e9)


def beside_pike(arguments, whole_ns, added_ns):
    """Drops of one source, a processor of each: all from the ring to the packet's end, beside all from veth to pike's no."""
    runs = [pike_bench.pike(arguments.size, arguments.seconds) for _ in range(arguments.runs)]
    for run in runs:
        print("guard sources=1 size=%d kamailio pike: %s" % (arguments.size, pike_bench.text_of(run)), flush=True)
    for name, what in (("process", "its process alone"), ("core", "its whole core")):
        times = [run[name] for run in runs]
        pike_ns = statistics.median(times)
        print("guard sources=1 size=%d kamailio pike, %s: ns/packet min %.0f median %.0f max %.0f; %.0f drops a second, a whole core of "
              "sallyport %.0f: %.1f times as many (of what the guard adds: %.1f)" % (
                  arguments.size, what, min(times), pike_ns, max(times), 1e9 / pike_ns, 1e9 / whole_ns, pike_ns / whole_ns,
                  pike_ns / added_ns), flush=True)


def relay_nanoseconds(build, work, streams, size, seconds, suite=None):
    """What a packet takes of the lcore, waiting not counted; and the packets lost on the way."""
    command = ["taskset", "-c", "0,1", os.path.join(build, "media_relay"), work + "/m.sock", str(streams)]
    command += [suite] if suite else []
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def figures():
        process.stdin.write("x")
        process.stdin.flush()
        return [int(word) for word in process.stdout.readline().split()]

    try:
        if process.stdout.readline().strip() != "ready":
            raise SystemExit("media_relay does not start")
        flood = load(build, work, mode="media_callers" if suite else "media", sources=streams, size=size, seconds=seconds)
        time.sleep(1)
        before = figures()
        time.sleep(seconds - 2)
        after = figures()
        counts = flood.communicate(timeout=20)[0]
    finally:
        process.stdin.close()
        process.wait(timeout=30)
    packets = after[1] - before[1]
    print("  media streams=%d: %d packets/s relayed, refused %d, not sent %d; load: %s" % (
        streams, packets / (seconds - 2), after[2], after[3], counts.strip()), flush=True)
    return (after[0] - before[0]) / max(packets, 1)


def media(arguments):
    hz = tsc_hz()
    for streams in (1, 5000):
        rows = {"testpmd macswap": [], "relay": [], "relay to cm80": [], "relay to gcm": []}
        for _ in range(arguments.runs):
            for name in rows:
                work = tempfile.mkdtemp(prefix="sp-bench-")
                try:
                    if name.startswith("relay"):
                        suite = name.rpartition(" to ")[2] if " to " in name else None
                        rows[name].append(relay_nanoseconds(arguments.build, work, streams, arguments.size,
                                                            arguments.seconds, suite))
                    else:
                        cycles = testpmd_cycles(arguments.build, work, streams, arguments.size, arguments.seconds,
                                                "macswap", "media_blind")
                        rows[name].append(cycles / hz * 1e9)
                finally:
                    shutil.rmtree(work)
        for name, times in rows.items():
            print("media memif flows=%d size=%d %-15s ns/packet min %.0f median %.0f max %.0f" % (
                2 * streams, arguments.size, name, min(times), statistics.median(times), max(times)), flush=True)
        print("media memif flows=%d added by the relay: %.0f ns" % (
            2 * streams, statistics.median(rows["relay"]) - statistics.median(rows["testpmd macswap"])))
    subprocess.run([os.path.join(arguments.build, "media_ring_bench")], check=True)


def sessions_beside_media(build, work, per_second, suite, seconds):
    """What media_sessions says; the lcore has processor 0, all else shares the other one."""
    standing, rate = 2000, 200_000
    churn = subprocess.Popen(["taskset", "-c", "0,1", os.path.join(build, "media_sessions"), work + "/m.sock", str(standing),
                              str(seconds), str(per_second), suite], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if churn.stdout.readline().strip() != "ready":
            raise SystemExit("media_sessions does not start")
        leave_first_processor_to_lcore(churn.pid)
        voice = load(build, work, mode="media", sources=standing, rate=rate, seconds=seconds + 2)
        time.sleep(1)
        churn.stdin.write("go\n")
        churn.stdin.flush()
        if churn.stdout.readline().strip() != "done":
            raise SystemExit("media_sessions ended early")
        words = voice.communicate(timeout=20)[0].split()
        churn.stdin.write("tell\n")
        churn.stdin.flush()
        found = json.loads(churn.stdout.readline())
    finally:
        churn.stdin.close()
        churn.wait(timeout=30)
    found.update({word: int(number) for word, number in zip(words[::2], words[1::2])})
    found["lost"] = found["sent"] - found["returned"]
    return found


def sessions(arguments):
    for per_second, suite in ((0, "plain"), (5000, "plain"), (2000, "gcm"), (2000, "cm80")):
        for _ in range(arguments.runs):
            work = tempfile.mkdtemp(prefix="sp-bench-")
            try:
                found = sessions_beside_media(arguments.build, work, per_second, suite, arguments.seconds)
            finally:
                shutil.rmtree(work)
            print("sessions %d/s %s: %d opened in %d s, %d commands refused, at most %d open (%d secured), all closed: %s, "
                  "commands late by at most %.1f ms" % (
                      per_second, suite, found["opened"], arguments.seconds, found["refused_commands"], found["open_at_once"],
                      found["secured_at_once"], found["all_closed"], found["commands_late_ms"]))
            print("  beside %d packets/s: %d sent, %d lost (refused %d, not sent on %d), %d that the load's own ring had no room "
                  "for; lcore busy %.2f, rx to tx p50 %.0f p99 %.0f longest %.0f us" % (
                      found["relayed"] // (arguments.seconds + 2), found["sent"], found["lost"], found["refused"], found["unsent"],
                      found["not_taken"], found["busy"], found["p50_us"], found["p99_us"], found["longest_us"]), flush=True)


def leave_first_processor_to_lcore(pid):
    """Everything but the lcore, which has processor 0 by its own affinity, goes to processor 1."""
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, thread), encoding="ascii") as file:
            if "lcore" not in file.read():
                os.sched_setaffinity(int(thread), {1})


def options(arguments):
    for run in range(arguments.runs):
        work = tempfile.mkdtemp(prefix="sp-bench-")
        daemon = Sallyport(arguments.build, work, MEMIF_CONFIG.format(work=work))
        try:
            leave_first_processor_to_lcore(daemon.process.pid)
            generator = load(arguments.build, work, mode="options", seconds=arguments.seconds, window=arguments.window)
            print("options run %d: %s" % (run + 1, generator.communicate(timeout=60)[0].strip()), flush=True)
        finally:
            daemon.stop()
            shutil.rmtree(work)


def busy_seconds(pid):
    """Time on a processor by thread name, as the scheduler counts it: ticks would sample a thread that naps."""
    busy = {}
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, thread), encoding="ascii") as file:
            name = file.read().strip()
        with open("/proc/%d/task/%s/schedstat" % (pid, thread), encoding="ascii") as file:
            busy[name] = busy.get(name, 0) + int(file.read().split()[0]) / 1e9
    return busy


def idle(arguments):
    out, host, inside = ("spb%d%s" % (os.getpid() % 10000, end) for end in ("o", "h", "i"))
    run = lambda *words: subprocess.run(words, check=True)
    work = tempfile.mkdtemp(prefix="sp-bench-")
    config = MEMIF_CONFIG.replace("memif:{work}/m.sock,role=server", "af_packet:s-out").replace(
        "device: discard", 'device: "af_packet:s-in"').replace('lcores: "0", ', "")
    try:
        for name in (out, host, inside):
            run("ip", "netns", "add", name)
        for end, far, address in (("s-out", out, "198.18.1.2/24"), ("s-in", inside, "198.18.2.2/24")):
            run("ip", "-n", host, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", far)
            run("ip", "-n", host, "link", "set", end, "up")
            run("ip", "-n", far, "link", "set", "eth0", "up")
            run("ip", "-n", far, "address", "add", address, "dev", "eth0")
        run("ip", "-n", host, "link", "set", "lo", "up")
        daemon = Sallyport(arguments.build, work, config.format(work=work), ["ip", "netns", "exec", host])
        try:
            ping = subprocess.Popen(["ip", "netns", "exec", out, "ping", "-q", "-i", "0.1", "-c",
                                     str(arguments.idle_seconds * 10), "198.18.1.1"], stdout=subprocess.PIPE, text=True)
            before, started = busy_seconds(daemon.process.pid), time.monotonic()
            report = ping.communicate()[0]
            seconds = time.monotonic() - started
            busy = {name: (spent - before.get(name, 0)) / seconds * 100
                    for name, spent in busy_seconds(daemon.process.pid).items()}
            print("idle: %.2f %% of one core over %.0f s, all threads (%s)" % (
                sum(busy.values()), seconds, ", ".join("%s %.2f" % item for item in busy.items() if item[1] >= 0.01)))
            print("idle:", " ".join(report.strip().splitlines()[-2:]))
            sparse = subprocess.run(["ip", "netns", "exec", out, "ping", "-q", "-i", "1", "-c", "20", "198.18.1.1"],
                                    capture_output=True, text=True, check=False).stdout
            print("after a second of silence:", " ".join(sparse.strip().splitlines()[-2:]))
        finally:
            daemon.stop()
    finally:
        for name in (out, host, inside):
            subprocess.run(["ip", "netns", "delete", name], check=False)
        shutil.rmtree(work)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["guard", "options", "media", "sessions", "idle"])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--size", type=int, default=214)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--idle-seconds", type=int, default=60)
    arguments = parser.parse_args()
    {"guard": guard, "options": options, "media": media, "sessions": sessions, "idle": idle}[arguments.what](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
