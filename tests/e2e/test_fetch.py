"""`millrace fetch`: each body to a file of its own, whole or not at all, and never elsewhere; TLS and HTTP/2."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

import millrace
from millrace import Case, RawServer, read_request, tsv_rows


def body_of(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        return answer.read()


class Fetch(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()

    def fetch(self, ranks, *args, code=0):
        result = self.run_millrace(ranks, "fetch", *args)
        self.assertEqual(result.code, code, result.err + result.out.decode())
        self.assertNoDisaster(result)
        return self.by_id(tsv_rows(result.out))

    def files(self, below="."):
        """Name and content of every file, whatever its kind, but the test's own."""
        own = re.compile(r"(out|err|stdin|urls)$|origin\d+/|nginx\d+/|ompi\.")
        found = {}
        for top, _, names in os.walk(self.dir / below):
            for name in names:
                path = os.path.join(top, name)
                if not own.match(shown := os.path.relpath(path, self.dir)): # MPI's vanish while one looks
                    found[shown] = None if os.path.islink(path) else pathlib.Path(path).read_bytes()
        return found

    def test_genres(self):
        """The founding job: 20 genres, each in a file; no temporary file is left."""
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                rows = self.fetch(ranks, self.server.url("/genre"), "--repeat", "20", "-o", "genres/new_file{id}.txt")
                files = self.files("genres")
                self.assertEqual(set(files), {f"genres/new_file{n}.txt" for n in range(20)})
                for row in rows:
                    self.assertEqual((row["status"], row["error"]), ("200", ""))
                    self.assertIn(f"new_file{row['id']}.txt", row["file"])
                for content in files.values():
                    self.assertIsInstance(json.loads(content)["genre"], str)

    def test_value_instead_of_body(self):
        self.fetch(2, self.server.url("/genre"), "--repeat", "5", "-o", "genres/{id}", "-s", "genre=json:/genre")
        bodies = [content.decode().rstrip("\n") for content in self.files("genres").values()]
        self.assertEqual(len(bodies), 5)
        for text in bodies:
            self.assertRegex(text, r"^[\w -]+$")

    def test_bodies(self):
        """Byte for byte as the server has them, decoded; as many as there are."""
        targets = ["/article/1", "/article/2?gzip", "/article/3?br", "/bytes/100000", "/bytes/0", "/genre"]
        wanted = [body_of(self.server.url(t.partition("?")[0])) for t in targets[:5]]
        rows = self.fetch(3, self.write("urls", "".join(self.server.url(t) + "\n" for t in targets)), "-o", "d/{id}.{ext}")
        files = self.files("d")
        self.assertEqual(set(files), {f"d/{n}.{e}" for n, e in enumerate(["html", "html", "html", "bin", "bin", "json"])})
        for n, content in enumerate(wanted):
            self.assertEqual(files[f"d/{rows[n]['file'].rpartition('/')[2]}"], content, targets[n])

    def test_failures_leave_no_files(self):
        targets = ["/status/404", "/article/1?reset=1000", "/article/1?endless", "/article/1?content-length=200000",
                   "/article/1?bomb=64", "/article/1"]
        rows = self.fetch(2, self.write("urls", "".join(self.server.url(t) + "\n" for t in targets)), "-o", "d/{id}",
                          "--retries", "0", "--max-body", "300K", "--timeout", "3", code=1)
        self.assertEqual([bool(r["error"]) for r in rows], [True] * 5 + [False])
        self.assertEqual([r["file"] for r in rows[:5]], [""] * 5)
        self.assertEqual(set(self.files("d")), {"d/5"})

    def test_replaces(self):
        """A file of that name is replaced, never written into: who holds it open keeps the old one."""
        self.write("d/0.html", "old")
        with open(self.dir / "d/0.html", "rb") as held:
            self.fetch(0, self.server.url("/article/1"), "-o", "d/{id}.{ext}")
            self.assertEqual(held.read(), b"old")
        self.assertIn(b"<h1", self.files("d")["d/0.html"])

    def test_hostile_names(self):
        """Neither host names nor content types lead out of the directory."""
        hosts = ["..", "...", "a..b", "-rf", "%2e%2e%2fx", "a%2fb", "UPPER.example", "..%5c..%5cx", "con", "h" * 60 + ".example",
                 "%2e%2e", "[::1]"]
        types = ["../../x", "text/../../etc", "text/html%0a", "a/b%00", "%2fetc%2fpasswd", "text/" + "h" * 100]
        urls = [f"http://{h}/article/1" for h in hosts] + [f"http://a.example/article/2?type={t}" for t in types]
        rows = self.by_id(tsv_rows(self.run_millrace(
            3, "fetch", self.write("urls", "\n".join(urls)), "-o", "deep/below/{host}/x{id}.{ext}", "--retries", "0",
            "--connect-to", f"::127.0.0.1:{self.server.port}").out))
        self.assertEqual(len(rows), len(urls))
        files = self.files()
        self.assertEqual(len(files), sum(r["error"] == "" for r in rows), files.keys())
        self.assertGreaterEqual(len(files), len(types))
        for name in files:
            self.assertRegex(name, r"^deep/below/[A-Za-z0-9._-]+/x[0-9]+\.[a-z0-9]+$")
            self.assertNotIn("/.", name)

    def test_planted_directory(self):
        """A symbolic link in the place of a host's directory is not followed."""
        (self.dir / "outside").mkdir()
        (self.dir / "d").mkdir()
        (self.dir / "d" / "127.0.0.1").symlink_to(self.dir / "outside")
        [row] = self.fetch(0, self.server.url("/article/1"), "-o", "d/{host}/{id}.{ext}", code=1)
        self.assertNotEqual(row["error"], "")
        self.assertEqual(list((self.dir / "outside").iterdir()), [])

    def test_planted_file(self):
        """A symbolic link in the place of the file is replaced, its target untouched."""
        self.write("outside", "mine")
        (self.dir / "d").mkdir()
        (self.dir / "d" / "0.html").symlink_to(self.dir / "outside")
        self.fetch(0, self.server.url("/article/1"), "-o", "d/{id}.{ext}")
        self.assertEqual((self.dir / "outside").read_text(), "mine")
        self.assertIn(b"<h1", self.files("d")["d/0.html"])

    def test_patterns(self):
        for pattern in ("d/file.txt", "d/{host}", "{nonsense}{id}", "{id", "d/{host}/../{id}", ""):
            with self.subTest(pattern):
                result = self.run_millrace(0, "fetch", self.server.url("/genre"), "-o", pattern)
                self.assertEqual(result.code, 2, result.err)
                self.assertIn(pattern or "''", result.err)
        self.assertEqual(self.server.starts(), [])
        self.fetch(0, self.server.url("/genre"), "-o", "d/")
        self.fetch(0, self.server.url("/genre"), "-o", "{{d}}{id}")
        self.assertEqual(set(self.files()), {"d/0.json", "{d}0"})

    def test_directory_that_cannot_be_made(self):
        self.write("file", "x")
        for ranks in (0, 3):
            result = self.run_millrace(ranks, "fetch", self.server.url("/genre"), "-o", "file/{id}")
            self.assertEqual(result.code, 3, result.err)
            self.assertIn("file", result.err)
        self.assertEqual(self.server.starts(), [])

    def test_directory_that_becomes_full(self):
        """A file that can't be kept is a row with an error, and nothing of it is left."""
        disk = self.dir / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, timeout=20).returncode:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], timeout=20)
        rows = self.fetch(0, self.server.url("/bytes/30000?n=[1-5]"), "-o", "disk/{id}", code=1)
        kept = [r for r in rows if not r["error"]]
        self.assertEqual(len(kept), 2)
        for row in rows:
            if row["error"]:
                self.assertIn("No space left", row["error"])
        self.assertEqual({name for name in os.listdir(disk)}, {r["id"] for r in kept})


class Tls(Case):
    def setUp(self):
        super().setUp()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.dir / "key.pem", "-out", self.dir / "cert.pem"],
                       check=True, capture_output=True, timeout=60)
        self.write("www/a.html", "<title>t</title><h1>Over TLS</h1>")
        self.server = self.nginx(f"listen 127.0.0.1:PORT ssl http2; root {self.dir}/www;"
                                 f" ssl_certificate {self.dir}/cert.pem; ssl_certificate_key {self.dir}/key.pem;")
        self.page = f"https://127.0.0.1:{self.server.port}/a.html"
        self.trust = ["--cacert", self.dir / "cert.pem"]

    def versions(self):
        return re.findall(r'"GET \S+ (HTTP/\S+)"', self.server.access_log())

    def test_http_2(self):
        """Where the server offers it, and few connections carry it."""
        result = self.run_millrace(3, "scrape", self.page + "?[1-60]", *self.trust, "--report", "report.json")
        rows = self.by_id(tsv_rows(result.out))
        self.assertEqual({(r["status"], r["title"], r["error"]) for r in rows}, {("200", "Over TLS", "")})
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(self.versions(), ["HTTP/2.0"] * 60)
        report = json.loads((self.dir / "report.json").read_text())
        self.assertLessEqual(report["total"]["connections"], 12, "streams share connections")

    def test_http_1(self):
        self.scrape(0, self.page, *self.trust, "--http", "1.1", code=0)
        self.assertEqual(self.versions(), ["HTTP/1.1"])

    def test_fetch(self):
        result = self.run_millrace(2, "fetch", self.page, *self.trust, "-o", "d/{host}-{id}.{ext}")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual((self.dir / "d/127.0.0.1-0.html").read_bytes(), (self.dir / "www/a.html").read_bytes())

    def test_not_trusted(self):
        [row] = self.scrape(0, self.page, code=1)
        self.assertEqual(row["status"], "")
        self.assertIn("certificate", row["error"])
        self.assertEqual(self.versions(), [])

    def test_wrong_name(self):
        [row] = self.scrape(0, f"https://elsewhere.example:{self.server.port}/a.html", *self.trust, "--connect-to",
                            f"::127.0.0.1:{self.server.port}", code=1)
        self.assertEqual(row["status"], "")
        self.assertNotEqual(row["error"], "")
        self.assertEqual(self.versions(), [])

    def test_plain_http(self):
        """https asked of one who does not speak it, and the other way about."""
        def plain(connection):
            read_request(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        server = self.enter(RawServer(plain))
        rows = self.scrape(0, self.write("urls", server.url().replace("http", "https") + "\n" +
                                         self.page.replace("https", "http")), "--retries", "0", code=1)
        self.assertEqual((rows[0]["status"], bool(rows[0]["error"])), ("", True))
        self.assertEqual((rows[1]["status"], rows[1]["error"]), ("400", "HTTP 400"))


if __name__ == "__main__":
    millrace.main()
