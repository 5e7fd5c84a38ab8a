"""systemd_test.py — the installed service under a real systemd, with --full: a clean Debian is booted in namespaces of its own,
its PID 1 starts, watches, reloads and stops Sallyport by the unit of the package. systemd.service(5), sd_notify(3)."""

import os
import re
import shutil
import subprocess
import unittest

from harness import FULL, IN4, OUT4, FAR_IN4, FAR_OUT4, Network, eventually
from netns import run
from package_test import CleanRoot, Packed
from service_test import Held, threads

WATCHDOG_SECONDS = 10  # of the unit
# A cgroup of its own first, which is the root of what systemd sees; then everything that a machine has.
_BOOT = """
group=$(mktemp -d)
mount -t cgroup2 none $group
mkdir $group/$2
echo $$ > $group/$2/cgroup.procs
umount $group; rmdir $group
exec unshare --cgroup --mount --uts --ipc --pid --fork --kill-child --propagation private sh -ec '
root=$0
mount --bind $root $root
mount -t proc none $root/proc
mount -t sysfs none $root/sys
mount -t cgroup2 none $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 none $root/dev
for name in null zero full random urandom tty; do touch $root/dev/$name; mount --bind /dev/$name $root/dev/$name; done
mkdir $root/dev/pts $root/dev/shm $root/dev/net
mount -t devpts -o newinstance,ptmxmode=0666 none $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx
mount -t tmpfs none $root/dev/shm
touch $root/dev/net/tun
mount --bind /dev/net/tun $root/dev/net/tun
mount -t tmpfs -o mode=755 none $root/run
mount -t tmpfs none $root/tmp
cd $root
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal
' "$1"
"""


def drop_group(name):
    """The cgroup, once nobody is in it."""
    run("unshare", "--mount", "sh", "-ec",
        'mount -t cgroup2 none /mnt; find "/mnt/$0" -depth -type d -exec rmdir {} +', name, check=False)


class Booted:
    """A Debian whose systemd runs in a network namespace of the test."""

    def __init__(self, debian, namespace, name):
        self.name = name
        self.log = open(os.path.join(os.path.dirname(debian.path), "boot.log"), "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "sh", "-ec", _BOOT, "boot", debian.path, name],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.pid = eventually(self._first, self.words, 30.0)
        eventually(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                   self.words, 90.0)

    def _first(self):
        """PID 1 of that Debian, as this machine knows it; 0 while it is not there."""
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
        for child in children:
            with open(f"/proc/{child}/comm", encoding="ascii") as file:
                if file.read().strip() == "systemd":
                    return int(child)
        return 0

    def words(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def run(self, *words, check=True, **options):
        return run("nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--pid", "--net", "--cgroup", "--root", "--wd=/",
                   "env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", *words, check=check, timeout=120, **options)

    def property(self, name):
        return self.run("systemctl", "show", "sallyport", "-p", name, "--value").stdout.strip()

    def service_pid(self):
        """The main process of the service, as this machine knows it."""
        inner = self.property("MainPID")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") != os.readlink(f"/proc/{self.pid}/ns/pid"):
                    continue
                with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
                    if re.search(rf"^NSpid:\t.*\t{inner}$", file.read(), re.M):
                        return int(pid)
            except OSError:
                continue  # it is gone, or nobody's business
        raise AssertionError(f"there is no process {inner} in that Debian")

    def end(self):
        self.process.kill()  # takes its PID 1 with it, and that all others
        self.process.wait(30)
        self.log.close()
        drop_group(self.name)


@unittest.skipUnless(FULL, "a clean Debian is fetched with --full")
class Service(Packed):
    def setUp(self):
        self.net = Network()
        self.addCleanup(self.net.remove)
        debian = CleanRoot(self.folder, "systemd", "systemd-sysv", "dbus")
        shutil.copy(self.package, debian.file("/sallyport.deb"))
        debian.run("apt-get", "update")
        debian.run("apt-get", "install", "-y", "--no-install-recommends", "/sallyport.deb")
        self.debian = Booted(debian, self.net.sbc, self.net.tag)
        self.addCleanup(self.debian.end)
        self.without_a_configuration()
        typed = ["node", "s-out", f"{OUT4}/24", "", "s-in", f"{IN4}/24", "", FAR_OUT4, FAR_IN4, ""]
        self.debian.run("sallyport", "init", input="\n".join(typed) + "\n")

    def without_a_configuration(self):
        """It fails once, says why, and is not tried again and again."""
        debian = self.debian
        self.assertNotEqual(debian.run("systemctl", "start", "sallyport", check=False).returncode, 0)
        self.assertEqual((debian.property("ActiveState"), debian.property("ExecMainStatus"), debian.property("NRestarts")),
                         ("failed", "78", "0"))
        self.assertIn("/etc/sallyport/sallyport.yaml", self.journal())

    def journal(self):
        return self.debian.run("journalctl", "-u", "sallyport", "-o", "cat", "--no-pager").stdout

    def test_started_reloaded_watched_and_stopped(self):
        debian = self.debian
        debian.run("systemctl", "enable", "--now", "sallyport")  # returns when the service has said that it is ready
        self.assertEqual((debian.property("ActiveState"), debian.property("SubState")), ("active", "running"))
        self.assertEqual(debian.property("WatchdogUSec"), f"{WATCHDOG_SECONDS}s")
        self.assertIn('"ready"', self.journal())
        self.assertRegex(debian.run("sallyport", "show", "ports").stdout, r"outside +af_packet:s-out +up")
        self.has_few_rights()
        self.reloads()
        self.outlives_its_watchdog_while_all_move()
        for thread in ("sp-shard-0", "sp-stream", "sp-lcore-0"):
            with self.subTest(thread):
                self.is_started_anew_when_it_stands(thread)
        self.is_started_anew_when_killed()
        debian.run("systemctl", "stop", "sallyport")
        self.assertEqual((debian.property("ActiveState"), debian.property("Result"), debian.property("ExecMainStatus")),
                         ("inactive", "success", "0"))
        self.assertEqual(debian.run("ls", "/run/netns").stdout, "", "nothing is left behind")

    def has_few_rights(self):
        with open(f"/proc/{self.debian.service_pid()}/status", encoding="ascii") as file:
            status = file.read()
        self.assertRegex(status, r"NoNewPrivs:\t1\n")
        self.assertRegex(status, r"Seccomp:\t2\n")
        effective = int(re.search(r"CapEff:\t(\w+)", status).group(1), 16)
        for forbidden in (16, 19, 22, 25):  # SYS_MODULE, SYS_PTRACE, SYS_BOOT, SYS_TIME
            self.assertFalse(effective >> forbidden & 1, f"capability {forbidden}")

    def reloads(self):
        debian = self.debian
        main = debian.property("MainPID")
        debian.run("systemctl", "reload", "sallyport")
        debian.run("sh", "-c", "echo 'peers: wrong' >> /etc/sallyport/sallyport.yaml")
        self.assertNotEqual(debian.run("systemctl", "reload", "sallyport", check=False).returncode, 0, "a mistake is told")
        debian.run("sed", "-i", "/^peers: wrong$/d", "/etc/sallyport/sallyport.yaml")
        debian.run("systemctl", "reload", "sallyport")
        self.assertEqual((debian.property("MainPID"), debian.property("ActiveState")), (main, "active"))

    def outlives_its_watchdog_while_all_move(self):
        def fed():
            return int(self.debian.property("WatchdogTimestampMonotonic"))
        first = fed()
        eventually(lambda: fed() > first + WATCHDOG_SECONDS * 1_000_000, "it was fed for as long as its watchdog waits", 3 * WATCHDOG_SECONDS)
        self.assertEqual(self.debian.property("NRestarts"), "0", self.journal()[-3000:])

    def has_restarted(self, before):
        return int(self.debian.property("NRestarts")) > before and self.debian.property("ActiveState") == "active"

    def is_started_anew_when_it_stands(self, name):
        before = int(self.debian.property("NRestarts"))
        (thread,) = threads(self.debian.service_pid(), name)
        held = Held(thread)
        try:
            eventually(lambda: held.reap() and self.has_restarted(before), lambda: f"it is started anew\n{self.journal()[-2000:]}", 6 * WATCHDOG_SECONDS)
        finally:
            try:
                held.release()
            except OSError:
                pass  # the thread is gone, as it should be
        self.assertIn("thread_stuck", self.journal())
        self.assertIn("Watchdog timeout", self.journal())

    def is_started_anew_when_killed(self):
        before = int(self.debian.property("NRestarts"))
        os.kill(self.debian.service_pid(), 9)
        eventually(lambda: self.has_restarted(before), "it is started anew", 60.0)


if __name__ == "__main__":
    unittest.main()
