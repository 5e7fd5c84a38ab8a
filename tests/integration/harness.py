"""harness.py — a Sallyport between two networks for a test: namespaces, cables, configuration, daemon, counters.

The daemon's namespace holds the SBC ends s-out and s-in of two cables and a management address of its own; the far
ends are `wire` in the namespaces out (198.18.1.2, fd18:1::2) and in (198.18.2.2, fd18:2::2). All names carry the
process id, so that runs side by side don't meet, and all goes when the test ends, however it ends.
"""

import contextlib
import copy
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import log_scan
import sip
from netns import Namespace, inside, run, veth

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BINARY = os.environ.get("SALLYPORT_BINARY", os.path.join(TOP, "build", "release", "sallyport"))
FULL = bool(os.environ.get("SALLYPORT_TESTS_FULL"))
START_SECONDS = 60  # sanitizer builds on a busy machine are slow
_NUMBERS = itertools.count(1)

OUT4, OUT6, IN4, IN6 = "198.18.1.1", "fd18:1::1", "198.18.2.1", "fd18:2::1"  # Sallyport's own
FAR_OUT4, FAR_OUT6, FAR_IN4, FAR_IN6 = "198.18.1.2", "fd18:1::2", "198.18.2.2", "fd18:2::2"
MANAGEMENT = "192.0.2.1"
SIP_PORT = 5060


def eventually(condition, what, seconds=10.0):
    """The first true value of condition(); an event waited for with a deadline. what: words, or who finds them in the end."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        pause.wait(0.02)


def base_config(node, folder, out_device="af_packet:s-out", in_device="af_packet:s-in"):
    """The demonstration configuration as plain values, to be changed by a test before it starts the daemon."""
    listen = [{"transport": "udp", "port": SIP_PORT}]
    media = {"ports": "20000-29999"}
    return {
        "version": 1,
        "node": {"name": node, "state": os.path.join(folder, "state")},
        "dataplane": {"lcores": 1, "signalling_threads": 1, "hugepages": "never",
                      "capacity": {"calls": 100, "transactions": 5000, "registrations": 100, "sources": 20000,
                                   "blocked": 1000, "connections": 100}},
        "ports": [
            {"name": "outside", "device": out_device, "addresses": [f"{OUT4}/24", f"{OUT6}/64"]},
            {"name": "inside", "device": in_device, "addresses": [f"{IN4}/24", f"{IN6}/64"]},
        ],
        "realms": [
            {"name": "outside", "port": "outside", "trust": "untrusted", "listen": listen, "media": media},
            {"name": "inside", "port": "inside", "trust": "trusted", "listen": listen, "media": media},
        ],
        "peers": [
            {"name": "carrier", "realm": "outside", "targets": [{"address": f"{FAR_OUT4}:5060"}],
             "sources": [f"{FAR_OUT6}/128"]},
            {"name": "pbx", "realm": "inside", "targets": [{"address": f"{FAR_IN4}:5060"}]},
        ],
        "routes": [
            {"name": "inbound", "match": {"peer": ["carrier"]}, "to": ["pbx"]},
            {"name": "outbound", "match": {"peer": ["pbx"]}, "to": ["carrier"]},
        ],
        "management": {"socket": os.path.join(folder, "control.sock"), "listen": "127.0.0.1:8080",
                       **log_scan.logging()},
    }


class Network:
    """Namespaces and cables of one test, and a folder for its files."""

    def __init__(self):
        # Names of namespaces and nodes; short, because interfaces and sp-NODE-PORT carry them too.
        self.tag = f"t{os.getpid():x}n{next(_NUMBERS)}"
        self.folder = tempfile.mkdtemp(prefix=f"sallyport-{self.tag}-")
        self.namespaces = []
        self.daemons = []
        try:
            self.sbc = self.namespace("sbc")
            self.out = self.namespace("out")
            self.inn = self.namespace("in")
            self.cable(self.out, "s-out", [f"{FAR_OUT4}/24", f"{FAR_OUT6}/64"])
            self.cable(self.inn, "s-in", [f"{FAR_IN4}/24", f"{FAR_IN6}/64"])
        except BaseException:
            self.remove()
            raise

    def namespace(self, word):
        made = Namespace(f"{self.tag}-{word}")
        self.namespaces.append(made)
        return made

    def cable(self, far, near_name, addresses):
        """From near_name in the daemon's namespace to `wire` in a far one."""
        veth(self.sbc, near_name, far, "wire")
        far.sysctl("net.ipv6.conf.wire.accept_dad", 0)
        for address in addresses:
            far.ip("address", "add", address, "dev", "wire", *(["nodad"] if ":" in address else []))
        self.sbc.ip("link", "set", near_name, "up")
        far.ip("link", "set", "wire", "up")

    def config(self, **devices):
        return base_config(self.tag, self.folder, **devices)

    def start(self, config, wait_ready=True, **options):
        daemon = Daemon(self, config, **options)
        self.daemons.append(daemon)
        if wait_ready:
            daemon.wait_for_log(r"\bready\b", START_SECONDS)
        return daemon

    def remove(self):
        said = []
        for daemon in self.daemons:
            daemon.end()
            said += daemon.said_too_much()
        for namespace in reversed(self.namespaces):
            namespace.remove()
        left = [n for n in netns_names() if n.startswith(f"sp-{self.tag}")]
        for name in left:  # of a daemon that was killed
            run("ip", "netns", "del", name, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if said:
            raise AssertionError("the log says what it must not:\n" + "\n".join(said[:10]))


def netns_names():
    return sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []


class Daemon:
    """One `sallyport run`. Its log is kept whole; waiting for a line has a deadline."""

    def __init__(self, network, config, binary=BINARY, launch=("ip", "netns", "exec"), arguments=()):
        self.network = network
        self.socket_path = config["management"]["socket"]
        self.config_path = os.path.join(network.folder, f"config-{next(_NUMBERS)}.yaml")
        with open(self.config_path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=1)  # JSON is YAML
        self._config, self._secrets = config, log_scan.secrets_of(config, network.folder)
        self.lines = []
        self._changed = threading.Condition()
        self._closed = False
        where = network.sbc.name if launch[0] == "ip" else f"--net={network.sbc.path}"
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([*launch, where, binary, "run", "-c", self.config_path, *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def said_too_much(self):
        """Lines that hold keys or passwords, of its start or of now."""
        masked = self._config["management"].get("log", {}).get("mask_numbers") == "all"
        return log_scan.faults(self.lines, self._secrets | log_scan.secrets_of(self._config, self.network.folder), masked)

    def log(self):
        with self._changed:
            return "\n".join(self.lines)

    def wait_for_log(self, pattern, seconds=10.0, start=0):
        """The first line from number `start` on in which the pattern is found."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.lines[start:]:
                    if re.search(pattern, line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or self._closed:
                    state = "ended" if self._closed else f"said nothing of it within {seconds} s"
                    raise AssertionError(f"no {pattern!r} in the log; the daemon {state}:\n" + "\n".join(self.lines))
                self._changed.wait(left)

    def wait_end(self, seconds=START_SECONDS):
        """Exit status; negative for a signal."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end()

    def kill(self):
        self.process.kill()
        return self.wait_end()

    def end(self):
        """Whatever state it is in, it is gone afterwards."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                try:
                    self.process.wait(3)
                except subprocess.TimeoutExpired:
                    self.process.terminate()  # calls are up: the second signal ends the drain
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()

    def cli(self, *arguments, check=True):
        return run(BINARY, *arguments, "--socket", self.socket_path, check=check, timeout=30)

    def show(self, what):
        return json.loads(self.cli("show", what, "--json").stdout)

    def http(self, path, port=8080):
        """(status, text) of a GET at the management address."""
        return http_get(self.network.sbc, port, path)

    def metrics(self):
        """{(name, frozenset of label pairs): value}"""
        status, text = self.http("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: {status}")
        found = {}
        for match in re.finditer(r'^(\w+)(?:\{(.*)\})? (\S+)$', text, re.M):
            labels = frozenset(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            found[match.group(1), labels] = float(match.group(3))
        return found

    def count(self, name, **labels):
        """The sum of all series of a metric that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (found, pairs), value in self.metrics().items()
                   if found == f"sallyport_{name}" and wanted <= pairs)

    def dropped(self, port, reason):
        return self.count("dataplane_dropped_total", port=port, reason=reason)

    def port_mac(self, name):
        """A port's MAC as the wire knows it."""
        near = {"outside": "s-out", "inside": "s-in"}[name]
        return self.network.sbc.mac(near)


def ports_of(daemon):
    return daemon.show("ports")["ports"]


def _dechunk(body):
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        out += body[:length]
        body = body[length + 2:]
        if length == 0:
            break
    return out


def http_get(namespace, port, path, seconds=10):
    """(status, text) of what a server at 127.0.0.1 of that namespace answers."""
    with inside(namespace.path):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with sock:
        sock.settimeout(seconds)
        sock.connect(("127.0.0.1", port))
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        octets = b""
        while chunk := sock.recv(65536):
            octets += chunk
    head, _, body = octets.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = _dechunk(body)
    return int(head.split(b" ", 2)[1]), body.decode()


class Case(unittest.TestCase):
    """One network for each test method; subclasses that only look share one daemon (SharedCase)."""

    def setUp(self):
        if os.geteuid() != 0:
            raise AssertionError("needs root for namespaces: sudo tests/run --only integration")
        self.net = Network()
        self.addCleanup(self.net.remove)

    def known(self, side="out", version=4, port=SIP_PORT):
        """The configured peer's own socket."""
        return known_socket(self, self.net, side, version, port)

    def assert_answered(self, sock, remote, status=200, seconds=8.0, **extra):
        answer = sip.options(sock, remote, seconds, **extra)
        self.assertIsNotNone(answer, f"no answer from {remote} to OPTIONS from {sock.getsockname()}")
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.source[:2], remote)
        return answer

    def assert_silent(self, sock, remote, seconds=1.0, **extra):
        answer = sip.options(sock, remote, seconds, **extra)
        self.assertIsNone(answer, answer and f"{remote} answered {answer.status}")


def known_socket(case, net, side, version, port=SIP_PORT):
    namespace = net.out if side == "out" else net.inn
    address = {("out", 4): FAR_OUT4, ("out", 6): FAR_OUT6, ("in", 4): FAR_IN4, ("in", 6): FAR_IN6}[side, version]
    sock = namespace.udp(address, port)
    case.addCleanup(sock.close)
    return sock


class SharedCase(Case):
    """One network and one daemon for all tests of the class."""

    shared = None
    daemon = None

    @classmethod
    def configure(cls, config):
        """Subclasses change the configuration here."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise AssertionError("needs root for namespaces: sudo tests/run --only integration")
        with contextlib.ExitStack() as undo:
            cls.shared = Network()
            undo.callback(cls.shared.remove)
            config = copy.deepcopy(cls.shared.config())
            cls.configure(config)
            cls.daemon = cls.shared.start(config)
            cls.addClassCleanup(undo.pop_all().close)

    def setUp(self):
        self.net = self.shared
        if self.daemon.process.poll() is not None:
            self.fail(f"the daemon has ended with {self.daemon.process.returncode}:\n{self.daemon.log()}")
