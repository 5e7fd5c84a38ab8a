"""package_test.py — the Debian package: what it holds and asks for; with --full a life in a clean Debian: installed, used,
upgraded under a running daemon, removed, purged."""

import glob
import gzip
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BINARY, FULL, START_SECONDS, TOP, eventually, http_get
from netns import Namespace, run

BUILD = os.path.dirname(os.path.abspath(BINARY))
CONFFILES = ["/etc/default/sallyport", "/etc/logrotate.d/sallyport", "/etc/sallyport/rules/sip.rules"]


def pack(folder):
    """The package made from the build that is under test; nothing is compiled."""
    run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", folder, cwd=BUILD, timeout=300)
    packages = glob.glob(os.path.join(folder, "*.deb"))
    assert len(packages) == 1, packages
    return packages[0]


def run_tier():
    with open(os.path.join(TOP, "mgmt", "packages.txt"), encoding="ascii") as file:
        tier = re.search(r"^\[run\].*?(?=^\[)", file.read(), re.M | re.S).group(0)
    return re.findall(r"^([a-z0-9.+-]+)", tier, re.M)


def help_texts(*words):
    """Of all commands: their words and what --help says of them."""
    text = run(BINARY, *words, "--help").stdout
    below = re.search(r"^Subcommands:\n(.*)", text, re.M | re.S)
    found = [(words, text)]
    for command in re.findall(r"^  (\w+)", below.group(1), re.M) if below else []:
        found += help_texts(*words, command)
    return found


class Packed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sallyport-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.package = pack(cls.folder)


class Contents(Packed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = os.path.join(cls.folder, "root")
        run("dpkg-deb", "-R", cls.package, cls.root)

    def control(self, field):
        return run("dpkg-deb", "-f", self.package, field).stdout.strip()

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def test_files_are_where_debian_has_them(self):
        for name in ("/usr/bin/sallyport", "/lib/systemd/system/sallyport.service", "/usr/lib/sysusers.d/sallyport.conf",
                     "/usr/lib/tmpfiles.d/sallyport.conf", "/usr/share/bash-completion/completions/sallyport",
                     "/usr/share/zsh/vendor-completions/_sallyport", "/usr/share/fish/vendor_completions.d/sallyport.fish",
                     "/usr/share/man/man1/sallyport.1.gz", "/usr/share/man/man5/sallyport.yaml.5.gz",
                     "/usr/share/doc/sallyport/copyright", "/usr/share/doc/sallyport/changelog.gz",
                     "/usr/share/doc/sallyport/sallyport.schema.json", "/usr/share/doc/sallyport/examples/smallest.yaml",
                     *CONFFILES):
            self.assertTrue(os.path.isfile(self.path(name)), name)
        self.assertFalse(os.path.exists(self.path("/etc/sallyport/sallyport.yaml")), "that is the operator's")
        with open(self.path("/DEBIAN/conffiles"), encoding="ascii") as file:
            self.assertEqual(file.read().split(), CONFFILES)

    def test_every_driver_of_dpdk_is_a_dependency(self):
        depends = {re.split(r"[ (|]", one.strip())[0] for one in self.control("Depends").split(",")}
        tier = run_tier()
        self.assertGreater(len(tier), 20)
        self.assertEqual(sorted(set(tier) - depends), [], "what runs needs is in [run] of mgmt/packages.txt")

    def test_the_program_is_stripped_and_names_no_folder_of_the_build(self):
        self.assertIn("sallyport", run(self.path("/usr/bin/sallyport"), "--version").stdout)
        sections = run("readelf", "-S", self.path("/usr/bin/sallyport")).stdout
        self.assertNotIn(".debug_info", sections)
        self.assertNotRegex(run("readelf", "-d", self.path("/usr/bin/sallyport")).stdout, "RUNPATH|RPATH")

    def test_manual_pages_are_well_formed_and_name_what_there_is(self):
        for name in ("man1/sallyport.1.gz", "man5/sallyport.yaml.5.gz"):
            with gzip.open(self.path(f"/usr/share/man/{name}"), "rt", encoding="utf-8") as file:
                text = file.read()
            judged = run("mandoc", "-T", "lint", "-W", "warning", check=False, input=text)
            said = re.findall(r"(?:WARNING|ERROR|UNSUPP).*", judged.stdout)
            self.assertEqual([line for line in said if "missing date" not in line], [], f"{name}, which bears a version")
        with gzip.open(self.path("/usr/share/man/man1/sallyport.1.gz"), "rt", encoding="utf-8") as file:
            page = run("mandoc", "-T", "ascii", input=file.read()).stdout
        page = re.sub(".\b", "", page)
        for words, text in help_texts():
            for word in words:
                self.assertRegex(page, rf"\b{word}\b", "a command that the page leaves out")
            for option in set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z-]+)", text, re.M)) - {"--config", "--version"}:
                self.assertIn(option, page, f"an option of {words} that the page leaves out")

    def test_lintian_finds_no_error(self):
        done = run("lintian", "--allow-root", "--fail-on", "error", "--no-cfg", self.package, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_log_file_is_rotated_and_call_records_are_not(self):
        state = os.path.join(self.folder, "state")
        os.makedirs(state, exist_ok=True)
        for name in ("sallyport.log", "cdr.jsonl"):
            with open(os.path.join(state, name), "w", encoding="ascii") as file:
                file.write("a line\n")
        with open(self.path("/etc/logrotate.d/sallyport"), encoding="utf-8") as file:
            rules = file.read().replace("/var/lib/sallyport", state).replace("su root sallyport", "su root root")
        path = os.path.join(self.folder, "logrotate.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rules)
        os.chmod(path, 0o644)
        run("logrotate", "--force", "--state", os.path.join(self.folder, "logrotate.state"), path)
        self.assertEqual(sorted(os.listdir(state)), ["cdr.jsonl", "sallyport.log", "sallyport.log.1"])
        self.assertEqual(os.path.getsize(os.path.join(state, "sallyport.log")), 0)
        self.assertGreater(os.path.getsize(os.path.join(state, "cdr.jsonl")), 0)


class CleanRoot:
    """A Debian of its own in a folder; what is mounted for a command is gone with it."""

    def __init__(self, folder, *packages):
        self.path = os.path.join(folder, "debian")
        sites = run("apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm", "Origin: Debian").stdout.split()
        run("debootstrap", "--variant=minbase", *([f"--include={','.join(packages)}"] if packages else []), "bookworm", self.path, sites[0], timeout=900)

    def command(self, *words, namespace=None):
        enter = ("mount -t proc none $0/proc; mount --rbind /dev $0/dev; mount --rbind /sys $0/sys; "
                 "mkdir -p $0/dev/shm; exec chroot $0 \"$@\"")
        inner = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", enter, self.path, *words]
        return ["ip", "netns", "exec", namespace.name, *inner] if namespace else inner

    def run(self, *words, check=True, **options):
        return run(*self.command(*words), check=check, timeout=600, **options,
                   env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def file(self, name):
        return os.path.join(self.path, name.lstrip("/"))

    def read(self, name):
        with open(self.file(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(text)


@unittest.skipUnless(FULL, "a clean Debian is fetched with --full")
class Life(Packed):
    def setUp(self):
        self.debian = CleanRoot(self.folder)
        self.namespace = Namespace(f"pkg{os.getpid():x}")
        self.addCleanup(self.namespace.remove)

    def get(self, path):
        return http_get(self.namespace, 8080, path)

    def next_version(self):
        """The same package, a version later, in which a configuration file has changed."""
        root = os.path.join(self.folder, "next")
        run("dpkg-deb", "-R", self.package, root)
        control = os.path.join(root, "DEBIAN", "control")
        with open(control, encoding="utf-8") as file:
            text = re.sub(r"^Version: .*$", "Version: 99.0", file.read(), flags=re.M)
        with open(control, "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(root, "etc/default/sallyport"), "a", encoding="utf-8") as file:
            file.write("# new in this version\n")
        run("dpkg-deb", "--root-owner-group", "-b", root, self.debian.file("/next.deb"))

    def test_installed_used_upgraded_removed_purged(self):
        debian = self.debian
        shutil.copy(self.package, debian.file("/sallyport.deb"))
        debian.run("apt-get", "update")
        said = debian.run("apt-get", "install", "-y", "--no-install-recommends", "/sallyport.deb").stdout
        self.assertIn("next are 'sallyport init' and", said)
        self.assertRegex(debian.run("stat", "-c", "%U:%G %a", "/etc/sallyport").stdout, "root:sallyport 750")
        debian.run("sallyport", "init", "--name", f"n{os.getpid():x}", "--outside", "discard", "--outside-address", "198.18.1.1/24",
                   "--outside-gateway", "none", "--inside", "ring:inside", "--inside-address", "198.18.2.1/24", "--inside-gateway",
                   "none", "--carrier", "198.18.1.2", "--pbx", "198.18.2.2", "--phones", "none")
        debian.run("sallyport", "check", "--strict", "-c", "/etc/sallyport/sallyport.yaml")
        mine = debian.read("/etc/sallyport/sallyport.yaml")
        with subprocess.Popen(debian.command("/usr/bin/sallyport", "run", "-c", "/etc/sallyport/sallyport.yaml",
                                             namespace=self.namespace),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as daemon:
            self.addCleanup(daemon.kill)
            lines = []
            while not lines or '"ready"' not in lines[-1]:
                lines.append(daemon.stdout.readline())
                self.assertTrue(lines[-1], "".join(lines))
            self.check_service()
            self.check_upgrade(mine)
            self.assertIsNone(daemon.poll(), "an upgrade ends no call")
            self.assertEqual(self.get("/healthz")[0], 200)
            daemon.terminate()
            self.assertEqual(daemon.wait(START_SECONDS), 0)
        self.check_end(mine)

    def check_service(self):
        status, page = self.get("/")
        self.assertEqual(status, 200)
        self.assertIn("<html", page)
        status, metrics = self.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("sallyport_build_info", metrics)
        shown = eventually(lambda: self.debian.run("sallyport", "show", "ports", check=False).stdout, "ports are shown")
        self.assertRegex(shown, "outside.*\n.*")

    def check_upgrade(self, mine):
        debian = self.debian
        debian.write("/etc/default/sallyport", "SALLYPORT_OPTIONS='--drain-time 1m'\n")
        self.next_version()
        debian.run("dpkg", "--force-confdef", "--force-confold", "-i", "/next.deb")
        self.assertEqual(debian.read("/etc/sallyport/sallyport.yaml"), mine)
        self.assertEqual(debian.read("/etc/default/sallyport"), "SALLYPORT_OPTIONS='--drain-time 1m'\n")
        self.assertIn("new in this version", debian.read("/etc/default/sallyport.dpkg-dist"))

    def check_end(self, mine):
        debian = self.debian
        debian.run("dpkg", "--remove", "sallyport")
        self.assertFalse(os.path.exists(debian.file("/usr/bin/sallyport")))
        self.assertEqual(debian.read("/etc/sallyport/sallyport.yaml"), mine)
        self.assertTrue(os.listdir(debian.file("/var/lib/sallyport")), "records stay")
        debian.run("dpkg", "--purge", "sallyport")
        for name in ("/etc/sallyport", "/var/lib/sallyport", "/etc/default/sallyport", "/etc/logrotate.d/sallyport"):
            self.assertFalse(os.path.exists(debian.file(name)), name)


if __name__ == "__main__":
    unittest.main()
