"""millrace bench: every strategy does the same work, and what it writes can be relied on."""

import json
import os
import pathlib
import signal

import millrace
from millrace import Case, await_that, csv_rows

ALL = ["sequential", "threads", "async", "processes", "hybrid"]
QUICK = {"genres": ("--latency=0.01",), "powers": ("--pages=3",), "towers": ("--pages=12",),
         "titles": ("--pages=20", "--latency=0.02"), "overlap": ("--latency=0.05",), "mixed": ("--pages=6", "--latency=0.02")}
FETCHING = set(QUICK) - {"powers", "towers"}


class Bench(Case):
    def bench(self, ranks, *args, code=0):
        result = self.run_millrace(ranks, "bench", *args)
        self.assertEqual(result.code, code, result.err)
        return result._replace(out=result.out.decode())

    def results(self, name="result"):
        return csv_rows((self.dir / f"{name}.csv").read_bytes()), json.loads((self.dir / f"{name}.json").read_text())

    def test_workloads(self):
        for workload, options in QUICK.items():
            with self.subTest(workload=workload):
                result = self.bench(2, workload, *options, "--runs=2", "-q", "-o", "result.csv")
                self.assertEqual(result.err, "")
                rows, told = self.results()
                strategies = [name for name in ALL if workload in FETCHING or name != "async"]
                parts = ["fetch-alone", "compute-alone"] if workload == "mixed" else []
                self.assertEqual([s["strategy"] for s in told["settings"]], strategies + parts)
                self.assertEqual(len(rows), 2 * len(strategies + parts))
                for name in strategies + parts:
                    self.assertIn(f"\n{name} ", result.out)
                self.check_rows(rows, workload)
                self.assertEqual(list(self.dir.glob("millrace-bench*")), [])

    def check_rows(self, rows, workload):
        sizes = {"genres": 5, "powers": 3, "towers": 12, "titles": 20, "overlap": 2, "mixed": 6}
        for row in rows:
            self.assertEqual((row["source"], row["series"], row["workload"]), ("measured", "strategies", workload))
            self.assertEqual(int(row["records"]), sizes[workload])
            self.assertGreater(float(row["seconds"]), 0)
            self.assertGreater(float(row["cpu_seconds"]), 0)
            self.assertEqual(int(row["cores"]), int(row["ranks"]) * max(1, int(row["threads"])))
            self.assertEqual(float(row["requests_per_second"]) > 0, workload in FETCHING)
            self.assertEqual(int(row["ranks"]), 1 if row["strategy"] in ("sequential", "threads", "async") else 2)

    def test_ranks_and_threads(self):
        for ranks in (0, 1, 3, 7):
            with self.subTest(ranks=ranks):
                self.bench(ranks, "titles", "--pages=15", "--latency=0.01", "--runs=1", "--threads=2", "-o", "result")
                _, told = self.results()
                names = [name for name in ALL if name != "processes" or ranks > 1]
                self.assertEqual([s["strategy"] for s in told["settings"]], names)
                hybrid = told["settings"][-1]
                self.assertEqual((hybrid["ranks"], hybrid["threads"], hybrid["in_flight"]), (max(ranks, 1), 2, 15))

    def test_traffic_goes_to_the_origin(self):
        """One at a time is one at a time, and what is asked for is what the workload says."""
        server = self.origin()
        self.bench(2, "titles", "--pages=12", "--latency=0.05", "--runs=1", "--url", server.url(), "--strategy=sequential,hybrid",
                   "-c", "6")
        starts = server.starts()
        self.assertEqual(len(starts), 2 * 24)
        self.assertEqual(max(e.in_flight for e in starts[:24]), 1)
        self.assertGreater(max(e.in_flight for e in starts[24:]), 6)
        self.assertTrue(all("latency=0.025" in e.target for e in starts))

    def test_results_tell_of_the_machine(self):
        self.bench(1, "towers", "--runs=1", "--pages=5", "-o", "result.json", "--machine", 'my "old", slow one', "--series=strong")
        rows, told = self.results()
        self.assertEqual({row["machine"] for row in rows}, {'my "old", slow one'})
        self.assertEqual({row["series"] for row in rows}, {"strong"})
        self.assertEqual(told["machine"]["label"], 'my "old", slow one')
        self.assertIn("Open MPI", told["versions"]["mpi"])
        self.assertRegex(told["versions"]["commit"], r"^([0-9a-f]{12}(-dirty)?|unknown)$")
        self.assertRegex(told["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("tower:2^5", told["command"])
        for setting in told["settings"]:
            self.assertEqual(len(setting["runs"]), 1)
            self.assertEqual(setting["seconds"]["median"], setting["runs"][0]["seconds"])

    def test_other_rows_are_an_error(self):
        answers = iter(range(1000))

        def handle(connection):
            millrace.read_request(connection)
            body = b'{"genre": "%d"}' % next(answers)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        with millrace.RawServer(handle) as server:
            result = self.bench(2, "genres", "--url", server.url(), "--runs=1", "-q", code=millrace.STOPPED)
        self.assertIn("threads gave other rows than sequential", result.err)
        self.assertIn("sequential", result.out)
        self.assertNotIn("hybrid", result.out)

    def test_failures_end_it(self):
        def handle(connection):
            millrace.read_request(connection)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

        with millrace.RawServer(handle) as server:
            result = self.bench(2, "genres", "--url", server.url(), "--runs=1", code=millrace.SOME_FAILED)
        self.assertIn("sequential: 5 of 5 rows have an error", result.err)

    def test_interrupted(self):
        process = self.start(2, ["bench", "overlap", "--latency=20", "--runs=1", "-o", "result"])
        ranks = await_that(lambda: self.jobs(process) if b"sequential, run 1" in (self.dir / "err").read_bytes() else None, "the first run")
        for pid in ranks:
            os.kill(pid, signal.SIGINT)
        self.assertEqual(self.wait(process), millrace.INTERRUPTED, self.said())
        self.assertEqual(millrace.session_of(process.pid), [])
        self.assertEqual([*self.dir.glob("millrace-bench*"), *self.dir.glob("result*")], [])

    def jobs(self, process):
        """The ranks, and not the origin."""
        return [pid for pid in millrace.rank_processes(process)
                if b"serve" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]

    def test_origin_ends_with_a_killed_bench(self):
        process = self.start(1, ["bench", "overlap", "--latency=20", "--runs=1"])
        await_that(lambda: b"sequential, run 1" in (self.dir / "err").read_bytes(), "the first run")
        self.assertEqual(len(millrace.rank_processes(process)), 2)
        os.kill(self.jobs(process)[0], signal.SIGKILL)
        self.wait(process)
        await_that(lambda: not millrace.rank_processes(process), "the origin's end")

    def test_wrong_usage(self):
        cases = {
            (): "name a workload", ("nothing",): "there is no workload 'nothing'", ("genres", "powers"): "one workload at a time",
            ("powers", "--latency=1"): "of workloads that fetch", ("powers", "--url=http://127.0.0.1:1"): "of workloads that fetch",
            ("towers", "--pages=33"): "up to 32", ("overlap", "--pages=101"): "more than this workload",
            ("genres", "--strategy=magic"): "'magic' is not", ("genres", "--strategy=async,async"): "'async' is not given once",
            ("genres", "--runs=0"): "--runs: '0'", ("genres", "--pages=x"): "--pages: 'x'", ("genres", "--url=ftp://x"): "--url",
            ("genres", "--latency=-1"): "--latency", ("genres", "-o", ""): "--output", ("genres", "--what"): "--what",
        }
        for args, says in cases.items():
            for ranks in (0, 2):
                with self.subTest(args=args, ranks=ranks):
                    result = self.bench(ranks, *args, code=millrace.USAGE)
                    self.assertIn(says, result.err)
                    self.assertEqual(result.err.count(says), 1)

    def test_places_that_cannot_be_written(self):
        result = self.bench(2, "towers", "--runs=1", "-o", "nowhere/result", code=millrace.STOPPED)
        self.assertIn("cannot write nowhere/result.csv: No such file or directory", result.err)
        self.assertNotIn("run 1", result.err)
        (self.dir / "result.json").mkdir()
        result = self.bench(1, "towers", "--runs=1", "-o", "result", code=millrace.STOPPED)
        self.assertIn("cannot write result.json: Is a directory", result.err)
        self.assertFalse((self.dir / "result.csv").exists())

    def test_trace(self):
        """Of a run that is not counted."""
        self.bench(2, "mixed", "--pages=6", "--latency=0.02", "--strategy=async,hybrid", "--runs=1", "-o", "result", "--trace", "t.json")
        whole = json.loads((self.dir / "t.json").read_text())
        self.assertEqual(sum(e["ph"] == "b" and e["name"] == "transfer" for e in whole["traceEvents"]), 6)
        self.assertEqual([row["strategy"] for row in self.results()[0]], ["async", "hybrid"])
        result = self.bench(2, "towers", "--runs=1", "--trace", "nowhere/t.svg", code=millrace.STOPPED)
        self.assertIn("cannot write nowhere/t.svg: No such file or directory", result.err)
        self.assertNotIn("run 1", result.err)

    def test_help(self):
        result = self.bench(0, "--help")
        for option in ("--strategy", "--pages", "--latency", "--runs", "--url", "--output"):
            self.assertIn(option, result.out)


if __name__ == "__main__":
    millrace.main()
