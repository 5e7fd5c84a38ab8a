"""reload_scale_test.py — a thousand peers and a table of a million lines are read again while calls with voice go on: no call and
no packet is lost, no INVITE waits for its 100, and who asks whether the daemon lives is told. RFC 3261 §8.2.6.1, §17.2.1 (100 within 200 ms)."""

import contextlib
import ctypes
import json
import os
import subprocess
import unittest

from harness import BINARY
from reload_test import FAR, LONGEST_TO_100, NEAR, SPARE, BigTableCase, peer

PEERS, RELOADS = 1000, 6


class Scale(BigTableCase):
    rate, packets, lines = 50, 10, 1_000_000

    def first_config(self):
        config = super().first_config()
        config["peers"] += [peer(f"many-{n}", "outside", f"198.19.{n // 250}.{n % 250 + 1}") for n in range(PEERS)]
        return config

    def test_it_is_read_again_and_nobody_waits_for_it(self):
        far, spare, near = self.phone(FAR), self.phone(SPARE), self.phone(NEAR)
        capture = self.captured()
        number = f"9{self.lines - 1:06}55"
        with self.load():
            self.passes(near, far, number)
            for turn in range(RELOADS):
                to, phone = (("spare", spare), ("far", far))[turn % 2]
                self.table(to)
                for one in self.config["peers"][-PEERS:]:
                    one["limits"] = {"in": {"calls": 10 + turn, "rate": "10/s"}}
                said = json.dumps(self.reload())
                self.assertIn("many-999", said)
                self.passes(near, phone, number)
        waits = sorted(self.waits(capture.stop()))
        print(f"  {len(waits)} INVITEs; waits for 100: half within {waits[len(waits) // 2] * 1000:.1f} ms, the longest {waits[-1] * 1000:.1f} ms",
              flush=True)
        self.assertGreater(len(waits), 100, "there was hardly any load")
        self.assertLess(waits[-1], LONGEST_TO_100)

    def test_health_is_told_while_it_is_read(self):
        """An answer behind the moment at which the daemon has opened the table, and before the reload is over."""
        opened = FileWatch(os.path.join(self.net.folder, "big.csv"))
        self.addCleanup(opened.close)
        near, spare = self.phone(NEAR), self.phone(SPARE)
        told = 0
        self.table("spare")
        self.write()
        opened.forget()
        with subprocess.Popen([BINARY, "reload", "--socket", self.daemon.socket_path], stdout=subprocess.DEVNULL) as reloading:
            while reloading.poll() is None:
                was_open = opened.has_been_opened()
                self.assertEqual(self.daemon.http("/healthz")[0], 200)
                told += was_open and reloading.poll() is None
        self.assertEqual(reloading.returncode, 0)
        self.assertGreater(told, 0, "nobody heard a word of it meanwhile")
        print(f"  /healthz answered {told} times while the table was read", flush=True)
        self.passes(near, spare, f"9{self.lines - 1:06}55")


class FileWatch:
    """Whether anybody has opened a file: inotify(7)."""

    _IN_OPEN = 0x20

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, path.encode(), self._IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self._was_opened = False

    def has_been_opened(self):
        with contextlib.suppress(BlockingIOError):
            self._was_opened = bool(os.read(self.fd, 65536)) or self._was_opened
        return self._was_opened

    def forget(self):
        self.has_been_opened()
        self._was_opened = False

    def close(self):
        os.close(self.fd)


if __name__ == "__main__":
    unittest.main()
