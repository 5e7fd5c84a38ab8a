"""baresip.py — baresip as a phone that plays a tone and writes down what it hears, and the ear that knows a tone again."""

import glob
import itertools
import json
import math
import os
import queue
import re
import shutil
import socket
import subprocess
import threading
import wave

from harness import eventually

RATE = 8000  # of G.711
_MODULES = "/usr/lib/baresip/modules"
_CONFIG = """
sip_listen {address}:5060
net_interface wire
rtp_ports 40000-40998
module_path {modules}
module g711.so
module aufile.so
module sndfile.so
module aubridge.so
module_app account.so
module_app menu.so
audio_source aufile,{folder}/tone.wav
audio_player aubridge,ear
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
snd_path {folder}
"""
_COMMANDS = """module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{port}
"""
_PORTS = itertools.count(4444)  # several phones may be in one namespace
_SRTP = "module srtp.so\n"
_TLS = """sip_certificate {folder}/own.pem
sip_cafile {folder}/authority.pem
"""


def write_tone(path, hertz, seconds=30):
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(int(8000 * math.sin(2 * math.pi * hertz * n / RATE)).to_bytes(2, "little", signed=True)
                                  for n in range(seconds * RATE)))


def samples(path):
    """Of a mono file of 16 bits, also of one that is still being written (its header says nothing yet)."""
    with open(path, "rb") as file:
        octets = file.read()
    at = octets.find(b"data")
    body = octets[at + 8:] if at > 0 else b""
    return [int.from_bytes(body[n:n + 2], "little", signed=True) for n in range(0, len(body) - 1, 2)]


def power(heard, hertz):
    """The share of the sound's power at one frequency: 1 for a pure tone. Goertzel's algorithm."""
    factor = 2 * math.cos(2 * math.pi * hertz / RATE)
    one = two = 0.0
    for sample in heard:
        one, two = sample + factor * one - two, one
    at = one * one + two * two - factor * one * two
    whole = sum(sample * sample for sample in heard)
    return 2 * at / (len(heard) * whole) if whole else 0.0


class Console:
    """baresip's commands and events over TCP, as JSON in netstrings; it listens to one of these at a time."""

    def __init__(self, namespace, address):
        self.events, self._answers = [], queue.Queue()
        self._sock = namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sock.connect(address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def command(self, name, parameters=""):
        words = json.dumps({"command": name, "params": parameters}).encode()
        self._sock.sendall(b"%d:%s," % (len(words), words))
        return self._answers.get(timeout=10)

    def _listen(self):
        octets = b""
        while chunk := self._sock.recv(65536):
            octets += chunk
            size, colon, rest = octets.partition(b":")
            while colon and len(rest) > int(size):
                one = json.loads(rest[:int(size)].decode(errors="replace"))
                if one.get("event"):
                    self.events.append(one)
                else:
                    self._answers.put(one.get("data", ""))
                octets = rest[int(size) + 1:]
                size, colon, rest = octets.partition(b":")

    def params(self, kind):
        """What came with each event of a kind."""
        return [one.get("param", "") for one in self.events[:] if one.get("type") == kind]

    def close(self):
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # baresip has ended
        self._thread.join(5)
        self._sock.close()


class Baresip:
    """Answers who calls its number; `dial` calls a URI. Plays a tone of `hertz` while a call is up. For TLS it needs an
    identity (certificates.Identity). account: a whole line of its accounts in place of a number at its own address. encryption:
    None, "srtp" (where the other side has it too) or "srtp-mand"."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, namespace, folder, address, hertz, number="200", dial=None, transport="udp", identity=None, account=None,
                 encryption=None):
        self.folder = os.path.join(folder, f"baresip-{hertz}")
        os.makedirs(self.folder)
        write_tone(os.path.join(self.folder, "tone.wav"), hertz)
        host = f"[{address}]" if ":" in address else address
        with open(os.path.join(self.folder, "config"), "w", encoding="ascii") as file:
            file.write(_CONFIG.format(address=host, modules=_MODULES, folder=self.folder))
            if account is not None:
                self._commands_at = "127.0.0.1", next(_PORTS)
                file.write(_COMMANDS.format(port=self._commands_at[1]))
            if encryption is not None:
                file.write(_SRTP)
            if identity is not None:
                file.write(_TLS.format(folder=self.folder))
        self.namespace, self._console = namespace, None
        if identity is not None:
            self._take(identity)
        with open(os.path.join(self.folder, "accounts"), "w", encoding="ascii") as file:
            file.write((account or f"<sip:{number}@{host};transport={transport}>;regint=0") + ";answermode=auto;audio_codecs=PCMU/8000/1" +
                       (f";mediaenc={encryption}" if encryption else "") + "\n")
        for name in ("contacts", "uuid"):
            open(os.path.join(self.folder, name), "w", encoding="ascii").close()
        command = ["ip", "netns", "exec", namespace.name, "baresip", "-6" if ":" in address else "-4", "-v", "-f", self.folder]
        self._output = open(os.path.join(self.folder, "output"), "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(command + (["-e", f"/dial {dial}"] if dial else []), stdin=subprocess.DEVNULL,
                                        stdout=self._output, stderr=subprocess.STDOUT)
        eventually(lambda: "baresip is ready" in self.words(), f"baresip is ready: {self.words()}", 15.0)

    def _take(self, identity):
        for name, parts in (("own", (identity.pair.certificate, identity.pair.key)), ("authority", (identity.authority.path,))):
            with open(os.path.join(self.folder, f"{name}.pem"), "wb") as whole:
                for part in parts:
                    with open(part, "rb") as file:
                        shutil.copyfileobj(file, whole)

    def console(self):
        """To a phone with an account; from now on its events are kept."""
        if self._console is None:
            self._console = Console(self.namespace, self._commands_at)
        return self._console

    def command(self, name, parameters=""):
        """One of baresip's own. What it says to it."""
        return self.console().command(name, parameters)

    def await_words(self, words, seconds=15.0):
        eventually(lambda: words in self.words(), f"{words!r} of baresip: {self.words()}", seconds)

    def words(self):
        with open(os.path.join(self.folder, "output"), encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        return "\n".join(line for line in lines if line.strip() and not re.match(r"\[\d+:\d\d:\d\d\] audio=", line))[-4000:]

    def dumps(self):
        """What it wrote down of what came in, the newest first."""
        return sorted(glob.glob(os.path.join(self.folder, "dump-*-dec.wav")), key=os.path.getmtime, reverse=True)

    def heard(self, hertz, seconds=1.0):
        """The share of this tone in the last `seconds` that came in; None before so much has come."""
        for path in self.dumps()[:1]:
            found = samples(path)[-int(seconds * RATE):]
            if len(found) >= seconds * RATE:
                return power(found, hertz)
        return None

    def close(self):
        if self._console is not None:
            self._console.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        self._output.close()
