"""stream_phone.py — the wire of a SIP phone over TCP and TLS: it listens, connects and reuses connections, and looks to
phone.Phone like a UDP socket. RFC 3261 §18, RFC 5626 §4.4.1 (pings), RFC 8446.

    end = StreamEnd(namespace, (FAR_OUT4, 5060), (OUT4, 5060), "TCP")
    phone = Phone(end, end.remote)

What a test may do to it: `splits` sends octet by octet, `refuse()` and `listen()` close and open its door,
`stalls` reads nothing, a connection can be closed or reset at any moment, `together()` pipelines.
"""

import collections
import contextlib
import ctypes
import os
import select
import socket
import ssl
import threading
import time

from harness import eventually

_LIBC = ctypes.CDLL(None, use_errno=True)
PING, PONG = b"\r\n\r\n", b"\r\n"
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def ready(sockets, seconds, event=select.POLLIN):
    """Those of which something can be had within so many seconds; for numbers above select's 1023 too."""
    poll, by_number = select.poll(), {}
    for one in sockets:
        number = one.fileno()
        if number >= 0:  # else it was closed just now
            by_number[number] = one
            poll.register(number, event)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


class Way(tuple):
    """(host, port) of the other side, and the connection that a message came over."""

    connection = None


class Framer:
    """Cuts messages out of a stream by their Content-Length, which must be there. RFC 3261 §18.3, §20.14"""

    def __init__(self):
        self.rest, self.pings, self.pongs = b"", 0, 0

    def take(self, octets):
        self.rest += octets
        found = []
        while True:
            while self.rest.startswith(b"\r\n"):
                if self.rest.startswith(PING):
                    self.pings += 1
                    self.rest = self.rest[4:]
                else:
                    self.pongs += 1
                    self.rest = self.rest[2:]
            head, end, body = self.rest.partition(b"\r\n\r\n")
            if not end:
                return found
            lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith((b"content-length:", b"l:"))]
            if len(lengths) != 1:
                raise ValueError(f"not one Content-Length: {head!r}")
            size = int(lengths[0])
            if len(body) < size:
                return found
            found.append(self.rest[:len(head) + 4 + size])
            self.rest = self.rest[len(head) + 4 + size:]


class Connection:
    """One TCP or TLS connection. Only its own thread-safe doors: send, close, reset."""

    def __init__(self, sock, is_ours):
        self.sock, self.is_ours = sock, is_ours
        self.near, self.far = sock.getsockname()[:2], sock.getpeername()[:2]
        self.framer, self.lock = Framer(), threading.Lock()
        self.is_open, self.ended_by = True, None  # "us", "end", "reset" or what went wrong
        self.messages = []
        sock.setblocking(False)
        # pylint: disable-next=no-member
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, octets, splits=False, seconds=10.0):
        end = time.monotonic() + seconds
        with self.lock:
            for piece in ([octets[i:i + 1] for i in range(len(octets))] if splits else [octets]):
                self._send_piece(piece, end)

    def _send_piece(self, octets, end):
        while octets:
            try:
                octets = octets[self.sock.send(octets):]
            except _NOT_NOW:
                if time.monotonic() > end:
                    raise TimeoutError("the other side does not read") from None
                ready([self.sock], 0.1, select.POLLOUT)

    def receive(self):
        """What has come so far; None when that was all for ever."""
        octets = b""
        with self.lock:
            try:
                while piece := self.sock.recv(65536):
                    octets += piece
                self._ended("end")
            except _NOT_NOW:
                return octets
            except OSError as error:
                self._ended("reset" if isinstance(error, ConnectionResetError) else str(error))
        return octets or None

    def _ended(self, how):
        if self.is_open:
            self.is_open, self.ended_by = False, how
            self.sock.close()

    def close(self):
        with self.lock:
            if self.is_open:
                with contextlib.suppress(OSError):
                    self.sock.shutdown(socket.SHUT_RDWR)
                self._ended("us")

    def finish(self, seconds=5.0):
        """Says that it has nothing more to say, and waits until the other side has heard it and closes too. What the
        other side sends just before it hears of it can't be lost then."""
        with contextlib.suppress(OSError), self.lock:
            if self.is_open:
                self.sock.shutdown(socket.SHUT_WR)
        eventually(lambda: not self.is_open, "the other side closes too", seconds)

    def reset(self):
        """RST in place of FIN. RFC 9293 §3.10.5"""
        with self.lock:
            if self.is_open:
                # Not by close(): that would come into effect when nobody waits for the socket any more.
                _LIBC.connect(self.sock.fileno(), bytes(16), 16)  # to AF_UNSPEC
                self._ended("us")

    @property
    def version(self):
        return self.sock.version() if isinstance(self.sock, ssl.SSLSocket) else None


class StreamEnd:
    """Listens at `here`; what is sent goes to `remote` over a connection of our own, answers over the one that asked."""

    def __init__(self, namespace, here, remote, transport="TCP", identity=None):
        """identity: certificates.Identity, for TLS."""
        self.namespace, self.here, self.remote, self.transport, self.identity = namespace, here, remote, transport, identity
        self.family = socket.AF_INET6 if ":" in here[0] else socket.AF_INET
        self.splits = self.stalls = False
        self.reuses = False  # True: requests of ours may go over a connection that Sallyport opened. RFC 5923
        self.connections, self.faults = [], []
        self._messages, self._count = collections.deque(), os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
        self._wake, self._woken = socket.socketpair()
        self._listener, self._closed = None, threading.Event()
        self._connecting = threading.Lock()
        self.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # What a phone wants of a socket.
    def fileno(self):
        return self._count

    def getsockname(self):
        return self.here

    def recvfrom(self, _size):
        os.eventfd_read(self._count)
        return self._messages.popleft()

    def sendto(self, octets, remote):
        """Over the connection that `remote` names while it is open; else over ours, which is opened where there is none."""
        asked = getattr(remote, "connection", None)
        # Whoever asked and is gone does without his answer.
        with contextlib.suppress(*([OSError] if asked is not None else [])):
            connection = asked if asked is not None and asked.is_open else self.connection()
            try:
                connection.send(octets, self.splits)
            except OSError:
                if connection.is_open:
                    raise
                self.connection().send(octets, self.splits)  # it broke just now

    def close(self):
        if self._closed.is_set():
            return
        self._closed.set()
        self._wake.send(b"x")
        self._thread.join(5)
        self.refuse()
        for one in self.connections:
            one.close()
        for one in (self._wake, self._woken):
            one.close()
        os.close(self._count)

    # What a test wants.
    def listen(self):
        listener = self.namespace.socket(self.family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.here)
        listener.listen(64)
        listener.setblocking(False)
        self._listener = listener
        self._wake.send(b"x")

    def refuse(self):
        """Who connects is reset."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # at once: our own select may still hold it
        self._wake.send(b"x")
        if listener is not None:
            listener.close()

    def connect(self, server_name=None):
        """A new connection to `remote`."""
        sock = self.namespace.socket(self.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(10)
            sock.bind((self.here[0], 0))
            sock.connect(self.remote)
            if self.transport == "TLS":
                sock = self.identity.client.wrap_socket(sock, server_hostname=server_name or self.identity.server_name)
        except BaseException:
            sock.close()
            raise
        return self._add(Connection(sock, True))

    def connection(self):
        """One for requests of ours."""
        with self._connecting:
            return next((c for c in self.connections if c.is_open and (c.is_ours or self.reuses)), None) or self.connect()

    def opened_by(self, us):
        return [one for one in self.connections if one.is_ours == us]

    def together(self, *messages):
        """Pipelined: all of them in one piece."""
        self.connection().send(b"".join(messages), self.splits)

    def _add(self, connection):
        self.connections.append(connection)
        self._wake.send(b"x")
        return connection

    def _serve(self):
        while not self._closed.is_set():
            listener = self._listener
            by_file = {c.sock: c for c in self.connections if c.is_open and not self.stalls}
            for one in ready([self._woken, *([listener] if listener else []), *by_file], 0.1):
                if one is self._woken:
                    one.recv(4096)
                elif one is listener:
                    self._accept(listener)
                else:
                    self._read(by_file[one])

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            sock = listener.accept()[0]
            if self.transport == "TLS":
                threading.Thread(target=self._shake_hands, args=(sock,), daemon=True).start()
            else:
                self._add(Connection(sock, False))

    def _shake_hands(self, sock):
        sock.settimeout(10)
        try:
            self._add(Connection(self.identity.server.wrap_socket(sock, server_side=True), False))
        except OSError as error:
            self.faults.append(str(error))
            sock.close()

    def _read(self, connection):
        octets = connection.receive()
        if not octets:
            return
        pings = connection.framer.pings
        try:
            found = connection.framer.take(octets)
        except ValueError as error:
            self.faults.append(str(error))
            connection.close()
            return
        if connection.framer.pings > pings:
            with contextlib.suppress(OSError):
                connection.send(PONG)
        for message in found:
            way = Way(connection.far)
            way.connection = connection
            connection.messages.append(message)
            self._messages.append((message, way))
            os.eventfd_write(self._count, 1)


def deaf_door(namespace, here):
    """Sockets, to be closed: one listens and accepts nobody, so that the SYN of a further client stays without answer."""
    found = [namespace.socket(socket.AF_INET6 if ":" in here[0] else socket.AF_INET, socket.SOCK_STREAM)]
    found[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found[0].bind(here)
    found[0].listen(0)
    for _ in range(4):
        one = namespace.socket(found[0].family, socket.SOCK_STREAM)
        one.setblocking(False)
        one.connect_ex(here)
        found.append(one)
    return found


def await_ended(connection, seconds=10.0):
    """How the other side ended it."""
    eventually(lambda: not connection.is_open, "the connection is closed", seconds)
    return connection.ended_by
