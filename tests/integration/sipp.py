"""sipp.py — SIPp as caller and callee: starts scenarios of sipp/ in a namespace, waits for them, counts their calls."""

import csv
import itertools
import os
import signal
import socket
import subprocess

from harness import eventually

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp")
_NUMBERS = itertools.count(1)


def is_bound(pid, local, kind="udp"):
    """Whether some UDP (or TCP) socket of the network namespace of `pid` has this (address, port)."""
    is_v6 = ":" in local[0]
    octets = socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, local[0])
    words = [octets[at:at + 4][::-1].hex().upper() for at in range(0, len(octets), 4)]  # as the kernel writes them
    with open(f"/proc/{pid}/net/{kind}{'6' if is_v6 else ''}", encoding="ascii") as file:
        return any(line.split()[1] == f"{''.join(words)}:{local[1]:04X}" for line in file.readlines()[1:])


class Sipp:
    """One SIPp. `local` and `remote` are (address, port); without `remote` it is a callee."""

    def __init__(self, namespace, folder, scenario, local, remote=None, **options):
        """options: calls, rate, hold (ms), called, cid (a word that Call-IDs begin with), other, replace (in the scenario),
        extra (arguments of SIPp's own), transport (udp or tcp)."""
        self.transport = options.get("transport", "udp")
        self.stem = os.path.join(folder, f"sipp-{next(_NUMBERS)}-{scenario.removesuffix('.xml')}")
        self.scenario, self.local, self.calls = scenario, local, options.get("calls", 0)
        self.cid = options.get("cid", "")
        last = "99" if remote is None else "77"  # where its voice is said to be, unless a test says otherwise
        voice = f"2001:db8::{last}" if ":" in local[0] else f"192.0.2.{last}"
        command = ["ip", "netns", "exec", namespace.name, "sipp", "-sf", self._scenario_file(options.get("replace", {})),
                   "-i", local[0], "-p", str(local[1]), "-nostdin", "-bind_local", "-trace_stat", "-stf", f"{self.stem}.csv", "-fd", "1",
                   "-trace_err", "-error_file", f"{self.stem}.errors", "-watchdog_interval", "0",
                   "-d", str(options.get("hold", 0)), "-key", "other", options.get("other", "none"), "-key", "voice", voice, "-max_retrans", "20",
                   "-t", {"udp": "u1", "tcp": "t1"}[self.transport], *options.get("extra", ())]
        if remote is not None:
            host = f"[{remote[0]}]" if ":" in remote[0] else remote[0]
            command += [f"{host}:{remote[1]}", "-m", str(self.calls), "-r", str(options.get("rate", 50)),
                        "-l", str(options.get("at_once", max(2000, self.calls))),
                        "-s", options["called"], "-cid_str", f"{self.cid}-%u@phone.invalid"]
        self._output = open(f"{self.stem}.out", "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
                                        cwd=folder)
        if remote is None:
            eventually(self._listens, f"SIPp listens at {local}; {self.words()}", 20.0)

    def _scenario_file(self, replace):
        path = os.path.join(SCENARIOS, self.scenario)
        if not replace:
            return path
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for old, new in replace.items():
            if old not in text:
                raise ValueError(f"{self.scenario} has no {old!r}")
            text = text.replace(old, new)
        path = f"{self.stem}.xml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"SIPp ended with {self.process.returncode}: {self.words()}")
        return is_bound(self.process.pid, self.local, self.transport)

    def call_ids(self):
        """Those of the calls that a caller makes, in their order."""
        return [f"{self.cid}-{number}@phone.invalid" for number in range(1, self.calls + 1)]

    def words(self):
        """What SIPp said of its troubles."""
        found = []
        for suffix in (".errors", ".out"):
            if os.path.exists(self.stem + suffix):
                with open(self.stem + suffix, encoding="utf-8", errors="replace") as file:
                    text = file.read()
                found.append(text[:20000] if suffix == ".errors" else text[-1500:])
        return "\n".join(found)

    def counts(self):
        """The last line of its statistics."""
        with open(f"{self.stem}.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        return rows[-1] if rows else {}

    def count(self, name):
        """successful, failed, created, retransmissions"""
        column = {"successful": "SuccessfulCall(C)", "failed": "FailedCall(C)", "created": "TotalCallCreated",
                  "retransmissions": "Retransmissions(C)"}[name]
        return int(self.counts().get(column) or 0)

    def wait(self, seconds):
        """Exit status of a caller that has made its calls."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.scenario}: not done within {seconds} s: {self.words()}") from None
        self._output.close()
        return status

    def finish(self, seconds=45.0):
        """Ends a callee when its calls are over. Exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
        return self.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._output.close()
