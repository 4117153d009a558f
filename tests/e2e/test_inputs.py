"""What goes in and what comes out: every kind of input, good and bad, and every kind of output."""

import bz2
import gzip
import json
import os
import shutil
import subprocess

import millrace
from millrace import Case, await_that, csv_rows, jsonl_rows, tsv_rows


class BadUsage(Case):
    """The job does not begin: exit code 2 or 3, one message that names the thing, no rows, no noise."""

    def refused(self, code, *args, says=(), command="scrape", ranks=(0,)):
        for n in ranks:
            with self.subTest(args=[str(a)[:80] for a in args], ranks=n):
                result = self.run_millrace(n, command, *args)
                self.assertEqual(result.code, code, result.err)
                self.assertNoDisaster(result)
                lines = [line for line in result.err.split("\n") if line]
                self.assertEqual(len([line for line in lines if line.startswith("millrace")]), 1, result.err)
                for text in says:
                    self.assertIn(str(text), result.err)
                    self.assertEqual(result.err.count(str(text)), 1, f"said once: {result.err}")
                self.assertLess(result.seconds, 30)

    def test_no_input(self):
        self.refused(2, says=["nothing to fetch"], ranks=(0, 1, 3))

    def test_missing_file(self):
        self.refused(3, "no-such-file.txt", says=["no-such-file.txt", "No such file"], ranks=(0, 1, 3))

    def test_directory(self):
        self.refused(3, self.dir, says=[self.dir, "directory"])

    def test_unreadable_file(self):
        path = self.write("secret", "http://x/\n")
        path.chmod(0)
        how = {}
        if os.geteuid() == 0:  # who reads everything
            program = shutil.copy(millrace.PROGRAM, self.dir)
            self.dir.chmod(0o777)
            how = {"user": 65534, "group": 65534, "extra_groups": [], "executable": program}
        result = self.run_millrace(0, "scrape", path, **how)
        self.assertEqual(result.code, 3, result.err)
        self.assertEqual(result.err, f"millrace: cannot read '{path}': Permission denied\n")

    def test_input_that_breaks(self):
        """Opened, and then not to be read."""
        result = self.run_millrace(0, "scrape", "/proc/self/mem", "-q")
        self.assertEqual(result.code, 3, result.err)
        self.assertEqual(result.err.count("/proc/self/mem"), 1, result.err)

    def test_host_without_scheme(self):
        self.refused(3, "example.org/x", says=["https://example.org/x"])

    def test_compressed_input(self):
        self.refused(3, self.write("urls.txt.gz", gzip.compress(b"http://x/\n")), says=["compressed"])

    def test_bad_glob(self):
        self.refused(3, "http://127.0.0.1/[1-", says=["http://127.0.0.1/[1-"])

    def test_no_url_column(self):
        self.refused(3, self.write("in.tsv", "name\tlink\na\thttp://x/\n"), says=["name", "link"])

    def test_standard_input_twice(self):
        self.refused(2, "-", "-", says=["standard input"])

    def test_selectors(self):
        """What is no NAME=SELECTOR is quoted; of a selector that does not parse the field is named."""
        for text in ("title=", "=h1", "h1", "a b=h1", "t\u00e9=h1"):
            self.refused(2, "-s", text, "http://127.0.0.1/", says=[text])
        for selector in ("h1[", "regex:(", "json:x", "h1:no-such-thing", ">>", "h1@"):
            self.refused(2, "-s", f"heading={selector}", "http://127.0.0.1/", says=["heading"])
        self.refused(2, "-s", "heading=h1[", "http://127.0.0.1/", says=["heading"], ranks=(3,))

    def test_contradictions(self):
        for args in (["-q", "-v"], ["-q", "--progress", "bar"], ["-s", "none", "-s", "a=h1"],
                     ["--timeout", "1", "--connect-timeout", "2"], ["-o", "f", "--report", "f"]):
            self.refused(2, *args, "http://127.0.0.1/")
        self.refused(2, "-s", "a=h1", "-s", "a=h2", "http://127.0.0.1/", says=["'a'"])
        self.refused(2, "-s", "url=h1", "http://127.0.0.1/", says=["'url'"])
        self.refused(2, "-s", "a=h1", "-s", "b=h2", "http://127.0.0.1/", command="fetch")

    def test_unknown_options(self):
        for option in ("--frobnicate", "--resume", "--shard=1/2", "--kernel=x", "--dry-run", "-Z"):
            with self.subTest(option):
                result = self.run_millrace(0, "scrape", option, "http://127.0.0.1/")
                self.assertEqual(result.code, 2, result.err)
                self.assertIn(option.split("=")[0].strip("-"), result.err)
        result = self.run_millrace(3, "scrape", "--frobnicate", "http://127.0.0.1/")
        self.assertEqual((result.code, result.err.count("frobnicate")), (2, 1), result.err)

    def test_unknown_command(self):
        for ranks in (0, 3):
            result = self.run_millrace(ranks, "frobnicate")
            self.assertEqual(result.code, 2)
            self.assertIn("frobnicate", result.err)
        self.assertEqual(self.run_millrace(0).code, 2)

    def test_numbers(self):
        wrong = [("-c", "0"), ("-c", "many"), ("-c", "-1"), ("-c", "1e3"), ("-c", "99999999999999999999"),
                 ("--per-host", "-1"), ("--per-host", " 1"), ("--delay", "-1"), ("--delay", "nan"),
                 ("--delay", "inf"), ("--delay", "1e99"), ("--delay", ""), ("--repeat", "0"), ("--repeat", "x"),
                 ("--retries", "-1"), ("--timeout", "x"), ("--max-body", "0"), ("--max-body", "1X"),
                 ("--max-body", "9999999999G"), ("--max-redirects", "x"), ("--http", "3"), ("--progress", "loud"),
                 ("--connect-to", "a:b"), ("-H", "no colon"), ("-H", "A: b\r\nC: d"), ("--cacert", "no-such-file")]
        for option, value in wrong:
            with self.subTest(option=option, value=value):
                result = self.run_millrace(0, "scrape", option, value, "http://127.0.0.1/")
                self.assertEqual(result.code, 2, result.err)
                self.assertIn(value.split("\r")[0] or option, result.err)
        self.refused(2, "-c", "0", "http://127.0.0.1/")

    def test_help_and_version(self):
        for ranks in (0, 3):
            for args, text in ((["--version"], "millrace 0."), (["--help"], "Usage:"), (["scrape", "--help"], "--per-host"),
                               (["fetch", "--help"], "{id}"), (["serve", "--help"], "--port-file")):
                with self.subTest(args=args, ranks=ranks):
                    result = self.run_millrace(ranks, *args)
                    self.assertEqual((result.code, result.err), (0, ""))
                    self.assertIn(text, result.out.decode())
                    if args[0] == "scrape":
                        self.assertEqual(result.out.decode().count(text), 1, "one rank speaks for all")


class BadRecords(Case):
    """A bad record is a row with an error; the good ones beside it are fetched."""

    def setUp(self):
        super().setUp()
        self.server = self.origin()

    def test_every_kind(self):
        good = self.server.url("/article/1")
        bad = ["no url at all", "word", "file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:alert(1)",
               "mailto:a@b.c", f"{good} x", "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
               "http://", "http:///path", "http://[::1", "http://no-such-host.invalid/",
               self.server.url("/" + "a" * 100_000), "https//127.0.0.1/", "http://a..b\\c/", "\x01http://127.0.0.1/",
               "http://user@:80/", "http://" + "h" * 300 + "/"]
        lines = [line for b in bad for line in (good, b)] + [good]
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                rows = self.scrape(ranks, self.write("urls", "\n".join(lines)), "--retries", "0", code=1)
                self.assertEqual(len(rows), len(lines))
                for line, row in zip(lines, rows):
                    if line == good:
                        self.assertEqual((row["url"], row["status"], row["error"]), (good, "200", ""))
                    else:
                        self.assertEqual(row["status"], "", row)
                        self.assertGreater(len(row["error"]), 8, row)
                        self.assertEqual(row["url"][:200], line[:200])  # a very long one may be cut
        self.assertEqual(len(self.server.starts("/article/1")), 2 * (len(bad) + 1))
        self.assertEqual({e.target for e in self.server.starts()}, {"/article/1"})

    def test_messages_name_the_cause(self):
        causes = {"ftp://127.0.0.1/": "http", "http://127.0.0.1:99999/": "port", "example.org/": "https://example.org/",
                  "http://127.0.0.1/a b": "space", "http://no-such-host.invalid/": "no-such-host.invalid",
                  f"http://127.0.0.1:{millrace.free_port()}/": "connect"}
        rows = self.scrape(1, self.write("urls", "\n".join(causes)), "--retries", "0", code=1)
        for row, text in zip(rows, causes.values()):
            self.assertIn(text, row["error"], row)

    def test_nul_in_a_line(self):
        rows = self.scrape(1, self.write("urls", self.server.url("/article/1").encode() + b"\0x\n"), code=1)
        self.assertEqual(len(rows), 1)
        self.assertEqual(self.server.starts(), [])

    def test_binary_input(self):
        """A file that is no list of URLs gives rows, not a crash."""
        data = bz2.compress(bytes(range(256)) * 100)
        result = self.run_millrace(1, "scrape", self.write("urls", data))
        self.assertEqual(result.code, 1, result.err)
        self.by_id(tsv_rows(result.out))
        self.assertNoDisaster(result)


class Inputs(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()

    def targets(self, rows):
        return [row["url"].replace(self.server.url(""), "") for row in rows]

    def test_empty_file(self):
        for content in ("", "\n\n", "# nothing\n\n", "\ufeff\n"):
            for ranks in (1, 3):
                with self.subTest(content=content, ranks=ranks):
                    result = self.run_millrace(ranks, "scrape", self.write("urls", content))
                    self.assertEqual((result.code, result.out), (0, b"id\turl\tstatus\ttitle\terror\n"), result.err)

    def test_empty_standard_input(self):
        result = self.run_millrace(3, "scrape", "-")
        self.assertEqual((result.code, result.out), (0, b"id\turl\tstatus\ttitle\terror\n"), result.err)

    def test_lines(self):
        """Comments, blank lines, blanks, CR LF and a byte order mark are no records; a last line needs no end."""
        text = (f"\ufeff# a list\r\n\r\n  {self.server.url('/article/1')}\t\r\n\n{self.server.url('/article/2')}\n"
                f"#{self.server.url('/article/3')}\n{self.server.url('/article/4')}")
        rows = self.scrape(2, self.write("urls", text), code=0)
        self.assertEqual(self.targets(rows), ["/article/1", "/article/2", "/article/4"])

    def test_globs(self):
        rows = self.scrape(2, self.server.url("/article/[1-3]?{a,b}"), self.server.url("/bytes/[08-10]"), code=0)
        self.assertEqual(self.targets(rows), [f"/article/{n}?{x}" for n in (1, 2, 3) for x in "ab"] +
                         ["/bytes/08", "/bytes/09", "/bytes/10"])

    def test_several_inputs_and_repeat(self):
        one = self.write("one", self.server.url("/article/1") + "\n")
        rows = self.scrape(3, one, self.server.url("/article/2"), "-", "--repeat", "3",
                           stdin=(self.server.url("/article/3") + "\n").encode(), code=0)
        self.assertEqual(self.targets(rows), ["/article/1"] * 3 + ["/article/2"] * 3 + ["/article/3"] * 3)
        self.assertEqual(len(self.server.starts()), 9)

    def test_slow_pipe(self):
        """The first request goes out while the writer of the list still thinks about the second."""
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                before = len(self.server.starts())
                process = self.start(ranks, ["scrape", "-"], stdin=subprocess.PIPE)
                process.stdin.write(self.server.url("/article/1").encode() + b"\n")
                process.stdin.flush()
                await_that(lambda: len(self.server.starts()) > before, "the first request")
                process.stdin.write(self.server.url("/article/2").encode() + b"\n")
                process.stdin.close()
                self.assertEqual(self.wait(process), 0, self.said())
                self.assertEqual(len(self.by_id(tsv_rows((self.dir / "out").read_bytes()))), 2)

    def test_tables(self):
        a, b = self.server.url("/article/1"), self.server.url("/article/2")
        tables = {"in.tsv": f"name\turl\nx\t{a}\ny\\t\t{b}\n", "in.csv": f'name,url\n"x,\n""q""",{a}\ny,"{b}"\n',
                  "in.jsonl": json.dumps({"name": None, "url": a}) + "\n" + json.dumps({"url": b, "n": [1]}) + "\n"}
        for name, content in tables.items():
            with self.subTest(name):
                rows = self.scrape(2, self.write(name, content), code=0)
                self.assertEqual(self.targets(rows), ["/article/1", "/article/2"])

    def test_url_column(self):
        rows = self.scrape(1, self.write("in.csv", f"link,url\n{self.server.url('/article/5')},x\n"),
                           "--url-column", "link", code=0)
        self.assertEqual(self.targets(rows), ["/article/5"])

    def test_torn_tables(self):
        """A row that is no record is a row with an error."""
        a = self.server.url("/article/1")
        tables = {"in.tsv": f"name\turl\nx\n{a}\n\t{a}\nx\t{a}\textra\n",
                  "in.jsonl": f'{{"url": "{a}"}}\n{{"url": \n[1]\n"x"\n{{"nourl": 1}}\n{{"url": "{a}"}}\n',
                  "in.csv": f'url,b\n{a},1\n{a}\n"{a}" x,1\n{a},2\n'}
        good = {"in.tsv": 1, "in.jsonl": 2, "in.csv": 2}
        records = {"in.tsv": 4, "in.jsonl": 6, "in.csv": 4}
        for name, content in tables.items():
            with self.subTest(name):
                rows = self.scrape(2, self.write(name, content), code=1)
                self.assertEqual(len(rows), records[name])
                self.assertEqual(sum(r["status"] == "200" for r in rows), good[name])
                self.assertEqual(sum(r["error"] != "" for r in rows), records[name] - good[name])


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()
        self.urls = self.write("urls", "".join(self.server.url(f"/article/{n}\n") for n in range(1, 11)) +
                               "ftp://x/\n")

    def opened(self, name):
        data = (self.dir / name).read_bytes()
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        elif name.endswith(".zst"):
            data = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True, timeout=30).stdout
        return {"tsv": tsv_rows, "csv": csv_rows, "jsonl": jsonl_rows}[name.split(".")[1]](data)

    def test_formats(self):
        """All formats say the same."""
        wanted = None
        for base in ("out.tsv", "out.csv", "out.jsonl"):
            for ending in ("", ".gz", ".zst"):
                name = base + ending
                with self.subTest(name):
                    result = self.run_millrace(2, "scrape", self.urls, "-o", name)
                    self.assertEqual((result.code, result.out), (1, b""), result.err)
                    rows = self.by_id([{k: "" if v is None else str(v) for k, v in row.items()}
                                       for row in self.opened(name)])
                    wanted = wanted or rows
                    self.assertEqual(rows, wanted)
        self.assertEqual(len(wanted), 11)
        self.assertEqual(list(wanted[0]), ["id", "url", "status", "title", "error"])

    def test_types_in_jsonl(self):
        self.run_millrace(1, "scrape", self.urls, "-o", "out.jsonl")
        rows = sorted(self.opened("out.jsonl"), key=lambda row: row["id"])
        self.assertEqual([type(rows[0][k]) for k in ("id", "url", "status", "title", "error")],
                         [int, str, int, str, type(None)])
        self.assertIsNone(rows[10]["status"])

    def test_dash_is_standard_output(self):
        result = self.run_millrace(1, "scrape", self.urls, "-o", "-")
        self.assertEqual(len(tsv_rows(result.out)), 11)

    def test_no_fields(self):
        rows = self.scrape(2, self.urls, "-s", "none")
        self.assertEqual(list(rows[0]), ["id", "url", "status", "error"])

    def test_quiet(self):
        """-q: nothing but errors; a log and a summary else. A bar only where there is a terminal."""
        self.assertEqual(self.run_millrace(2, "scrape", self.urls, "-q").err, "")
        loud = self.run_millrace(2, "scrape", self.urls, "-v").err
        self.assertIn("11 records", loud)
        self.assertIn("rank 1:", loud)
        self.assertNotIn("\r", loud)

    def test_report(self):
        result = self.run_millrace(3, "scrape", self.urls, "--report", "report.json", "-q")
        report = json.loads((self.dir / "report.json").read_text())
        self.assertEqual((report["records"], report["succeeded"], report["failed"]), (11, 10, 1), result.err)
        self.assertEqual((report["ranks"], report["exit_code"], len(report["by_rank"])), (3, 1, 3))
        self.assertEqual(report["total"]["requests"], 10)
        self.assertEqual(sum(rank["requests"] for rank in report["by_rank"]), 10)

    def test_values_never_break_a_row(self):
        """Tabs, newlines, NULs, quotes and bytes that are no UTF-8 in a value."""
        nasty = 'a\tb\nc\rd\\t"e,\u2028\u00e9'
        body = json.dumps({"v": nasty, "nul": "x\0y"}).encode()

        def answer(connection):
            while millrace.read_request(connection):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                                   b"%d\r\n\r\n%s" % (len(body), body))

        server = self.enter(millrace.RawServer(answer))
        fields = ["-s", "v=json:/v", "-s", "nul=json:/nul", "-s", "raw=regex:(?s)^(.*)$"]
        wanted = {"v": nasty, "nul": "x\0y", "raw": body.decode()}
        for name in ("out.tsv", "out.csv", "out.jsonl"):
            with self.subTest(name):
                result = self.run_millrace(1, "scrape", server.url(), *fields, "-o", name)
                self.assertEqual(result.code, 0, result.err + repr((self.dir / name).read_bytes()))
                [row] = self.opened(name)
                if name == "out.csv":  # which cannot say NUL
                    wanted["nul"] = "x\ufffdy"
                self.assertEqual({k: row[k] for k in wanted}, wanted)
                wanted["nul"] = "x\0y"

    def test_bytes_that_are_no_text(self):
        rows = self.scrape(2, self.server.url("/bytes/[100000-100003]"), "-s", r"raw=regex:(?s)^(.{1000})", code=0)
        self.assertEqual([len(row["raw"]) for row in rows], [1000] * 4)


if __name__ == "__main__":
    millrace.main()
