"""What the end-to-end tests share: running the program, its origin and nginx, and reading what they leave.

Everything that is started is ended with the test, with all of its descendants, and lives below one temporary
directory. Nothing waits for a fixed time: await_that() polls until a deadline.

The environment says what is tested: MILLRACE is the program, MPIRUN the launcher.
"""

import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections import namedtuple

PROGRAM = os.environ.get("MILLRACE", "millrace")
MPIRUN = os.environ.get("MPIRUN", "mpirun")
LIMIT = 60  # seconds that a run may take before it counts as hung

OK, SOME_FAILED, USAGE, STOPPED, INTERRUPTED = 0, 1, 2, 3, 75


class Hung(AssertionError):
    """Something took longer than its hard limit."""


def await_that(condition, what, limit=20.0):
    """The first true value of condition(), which is polled; Hung after the limit."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Hung(f"not within {limit} s: {what}")
        time.sleep(0.005)


# ---------------------------------------------------------------- processes

def session_of(pid):
    """The members of the session that pid leads. mpirun gives each rank a process group of its own, so a
    process group is not enough to end a job."""
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        state, _, _, session = stat.rpartition(")")[2].split()[:4]
        if int(session) == pid and state != "Z":
            members.append(int(entry))
    return members


def end_session(process):
    """Kills a process that start() began, and all it has started."""
    for _ in range(100):
        members = session_of(process.pid)
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        if not members:
            break
        time.sleep(0.01)
    process.wait()


def mpi_environment(scratch):
    """As one machine with few cores and perhaps no other network than loopback needs it."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.lower().endswith("_proxy") and not name.startswith(("OMPI_", "PMIX_"))}
    environment.update(
        TMPDIR=str(scratch),
        LC_ALL="C.UTF-8",
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_hwloc_base_binding_policy="none",
        OMPI_MCA_mpi_yield_when_idle="1",
        OMPI_MCA_btl_tcp_if_include="lo",
        OMPI_MCA_oob_tcp_if_include="lo",
    )
    return environment


def command_line(ranks, args):
    """ranks 0: the program by itself; else under mpirun."""
    program = [PROGRAM] + [str(a) for a in args]
    return program if ranks == 0 else [MPIRUN, "-q", "--oversubscribe", "-n", str(ranks)] + program


Result = namedtuple("Result", "code out err seconds")


def rank_processes(process):
    """The process ids of a job's ranks, in no order; [] while they are not yet there."""
    ranks = []
    for pid in session_of(process.pid):
        with contextlib.suppress(OSError):
            if os.path.samefile(f"/proc/{pid}/exe", PROGRAM):
                ranks.append(pid)
    return ranks


# ---------------------------------------------------------------- rows

def unescape_tsv(text):
    """Undoes what the TSV format of the program does to a value."""
    names = {"t": "\t", "n": "\n", "r": "\r", "0": "\0", "\\": "\\"}
    out = []
    characters = iter(text)
    for c in characters:
        out.append(names[next(characters)] if c == "\\" else c)
    return "".join(out)


def tsv_rows(data):
    """The rows of TSV output as dicts; fails unless each line is whole and has as many cells as the header."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    assert text.endswith("\n"), f"the last line is torn: {text[-200:]!r}"
    assert not set(text) & set("\0\r"), "a control character stands in the TSV as it is"
    lines = text[:-1].split("\n")
    header = lines[0].split("\t")
    rows = []
    for line in lines[1:]:
        cells = line.split("\t")
        assert len(cells) == len(header), f"{len(cells)} cells for {len(header)} columns: {line[:300]!r}"
        rows.append(dict(zip(header, map(unescape_tsv, cells))))
    return rows


def csv_rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def jsonl_rows(data):
    assert not data or data.endswith(b"\n")
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


# ---------------------------------------------------------------- the test's frame

class Case(unittest.TestCase):
    """A test with a temporary directory, self.dir, whose processes end with it."""

    maxDiff = 4000

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="millrace-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def start(self, ranks, args, **how):
        """Starts the program; standard output and error are files self.dir/out and err unless given."""
        if "stdout" not in how:
            how["stdout"] = open(self.dir / "out", "wb")
            self.addCleanup(how["stdout"].close)
        if "stderr" not in how:
            how["stderr"] = open(self.dir / "err", "wb")
            self.addCleanup(how["stderr"].close)
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("cwd", self.dir)
        process = subprocess.Popen(command_line(ranks, args), env=mpi_environment(self.dir),
                                   start_new_session=True, **how)
        self.addCleanup(end_session, process)
        return process

    def wait(self, process, limit=LIMIT):
        """The exit code; 128 + N for a process that signal N ended, as the shell says it."""
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            end_session(process)
            raise Hung(f"still running after {limit} s: {process.args}; it said: {self.said()}") from None
        return code if code >= 0 else 128 - code

    def said(self):
        path = self.dir / "err"
        return path.read_text(errors="replace") if path.exists() else ""

    def run_millrace(self, ranks, *args, stdin=b"", limit=LIMIT, **how):
        """Runs the program to its end."""
        begin = time.monotonic()
        source = self.dir / "stdin"
        source.write_bytes(stdin)
        with open(source, "rb") as stream:
            process = self.start(ranks, args, stdin=stream, **how)
            code = self.wait(process, limit)
        seconds = time.monotonic() - begin
        end_session(process)
        out = self.dir / "out"
        return Result(code, out.read_bytes() if out.exists() else b"", self.said(), seconds)

    def scrape(self, ranks, *args, code=None, **how):
        """Runs `millrace scrape`; the rows by id, each id once and none missing."""
        result = self.run_millrace(ranks, "scrape", *args, **how)
        if code is not None:
            self.assertEqual(result.code, code, result.err)
        return self.by_id(tsv_rows(result.out))

    def by_id(self, rows):
        ids = sorted(int(row["id"]) for row in rows)
        self.assertEqual(ids, list(range(len(rows))), "each record has exactly one row")
        return sorted(rows, key=lambda row: int(row["id"]))

    def write(self, name, content):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def origin(self, *options, **how):
        return self.enter(Origin(self.dir, *options, **how))

    def nginx(self, server, root=None):
        return self.enter(Nginx(self.dir, server, root))

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def assertNoDisaster(self, result):
        """Neither MPI's banners nor a sanitizer or a crash speak."""
        for sign in ("MPI_ABORT", "mpirun noticed", "Primary job", "Segmentation", "Sanitizer", "PMIX ERROR",
                     "signal code", "ORTE", "prterun"):
            self.assertNotIn(sign, result.err)


def main():
    unittest.main(argv=[sys.argv[0], "-v"] + sys.argv[1:])


# ---------------------------------------------------------------- servers

Event = namedtuple("Event", "event time request in_flight in_flight_host method target status host client"
                            " result user_agent")


def parse_log(text):
    """The whole lines of the origin's log."""
    events = []
    for line in text.split("\n")[:-1]:
        cells = line.split("\t")
        cells[1] = float(cells[1])
        cells[2:5] = map(int, cells[2:5])
        events.append(Event(*cells))
    return events


class Origin:
    """The embedded origin, on a free port. Entering it waits until it serves. `within` are words before its command."""

    count = 0

    def __init__(self, directory, *options, address="127.0.0.1", scheme="http", within=()):
        Origin.count += 1
        self.base = directory / f"origin{Origin.count}"
        self.options = [str(o) for o in options]
        self.address, self.scheme, self.within = address, scheme, list(within)

    def __enter__(self):
        self.base.mkdir()
        port_file, self.log_file = self.base / "port", self.base / "log"
        with open(self.base / "said", "wb") as said:
            self.process = subprocess.Popen(
                [*self.within, PROGRAM, "serve", "--address", self.address, "--port-file", port_file, "--log", self.log_file,
                 *self.options], stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        try:
            await_that(lambda: port_file.exists() or self.process.poll() is not None, "the origin's port file")
            self.port = int(port_file.read_text())
        except BaseException as e:
            self.__exit__()
            raise AssertionError(f"the origin does not start: {(self.base / 'said').read_text()}") from e
        return self

    def __exit__(self, *_):
        end_session(self.process)

    def stop(self):
        """Stops it by a signal: its log is complete then."""
        self.process.terminate()
        if self.process.wait(20) != 0:
            raise AssertionError("the origin did not end well")

    def url(self, target="/"):
        return f"{self.scheme}://{self.address}:{self.port}{target}"

    def log(self):
        return parse_log(self.log_file.read_text()) if self.log_file.exists() else []

    def starts(self, prefix="/"):
        return [e for e in self.log() if e.event == "start" and e.target.startswith(prefix)]


def free_port(address="127.0.0.1"):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, 0))
        return s.getsockname()[1]


class Nginx:
    """nginx from a temporary directory, without a look at /etc, as whoever runs the test. `server` is the text
    of its server block after the listen line, in which PORT stands for the port and DIR for the directory."""

    TEMPLATE = """
daemon off; master_process off; error_log {dir}/error.log warn; pid {dir}/pid;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
  access_log {dir}/access.log; client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  keepalive_requests 100000; types {{ text/html html; text/plain txt; application/json json; }}
  server {{ {server} }}
}}
"""

    def __init__(self, directory, server, root=None):
        self.dir = directory / f"nginx{free_port()}"
        self.server, self.root = server, root

    def __enter__(self):
        self.dir.mkdir()
        for attempt in range(5):  # another process may take the port in between
            self.port = free_port()
            text = self.server.replace("PORT", str(self.port)).replace("DIR", str(self.dir))
            config = self.dir / "nginx.conf"
            config.write_text(self.TEMPLATE.format(dir=self.dir, server=text))
            with open(self.dir / "said", "wb") as said:
                self.process = subprocess.Popen(
                    [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.dir, "-e", self.dir / "error.log",
                     "-c", config], stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
            try:
                await_that(lambda: self.process.poll() is not None or self.listens(), "nginx")
            except BaseException:
                self.__exit__()
                raise
            if self.process.poll() is None:
                return self
        raise AssertionError(f"nginx does not start: {(self.dir / 'said').read_text()}")

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        end_session(self.process)

    def access_log(self):
        return (self.dir / "access.log").read_text()


class RawServer:
    """A server that does to each connection what handle(socket) does, on a thread each; for answers that no
    well-behaved server gives."""

    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LIMIT)
            self.handle(connection)

    def __exit__(self, *_):
        self.listener.close()

    def url(self, target="/"):
        return f"http://127.0.0.1:{self.port}{target}"


def read_request(connection):
    """The head of a request; b'' if the client went away."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    return head
