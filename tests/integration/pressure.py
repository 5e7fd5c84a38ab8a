#!/usr/bin/python3
"""pressure.py — somebody who keeps others busy: requests over UDP at a pace until its standard input closes.

pressure.py NAMESPACE METHOD OWN-ADDRESS TO-ADDRESS A-SECOND, as a process of its own so that the test's clock is not disturbed.
"""

import contextlib
import os
import re
import select
import subprocess
import sys
import time

import netns
import sip
from harness import SIP_PORT

TURN = 0.005


@contextlib.contextmanager
def pressure(namespace, method, own, remote, rate):  # pylint: disable=too-many-arguments
    """Beside whatever happens meanwhile."""
    here = os.path.dirname(os.path.abspath(__file__))
    with subprocess.Popen([sys.executable, "-B", os.path.join(here, "pressure.py"), namespace.path, method, own, remote, str(rate)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout.readline() == "sending\n"
        try:
            yield
        finally:
            sender.communicate(timeout=20)


def main():
    path, method, own, remote, rate = sys.argv[1:]
    with netns.inside(path):
        sock = netns.socket.socket(netns.socket.AF_INET, netns.socket.SOCK_DGRAM)
    sock.bind((own, SIP_PORT))
    sock.setblocking(False)
    octets = sip.request(method, (own, SIP_PORT), (remote, SIP_PORT))
    pieces = octets.split(re.search(rb"branch=z9hG4bK-([^;]+)", octets)[1])  # around what is another in each
    print("sending", flush=True)
    begun, sent = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], TURN)[0]:
        due = int((time.monotonic() - begun) * float(rate))
        sent = max(sent, due - int(float(rate)))  # what is late by a second is not made up for
        for number in range(sent, due):
            with contextlib.suppress(OSError):
                sock.sendto((b"%dx" % number).join(pieces), (remote, SIP_PORT))
        sent = due
        with contextlib.suppress(OSError):
            while True:
                sock.recv(2048)


if __name__ == "__main__":
    main()
