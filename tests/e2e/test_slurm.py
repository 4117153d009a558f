"""The scripts that users submit, on a real Slurm of two virtual nodes that this test starts."""

import hashlib
import os
import pathlib
import sys
import unittest
from collections import Counter

import millrace
import slurm
from millrace import Case, await_that, tsv_rows

JOBS = pathlib.Path(__file__).resolve().parents[2] / "jobs"
LAUNCHERS = ("mpirun", "srun")
SKIPPED = 77  # the exit code that ctest takes for a skipped test

# Stands in front of the program, and notes where each rank is and what it was given.
PLACE = """#!/bin/bash
{ hostname; env -u OMP_NUM_THREADS nproc; echo "${OMP_NUM_THREADS-} ${OMP_PLACES-} ${OMP_PROC_BIND-} ${OMP_WAIT_POLICY-}"; } >place.$PMIX_RANK
exec "$PROGRAM" "$@"
"""


def physical_cores():
    siblings = pathlib.Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list")
    return len({path.read_text() for path in siblings})


class Jobs(Case):
    @classmethod
    def setUpClass(cls):
        cls.slurm = cls.enterClassContext(slurm.Slurm(nodes=2, cpus=2))

    def setUp(self):
        super().setUp()
        self.server = self.origin()
        self.write("millrace", PLACE).chmod(0o755)

    def submit(self, script, launcher, *args, options=(), bound=False, start_seconds=1):
        """Four ranks on two nodes unless `options` say other."""
        environment = millrace.mpi_environment(self.dir)
        environment.update(LAUNCHER=launcher, MILLRACE=str(self.dir / "millrace"), PROGRAM=millrace.PROGRAM,
                           MILLRACE_START_SECONDS=str(start_seconds))
        if bound:
            del environment["OMPI_MCA_hwloc_base_binding_policy"]
        options = ["--nodes=2", "--ntasks-per-node=2", "--cpus-per-task=1", "--output=%j.log", *options]
        for path in self.dir.glob("place.*"):
            path.unlink()
        return self.slurm.submit(JOBS / script, *args, options=options, environment=environment, cwd=self.dir)

    def log(self, job):
        return (self.dir / f"{job}.log").read_text(errors="replace")

    def ended(self, job, code, says):
        """The job ends with the code, and the last line of its log says why."""
        end = self.slurm.wait(job)
        self.assertEqual(end, ("FAILED" if code else "COMPLETED", code, 0), self.log(job))
        self.assertIn(f" {job}: {says}", self.log(job).splitlines()[-1], self.log(job))

    def rows(self, name="out.tsv"):
        return tsv_rows((self.dir / name).read_bytes())

    def places(self):
        """What each rank noted: its host, its number of cores, its OpenMP variables."""
        return [tuple(p.read_text().splitlines()) for p in sorted(self.dir.glob("place.*"))]

    # ------------------------------------------------------------ what they do

    def test_scrape(self):
        """The rows are those of a run without Slurm; two ranks are on each node."""
        urls = self.write("list of urls", "".join(self.server.url(f"/article/{n}\n") for n in range(1, 301)))
        options = ["-s", "title=h1", "-s", "link=a@href"]
        expected = self.scrape(0, urls, *options, code=0)
        self.assertEqual(len(expected), 300)
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                before = len(self.server.starts())
                job = self.submit("scrape.sbatch", launcher, urls.name, *options, "-o", "out.tsv")
                self.ended(job, 0, "done: every record succeeded")
                self.assertEqual(self.by_id(self.rows()), expected)
                self.assertEqual(len(self.server.starts()) - before, 300)
                self.assertEqual(Counter(host for host, *_ in self.places()), {"node1": 2, "node2": 2})
                self.assertIn(" 4 ranks x 1 thread: ", self.log(job))

    def test_pow(self):
        sys.set_int_max_str_digits(0)
        digests = {f"{i}^{i}": hashlib.sha256(str(i**i).encode()).hexdigest() for i in range(3000, 3016)}
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("pow.sbatch", launcher, "3000..3015", "--sha256", "-o", "out.tsv")
                self.ended(job, 0, "done: every record succeeded")
                self.assertEqual({row["item"]: row["sha256"] for row in self.rows()}, digests)
                self.assertEqual(len(self.places()), 4)

    @unittest.skipIf(physical_cores() < 2, "needs two cores")
    def test_binding(self):
        """A rank has as many cores as --cpus-per-task says, and a thread on each, where the launcher binds."""
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("pow.sbatch", launcher, "1..4", "-o", "out.tsv", bound=True,
                                  options=["--ntasks-per-node=1", "--cpus-per-task=2"])
                self.ended(job, 0, "done: ")
                self.assertIn(" 2 ranks x 2 threads: ", self.log(job))
                self.assertEqual([(host, int(cores) >= 2, openmp) for host, cores, openmp in self.places()],
                                 [(f"node{n}", True, "2 cores close passive") for n in (1, 2)])

    # ------------------------------------------------------------ how they end

    def test_failed_record(self):
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("scrape.sbatch", launcher, self.server.url("/article/[1-9]"), self.server.url("/status/404"),
                                  "-o", "out.tsv")
                self.ended(job, 1, "done: some records failed")
                self.assertEqual([row["id"] for row in self.rows() if row["error"]], ["9"])

    def test_wrong_usage(self):
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job = self.submit("scrape.sbatch", launcher, "--bogus")
                self.ended(job, 2, "wrong usage")
                self.assertIn("--bogus'", self.log(job))

    def test_no_arguments(self):
        self.ended(self.submit("pow.sbatch", "mpirun"), 2, "wrong usage")

    def test_no_program(self):
        (self.dir / "millrace").unlink()
        self.ended(self.submit("pow.sbatch", "mpirun", "2^10"), 3, f"stopped: there is no program {self.dir}/millrace")

    def test_wrong_launcher(self):
        self.ended(self.submit("scrape.sbatch", "aprun", "urls.txt"), 2, "stopped: LAUNCHER is mpirun or srun, not aprun")

    def submit_long(self, launcher, **how):
        """A job that would take minutes."""
        return self.submit("scrape.sbatch", launcher, self.server.url("/delay/1?n=[1-5000]"), "--per-host", "8",
                           "-o", "out.tsv", **how)

    def begin(self, launcher, options=()):
        """Such a job, once its requests are coming."""
        before = len(self.server.starts())
        job = self.submit_long(launcher, options=options)
        await_that(lambda: len(self.server.starts()) >= before + 8, "requests")
        return job, before

    def interrupted(self, job, before):
        self.ended(job, 75, "interrupted before the time limit")
        rows = self.rows()
        self.assertEqual({(row["status"], row["error"]) for row in rows}, {("200", "")})
        self.assertEqual(len({row["id"] for row in rows}), len(rows))
        self.assertEqual(len(rows), len(self.server.starts()) - before, "each that was begun has a row")
        self.assertEqual(self.log(job).count("millrace: interrupted"), 1, self.log(job))

    def test_usr1(self):
        """To the script alone, as Slurm does it before a time limit, or to the ranks too."""
        for launcher in LAUNCHERS:
            for target in ("--batch", "--full"):
                with self.subTest(launcher=launcher, target=target):
                    job, before = self.begin(launcher)
                    self.slurm.signal(job, "USR1", target)
                    self.interrupted(job, before)

    def test_usr1_twice(self):
        job, before = self.begin("mpirun")
        for count in (1, 2):
            self.slurm.signal(job, "USR1", "--batch")
            await_that(lambda: self.log(job).count("USR1: the time limit is near") == count, "the trap")
        self.interrupted(job, before)

    def test_usr1_at_once(self):
        """While the launcher is only starting: it waits until the ranks are there."""
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                before = len(self.server.starts())
                job = self.submit_long(launcher, start_seconds=3)
                await_that(lambda: (self.dir / f"{job}.log").exists() and " ranks x " in self.log(job), "the script")
                self.slurm.signal(job, "USR1", "--batch")
                self.interrupted(job, before)

    def test_time_limit(self):
        """Slurm looks at the limits every half minute: a minute's warning of a minute's limit comes in the first."""
        job, before = self.begin("mpirun", ["--time=1", "--signal=B:USR1@60"])
        self.interrupted(job, before)

    def test_cancelled(self):
        """Nothing is left running, and the rows are whole."""
        for launcher in LAUNCHERS:
            with self.subTest(launcher=launcher):
                job, _ = self.begin(launcher)
                await_that(lambda: sum(e.event == "end" for e in self.server.log()), "an answer")
                self.slurm.tool("scancel", job)
                self.assertEqual(self.slurm.wait(job).state, "CANCELLED")
                self.assertIn("cancelled or out of time", self.log(job).splitlines()[-1], self.log(job))
                self.rows()
                await_that(lambda: not self.running(), "the end of the ranks")

    def running(self):
        """Processes of the program other than the origin."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(entry) != self.server.process.pid and os.path.samefile(f"/proc/{entry}/exe", millrace.PROGRAM):
                    found.append(entry)
            except OSError:
                continue
        return found


if __name__ == "__main__":
    try:
        slurm.check_able()
    except slurm.Unable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    millrace.main()
