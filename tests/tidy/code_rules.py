"""code_rules.py — what C++ of this project must not contain, how long it may be, and what it must show tests for."""

import re

from tree import NO_EXCEPTIONS, Violation, matches

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5
PUBLIC_MEMBERS_MAX = 15
BANNED_TYPE_WORDS = "Manager|Helper|Helpers|Util|Utils|Data|Info"
# Tables of data are as long as they are.
LONG_FILES_ALLOWED = re.compile(r"^tests/fixtures/|_table\.inc$")

CLOCK_FILES = re.compile(r"^dataplane/dpdk/clock\.(h|cpp)$")
OUTPUT_FILES = re.compile(r"^policy/base/check\.(h|cpp)$")
FAST_PATH = re.compile(r"^dataplane/(packet|pipeline|stages|worker)/")

CLOCKS = (r"\b\w*_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\b(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0|&)"
          r"|\brte_(?:rdtsc|rdtsc_precise|get_tsc_cycles|get_timer_cycles)\b|\b__rdtscp?\b|\b_rdtsc\b")
EXCEPTIONS = r"\bthrow\b|\btry\s*\{|\bcatch\s*\("
OUTPUT = (r"\bstd::(?:cout|cerr|clog)\b|(?<![\w:.>])(?:std::)?(?:printf|fprintf|vprintf|vfprintf|puts|fputs|perror|syslog)\s*\("
          r"|\bfmt::print|\bspdlog\b|\brte_log\s*\(|\bRTE_LOG\s*\(")
HEAP = r"\b(?:malloc|calloc|realloc|strdup)\s*\(|\bdelete\s+\w|\bdelete\[\]"
# A private constructor can't be reached by make_unique: `unique_ptr<T>(new T(...))` has an owner from the start.
NEW = r"(?<!operator )\bnew\s+[A-Za-z_:]\w*"
OWNED_AT_ONCE = r"unique_ptr<[^;{}]*\(\s*$"
SHARED = r"\bstd::shared_ptr\b|\bstd::make_shared\b|\bthread_local\b"
SHARED_VALUES = "policy/base/shared_value.h"
UNSAFE = (r"\bstd::regex\b|(?<![\w:])(?:std::)?s?rand\s*\(|(?<!\w)(?:std::)?(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(")
UNCHECKED = r"\b(?:std::)?ato(?:i|l|ll|f)\s*\("
SHELL = r"(?<![\w:.>])(?:std::|::)?(?:system|popen)\s*\("
SLEEPS_CPP = r"\bsleep_for\b|\bsleep_until\b|(?<![\w])(?:::)?(?:usleep|nanosleep|sleep)\s*\(|\brte_delay_\w+\s*\("
SLEEPS_PYTHON = r"\b(?:time|asyncio)\.sleep\s*\(|from time import .*\bsleep\b"
INDIRECT = r"\bstd::function\b|\bstd::(?:map|list|set|unordered_map|unordered_set|deque)\b|\bstd::mutex\b|\block_guard\b"


def _ban(tree, paths, pattern, why):
    for path in paths:
        for line, match in matches(tree.code(path), pattern):
            yield Violation(path, line, f"{match.group(0).strip()}: {why}")


def _unowned_new(tree, paths):
    for path in paths:
        code = tree.code(path)
        for match in re.finditer(NEW, code):
            if not re.search(OWNED_AT_ONCE, code[:match.start()][-200:]):
                yield Violation(path, code.count("\n", 0, match.start()) + 1,
                                f"{match.group(0)}: memory is owned by values and by unique_ptr, made at start")


def banned_calls(tree):
    """Calls that break a promise of the design, each where it is promised."""
    no_exceptions = tree.cpp(*NO_EXCEPTIONS)
    product = tree.cpp(*NO_EXCEPTIONS, "mgmt")
    yield from _ban(tree, [p for p in no_exceptions if not CLOCK_FILES.match(p)], CLOCKS,
                    "time comes in as an argument; only dataplane/dpdk/clock.cpp reads a clock")
    yield from _ban(tree, no_exceptions, EXCEPTIONS, "core and data plane neither throw nor catch")
    yield from _ban(tree, [p for p in no_exceptions if not OUTPUT_FILES.match(p)], OUTPUT,
                    "only the writer in mgmt/ prints")
    yield from _ban(tree, no_exceptions, HEAP, "memory is owned by values and by unique_ptr, made at start")
    yield from _unowned_new(tree, no_exceptions)
    yield from _ban(tree, [p for p in no_exceptions if p != SHARED_VALUES], SHARED,
                    f"every object here has one owner; what threads share is of {SHARED_VALUES}")
    yield from _ban(tree, tree.cpp(), UNSAFE, "unbounded, unkeyed or not thread-safe")
    yield from _ban(tree, product, UNCHECKED, "an error looks like a zero")
    yield from _ban(tree, product, SHELL, "no shell between us and what we start")
    yield from _ban(tree, [p for p in product if FAST_PATH.match(p)], INDIRECT,
                    "the fast path does not allocate, lock or call through a type-erased function")


def no_sleep_in_tests(tree):
    """A test waits for an event with a deadline, never for time to pass. (Benchmarks measure time that passes.)"""
    yield from _ban(tree, [p for p in tree.cpp("tests") if not p.startswith("tests/bench/")], SLEEPS_CPP,
                    "wait for an event with a deadline")
    for path in tree.paths:
        if re.match(r"tests/(?!tidy/|bench/).*\.py$", path):
            for line, match in matches(tree.text(path), SLEEPS_PYTHON):
                yield Violation(path, line, f"{match.group(0)}: wait for an event with a deadline")


def type_names(tree):
    """Names say what a thing is; these words say nothing."""
    pattern = rf"\b(?:class|struct|enum class|enum|union|using)\s+(?:alignas\([^)]*\)\s*)?(\w*(?:{BANNED_TYPE_WORDS}))\b\s*(?:final\s*)?[:{{=;]"
    for path in tree.cpp():
        for line, match in matches(tree.code(path), pattern):
            name = match.group(1)
            if re.search(rf"(?:^|[a-z0-9_])(?:{BANNED_TYPE_WORDS})$", name):
                yield Violation(path, line, f"{name}: name it by what it is ({BANNED_TYPE_WORDS.replace('|', ', ')} are not words)")


def sizes(tree):
    """Files, functions, parameter lists and classes that a reader can hold in mind."""
    paths = [p for p in tree.cpp() if not LONG_FILES_ALLOWED.search(p)]
    for path in paths + [p for p in tree.paths if p.endswith(".py")]:
        lines = tree.text(path).count("\n")
        if lines > FILE_LINES_MAX:
            yield Violation(path, lines, f"{lines} lines; at most {FILE_LINES_MAX}")
    public = {}
    for tag in tree.tags(paths):
        path, line = tag["path"], tag["line"]
        if tag["kind"] in ("function", "prototype"):
            length = tag.get("end", line) - line + 1
            if length > FUNCTION_LINES_MAX:
                yield Violation(path, line, f"{tag['name']}: {length} lines; at most {FUNCTION_LINES_MAX}")
            count = parameter_count(tag.get("signature", "()"))
            if count > PARAMETERS_MAX:
                yield Violation(path, line, f"{tag['name']}: {count} parameters; at most {PARAMETERS_MAX}, then a named struct")
        if path.endswith(".h") and not path.startswith("tests/") and tag.get("scopeKind") == "class" and tag.get("access") == "public":
            scope = tag["scope"]
            simple = scope.split("::")[-1]
            is_special = tag["name"].lstrip("~") == simple or tag["name"].startswith("operator ")
            if tag["kind"] in ("function", "prototype", "member") and not is_special:
                public.setdefault((path, scope), set()).add((tag["name"], tag.get("signature")))
    for (path, scope), members in sorted(public.items()):
        if len(members) > PUBLIC_MEMBERS_MAX:
            yield Violation(path, 1, f"{scope}: {len(members)} public members; at most {PUBLIC_MEMBERS_MAX}")


def parameter_count(signature):
    inner = signature[signature.find("(") + 1:signature.rfind(")")].strip()
    if inner in ("", "void"):
        return 0
    depth, count = 0, 1
    for character in inner:
        depth += character in "<([{"
        depth -= character in ">)]}"
        count += character == "," and depth == 0
    return count


def drops_have_tests(tree):
    """Every reason to drop is named by some test."""
    tested = " ".join(tree.text(p) for p in tree.paths
                      if p.startswith("tests/") and p.endswith((".cpp", ".h", ".py")) and not p.startswith("tests/tidy/"))
    for path in tree.headers(*NO_EXCEPTIONS):
        for enum in re.finditer(r"enum class (\w*DropReason)\b[^{]*\{(.*?)\}", tree.code(path), re.S):
            before = tree.code(path)[:enum.start(2)].count("\n") + 1
            for line, match in matches(enum.group(2), r"\b([A-Z]\w*)\b\s*(?:=\s*\w+\s*)?(?:,|$)"):
                if not re.search(rf"\b{enum.group(1)}::{match.group(1)}\b", tested):
                    yield Violation(path, before + line - 1, f"{enum.group(1)}::{match.group(1)}: no test names it")


def one_place_wires(tree):
    """Only mgmt/main.cpp makes the data plane."""
    for path in tree.cpp("mgmt"):
        if path != "mgmt/main.cpp":
            yield from _ban(tree, [path], r"\bDataPlane::start\b", "only mgmt/main.cpp wires objects")

