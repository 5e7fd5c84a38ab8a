"""rfc_trace_test.py — the trace finds clauses in code and tests, and keeps them apart."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rfc_trace  # noqa: E402
from tree import Tree  # noqa: E402


class ClausesOf(unittest.TestCase):
    def test_reads_one_clause(self):
        self.assertEqual(list(rfc_trace.clauses_of("return; // RFC 3261 §17.2.3")), [(3261, "17.2.3")])

    def test_reads_several_clauses_of_one_rfc(self):
        self.assertEqual(list(rfc_trace.clauses_of("// RFC 3261 §20.42, §25.1; rport: RFC 3581 §3.")),
                         [(3261, "20.42"), (3261, "25.1"), (3581, "3")])

    def test_an_rfc_without_clause_counts_as_a_whole(self):
        self.assertEqual(list(rfc_trace.clauses_of("// RFC 768")), [(768, "")])


class Trace(unittest.TestCase):
    def test_sorts_places_into_code_and_test(self):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {"sipalg/a.cpp": "// RFC 3261 §8.1\n", "tests/unit/a_test.cpp": "\n// RFC 3261 §8.1\n"}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertEqual(rfc_trace.trace(Tree(root)),
                             {(3261, "8.1"): {"code": ["sipalg/a.cpp:1"], "test": ["tests/unit/a_test.cpp:2"]}})

    def test_orders_clauses_as_numbers(self):
        keys = [(3261, "17.2.10"), (3261, "17.2.9"), (3261, "A")]
        self.assertEqual(sorted(keys, key=rfc_trace.clause_order), [(3261, "17.2.9"), (3261, "17.2.10"), (3261, "A")])


if __name__ == "__main__":
    unittest.main()
