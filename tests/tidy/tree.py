"""tree.py — the files of the project as the tidy rules see them."""

import json
import os
import re
import subprocess

ROOMS = ["policy", "media-relay", "sipalg", "dataplane", "mgmt", "tests"]
CORE = ["policy", "media-relay", "sipalg"]
NO_EXCEPTIONS = CORE + ["dataplane"]
CPP = (".h", ".cpp")


class Violation:
    def __init__(self, path, line, text):
        self.path, self.line, self.text = path, line, text

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    """All files that are, or would be, committed below a root folder."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(self._list())
        self._texts = {}
        self._code = {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            done = subprocess.run(
                ["git", "-c", "safe.directory=*", "-C", self.root, "ls-files", "-co", "--exclude-standard", "-z"],
                capture_output=True, check=False)
            if done.returncode == 0:
                names = done.stdout.decode().split("\0")
                return [n for n in names if n and os.path.isfile(os.path.join(self.root, n))]
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
            for name in names:
                found.append(os.path.relpath(os.path.join(folder, name), self.root))
        return found

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def code(self, path):
        """The text without comments and with empty string literals; lines keep their numbers."""
        if path not in self._code:
            self._code[path] = strip_comments_and_strings(self.text(path))
        return self._code[path]

    def cpp(self, *rooms):
        return [p for p in self.paths if p.endswith(CPP) and room_of(p) in (rooms or ROOMS)]

    def headers(self, *rooms):
        return [p for p in self.cpp(*rooms) if p.endswith(".h")]

    def tags(self, paths):
        """What universal-ctags knows of these C++ files: one dictionary for each name."""
        if not paths:
            return []
        done = subprocess.run(
            ["ctags", "--language-force=C++", "--kinds-c++=+p", "--fields=+nezSa", "--output-format=json",
             "-f", "-", "-L", "-"],
            cwd=self.root, input="\n".join(paths), text=True, capture_output=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


def room_of(path):
    return path.split("/", 1)[0] if "/" in path else ""


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip_comments_and_strings(text):
    def blank(match):
        found = match.group(0)
        lines = "\n" * found.count("\n")
        return (" " if found.startswith("/") else '""') + lines

    # The name of an included file is no string to be emptied.
    def blank_unless_include(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if text[start:match.start()].lstrip().startswith("#include"):
            return match.group(0)
        return blank(match)

    return _TOKEN.sub(blank_unless_include, text)


def matches(text, pattern):
    """(line number, match) for each place where the pattern fits a line."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in re.finditer(pattern, line):
            yield number, match
