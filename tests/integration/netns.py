"""netns.py — network namespaces for tests: made under names of their own, entered for one socket, always removed."""

import contextlib
import ctypes
import os
import socket
import subprocess

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
_PACKET_IGNORE_OUTGOING = 23
_SOL_PACKET = 263


def run(*command, check=True, **options):
    """Runs a program to its end; on failure its words are in the exception."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done


@contextlib.contextmanager
def inside(path):
    """This thread is in the namespace of `path`; sockets made here stay there."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.setns(there, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")
        yield
    finally:
        if _LIBC.setns(own, _CLONE_NEWNET):
            os._exit(70)  # a test must not go on in the wrong namespace
        os.close(own)
        os.close(there)


class Namespace:
    """A network namespace with loopback up. Interfaces vanish with it."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments, check=True):
        return run("ip", "-n", self.name, *arguments, check=check)

    def run(self, *command, check=True, **options):
        return run("ip", "netns", "exec", self.name, *command, check=check, **options)

    def sysctl(self, key, value):
        with inside(self.path), open(f"/proc/sys/{key.replace('.', '/')}", "w", encoding="ascii") as file:
            file.write(str(value))

    def socket(self, family, kind, protocol=0):
        with inside(self.path):
            return socket.socket(family, kind, protocol)

    def udp(self, address, port=0):
        """A UDP socket bound to an address of this namespace."""
        found = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, port))
        return found

    def raw(self, interface):
        """Whole frames out and in of an interface, with any source; what we send we don't see."""
        found = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        found.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        found.bind((interface, 0))
        return found

    def mac(self, interface):
        with inside(self.path):
            fields = run("ip", "-o", "link", "show", interface).stdout.split()
        return fields[fields.index("link/ether") + 1]

    def remove(self):
        run("ip", "netns", "del", self.name, check=False)


def veth(left, left_name, right, right_name):
    """A cable between two namespaces; its ends are not yet up."""
    run("ip", "link", "add", left_name, "netns", left.name, "type", "veth", "peer", "name", right_name, "netns", right.name)
