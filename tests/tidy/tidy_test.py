"""tidy_test.py — each rule of tidy finds its bad example and passes its good one: a check that cannot fail is none."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import code_rules  # noqa: E402
import include_rules  # noqa: E402
import tidy  # noqa: E402
import tree_rules  # noqa: E402
from tree import Tree, strip_comments_and_strings  # noqa: E402


def found(rule, files):
    """The violations of one rule in a tree of these files, as strings."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return [str(v) for v in rule(Tree(root))]


class Case(unittest.TestCase):
    def bad(self, rule, path, text, part="", **others):
        violations = found(rule, {path: text, **others.get("files", {})})
        self.assertTrue(violations, f"nothing found in {text!r}")
        self.assertIn(part, violations[0])

    def good(self, rule, path, text, **others):
        self.assertEqual(found(rule, {path: text, **others.get("files", {})}), [])


class Includes(Case):
    files = {name: "#pragma once\n" for name in (
        "policy/base/time.h", "media-relay/control/media_command.h", "media-relay/relay/relay.h", "dataplane/data_plane.h",
        "dataplane/worker/worker.h", "mgmt/cli/commands.h", "sipalg/engine/sip_engine.h")}

    def check(self, path, include, is_good):
        (self.good if is_good else self.bad)(include_rules.include_direction, path, f"#include {include}\n", files=self.files)

    def test_a_room_includes_to_its_left_only(self):
        self.check("sipalg/a.cpp", '"policy/base/time.h"', True)
        self.check("policy/a.cpp", '"sipalg/engine/sip_engine.h"', False)
        self.check("dataplane/a.cpp", '"mgmt/cli/commands.h"', False)

    def test_of_media_relay_the_sip_engine_knows_only_the_control_values(self):
        self.check("sipalg/a.cpp", '"media-relay/control/media_command.h"', True)
        self.check("sipalg/a.cpp", '"media-relay/relay/relay.h"', False)

    def test_of_dataplane_mgmt_knows_only_the_door(self):
        self.check("mgmt/a.cpp", '"dataplane/data_plane.h"', True)
        self.check("mgmt/a.cpp", '"dataplane/worker/worker.h"', False)

    def test_only_dataplane_includes_dpdk(self):
        self.check("dataplane/a.cpp", "<rte_mbuf.h>", True)
        self.check("tests/dpdk/a.cpp", "<rte_mbuf.h>", True)
        self.check("mgmt/a.cpp", "<rte_mbuf.h>", False)
        self.check("sipalg/a.cpp", "<rte_mbuf.h>", False)

    def test_the_core_includes_nothing_that_does_io(self):
        self.check("policy/a.cpp", "<array>", True)
        for header in ("<thread>", "<iostream>", "<fstream>", "<sys/socket.h>", "<unistd.h>"):
            self.check("policy/a.cpp", header, False)

    def test_paths_start_at_the_top_and_exist(self):
        self.check("policy/a.cpp", '"time.h"', False)
        self.check("policy/a.cpp", '"policy/base/gone.h"', False)

    def test_a_header_that_leans_on_its_includer_does_not_compile_alone(self):
        self.bad(include_rules.headers_compile_alone, "policy/a.h", "inline std::size_t f() { return 0; }\n", "alone")
        self.good(include_rules.headers_compile_alone, "policy/a.h", "#include <cstddef>\ninline std::size_t f() { return 0; }\n")

    def test_a_header_that_its_source_includes_first_is_left_to_the_build(self):
        leaning = "inline std::size_t f() { return 0; }\n"
        self.good(include_rules.headers_compile_alone, "policy/a.h", leaning, files={"policy/a.cpp": '#include "policy/a.h"\n'})
        self.bad(include_rules.headers_compile_alone, "policy/a.h", leaning,
                 files={"policy/a.cpp": '#include <cstddef>\n#include "policy/a.h"\n'})


class BannedCalls(Case):
    def each(self, rule, path, lines):
        for line in lines:
            with self.subTest(line=line):
                self.bad(rule, path, line + "\n")

    def test_clocks(self):
        lines = ["auto t = std::chrono::steady_clock::now();", "clock_gettime(CLOCK_MONOTONIC, &t);", "gettimeofday(&t, 0);",
                 "auto t = time(nullptr);", "auto t = rte_rdtsc();"]
        self.each(code_rules.banned_calls, "dataplane/a.cpp", lines)
        for line in lines:
            self.good(code_rules.banned_calls, "dataplane/dpdk/clock.cpp", line + "\n")
            self.good(code_rules.banned_calls, "mgmt/a.cpp", line + "\n")

    def test_exceptions(self):
        self.each(code_rules.banned_calls, "sipalg/a.cpp", ["throw 1;", "try {", "} catch (...) {"])
        self.good(code_rules.banned_calls, "mgmt/a.cpp", "throw 1;\n")

    def test_output(self):
        self.each(code_rules.banned_calls, "dataplane/a.cpp",
                  ["std::cout << 1;", 'printf("x");', "std::fprintf(stderr, x);", "spdlog::info(x);", "RTE_LOG(ERR, EAL, x);"])
        self.good(code_rules.banned_calls, "policy/base/check.cpp", "std::fprintf(stderr, x);\n")
        self.good(code_rules.banned_calls, "dataplane/a.cpp", "std::snprintf(a, b, c);\n")

    def test_memory(self):
        self.each(code_rules.banned_calls, "policy/a.cpp",
                  ["auto* p = new Thing;", "auto* p = malloc(3);", "delete p;", "delete[] p;", "std::shared_ptr<int> p;",
                   "thread_local int i;"])
        self.good(code_rules.banned_calls, "policy/base/shared_value.h", "std::shared_ptr<int> p;\n")
        self.good(code_rules.banned_calls, "policy/a.h", "A(const A&) = delete;\nauto* p = new (place) Thing;\n")
        self.good(code_rules.banned_calls, "dataplane/a.cpp", "return std::unique_ptr<Eal>(\n    new Eal(arguments));\n")

    def test_unsafe(self):
        self.each(code_rules.banned_calls, "mgmt/a.cpp",
                  ["std::regex r;", "int r = rand();", "strcpy(a, b);", "sprintf(a, b);", 'system("ls");', 'popen("ls", "r");',
                   "int i = atoi(s);"])
        self.good(code_rules.banned_calls, "mgmt/a.cpp", "int operand(int); int random_rand_(int);\nx.system(1);\n")

    def test_fast_path(self):
        self.each(code_rules.banned_calls, "dataplane/stages/a.cpp", ["std::function<void()> f;", "std::map<int, int> m;", "std::mutex m;"])
        self.good(code_rules.banned_calls, "dataplane/net/a.cpp", "std::map<int, int> m;\n")

    def test_comments_and_strings_are_no_calls(self):
        self.good(code_rules.banned_calls, "policy/a.cpp", '// never throw\nauto s = "rand()"; /* malloc( */\n')

    def test_sleeps_in_tests(self):
        self.each(code_rules.no_sleep_in_tests, "tests/unit/a_test.cpp", ["std::this_thread::sleep_for(1ms);", "usleep(3);", "sleep(1);"])
        self.bad(code_rules.no_sleep_in_tests, "tests/integration/a.py", "time.sleep(1)\n")
        self.good(code_rules.no_sleep_in_tests, "tests/unit/a_test.cpp", "wait_until(asleep());\n")
        self.good(code_rules.no_sleep_in_tests, "tests/bench/a_bench.cpp", "sleep(1);\n")

    def test_only_main_wires(self):
        self.bad(code_rules.one_place_wires, "mgmt/cli/a.cpp", "auto d = dataplane::DataPlane::start(c, s);\n")
        self.good(code_rules.one_place_wires, "mgmt/main.cpp", "auto d = dataplane::DataPlane::start(c, s);\n")


class Sizes(Case):
    def test_long_file(self):
        self.bad(code_rules.sizes, "policy/a.h", "\n" * 601, "601 lines")
        self.good(code_rules.sizes, "policy/a.h", "\n" * 600)

    def test_long_function(self):
        body = "  g();\n"
        self.bad(code_rules.sizes, "policy/a.cpp", "void f() {\n" + body * 69 + "}\n", "71 lines")
        self.good(code_rules.sizes, "policy/a.cpp", "void f() {\n" + body * 68 + "}\n")

    def test_long_test(self):
        self.bad(code_rules.sizes, "tests/unit/a_test.cpp", "TEST(A, Does) {\n" + "  g();\n" * 70 + "}\n", "lines")

    def test_many_parameters(self):
        self.bad(code_rules.sizes, "policy/a.h", "void f(int a, int b, int c, int d, int e, int g);\n", "6 parameters")
        self.good(code_rules.sizes, "policy/a.h", "void f(int a, int b, int c, int d, std::map<int, int> e);\n")

    def test_wide_class(self):
        def members(count):
            return "class A {\n public:\n  A();\n  ~A();\n" + "".join(f"  void m{i}();\n" for i in range(count)) + " private:\n  int x_;\n};\n"
        self.bad(code_rules.sizes, "policy/a.h", members(16), "16 public members")
        self.good(code_rules.sizes, "policy/a.h", members(15))


class Names(Case):
    def test_words_that_say_nothing(self):
        for text in ("class CallManager {", "struct SipUtil {", "struct PacketInfo {", "using PeerData = int;", "enum class FlowData : int {"):
            with self.subTest(text=text):
                self.bad(code_rules.type_names, "policy/a.h", text + "\n")

    def test_words_that_only_look_like_them(self):
        self.good(code_rules.type_names, "policy/a.h", "class DataPlane {\nstruct Metadata {\n")


class DropsTested(Case):
    enum = {"dataplane/d.h": "enum class DropReason : int {\n  Runt,  // short\n  NoRoute,\n  kCount\n};\n"}

    def test_a_reason_that_no_test_names(self):
        self.bad(code_rules.drops_have_tests, "tests/a.cpp", "DropReason::Runt\n", "DropReason::NoRoute", files=self.enum)

    def test_all_named(self):
        self.good(code_rules.drops_have_tests, "tests/a.cpp", "DropReason::Runt DropReason::NoRoute\n", files=self.enum)


class Shape(Case):
    rooms = {f"{room}/{name}": "x\n" for room in ("policy", "media-relay", "sipalg", "dataplane", "mgmt", "tests")
             for name in ("README.md", "CMakeLists.txt")}

    def test_top_level(self):
        self.bad(tree_rules.top_level, "notes.txt", "x\n", "notes.txt", files=self.rooms)
        self.good(tree_rules.top_level, "README.md", "x\n", files=self.rooms)

    def test_a_room_without_readme(self):
        self.bad(tree_rules.top_level, "README.md", "x\n", "policy",
                 files={k: v for k, v in self.rooms.items() if k != "policy/README.md"})

    def test_file_headers(self):
        self.bad(tree_rules.file_headers, "policy/a.h", "#pragma once\n")
        self.bad(tree_rules.file_headers, "policy/a.h", "// b.h — something\n")
        self.bad(tree_rules.file_headers, "tests/unit/a_test.cpp", "#include <array>\n")
        self.good(tree_rules.file_headers, "tests/unit/a_test.cpp", "// What a is for.\n")
        self.good(tree_rules.file_headers, "policy/a.h", "// a.h — something\n")
        self.bad(tree_rules.file_headers, "tests/a.py", "import os\n")

    def test_unfinished_work(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
            self.bad(tree_rules.words, "policy/a.h", f"// {word}: later\n", word)
        self.good(tree_rules.words, "policy/a.h", "// XXXX\n")

    def test_paths_of_one_machine(self):
        self.bad(tree_rules.words, "README.md", "see /ho" + "me/me/x\n")
        self.good(tree_rules.words, "tests/a.py", 'f"/proc/{pid}/root/run"\n')
        self.good(tree_rules.words, "README.md", "see /var/lib/sallyport\n")

    def test_sources_are_built(self):
        lists = {"policy/CMakeLists.txt": "add_library(p base/a.cpp)\n"}
        self.bad(tree_rules.sources_listed, "policy/base/b.cpp", "x\n", "b.cpp", files=lists)
        self.good(tree_rules.sources_listed, "policy/base/a.cpp", "x\n", files=lists)

    def test_readmes_name_what_is_there(self):
        files = {"policy/base/a.h": "x\n"}
        self.bad(tree_rules.readme_paths, "README.md", "see `policy/base/b.h`\n", "b.h", files=files)
        self.good(tree_rules.readme_paths, "README.md", "see `policy/base/a.h`, `policy/` and `build/release/x`\n", files=files)

    def test_formatting(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(tidy.__file__)), "..", "..", ".clang-format"), encoding="utf-8") as file:
            style = {".clang-format": file.read()}
        self.bad(tree_rules.formatting, "policy/a.h", "int   f( ) ;\n", files=style)
        self.good(tree_rules.formatting, "policy/a.h", "int f();\n", files=style)


class StripComments(unittest.TestCase):
    def test_lines_keep_their_numbers(self):
        text = 'a /* x\ny */ b "s\\"t" // c\nR"(one\ntwo)" 1\'000 \'"\' d\n'
        self.assertEqual(strip_comments_and_strings(text).count("\n"), text.count("\n"))
        self.assertNotIn("two", strip_comments_and_strings(text))
        self.assertIn("d", strip_comments_and_strings(text))


class Runner(unittest.TestCase):
    def test_every_rule_is_a_test_of_its_own(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(tidy.__file__)), "CMakeLists.txt"), encoding="utf-8") as file:
            text = file.read()
        for rule in tidy.RULES:
            self.assertRegex(text, rf"\b{rule}\b")


if __name__ == "__main__":
    unittest.main()
