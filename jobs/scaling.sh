#!/usr/bin/env bash
# Measures how a workload scales over ranks and threads: ./jobs/scaling.sh powers   (--help tells all)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=setup.sh
. "$root/jobs/setup.sh"
# shellcheck source-path=SCRIPTDIR source=launch.sh
. "$root/jobs/launch.sh"

usage() {
    cat <<'END'
usage: scaling.sh [OPTION...] WORKLOAD [-- OPTION OF millrace bench...]

Runs `millrace bench WORKLOAD` on more and more cores, with every split of them into ranks and threads, and appends what
it measures to one CSV file. A strong series does the same work on all numbers of cores; in a weak one the work grows
with the cores. On a laptop it builds first what is missing; in a Slurm job (jobs/scaling.sbatch) it uses its nodes.

  --series LIST       strong, weak; default: both
  --cores LIST        the numbers of cores; default: the powers of two up to all cores there are, and these
  --threads LIST      compute threads of a rank; default: every divisor of the number of cores that fits on a node
  --ranks LIST        only these numbers of ranks. With --threads, but without --cores: every combination that fits
  --full              only all cores there are
  --pages N           requests or powers of the strong series, and of the weak one for each core
                      (default: powers 256; mixed 200; genres, titles 1000; towers, overlap as in bench, without weak)
  --runs N            runs of each setting; default: 3
  --latency SECONDS   of the pages; default: the workload's
  --strategy NAME     default: hybrid
  --machine LABEL     what the plots call this machine; default: its name, processor and cores
  -o, --output FILE   the CSV; default: scaling-WORKLOAD.csv. Rows are appended to it; what it has stays.
  --plot              draw it afterwards, in a folder named after it
  --dry-run           only say what would be run
  -h, --help          this text

LIST is numbers with commas between them. The environment says, as for the other scripts, which program (MILLRACE) and,
in a Slurm job, which launcher (LAUNCHER=mpirun or srun).

A run that fails ends the script, with the run's message and exit code, and so do Ctrl-C (130), TERM (143) and USR1 (75,
the warning before a time limit). The CSV has then what was measured until then, and every line of it is whole.
END
}

fail() {
    local code=$1
    shift
    printf 'scaling.sh: %s\n' "$*" >&2
    exit "$code"
}

# ---------------------------------------------------------------- what is asked for

# list NAME TEXT: sets numbers.
list() {
    [[ $2 =~ ^[1-9][0-9]{0,6}(,[1-9][0-9]{0,6})*$ ]] || fail 2 "$1 takes numbers with commas between them, not '$2'"
    IFS=, read -r -a numbers <<<"$2"
}

positive() {
    [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || fail 2 "$1 takes a number, not '$2'"
}

read_options() {
    workload='' output='' strategy=hybrid runs=3 pages='' latency='' machine='' series=strong,weak plot='' dry='' full=''
    cores_list=() threads_list=() ranks_list=() passed_on=()
    local option value
    while [ $# -gt 0 ]; do
        option=$1 value=${2-}
        case $option in
        --*=*) value=${option#*=} option=${option%%=*} && set -- "$option" "$value" "${@:2}" ;;
        esac
        case $option in
        -h | --help)
            usage
            exit 0
            ;;
        --plot) plot=1 ;;
        --dry-run) dry=1 ;;
        --full) full=1 ;;
        --)
            passed_on=("${@:2}")
            break
            ;;
        --series | --cores | --threads | --ranks | --pages | --runs | --latency | --strategy | --machine | -o | --output)
            if [ $# -lt 2 ] || [ -z "$value" ]; then fail 2 "$option needs a value"; fi
            take "$option" "$value"
            shift
            ;;
        -*) fail 2 "unknown option '$option' (see scaling.sh --help)" ;;
        *)
            [ -z "$workload" ] || fail 2 "one workload at a time: '$option' is one too many"
            workload=$option
            ;;
        esac
        shift
    done
    [ -n "$workload" ] || fail 2 "name a workload, such as powers (see scaling.sh --help)"
    output=${output:-scaling-$workload.csv}
}

take() {
    case $1 in
    --series)
        [[ $2 =~ ^(strong|weak|strong,weak|weak,strong)$ ]] || fail 2 "--series takes strong, weak or both, not '$2'"
        series=$2
        ;;
    --cores) list "$@" && cores_list=("${numbers[@]}") ;;
    --threads) list "$@" && threads_list=("${numbers[@]}") ;;
    --ranks) list "$@" && ranks_list=("${numbers[@]}") ;;
    --pages) positive "$@" && pages=$2 ;;
    --runs) positive "$@" && runs=$2 ;;
    --latency) latency=$2 ;;
    --strategy) strategy=$2 ;;
    --machine) machine=$2 ;;
    *) output=$2 ;;
    esac
}

# The work on one core, for a workload of which more can be asked for with more cores.
choose_pages() {
    case $workload in
    towers | overlap)
        [ "$series" != weak ] || fail 2 "$workload has no weak series: twice the pages are not twice the work"
        [ "$series" = strong ] || printf 'scaling.sh: %s has a strong series only\n' "$workload" >&2
        series=strong
        ;;
    powers) pages=${pages:-256} ;;
    mixed) pages=${pages:-200} ;;
    *) pages=${pages:-1000} ;;
    esac
}

# ---------------------------------------------------------------- the settings

# among N LIST...: an empty list has everything.
among() {
    local n=$1 x
    shift
    [ $# -gt 0 ] || return 0
    for x; do
        [ "$x" -ne "$n" ] || return 0
    done
    return 1
}

default_cores() {
    local c r t
    if [ -n "$full" ]; then
        cores_list=("$all_cores")
    elif [ ${#cores_list[@]} -eq 0 ] && [ ${#threads_list[@]} -gt 0 ] && [ ${#ranks_list[@]} -gt 0 ]; then
        for r in "${ranks_list[@]}"; do
            for t in "${threads_list[@]}"; do cores_list+=($((r * t))); done
        done
    elif [ ${#cores_list[@]} -eq 0 ]; then
        for ((c = 1; c < all_cores; c *= 2)); do cores_list+=("$c"); done
        cores_list+=("$all_cores")
    fi
    readarray -t cores_list < <(printf '%s\n' "${cores_list[@]}" | sort -n -u)
}

# Sets settings: "RANKS THREADS", by rising number of cores. In a Slurm job they must fit on its nodes.
choose_settings() {
    local c t
    settings=()
    count_cores
    all_cores=$((nodes * node_cores))
    default_cores
    for c in "${cores_list[@]}"; do
        if [ "$c" -gt "$all_cores" ]; then
            [ -z "${SLURM_JOB_ID:-}" ] || fail 2 "$c cores are more than the job's $nodes x $node_cores"
            printf 'scaling.sh: note: %s cores are more than the %s here\n' "$c" "$all_cores" >&2
        fi
        for ((t = 1; t <= c; t++)); do
            if [ $((c % t)) -eq 0 ] && among "$t" "${threads_list[@]}" && among $((c / t)) "${ranks_list[@]}" &&
                { [ -z "${SLURM_JOB_ID:-}" ] || fits $((c / t)) "$t"; }; then
                settings+=("$((c / t)) $t")
            fi
        done
    done
    [ ${#settings[@]} -gt 0 ] || fail 2 "no split into ranks and threads is as asked for and fits the cores"
}

fits() {
    [ "$2" -le "$node_cores" ] && [ "$1" -le $((nodes * (node_cores / $2))) ]
}

# ---------------------------------------------------------------- the runs

# A signal ends the run under way, and then the script. mpirun ends its ranks before it leaves.
on_signal() {
    stopped=$1
    [ -z "$launched" ] || kill "-$2" "$launched" 2>/dev/null || true
}

await_launched() {
    local before
    while :; do
        before=$stopped code=0
        wait "$launched" || code=$?
        # A trap ends wait, not the run.
        kill -0 "$launched" 2>/dev/null && continue
        [ "$before" = "$stopped" ] || { wait "$launched" || code=$?; }
        break
    done
    launched=
}

# bench SERIES RANKS THREADS: one setting, whose rows then stand in the CSV.
bench() {
    local work=() command
    choose_launcher "$2" "$3"
    [ -z "$pages" ] || work=(--pages "$([ "$1" = strong ] && echo "$pages" || echo $((pages * $2 * $3)))")
    [ -z "$latency" ] || work+=(--latency "$latency")
    [ -z "$machine" ] || work+=(--machine "$machine")
    command=("${launcher[@]}" "$MILLRACE" bench "$workload" --strategy "$strategy" --threads "$3" --series "$1"
        --runs "$runs" "${work[@]}" -q "${passed_on[@]}")
    printf '%s: %s: %s ranks x %s threads (%d of %d)\n' "$workload" "$1" "$2" "$3" "$((++done_count))" \
        $((${#settings[@]} * ${#series_list[@]})) >&2
    if [ -n "$dry" ]; then
        printf '%q ' "${command[@]}"
        echo
        return 0
    fi
    # What bench prints is a table of a line or two; the CSV has it all. In case of trouble it may tell what.
    rm -f "$scratch"/run.*
    "${command[@]}" -o "$scratch/run.csv" >"$scratch/table" &
    launched=$!
    await_launched
    [ -z "$stopped" ] || fail "$stopped" "interrupted: $output has what was measured until then"
    if [ "$code" -ne 0 ]; then
        cat "$scratch/table" >&2
        fail "$code" "stopped (exit code $code): ${command[*]}: the message above says why;" \
            "$output has what was measured until then"
    fi
    append
}

# The file is replaced by a longer one in one step, so that it is whole at any time.
append() {
    [ -s "$scratch/run.csv" ] || fail 3 "the run left no results"
    if [ -s "$output" ]; then
        check_output
        cat "$output" <(tail -n +2 "$scratch/run.csv") >"$output.part"
    else
        cat "$scratch/run.csv" >"$output.part"
    fi || fail 3 "$output.part cannot be written"
    mv -f -- "$output.part" "$output" || fail 3 "$output cannot be written"
    # Values before this column have no commas.
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") at = i; next }
             { printf "%s%.3f", NR == 2 ? "    " : ", ", $at } END { print " s" }' "$scratch/run.csv" >&2
}

# What rows are to be appended to must be such a file.
check_output() {
    [ "$(head -n 1 "$output")" = "$(head -n 1 "$scratch/run.csv")" ] ||
        fail 3 "$output has other columns: choose another file with -o"
}

# Before hours are spent on measuring.
try_output() {
    [ ! -e "$output" ] || [ -f "$output" ] || fail 3 "$output is no file"
    [ ! -s "$output" ] || [ -z "$(tail -c 1 "$output")" ] ||
        fail 3 "$output ends within a line: repair it, or choose another file with -o"
    { : >>"$output" && : >"$output.part"; } 2>/dev/null || fail 3 "$output cannot be written"
    rm -f -- "$output.part"
    [ -s "$output" ] || rm -f -- "$output"
}

sweep() {
    local s setting
    IFS=, read -r -a series_list <<<"$series"
    for s in "${series_list[@]}"; do
        for setting in "${settings[@]}"; do
            [ -z "$stopped" ] || fail "$stopped" "interrupted"
            # shellcheck disable=SC2086 # two words
            bench "$s" $setting
        done
    done
}

finish() {
    local folder=${output%.csv}-plots
    printf 'scaling.sh: %s has the results\n' "$output" >&2
    if [ -n "$plot" ]; then
        "$root/jobs/plot.sh" "$output" -o "$folder"
    else
        printf 'Draw them: %q %q -o %q\n' "$root/jobs/plot.sh" "$output" "$folder" >&2
    fi
}

main() {
    stopped='' launched='' done_count=0
    read_options "$@"
    choose_pages
    choose_settings
    if [ -z "${MILLRACE:-}" ] && [ -z "${SLURM_JOB_ID:-}" ] && [ -z "$dry" ]; then
        build_program "$root"
    fi
    MILLRACE=${MILLRACE:-$root/build/release/src/millrace}
    [ -n "$dry" ] || command -v "$MILLRACE" >/dev/null || fail 3 "there is no program $MILLRACE: build it, or say where it is (MILLRACE=...)"
    [ -z "${SLURM_JOB_ID:-}" ] || machine=${machine:-$(machine_label)}
    [ -n "$dry" ] || try_output
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch" "$output.part"' EXIT
    trap 'on_signal 130 INT' INT
    trap 'on_signal 143 TERM' TERM
    trap 'on_signal 75 USR1' USR1
    sweep
    [ -n "$dry" ] || finish
}

main "$@"
