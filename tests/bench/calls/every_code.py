"""every_code.py — makes a node see every code of SIP that it counts, in both realms and both directions: for the bench of
scrapes, whose page is the longest then. RFC 3261 §21."""

import re
import select
import threading
import time

import sip
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT

COUNTED = (100, 180, 181, 182, 183, 200, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416,
           420, 421, 423, 480, 481, 482, 483, 484, 485, 486, 487, 488, 491, 493, 500, 501, 502, 504, 505, 513, 600, 603, 604, 606)
CLASSES = (199, 299, 399, 499, 599, 699)  # each stands for what has no count of its own
ALL = (*COUNTED, *CLASSES, 503)  # whoever says the last of them to a call is left alone for a while
SERIES = 2 * 2 * len(ALL)  # realms, directions
SECONDS = 3.0


def fields(octets, *names):
    """Header lines of a message."""
    lines = octets.decode(errors="replace").split("\r\n")
    return [line for line in lines if line.partition(":")[0].lower() in names]


def answer(octets, code, tag="callee"):
    head = fields(octets, "via", "from", "call-id", "cseq", "record-route")
    (to,) = fields(octets, "to")
    tagged = to if code == 100 or ";tag=" in to else f"{to};tag={tag}"
    return "\r\n".join([f"SIP/2.0 {code} As asked", *head, tagged, f"Contact: <sip:elsewhere@{FAR_IN4}:9>", "Content-Length: 0", "", ""]).encode()


class Answers(threading.Thread):
    """A peer that answers an INVITE with the code that the number called ends with; other requests with 200."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.ends = sock, threading.Event()
        self.start()

    def run(self):
        while not self.ends.is_set():
            if not select.select([self.sock], [], [], 0.1)[0]:
                continue
            octets, source = self.sock.recvfrom(65535)
            if octets.startswith((b"SIP/2.0", b"ACK")):
                continue
            number = re.match(rb"INVITE sips?:\d*?(\d{3})@", octets)
            code = int(number.group(1)) if number else 200
            if code < 200:
                self.sock.sendto(answer(octets, code), source)
                code = 480
            self.sock.sendto(answer(octets, code), source)

    def stop(self):
        self.ends.set()
        self.join(5)


def invite(sock, remote, code):
    """One call for which the other side has that code; it is acknowledged, and ended where it was answered."""
    message = sip.request("INVITE", sock.getsockname()[:2], remote).replace(
        f"INVITE sip:{remote[0]}".encode(), f"INVITE sip:4001{code}@{remote[0]}".encode())
    sock.sendto(message, remote)
    end = time.monotonic() + SECONDS
    while (got := sip.receive(sock, sip.call_id_of(message), end)) is not None:
        if got.status < 200:
            continue
        if got.status < 300:  # left up: who counts ends the node without asking
            return
        branch = fields(message, "via")[0] if got.status >= 300 else ""
        to = f"To: {got.header('To')}"
        lines = [message.decode().split("\r\n")[0].replace("INVITE", "ACK", 1), branch, *fields(message, "from", "call-id"), to,
                 fields(message, "cseq")[0].replace("INVITE", "ACK"), "Max-Forwards: 70", "Content-Length: 0", "", ""]
        sock.sendto("\r\n".join(lines).encode(), remote)
        return


def show_all(network):
    """Through the node in both directions; then as answers to nothing, which it counts as what came."""
    ends = {side: (space.udp(far, SIP_PORT), near) for side, space, far, near in
            (("out", network.out, FAR_OUT4, OUT4), ("in", network.inn, FAR_IN4, IN4))}
    for caller, callee in (("out", "in"), ("in", "out")):
        answers = Answers(ends[callee][0])
        try:
            for code in (*COUNTED, *CLASSES):
                invite(ends[caller][0], (ends[caller][1], SIP_PORT), code)
        finally:
            answers.stop()
    for sock, near in ends.values():
        for code in ALL:
            sock.sendto(answer(sip.request("OPTIONS", (near, SIP_PORT), sock.getsockname()[:2]), code), (near, SIP_PORT))
        sock.close()
