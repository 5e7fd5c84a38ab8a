#!/usr/bin/python3
"""rfc_trace.py — prints, for each RFC clause that the code cites, where it is implemented and where it is tested."""

import argparse
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tree import CPP, Tree, matches, room_of  # noqa: E402

# "RFC 3261 §17.2.3", "RFC 3261 §17.2.1, §17.2.3", "RFC 3581 §3"; a citation without a clause counts for the whole RFC.
CITATION = re.compile(r"RFC (\d{3,5})((?:\s*(?:,|and)?\s*§\s*[\dA-Z][\w.]*)*)")
CLAUSE = re.compile(r"§\s*([\dA-Z][\w.]*)")


def clauses_of(line):
    for match in CITATION.finditer(line):
        clauses = [c.rstrip(".") for c in CLAUSE.findall(match.group(2))] or [""]
        for clause in clauses:
            yield int(match.group(1)), clause


def trace(tree):
    """{(rfc, clause): {"code": [place], "test": [place]}}"""
    found = {}
    for path in tree.paths:
        room = room_of(path)
        if not path.endswith((*CPP, ".py")) or not room or path.startswith("tests/tidy/"):
            continue
        kind = "test" if room == "tests" else "code"
        for line, match in matches(tree.text(path), r"^.*RFC \d.*$"):
            for key in clauses_of(match.group(0)):
                place = f"{path}:{line}"
                places = found.setdefault(key, {"code": [], "test": []})[kind]
                if place not in places:
                    places.append(place)
    return found


def clause_order(key):
    rfc, clause = key
    return rfc, [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in clause.split(".")]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("--untested", action="store_true", help="only clauses that no test cites")
    arguments = parser.parse_args()
    found = trace(Tree(arguments.root))
    for key in sorted(found, key=clause_order):
        places = found[key]
        if arguments.untested and (places["test"] or not places["code"]):
            continue
        print(f"RFC {key[0]}" + (f" §{key[1]}" if key[1] else ""))
        for kind in ("code", "test"):
            for place in places[kind]:
                print(f"  {kind}  {place}")
    tested = sum(1 for places in found.values() if places["code"] and places["test"])
    cited = sum(1 for places in found.values() if places["code"])
    print(f"{cited} clauses cited in code, {tested} of them in tests too")
    return 0


if __name__ == "__main__":
    sys.exit(main())
