#!/usr/bin/python3
"""tidy.py — style as a test that fails: `tidy.py [--root FOLDER] [RULE...]` prints each violation."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import code_rules  # noqa: E402
import include_rules  # noqa: E402
import tree_rules  # noqa: E402
from tree import Tree  # noqa: E402

RULES = {
    "format": tree_rules.formatting,
    "includes": include_rules.include_direction,
    "headers_alone": include_rules.headers_compile_alone,
    "sizes": code_rules.sizes,
    "names": code_rules.type_names,
    "calls": code_rules.banned_calls,
    "wiring": code_rules.one_place_wires,
    "sleeps": code_rules.no_sleep_in_tests,
    "drops_tested": code_rules.drops_have_tests,
    "top": tree_rules.top_level,
    "file_headers": tree_rules.file_headers,
    "words": tree_rules.words,
    "listed": tree_rules.sources_listed,
    "readmes": tree_rules.readme_paths,
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=os.path.join(here, "..", ".."))
    parser.add_argument("rules", nargs="*", metavar="RULE", help=", ".join(RULES))
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    count = 0
    for name in arguments.rules or RULES:
        if name not in RULES:
            parser.error(f"no rule {name}; there are {', '.join(RULES)}")
        for violation in RULES[name](tree):
            count += 1
            print(f"{violation} [{name}]")
    if count:
        print(f"{count} violations")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
