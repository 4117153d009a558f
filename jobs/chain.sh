#!/usr/bin/env bash
# Submits a study of scaling to Slurm: ./jobs/chain.sh --nodes 1,2,4,8 powers   (--help tells all)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'END'
usage: chain.sh [OPTION...] WORKLOAD [OPTION OF scaling.sh...]

Submits a chain of jobs, each of which begins when the one before it is over: jobs/scaling.sbatch on each of the numbers
of nodes, the first with 1, 2, 4... cores up to all of its, the others with all of theirs; and at last jobs/plot.sbatch,
which draws all that they measured. Each writes a CSV file of its own, so that none can spoil what another has.

  --nodes LIST        numbers of nodes, rising, with commas between; default: 1,2,4
  -o, --output FOLDER where results, logs and plots go; default: scaling-WORKLOAD
  -A, --account NAME  -p, --partition NAME   for all jobs; or set them at the top of jobs/scaling.sbatch and plot.sbatch
  --sbatch=OPTION     another option of sbatch for the jobs that measure, as --sbatch=--ntasks-per-node=64; again for more
  --keep-going        where a job fails, run the larger ones nevertheless. By default they are cancelled, and what there
                      is by then is drawn.
  --dry-run           only say what would be submitted
  -h, --help          this text

MODULES, LAUNCHER, MILLRACE and MACHINE go to the jobs, as jobs/scaling.sbatch has them; PLOT_MODULES to jobs/plot.sbatch.
The number of each job is printed. `squeue --me` shows them; `scancel` of the first ends all but the plot.
END
}

fail() {
    local code=$1
    shift
    printf 'chain.sh: %s\n' "$*" >&2
    exit "$code"
}

read_options() {
    nodes_text=1,2,4 folder='' options=() common=() workload='' arguments=() condition=afterok dry=''
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --nodes | -o | --output | --sbatch | -A | --account | -p | --partition)
            [ $# -gt 1 ] || fail 2 "$1 needs a value"
            take "$1" "$2"
            shift
            ;;
        --nodes=* | --output=* | --sbatch=* | --account=* | --partition=*) take "${1%%=*}" "${1#*=}" ;;
        --keep-going) condition=afterany ;;
        --dry-run) dry=1 ;;
        -*) fail 2 "unknown option '$1' before the workload (see chain.sh --help)" ;;
        *)
            workload=$1
            arguments=("${@:2}")
            break
            ;;
        esac
        shift
    done
    [ -n "$workload" ] || fail 2 "name a workload, such as powers (see chain.sh --help)"
    folder=${folder:-scaling-$workload}
    check_nodes
}

take() {
    case $1 in
    --nodes) nodes_text=$2 ;;
    --sbatch) options+=("$2") ;;
    -A | --account) common+=("--account=$2") ;;
    -p | --partition) common+=("--partition=$2") ;;
    *) folder=$2 ;;
    esac
}

check_nodes() {
    local n last=0
    [[ $nodes_text =~ ^[1-9][0-9]{0,5}(,[1-9][0-9]{0,5})*$ ]] ||
        fail 2 "--nodes takes numbers with commas between them, not '$nodes_text'"
    IFS=, read -r -a nodes <<<"$nodes_text"
    for n in "${nodes[@]}"; do
        [ "$n" -gt "$last" ] || fail 2 "--nodes: the numbers must rise: $nodes_text"
        last=$n
    done
}

# submit OPTION...: sets job, the number of the new job.
submit() {
    if [ -n "$dry" ]; then
        printf '%q ' sbatch "${common[@]}" "$@"
        echo
        job=$((${job:-0} + 1))
        return 0
    fi
    job=$(sbatch --parsable --kill-on-invalid-dep=yes "${common[@]}" "$@") ||
        fail 3 "sbatch fails: the message above says why.${jobs[*]:+ These jobs are submitted already: ${jobs[*]} (scancel ends them)}"
    job=${job%%;*} # the cluster's name may follow
}

check_new() {
    local file
    for file; do
        # Rows of another study in the same file would count as runs of this one.
        [ ! -e "$file" ] || fail 2 "$file is there already: choose another folder with -o"
    done
}

main() {
    local i sweep after
    read_options "$@"
    jobs=() results=("${nodes[@]/#/$folder/}") job=''
    results=("${results[@]/%/-nodes.csv}")
    if [ -z "$dry" ]; then
        command -v sbatch >/dev/null || fail 3 "there is no sbatch here: this is for a cluster with Slurm"
        check_new "${results[@]}"
        mkdir -p -- "$folder" || fail 3 "the folder $folder cannot be made"
    fi
    for i in "${!nodes[@]}"; do
        sweep=() after=()
        if [ "$i" -gt 0 ]; then
            sweep=(--full)
            after=("--dependency=$condition:$job")
        fi
        submit "--nodes=${nodes[i]}" "${after[@]}" "--output=$folder/%x-%j.log" "${options[@]}" "$here/scaling.sbatch" \
            "$workload" -o "${results[i]}" "${sweep[@]}" "${arguments[@]}"
        jobs+=("$job")
        printf 'job %s: %s on %s nodes -> %s\n' "$job" "$workload" "${nodes[i]}" "${results[i]}"
    done
    submit "--dependency=afterany$(printf ':%s' "${jobs[@]}")" "--output=$folder/%x-%j.log" "$here/plot.sbatch" \
        "${results[@]}" -o "$folder/plots"
    printf 'job %s: the plots -> %s\n' "$job" "$folder/plots"
}

main "$@"
