#!/usr/bin/python3
"""scrape_bench.py — how long a scrape of Prometheus takes while calls are up, and how many series it brings.

A hundred peers are configured, and whatever makes the page longer: TCP and TLS in both realms, a collector of HEP, signatures,
and every code of SIP has been seen in both directions of both realms. SIPp keeps calls up through two of the peers (INVITE,
200, ACK, and then nothing), and /metrics is read again and again, each time over a connection of its own, as Prometheus does
after a while. Wanted: at most 50 ms with 10,000 calls, and fewer than 5,000 series. Then `sallyport show calls --json`, a usual and a full page: wanted are
200 ms at most, the start of the program included. Needs root, two cores and a quiet machine; prints figures, and fails when
calls can't be made or there are too many series.
"""

import argparse
import json
import os
import re
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))
# pylint: disable=wrong-import-position
import every_code  # noqa: E402
import harness  # noqa: E402
from harness import FAR_IN4, FAR_OUT4, OUT4, SIP_PORT, eventually  # noqa: E402
from sipp import Sipp  # noqa: E402
from stream_case import Side, listen_on_streams  # noqa: E402

SERIES_MAX = 5000


def configured(network, peers, calls):
    config = network.config()
    config["dataplane"]["capacity"].update(calls=2 * calls, transactions=20 * calls)
    for realm in config["realms"]:
        realm["media"] = {"ports": "10240-65535"}
        realm["limits"] = {"calls": 2 * calls, "rate": "20000/s"}
    for number in range(peers - len(config["peers"])):
        config["peers"].append({"name": f"customer-{number:03}", "realm": "outside", "health": {"ping": "never"},
                                "targets": [{"address": f"198.18.1.{100 + number}:{SIP_PORT}"}]})
    for peer in config["peers"]:
        peer["features"] = {"redirect": "pass"}
    listen_on_streams(config, {side: Side(network, side) for side in ("out", "in")}, client_certificate="none")
    config["management"]["hep"] = {"collector": "127.0.0.1:9060", "capture_id": 77}
    config["security"] = {"signatures": [{"file": os.path.join(harness.TOP, "mgmt", "config", "rules", "sip.rules")}]}
    return config


def seen_codes(daemon):
    """How many of the series of codes are there."""
    return len([1 for name, _ in daemon.metrics() if name == "sallyport_sip_responses_total"])


def scrape(daemon):
    """(seconds, text)"""
    begun = time.perf_counter()
    status, text = daemon.http("/metrics")
    spent = time.perf_counter() - begun
    if status != 200:
        raise AssertionError(f"/metrics: {status}")
    return spent, text


def report(words, daemon, times):
    seconds, text = zip(*(scrape(daemon) for _ in range(times)))
    series = len(re.findall(r"^[^#\n]", text[-1], re.M))
    in_ms = sorted(1000 * one for one in seconds)
    print(f"{words}: {series} series, {len(text[-1]) / 1024:.0f} KB; {times} scrapes: median {statistics.median(in_ms):.1f} ms, "
          f"95 % {in_ms[int(0.95 * len(in_ms))]:.1f} ms, longest {in_ms[-1]:.1f} ms", flush=True)
    return series


def report_calls(daemon, limit, times):
    in_ms, shown = [], 0
    for _ in range(times):
        begun = time.perf_counter()
        text = daemon.cli("show", "calls", "--json", "--limit", str(limit)).stdout
        in_ms.append(1000 * (time.perf_counter() - begun))
        shown = len(json.loads(text)["calls"])
    print(f"show calls: {shown} calls; {times} times: median {statistics.median(in_ms):.0f} ms, longest {max(in_ms):.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.path.join(harness.TOP, "build", "release"))
    parser.add_argument("--calls", type=int, default=10000)
    parser.add_argument("--peers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=250)
    parser.add_argument("--times", type=int, default=100)
    arguments = parser.parse_args()
    harness.BINARY = os.path.join(arguments.build, "sallyport")
    network = harness.Network()
    users = []
    try:
        daemon = network.start(configured(network, arguments.peers, arguments.calls), binary=harness.BINARY)
        every_code.show_all(network)
        missing = every_code.SERIES - seen_codes(daemon)
        print(f"{every_code.SERIES - missing} of {every_code.SERIES} codes were seen", flush=True)
        report("no calls", daemon, arguments.times)
        users.append(Sipp(network.inn, network.folder, "uas_call.xml", (FAR_IN4, SIP_PORT), extra=["-buff_size", "200000"]))
        users.append(Sipp(network.out, network.folder, "uac_call.xml", (FAR_OUT4, 5062), (OUT4, SIP_PORT), calls=arguments.calls,
                          rate=arguments.rate, hold=600000, called="4001", cid="scrape", at_once=2 * arguments.calls,
                          extra=["-buff_size", "200000"]))
        eventually(lambda: daemon.count("calls_active", direction="in") >= arguments.calls, lambda: f"calls are up: {users[1].words()}",
                   arguments.calls / arguments.rate + 120)
        series = report(f"{arguments.calls} calls", daemon, arguments.times) + missing
        for limit in (100, 1000):
            report_calls(daemon, limit, 20)
    finally:
        for user in users:
            user.kill()
        for daemon in network.daemons:
            daemon.kill()  # nobody waits for the calls
        network.remove()
    if series >= SERIES_MAX:
        sys.exit(f"{series} series with every code: {SERIES_MAX} are too many")


if __name__ == "__main__":
    main()
