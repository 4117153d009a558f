"""A job over several hosts, each with an address of its own: MPI over TCP, the origin on yet another host."""

import subprocess
import sys
from collections import Counter

import hosts
import millrace
from millrace import Case, tsv_rows

SKIPPED = 77  # the exit code that ctest takes for a skipped test
WORKERS, ORIGIN = (1, 2, 3), 4


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
                           OMPI_MCA_plm_rsh_agent=str(self.hosts.agent))
        return environment

    def scrape_over_hosts(self, *args, per_host=2):
        """Runs it with so many ranks on each host, begun on the first; the rows by id."""
        places = ",".join(f"{self.hosts.address(n)}:{per_host}" for n in WORKERS)
        command = self.hosts.on(WORKERS[0]) + [
            millrace.MPIRUN, "-q", "--host", places, "-n", str(per_host * len(WORKERS)), millrace.PROGRAM, "scrape",
            *map(str, args)]
        with open(self.dir / "out", "wb") as out, open(self.dir / "err", "wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.dir,
                                       env=self.environment(), start_new_session=True)
        self.addCleanup(millrace.end_session, process)
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


if __name__ == "__main__":
    try:
        hosts.check_able()
    except hosts.Unable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    millrace.main()
