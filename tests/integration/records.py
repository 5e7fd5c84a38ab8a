"""records.py — the CDRs that a node has written, by the Call-IDs of both legs."""

import glob
import json
import os

from harness import eventually


class Records:
    """Reads what is new in node.state/cdr.jsonl at each look; whole lines only."""

    def __init__(self, state):
        self.state = state
        self._read = {}  # path: octets that have been read
        self.by_call = {}  # Call-ID of a leg: its records in their order
        self.count = 0

    def look(self):
        for path in sorted(glob.glob(os.path.join(self.state, "cdr.jsonl*"))):
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                octets = file.read()
            whole = octets.rfind(b"\n") + 1
            self._read[path] = self._read.get(path, 0) + whole
            for line in octets[:whole].splitlines():
                record = json.loads(line)
                for leg in record["legs"]:
                    self.by_call.setdefault(leg["call_id"], []).append(record)
                self.count += 1
        return self.by_call

    def of(self, call_id, kind=None):
        return [r for r in self.by_call.get(call_id, []) if kind in (None, r["type"])]

    def await_ends(self, call_ids, seconds=12.0):
        """Until each of these calls has an end record."""
        def all_there():
            self.look()
            return all(self.of(call_id, "end") for call_id in call_ids)
        try:
            eventually(all_there, "end records", seconds)
        except AssertionError:
            missing = [c for c in call_ids if not self.of(c, "end")]
            raise AssertionError(f"{len(missing)} of {len(call_ids)} calls have no end record within {seconds} s: "
                                 f"{missing[:5]}") from None

    def faults(self, call_ids, answered):
        """Sentences about calls that have not exactly the records which ended calls must have."""
        self.look()
        wanted = {"start": 1 if answered else 0, "end": 1}
        found = []
        for call_id in call_ids:
            kinds = [r["type"] for r in self.of(call_id)]
            for kind, number in wanted.items():
                if kinds.count(kind) != number:
                    found.append(f"{call_id}: {kinds.count(kind)} {kind} records, not {number}")
        ids = {}
        for call_id in call_ids:
            for record in self.of(call_id):
                if ids.setdefault(record["id"], call_id) != call_id:
                    found.append(f"{call_id} and {ids[record['id']]} have one id")
        return found
