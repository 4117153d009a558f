"""What is drawn of results: jobs/plot.sh; and how they are gathered on one machine: jobs/scaling.sh."""

import csv
import io
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest
from lxml import etree

import millrace
from millrace import Case, await_that, csv_rows

JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"
COLUMNS = ("source series workload strategy ranks threads cores in_flight run records seconds requests_per_second cpu_seconds"
           " overlap stall_seconds latency machine nodes version commit mpi date").split()
STRATEGIES = {"sequential": 80.0, "threads": 40.0, "async": 1.0, "processes": 41.0, "hybrid": 0.8}
# Whatever gnuplot, XML, printf or a shell might take for something else.
HOSTILE = """a_b^{2}c &~ @x `touch pwned` $(touch pwned) 'q' "dq" <b>&amp;</b> back\\slash\\n %d %s%% # ; é × end\\"""


def row(series, ranks, threads, seconds, **more):
    values = dict(source="measured", series=series, workload="powers", strategy="hybrid", ranks=ranks, threads=threads,
                  cores=ranks * max(threads, 1), run=1, records=1000, seconds=seconds, latency=0.4,
                  machine="laptop, CPU, 8 cores", version="1.0", commit="abc", mpi="Open MPI v4.1.4")
    values.update(more)
    return {name: values.get(name, 0) for name in COLUMNS}


def table(rows, columns=COLUMNS, **how):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore", **how)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def amdahl(fraction, cores, one=10.0, **more):
    return [row("strong", p, 1, one * (fraction + (1 - fraction) / p), **more) for p in cores]


def gustafson(fraction, cores, one=10.0, **more):
    return [row("weak", p, 1, one * p / (fraction + (1 - fraction) * p), records=100 * p, **more) for p in cores]


def strategies(**more):
    return [row("strategies", 1, 1, seconds * factor, strategy=name, workload="titles", run=run, **more)
            for name, seconds in STRATEGIES.items() for run, factor in enumerate((0.9, 1, 1.2), 1)]


class Script(Case):
    def run_script(self, script, *args, code=0, environment=None):
        done = subprocess.run([JOBS / script, *map(str, args)], cwd=self.dir, capture_output=True, text=True, timeout=120,
                              env=environment or millrace.mpi_environment(self.dir), check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done


class Plot(Script):
    def plot(self, *files, **how):
        return self.run_script("plot.sh", *files, "-o", "plots", **how)

    def draw(self, rows, **how):
        """The pictures' texts, by name, of one file with those rows."""
        self.plot(self.write("result.csv", table(rows, **how)))
        return self.texts()

    def texts(self):
        names = {p.stem for p in (self.dir / "plots").iterdir()}
        self.assertEqual({p.name for p in (self.dir / "plots").iterdir()}, {n + kind for n in names for kind in (".svg", ".png")})
        for name in names:
            png = (self.dir / "plots" / (name + ".png")).read_bytes()
            self.assertTrue(png.startswith(b"\x89PNG\r\n") and png.rstrip(b"\0").endswith(b"IEND\xaeB`\x82"), name)
        return {name: self.svg_texts(name) for name in names}

    def svg_texts(self, name):
        """The words in a picture, which must be well-formed XML."""
        root = etree.parse(str(self.dir / "plots" / (name + ".svg"))).getroot()
        return ["".join(e.itertext()).strip() for e in root.iter("{http://www.w3.org/2000/svg}text")]

    def refused(self, content, says):
        path = self.write("broken file.csv", content)
        done = self.plot(path, code=3)
        self.assertIn(f"plot.sh: {path}{says}", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse((self.dir / "plots").exists())

    # ------------------------------------------------------------ what is drawn

    def test_files(self):
        """A picture for each workload and series; their names are printed."""
        rows = strategies() + amdahl(0.1, (1, 2, 4)) + gustafson(0.1, (1, 2, 4))
        done = self.plot(self.write("result.csv", table(rows)))
        names = ["titles-strategies", "powers-strong", "powers-weak"]
        self.assertEqual(done.stdout.split(), [f"plots/{name}.{kind}" for name in names for kind in ("svg", "png")])
        self.assertEqual(set(self.texts()), set(names))

    def test_strategies(self):
        """Times are medians, and the speed-up is over the sequential one."""
        texts = self.draw(strategies())["titles-strategies"]
        for name in STRATEGIES:
            self.assertIn(name, texts)
        for words in ("80 s", "1×", "0.8 s", "100×", "Time by strategy: titles, 1,000 records",
                      "laptop, CPU, 8 cores · millrace 1.0 · commit abc · Open MPI v4.1.4 · answers after 0.4 s"):
            self.assertIn(words, texts)

    def test_amdahl(self):
        """Times that follow the law exactly give its fraction back."""
        for fraction, percent in ((0.05, "5 %"), (0.25, "25 %"), (0.0123, "1.23 %"), (0, "0 %"), (1, "100 %")):
            for cores in ((1, 2, 4, 8), (2, 6, 12), (4, 512, 65536)):
                texts = self.draw(amdahl(fraction, cores))["powers-strong"]
                self.assertIn(f"Amdahl: serial fraction {percent}", texts, (fraction, cores))

    def test_gustafson(self):
        for fraction, percent in ((0.05, "5 %"), (0.25, "25 %"), (0, "0 %"), (1, "100 %")):
            for cores in ((1, 2, 4, 8), (2, 6, 12)):
                texts = self.draw(gustafson(fraction, cores))["powers-weak"]
                self.assertIn(f"Gustafson: serial fraction {percent}", texts, (fraction, cores))

    def test_best_split(self):
        """Medians of the best split are fitted; outliers and worse splits are not."""
        rows = []
        for good in amdahl(0.1, (1, 2, 4, 8)):
            seconds, cores = good["seconds"], good["cores"]
            rows += [{**good, "run": 1, "seconds": seconds * 3}, good, {**good, "seconds": seconds * 0.99}]
            if cores > 1:
                rows += [{**good, "ranks": 1, "threads": cores, "seconds": seconds * 1.5}]
        texts = self.draw(rows)["powers-strong"]
        self.assertIn("Amdahl: serial fraction 10 %", texts)
        self.assertIn("8 threads a rank", texts)

    def test_beyond_the_law(self):
        """More than ideal, or slower with more cores: the bounds."""
        self.assertIn("Amdahl: serial fraction 0 %", self.draw([row("strong", 1, 1, 8), row("strong", 2, 1, 3)])["powers-strong"])
        self.assertIn("Amdahl: serial fraction 100 %", self.draw([row("strong", 1, 1, 8), row("strong", 2, 1, 9)])["powers-strong"])

    def test_one_row(self):
        texts = self.draw([row("strong", 3, 2, 1.5)])["powers-strong"]
        self.assertFalse([t for t in texts if "Amdahl" in t])
        self.draw([row("strategies", 1, 0, 1.5)])

    def test_predicted(self):
        """A curve of its own, which is not fitted, nor part of what is."""
        texts = self.draw(amdahl(0.1, (1, 2, 4)) + amdahl(0.5, (1, 64, 4096), source="predicted"))["powers-strong"]
        self.assertEqual([t for t in texts if "predicted" in t or "Amdahl" in t], ["Amdahl: serial fraction 10 %", "predicted"])
        self.assertIn("4096", texts)
        self.draw(amdahl(0.5, (1, 64), source="predicted"))

    def test_compared(self):
        """Curves are told apart by what differs, and by that alone."""
        one = self.write("one.csv", table(amdahl(0.1, (1, 2, 4)) + strategies()))
        two = self.write("two.csv", table(amdahl(0.2, (1, 2, 4), machine="big, iron") + strategies(machine="big, iron")))
        self.plot(one, two)
        texts = self.texts()
        for name in ("powers-strong", "titles-strategies"):
            for label in ("laptop, CPU, 8 cores", "big, iron"):
                self.assertIn(label, texts[name])
        self.assertEqual([t for t in texts["powers-strong"] if "Amdahl" in t],
                         ["Amdahl: serial fraction 10 %", "Amdahl: serial fraction 20 %"])
        for what, label in (({"version": "2.0"}, "millrace 2.0"), ({"latency": 0.1}, "answers after 0.1 s"),
                            ({"mpi": "MPICH 4"}, "MPICH 4"), ({"commit": "def"}, "commit def"), ({"records": 7}, "7 records")):
            self.write("two.csv", table(amdahl(0.2, (1, 2, 4), **what)))
            self.plot(one, two)
            self.assertIn(label, self.texts()["powers-strong"])

    def test_files_of_one_machine(self):
        """Results that agree in all labels form one curve, from whichever files they come."""
        rows = amdahl(0.1, (1, 2, 4, 8))
        self.plot(self.write("one.csv", table(rows[:2])), self.write("two.csv", table(rows[2:])))
        self.assertEqual([t for t in self.texts()["powers-strong"] if "Amdahl" in t], ["Amdahl: serial fraction 10 %"])

    def test_many_files(self):
        files = [self.write(f"{i}.csv", table(amdahl(0.01 * i, (1, 2, 4), machine=f"m{i}") + strategies(machine=f"m{i}")))
                 for i in range(1, 15)]
        self.plot(*files)
        for texts in self.texts().values():
            self.assertTrue({f"m{i}" for i in range(1, 15)} <= set(texts))

    # ------------------------------------------------------------ what stands in the files

    def test_hostile_labels(self):
        """They are shown as they are, and nothing is run."""
        rows = amdahl(0.1, (1, 2), machine=HOSTILE) + amdahl(0.1, (1, 2), machine="other") + strategies(machine=HOSTILE)
        rows += [row("strategies", 1, 1, 1.0, strategy=HOSTILE[:18], workload="titles", machine=HOSTILE)]
        rows += amdahl(0.1, (1, 2), workload="../../" + HOSTILE)
        self.plot(self.write("result.csv", table(rows)))
        texts = self.texts()
        self.assertIn(HOSTILE, texts["powers-strong"])
        self.assertIn(HOSTILE[:18], texts["titles-strategies"])
        self.assertTrue(any(t.startswith(HOSTILE[:30]) for t in texts["titles-strategies"]))
        self.assertEqual(len(texts), 3)
        self.assertTrue(all(re.fullmatch(r"[\w-]+", name, re.A) for name in texts))
        self.assertFalse(list(self.dir.rglob("pwned")))

    def test_workloads_of_like_names(self):
        texts = self.draw(amdahl(0.1, (1, 2), workload="a/b") + amdahl(0.1, (1, 2), workload="a b"))
        self.assertEqual(len(texts), 2)

    def test_csv(self):
        """Columns in any order, others beside them, CRLF, line ends in values, a byte order mark, no last line end."""
        rows = amdahl(0.1, (1, 2), machine='a "b",\r\nc')
        text = table(rows, [*reversed(COLUMNS), "new"], quoting=csv.QUOTE_ALL, restval="x, y", lineterminator="\r\n")
        self.plot(self.write("result.csv", "\ufeff" + text.rstrip()))
        self.assertTrue(any(t.startswith('a "b", c · millrace') for t in self.texts()["powers-strong"]))

    def test_no_labels(self):
        columns = "series workload strategy ranks threads cores records seconds".split()
        self.assertIn("Amdahl: serial fraction 10 %", self.draw(amdahl(0.1, (1, 2)), columns=columns)["powers-strong"])

    def test_no_utf8(self):
        self.plot(self.write("result.csv", table(amdahl(0.1, (1, 2), machine="caf\xe9 \x01\x7f\ufffe")).encode("latin-1", "replace")))
        self.texts()

    def test_long_labels(self):
        rows = amdahl(0.1, (1, 2), machine="é" * 3000 + "one") + amdahl(0.1, (1, 2), machine="é" * 3000 + "two")
        texts = self.draw(rows)["powers-strong"]
        self.assertEqual([t[-4:] for t in texts if t.startswith("éé")], ["éone", "étwo"])
        self.assertLess(max(map(len, texts)), 160)

    def test_broken(self):
        good = table([row("strong", 1, 1, 1)])
        self.refused("", " is empty")
        self.refused("\n\n", " is empty")
        self.refused(table([]), " has no rows")
        self.refused("a,b\n1,2\n", " is not a result of millrace bench: there is no column series workload")
        self.refused(table([row("strong", 1, 1, 1)], [c for c in COLUMNS if c != "seconds"]),
                     " is not a result of millrace bench: there is no column seconds")
        self.refused(good + "measured,strong\n", ":3: there are 2 values for 22 columns")
        self.refused(good + 'measured,"strong\n\n', ":3: a quotation mark is opened and never closed")
        self.refused(good + 'measured,"strong"x,\n', ":3: there is text between")
        self.refused(good.replace("source,", "series,"), ":1: there are two columns series")
        for name, value in (("seconds", "nan"), ("seconds", "-1"), ("seconds", "0"), ("seconds", "1e999"), ("seconds", "0x10"),
                            ("seconds", ""), ("cores", "1.5"), ("cores", "0"), ("ranks", "x"), ("threads", "-1"),
                            ("records", "0"), ("latency", "slow"), ("source", "guessed")):
            self.refused(table([row("strong", 1, 1, 1), {**row("strong", 1, 1, 1), name: value}]), f":3: {name} is ")

    def test_nothing_to_draw(self):
        done = self.plot(self.write("result.csv", table([row("nightly", 1, 1, 1)])), code=3)
        self.assertIn('1 rows of the series "nightly" are not drawn', done.stderr)
        self.assertIn("there is nothing to draw", done.stderr)

    def test_usage(self):
        self.assertIn("which results?", self.run_script("plot.sh", code=2).stderr)
        self.assertIn("unknown option '--bogus'", self.run_script("plot.sh", "--bogus", code=2).stderr)
        self.assertIn("-o needs a folder", self.run_script("plot.sh", "x.csv", "-o", code=2).stderr)
        self.assertIn("usage: plot.sh RESULT.csv", self.run_script("plot.sh", "--help").stdout)
        self.assertIn("missing.csv cannot be read", self.run_script("plot.sh", "missing.csv", code=3).stderr)
        self.assertIn("cannot be read", self.run_script("plot.sh", self.dir, code=3).stderr)

    def test_output_is_a_file(self):
        self.write("plots", "")
        self.plot(self.write("result.csv", table([row("strong", 1, 1, 1)])), code=3)

    def test_no_gnuplot(self):
        self.write("bin/keep", "")
        for tool in ("bash", "env", "dirname", "cat"):
            (self.dir / "bin" / tool).symlink_to(shutil.which(tool))
        done = self.plot("x.csv", code=3, environment={"PATH": str(self.dir / "bin")})
        self.assertIn("there is no gnuplot: install it", done.stderr)


class Scaling(Script):
    def environment(self):
        return {**millrace.mpi_environment(self.dir), "MILLRACE": millrace.PROGRAM}

    def scale(self, *args, code=0):
        return self.run_script("scaling.sh", *args, code=code, environment=self.environment())

    def rows(self):
        return csv_rows((self.dir / "out.csv").read_bytes())

    SMALL = ("powers", "--pages", 3, "--runs", 2, "--cores", "1,2", "-o", "out.csv")

    def test_sweep(self):
        """Strong and weak, every split, drawn; a second sweep is appended to the first."""
        done = self.scale(*self.SMALL, "--plot", "--machine", "here")
        expected = [(series, ranks, threads, run, records) for series in ("strong", "weak")
                    for ranks, threads, records in (("1", "1", "3"), ("2", "1", "6"), ("1", "2", "6"))
                    for run in "12"]
        expected = [(s, r, t, n, "3" if s == "strong" else c) for s, r, t, n, c in expected]
        columns = ("series", "ranks", "threads", "run", "records")
        self.assertEqual([tuple(row[c] for c in columns) for row in self.rows()], expected)
        self.assertEqual({row["machine"] for row in self.rows()}, {"here"})
        self.assertEqual(done.stdout.split(), [f"out-plots/powers-{s}.{k}" for s in ("strong", "weak") for k in ("svg", "png")])
        self.scale(*self.SMALL, "--series=weak", "--threads", "2")
        self.assertEqual(len(self.rows()), 14)
        self.assertEqual((self.dir / "out.csv").read_text().count("source,"), 1)

    def test_says_how_to_draw(self):
        self.assertIn("plot.sh out.csv -o out-plots\n", self.scale(*self.SMALL, "--ranks", "1", "--series", "strong").stderr)

    def test_combinations(self):
        """Every number of ranks with every number of threads."""
        out = self.scale("powers", "--ranks", "1,3", "--threads", "1,2", "--dry-run", "--series", "strong").stdout
        self.assertEqual(sorted(re.findall(r" -n (\d) .* --threads (\d) ", out)), [("1", "1"), ("1", "2"), ("3", "1"), ("3", "2")])

    def test_failure(self):
        """The run's own message and exit code; what was measured before stays."""
        self.scale(*self.SMALL, "--series", "strong")
        before = (self.dir / "out.csv").read_bytes()
        done = self.scale(*self.SMALL, "--", "--bogus", code=2)
        self.assertIn("unrecognized option '--bogus'", done.stderr)
        self.assertIn("scaling.sh: stopped (exit code 2)", done.stderr)
        self.assertEqual((self.dir / "out.csv").read_bytes(), before)
        self.assertEqual([p.name for p in self.dir.glob("out.csv*")], ["out.csv"])

    def test_other_columns(self):
        for content, says in (("a,b\n", "has other columns"), (table([]).rstrip(), "ends within a line")):
            self.write("out.csv", content)
            done = self.scale(*self.SMALL, code=3)
            self.assertIn(says, done.stderr)
            self.assertEqual((self.dir / "out.csv").read_text(), content)

    def test_usage(self):
        for args, says in (((), "name a workload"), (("powers", "titles"), "one workload at a time"), (("--bogus",), "unknown option"),
                           (("powers", "--cores", "2,x"), "--cores takes numbers"), (("powers", "--runs", "0"), "--runs takes a number"),
                           (("powers", "--series", "daily"), "--series takes"), (("powers", "--pages"), "--pages needs a value"),
                           (("towers", "--series", "weak"), "towers has no weak series"),
                           (("powers", "--cores", "3", "--threads", "2"), "no split")):
            self.assertIn(f"scaling.sh: {says}", self.scale(*args, code=2).stderr)
        self.assertIn("usage: scaling.sh", self.scale("--help").stdout)
        self.scale(*self.SMALL[:-1], "no/such/folder.csv", code=3)

    def measured(self):
        path = self.dir / "out.csv"
        return path.exists() and path.stat().st_size > 0

    def test_signals(self):
        """The run under way ends, and its rows are left out; those before it stay."""
        for name, code in (("SIGINT", 130), ("SIGTERM", 143), ("SIGUSR1", 75)):
            with self.subTest(signal=name):
                (self.dir / "out.csv").unlink(missing_ok=True)
                with open(self.dir / "said", "wb") as said:
                    process = subprocess.Popen(
                        [JOBS / "scaling.sh", "titles", "--pages", "10", "--latency", "0.2", "--runs", "2", "--cores", "1",
                         "--series", "strong,weak", "-o", "out.csv", "--", "-c", "1"], cwd=self.dir, env=self.environment(), stderr=said, stdout=said,
                        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
                self.addCleanup(millrace.end_session, process)
                await_that(lambda: self.measured() or process.poll() is not None, "the first setting", millrace.LIMIT)
                await_that(lambda: millrace.rank_processes(process), "the ranks of the second", millrace.LIMIT)
                if name == "SIGINT":
                    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
                else:
                    process.send_signal(getattr(signal, name))
                self.assertEqual(self.wait(process), code, (self.dir / "said").read_text())
                self.assertEqual([row["series"] for row in self.rows()], ["strong", "strong"])
                self.assertEqual([p.name for p in self.dir.glob("out.csv*")], ["out.csv"])
                await_that(lambda: not millrace.session_of(process.pid), "the end of all processes")


if __name__ == "__main__":
    millrace.main()
