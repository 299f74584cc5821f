#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each lint rule finds what it was written for and leaves sound code alone."""
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True


def load(path):
    loader = importlib.machinery.SourceFileLoader(os.path.basename(path).replace("-", "_"), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


lint = load(os.path.join(HERE, "check_source.py"))
count = load(os.path.join(HERE, "../../tools/count-tests"))
HEAD = "// SPDX-License-Identifier: Apache-2.0\n"


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        for name in ("module_edges.txt", "raw_fs_allowed.txt"):
            os.makedirs(os.path.join(self.root, "tests/lint"), exist_ok=True)
            shutil.copy(os.path.join(HERE, name), os.path.join(self.root, "tests/lint"))

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def finds(self, rule, path, text, expected):
        self.write(path, text)
        findings = [finding for finding in lint.RULES[rule](self.root) if finding.startswith(path)]
        self.assertEqual(len(findings), expected, findings)


class Includes(Tree):
    def test_a_forbidden_edge_is_found(self):
        self.finds("includes", "src/base/a.cpp", '#include "fs/fs.hpp"\n', 1)

    def test_an_allowed_edge_is_not(self):
        self.finds("includes", "src/delta/a.cpp", '#include "base/bytes.hpp"\n#include <vector>\n', 0)

    def test_a_foreign_library_is_found(self):
        self.finds("includes", "src/wire/a.cpp", "#include <zstd.h>\n  # include <sqlite3.h>\n", 2)

    def test_a_library_in_its_module_is_not(self):
        self.finds("includes", "src/compress/a.cpp", "#include <zstd.h>\n", 0)

    def test_an_unknown_module_is_found(self):
        self.finds("includes", "src/helpers/a.cpp", "\n", 1)

    def test_a_public_header_sees_only_public_headers(self):
        self.finds("includes", "include/syncline/a.hpp", '#include "base/bytes.hpp"\n#include "syncline/b.hpp"\n', 1)

    def test_a_pattern_widens_what_one_file_may_see(self):
        self.finds("includes", "src/cli/manifest_show.cpp", '#include "manifest/manifest.hpp"\n', 0)
        self.finds("includes", "src/cli/copy.cpp", '#include "manifest/manifest.hpp"\n', 1)

    def test_a_circle_in_the_table_is_found(self):
        self.assertEqual(lint.circle_in({"a": ["b"], "b": ["c"], "c": ["b"]}), "b")
        self.assertIsNone(lint.circle_in({"a": ["b", "c"], "b": ["c"], "c": []}))


class RawFileSystem(Tree):
    def test_raw_calls_are_found(self):
        for text in ("int f = ::open(p, 0);", "if (unlink(p) != 0) {}", "return rename(a, b);", "fopen(p);",
                     "std::ifstream in(p);", "#include <filesystem>", "std::filesystem::path p;", "x = fstatat(d, n);"):
            with self.subTest(text):
                self.finds("raw-fs", "src/sync/a.cpp", "#include <unistd.h>\n" + text + "\n", 1)

    def test_members_declarations_and_text_are_not(self):
        for text in ("fs.open(p);", "dir->rename(a, b);", "Fd open(Path p);", "// open(p)", 'say("unlink(p)");',
                     "Journal::open(p);", "reopen(p);", "connection_(open(path)),", "sqlite3_open_v2(p);"):
            with self.subTest(text):
                self.finds("raw-fs", "src/sync/a.cpp", "#include <unistd.h>\n" + text + "\n", 0)

    def test_a_function_of_the_modules_own_is_not(self):
        self.finds("raw-fs", "src/sync/a.cpp", "auto target = open(transaction, true);\n~T() { remove(); }\n", 0)

    def test_the_file_system_module_may(self):
        self.finds("raw-fs", "src/fs/a.cpp", "::openat(d, p, 0);\n", 0)


class Text(Tree):
    def test_marks_are_found(self):
        for text in ("int a; \n", "\tint a;\n", "// " + "x" * 120 + "\n", "// TODO\n", 'auto p = "/tmp/x";\n',
                     "int a;\r\n", "int a;"):
            with self.subTest(text):
                self.finds("text", "src/base/a.cpp", HEAD + text, 1)

    def test_a_missing_licence_line_is_found(self):
        self.finds("text", "src/base/a.cpp", "int a;\n", 1)

    def test_sound_text_is_not(self):
        self.finds("text", "src/base/a.cpp", HEAD + "int a;  // fine\n", 0)


class Links(Tree):
    def test_a_broken_link_is_found(self):
        self.finds("links", "docs/a.md", "[x](missing.md) and `src/none/` and [y](https://example.org/)\n", 2)

    def test_a_sound_link_is_not(self):
        self.write("docs/b.md", "b\n")
        self.finds("links", "docs/a.md", "[x](b.md#part) and `tests/lint/module_edges.txt`\n", 0)


class Counting(unittest.TestCase):
    def counts(self, result, stdout):
        return count.counts_of(json.loads(json.dumps({"result": result, "stdout": stdout})))

    def test_catch2_cases_are_counted(self):
        passed = "All tests passed (12 assertions in 3 test cases)\n"
        self.assertEqual(self.counts("OK", passed), (3, 0))
        mixed = "test cases: 5 | 3 passed | 2 failed\nassertions: 9 | 7 passed | 2 failed\n"
        self.assertEqual(self.counts("FAIL", mixed), (3, 2))
        expected = "test cases: 5 | 4 passed | 1 failed as expected\n"
        self.assertEqual(self.counts("OK", expected), (5, 0))

    def test_a_program_without_cases_is_one_test(self):
        self.assertEqual(self.counts("OK", "fine"), (1, 0))
        self.assertEqual(self.counts("TIMEOUT", ""), (0, 1))
        self.assertEqual(self.counts("SKIP", ""), (0, 0))

    def test_a_crash_after_the_last_case_is_a_failure(self):
        self.assertEqual(self.counts("FAIL", "All tests passed (1 assertion in 1 test case)\n"), (1, 1))


if __name__ == "__main__":
    unittest.main()
