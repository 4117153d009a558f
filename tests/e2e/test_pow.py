"""`millrace pow` and `scrape --kernel pow` against Python's own integers, over 1, 2, 3 and 7 ranks."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

import millrace
from millrace import Case, tsv_rows

sys.set_int_max_str_digits(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLUMNS = ["item", "base", "exponent", "bits", "digits", "head", "tail", "seconds", "rank", "error"]
PRIME = 2**61 - 1


def founding_digests():
    """Those that the unit tests use, with the command that computed them beside them."""
    text = (ROOT / "tests/unit/bigpow_digests.h").read_text()
    return {int(i): digest for i, digest in re.findall(r"\{(\d{7}),[^{}]*?\"([0-9a-f]{64})\"", text)}


def facts(base, exponent, modulus=None):
    value = pow(base, exponent, modulus) if modulus else base**exponent
    digits = str(abs(value))
    return {"bits": str(value.bit_length()), "digits": str(len(digits)), "head": digits[:10], "tail": digits[-10:]}


class Pow(Case):
    def rows(self, ranks, *args, code=0, **how):
        result = self.run_millrace(ranks, "pow", *args, **how)
        self.assertEqual(result.code, code, result.err)
        self.assertNoDisaster(result)
        return tsv_rows(result.out)

    def test_founding_powers(self):
        digests = founding_digests()
        self.assertEqual(len(digests), 16)
        for ranks in (0, 1, 2, 3, 7):
            with self.subTest(ranks=ranks):
                rows = self.rows(ranks, "1000000..1000015", "--sha256")
                self.assertEqual({int(row["base"]): row["sha256"] for row in rows}, digests)

    def test_facts(self):
        items = ["2^10", "-3^3", "0^0", "0^5", "1^99999999999999999999", "10^9", "10^10", "-7^4321", "12345678901234567890^77"]
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                rows = self.rows(ranks, *items)
                self.assertEqual(list(rows[0]), COLUMNS)
                self.assertEqual({row["item"] for row in rows}, set(items))
                for row in rows:
                    base, exponent = map(int, row["item"].split("^"))
                    expected = facts(base, exponent if abs(base) > 1 else min(exponent, 2 + exponent % 2))
                    self.assertEqual({name: row[name] for name in expected}, expected, row["item"])
                    self.assertEqual((row["base"], row["exponent"], row["error"]), (str(base), str(exponent), ""))
                    self.assertLess(int(row["rank"]), max(ranks, 1))

    def test_towers_and_ranges(self):
        rows = self.rows(2, "tower:2^20", "0..5")
        expected = [f"2^{2**i}" for i in range(20)] + [f"{i}^{i}" for i in range(6)]
        self.assertEqual(sorted(row["item"] for row in rows), sorted(expected))
        # On several ranks they are dealt so too, but may end in another order.
        rows = self.rows(0, "0..2", "tower:2^20", "--strategy", "sequential")
        self.assertEqual([int(row["bits"]) for row in rows[:15]], [2**i + 1 for i in range(19, 4, -1)], "the costly ones are dealt first")

    def test_modular(self):
        exponent = 10**40
        rows = self.rows(0, f"3^{exponent}", "-2^3", "--mod", "1000000007")
        for row in rows:
            expected = facts(int(row["base"]), int(row["exponent"]), 1000000007)
            self.assertEqual({name: row[name] for name in expected}, expected)

    def test_from_a_file(self):
        path = self.write("items", "# powers\n2^8\n\n  3^3  \r\nnonsense\n7^-1\n1..2\n")
        rows = self.rows(2, "-i", path, code=millrace.SOME_FAILED)
        self.assertEqual(sorted(row["item"] for row in rows), ["1^1", "2^2", "2^8", "3^3", "7^-1", "nonsense"])
        errors = {row["item"]: row["error"] for row in rows if row["error"]}
        self.assertEqual(set(errors), {"7^-1", "nonsense"})
        self.assertIn("negative", errors["7^-1"])
        rows = self.rows(0, "-i", "-", stdin=b"2^9\n")
        self.assertEqual([row["item"] for row in rows], ["2^9"])

    def test_odd_lines_of_a_file(self):
        path = self.write("items", b"\xef\xbb\xbf2^3\r\n\t4^5 \n5^6\0\n2^3 # no comment\n3^\x004\n--mod\n-3^3\n" + b"1" * 3_000_000
                          + b"\n6^6")
        rows = self.rows(2, "-i", path, code=millrace.SOME_FAILED)
        good = {row["item"]: row["tail"] for row in rows if not row["error"]}
        self.assertEqual(good, {"2^3": "8", "4^5": "1024", "-3^3": "27", "6^6": "46656"})
        bad = sorted(row["error"] for row in rows if row["error"])
        self.assertEqual(len(bad), 5, bad)
        self.assertEqual([row["item"] for row in rows if "too long, or no memory" in row["error"]], ["1" * 60])
        self.assertEqual(self.rows(0, "-i", self.write("none", "# nothing\n\n")), [])

    def test_a_line_without_an_end_takes_no_memory(self):
        program = ["/bin/sh", "-c", 'ulimit -v 1500000; head -c 1600000000 /dev/zero | "$0" pow -q -i -', millrace.PROGRAM]
        done = subprocess.run(program, capture_output=True, timeout=millrace.LIMIT, check=False,
                              env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.assertEqual(done.returncode, millrace.SOME_FAILED, done.stderr)
        self.assertIn("too long", tsv_rows(done.stdout)[0]["error"])

    def test_values(self):
        for radix, extension, text in (("10", "txt", b"-8"), ("16", "hex", b"-8"), ("raw", "raw", b"\x08")):
            with self.subTest(radix=radix):
                rows = self.rows(2, "-2^3", "3^200000", "--values", f"values/{radix}", "--radix", radix)
                self.assertEqual({row["file"] for row in rows}, {f"values/{radix}/{i}.{extension}" for i in (0, 1)})
                self.assertEqual((self.dir / f"values/{radix}/0.{extension}").read_bytes(), text)
                value, content = 3**200000, (self.dir / f"values/{radix}/1.{extension}").read_bytes()
                self.assertEqual({"10": lambda: int(content), "16": lambda: int(content, 16),
                                  "raw": lambda: int.from_bytes(content, "little")}[radix](), value)

    def test_digest_has_the_sign(self):
        rows = self.rows(0, "-3^1001", "--sha256")
        self.assertEqual(rows[0]["sha256"], hashlib.sha256(str((-3) ** 1001).encode()).hexdigest())

    def test_too_large_is_refused_with_its_size(self):
        rows = self.rows(2, "7^123456789", "2^3", "--max-memory", "100M", code=millrace.SOME_FAILED)
        errors = {row["item"]: row["error"] for row in rows}
        self.assertRegex(errors["7^123456789"], r"^too large: it would need [0-9.]+ [MG]iB of memory, and 100.0 MiB can be had$")
        self.assertEqual(errors["2^3"], "")
        rows = self.rows(0, "2^99999999999999999999999", code=millrace.SOME_FAILED)
        self.assertIn("too large", rows[0]["error"])

    def test_numbers_are_numbers_in_json(self):
        self.run_millrace(0, "pow", "2^10", "-o", "rows.jsonl")
        row = json.loads((self.dir / "rows.jsonl").read_text())
        self.assertEqual((row["bits"], row["digits"], row["head"], row["rank"], row["error"]), (11, 4, "1024", 0, None))

    def test_every_instruction_set(self):
        digests = set()
        for isa in ("scalar", "avx2", "avx512"):
            os.environ["MILLRACE_ISA"] = isa
            try:
                result = self.run_millrace(0, "pow", "123457^123457", "--sha256")
            finally:
                del os.environ["MILLRACE_ISA"]
            row = tsv_rows(result.out)[0]
            if isa == "scalar" or not row["error"]:
                digests.add(row["sha256"])
        self.assertEqual(digests, {hashlib.sha256(str(123457**123457).encode()).hexdigest()})

    def test_usage(self):
        table = (([], "nothing to compute"), (["2"], "is no power"), (["2^-1"], "negative"), (["5..3"], "a range is"),
                 (["tower:2^0"], "a tower is"), (["2^2", "--mod", "0"], "the modulus is 0"), (["2^2", "--mod", "x"], "--mod"),
                 (["2^2", "--radix", "16"], "--values"), (["2^2", "--values", "d", "--radix", "8"], "--radix"),
                 (["2^2", "--values", ""], "--values"), (["2^2", "-i", "a", "-i", "b"], "one file"),
                 (["(-3)^5"], "not a whole number"), (["2**3"], "is no power"), (["2^3^4"], "not a whole number"),
                 (["2^2", "--max-memory", "lots"], "--max-memory"), (["2^2", "--retries", "3"], "--retries"),
                 (["2^2", "-q", "-v"], "contradict"))
        for args, says in table:
            with self.subTest(args=args):
                result = self.run_millrace(0, "pow", *args)
                self.assertEqual((result.code, result.out), (millrace.USAGE, b""))
                self.assertIn(says, result.err)
        result = self.run_millrace(3, "pow", "2^x")
        self.assertEqual(result.code, millrace.USAGE)
        self.assertEqual(result.err.count("the exponent 'x' is not a whole number"), 1)
        self.assertEqual(self.run_millrace(0, "pow", "-i", "nowhere").code, millrace.STOPPED)


class Kernel(Case):
    def test_operands_from_pages(self):
        server = self.origin()
        args = ["-k", "pow", "--kernel-arg", "base=json:/base", "--kernel-arg", "exponent=json:/exponent",
                "-s", "b=json:/base", "-s", "e=json:/exponent"]
        for ranks in (1, 2, 3, 7):
            with self.subTest(ranks=ranks):
                rows = self.scrape(ranks, server.url("/operands/[1-40]"), *args, code=0)
                self.assertEqual(len(rows), 40)
                for row in rows:
                    value = int(row["b"]) ** int(row["e"])
                    text = str(value)
                    self.assertEqual((row["digits"], row["head"], row["tail"], row["residue"]),
                                     (str(len(text)), text[:10], text[-10:], str(value % PRIME)))

    def test_constants_and_a_modulus(self):
        server = self.origin()
        rows = self.scrape(0, server.url("/operands/[1-5]"), "-k", "pow", "--kernel-arg", "base=json:/base", "--kernel-arg",
                           "exponent=12", "--kernel-arg", "modulus=1009", "-s", "b=json:/base", code=0)
        self.assertEqual([row["residue"] for row in rows], [str(pow(int(row["b"]), 12, 1009)) for row in rows])

    def test_pages_without_operands(self):
        server = self.origin()
        rows = self.scrape(2, server.url("/{operands/1,genre,article/1}"), "-k", "pow", "--kernel-arg", "base=json:/base",
                           "--kernel-arg", "exponent=3", code=millrace.SOME_FAILED)
        self.assertEqual([bool(row["error"]) for row in rows], [False, True, True])
        self.assertEqual(rows[1]["error"], "the page has no base")

    def test_usage(self):
        for args, says in ((["-k", "nope"], "--kernel"), (["-k", "pow"], "--kernel-arg base"),
                           (["--kernel-arg", "base=1"], "--kernel"), (["-k", "pow", "--kernel-arg", "x=1"], "--kernel-arg"),
                           (["-k", "pow", "--kernel-arg", "base=2", "--kernel-arg", "exponent=h1["], "not closed"),
                           (["-k", "pow", "--kernel-arg", "base=2", "--kernel-arg", "exponent=-1"], "negative")):
            with self.subTest(args=args):
                result = self.run_millrace(0, "scrape", "http://127.0.0.1/", *args)
                self.assertEqual(result.code, millrace.USAGE, result.err)
                self.assertIn(says, result.err)


if __name__ == "__main__":
    millrace.main()
