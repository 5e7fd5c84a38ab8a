"""include_rules.py — who may include whom: rooms in one total order, and the narrow doors between them."""

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from tree import CORE, ROOMS, Violation, matches, room_of

# (room that includes, room included): the only headers that it may take from there.
NARROW_DOORS = {
    ("sipalg", "media-relay"): re.compile(r"media-relay/control/\w+\.h$"),
    ("mgmt", "dataplane"): re.compile(r"dataplane/data_plane\w*\.h$"),
}
# Input and output belong to the rim, so the core has no use for these.
NOT_IN_CORE = re.compile(
    r"^(thread|mutex|shared_mutex|condition_variable|future|semaphore|iostream|ostream|istream|fstream|filesystem"
    r"|random|ctime|time\.h|sys/.*|unistd\.h|netdb\.h|net/.*|pthread\.h|spdlog/.*|regex|stdexcept)$")
SHARED_TABLES = "policy/base/shared_table.h"  # and
SHARED_VALUES = "policy/base/shared_value.h"  # may have <mutex>, for as long as it takes to copy a pointer
BIG_TABLES = "policy/base/big_table.h"  # may have <sys/mman.h>, to ask for large pages
TESTS_WITH_DPDK = re.compile(r"^tests/(dpdk|bench|fuzz|support|integration|unit/dataplane|component)/")
INCLUDE = r'^\s*#\s*include\s*([<"])([^>"]+)[>"]'


def include_direction(tree):
    """A room includes only rooms to its left, through the doors that are open."""
    for path in tree.cpp():
        own = room_of(path)
        for line, match in matches(tree.code(path), INCLUDE):
            quote, name = match.groups()
            if quote == "<":
                yield from _system_include(path, own, line, name)
                continue
            room = room_of(name)
            if room not in ROOMS:
                yield Violation(path, line, f'"{name}": write the path from the top folder')
            elif ROOMS.index(room) > ROOMS.index(own):
                yield Violation(path, line, f'"{name}": {own} may not include {room} (order: {" <- ".join(ROOMS)})')
            elif (own, room) in NARROW_DOORS and not NARROW_DOORS[own, room].search(name):
                yield Violation(path, line, f'"{name}": the only way from {own} to {room} is '
                                            f'{NARROW_DOORS[own, room].pattern}')
            elif not os.path.exists(os.path.join(tree.root, name)):
                yield Violation(path, line, f'"{name}": no such file')


def _system_include(path, own, line, name):
    if re.match(r"(rte_|ethdev_|bus_)", name) and own != "dataplane" and not TESTS_WITH_DPDK.match(path):
        yield Violation(path, line, f"<{name}>: only dataplane/ includes DPDK")
    if own in CORE and NOT_IN_CORE.match(name) and (path, name) not in (
            (SHARED_TABLES, "mutex"), (SHARED_VALUES, "mutex"), (BIG_TABLES, "sys/mman.h")):
        yield Violation(path, line, f"<{name}>: the core does no I/O and has no clock, thread, log or exception")


def _is_first_in_its_source(tree, header):
    source = header.removesuffix(".h") + ".cpp"
    first = re.search(INCLUDE, tree.code(source), re.M) if source in tree.paths else None
    return first is not None and first.group(2) == header


def headers_compile_alone(tree, compiler="g++"):
    """Each header brings what it needs. Where x.cpp includes x.h first, the build itself has shown it."""
    headers = [h for h in tree.headers("policy", "media-relay", "sipalg", "dataplane", "mgmt")
               if not _is_first_in_its_source(tree, h)]
    flags = ["-std=c++23", "-march=x86-64-v2", "-fsyntax-only", '-DSALLYPORT_VERSION="0"', "-I", tree.root, "-x", "c++"]
    if any(p.startswith("dataplane/") for p in headers):
        found = subprocess.run(["pkg-config", "--cflags", "libdpdk"], capture_output=True, text=True, check=False)
        flags += [f for f in found.stdout.split() if not f.startswith("-march")]

    def compile_one(header):
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as unit:
            unit.write(f'#include "{header}"\n')
            unit.flush()
            done = subprocess.run([compiler, *flags, unit.name], capture_output=True, text=True, check=False)
        return header, done

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, done in pool.map(compile_one, headers):
            if done.returncode:
                yield Violation(header, 1, "does not compile alone:\n" + "\n".join(done.stderr.splitlines()[:8]))
