"""The tree keeps its order: who may include whom, what stands at the top, how the code is formatted.

test_tree.py ROOT [unittest's arguments]: format alone with `Format`, the rest with `Tree`.
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 and "/" in sys.argv[1] else __file__).resolve()
ROOT = ROOT if ROOT.is_dir() else ROOT.parents[2]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
FOLDERS = ("src", "io", "kernels", "tests")

MAY_USE = {"src": {"src", "io", "kernels"}, "io": {"io"}, "kernels": {"kernels"}, "tests": set(FOLDERS)}

# Headers of libraries that only some files may see; tests may see all.
GUARDED = {
    r"mpi\.h": r"src/link\.c",
    r"curl/.*": r"io/(transfer|url)\.c",
    r"microhttpd\.h": r"io/origin\w*\.[ch]",
    r"gmp\.h": r"kernels/(\w+/)?\w+\.[ch]",
    r"(myhtml|mycss|modest|mycore|myencoding|myfont|myurl|myunicode)/.*": r"kernels/html\w*\.[ch]",
}

TOP = {"CMakeLists.txt", "src", "kernels", "io", "tests", "jobs", "README.md", "LICENSE", "CMakePresets.json"}


def sources():
    return sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.suffix in (".c", ".h"))


def includes(path):
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


class Tree(unittest.TestCase):
    def test_folders(self):
        """io and kernels know neither each other nor src."""
        self.assertGreater(len(sources()), 50)
        seen = 0
        for path in sources():
            own = path.relative_to(ROOT).parts[0]
            for quote, name in includes(path):
                target = name.split("/")[0]
                if quote == '"':
                    seen += 1
                    self.assertTrue((ROOT / name).is_file(), f"{path}: {name} is not written from the top")
                    self.assertIn(target, MAY_USE[own], f"{path} may not include {name}")
                else:
                    self.assertFalse((ROOT / name).is_file(), f"{path}: <{name}> is a file of the project")
        self.assertGreater(seen, 50)

    def test_libraries(self):
        """Each library is seen by one module."""
        used = set()
        for path in sources():
            relative = str(path.relative_to(ROOT))
            for _, name in includes(path):
                for header, allowed in GUARDED.items():
                    if re.fullmatch(header, name) and not relative.startswith("tests/"):
                        used.add(header)
                        self.assertRegex(relative, f"^({allowed})$", f"{relative} may not include {name}")
        self.assertLessEqual({r"mpi\.h", r"curl/.*", r"microhttpd\.h"}, used)

    def test_top_level(self):
        known = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], capture_output=True, check=False)
        if known.returncode:
            self.skipTest("no git checkout")
        names = {line.split("/")[0] for line in known.stdout.decode().splitlines()}
        self.assertEqual({n for n in names if not n.startswith(".")} - TOP, set())

    def test_guards(self):
        """Every header has the guard that its place asks for."""
        for path in sources():
            relative = path.relative_to(ROOT)
            if path.suffix != ".h" or relative.parts[0] == "tests":
                continue
            guard = "MILLRACE_" + re.sub(r"\W", "_", str(relative)).upper()
            self.assertIn(f"#ifndef {guard}\n#define {guard}\n", path.read_text(), str(relative))

    def test_packages(self):
        """Every package has a group, and stands there once."""
        lines = [line.split() for line in (ROOT / "jobs/packages.txt").read_text().splitlines()
                 if line and not line.startswith("#")]
        wrong = [line for line in lines if len(line) != 2 or line[0] not in ("build", "run", "test", "bench")]
        self.assertEqual(wrong, [])
        names = [name for _, name in lines]
        self.assertEqual(sorted(names), sorted(set(names)))


class Symbols(unittest.TestCase):
    def test_no_name_twice(self):
        """No function is in two libraries: the linker would take one of them for both."""
        owners = {}
        for library in os.environ["MILLRACE_LIBRARIES"].split(":"):
            listing = subprocess.run(["nm", "-g", "--defined-only", library], capture_output=True, text=True, check=True)
            for line in listing.stdout.splitlines():
                words = line.split()
                if len(words) == 3 and words[1] in "TDBRC":
                    owners.setdefault(words[2], set()).add(library)
        self.assertGreater(len(owners), 100)
        self.assertEqual({name: libraries for name, libraries in owners.items() if len(libraries) > 1}, {})


class Format(unittest.TestCase):
    def test_clang_format(self):
        done = subprocess.run(["clang-format", "--dry-run", "--Werror", *map(str, sources())], capture_output=True,
                              text=True, timeout=120, check=False)
        wrong = sorted({line.split(":")[0] for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line})
        self.assertEqual((done.returncode, wrong), (0, []), "run clang-format -i over these")

    def test_shellcheck(self):
        scripts = sorted(p for folder in ("jobs", "tests") for p in (ROOT / folder).rglob("*") if p.is_file() and
                         (p.suffix in (".sh", ".sbatch") or p.read_bytes()[:32].startswith((b"#!/bin/sh", b"#!/bin/bash"))))
        self.assertGreater(len(scripts), 0)
        done = subprocess.run(["shellcheck", "-x", *map(str, scripts)], cwd=ROOT / "tests", capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[1:])
