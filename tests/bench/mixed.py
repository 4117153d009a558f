#!/usr/bin/python3
"""How well fetching and computing overlap: the founding job `mixed`.

Each page of the embedded origin gives a base, and `scrape --kernel pow` computes a large power of it while other pages are
fetched. Measured, interleaved: fetching alone (the same pages, nothing computed), computing alone (the same powers by
`pow`, nothing fetched), and both together. The figure is the median time together over the longer of the two alone.

    tests/bench/mixed.py [--millrace PROGRAM] [--rounds N] [--pages N] [--latency S] [--exponent N] [--threads N]
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def seconds(program, threads, directory, *args):
    """The job's own time, without the start of MPI."""
    report = pathlib.Path(directory, "report.json")
    subprocess.run([program, *args, "-q", "-o", "/dev/null", "--report", report], check=True,
                   env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    return json.loads(report.read_text())


def serve(program, directory, latency):
    port = pathlib.Path(directory, "port")
    server = subprocess.Popen([program, "serve", "--port-file", port], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, re.search(r"http://[^/]+", line).group(0)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--millrace", default=ROOT / "build/release/src/millrace")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--pages", type=int, default=400)
    p.add_argument("--latency", type=float, default=0.1)
    p.add_argument("--concurrency", type=int, default=10)
    p.add_argument("--exponent", type=int, default=2500000)
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server, origin = serve(a.millrace, directory, a.latency)
        try:
            run(a, directory, origin)
        finally:
            server.terminate()
            server.wait()


def run(a, directory, origin):
    url = f"{origin}/operands/[1-{a.pages}]?latency={a.latency}"
    items = pathlib.Path(directory, "items")
    with items.open("w") as out:
        for n in range(1, a.pages + 1):
            with urllib.request.urlopen(f"{origin}/operands/{n}") as answer:
                out.write(f"{json.load(answer)['base']}^{a.exponent}\n")
    kernel = ["-k", "pow", "--kernel-arg", "base=json:/base", "--kernel-arg", f"exponent={a.exponent}"]
    fetch, compute, both = [], [], []
    for _ in range(a.rounds):
        fetch.append(seconds(a.millrace, a.threads, directory, "scrape", "-s", "none", "-c", str(a.concurrency), url)["seconds"])
        compute.append(seconds(a.millrace, a.threads, directory, "pow", "-i", str(items))["seconds"])
        report = seconds(a.millrace, a.threads, directory, "scrape", *kernel, "-c", str(a.concurrency), url)
        both.append(report["seconds"])
        print(f"fetch {fetch[-1]:.2f} s, compute {compute[-1]:.2f} s, together {both[-1]:.2f} s "
              f"(overlap {report['total']['overlap']:.0%}, longest stall {report['total']['longest_stall_ns'] / 1e6:.1f} ms)")
    ratios = [b / max(f, c) for f, c, b in zip(fetch, compute, both)]
    print(f"{a.pages} pages at {a.latency} s, {a.concurrency} at a time; powers of exponent {a.exponent} on {a.threads} thread(s)")
    print(f"together over the longer alone: {statistics.median(ratios):.3f} "
          f"(of {', '.join(f'{r:.3f}' for r in ratios)}); the sum would be "
          f"{statistics.median((f + c) / max(f, c) for f, c in zip(fetch, compute)):.2f}")


if __name__ == "__main__":
    main()
