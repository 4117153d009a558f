#!/usr/bin/python3
"""Checks that `predict` (argv[1]) tells the costs it is given from each other, and that what it writes is CSV as BENCH rows are.

No time is measured: the costs are made up, and the answers follow from them.
"""

import csv
import datetime
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COLUMNS = ("source series workload strategy ranks threads cores in_flight run records seconds requests_per_second cpu_seconds "
           "overlap stall_seconds latency machine nodes version commit mpi date").split()
NOTHING = dict.fromkeys("deal outcome head_batch scan page title server late_wall start_up".split(), 0)
NETWORK = dict.fromkeys("send receive turn look look_slack_wall latency_wall".split(), 0)
MACHINE = 'a "small" machine, 2 cores'
PROGRAM = sys.argv.pop(1)


def predict(*options, network=(), **costs):
    net = {**NETWORK, **dict(network)}
    told = {**NOTHING, "shared": net, "tcp": {**net, "latency_wall": 50000}, "machine": MACHINE, "version": "0.1.0",
            "commit": "0123456789", "mpi": "Open MPI 4.1.4", **costs}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(told, file)
        file.flush()
        done = subprocess.run([PROGRAM, file.name, *map(str, options)], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout), strict=True))


class Rows(unittest.TestCase):
    def test_columns(self):
        rows = predict("--pages", 2560, "--ranks", "1,2,4", "--series", "weak", "--latency", 0.25)
        self.assertEqual([int(r["ranks"]) for r in rows], [1, 2, 4])
        for r in rows:
            self.assertEqual(list(r)[:len(COLUMNS)], COLUMNS)
            self.assertNotIn(None, r)
            self.assertEqual((r["source"], r["series"], r["workload"]), ("predicted", "weak", "titles"))
            self.assertEqual(r["machine"], MACHINE)
            self.assertEqual(int(r["records"]), 2560 * int(r["ranks"]))
            self.assertEqual(int(r["in_flight"]), 64 * int(r["ranks"]))
            self.assertEqual(float(r["latency"]), 0.25)
            datetime.datetime.strptime(r["date"], "%Y-%m-%dT%H:%M:%SZ")

    def test_bad_costs_and_options(self):
        with self.assertRaisesRegex(AssertionError, "lack a number: deal"):
            predict(deal="much")
        with self.assertRaisesRegex(AssertionError, "not a list of ranks"):
            predict("--ranks", "1,two")
        with self.assertRaisesRegex(AssertionError, "lack a number: send"):
            predict("--network", "pigeons")


class Answers(unittest.TestCase):
    def seconds(self, *options, **costs):
        return [float(r["seconds"]) for r in predict(*options, **costs)]

    def test_waiting(self):
        for got, ranks in zip(self.seconds("--pages", 25600, "--latency", 0.5, "--ranks", "1,4,100"), (1, 4, 100)):
            # Every rank but rank 0 also looks for its messages every 4 ms at the latest, twice for each wave.
            waves = 25600 // (64 * ranks)
            self.assertGreaterEqual(got, waves * 0.5)
            self.assertLessEqual(got, waves * 0.5 + (0.012 * waves if ranks > 1 else 1e-9))

    def test_rank_0(self):
        got = self.seconds("--pages", 20000, "--latency", 0, "--ranks", "1", deal=6000, outcome=4000)
        self.assertEqual(got, [0.2])

    def test_pages_on_the_loop(self):
        self.assertEqual(self.seconds("--pages", 10000, "--latency", 0, "--ranks", "1", page=40000), [0.4])

    def test_kernels(self):
        words = ["--workload", "powers", "--pages", 800, "--kernel", 0.01, "--threads", 2, "--ranks", "1,4"]
        alone, four = self.seconds(*words)
        self.assertAlmostEqual(alone, 4.0, places=6)
        self.assertTrue(1.0 <= four <= 1.5, four)  # and the looks: no thread has its next item before it has told of the last
        alone, four = self.seconds(*words, "--cores", 2)
        self.assertAlmostEqual(alone, 4.0, places=6)
        self.assertTrue(4.0 <= four <= 4.1, four)

    def test_network(self):
        words = ["--pages", 6400, "--latency", 0.1, "--ranks", "10"]
        (near,), (far,) = self.seconds(*words), self.seconds(*words, "--delay", 0.05)
        self.assertGreater(far, near + 0.5)  # ten waves, there and back


if __name__ == "__main__":
    unittest.main()
