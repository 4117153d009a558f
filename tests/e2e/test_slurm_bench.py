"""Measuring on a cluster: the comparison, the sweep, and the chain of jobs that ends in plots, on a real Slurm of two
virtual nodes that this test starts."""

import os
import pathlib
import re
import subprocess
import sys
import unittest
from collections import Counter

import millrace
import slurm
from millrace import Case, await_that, csv_rows

JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"
LAUNCHERS = ("mpirun", "srun")
SKIPPED = 77  # the exit code that ctest takes for a skipped test

# Stands in front of the program, and notes for each run which rank is where. In a job with FAIL_NODES nodes it fails.
PLACE = """#!/bin/bash
echo "$(hostname) $PMIX_RANK $(env -u OMP_NUM_THREADS nproc) ${OMP_NUM_THREADS-} $*" >>places.$SLURM_JOB_ID
[ "${SLURM_JOB_NUM_NODES}" != "${FAIL_NODES-none}" ] || { echo "no luck today" >&2; exit 3; }
exec "$PROGRAM" "$@"
"""


class Bench(Case):
    @classmethod
    def setUpClass(cls):
        cls.slurm = cls.enterClassContext(slurm.Slurm(nodes=2, cpus=2))

    def setUp(self):
        super().setUp()
        self.write("millrace", PLACE).chmod(0o755)

    def environment(self, launcher, **more):
        environment = millrace.mpi_environment(self.dir)
        environment.update(LAUNCHER=launcher, MILLRACE=str(self.dir / "millrace"), PROGRAM=millrace.PROGRAM,
                           MILLRACE_START_SECONDS="1", **more)
        return environment

    def submit(self, script, launcher, *args, options=(), bound=False, **more):
        environment = self.environment(launcher, **more)
        if bound:
            del environment["OMPI_MCA_hwloc_base_binding_policy"]
        return self.slurm.submit(JOBS / script, *args, options=["--output=%j.log", *options], environment=environment,
                                 cwd=self.dir)

    def log(self, job):
        return next(self.dir.rglob(f"*{job}.log")).read_text(errors="replace")

    def ended(self, job, code, says):
        end = self.slurm.wait(job)
        self.assertEqual(end, ("FAILED" if code else "COMPLETED", code, 0), self.log(job))
        self.assertIn(f" {job}: {says}", self.log(job).splitlines()[-1], self.log(job))

    def rows(self, name):
        return csv_rows((self.dir / name).read_bytes())

    def assertPictures(self, folder, *names):
        wanted = {f"{name}.{kind}" for name in names for kind in ("svg", "png")}
        self.assertEqual({p.name for p in (self.dir / folder).iterdir() if p.stat().st_size > 1000}, wanted)

    # ------------------------------------------------------------ bench.sbatch, scaling.sbatch

    def test_bench(self):
        server = self.origin()  # the virtual nodes' names lead nowhere
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("bench.sbatch", launcher, "titles", "--pages", "20", "--latency", "0.01", "--runs", "2",
                                  "--url", server.url(""), "-o", launcher, options=["--cpus-per-task=1"])
                self.ended(job, 0, "done: the results are written")
                rows = self.rows(f"{launcher}.csv")
                self.assertEqual(Counter(row["strategy"] for row in rows),
                                 dict.fromkeys(("sequential", "threads", "async", "processes", "hybrid"), 2))
                self.assertEqual({(row["ranks"], row["nodes"]) for row in rows if row["strategy"] == "hybrid"}, {("4", "2")})
                label, = {row["machine"] for row in rows}
                self.assertRegex(label, r"^test test, .*2 cores a node$")

    def test_sweep(self):
        """Every split of 1, 2 and 4 cores, with cores of its own for each rank, and no node with more than it has."""
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("scaling.sbatch", launcher, "powers", "--pages", "2", "--runs", "1", "--series", "weak",
                                  "-o", f"{launcher}.csv", options=["--nodes=2", "--ntasks-per-node=2"], bound=True)
                self.ended(job, 0, "done: the results are written")
                self.assertEqual([tuple(int(row[c]) for c in ("ranks", "threads", "cores", "records", "nodes"))
                                  for row in self.rows(f"{launcher}.csv")],
                                 [(1, 1, 1, 2, 1), (2, 1, 2, 4, 1), (1, 2, 2, 4, 1), (4, 1, 4, 8, 2), (2, 2, 4, 8, 2)])
                self.check_places(job, launcher)

    def check_places(self, job, launcher):
        """What each rank noted: its node, number, cores and threads."""
        on_node = Counter()
        for line in (self.dir / f"places.{job}").read_text().splitlines():
            node, _, cores, threads, *command = line.split()
            on_node[" ".join(command), node] += int(threads)
            self.assertEqual(command[command.index("--threads") + 1], threads)
            if launcher == "mpirun" and len(os.sched_getaffinity(0)) >= 2:  # this Slurm does not bind
                self.assertEqual(cores, threads)
        self.assertEqual(len(on_node), 7)
        self.assertLessEqual(max(on_node.values()), 2)

    def test_tasks_of_several_cores(self):
        job = self.submit("scaling.sbatch", "mpirun", "powers", "--pages", "2", "--runs", "1", "--series", "strong", "--full",
                          "-o", "out.csv", options=["--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=2"])
        self.ended(job, 0, "done: ")
        self.assertEqual([(row["ranks"], row["threads"]) for row in self.rows("out.csv")], [("4", "1"), ("2", "2")])

    def test_too_many_cores(self):
        job = self.submit("scaling.sbatch", "mpirun", "powers", "--cores", "8", options=["--ntasks-per-node=2"])
        self.ended(job, 2, "wrong usage")
        self.assertIn("8 cores are more than the job's 1 x 2", self.log(job))

    def test_usr1(self):
        """Before the time limit: no run is begun any more, and what was measured stays."""
        job = self.submit("scaling.sbatch", "mpirun", "titles", "--pages", "10", "--latency", "0.2", "--runs", "20",
                          "--series", "strong", "-o", "out.csv", "--", "-c", "1", options=["--ntasks-per-node=2"])
        results = self.dir / "out.csv"
        await_that(lambda: results.exists() and results.stat().st_size, "the first setting", millrace.LIMIT)
        self.slurm.signal(job, "USR1", "--batch")
        self.ended(job, 75, "interrupted before the time limit")
        self.assertIn(len(self.rows("out.csv")), (20, 40))

    # ------------------------------------------------------------ the chain

    def chain(self, *args, **more):
        """The numbers of the jobs that are submitted."""
        done = subprocess.run([JOBS / "chain.sh", *args], env=self.slurm.environment(self.environment("mpirun", **more)),
                              cwd=self.dir, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return re.findall(r"^job (\d+): ", done.stdout, re.M)

    SMALL = ("--nodes", "1,2", "-o", "study", "--sbatch=--ntasks-per-node=2", "powers", "--pages", "4", "--runs", "1")

    def test_chain(self):
        first, second, plot = self.chain(*self.SMALL)
        self.ended(plot, 0, "done: the plots are drawn")
        self.ended(first, 0, "done: ")
        self.ended(second, 0, "done: ")
        cores = {n: sorted({int(row["cores"]) for row in self.rows(f"study/{n}-nodes.csv")}) for n in (1, 2)}
        self.assertEqual(cores, {1: [1, 2], 2: [4]})
        self.assertPictures("study/plots", "powers-strong", "powers-weak")
        svg = (self.dir / "study/plots/powers-strong.svg").read_text()
        self.assertIn("2 cores a node", svg)
        self.assertIn("Amdahl: serial fraction", svg)

    def test_chain_with_a_failure(self):
        """What there is gets drawn, and what is not there is named."""
        first, second, plot = self.chain(*self.SMALL, FAIL_NODES="2")
        self.ended(plot, 1, "done, without what is not there (exit code 1): study/2-nodes.csv")
        self.ended(first, 0, "done: ")
        self.ended(second, 3, "stopped (exit code 3)")
        self.assertIn("no luck today", self.log(second))
        self.assertPictures("study/plots", "powers-strong", "powers-weak")

    def test_nothing_measured(self):
        first, second, plot = self.chain(*self.SMALL, FAIL_NODES="1")
        self.ended(plot, 3, "stopped: there are no results: study/1-nodes.csv study/2-nodes.csv")
        self.assertEqual(self.slurm.wait(first), ("FAILED", 3, 0))
        self.assertEqual(self.slurm.wait(second).state, "CANCELLED")
        self.assertFalse((self.dir / "study/plots").exists())


if __name__ == "__main__":
    try:
        slurm.check_able()
    except slurm.Unable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    millrace.main()
