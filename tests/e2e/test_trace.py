"""--trace: a timeline that strict readers take, that tells what happened, and the same as a picture."""

import json
import os
import signal
import subprocess
import xml.etree.ElementTree
from collections import Counter, defaultdict

import millrace
from millrace import Case, await_that, tsv_rows

THREADS = 2
LATE = 5e6  # us after the job's own end in which ranks may still say goodbye


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError(f"a name stands twice in {pairs}")
    return dict(pairs)


class Trace(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()
        os.environ["OMP_NUM_THREADS"] = str(THREADS)
        self.addCleanup(os.environ.pop, "OMP_NUM_THREADS")

    def load(self, name="t.json"):
        text = (self.dir / name).read_bytes().decode("utf-8")
        whole = json.loads(text, parse_constant=no_constant, object_pairs_hook=no_duplicates)
        self.assertEqual(set(whole), {"traceEvents", "displayTimeUnit", "otherData"})
        self.assertEqual(whole["otherData"]["events_left_out"], 0)
        return whole["traceEvents"]

    def traced(self, ranks, *args, code=0, **how):
        """Runs it; the events, after the checks that hold for every finished job."""
        result = self.run_millrace(ranks, *args, "--trace", "t.json", "--report", "r.json", **how)
        self.assertEqual(result.code, code, result.err)
        self.assertNoDisaster(result)
        self.report = json.loads((self.dir / "r.json").read_text())
        events = self.load()
        self.check(events, max(ranks, 1))
        return result, events

    # ------------------------------------------------------------ what holds for every trace

    def check(self, events, ranks, threads=THREADS, finished=True):
        end = self.report["seconds"] * 1e6 if finished else 60e6
        self.check_lanes(events, ranks, threads)
        for e in events:
            if e["ph"] != "M":
                self.assertGreaterEqual(e["ts"], 0)
                self.assertLessEqual(e["ts"] + e.get("dur", 0), end + (1 if e.get("cat") == "kernel" else LATE), e)
        self.check_slices(events)
        self.check_transfers(events)
        self.check_flows(events)
        self.check_counters(events, ended=finished)

    def check_lanes(self, events, ranks, threads):
        """All ranks and all of their lanes are there, each named once."""
        names = Counter((e["pid"], e["name"], e["tid"]) for e in events if e["ph"] == "M" and e["name"].endswith("_name"))
        wanted = {(rank, "process_name", 0) for rank in range(ranks)}
        wanted |= {(rank, "thread_name", tid) for rank in range(ranks) for tid in range(threads + 1)}
        self.assertEqual(names, Counter(wanted))
        self.assertLessEqual({(e["pid"], e["tid"]) for e in events}, {(rank, tid) for rank, _, tid in wanted})
        host = os.uname().nodename
        for e in events:
            if e["name"] == "process_name":
                self.assertEqual(e["args"]["name"], f"rank {e['pid']} ({host})")

    def check_slices(self, events):
        """Those of one lane follow each other. Only in the loop's does one lie within another: a kernel that runs there, and
        what is said at once of a signal."""
        lanes = defaultdict(list)
        for e in events:
            if e["ph"] == "X":
                self.assertGreaterEqual(e["dur"], 0)
                lanes[e["pid"], e["tid"]].append(e)
        for (_, tid), slices in lanes.items():
            slices.sort(key=lambda e: (e["ts"], -e["dur"]))
            open_until, holder = 0, None
            for e in slices:
                if e["ts"] < open_until - 0.001:  # of rounding
                    self.assertEqual((tid, e["name"] == "send" or e["cat"] == "kernel"), (0, True), (e, holder))
                    self.assertLessEqual(e["ts"] + e["dur"], open_until + 0.001)
                else:
                    open_until, holder = e["ts"] + e["dur"], e
                if tid > 0:
                    self.assertEqual(e["cat"], "kernel")

    def check_transfers(self, events):
        """Begins and ends pair up, phases lie within their transfer and follow each other without a gap."""
        stacks, last = defaultdict(list), {}
        for e in events:
            if e["ph"] not in "be":
                continue
            key = e["pid"], e["id2"]["local"]
            self.assertGreaterEqual(e["ts"], last.get(key, 0) if e["ph"] == "e" or stacks[key] else 0)
            last[key] = e["ts"]
            if e["ph"] == "b":
                self.assertEqual(e["name"] == "transfer", not stacks[key])
                stacks[key].append(e)
            else:
                begin = stacks[key].pop()
                self.assertEqual(begin["name"], e["name"])
                self.assertLessEqual(begin["ts"], e["ts"])
        self.assertFalse(any(stacks.values()))

    def check_flows(self, events):
        """Each batch that was sent was received, not before, and both are slices with the same figures."""
        at = {(e["pid"], e["ts"], e["name"]): e for e in events if e.get("cat") == "message" and e["ph"] == "X"}
        ends = {}
        for phase, name in (("s", "send"), ("f", "receive")):
            flows = [e for e in events if e["ph"] == phase]
            self.assertEqual(len(flows), len({e["id"] for e in flows}))
            ends[phase] = {e["id"]: (e, at[e["pid"], e["ts"], name]) for e in flows}
        self.assertEqual(set(ends["s"]), set(ends["f"]))
        self.assertEqual(len(at), 2 * len(ends["s"]))
        for batch, (start, sent) in ends["s"].items():
            finish, received = ends["f"][batch]
            self.assertLessEqual(start["ts"], finish["ts"])
            self.assertEqual((sent["pid"], sent["args"]["to"]), (received["args"]["from"], received["pid"]))
            for figure in ("batch", "bytes"):
                self.assertEqual(sent["args"][figure], received["args"][figure])

    def check_counters(self, events, ended):
        series = defaultdict(list)
        for e in events:
            if e["ph"] == "C":
                [value] = e["args"].values()
                self.assertGreaterEqual(value, 0)
                series[e["pid"], e["name"]].append((e["ts"], value))
        for (_, name), values in series.items():
            self.assertEqual(values, sorted(values, key=lambda v: v[0]))
            if ended or not name.startswith("records"):
                self.assertEqual(values[-1][1], 0, name)

    def transfers(self, events):
        return [e for e in events if e["ph"] == "b" and e["name"] == "transfer"]

    def kernels(self, events):
        return [e for e in events if e.get("cat") == "kernel"]

    # ------------------------------------------------------------ jobs

    def test_scrape(self):
        """Redirects, an error and answers: a slice for every request, a kernel for every body."""
        for ranks in (0, 1, 2, 3):
            with self.subTest(ranks=ranks):
                before = len(self.server.starts())
                urls = [self.server.url(f"/article/{n}?latency=0.02") for n in range(1, 41)]
                urls += [self.server.url(f"/random?n={n}") for n in range(5)] + [self.server.url("/status/404")]
                result, events = self.traced(ranks, "scrape", self.write("urls", "\n".join(urls)), "-c", "4", code=1)
                rows = self.by_id(tsv_rows(result.out))
                transfers, kernels = self.transfers(events), self.kernels(events)
                self.assertEqual(len(transfers), len(self.server.starts()) - before)
                self.assertEqual(Counter(e["args"]["id"] for e in transfers), Counter([*range(46), *range(40, 45)]))
                self.assertEqual(sum(e["args"]["bytes"] for e in transfers), self.report["total"]["received"])
                self.assertEqual(sorted(e["args"]["id"] for e in kernels), list(range(45)))
                self.assertEqual(Counter(e["args"]["status"] for e in transfers), {200: 45, 302: 5, 404: 1})
                for e in transfers:
                    self.assertGreaterEqual(e["args"].get("first byte [us]", 0), 19000 * (e["args"]["id"] < 40))
                    self.assertEqual(e["id2"]["local"], hex(e["args"]["id"]))
                    if e["args"]["status"] != 200 or e["args"]["id"] < 40:
                        self.assertEqual(e["args"]["url"], rows[e["args"]["id"]]["url"])
                by_rank = Counter(e["pid"] for e in transfers)
                self.assertEqual([by_rank[r] for r in range(max(ranks, 1))],
                                 [r["requests"] for r in self.report["by_rank"]])
                self.assertEqual(any(e["ph"] == "s" for e in events), ranks > 1)
                self.check_phases(events)

    def check_phases(self, events):
        """The origin answers after 20 ms: that is the first byte's phase, of new connections and of kept ones."""
        phases = Counter(e["name"] for e in events if e["ph"] == "b")
        self.assertEqual(phases["first byte"], phases["transfer"])
        self.assertEqual(phases["connect"], self.report["total"]["connections"])
        self.assertEqual(phases["TLS"], 0)
        begins = {}
        for e in events:
            if e["ph"] == "b" and e["name"] in ("transfer", "first byte"):
                begins[e["pid"], e["id2"]["local"], e["name"]] = e["ts"]
            if e["ph"] == "e" and e["name"] == "first byte" and int(e["id2"]["local"], 16) < 40:
                self.assertGreater(e["ts"] - begins[e["pid"], e["id2"]["local"], "first byte"], 19000)

    def test_kernels_on_the_loop(self):
        """They are in the loop's lane, and there is no other."""
        result = self.run_millrace(2, "scrape", self.server.url("/article/[1-20]"), "--strategy", "async", "--trace", "t.json",
                                   "--report", "r.json")
        self.assertEqual(result.code, 0, result.err)
        self.report = json.loads((self.dir / "r.json").read_text())
        events = self.load()
        self.check(events, 2, threads=0)
        self.assertEqual(Counter((e["pid"], e["tid"]) for e in self.kernels(events)), {(0, 0): 20})

    def test_pow(self):
        result, events = self.traced(2, "pow", "20000..20019", "tower:3^4")
        self.assertEqual(sorted(e["name"] for e in self.kernels(events)), sorted(r["item"] for r in tsv_rows(result.out)))
        self.assertEqual(self.transfers(events), [])

    def test_fetch(self):
        _, events = self.traced(2, "fetch", self.server.url("/article/[1-10]"), "-o", "d/{id}")
        self.assertEqual((len(self.transfers(events)), len(self.kernels(events))), (10, 10))

    def test_many(self):
        """More than one piece from each rank."""
        _, events = self.traced(2, "scrape", self.server.url("/bytes/10?n=[1-6000]"), "-s", "none", "-c", "64", "--per-host", "0")
        self.assertEqual(sorted(e["args"]["id"] for e in self.transfers(events)), list(range(6000)))
        self.assertEqual(self.kernels(events), [])

    def test_hostile_texts(self):
        urls = [self.server.url("/status/404?%22}]\"'{\\<script>"), self.server.url("/status/404?\u2028\U0001f30a"),
                self.server.url("/status/404?" + "x" * 4000)]
        _, events = self.traced(0, "scrape", self.write("urls", "\n".join(urls)), code=1)
        self.assertEqual(len(self.transfers(events)), 3)
        self.assertEqual(max(len(e["args"]["url"]) for e in self.transfers(events)), 255)

    def test_nothing_to_do(self):
        _, events = self.traced(2, "scrape", self.write("urls", "# nothing\n"))
        self.assertEqual(self.transfers(events), [])

    # ------------------------------------------------------------ hosts

    def test_clocks(self):
        """A rank whose clock is 1000 s ahead, as on another host: its events are where they belong."""
        within = ["unshare", "--fork", "--time", "--monotonic", "1000"]
        if subprocess.run([*within, "true"], capture_output=True, timeout=20, check=False).returncode:
            self.skipTest("no right to make a clock")
        own = [millrace.PROGRAM, "scrape", self.server.url("/article/[1-60]?latency=0.01"), "--trace", "t.json", "--report",
               "r.json", "-c", "4"]
        command = [millrace.MPIRUN, "-q", "--oversubscribe", "-n", "1", *own, ":", "-n", "1", *within, *own]
        done = subprocess.run(command, cwd=self.dir, env=millrace.mpi_environment(self.dir), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=millrace.LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.report = json.loads((self.dir / "r.json").read_text())
        events = self.load()
        clocks = json.loads((self.dir / "t.json").read_text())["otherData"]["clocks"]
        self.assertEqual((clocks[0]["ahead_ns"], clocks[0]["imprecise_ns"]), (0, 0))
        self.assertLess(abs(clocks[1]["ahead_ns"] - 1000e9), clocks[1]["imprecise_ns"] + 1000)
        self.assertLess(clocks[1]["imprecise_ns"], 5e6)
        self.check(events, 2)
        self.assertEqual(len(self.kernels(events)), 60)

    # ------------------------------------------------------------ ends

    def interrupted(self, ranks, number):
        process = self.start(ranks, ["scrape", self.server.url("/article/[1-5]"), self.server.url("/delay/1?[1-5000]"), "-c",
                                     "4", "--trace", "t.json"])
        await_that(lambda: len(self.server.starts("/delay")) >= 3, "requests")
        await_that(lambda: sum(e.event == "end" for e in self.server.log()) >= 5, "five answers")
        process.send_signal(number)
        self.assertEqual(self.wait(process), 75, self.said())
        events = self.load()
        self.check(events, max(ranks, 1), finished=False)
        self.assertGreaterEqual(len(self.transfers(events)), 5)
        return [e for e in self.transfers(events) if e["args"].get("dropped")]

    def test_usr1(self):
        self.assertEqual(self.interrupted(2, signal.SIGUSR1), [])

    def test_int(self):
        dropped = self.interrupted(0, signal.SIGINT)
        self.assertGreaterEqual(len(dropped), 3)
        self.assertEqual({e["args"]["status"] for e in dropped}, {0})

    def test_path_that_cannot_be_written(self):
        """Told before anything is fetched."""
        for ranks in (0, 2):
            for path in ("no/such/t.json", "no/such/t.svg"):
                result = self.run_millrace(ranks, "scrape", self.server.url("/article/1"), "--trace", path)
                self.assertEqual(result.code, 3, result.err)
                self.assertIn(f"cannot write the trace {path}: No such file", result.err)
                self.assertNoDisaster(result)
        self.assertEqual(self.server.starts(), [])

    def test_full_disk(self):
        result = self.run_millrace(2, "scrape", self.server.url("/article/[1-5]"), "--trace", "/dev/full")
        self.assertEqual(result.code, 3, result.err)
        self.assertIn("cannot write the trace /dev/full: No space left", result.err)
        self.assertEqual(len(tsv_rows(result.out)), 5)

    def test_two_files_of_one_name(self):
        for other in ("-o", "--report"):
            result = self.run_millrace(0, "scrape", self.server.url("/article/1"), "--trace", "f", other, "f")
            self.assertEqual(result.code, 2, result.err)

    # ------------------------------------------------------------ the picture

    def test_picture(self):
        for ranks, count, args in ((0, 20, []), (3, 200, ["-c", "64", "--per-host", "0"]), (2, 20, ["--strategy", "async"])):
            with self.subTest(ranks=ranks):
                urls = self.server.url(f"/article/[1-{count}]?latency=0.05&secret")
                self.scrape(ranks, urls, *args, "--trace", "t.svg", code=0)
                text = (self.dir / "t.svg").read_text()
                self.assertEqual(xml.etree.ElementTree.fromstring(text).tag, "{http://www.w3.org/2000/svg}svg")
                self.assertNotIn("secret", text)
                for rank in range(max(ranks, 1)):
                    self.assertIn(f"rank {rank} on {os.uname().nodename}", text)
                self.assertIn("time since the job began [s]", text)

    def test_picture_without_gnuplot(self):
        """On a path that has all else: MPI needs some of it."""
        tools = self.dir / "tools"
        tools.mkdir()
        for folder in os.environ["PATH"].split(":"):
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                if "gnuplot" not in name and not (tools / name).is_symlink():
                    (tools / name).symlink_to(os.path.join(folder, name))
        environment = millrace.mpi_environment(self.dir) | {"PATH": str(tools)}
        done = subprocess.run([millrace.PROGRAM, "scrape", self.server.url("/article/1"), "--trace", "t.svg"], cwd=self.dir,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=millrace.LIMIT, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("gnuplot-nox", done.stderr)
        self.assertEqual(self.server.starts(), [])


if __name__ == "__main__":
    millrace.main()
