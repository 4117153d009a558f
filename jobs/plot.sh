#!/usr/bin/env bash
# Draws the results of `millrace bench`: ./jobs/plot.sh RESULT.csv... [-o FOLDER]   (--help tells all)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/plot

usage() {
    cat <<'END'
usage: plot.sh RESULT.csv... [-o FOLDER]

Draws the results of `millrace bench`, as SVG and as PNG, and prints the names of the files that it writes:

    WORKLOAD-strategies   the time of each strategy, with the speed-up over the sequential one
    WORKLOAD-strong       speed-up and efficiency against cores, the same work on all, with Amdahl's law fitted
    WORKLOAD-weak         the same where the work grows with the cores, with Gustafson's law fitted

whichever the files have rows of. Bars and marks are medians, with a line from the least to the most that was measured.
The results of several files stand on the same axes. Rows that agree in machine, version, commit, MPI, latency, strategy
and (but in weak series) the number of records count as runs of the same thing, even from different files; all others
are curves of their own, which what differs among them tells apart.

  -o, --output FOLDER   where the pictures go; default: plots. It is made if it is not there.
  -h, --help            this text

Exit codes: 0 all pictures are there; 2 wrong usage; 3 a file is broken, there is nothing to draw, or gnuplot fails.
It needs gnuplot (Debian: gnuplot-nox), and nothing else that a Unix does not have.
END
}

fail() {
    local code=$1
    shift
    printf 'plot.sh: %s\n' "$*" >&2
    exit "$code"
}

read_options() {
    output=plots files=()
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        -o | --output)
            [ $# -gt 1 ] || fail 2 "$1 needs a folder"
            output=$2
            shift
            ;;
        -o?*) output=${1#-o} ;;
        --output=*) output=${1#*=} ;;
        --)
            shift
            files+=("$@")
            break
            ;;
        -?*) fail 2 "unknown option '$1' (see plot.sh --help)" ;;
        *) files+=("$1") ;;
        esac
        shift
    done
    [ ${#files[@]} -gt 0 ] || fail 2 "which results? plot.sh RESULT.csv... [-o FOLDER]"
    [ -n "$output" ] || fail 2 "--output needs a folder"
}

# The runs of all files. Bytes that are no UTF-8 are left out: an SVG with them would be none.
read_results() {
    local file
    for file in "${files[@]}"; do
        if [ -d "$file" ] || [ ! -r "$file" ]; then
            fail 3 "$file cannot be read"
        fi
        { iconv -c -f UTF-8 -t UTF-8 <"$file" 2>/dev/null || true; } | tr -d '\000' |
            FILE=$file LC_ALL=C awk -f "$here/results.awk" >>"$scratch/runs" || exit 3
    done
}

# draw N SCRIPT NAME: in the scratch folder first, for half a picture is none. Names of files never reach gnuplot.
draw() {
    local kind
    for kind in svg png; do
        if ! (cd "$scratch" && LC_ALL=C.UTF-8 gnuplot -d -c "$2.gp" "$kind" "$1") 2>"$scratch/said" ||
            ! [ -s "$scratch/$1.$kind" ]; then
            fail 3 "gnuplot cannot draw $3.$kind: $(grep -v '^ *$' "$scratch/said" | tail -n 3)"
        fi
        mkdir -p -- "$output" || fail 3 "the folder $output cannot be made"
        cp -- "$scratch/$1.$kind" "$output/$3.$kind" || fail 3 "$output/$3.$kind cannot be written"
        printf '%s\n' "$output/$3.$kind"
    done
}

draw_all() {
    local what first second law fraction label drawn=0
    while IFS=$'\t' read -r what first second law fraction label; do
        case $what in
        fit) printf 'plot.sh: %s, %s%s: %s, serial fraction %s\n' "$first" "$second" "${label:+ ($label)}" "$law" "$fraction" >&2 ;;
        other) printf 'plot.sh: %s rows of the series "%s" are not drawn: only strategies, strong and weak are\n' \
            "$second" "$first" >&2 ;;
        *)
            draw "$what" "$first" "$second"
            drawn=1
            ;;
        esac
    done <"$scratch/pictures"
    [ "$drawn" -eq 1 ] || fail 3 "there is nothing to draw"
}

main() {
    read_options "$@"
    command -v gnuplot >/dev/null || fail 3 "there is no gnuplot: install it (Debian: gnuplot-nox; clusters: module load gnuplot)"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    read_results
    FOLDER=$scratch LC_ALL=C awk -f "$here/pictures.awk" -f "$here/scaling.awk" -f "$here/bars.awk" \
        "$scratch/runs" >"$scratch/pictures" || fail 3 "awk fails"
    cp "$here"/*.gp "$scratch"
    draw_all
}

main "$@"
