# Sourced by the scripts that start ranks themselves: on how many cores they may be, and how to start them, on a laptop
# and within a Slurm job.
# shellcheck shell=bash

# Sets nodes and node_cores: how many machines there are for ranks, and how many cores of each.
count_cores() {
    nodes=1
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        nodes=${SLURM_JOB_NUM_NODES:-1}
        node_cores=$((${SLURM_NTASKS_PER_NODE:-$((${SLURM_NTASKS:-nodes} / nodes))} * ${SLURM_CPUS_PER_TASK:-1}))
    else
        # Two hardware threads of one core compute little more than one.
        local physical
        physical=$(lscpu -p=CORE,SOCKET,NODE 2>/dev/null | grep -v '^#' | sort -u | wc -l)
        node_cores=$(nproc)
        [ "$physical" -lt 1 ] || [ "$physical" -gt "$node_cores" ] || node_cores=$physical
    fi
    [ "$node_cores" -ge 1 ] || node_cores=1
}

# choose_launcher RANKS THREADS: sets launcher, the command line before the program's. Within a Slurm job each rank has
# THREADS cores of its own, and as few nodes as will do are filled; LAUNCHER is mpirun (the default) or srun.
choose_launcher() {
    local ranks=$1 threads=$2 on_node
    export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
    if [ -z "${SLURM_JOB_ID:-}" ]; then
        launcher=(mpirun -q --bind-to none --oversubscribe -n "$ranks")
        [ "$(id -u)" -ne 0 ] || launcher+=(--allow-run-as-root)
        return 0
    fi
    export OMP_PLACES=cores OMP_PROC_BIND=close
    on_node=$((node_cores / threads))
    [ "$on_node" -le "$ranks" ] || on_node=$ranks
    if [ "${LAUNCHER:-mpirun}" = srun ]; then
        launcher=(srun --mpi=pmix --nodes=$(((ranks + on_node - 1) / on_node)) -n "$ranks"
            "--ntasks-per-node=$on_node" -c "$threads" --cpu-bind=cores --wait=60)
    else
        launcher=(mpirun -q -n "$ranks" --map-by "ppr:$on_node:node:PE=$threads")
        # Open MPI counts the tasks of the job as slots; where tasks have several cores, these are more.
        [ "${SLURM_CPUS_PER_TASK:-1}" -eq 1 ] || launcher+=(--oversubscribe)
    fi
}

# What the results call this machine, within a Slurm job: its nodes' names differ from job to job. MACHINE wins.
machine_label() {
    local model
    model=$(sed -n '/^model name/{s/^[^:]*: *//p;q}' /proc/cpuinfo)
    [ -n "$model" ] || model=$(lscpu 2>/dev/null | sed -n 's/^Model name: *//p' | head -n 1)
    printf '%s\n' "${MACHINE:-${SLURM_CLUSTER_NAME:-cluster} ${SLURM_JOB_PARTITION:-}${model:+, $model}, $node_cores cores a node}"
}
