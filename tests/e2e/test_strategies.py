"""Every --strategy gives the same rows, and the origin sees the traffic that it stands for."""

import json
import os

import millrace
from millrace import Case, tsv_rows

RANKS, THREADS = 3, 2
# Transfers in flight at most, and the least that must have been seen at one time.
TRAFFIC = {"sequential": (1, 1), "threads": (THREADS, THREADS), "async": (8, 6), "processes": (RANKS, RANKS),
           "hybrid": (8 * RANKS, 9)}


class Strategies(Case):
    def setUp(self):
        super().setUp()
        os.environ["OMP_NUM_THREADS"] = str(THREADS)
        self.addCleanup(os.environ.pop, "OMP_NUM_THREADS")

    def test_traffic_and_rows(self):
        seen = {}
        for name, (most, least) in TRAFFIC.items():
            with self.subTest(strategy=name):
                server = self.origin()
                urls = self.write("urls", "".join(server.url(f"/article/{n}?latency=0.1") + "\n" for n in range(1, 25)))
                rows = self.scrape(RANKS, urls, "--strategy", name, "-c", "8", "-s", "title=h1", "-s", "p=p", code=0)
                seen[name] = [(row["title"], row["p"]) for row in rows]
                in_flight = max(event.in_flight for event in server.starts())
                self.assertLessEqual(in_flight, most)
                self.assertGreaterEqual(in_flight, least)
        self.assertEqual(len(seen["hybrid"]), 24)
        for name, rows in seen.items():
            self.assertEqual(rows, seen["hybrid"], name)

    def test_ranks_that_take_part(self):
        server = self.origin()
        for name, ranks in (("sequential", 1), ("threads", 1), ("async", 1), ("processes", 2), ("hybrid", 2)):
            with self.subTest(strategy=name):
                self.scrape(2, server.url("/article/[1-40]?latency=0.02"), "--strategy", name, "--report", "r.json", code=0)
                report = json.loads((self.dir / "r.json").read_text())
                self.assertEqual(report["strategy"], name)
                self.assertEqual(sum(rank["requests"] > 0 for rank in report["by_rank"]), ranks)

    def test_powers(self):
        seen = set()
        for name in TRAFFIC:
            with self.subTest(strategy=name):
                result = self.run_millrace(2, "pow", "--strategy", name, "30000..30009", "tower:2^10", "--sha256")
                self.assertEqual(result.code, 0, result.err)
                seen.add(tuple(sorted((row["item"], row["sha256"]) for row in tsv_rows(result.out))))
        self.assertEqual([len(rows) for rows in seen], [20])

    def test_long_kernel(self):
        """A rank whose event loop computes for longer than --rank-timeout is not taken for lost, nor are the others by it."""
        for name, places in (("sequential", 1), ("processes", 3), ("hybrid", 3)):
            with self.subTest(strategy=name):
                items = [f"{12345677 + 2 * i}^12000000" for i in range(places)]
                result = self.run_millrace(3, "pow", "--strategy", name, "--rank-timeout", "1", *items)
                self.assertEqual(result.code, 0, result.err)
                rows = tsv_rows(result.out)
                self.assertEqual(len(rows), places)
                if name != "hybrid":
                    self.assertGreater(min(float(row["seconds"]) for row in rows), 1.5, "too quick to test anything")
                self.assertNotIn("heard", result.err)

    def test_fetch(self):
        server = self.origin()
        for name in TRAFFIC:
            with self.subTest(strategy=name):
                result = self.run_millrace(2, "fetch", "--strategy", name, server.url("/article/[1-5]"), "-o", f"{name}/{{id}}.html")
                self.assertEqual(result.code, 0, result.err)
                pages = [(self.dir / name / f"{i}.html").read_bytes() for i in range(5)]
                self.assertEqual(pages, [(self.dir / "sequential" / f"{i}.html").read_bytes() for i in range(5)])

    def test_failures_and_retries(self):
        """What is tried again holds no strategy up."""
        for name in TRAFFIC:
            with self.subTest(strategy=name):
                server = self.origin()
                rows = self.scrape(2, server.url("/{article/1?fail=1,status/404,nothing,article/2}"), "--strategy", name,
                                   code=millrace.SOME_FAILED)
                self.assertEqual([row["status"] for row in rows], ["200", "404", "404", "200"])

    def test_unknown(self):
        result = self.run_millrace(0, "pow", "2^2", "--strategy", "magic")
        self.assertEqual(result.code, millrace.USAGE)
        self.assertIn("'magic' is not sequential, threads, async, processes or hybrid", result.err)


if __name__ == "__main__":
    millrace.main()
