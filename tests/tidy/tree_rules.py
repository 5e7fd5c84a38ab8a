"""tree_rules.py — the shape of the tree: what lies at the top, what every file begins with, words that stay out."""

import os
import re
import shutil
import subprocess

from tree import CPP, ROOMS, Violation, matches, room_of

TOP = {".ci", ".clang-format", ".clang-tidy", ".git", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE",
       "README.md", *ROOMS}
# In two parts, so that this file does not trip over itself.
MARKS = r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK|place" + r"holder)\b"
MACHINE_PATHS = r"(?<![\w}])(?:/wo" + r"rk/|/ho" + r"me/[a-z]|/ro" + r"ot/[a-z]|/Us" + r"ers/)"
TEXT = CPP + (".py", ".md", ".txt", ".json", ".yaml", ".yml", ".cmake", ".sh", ".toml")
README_LINES_MAX = 120


def top_level(tree):
    """The top folder holds what the design names and nothing else."""
    for name in sorted({p.split("/", 1)[0] for p in tree.paths} - TOP):
        yield Violation(name, 1, "the design has no such entry at the top")
    for room in ROOMS:
        for name in ("README.md", "CMakeLists.txt"):
            if f"{room}/{name}" not in tree.paths:
                yield Violation(room, 1, f"has no {name}")
    for path in tree.paths:
        if re.fullmatch(r"[^/]+/README\.md", path) and tree.text(path).count("\n") > README_LINES_MAX:
            yield Violation(path, 1, "a room's README fits on one screen")


def file_headers(tree):
    """A file begins by saying what it is."""
    for path in tree.paths:
        name = os.path.basename(path)
        lines = tree.text(path).splitlines()[:2] if path.endswith((*CPP, ".py")) else []
        # A test's name says what it tests, so there any sentence will do.
        beginning = r"// \S+ \S" if path.startswith("tests/") else rf"// {re.escape(name)} — \S"
        if path.endswith(CPP) and (not lines or not re.match(beginning, lines[0])):
            yield Violation(path, 1, f'begin with "// {name} — what it is and its RFC sections"')
        if path.endswith(".py") and not any(re.match(r'("""|# )\S', line) for line in lines):
            yield Violation(path, 1, "begin with what it is")


def words(tree):
    """No marks of unfinished work, no paths of one machine."""
    for path in tree.paths:
        is_text = path.endswith(TEXT) or "." not in os.path.basename(path)
        if not is_text or path.startswith("tests/fixtures/") or path == "LICENSE" or "/corpus/" in path:
            continue
        for line, match in matches(tree.text(path), MARKS):
            yield Violation(path, line, f"{match.group(0)}: finish it, or make it an issue")
        for line, match in matches(tree.text(path), MACHINE_PATHS):
            yield Violation(path, line, f"{match.group(0)}: a path of one machine")


def sources_listed(tree):
    """Each .cpp is built: some CMakeLists.txt of its room names it."""
    lists = {room: "".join(tree.text(p) for p in tree.paths if room_of(p) == room and p.endswith("CMakeLists.txt"))
             for room in ROOMS}
    for path in tree.cpp():
        stem = os.path.basename(path).removesuffix(".cpp")
        globbed = path.startswith("tests/integration/net_")  # CONFIGURE_DEPENDS
        if path.endswith(".cpp") and not globbed and not re.search(rf"(?<!\w){re.escape(stem)}(?:\.cpp)?(?![\w.])", lists[room_of(path)]):
            yield Violation(path, 1, f"no CMakeLists.txt in {room_of(path)}/ lists it")


def readme_paths(tree):
    """A path that a README of the top or of a room names is there."""
    folders = {os.path.dirname(p) for p in tree.paths}
    for path in [p for p in tree.paths if p.endswith("README.md")]:
        beside = os.path.dirname(path)
        for line, match in matches(tree.text(path), r"`((?:[\w.-]+/)+[\w.-]*)`"):
            name = match.group(1)
            ours = name.split("/", 1)[0] in ROOMS
            there = {name.rstrip("/"), os.path.join(beside, name.rstrip("/"))}
            if ours and not any(t in tree.paths or t in folders or any(f.startswith(t + "/") for f in folders) for t in there):
                yield Violation(path, line, f"{name}: is not there")


def formatting(tree, program="clang-format-19"):
    """clang-format has nothing to change."""
    paths = [p for p in tree.cpp() if room_of(p)]
    if shutil.which(program) is None:
        yield Violation(program, 1, "not installed; mgmt/install-packages test")
        return
    for start in range(0, len(paths), 50):
        done = subprocess.run([program, "--dry-run", "-Werror", *paths[start:start + 50]], cwd=tree.root,
                              capture_output=True, text=True, check=False)
        seen = set()
        for match in re.finditer(r"^(\S+?):(\d+):\d+: error: code should be clang-formatted", done.stderr, re.M):
            if match.group(1) not in seen:
                seen.add(match.group(1))
                yield Violation(match.group(1), int(match.group(2)), f"not as {program} writes it")
        if done.returncode and not seen:
            yield Violation(program, 1, done.stderr[:500])
