#!/usr/bin/python3
"""calls_bench.py — what a call costs through the running program, beside Kamailio with dialog and topoh.

SIPp calls from outside to inside (INVITE, 100, 180, 200, ACK, BYE, 200) over veth: through Sallyport on af_packet, and
through Kamailio (one worker a socket, allocator tlsf) on the same cables. For each run: calls that failed, and the
processor time of all threads for one call, user and system apart. The sum is the scheduler's own count; how it falls
apart is by clock ticks, which know nothing of what the network does within a system call, so "user" is too large.
Needs root, two cores and a quiet machine; prints figures, judges nothing but that calls can be made at all.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
# pylint: disable=wrong-import-position
import harness  # noqa: E402
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, eventually  # noqa: E402
from sipp import Sipp, is_bound  # noqa: E402

KAMAILIO = """
children=1
auto_aliases=no
mhomed=yes
debug=-1
log_stderror=yes
loadmodule "kex.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "dialog.so"
loadmodule "topoh.so"
modparam("rr", "enable_double_rr", 1)
modparam("dialog", "hash_size", 16384)
modparam("topoh", "mask_key", "a key of the benchmark")
modparam("topoh", "mask_callid", 1)
listen=udp:{out}:{port}
listen=udp:{inside}:{port}
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here");
    exit;
  }}
  t_check_trans();
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  record_route();
  dlg_manage();
  $du = "sip:{callee}:{port}";
  t_relay();
}}
"""


def tree(pid):
    """A process and all that came from it."""
    found = [pid]
    for one in found:
        for task in os.listdir(f"/proc/{one}/task"):
            with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return found


def spent(pid):
    """({thread: seconds on a processor by the scheduler's count}, user ticks, system ticks) of all threads of a tree."""
    threads, user, system = {}, 0, 0
    for one in tree(pid):
        for task in os.listdir(f"/proc/{one}/task"):
            with open(f"/proc/{one}/task/{task}/schedstat", encoding="ascii") as file:
                seconds = int(file.read().split()[0]) / 1e9
            with open(f"/proc/{one}/task/{task}/stat", encoding="ascii") as file:
                head, _, tail = file.read().rpartition(")")
            name, fields = head.partition("(")[2], tail.split()
            threads[name] = threads.get(name, 0.0) + seconds
            user, system = user + int(fields[11]), system + int(fields[12])
    return threads, user, system


def through_sallyport(network, binary):
    config = network.config()
    config["dataplane"]["capacity"].update(calls=50000, transactions=500000)
    for realm in config["realms"]:
        realm["media"] = {"ports": "10240-65535"}  # a pair rests ten seconds after its call: 20,000 pairs at 2,000 a second
        realm["limits"] = {"calls": 50000, "rate": "20000/s"}
    daemon = network.start(config, binary=binary)
    return daemon.process.pid, daemon.end


def run_kamailio(network, text):
    """(process id of the main process, what ends it), once it listens on both addresses."""
    for device, address in (("s-out", OUT4), ("s-in", IN4)):
        network.sbc.ip("address", "add", f"{address}/24", "dev", device)
    path = os.path.join(network.folder, "kamailio.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    log = open(os.path.join(network.folder, "kamailio.log"), "wb")  # pylint: disable=consider-using-with
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen(["ip", "netns", "exec", network.sbc.name, "kamailio", "-f", path, "-DD", "-E", "-m", "1024",
                                "-M", "32", "-x", "tlsf", "-X", "tlsf", "-w", network.folder, "-Y", network.folder,
                                "-P", os.path.join(network.folder, "kamailio.pid")],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def end():
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()

    def answers():
        if process.poll() is not None:
            with open(log.name, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"Kamailio ended: {file.read()[-2000:]}")
        return all(is_bound(process.pid, (address, SIP_PORT)) for address in (OUT4, IN4))
    eventually(answers, "Kamailio listens", 30.0)
    return process.pid, end


def through_kamailio(network, _):
    return run_kamailio(network, KAMAILIO.format(out=OUT4, inside=IN4, port=SIP_PORT, callee=FAR_IN4))


def measure(start, arguments):
    """What one run was like: its calls, and microseconds for each of them."""
    network = harness.Network()
    try:
        pid, end = start(network, os.path.join(arguments.build, "sallyport"))
        callee = Sipp(network.inn, network.folder, "uas_call.xml", (FAR_IN4, SIP_PORT), extra=["-buff_size", "200000"])
        try:
            # The first warms up: rings and tables are memory that Linux gives at the first touch.
            for name, seconds in (("warm", arguments.warm), ("counted", arguments.seconds)):
                calls, rate = seconds * arguments.rate, arguments.rate
                before = spent(pid)
                caller = Sipp(network.out, network.folder, "uac_call.xml", (FAR_OUT4, 5062), (OUT4, SIP_PORT), calls=calls,
                              rate=rate, hold=arguments.hold, called="4001", cid=name, at_once=20000,
                              extra=["-buff_size", "200000"])
                caller.wait(calls / rate + 90)
                after = spent(pid)
        finally:
            callee.kill()
            end()
        made, failed = caller.count("successful"), caller.count("failed")
        if made == 0:
            raise SystemExit(f"no call could be made: {caller.words()}")
        threads = {name: (seconds - before[0].get(name, 0.0)) / made * 1e6 for name, seconds in after[0].items()}
        user, system = after[1] - before[1], after[2] - before[2]
        return {"made": made, "failed": failed, "again": caller.count("retransmissions"), "cost": sum(threads.values()),
                "user": user / max(user + system, 1), "threads": threads}
    finally:
        network.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "..", "build", "release"))
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--warm", type=int, default=10, help="seconds of calls before those that are counted")
    parser.add_argument("--hold", type=int, default=100, help="milliseconds that a call is up")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f} (above 1.5 the figures mean little)", flush=True)
    costs = {}
    for run in range(arguments.runs):
        for name, start in (("sallyport", through_sallyport), ("kamailio", through_kamailio)):
            one = measure(start, arguments)
            costs.setdefault(name, []).append(one["cost"])
            most = sorted(one["threads"].items(), key=lambda item: -item[1])[:6]
            print(f"calls run {run + 1} {name:9} at {arguments.rate}/s: {one['made']} made, {one['failed']} failed, "
                  f"{one['again']} resent by the caller; {one['cost']:.1f} us a call (user {one['cost'] * one['user']:.1f}, "
                  f"system {one['cost'] * (1 - one['user']):.1f}); "
                  + ", ".join(f"{thread} {cost:.1f}" for thread, cost in most), flush=True)
    median = {name: statistics.median(found) for name, found in costs.items()}
    print(f"calls: sallyport {median['sallyport']:.1f} us, kamailio {median['kamailio']:.1f} us, "
          f"ratio {median['sallyport'] / median['kamailio']:.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
