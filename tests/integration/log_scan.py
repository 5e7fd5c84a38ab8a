"""log_scan.py — what no log of a daemon may say: media keys, private keys and passwords, whatever is configured; and with
SALLYPORT_TESTS_MASKED, where every daemon logs all with `mask_numbers: all`, numbers and users too. Threats R11, R12."""

import json
import os
import re

MASKED = bool(os.environ.get("SALLYPORT_TESTS_MASKED"))
SECRET_BYTES_MIN = 6
# Of SDES (RFC 4568 §9.2), of PEM files, and of what tests call their passwords.
KEYS = re.compile(r"inline:[A-Za-z0-9+/]{16}|a=crypto:\d|-----BEGIN|secret[- ]of[- ]\w", re.I)
USER = re.compile(r"\bsips?:(?!\*{4}@)[^@\s<>\"]+@|\btel:(?!\*{4})\S", re.I)
NUMBER = re.compile(r"(?<![\w.:/-])\+?\d{7,}(?![\w.:-])")


def logging():
    """What `management` of a test's configuration says of it."""
    return {"log": {"level": "debug", "mask_numbers": "all"}} if MASKED else {}


def secrets_of(config, folder):
    """What the files of passwords, users and tokens that a configuration names hold just now."""
    found = set()

    def look(value):
        if isinstance(value, list):
            for one in value:
                look(one)
        elif isinstance(value, dict):
            for name, one in value.items():
                if name in ("password_file", "users_file") or (name == "file" and "role" in value):
                    found.update(_words_of(os.path.join(folder, one)))
                else:
                    look(one)
    look(config)
    return {one for one in found if len(one) >= SECRET_BYTES_MIN}


def _words_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return set()  # a test took it away
    users = re.findall(r'"(?:password|ha1_\w+)": *"([^"]+)"', text)
    return set(users or [text.strip()])


def _texts(line):
    """What a line says, without its time."""
    try:
        record = json.loads(line)
    except ValueError:
        return [line.partition(" ")[2]]
    return [value for name, value in record.items() if name != "ts" and isinstance(value, str)]


def faults(lines, secrets, masked):
    """A sentence for each line that says what it must not."""
    found = []
    for line in lines:
        hidden = KEYS.search(line) or next((one for one in secrets if one in line), None)
        if hidden:
            found.append(f"a key or password: {line}")
        elif masked and line and any(USER.search(text) or NUMBER.search(text) for text in _texts(line)):
            found.append(f"a number or user: {line}")
    return found
