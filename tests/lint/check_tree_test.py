#!/usr/bin/env python3
"""Each check finds what it is for, planted in a tree of its own, and nothing in a clean one."""

import pathlib
import tempfile
import unittest

import bans
import build_files
import documents
import include_directions


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class IncludeDirections(Planted):
    def setUp(self):
        super().setUp()
        self.plant("bio/session/tls_session.h", '#include <vector>\n#include "bio/record/gate.h"\n')
        self.plant("bio/record/gate.h", "")
        self.plant("bio/backend/botan/botan_backend.h", "#include <botan/tls_channel.h>\n")
        self.plant("proxies/client/main.cc", '#include "bio/session/tls_session.h"\n')

    def refused(self, name, include):
        self.plant(name, f"#include {include}\n")
        errors = include_directions.check(self.root)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(errors[0].startswith(f"{name}: "), errors)
        self.assertIn(include.strip('<>"'), errors[0])

    def test_allows_what_the_table_allows(self):
        self.assertEqual(include_directions.check(self.root), [])

    def test_refuses_a_record_that_knows_the_session(self):
        self.refused("bio/record/gate.cc", '"bio/session/tls_session.h"')

    def test_refuses_a_session_with_a_tls_library(self):
        self.refused("bio/session/state.cc", "<openssl/ssl.h>")

    def test_refuses_a_session_with_sockets(self):
        self.refused("bio/session/state.cc", "<sys/socket.h>")

    def test_refuses_a_backend_that_knows_its_sibling(self):
        self.refused("bio/backend/openssl/x.cc", '"bio/backend/botan/botan_backend.h"')

    def test_refuses_a_library_that_knows_the_proxies(self):
        self.plant("proxies/tunnel/connect.h", "")
        self.refused("bio/socket/x.cc", '"proxies/tunnel/connect.h"')

    def test_refuses_a_proxy_that_knows_the_other(self):
        self.plant("proxies/client/dial.h", "")
        self.refused("proxies/reverse/main.cc", '"proxies/client/dial.h"')

    def test_refuses_a_path_that_does_not_start_at_the_top(self):
        self.refused("bio/record/gate.cc", '"gate.h"')

    def test_refuses_a_folder_without_a_row(self):
        self.plant("misc/x.cc", "")
        self.assertIn("no row", include_directions.check(self.root)[0])


class Bans(Planted):
    def banned(self, name, line, why):
        self.plant(name, f"fine\n{line}\n")
        errors = bans.check(self.root)
        self.assertEqual(len(errors), 1, errors)
        self.assertTrue(errors[0].startswith(f"{name}:2: {why}"), errors)

    def test_allows_plain_text(self):
        self.plant("bio/x.cc", "using std::vector;\nusing namespace std::string_literals;\n")
        self.plant("examples/wait.py", "time.sleep(1)\n")
        self.assertEqual(bans.check(self.root), [])

    def test_refuses_using_namespace(self):
        self.banned("bio/x.cc", "using namespace std;", "names come")

    def test_refuses_sleeping_in_a_test(self):
        self.banned("tests/x_test.py", "    time.sleep(0.1)", "a test waits")

    def test_refuses_sleeping_in_a_test_further_down(self):
        self.banned("tests/bio/deep/x_test.sh", "  sleep 1", "a test waits")

    def test_refuses_a_fixed_port(self):
        self.banned("tests/x_test.py", 's.bind(("127.0.0.1", 8443))', "a fixed port")

    def test_refuses_the_path_of_this_copy(self):
        self.banned("docs/x.md", f"see {self.root}/bio", "the path of one machine")
        self.plant("docs/x.md", f"see $cache/debian13{self.root}/bio\n")
        self.assertEqual(bans.check(self.root), [])


class BuildFiles(Planted):
    def test_allows_a_target_with_the_warnings(self):
        self.plant("bio/BUILD.bazel", 'cc_library(name = "x", copts = DETACH_COPTS + ["-O2"])\n')
        self.assertEqual(build_files.check(self.root), [])

    def test_refuses_a_target_without_the_warnings(self):
        self.plant("bio/BUILD.bazel", 'cc_library(name = "x")\n')
        self.assertEqual(
            build_files.check(self.root),
            ["bio/BUILD.bazel:1: cc_library without copts = DETACH_COPTS"])

    def test_refuses_a_glob_of_code(self):
        self.plant(
            "bio/BUILD.bazel",
            'cc_test(name = "x", copts = DETACH_COPTS, srcs = glob(["*.cc"]))\n')
        self.assertIn("with a glob", build_files.check(self.root)[0])

    def test_refuses_the_other_name(self):
        self.plant("bio/BUILD", "")
        self.assertEqual(build_files.check(self.root), ["bio/BUILD: name it BUILD.bazel"])

    def test_refuses_a_test_that_nothing_runs(self):
        self.plant("tests/bio/a_test.cc", "")
        self.plant("tests/bio/b_test.py", "")
        self.plant("tests/bio/BUILD.bazel", '[python_test(name = name) for name in ["b_test"]]\n')
        self.assertEqual(
            build_files.check(self.root),
            ["tests/bio/a_test.cc: no target of tests/bio/BUILD.bazel runs this test"])

    def test_refuses_a_seeded_bug_without_a_test_to_turn_red(self):
        self.plant("tests/seeded_bugs/x.patch", "Rule: x\nRed: //tests/bio:b_test\n\n")
        self.assertEqual(
            build_files.check(self.root),
            ["tests/seeded_bugs/x.patch: there is no such test to turn red"])
        self.plant("tests/bio/BUILD.bazel", '[python_test(name = name) for name in ["b_test"]]\n')
        self.assertEqual(build_files.check(self.root), [])


class Documents(Planted):
    def test_refuses_a_link_that_leads_nowhere(self):
        self.plant("docs/A.md", "see [B](B.md)\n")
        self.assertEqual(len(documents.check(self.root)), 1)
        self.plant("docs/B.md", "and [A](A.md#top), [the RFC](https://www.rfc-editor.org/)\n")
        self.assertEqual(documents.check(self.root), [])

    def test_refuses_a_readme_whose_code_is_not_the_example(self):
        self.plant("examples/upgrade_then_detach.cc", "#include <x>\n\nint main() {\n}\n")
        self.plant("README.md", "```cpp\nint main() {}\n```\n")
        self.assertEqual(len(documents.check(self.root)), 1)
        self.plant("README.md", "```cpp\nint main() {\n}\n```\n")
        self.assertEqual(documents.check(self.root), [])


if __name__ == "__main__":
    unittest.main()
