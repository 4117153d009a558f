#!/usr/bin/env bash
# Runs millrace on this machine, from nothing: installs what is missing, builds, and starts the ranks.
#
#   ./jobs/laptop.sh                                  the founding job: 100 random articles, the title of each
#   ./jobs/laptop.sh scrape mylist.txt -o out.tsv     any other job: the arguments go to millrace
#
# RANKS (MPI ranks) and OMP_NUM_THREADS (compute threads of each) set the split; by default they fit the machine.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$root/jobs/setup.sh"

# Ranks times threads is the number of cores; a rank's event loop needs little of one.
choose_split() {
    local cores
    cores=$(nproc)
    RANKS=${RANKS:-$((cores > 3 ? cores / 2 : cores))}
    export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((cores > RANKS ? cores / RANKS : 1))}
    # Idle compute threads sleep rather than spin, and leave the cores to the ranks.
    export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
}

# The ranks, in the caller's directory. -q: the exit code is ours to explain, without mpirun's banner.
launch() {
    local flags=(-q --bind-to none --oversubscribe)
    [ "$(id -u)" -ne 0 ] || flags+=(--allow-run-as-root)
    mpirun "${flags[@]}" -n "$RANKS" "$millrace" "$@"
}

start_origin() {
    scratch=$(mktemp -d)
    trap 'kill "$origin" 2>/dev/null || true; rm -rf "$scratch"' EXIT
    "$millrace" serve --latency 0.4 --port-file "$scratch/port" >/dev/null &
    origin=$!
    while [ ! -s "$scratch/port" ]; do
        kill -0 "$origin" || { echo "laptop.sh: the origin did not start" >&2; exit 3; }
        sleep 0.05
    done
    port=$(cat "$scratch/port")
}

# Each record is two requests, a redirect and an article, of 0.4 s each.
founding_job() {
    local rows=$root/build/titles.tsv code=0
    start_origin
    echo "100 random articles of a small site on this machine, 0.8 s each; $RANKS ranks x $OMP_NUM_THREADS threads:" >&2
    launch scrape --repeat 100 -c 100 "http://127.0.0.1:$port/random" -o "$rows" || code=$?
    echo >&2
    head -n 6 "$rows"
    echo "... $(($(wc -l <"$rows") - 1)) rows in $rows" >&2
    return "$code"
}

build_program "$root"
millrace=$root/build/release/src/millrace
choose_split
if [ $# -gt 0 ]; then
    launch "$@"
else
    founding_job
fi
