"""A job over several hosts, each with an address of its own: MPI over TCP, the origin on yet another host."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import Counter

import hosts
import millrace
from millrace import Case, await_that, tsv_rows

SKIPPED = 77  # the exit code that ctest takes for a skipped test
WORKERS, ORIGIN = (1, 2, 3), 4
PATIENCE = 3  # seconds
# What mpirun returns when it has seen by itself that a daemon is out of reach: it failed, or its communication did (-51).
LOST_DAEMON = (1, 205)
# mpirun sees after six seconds that a host is out of reach.
KEEPALIVE = {"OMPI_MCA_oob_tcp_keepalive_time": "3", "OMPI_MCA_oob_tcp_keepalive_intvl": "1", "OMPI_MCA_oob_tcp_keepalive_probes": "3"}


class Network(Case):
    @classmethod
    def setUpClass(cls):
        cls.hosts = cls.enterClassContext(hosts.Hosts(4))

    def setUp(self):
        super().setUp()
        self.server = self.origin(address=self.hosts.address(ORIGIN), within=self.hosts.on(ORIGIN))

    def environment(self):
        environment = millrace.mpi_environment(self.dir)
        environment.update(OMPI_MCA_btl="tcp,self", OMPI_MCA_btl_tcp_if_include="eth0", OMPI_MCA_oob_tcp_if_include="eth0",
                           OMPI_MCA_plm_rsh_agent=str(self.hosts.agent), **KEEPALIVE)
        return environment

    def start_over_hosts(self, *args, per_host=2, workers=WORKERS):
        """Begins it with so many ranks on each of these hosts, from the first."""
        places = ",".join(f"{self.hosts.address(n)}:{per_host}" for n in workers)
        command = self.hosts.on(workers[0]) + [
            millrace.MPIRUN, "-q", "--host", places, "-n", str(per_host * len(workers)), millrace.PROGRAM, "scrape",
            *map(str, args)]
        with open(self.dir / "out", "wb") as out, open(self.dir / "err", "wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.dir,
                                       env=self.environment(), start_new_session=True)
        self.addCleanup(millrace.end_session, process)
        return process

    def scrape_over_hosts(self, *args):
        """Runs it; the rows by id."""
        process = self.start_over_hosts(*args)
        self.assertEqual(self.wait(process), 0, self.said())
        return self.by_id(tsv_rows((self.dir / "out").read_bytes()))

    def expected(self, count):
        """The rows of a run on one host, without MPI."""
        done = subprocess.run(self.hosts.on(1) + [millrace.PROGRAM, "scrape", self.server.url(f"/article/[1-{count}]")],
                              env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=millrace.LIMIT,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.by_id(tsv_rows(done.stdout))

    def clients(self, events):
        """How many requests came from each address."""
        return Counter(e.client.rpartition(":")[0] for e in events)

    def test_rows(self):
        """The same rows as of one process, and every host has fetched."""
        expected = self.expected(400)
        before = len(self.server.starts())
        rows = self.scrape_over_hosts(self.server.url("/article/[1-400]"), "-c", "4", "--per-host", "0")
        self.assertEqual(rows, expected)
        clients = self.clients(self.server.starts()[before:])
        self.assertEqual(sum(clients.values()), 400)
        self.assertEqual(set(clients), {self.hosts.address(n) for n in WORKERS})

    def test_per_host(self):
        """A limit of the whole job, kept over the network, and used."""
        rows = self.scrape_over_hosts(self.server.url("/delay/0.05?n=[1-60]"), "--per-host", "5", "-c", "2")
        self.assertEqual(len(rows), 60)
        self.assertEqual(max(e.in_flight_host for e in self.server.log()), 5)
        self.assertGreater(len(self.clients(self.server.starts())), 1)

    def test_trace(self):
        """What all hosts recorded is in one file of rank 0's, each rank with its host's name, and no message is missing."""
        self.scrape_over_hosts(self.server.url("/article/[1-60]"), "--per-host", "0", "-c", "2", "--trace", self.dir / "t.json")
        whole = json.loads((self.dir / "t.json").read_text())
        events = whole["traceEvents"]
        names = {e["args"]["name"] for e in events if e["name"] == "process_name"}
        self.assertEqual(names, {f"rank {rank} (host{WORKERS[rank // 2]})" for rank in range(6)})
        self.assertEqual(sum(e["ph"] == "b" and e["name"] == "transfer" for e in events), 60)
        flows = {phase: Counter(e["id"] for e in events if e["ph"] == phase) for phase in "sf"}
        self.assertEqual(flows["s"], flows["f"])
        self.assertGreater(len(flows["s"]), 5)
        for clock in whole["otherData"]["clocks"]:
            self.assertLess(clock["imprecise_ns"], 1e8)

    # ------------------------------------------------------------ links that break

    def begin(self, *options, requests=30, **how):
        """A job that would take minutes, once each host has made requests."""
        before = len(self.server.starts())
        process = self.start_over_hosts(self.server.url("/delay/0.2?n=[1-9000]"), "--per-host", "0", "-c", "4",
                                        "-o", self.dir / "out.tsv", *options, **how)
        hosts_of = how.get("workers", WORKERS)
        await_that(lambda: len(clients := self.clients(self.server.starts()[before:])) == len(hosts_of) and
                   sum(clients.values()) >= requests, "requests of each host")
        return process

    def ends(self, process, codes, *lost):
        """It ends with our message, which names the rank and the host, once; its rows are whole, and nothing is left of it
        on any host. The seconds that it took."""
        begun = time.monotonic()
        self.assertIn(self.wait(process), codes, self.said())
        taken = time.monotonic() - begun
        said = [line for line in self.said().splitlines() if "has not been heard of" in line]
        self.assertEqual(len(said), 1, self.said())
        self.assertTrue(any(f"rank {rank} (host host{host}) has not been heard of for {PATIENCE} s: " in said[0]
                            for rank, host in lost), said)
        for name in (pathlib.Path(millrace.PROGRAM).name, "orted", "mpirun"):
            await_that(lambda n=name: not self.hosts.processes(n), f"the end of {name}")
        rows = tsv_rows((self.dir / "out.tsv").read_bytes())
        self.assertGreater(len(rows), 0)
        self.assertEqual({(row["status"], row["error"]) for row in rows}, {("200", "")})
        self.assertEqual(len({row["id"] for row in rows}), len(rows))
        print(f"mpirun returned {process.returncode} after {taken:.1f} s", file=sys.stderr)
        return taken

    def check_cut(self, host, silently, *lost, **how):
        process = self.begin("--rank-timeout", PATIENCE, **how)
        self.addCleanup(self.hosts.mend, host)
        self.hosts.cut(host, silently)
        try:
            self.ends(process, LOST_DAEMON, *lost)
        finally:
            self.hosts.mend(host)

    def test_cut(self):
        """One host is out of reach of the others."""
        for silently in (True, False):
            with self.subTest(silently=silently):
                self.check_cut(3, silently, (4, 3), (5, 3))

    def test_cut_first(self):
        """The host of rank 0, and of mpirun."""
        for silently in (True, False):
            with self.subTest(silently=silently):
                self.check_cut(1, silently, *((rank, 1 + rank // 2) for rank in range(2, 6)))

    def test_cut_one_rank_each(self):
        self.check_cut(2, True, (1, 2), per_host=1)

    def test_cut_and_mended(self):
        """A break shorter than the patience: all rows are there, and right."""
        for host in (1, 3):
            with self.subTest(host=host):
                before = len(self.server.starts())
                process = self.start_over_hosts(self.server.url("/article/[1-300]?latency=0.1"), "--rank-timeout", "30",
                                                "--per-host", "0", "-c", "4")
                await_that(lambda: len(self.clients(self.server.starts()[before:])) == len(WORKERS), "requests of each host")
                self.addCleanup(self.hosts.mend, host)
                self.hosts.cut(host, silently=True)
                cut_at = len(self.server.log())
                # Those that were in flight end; rank 0's host sends none, and where that is cut the others get no more.
                await_that(lambda: sum(e.event == "end" for e in self.server.log()[cut_at:]) >= 4, "answers during the break")
                self.hosts.mend(host)
                self.assertEqual(self.wait(process), 0, self.said())
                rows = self.by_id(tsv_rows((self.dir / "out").read_bytes()))
                self.assertEqual([(row["status"], row["error"]) for row in rows], [("200", "")] * 300)
                self.assertNotIn("heard", self.said())

    def test_mended_too_late(self):
        """The host comes back after the message, before mpirun has noticed: the job ends by itself."""
        process = self.begin("--rank-timeout", PATIENCE)
        self.addCleanup(self.hosts.mend, 3)
        self.hosts.cut(3, True)
        await_that(lambda: "has not been heard of" in self.said(), "the message")
        self.hosts.mend(3)
        self.ends(process, (3,), (4, 3), (5, 3))

    def rank_on(self, host):
        return [pid for n, pid in self.hosts.processes(pathlib.Path(millrace.PROGRAM).name) if n == host]

    def test_stopped(self):
        """A rank that stands still, beside one on its host that does not: it is not the network, and nothing is waited for."""
        process = self.begin("--rank-timeout", PATIENCE)
        os.kill(self.rank_on(3)[0], signal.SIGSTOP)
        self.assertLess(self.ends(process, (3,), (4, 3), (5, 3)), 2 * PATIENCE + 4)

    def test_stopped_alone(self):
        """The only rank of its host: it might be the network, so mpirun is given the time to see that."""
        process = self.begin("--rank-timeout", PATIENCE, per_host=1)
        os.kill(self.rank_on(3)[0], signal.SIGSTOP)
        self.ends(process, (3,), (2, 3))

    def test_stopped_first(self):
        """Rank 0 itself: the rank beside it sees that."""
        process = self.begin("--rank-timeout", PATIENCE)
        os.kill(self.first_rank(), signal.SIGSTOP)
        self.ends(process, (3,), (0, 1))

    def first_rank(self):
        for pid in self.rank_on(1):
            if b"OMPI_COMM_WORLD_RANK=0" in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return pid
        raise AssertionError("no rank 0")

    def test_killed(self):
        """A rank that dies elsewhere ends the job by mpirun alone."""
        process = self.begin("--rank-timeout", "600")
        os.kill(self.rank_on(3)[0], signal.SIGKILL)
        self.assertEqual(self.wait(process), 128 + signal.SIGKILL, self.said())
        for name in (pathlib.Path(millrace.PROGRAM).name, "orted", "mpirun"):
            await_that(lambda n=name: not self.hosts.processes(n), f"the end of {name}")


if __name__ == "__main__":
    try:
        hosts.check_able()
    except hosts.Unable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    millrace.main()
