#!/usr/bin/python3
"""Beyond this machine: measures what a job costs here, predicts it on 1 to 1,024 ranks, and holds the prediction against
real runs on 1 to 8 ranks.

    tests/bench/predict.py [--build DIR] [--runs N] [--out RESULT.csv] [--costs COSTS.json] [--quick]

It takes some minutes and does three things:

1. Costs, into --costs (build/costs.json). With --keep-costs they are read from there instead. Numbers are ns, of processor
   time unless the name ends in _wall; the key "commands" says of each where it comes from.
2. Real runs of `millrace scrape` against `millrace serve` on this machine, which is slow in answering, and of `millrace pow`,
   on 1, 2, 4 and 8 ranks: strong (the same pages) and weak (so many for each rank). The settings take turns, --runs times.
3. Predictions by build/release/tests/predict for the same settings on a machine with as many cores as this one, and beyond:
   machines of which every rank has two cores, over the network "tcp", and pages whose latency varies.

RESULT.csv has a row for each run and each prediction, as `millrace bench` writes them, for jobs/plot.sh. On standard output:
the costs, the medians and the least beside the predictions with the error of each, and the figures beyond. `others` is how
many cores other programs took meanwhile: on a machine that is not one's own, compare with the least.

Only Python's standard library, and what fetch.py here has.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fetch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RANKS = [1, 2, 4, 8]
MACHINE_FIELDS = ("version", "commit", "mpi", "machine")


def say(text=""):
    print(text, flush=True)


def median(values):
    return statistics.median(values)


@contextlib.contextmanager
def origin(args, directory, *options):
    """`millrace serve`, on whichever core is free, as the simulated one; its port and its process."""
    port_file = directory / "origin.port"
    port_file.unlink(missing_ok=True)
    argv = [args.millrace, "serve", f"--port-file={port_file}", *options]
    with fetch.ended(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)) as child:
        while not port_file.exists() and child.poll() is None:
            time.sleep(0.02)
        args.server_pid = child.pid
        yield int(port_file.read_text(encoding="ascii")), child.pid
        args.server_pid = None


# ------------------------------------------------------------------ the costs


def shell(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True, env=fetch.environment()).stdout


def identity(args):
    """What the program and the machine are, for the rows."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    try:
        commit = shell("git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=9").strip()
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"
    words = shell("mpirun", "--version").splitlines()[0]
    return {"version": shell(args.millrace, "--version").split()[1], "commit": commit,
            "mpi": "Open MPI " + words.split()[-1],
            "machine": f"{platform.node()}, {cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores",
            "cores": len(os.sched_getaffinity(0))}


def report_of(args, directory, ranks, threads, *words):
    """One job's report. Its ranks use any core, as on a machine of one's own. If other programs took much of the machine
    meanwhile, it is run again, as often as --patience says."""
    path = directory / "report.json"
    argv = [*fetch.mpirun(ranks), "-x", f"OMP_NUM_THREADS={threads}", args.millrace, *words, "-q", "-o", "/dev/null",
            "--report", path]
    for attempt in range(args.patience + 1):
        usage = fetch.run(argv, server_pid=args.server_pid)
        if usage.others <= args.others:
            break
        time.sleep(0.5 * (attempt < args.patience))
    report = json.loads(path.read_text(encoding="utf-8"))
    report["others"] = usage.others
    return report


def cpu_ns(report):
    return (report["total"]["user_us"] + report["total"]["system_us"]) * 1e3


def measure_pages(args, directory):
    """What a page costs its rank, from whole jobs on one rank, less the start-up and rank 0's own work."""
    n = 2000 if args.quick else 20000
    taken = []
    with origin(args, directory) as (port, pid):
        url = f"http://127.0.0.1:{port}/article/[1-{args.articles}]?[1-{n // args.articles}]"
        for _ in range(1 if args.quick else 5):
            one = report_of(args, directory, 1, 1, "scrape", f"http://127.0.0.1:{port}/article/1")
            served = fetch.process_seconds(pid)
            many = report_of(args, directory, 1, 1, "scrape", "-c", str(args.in_flight), url)
            served = fetch.process_seconds(pid) - served
            title = many["total"]["compute_ns"] / n
            whole = (cpu_ns(many) - cpu_ns(one)) / n
            slow = report_of(args, directory, 1, 1, "scrape", "-c", 1, f"http://127.0.0.1:{port}/article/[1-20]?latency=0.1")
            late = slow["total"]["fetch_ns"] / 20 - 1e8
            taken.append({"whole": whole, "title": title, "server": served * 1e9 / n, "start_up": cpu_ns(one), "late": late})
    costs = {k: median([t[k] for t in taken]) for k in taken[0]}
    costs["title"] = min(t["title"] for t in taken)  # a wall time, which other programs can only lengthen
    return costs


def measure_start(args, directory):
    """Wall time of a whole mpirun for one record, less the job's own: what `seconds` of a row leaves out."""
    taken = {}
    for ranks in RANKS:
        walls = []
        for _ in range(3):
            begun = time.perf_counter()
            report = report_of(args, directory, ranks, 1, "pow", "2^2")
            walls.append(time.perf_counter() - begun - report["seconds"])
        taken[str(ranks)] = median(walls)
    return taken


def several(*argv):
    """The median of each number that a program tells, of some runs of it."""
    taken = [json.loads(shell(*argv)) for _ in range(5)]
    return {k: median([t[k] for t in taken]) for k in taken[0]}


def measure_costs(args, directory):
    head, two = args.build / "tests" / "bench_head", fetch.mpirun(2)
    costs = {**identity(args), **several(head)}
    costs["shared"] = several(*two, head, "link")
    costs["tcp"] = several(*two, "--mca", "btl", "self,tcp", head, "link")
    pages = measure_pages(args, directory)
    costs["page"] = max(0.0, pages.pop("whole") - pages["title"] - costs["deal"] - costs["outcome"])
    costs["late_wall"] = max(0.0, pages.pop("late") - pages["server"] - costs["page"] / 2)
    costs.update(pages)
    costs["start_up_wall_seconds_by_ranks"] = measure_start(args, directory)
    costs["commands"] = {
        "deal outcome head_batch scan head_turn": "bench_head",
        "shared": "mpirun -n 2 bench_head link",
        "tcp": "mpirun -n 2 --mca btl self,tcp bench_head link",
        "title": "millrace scrape -c N --report: compute_ns of each page, the least of five jobs'",
        "page": "the same: CPU time of the job, less that of a job of one page, less title, deal and outcome",
        "start_up": "CPU time of a job of one page, on one rank",
        "server": "CPU time of millrace serve for each answer",
        "late_wall": "the median of five means of 20 fetches of 0.1 s, one after the other, less 0.1 s, server and page / 2",
        "start_up_wall_seconds_by_ranks": "wall time of mpirun, less the job's seconds"}
    args.costs.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    return costs


# ------------------------------------------------------------------ real runs


def row_of(costs, series, workload, run, report, in_flight, latency):
    total, ranks, threads = report["total"], report["ranks"], report["threads_per_rank"]
    return {"source": "measured", "series": series, "workload": workload, "strategy": report["strategy"], "ranks": ranks,
            "threads": threads, "cores": ranks * max(threads, 1), "in_flight": in_flight * ranks, "run": run,
            "records": report["records"], "seconds": report["seconds"],
            "requests_per_second": report["requests_per_second"], "cpu_seconds": cpu_ns(report) / 1e9,
            "overlap": total["overlap"], "stall_seconds": total["longest_stall_ns"] / 1e9, "latency": latency,
            **{k: costs[k] for k in MACHINE_FIELDS}, "nodes": 1,
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "messages": total["batches"], "others": f"{report['others']:.2f}"}


class Work:
    """The settings: of each its series, its workload, how it is run and how it is predicted."""

    def __init__(self, args, costs):
        self.args, self.costs = args, costs
        self.pages = args.pages
        self.each = self.pages // 8
        self.kernel = float("inf")  # seconds of a power, as the runs on one rank tell

    def titles(self, directory, port, ranks, n):
        repeat = n // self.args.articles
        url = f"http://127.0.0.1:{port}/article/[1-{self.args.articles}]?[1-{repeat}]"
        return report_of(self.args, directory, ranks, 1, "scrape", "-c", str(self.args.in_flight), url)

    def powers(self, directory, ranks, n):
        first = self.args.power
        return report_of(self.args, directory, ranks, 1, "pow", f"{first}..{first + n - 1}")

    def run_all(self, directory):
        args, rows, n = self.args, [], 100 if self.args.quick else self.args.powers
        with origin(args, directory, f"--latency={args.latency}") as (port, _pid):
            for run in range(1, args.runs + 1):
                for ranks in RANKS:
                    for series, pages in (("strong", self.pages), ("weak", self.each * ranks)):
                        report = self.titles(directory, port, ranks, pages)
                        rows.append(row_of(self.costs, series, "titles", run, report, args.in_flight, args.latency))
                    for series, items in (("strong", n), ("weak", n // 8 * ranks)):
                        report = self.powers(directory, ranks, items)
                        rows.append(row_of(self.costs, series, "powers", run, report, 0, 0))
                        if ranks == 1 and series == "strong":
                            kernel = report["total"]["compute_ns"] / report["total"]["computed"] / 1e9
                            self.kernel = min(kernel, self.kernel)  # a wall time: others can only lengthen it
                say(f"round {run} of {args.runs} done")
        return rows

    def predict(self, *words):
        out = shell(self.args.build / "tests" / "predict", self.args.costs, *words)
        return list(csv.DictReader(io.StringIO(out)))

    def predict_here(self):
        """The same settings on the same machine. The origin is one of those that share its cores."""
        args, cores = self.args, ["--cores", self.costs["cores"]]
        titles = ["--latency", args.latency, "--in-flight", args.in_flight, "--origin", *cores]
        n = 100 if args.quick else args.powers
        powers = ["--workload", "powers", "--kernel", f"{self.kernel:.9f}", *cores]
        some = ["--ranks", ",".join(map(str, RANKS))]
        return (self.predict("--pages", self.pages, *titles, *some)
                + self.predict("--series", "weak", "--pages", self.each, *titles, *some)
                + self.predict("--pages", n, *powers, *some)
                + self.predict("--series", "weak", "--pages", n // 8, *powers, *some))

    def predict_beyond(self):
        """Machines with enough cores, joined by TCP at 10 Gbit/s with 50 us from one to another; answers as on the open net."""
        args, rows = self.args, []
        ranks = "1,64,1024" if args.quick else "1,64,256,512,1024"
        net = ["--ranks", ranks, "--network", "tcp", "--delay", "50e-6", "--gbit", 10, "--sigma", 0.25]
        many, each = (1 << 17, 128) if args.quick else (1 << 20, 1024)
        label = "a cluster, {} cores a rank, TCP"

        def both(latency, *words, machine):
            same = [*net, "--latency", latency, "--machine", machine, *words]
            return self.predict("--pages", many, *same) + self.predict("--series", "weak", "--pages", each, *same)

        for latency in (0.1, 0.5, 1):
            rows += both(latency, "--in-flight", 64, machine=label.format(2))
        rows += both(0.5, "--in-flight", 64, "--kernel", 0.05, "--threads", 8, machine=label.format(9) + ", kernel 50 ms")
        return rows


# ------------------------------------------------------------------ what is told


def key(row):
    return row["workload"], row["series"], int(row["ranks"])


def compare(measured, predicted):
    say(f"{'workload':10}{'series':8}{'ranks':>6}{'median s':>10}{'least':>9}{'most':>9}{'predicted':>11}{'error':>8}{'to least':>10}"
        f"{'CPU s':>8}{'predicted':>11}{'others':>8}")
    errors, best = [], []
    for p in predicted:
        runs = [m for m in measured if key(m) == key(p)]
        seconds = sorted(m["seconds"] for m in runs)
        middle, told = median(seconds), float(p["seconds"])
        errors.append(told / middle - 1)
        best.append(told / seconds[0] - 1)
        say(f"{p['workload']:10}{p['series']:8}{p['ranks']:>6}{middle:10.3f}{seconds[0]:9.3f}{seconds[-1]:9.3f}{told:11.3f}"
            f"{errors[-1]:8.1%}{best[-1]:10.1%}{median([m['cpu_seconds'] for m in runs]):8.2f}{float(p['cpu_seconds']):11.2f}"
            f"{median([float(m['others']) for m in runs]):8.2f}")
    for name, all_of in (("to the median", errors), ("to the least disturbed run", best)):
        say(f"error {name}: median {median([abs(e) for e in all_of]):.1%}, largest {max(all_of, key=abs):.1%}")


def show_beyond(rows):
    first, machine = {}, None
    for r in rows:
        if r["machine"] != machine:
            machine = r["machine"]
            say(machine)
            say(f"{'series':8}{'latency':>8}{'ranks':>6}{'seconds':>10}{'pages/s':>10}{'efficiency':>12}{'rank 0 busy':>13}")
        rate = float(r["requests_per_second"])
        alone = first.setdefault((r["series"], r["latency"], machine), rate / int(r["ranks"]))
        say(f"{r['series']:8}{r['latency']:>8}{r['ranks']:>6}{float(r['seconds']):10.1f}{rate:10.0f}"
            f"{rate / int(r['ranks']) / alone:12.1%}{float(r['head_busy']):13.1%}")


def show_costs(costs):
    for name, value in costs.items():
        if name not in ("commands", *MACHINE_FIELDS):
            say(f"  {name}: {value}")


def write_rows(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="(%(default)s)")
    p.add_argument("--costs", type=Path, default=ROOT / "build" / "costs.json", help="(%(default)s)")
    p.add_argument("--keep-costs", action="store_true", help="take them from that file, measure none")
    p.add_argument("--out", type=Path, default=ROOT / "build" / "predict.csv", help="(%(default)s)")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--pages", type=int, default=8000, help="of the strong series; an eighth for each rank of the weak one")
    p.add_argument("--articles", type=int, default=1000, help="different pages among them")
    p.add_argument("--latency", type=float, default=0.1)
    p.add_argument("--in-flight", type=int, default=64, help="on each rank")
    p.add_argument("--powers", type=int, default=800)
    p.add_argument("--power", type=int, default=300000, help="the first is this number to the power of itself")
    p.add_argument("--only", choices=["here", "beyond"], help="one half of it")
    p.add_argument("--others", type=float, default=0.2, help="cores that other programs may take in a run (%(default)s)")
    p.add_argument("--patience", type=int, default=1, help="how often a run is repeated for that reason (%(default)s)")
    p.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    args = p.parse_args()
    args.server_pid = None
    args.millrace = args.build.resolve() / "src" / "millrace"
    if args.quick:
        args.runs, args.articles, args.pages, args.patience = 1, 100, 1600, 0
    for needed in (args.millrace, args.build / "tests" / "predict", args.build / "tests" / "bench_head"):
        if not needed.exists():
            sys.exit(f"{needed} is missing: cmake --preset release && cmake --build build/release")
    return args


def main():
    args = options()
    with tempfile.TemporaryDirectory(prefix="millrace-predict-") as name:
        directory = Path(name)
        costs = json.loads(args.costs.read_text(encoding="utf-8")) if args.keep_costs else measure_costs(args, directory)
        say(f"costs on {costs['machine']}, ns ({args.costs}):")
        show_costs(costs)
        work, rows = Work(args, costs), []
        if args.only != "beyond":
            measured = work.run_all(directory)
            here = work.predict_here()
            say()
            compare(measured, here)
            rows += measured + here
    if args.only != "here":
        beyond = work.predict_beyond()
        say()
        show_beyond(beyond)
        rows += beyond
    write_rows(args.out, rows)
    say(f"\n{args.out} has all rows")


if __name__ == "__main__":
    main()
