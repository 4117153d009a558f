#!/usr/bin/python3
"""Measures powers: millrace beside GMP, CPython and FLINT, in one command and one run.

    tests/bench/powers.py [--build DIR] [--flint PREFIX] [--rounds N] [--quick] [--slow] [--cold] [--out FILE.json|FILE.csv]

Products of 20 Mbit, 200 Mbit and 1 Gbit, i^i for i = 1000003 and its decimal digits, on one thread and on two; then
`millrace pow 1000000..1000015`, the sixteen powers with their six million digits each. All take turns, round after
round: only ratios within a round count, because a shared machine's speed drifts; of those the median is shown, with the
lowest and the highest. The first round warms up and is not counted. In its turn each computes twice and the second
time counts, as in a program that computes one power after another: the processor is awake, and its caches hold the
peer's own data, not those of the one before it. With --cold the first counts. (CPython's integers take too long to matter.)

- GMP and ours are called by `bench_bigpow serve`, CPython and FLINT by children of this program.
- CPython's integers are quadratic or nearly: they take part where they need seconds, once or a few times, and by
  `--slow` also where they need minutes. CPython's `decimal` computes in decimal from the start, as we do.
- FLINT: --flint names a prefix with lib/libflint.so, version 3 with fft_small. Debian 12 has 2.9, without. For example
  `./bootstrap.sh && CC=clang CFLAGS="-O2 -march=native" ./configure --prefix=PREFIX && make install` in its sources.
- Shares of our time: `transform` (columns forward, rows with the pointwise product, and as much again of the way back as
  of the way forward), `carry` (what the way back takes over the way forward: it makes the digits and their carries),
  `check` (residues), `digits` (limbs to digits and back; decimal characters), `other`.
- `peak` is the transform's rate, at 5 N log2 N operations for N points, over the rate of a loop of multiply-adds on as
  many threads in the same round.

Only Python's standard library; peers that are not there are skipped with a word. Nothing is left running.
"""

import argparse
import csv
import ctypes
import decimal
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT, POWER, DIGITS, PEAK = range(4)
I = 1000003
ARTICLE = (54.64, 6.24)  # seconds: one after the other, and with eight processes

# name, kind, size, exponent, rounds, rounds of CPython, only with --slow
CASES = [
    ("product 20 Mbit", PRODUCT, 20_000_000, 0, 15, 2, False),
    ("power i^i", POWER, I, I, 15, 2, False),
    ("digits of i^i", DIGITS, I, I, 7, 0, False),
    ("digits of i^100003", DIGITS, I, 100_003, 7, 2, False),
    ("product 200 Mbit", PRODUCT, 200_000_000, 0, 7, 0, False),
    ("product 1 Gbit", PRODUCT, 1_000_000_000, 0, 3, 0, False),
]


# ------------------------------------------------------------------ peers in children of this program


class Python:
    """CPython's own integers."""

    def __init__(self):
        sys.set_int_max_str_digits(0)
        self.operand = None

    def run(self, kind, size, exponent):
        if kind == PRODUCT and (not self.operand or self.operand[0] != size):
            self.operand = size, int.from_bytes(os.urandom(size // 16), "little")
        begun = time.perf_counter()
        if kind == PRODUCT:
            _ = self.operand[1] * self.operand[1]
        elif kind == POWER:
            _ = pow(size, exponent)
        else:
            _ = str(pow(size, exponent))
        return time.perf_counter() - begun


class Decimal:
    """CPython's module decimal (libmpdec), for digits."""

    def __init__(self):
        decimal.setcontext(decimal.Context(prec=10_000_000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN,
                                           traps=[decimal.Inexact]))

    def run(self, _kind, size, exponent):
        begun = time.perf_counter()
        _ = format(decimal.Decimal(size) ** exponent, "f")
        return time.perf_counter() - begun


class Flint:
    """fmpz of libflint.so, by ctypes."""

    def __init__(self, prefix, threads):
        lib = self.lib = ctypes.CDLL(str(Path(prefix, "lib", "libflint.so")))
        lib.fmpz_get_str.restype = ctypes.c_void_p
        lib.flint_free.argtypes = [ctypes.c_void_p]
        lib.flint_set_num_threads(threads)
        self.x, self.y = ctypes.c_long(0), ctypes.c_long(0)
        self.size = None

    def prepare(self, kind, size):
        if self.size == (kind, size):
            return
        self.size = kind, size
        words = os.urandom(size // 16 // 8 * 8) if kind == PRODUCT else size.to_bytes(8, "little")
        self.lib.fmpz_set_ui_array(ctypes.byref(self.x), words, ctypes.c_long(len(words) // 8))

    def run(self, kind, size, exponent):
        lib, x, y = self.lib, ctypes.byref(self.x), ctypes.byref(self.y)
        self.prepare(kind, size)
        begun = time.perf_counter()
        if kind == PRODUCT:
            lib.fmpz_mul(y, x, x)
        else:
            lib.fmpz_pow_ui(y, x, ctypes.c_ulong(exponent))
        if kind == DIGITS:
            lib.flint_free(lib.fmpz_get_str(None, 10, y))
        return time.perf_counter() - begun


def serve_peer(name, *args):
    """What the children run: a case a line in, the seconds of the last of its runs a line out."""
    peer = {"python": Python, "decimal": Decimal, "flint": Flint}[name](*args)
    print("ready", flush=True)
    for line in sys.stdin:
        *case, runs = map(int, line.split())
        print(f"{[peer.run(*case) for _ in range(runs)][-1]:.9f}", flush=True)


# ------------------------------------------------------------------ children as seen from here


class Child:
    def __init__(self, *argv):
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.greeting = self.process.stdout.readline().split()
        if not self.greeting:
            self.end()
            raise OSError(f"{' '.join(map(str, argv))} does not start")

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.process.args} ended at {words}")
        return [float(word) for word in answer.split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def peer(name, *args):
    return Child(sys.executable, "-B", __file__, "--peer", name, *args)


def flints(prefix):
    """One for each number of threads; None where there is no such library."""
    if not prefix:
        print("FLINT skipped: --flint PREFIX names one that is built with fft_small")
        return None
    try:
        return {1: peer("flint", prefix, "1"), 2: peer("flint", prefix, "2")}
    except OSError as problem:
        print(f"FLINT skipped: {problem}")
        return None


# ------------------------------------------------------------------ measuring


def measure(case, children, a):
    """{column: [seconds of each round]} and the parts of our time, for one case."""
    name, kind, size, exponent, rounds, pythons, slow = case
    if a.slow:
        pythons = max(pythons, 0 if size > 100_000_000 else 1)
    times, parts, runs = {}, {1: [], 2: []}, 1 if a.cold else 2
    rounds = min(rounds, a.rounds or rounds)
    for turn in range(rounds + 1):
        row = {"gmp": children["ours"].ask(0, kind, size, exponent, runs)[0]}
        for threads in (1, 2):
            answer = children["ours"].ask(threads, kind, size, exponent, runs)
            row[f"ours {threads}"] = answer[0]
            peak = children["ours"].ask(threads, PEAK, 0, 0, 1)[0]
            if turn:
                parts[threads].append((*answer, peak))
            if children["flint"]:
                row[f"flint {threads}"] = children["flint"][threads].ask(kind, size, exponent, runs)[0]
        if kind == DIGITS and turn <= 3:
            row["decimal"] = children["decimal"].ask(kind, size, exponent, runs)[0]
        if 0 < turn <= pythons:
            row["python"] = children["python"].ask(kind, size, exponent, 1)[0]
        if turn:
            for who, seconds in row.items():
                times.setdefault(who, []).append(seconds)
    return times, parts


def ratios(times, who, ours):
    """Low, median, high of the rounds' ratios."""
    values = [peer_seconds / seconds for peer_seconds, seconds in zip(times.get(who, []), times[ours])]
    return (min(values), statistics.median(values), max(values)) if values else None


def shares(parts):
    """Of one case on so many threads: parts of 1, and the transform's rate over the peak."""
    def share(of):
        return statistics.median(of(*round_) for round_ in parts)
    result = {
        "transform": share(lambda all_, forth, rows, back, *_: (forth + rows + min(forth, back)) / all_),
        "carry": share(lambda all_, forth, rows, back, *_: max(0, back - forth) / all_),
        "check": share(lambda all_, forth, rows, back, digits, check, *_: check / all_),
    }
    # Characters of decimal digits are made outside of the library's own clock.
    result["digits and other"] = 1 - sum(result.values())
    result["gflops"] = share(lambda all_, forth, rows, back, d, c, flops, peak:
                             flops / (forth + rows + min(forth, back)) / 1e9)
    result["peak"] = share(lambda all_, forth, rows, back, d, c, flops, peak:
                           flops / (forth + rows + min(forth, back)) / peak if peak else 0)
    return result


PEERS = [("gmp", "GMP"), ("flint {}", "FLINT"), ("python", "CPython"), ("decimal", "its decimal")]


def records_of(case, times, parts):
    for threads in (1, 2):
        ours = f"ours {threads}"
        record = {"case": case[0], "threads": threads, "ours": statistics.median(times[ours]), **shares(parts[threads])}
        for column, title in PEERS:
            who = column.format(threads)
            record[title] = statistics.median(times[who]) if who in times else None
            for part, value in zip(("lowest", "median", "highest"), ratios(times, who, ours) or ()):
                record[f"{title} ratio, {part}"] = value
        record["scaling"] = ratios(times, "ours 1", ours)[1]
        yield record


def text_of(seconds):
    return f"{seconds * 1e3:,.1f}" if seconds < 10 else f"{seconds * 1e3:,.0f}"


def number(ratio):
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def show(records):
    print(f"{'case':<20}{'threads':>8}{'ours ms':>10}{'scaling':>9}"
          + "".join(f"{t + ' ms':>15}{'ratio':>21}" for _, t in PEERS))
    for r in records:
        line = f"{r['case']:<20}{r['threads']:>8}{text_of(r['ours']):>10}{r['scaling']:>9.2f}"
        for _, title in PEERS:
            ratio = [r.get(f"{title} ratio, {part}") for part in ("lowest", "median", "highest")] if r[title] else None
            line += f"{text_of(r[title]):>15}" if ratio else f"{'-':>15}"
            line += f"{f'{number(ratio[1])} ({number(ratio[0])}..{number(ratio[2])})':>21}" if ratio else f"{'':>21}"
        print(line)
    print(f"\n{'of our time':<20}{'threads':>8}{'transform':>11}{'carry':>8}{'check':>8}{'digits, other':>15}"
          f"{'GFLOP/s':>10}{'of peak':>9}")
    for r in records:
        print(f"{r['case']:<20}{r['threads']:>8}{r['transform']:>10.0%} {r['carry']:>7.0%} {r['check']:>7.1%} "
              f"{r['digits and other']:>14.0%}{r['gflops']:>10.1f}{r['peak']:>9.0%}")


# ------------------------------------------------------------------ the founding powers


def founding_once(program, directory, ranks, threads, *options):
    """Seconds of the job by its own report, and of the whole command."""
    report = Path(directory, "report.json")
    launcher = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    begun = time.perf_counter()
    subprocess.run([*launcher, program, "pow", "1000000..1000015", "-q", "-o", "/dev/null", "--report", report, *options],
                   check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})
    return json.loads(report.read_text())["seconds"], time.perf_counter() - begun


def founding(a, python):
    """The sixteen powers by the program, as users run it."""
    ways = {"sequential": (0, 1, "--strategy", "sequential"), "two threads": (0, 2), "two ranks": (2, 1)}
    rounds, seen = a.rounds or 7, {}
    with tempfile.TemporaryDirectory() as directory:
        for turn in range(rounds + 1):
            for way, how in ways.items():
                seconds = founding_once(a.build / "src/millrace", directory, *how)
                if turn:
                    seen.setdefault(way, []).append(seconds)
    sixteen = range(1000000, 1000016) if a.slow else [I]
    cpython = sum(python.ask(POWER, i, i, 1)[0] for i in sixteen) * 16 / len(sixteen)
    print(f"\n{'1000000..1000015':<20}{'job s':>8}{'command s':>11}{'CPython':>9}"
          + "".join(f"{f'article, {s} s':>18}" for s in ARTICLE))
    for way, values in seen.items():
        job, command = (statistics.median(v) for v in zip(*values))
        print(f"{way:<20}{job:>8.3f}{command:>11.3f}{cpython / job:>9.0f}" + "".join(f"{s / job:>18.0f}" for s in ARTICLE))
        yield {"case": "1000000..1000015", "way": way, "ours": job, "command": command, "CPython": cpython,
               "CPython ratio": cpython / job, **{f"article {s} ratio": s / job for s in ARTICLE}}
    print(f"CPython: {cpython:.1f} s for its sixteen pow()s, without digits"
          + ("" if a.slow else " (one of them, times sixteen)"))


# ------------------------------------------------------------------ all of it


def write(path, records):
    if path.suffix == ".json":
        path.write_text(json.dumps(records, indent=1) + "\n")
        return
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(dict.fromkeys(name for r in records for name in r)))
        writer.writeheader()
        writer.writerows(records)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=Path, default=ROOT / "build/release", help="a release build")
    p.add_argument("--flint", metavar="PREFIX", help="where FLINT 3 is installed")
    p.add_argument("--rounds", type=int, default=0, help="at most so many of each case")
    p.add_argument("--quick", action="store_true", help="without the products of 200 Mbit and 1 Gbit")
    p.add_argument("--slow", action="store_true", help="CPython also where it takes minutes")
    p.add_argument("--cold", action="store_true", help="with the caches as the peer before has left them")
    p.add_argument("--out", type=Path, help="the figures as .json or .csv")
    a = p.parse_args()
    children = {"ours": Child(a.build / "tests/bench_bigpow", "serve"), "flint": flints(a.flint),
                "python": peer("python"), "decimal": peer("decimal")}
    print(f"ours: {children['ours'].greeting[0]}; GMP {children['ours'].greeting[1]}; CPython {sys.version.split()[0]}; "
          "ratio: peer's time over ours, median (lowest..highest)\n")
    records = []
    for case in CASES[:4] if a.quick else CASES:
        records += records_of(case, *measure(case, children, a))
    show(records)
    records += founding(a, children["python"])
    if a.out:
        write(a.out, records)
    for child in (children["ours"], children["python"], children["decimal"], *(children["flint"] or {}).values()):
        child.end()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        arguments = sys.argv[2:]
        if arguments[0] == "flint":
            arguments[2] = int(arguments[2])
        serve_peer(*arguments)
    else:
        main()
