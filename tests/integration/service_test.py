"""service_test.py — Sallyport under a service manager: what it tells it, its watchdog, the unit file, completion."""

import ctypes
import os
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from unittest import mock

from harness import BINARY, TOP, Case, eventually
from netns import run

PACKAGING = os.path.join(TOP, "mgmt", "packaging")
_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


def _ptrace(request, thread):
    if _LIBC.ptrace(request, thread, 0, 0):
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of thread {thread}")


class Held:
    """One thread of another process stands still; the others go on."""

    def __init__(self, thread):
        self.thread = thread
        _ptrace(_PTRACE_SEIZE, thread)
        _ptrace(_PTRACE_INTERRUPT, thread)
        os.waitpid(thread, _WALL)

    def reap(self):
        """Whether it has been killed meanwhile: then it is let go."""
        try:
            return os.waitpid(self.thread, _WALL | os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

    def release(self):
        _ptrace(_PTRACE_DETACH, self.thread)


def threads(pid, name):
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as file:
            if file.read().startswith(name):
                found.append(int(thread))
    return found


class Notify(Case):
    WATCHDOG_SECONDS = 2

    def setUp(self):
        super().setUp()
        path = os.path.join(self.net.folder, "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(path)
        config = self.net.config()
        config["dataplane"]["lcores"] = 2
        environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": str(self.WATCHDOG_SECONDS * 1_000_000)}
        with mock.patch.dict(os.environ, environment):
            self.daemon = self.net.start(config)

    def heard(self, wanted, seconds=10.0):
        """All that came until the first that begins with `wanted`, which is the last."""
        said, end = [], time.monotonic() + seconds
        while not said or not said[-1].startswith(wanted):
            self.manager.settimeout(max(0.01, end - time.monotonic()))
            try:
                said.append(self.manager.recv(4096).decode())
            except TimeoutError:
                raise AssertionError(f"no {wanted} within {seconds} s, but {said}") from None
        return said

    def all_heard(self, seconds):
        """What comes in that time."""
        said, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.manager.settimeout(left)
            try:
                said.append(self.manager.recv(4096).decode())
            except TimeoutError:
                break
        return said

    def test_it_says_ready_reloading_and_stopping(self):
        self.assertEqual(self.heard("READY=1"), ["READY=1"], "nothing is said before")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.daemon.process.send_signal(signal.SIGHUP)
        reloading = self.heard("RELOADING=1")[-1]
        at = int(reloading.partition("MONOTONIC_USEC=")[2])
        self.assertTrue(before <= at <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, reloading)
        self.heard("READY=1")
        self.daemon.process.send_signal(signal.SIGTERM)
        self.heard("STOPPING=1")
        self.assertEqual(self.daemon.wait_end(), 0)

    def test_the_watchdog_starves_while_one_thread_stands(self):
        self.heard("WATCHDOG=1")
        fed = self.all_heard(self.WATCHDOG_SECONDS).count("WATCHDOG=1")
        self.assertGreaterEqual(fed, 2, "at least twice in its time, though nobody calls")
        for name, told in (("sp-lcore-1", "lcore 1"), ("sp-shard-0", "signalling thread 0"), ("sp-stream", "stream thread")):
            with self.subTest(told):
                self.starves_while_it_stands(name, told)

    def starves_while_it_stands(self, name, told):
        (thread,) = threads(self.daemon.process.pid, name)
        held = Held(thread)
        try:
            self.daemon.wait_for_log(f'thread_stuck.*"{told}"')
            self.assertEqual(self.daemon.http("/healthz")[0], 200, "management itself lives")
            while self.all_heard(0.01):
                pass  # what was said before it stood
            self.assertEqual(self.all_heard(self.WATCHDOG_SECONDS), [])
        finally:
            held.release()
        self.heard("WATCHDOG=1")


class Unit(unittest.TestCase):
    """The unit as systemd reads it, with the program where the package puts it."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="sallyport-unit-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        for folder in ("usr/bin", "etc/systemd/system", "usr/lib", "bin", "run"):
            os.makedirs(os.path.join(cls.root, folder), exist_ok=True)
        shutil.copy(BINARY, os.path.join(cls.root, "usr/bin/sallyport"))
        cls.unit = os.path.join(cls.root, "etc/systemd/system/sallyport.service")
        shutil.copy(os.path.join(PACKAGING, "sallyport.service"), cls.unit)

    def test_systemd_finds_nothing_wrong(self):
        for word in ("network-online.target", "multi-user.target", "sysinit.target", "basic.target", "shutdown.target",
                     "system.slice", "-.slice", "tmp.mount", "-.mount", "network.target", "network-pre.target", "-.mount"):
            source = f"/lib/systemd/system/{word}"
            if os.path.exists(source):
                shutil.copy(source, os.path.dirname(self.unit))
        done = run("systemd-analyze", "verify", "--man=no", f"--root={self.root}", "sallyport.service", check=False)
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "sallyport" in line]
        self.assertEqual(ours, [])

    def test_it_has_few_rights(self):
        done = run("systemd-analyze", "security", "--offline=yes", "--threshold=50", "--no-pager", self.unit, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-600:])

    def test_it_notifies_and_is_watched(self):
        with open(self.unit, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for line in ("Type=notify", "WatchdogSec=10", "NoNewPrivileges=yes", "RestartPreventExitStatus=71 78"):
            self.assertIn(line, lines)


COMPLETION = os.path.join(PACKAGING, "completion")


def shell_path(case):
    """PATH with a folder in which `sallyport` is the program under test."""
    folder = os.path.join(case.net.folder, "bin")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        os.symlink(os.path.abspath(BINARY), os.path.join(folder, "sallyport"))
    return f"{folder}:{os.environ['PATH']}"


class Bash:
    """What it would offer behind a line."""

    def complete(self, case, line, environment):
        words = line.split(" ")
        script = (f'compopt() {{ :; }}; source "{COMPLETION}/sallyport.bash"\n'
                  f'COMP_WORDS=({" ".join(words[:-1])} "{words[-1]}"); COMP_CWORD={len(words) - 1}; _sallyport\n'
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=environment)
        case.assertEqual(done.stderr, "", line)
        return done.stdout.split()


class Fish:
    def complete(self, case, line, environment):
        script = f'source {COMPLETION}/sallyport.fish; complete -C "{line}"'
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=False,
                              env={**environment, "HOME": case.net.folder})
        case.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return [one.split("\t")[0] for one in done.stdout.splitlines()]


class Zsh:
    """Its completion works in a line editor alone: one at a terminal of ours, whose key ^T writes what there is to a file."""

    # compadd -O, -A and -D only sort words; of all other calls those that fit are written down. `-O` keeps the words from the list.
    SETUP = """PS1=
        fpath=($COMPLETION $fpath); autoload -Uz compinit; compinit -D -u
        compadd() {
          local -a __fitting; local __one
          for __one in "$@"; do
            [[ $__one == (-|--) ]] && break
            [[ $__one == -[OAD] ]] && { builtin compadd "$@"; return }
          done
          builtin compadd -O __fitting "$@"
          (( $#__fitting )) && print -rl -- $__fitting >>$OFFERED
          return 0
        }
        offer() { _main_complete; compstate[insert]=; compstate[list]=; print -r -- "= end" >>$OFFERED }
        zle -C offer list-choices offer; bindkey '^T' offer
        """

    def complete(self, case, line, environment):
        with tempfile.TemporaryDirectory(dir=case.net.folder) as folder:
            offered = os.path.join(folder, "offered")
            with open(os.path.join(folder, ".zshrc"), "w", encoding="ascii") as file:
                file.write(self.SETUP)
            ours, its = pty.openpty()
            environment = {**environment, "ZDOTDIR": folder, "HOME": folder, "OFFERED": offered, "COMPLETION": COMPLETION, "TERM": "dumb"}
            with subprocess.Popen(["zsh", "-i", "-d"], stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True) as shell:
                try:
                    os.close(its)
                    os.write(ours, line.encode() + b"\x14")
                    eventually(lambda: self.lines(offered)[-1:] == ["= end"], f"zsh has completed {line!r}")
                finally:
                    shell.kill()
                    os.close(ours)
            return sorted(set(self.lines(offered)[:-1]))

    @staticmethod
    def lines(path):
        try:
            with open(path, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []


class Completion(Case):
    SHELLS = (Bash(), Zsh(), Fish())

    def complete(self, shell, line, socket_path="/nonexistent"):
        return shell.complete(self, line, {**os.environ, "PATH": shell_path(self), "SALLYPORT_SOCKET": socket_path})

    def test_commands_options_and_names_of_what_is_there(self):
        daemon = self.net.start(self.net.config())
        asked = daemon.socket_path
        daemon.cli("block", "192.0.2.7")
        eventually(lambda: "192.0.2.7" in daemon.cli("show", "blocked").stdout, "a blocked prefix")
        for shell in self.SHELLS:
            with self.subTest(type(shell).__name__):
                self.assertEqual(self.complete(shell, "sallyport re"), ["reload"])
                self.assertLessEqual({"calls", "peers", "ports", "call"}, set(self.complete(shell, "sallyport show ")))
                self.assertEqual(self.complete(shell, "sallyport show calls --w"), ["--watch"])
                self.assertEqual(sorted(self.complete(shell, "sallyport capture --peer ", asked)), ["carrier", "pbx"])
                self.assertEqual(self.complete(shell, "sallyport capture --peer c", asked), ["carrier"])
                self.assertEqual(set(self.complete(shell, "sallyport config explain peers[].he")), {"peers[].health", "peers[].headers"})
                self.assertEqual(self.complete(shell, "sallyport unblock ", asked), ["192.0.2.7/32"])
                self.assertEqual(set(self.complete(shell, "sallyport log level ")), {"debug", "error", "info", "warning"})

    def test_without_a_daemon_it_offers_what_needs_none(self):
        for shell in self.SHELLS:
            with self.subTest(type(shell).__name__):
                self.assertEqual(self.complete(shell, "sallyport hangup "), [])
                self.assertEqual(self.complete(shell, "sallyport config s"), ["schema"])


if __name__ == "__main__":
    unittest.main()
