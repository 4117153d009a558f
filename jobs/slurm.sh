# Sourced by the scripts that are submitted with sbatch: run_job COMMAND [ARGUMENT...] starts the ranks of
# `millrace COMMAND ARGUMENT...` over the job's nodes, passes a warning of its end on to them, says what became of it,
# and exits with millrace's exit code. run_script SCRIPT [ARGUMENT...] does so with a script of this folder that starts
# ranks itself. The variables MODULES, LAUNCHER and MILLRACE are explained in the scripts that are submitted.
# shellcheck shell=bash

start_seconds=${MILLRACE_START_SECONDS:-10} # what the start of all ranks may take
launched=                                   # the process id of mpirun or srun
repeater=                                   # of what passes USR1 on to it
interrupted=                                # set once USR1 has come
cancelled=                                  # set once TERM has come
signals=0                                   # how many have come

say() {
    echo "${SLURM_JOB_NAME:-job} ${SLURM_JOB_ID:-}: $*" >&2
}

# The time limit is near (#SBATCH --signal): millrace begins nothing more, ends what is in flight, and writes its rows.
on_usr1() {
    interrupted=1
    signals=$((signals + 1))
    say "USR1: the time limit is near"
    pass_on_usr1
}

# USR1 would end a rank that is only starting, and a launcher that is may miss it. So it waits for the start, and comes
# again and again: to millrace a second one says nothing new.
pass_on_usr1() {
    [ -n "$interrupted" ] && [ -n "$launched" ] && [ -z "$repeater" ] || return 0
    local started=$((SECONDS - launched_at))
    (
        [ "$started" -ge "$start_seconds" ] || sleep $((start_seconds - started))
        while kill -USR1 "$launched" 2>/dev/null; do sleep "$start_seconds"; done
    ) &
    repeater=$!
}

# Slurm sends TERM to the ranks too, so there is nothing to pass on.
on_term() {
    cancelled=1
    signals=$((signals + 1))
}

# Before all else: a signal without a trap would end this shell, and the job with it.
trap on_usr1 USR1
trap on_term TERM

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=launch.sh
. "$tree/jobs/launch.sh"

# What explain() says of the exit codes 0, 1 and 75.
done_text="every record succeeded"
failed_text="some records failed (exit code 1): the column error of their rows says why.\
 Without any rows, or where a rank was not heard of, the launcher failed: the message above says why"
interrupted_text="the output has a row for each record that was begun.\
 For the others submit another job, with an output of its own, or all of it with more time (--time=...)"

load_modules() {
    [ -n "${MODULES:-}" ] || return 0
    local names
    read -r -a names <<<"$MODULES"
    module load "${names[@]}" || {
        say "stopped: no such module: $MODULES"
        exit 3
    }
}

# The program: $MILLRACE, or this tree's build, or the installed one.
find_program() {
    program=${MILLRACE:-$tree/build/release/src/millrace}
    [ -n "${MILLRACE:-}" ] || [ -x "$program" ] || program=millrace
    command -v "$program" >/dev/null || {
        say "stopped: there is no program $program: build it (cmake --preset release &&" \
            "cmake --build build/release) or say where it is (MILLRACE=...)"
        exit 3
    }
}

# Each rank has --cpus-per-task cores, and a compute thread on each of them.
set_threads() {
    cores=${SLURM_CPUS_PER_TASK:-1}
    export OMP_NUM_THREADS=$cores OMP_PLACES=cores OMP_PROC_BIND=close
    export OMP_WAIT_POLICY=passive # an idle thread sleeps, and leaves its core to the event loop
}

# By TCP's keep-alive mpirun sees that a node is out of reach, and ends the job: after eight minutes unless told otherwise.
# Longer than --rank-timeout (60 s), so that millrace says first which node it is, and closes the output.
set_keepalive() {
    export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-60}
    export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-10}
    export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}
}

check_launcher() {
    case ${LAUNCHER:-mpirun} in
    mpirun | srun) ;;
    *)
        say "stopped: LAUNCHER is mpirun or srun, not $LAUNCHER"
        exit 2
        ;;
    esac
}

# The command line that starts all of the job's tasks. mpirun -q: without a banner of its own when millrace's exit code
# is not 0.
launch_tasks() {
    case ${LAUNCHER:-mpirun} in
    mpirun) launcher=(mpirun -q -n "$SLURM_NTASKS" --map-by "slot:PE=$cores") ;;
    # srun does not take the cores per task from the job by itself; --wait: no rank outlives the others for long.
    srun) launcher=(srun --mpi=pmix -n "$SLURM_NTASKS" -c "$cores" --wait=60) ;;
    esac
}

# Sets code to the launcher's exit code. A trap makes wait return early, with another code: then it waits again.
await_launched() {
    local seen
    while :; do
        seen=$signals
        wait "$launched"
        code=$?
        [ "$seen" -ne "$signals" ] || break
    done
}

explain() {
    # A launcher that was still starting: USR1 ended it, or mpirun gave up. Nothing has begun.
    case $interrupted$code in
    1138 | 1244) code=75 ;;
    esac
    if [ "$code" -ne 0 ] && [ -n "$cancelled" ]; then
        say "cancelled or out of time (exit code $code): the output has what was written until then." \
            "A longer --signal=B:USR1@SECONDS lets what is in flight end before a time limit"
        return
    fi
    case $code in
    0) say "done: $done_text" ;;
    1) say "done: $failed_text" ;;
    2) say "wrong usage (exit code 2): nothing was done; the message above says what is wrong" ;;
    75) say "interrupted before the time limit (exit code 75): $interrupted_text" ;;
    205) say "stopped (exit code 205): a node is out of reach. The output has the rows that were written until then" ;;
    *) say "stopped (exit code $code): the message above says why" ;;
    esac
}

run_job() {
    load_modules
    find_program
    set_threads
    set_keepalive
    check_launcher
    launch_tasks
    say "$SLURM_NTASKS ranks x $OMP_NUM_THREADS threads on $SLURM_JOB_NUM_NODES nodes ($SLURM_JOB_NODELIST):" \
        "${launcher[*]} $program $*"
    run_launched "${launcher[@]}" "$program" "$@"
}

speak_of_results() {
    done_text="the results are written"
    failed_text="some records failed (exit code 1), or the launcher did: the message above says which and why"
    interrupted_text="the results have the runs that were over by then"
}

# run_bench ARGUMENT...: the same with `millrace bench`, whose results call the machine by a name that is no node's.
run_bench() {
    speak_of_results
    count_cores
    run_job bench --machine "$(machine_label)" "$@"
}

run_script() {
    speak_of_results
    load_modules
    find_program
    set_keepalive
    check_launcher
    export MILLRACE=$program LAUNCHER=${LAUNCHER:-mpirun}
    say "$1 on $SLURM_JOB_NUM_NODES nodes ($SLURM_JOB_NODELIST)"
    run_launched "$tree/jobs/$1" "${@:2}"
}

run_launched() {
    "$@" &
    launched=$! launched_at=$SECONDS
    pass_on_usr1 # which may have come before
    await_launched
    [ -z "$repeater" ] || kill "$repeater" 2>/dev/null
    explain
    exit "$code"
}
