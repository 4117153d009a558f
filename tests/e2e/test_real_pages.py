"""Real pages of Debian packages, served by nginx: the rows are exactly what an independent extraction gives,
whatever the number of ranks."""

import multiprocessing
import pathlib
import unittest

import millrace
import oracle
from millrace import Case, tsv_rows

DOC = pathlib.Path("/usr/share/doc")
SITES = [DOC / "sqlite3", DOC / "postgresql-doc-15" / "html"]
NAMES = ("h1", "h2", "title", "p")
MISSING = ["sqlite3/no-such-page.html", "postgresql-doc-15/html/nor this.html".replace(" ", "%20"),
           "sqlite3/c3ref/../../../../etc/passwd.html", "nowhere/at/all.html"]

# Where the two parsers differ, the standard's is right: "&sup1" without a semicolon is a character, and <h2>...</h1>
# ends the h2 (HTML Standard 13.2.6.4.7). libxml2 knows neither.
LXML_ERRS_ON = {"sqlite3/floatingpoint.html", "sqlite3/keyword_index.html", "sqlite3/doclist.html",
                "sqlite3/docs.html"}

SERVER = """
    listen 127.0.0.1:PORT; root /usr/share/doc; gzip on; gzip_min_length 1000; charset utf-8;
"""


def both(path):
    page = path.read_bytes()
    return oracle.by_lxml(page, NAMES), oracle.by_standard(page, NAMES)


def expected_values():
    """Of each page, by its path below DOC: the standard's values, which lxml confirms."""
    pages = sorted(p for site in SITES for p in site.rglob("*.html") if p.is_file())
    with multiprocessing.Pool(2) as pool:
        values = pool.map(both, pages, chunksize=50)
    names = [str(page.relative_to(DOC)) for page in pages]
    disputed = {name for name, (lxml, standard) in zip(names, values) if lxml != standard}
    return {name: standard for name, (_, standard) in zip(names, values)}, disputed


class RealPages(Case):
    @classmethod
    def setUpClass(cls):
        cls.expected, cls.disputed = expected_values()

    def setUp(self):
        super().setUp()
        self.server = self.nginx(SERVER)

    def url(self, name):
        return f"http://127.0.0.1:{self.server.port}/{name}"

    def test_oracle(self):
        """The oracle has something to say, and its two parsers agree."""
        self.assertGreaterEqual(len(self.expected), 1000)
        self.assertLessEqual(self.disputed, LXML_ERRS_ON)
        for i, name in enumerate(NAMES):
            found = sum(1 for values in self.expected.values() if values[i])
            self.assertGreaterEqual(found, 200, f"pages with a <{name}>")

    def scrape_all(self, ranks):
        names = sorted(self.expected)
        wanted = sorted([(self.url(n), "200", *self.expected[n], "") for n in names] +
                        [(self.url(n), "404", *([""] * len(NAMES)), "HTTP 404") for n in MISSING])
        urls = "".join(f"{self.url(n)}\n" for n in MISSING[:2] + names + MISSING[2:])
        fields = [f"-sv{i}={name}" for i, name in enumerate(NAMES)]
        result = self.run_millrace(ranks, "scrape", self.write("urls", urls), "-q", *fields)
        rows = self.by_id(tsv_rows(result.out))
        got = sorted((r["url"], r["status"], *(r[f"v{i}"] for i in range(len(NAMES))), r["error"]) for r in rows)
        self.assertEqual(result.code, millrace.SOME_FAILED, result.err)
        self.assertEqual(len(got), len(wanted))
        wrong = [(g, w) for g, w in zip(got, wanted) if g != w]
        self.assertEqual(wrong[:3], [], f"{len(wrong)} rows of {len(wanted)} differ (got, wanted)")
        for position, row in enumerate(rows):  # the id is the position in the input
            self.assertEqual(row["url"], urls.split("\n")[position])

    def test_ranks_1(self):
        self.scrape_all(1)

    def test_ranks_2(self):
        self.scrape_all(2)

    def test_ranks_3(self):
        self.scrape_all(3)

    def test_ranks_7(self):
        self.scrape_all(7)

    def test_all_found(self):
        """Without a page that is missing the exit code is 0."""
        urls = "".join(f"{self.url(n)}\n" for n in sorted(self.expected)[:20])
        self.scrape(1, self.write("urls", urls), code=millrace.OK)

    def test_default_field(self):
        """Without --select there is a column title, of the first h1."""
        names = [n for n in sorted(self.expected) if self.expected[n][0]][:50]
        rows = self.scrape(2, self.write("urls", "".join(f"{self.url(n)}\n" for n in names)), code=millrace.OK)
        self.assertEqual([r["title"] for r in rows], [self.expected[n][0] for n in names])


if __name__ == "__main__":
    millrace.main()
