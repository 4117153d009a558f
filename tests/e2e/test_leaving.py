"""How a job ends before its time: by signals, by outputs that fail, by the death of a rank."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import millrace
from millrace import Case, await_that, rank_processes, tsv_rows


def cpu_seconds(pid):
    cells = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


class Leaving(Case):
    def setUp(self):
        super().setUp()
        self.server = self.origin()

    def await_starts(self, count, prefix="/"):
        await_that(lambda: len(self.server.starts(prefix)) >= count, f"{count} requests")

    def output(self):
        return (self.dir / "out").read_bytes()

    # ------------------------------------------------------------ signals

    def test_usr1(self):
        """What is in flight ends and has its row, nothing more is begun, and the code is 75."""
        for ranks in (1, 3):
            with self.subTest(ranks=ranks):
                begun = len(self.server.starts())
                process = self.start(ranks, ["scrape", self.server.url("/delay/1?n=[1-5000]"), "--per-host", "6", "-c",
                                             "4" if ranks == 3 else "6"])
                self.await_starts(begun + 6)
                process.send_signal(signal.SIGUSR1)
                self.assertEqual(self.wait(process), 75, self.said())
                rows = tsv_rows(self.output())
                self.assertEqual([(r["status"], r["error"]) for r in rows], [("200", "")] * len(rows))
                self.assertEqual(len(rows), len(self.server.starts()) - begun)
                self.assertLess(len(rows), 100)
                self.assertEqual(self.said().count("interrupted"), 1, self.said())

    def test_usr1_directly(self):
        process = self.start(0, ["scrape", self.server.url("/delay/0.5?n=[1-5000]"), "-c", "4"])
        self.await_starts(4)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(self.wait(process), 75, self.said())
        self.assertEqual(len(tsv_rows(self.output())), len(self.server.starts()))

    def check_at_once(self, number):
        process = self.start(0, ["scrape", self.server.url("/article/[1-5]"), self.server.url("/delay/100?[1-9]")])
        self.await_starts(9, "/delay")
        await_that(lambda: sum(e.event == "end" for e in self.server.log()) >= 5, "five answers")
        process.send_signal(number)
        self.assertEqual(self.wait(process, 15), 75, self.said())
        rows = tsv_rows(self.output())
        self.assertLessEqual(len(rows), 5)
        self.assertEqual({r["status"] for r in rows} - {"200"}, set())
        self.assertEqual(self.said().count("interrupted"), 1, self.said())
        return rows

    def test_int(self):
        self.check_at_once(signal.SIGINT)

    def test_term(self):
        self.check_at_once(signal.SIGTERM)

    def test_int_before_anything(self):
        """While standard input still says nothing."""
        process = self.start(0, ["scrape", "-"], stdin=subprocess.PIPE)
        process.stdin.write(self.server.url("/article/1\n").encode())
        process.stdin.flush()
        self.await_starts(1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.wait(process, 15), 75, self.said())
        process.stdin.close()

    def test_impatient(self):
        """A second signal does not wait for what is in flight."""
        process = self.start(0, ["scrape", self.server.url("/delay/100?[1-9]")])
        self.await_starts(9)
        process.send_signal(signal.SIGUSR1)
        await_that(lambda: "interrupted" in self.said(), "a message")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.wait(process, 15), 75, self.said())

    def test_term_to_mpirun(self):
        """mpirun ends its ranks itself: nothing is left, and the rows are whole."""
        process = self.start(3, ["scrape", self.server.url("/delay/100?[1-9]"), "-o", "out.tsv"])
        self.await_starts(9)
        process.terminate()
        self.assertNotEqual(self.wait(process, 30), 0)
        await_that(lambda: not rank_processes(process), "the end of the ranks")
        tsv_rows((self.dir / "out.tsv").read_bytes())

    def test_rank_killed(self):
        """The job of a rank that dies ends, and does not hang."""
        for victim in (0, -1):
            with self.subTest(victim=victim):
                begun = len(self.server.starts())
                process = self.start(3, ["scrape", self.server.url("/delay/100?[1-9]"), "-o", "out.tsv"])
                self.await_starts(begun + 9)
                ranks = sorted(rank_processes(process))
                self.assertEqual(len(ranks), 3)
                os.kill(ranks[victim], signal.SIGKILL)
                self.assertNotEqual(self.wait(process, 30), 0)
                await_that(lambda: not rank_processes(process), "the end of the ranks")

    def rank_number(self, pid):
        names = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return next(int(name.partition(b"=")[2]) for name in names if name.startswith(b"OMPI_COMM_WORLD_RANK="))

    def begin_ranks(self, ranks, *options):
        """A job that would take minutes, once there are rows to lose; its process, and its ranks' process ids."""
        ended = sum(e.event == "end" for e in self.server.log())
        process = self.start(ranks, ["scrape", self.server.url("/delay/0.2?n=[1-9000]"), "--per-host", "0", "-c", "4", "-o",
                                     "out.tsv", *options])
        await_that(lambda: sum(e.event == "end" for e in self.server.log()) >= ended + 20, "answers")
        pids = {self.rank_number(pid): pid for pid in rank_processes(process)}
        self.assertEqual(sorted(pids), list(range(ranks)))
        return process, pids

    def test_rank_stopped(self):
        """A rank that stands still ends the job, with a message and the rows."""
        for victim in (0, 2):
            with self.subTest(victim=victim):
                process, pids = self.begin_ranks(3, "--rank-timeout", "2")
                os.kill(pids[victim], signal.SIGSTOP)
                self.assertEqual(self.wait(process, 30), 3, self.said())
                self.assertIn(f"rank {victim} (host {socket.gethostname()}) has not been heard of for 2 s: the network", self.said())
                await_that(lambda p=process: not rank_processes(p), "the end of the ranks")
                rows = tsv_rows((self.dir / "out.tsv").read_bytes())
                self.assertGreater(len(rows), 0)
                self.assertEqual({(row["status"], row["error"]) for row in rows}, {("200", "")})

    def test_rank_timeout(self):
        """Its values; 0 is none."""
        for value in ("0.9", "-1", "x", ""):
            result = self.run_millrace(0, "pow", "2^2", "--rank-timeout", value)
            self.assertEqual(result.code, 2, result.err)
            self.assertIn(f"'{value}' is not 0, or a number of seconds from 1 to a week", result.err)
        for value in ("0", "1.5"):
            self.assertEqual(self.run_millrace(2, "pow", "2^2", "--rank-timeout", value).code, 0)

    def test_all_stopped(self):
        """A job that stands still as a whole, as on a laptop that sleeps, goes on, and no rank blames another."""
        process, pids = self.begin_ranks(3, "--rank-timeout", "1")
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        waking = time.monotonic() + 4
        await_that(lambda: time.monotonic() > waking, "four times the patience")
        for pid in pids.values():
            os.kill(pid, signal.SIGCONT)
        begun = len(self.server.starts())
        waking += 4
        await_that(lambda: len(self.server.starts()) > begun + 100 and time.monotonic() > waking, "more requests")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(self.wait(process), 75, self.said())
        self.assertNotIn("heard", self.said())

    def test_told_to_leave_while_computing(self):
        """The kernels that run are waited for, longer than --rank-timeout; no rank is taken for lost meanwhile."""
        process = self.start(2, ["pow", "--rank-timeout", "1", "12345677^15000000", "12345679^15000000", "-o", "out.tsv"])
        ranks = await_that(lambda: len(found := rank_processes(process)) == 2 and found, "the ranks")
        await_that(lambda: min(map(cpu_seconds, ranks)) > 0.7, "the kernels")
        os.kill(ranks[0], signal.SIGTERM)
        self.assertEqual(self.wait(process), 75, self.said())
        self.assertNotIn("heard", self.said())
        self.assertIn("interrupted: leaving with what is done", self.said())

    def test_killed(self):
        """Of a run that is killed at any moment the TSV has whole rows, but perhaps for the last."""
        process = self.start(0, ["scrape", self.server.url("/article/[1-1000]?{a,b,c,d,e,f,g,h,i,j}"), "-o", "out.tsv"])
        self.await_starts(2000)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        self.assertEqual(self.wait(process), 128 + signal.SIGKILL)
        whole = (self.dir / "out.tsv").read_bytes().rpartition(b"\n")
        if whole[0]:
            rows = tsv_rows(whole[0] + b"\n")
            self.assertEqual({(r["status"], r["error"]) for r in rows} - {("200", "")}, set())
            self.assertEqual(len({r["id"] for r in rows}), len(rows))

    # ------------------------------------------------------------ outputs that fail

    def stopped(self, result, *says):
        self.assertEqual(result.code, 3, result.err)
        self.assertNoDisaster(result)
        for text in says:
            self.assertEqual(result.err.count(text), 1, result.err)

    def test_full_device(self):
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                result = self.run_millrace(ranks, "scrape", self.server.url("/article/[1-20]"), "-o", "/dev/full")
                self.stopped(result, "cannot write /dev/full: No space left on device")

    def test_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            result = self.run_millrace(0, "scrape", self.server.url("/article/1"), stdout=full)
        self.stopped(result, "cannot write standard output: No space left on device")

    def test_disk_full_in_mid_run(self):
        disk = self.dir / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, timeout=20)
        if mounted.returncode:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], timeout=20)
        generator = random.Random(1)
        urls = self.write("urls", "".join(self.server.url(f"/article/{n}?{generator.randbytes(1000).hex()}\n")
                                          for n in range(1, 401)))
        for ending in ("", ".gz"):
            name = disk / f"out.tsv{ending}"
            if ending:  # which squeezes the rows: a fuller disk
                (disk / "out.tsv").unlink()
                with open(disk / "ballast", "wb") as ballast, contextlib.suppress(OSError):
                    ballast.write(b"x" * (60 << 10))
            with self.subTest(ending=ending):
                result = self.run_millrace(0 if ending else 3, "scrape", urls, "-o", name)
                self.stopped(result, f"cannot write {name}: No space left on device")
        self.assertLess(len(self.server.starts()), 801)

    def test_output_that_cannot_be_opened(self):
        for ranks, path in ((0, "no/such/directory/out.tsv"), (3, "no/such/directory/out.tsv"), (0, self.dir)):
            with self.subTest(ranks=ranks, path=path):
                result = self.run_millrace(ranks, "scrape", self.server.url("/article/1"), "-o", path)
                self.stopped(result, f"cannot write {path}: ")
                self.assertEqual(result.out, b"")
        self.assertEqual(self.server.starts(), [], "nothing is fetched that can't be kept")

    def test_report_that_cannot_be_opened(self):
        """It is known before anything is fetched."""
        result = self.run_millrace(0, "scrape", self.server.url("/article/1"), "--report", "no/such/report.json")
        self.stopped(result, "cannot write the report no/such/report.json: ")
        self.assertEqual(self.server.starts(), [])

    def test_report_that_cannot_be_written(self):
        result = self.run_millrace(0, "scrape", self.server.url("/article/1"), "--report", "/dev/full")
        self.stopped(result, "cannot write the report /dev/full: ")
        self.assertEqual(len(tsv_rows(result.out)), 1, "the rows are there all the same")

    def test_reader_gone(self):
        """The reader of standard output leaves after the first row: a message, exit code 3, no hang."""
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                process = self.start(ranks, ["scrape", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                process.stdin.write(self.server.url("/article/1\n").encode())
                process.stdin.flush()
                self.assertTrue(process.stdout.readline().startswith(b"id\t"))
                process.stdout.close()
                with contextlib.suppress(BrokenPipeError):
                    for n in range(200):
                        process.stdin.write(self.server.url(f"/article/{n + 1}?{'x' * 2000}\n").encode())
                    process.stdin.close()
                code = self.wait(process)
                if ranks == 0:  # mpirun reads the ranks' output itself, and does not tell them
                    self.assertEqual(code, 3, self.said())
                    self.assertEqual(self.said().count("cannot write standard output: its reader has gone"), 1)

    def test_head(self):
        program = " ".join(map(str, millrace.command_line(0, ["scrape", f"'{self.server.url('/article/[1-2000]')}'"])))
        done = subprocess.run(["bash", "-c", f"{program} | head -n 1; exit ${{PIPESTATUS[0]}}"], timeout=60, cwd=self.dir,
                              env=millrace.mpi_environment(self.dir), capture_output=True, check=False)
        self.assertEqual(done.stdout, b"id\turl\tstatus\ttitle\terror\n")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stderr.count(b"its reader has gone"), 1, done.stderr)


if __name__ == "__main__":
    millrace.main()
