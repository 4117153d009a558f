#!/usr/bin/python3
"""Measures fetching: millrace beside the clients people have, in one command that prepares all it needs.

    tests/bench/fetch.py [--build DIR] [--rounds N] [--quick] [--out FILE.json|FILE.csv]

The clients take turns, round after round, because a shared machine's speed drifts by a third within minutes:
only ratios within a round count, and of those the median. A round in which other programs took more of the
machine than --others allows is measured again. nginx has core 1; clients of one process have core 0, so
that the two never share one; two ranks have both.

CPU is the user and system time of the client with all its children (getrusage of wait4(2)), over its requests.
`gross` is all of it, `net` less what the same command takes for a single request: the start of MPI and of
interpreters, which a real job pays once.

Then servers that only make one wait: how near the job comes to the latency, what a waiting transfer takes of
memory and of CPU, and 100 redirected pages at once.

Only Python's standard library; peers that are not installed are skipped with a note (group `bench` of
jobs/packages.txt). Nothing is left running.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGES = 1000
PAGE_BYTES = 20 << 10
IN_FLIGHT = 64
SERVER_CORE, CLIENT_CORE = 1, 0
TICK = os.sysconf("SC_CLK_TCK")


# ------------------------------------------------------------------ running and measuring


@dataclass
class Usage:
    wall: float
    cpu: float  # user + system seconds, all children's too
    output: str
    others: float = 0.0  # cores that all other programs took meanwhile


def busy_seconds():
    """CPU seconds of the whole machine since it started, stolen time included."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def process_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def run(argv, server_pid=None, core=None, timeout=600, codes=(0,)):
    """Runs a client to its end. Its own words are kept for when it fails."""
    if core is not None:
        argv = ["taskset", "-c", str(core), *argv]
    with tempfile.TemporaryFile() as said:
        served = process_seconds(server_pid) if server_pid else 0.0
        busy, begun = busy_seconds(), time.perf_counter()
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=said,
                                 stderr=subprocess.STDOUT, env=environment())
        # wait4 gives the times of this child alone, with those that it has waited for itself.
        _pid, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        busy = busy_seconds() - busy
        served = process_seconds(server_pid) - served if server_pid else 0.0
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode(errors="replace")
    if child.returncode not in codes or wall > timeout:
        sys.exit(f"{' '.join(map(str, argv))}\nended with {child.returncode} after {wall:.0f} s:\n{output[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Usage(wall, cpu, output, max(0.0, (busy - cpu - served) / wall))


def environment():
    words = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**words, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


def mpirun(ranks):
    return ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]


# ------------------------------------------------------------------ the servers


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, child):
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if child.poll() is not None:
            break
        time.sleep(0.02)
    sys.exit(f"the server at port {port} does not answer")


def write_pages(site):
    """Pages as real ones are: markup, words of a Zipf-like distribution, a first h1 after a script."""
    rng = random.Random(1)
    letters = "eeeeaaaoootttnnnsshhrrddlluucmfwypvbgkjqxz"
    words = ["".join(rng.choice(letters) for _ in range(rng.randint(2, 10))) for _ in range(3000)]
    weights = [1 / (i + 1) for i in range(len(words))]
    site.mkdir()
    for i in range(PAGES):
        text = [f"<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>Page {i}</title>\n"
                f"<script>var s = '<h1>none of this</h1>';</script></head>\n<body><h1 id='t{i}'>Heading {i}</h1>\n"]
        size = len(text[0])
        while size < PAGE_BYTES:
            some = rng.choices(words, weights, k=30)
            text.append(f"<p class='p{size % 7}'>{' '.join(some[:15])} <a href='/{rng.randrange(PAGES)}.html'>"
                        f"{some[15]}</a> {' '.join(some[16:])}.</p>\n")
            size += len(text[-1])
        (site / f"{i}.html").write_text("".join(text) + "</body></html>\n", encoding="ascii")


NGINX = """daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log crit;
{user}
events {{ worker_connections 20000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=2000 inactive=3600;
    types {{ text/html html; }}
    client_body_temp_path {dir}/t1;
    proxy_temp_path {dir}/t2;
    fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4;
    scgi_temp_path {dir}/t5;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {dir}/site; }}
}}
"""


@contextlib.contextmanager
def ended(child):
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def nginx(directory):
    """Yields the port and the pid of the one worker, which does all the work."""
    port = free_port()
    write_pages(directory / "site")
    config = directory / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(NGINX.format(dir=directory, port=port, user=user), encoding="ascii")
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    argv = ["taskset", "-c", str(SERVER_CORE), binary, "-e", f"{directory}/nginx.log", "-c", str(config)]
    with ended(subprocess.Popen(argv, stdin=subprocess.DEVNULL)) as child:
        wait_for_port(port, child)
        workers = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="ascii").split()
        yield port, int(workers[0])


@contextlib.contextmanager
def origin(millrace, directory, *options):
    """`millrace serve`: answers late, and redirects to a random article."""
    port_file = directory / "origin.port"
    port_file.unlink(missing_ok=True)
    argv = ["taskset", "-c", str(SERVER_CORE), millrace, "serve", f"--port-file={port_file}", *options]
    with ended(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                env=environment())) as child:
        while not port_file.exists() and child.poll() is None:
            time.sleep(0.02)
        yield int(port_file.read_text(encoding="ascii"))


# ------------------------------------------------------------------ the clients


@dataclass
class Client:
    name: str
    argv: object  # of (list file, number of requests): the command line
    core: int | None = CLIENT_CORE
    needs: str = ""  # what has to be installed
    count: object = None  # of the output: how many requests were made, where the clock decides
    note: str = ""
    rounds: list = field(default_factory=list)  # of (gross us, net us, requests/s, net requests/s)


class Work:
    """The lists of URLs, and each client's command line for them."""

    def __init__(self, args, directory, port):
        self.args, self.directory, self.port = args, directory, port
        self.curl_lists = {}

    def urls(self, n):
        """Each its own URL, since some clients drop repeated ones; the server takes no notice of the query."""
        path = self.directory / f"urls-{n}"
        if not path.exists():
            path.write_text("".join(f"http://127.0.0.1:{self.port}/{i * 7 % PAGES}.html?{i}\n" for i in range(n)),
                            encoding="ascii")
        return path

    def curl_config(self, n):
        path = self.directory / f"curl-{n}"
        if not path.exists():
            lines = self.urls(n).read_text(encoding="ascii").split()
            path.write_text("".join(f'url="{u}"\noutput=/dev/null\n' for u in lines), encoding="ascii")
        return path

    def wrk_script(self, n):
        path = self.directory / "wrk.lua"
        path.write_text(f"local i = 0\nfunction request()\n  i = i + 1\n"
                        f"  return wrk.format('GET', '/' .. (i * 7 % {PAGES}) .. '.html?' .. i)\nend\n",
                        encoding="ascii")
        return path

    def clients(self):
        args = self.args
        scrape = [args.millrace, "scrape", "-q", "-c", str(IN_FLIGHT), "-o", "/dev/null"]
        plain, title = [*scrape, "-s", "none"], [*scrape, "-s", "title=h1"]
        bare = args.build / "tests" / "bare_multi"
        seconds = 1 if args.quick else 2
        return [
            Client("bare curl multi", lambda n: [bare, self.urls(n), IN_FLIGHT], note="the floor of libcurl"),
            Client("millrace", lambda n: [*plain, self.urls(n)], note="-s none, 1 rank"),
            Client("millrace --trace", lambda n: [*plain, "--trace", self.directory / "trace.json", self.urls(n)],
                   note="-s none, 1 rank; recording and writing"),
            Client("millrace title=h1", lambda n: [*title, self.urls(n)], note="1 rank, 1 core"),
            Client("millrace, 2 ranks", lambda n: [*mpirun(2), *plain, self.urls(n)], core=None,
                   needs="mpirun", note="mpirun included; shares the server's core"),
            Client("millrace title=h1, 2 ranks", lambda n: [*mpirun(2), *title, self.urls(n)], core=None,
                   needs="mpirun", note="mpirun included; shares the server's core"),
            Client("curl --parallel", lambda n: ["curl", "-s", "--parallel", "--parallel-immediate",
                   "--parallel-max", IN_FLIGHT, "--config", self.curl_config(n)], needs="curl"),
            Client("wget2", lambda n: ["wget2", "-q", "--no-config", f"--max-threads={IN_FLIGHT}", "-O", "/dev/null",
                   "-i", self.urls(n)], needs="wget2"),
            Client("wrk", lambda n: ["wrk", "-t1", f"-c{IN_FLIGHT}", f"-d{seconds if n > 1 else 0.1:g}s", "-s",
                   self.wrk_script(n), f"http://127.0.0.1:{self.port}/"], needs="wrk",
                   count=lambda text: int(re.search(r"(\d+) requests in", text).group(1)),
                   note=f"no list, {seconds} s by the clock, formats URLs in Lua"),
            Client("aiohttp", lambda n: ["/usr/bin/python3", HERE / "aiohttp_client.py", self.urls(n), IN_FLIGHT],
                   needs="aiohttp", note="1 process, asyncio's own loop"),
        ]


def installed(needs):
    if needs == "aiohttp":
        return subprocess.run(["/usr/bin/python3", "-c", "import aiohttp"], capture_output=True).returncode == 0
    return not needs or shutil.which(needs) is not None


def measure(client, requests, server_pid):
    """One round of one client. The other programs' share of the machine is returned."""
    if client.count:  # by the clock: there is no run of one request to compare with
        start = Usage(0.0, 0.0, "")
        full = run(client.argv(requests), server_pid, client.core)
        requests = client.count(full.output)
    else:
        start = run(client.argv(1), server_pid, client.core)
        full = run(client.argv(requests), server_pid, client.core)
    net_wall, net_cpu = full.wall - start.wall, full.cpu - start.cpu
    client.rounds.append((full.cpu / requests * 1e6, net_cpu / requests * 1e6, requests / full.wall,
                          requests / net_wall if net_wall > 0 else float("nan"), start.cpu * 1e3))
    return full.others


def take_rounds(clients, args, server_pid):
    """Round-robin. A round with too much of other programs in it is thrown away, as often as --patience."""
    patience, kept, worst = args.patience, 0, 0.0
    while kept < args.rounds:
        others = [measure(c, args.requests, server_pid) for c in clients]
        noise = statistics.mean(others)
        if noise > args.others and patience > 0:
            patience -= 1
            for c in clients:
                c.rounds.pop()
            print(f"  a round with {noise:.2f} cores of other programs is thrown away", file=sys.stderr)
            time.sleep(2)
            continue
        worst = max(worst, noise)
        kept += 1
    return worst


def median(values):
    return statistics.median(values)


def row_of(client, bare, curl):
    def ratio(to, column):
        return median(a[column] / b[column] for a, b in zip(client.rounds, to.rounds)) if to else None

    gross, net, rate, net_rate, start = (median(column) for column in zip(*client.rounds))
    return {"client": client.name, "cpu_us_gross": gross, "cpu_us_net": net, "requests_per_s_gross": rate,
            "requests_per_s_net": net_rate, "start_cpu_ms": start, "to_bare_gross": ratio(bare, 0),
            "to_bare_net": ratio(bare, 1), "to_curl_net": ratio(curl, 1), "note": client.note}


def show_clients(rows):
    print(f"{'client':28}{'us net':>8}{'gross':>8}{'/bare':>7}{'gross':>7}{'/curl':>7}{'req/s net':>11}{'gross':>9}"
          f"{'start ms':>10}  note")
    for r in rows:
        to_curl = f"{r['to_curl_net']:7.2f}" if r["to_curl_net"] else f"{'-':>7}"
        print(f"{r['client']:28}{r['cpu_us_net']:8.1f}{r['cpu_us_gross']:8.1f}{r['to_bare_net']:7.2f}"
              f"{r['to_bare_gross']:7.2f}{to_curl}{r['requests_per_s_net']:11.0f}{r['requests_per_s_gross']:9.0f}"
              f"{r['start_cpu_ms']:10.0f}  {r['note']}")


def bench_clients(args, directory):
    with nginx(directory) as (port, pid):
        work = Work(args, directory, port)
        clients = []
        for client in work.clients():
            if installed(client.needs):
                clients.append(client)
            else:
                print(f"{client.name} is skipped: {client.needs} is not installed", file=sys.stderr)
        worst = take_rounds(clients, args, pid)
    by_name = {c.name: c for c in clients}
    curl = by_name.get("curl --parallel")
    rows = [row_of(c, by_name["bare curl multi"], curl) for c in clients]
    print(f"\n{args.requests} requests over {PAGES} pages of {PAGE_BYTES >> 10} KiB, {IN_FLIGHT} in flight; medians of "
          f"{args.rounds} rounds; other programs: {worst:.2f} cores at most")
    show_clients(rows)
    return rows


# ------------------------------------------------------------------ servers that make one wait


def job(args, directory, ranks, *options):
    """A run's own figures, from inside the job."""
    report = directory / "report.json"
    argv = [args.millrace, "scrape", "-q", f"--report={report}", "-o", "/dev/null", *options]
    usage = run([*(mpirun(ranks) if ranks > 1 else []), *argv])
    figures = json.loads(report.read_text(encoding="utf-8"))
    total = figures["total"]
    return {"seconds": figures["seconds"], "cpu": (total["user_us"] + total["system_us"]) / 1e6,
            "peak": total["peak_memory"], "connections": total["connections"], "wall": usage.wall}


def repeated(rounds, make):
    """The median of each figure, the runs of all that `make` gives taken in turns."""
    taken = [[one() for one in make] for _ in range(rounds)]
    return [{k: median(run_[i][k] for run_ in taken) for k in taken[0][i]} for i in range(len(make))]


def bench_waiting(args, directory):
    n, many = (200, 1000) if args.quick else (1000, 10000)
    hold = 1 if args.quick else 5
    figures = {}
    with origin(args.millrace, directory) as port:
        def fetch(latency, count, ranks=1):
            return lambda: job(args, directory, ranks, "-s", "none", "-c", str(-(-count // ranks)),
                               f"http://127.0.0.1:{port}/delay/{latency}?[1-{count}]")

        half, now, held, now2, held2 = repeated(1 if args.quick else 5, [
            fetch(0.5, n), fetch(0.05, n), fetch(0.05 + hold, n), fetch(0.05, n, 2), fetch(0.05 + hold, n, 2)])
        one, crowd = repeated(1 if args.quick else 3, [fetch(0, 1), fetch(1 if args.quick else 4, many)])
    figures["wait_seconds"] = half["seconds"]
    figures["wait_ratio"] = half["seconds"] / 0.5
    figures["idle_cpu_ms_per_s_1_rank"] = (held["cpu"] - now["cpu"]) / hold * 1e3
    figures["idle_cpu_ms_per_s_2_ranks"] = (held2["cpu"] - now2["cpu"]) / hold * 1e3
    figures["bytes_per_waiting_transfer"] = (crowd["peak"] - one["peak"]) / crowd["connections"]
    print(f"\n{n} URLs answering after 0.5 s, all in flight: {half['seconds']:.3f} s, "
          f"{figures['wait_ratio']:.2f} x 0.5 s (goal 1.35)")
    print(f"{n} transfers waiting {hold} s more: {figures['idle_cpu_ms_per_s_1_rank']:.1f} ms of CPU a second at 1 rank, "
          f"{figures['idle_cpu_ms_per_s_2_ranks']:.1f} at 2")
    print(f"{crowd['connections']:.0f} waiting transfers: {figures['bytes_per_waiting_transfer'] / 1000:.1f} KB of memory "
          f"each (goal 20)")
    return figures


def bench_titles(args, directory):
    with origin(args.millrace, directory, "--latency=0.4") as port:
        url = f"http://127.0.0.1:{port}/random"
        (taken,) = repeated(1 if args.quick else 5, [
            lambda: job(args, directory, 1, "-s", "title=h1", "-c", "100", "--repeat=100", url)])
    print(f"titles: 100 requests to /random, two hops of 0.4 s each: {taken['seconds']:.2f} s inside the job, "
          f"{taken['wall']:.2f} s with start-up")
    return {"titles_seconds": taken["seconds"], "titles_wall_seconds": taken["wall"]}


# ------------------------------------------------------------------ the verdict


def show_goals(rows):
    by_name = {r["client"]: r for r in rows}
    us = by_name["millrace"]
    goals = [("bare loop (wished)", us["to_bare_net"], 1.25), ("bare loop (must)", us["to_bare_net"], 1.5),
             ("curl --parallel", us["to_curl_net"], 0.5)]
    if "aiohttp" in by_name:
        goals.append(("aiohttp", us["cpu_us_net"] / by_name["aiohttp"]["cpu_us_net"], 1 / 6))
    print("\nmillrace without extraction, CPU per request to")
    for name, value, goal in goals:
        if value:
            print(f"  {name:20} {value:5.2f}  goal {goal:4.2f}  {'met' if value <= goal else 'MISSED'}")


def write_out(path, result):
    if path.suffix == ".csv":
        with open(path, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, result["clients"][0].keys())
            writer.writeheader()
            writer.writerows(result["clients"])
    else:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="(%(default)s)")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--requests", type=int, default=20000)
    p.add_argument("--others", type=float, default=0.15, help="cores that other programs may take in a round (%(default)s)")
    p.add_argument("--patience", type=int, default=30, help="rounds to throw away before any is taken (%(default)s)")
    p.add_argument("--only", choices=["clients", "waiting"], help="one half of it")
    p.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    p.add_argument("--out", type=Path, help="all figures as JSON, or the table as CSV")
    args = p.parse_args()
    args.build = args.build.resolve()
    args.millrace = args.build / "src" / "millrace"
    if args.quick:
        args.rounds, args.requests, args.patience = 1, 1000, 0
    for needed in (args.millrace, args.build / "tests" / "bare_multi"):
        if not needed.exists():
            sys.exit(f"{needed} is missing: cmake --preset release && cmake --build build/release")
    return args


def main():
    args = options()
    result = {"load": os.getloadavg(), "cores": os.cpu_count(), "requests": args.requests, "rounds": args.rounds}
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as name:
        directory = Path(name)
        if args.only != "waiting":
            result["clients"] = bench_clients(args, directory)
        if args.only != "clients":
            result["waiting"] = {**bench_waiting(args, directory), **bench_titles(args, directory)}
    if "clients" in result:
        show_goals(result["clients"])
    if args.out:
        write_out(args.out, result)


if __name__ == "__main__":
    main()
