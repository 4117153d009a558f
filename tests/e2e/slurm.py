"""A real Slurm of several virtual nodes on this machine, below a temporary directory: no systemd, no look at /etc.

    with Slurm(nodes=2, cpus=2) as slurm:
        job = slurm.submit("jobs/scrape.sbatch", "urls.txt", options=["--nodes=2"])
        end = slurm.wait(job)

All of it, daemons and jobs, lives in a process namespace of its own, whose first process waits for the end of its
standard input, a pipe that this process holds. So leaving the context, and any death of this process, ends everything.
"""

import contextlib
import os
import re
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections import namedtuple

import millrace

TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "unshare")
PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"

# What makes several nodes on one host work: each slurmd in a host name (UTS) namespace of its own, for Open MPI names
# its shared memory after the host, and a temporary directory of its own (%n is the node). Credentials expire soon, or
# a job that is submitted again at once would wait for two minutes. Nothing here confines a task to its cores: the
# nodes share them.
CONFIG = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={dir}/run/munge.socket,cred_expire=5
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
TmpFS={dir}/tmp/%n
SlurmctldPidFile={dir}/run/slurmctld.pid
SlurmdPidFile={dir}/run/slurmd.%n.pid
SlurmctldLogFile={dir}/log/slurmctld.log
SlurmdLogFile={dir}/log/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=pmix
ReturnToService=2
KillWait=5
MinJobAge=3600
SlurmdParameters=config_overrides
{node_lines}
PartitionName=test Nodes=node[1-{nodes}] Default=YES MaxTime=60 State=UP
"""

NODE = "NodeName=node{n} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} CoresPerSocket={cpus}"

# The first process of the namespace. Its own /dev/shm takes the shared memory of ranks that are killed with it.
INIT = """
mount -t tmpfs tmpfs /dev/shm
cd "$1"
munged --foreground --key-file="$1/key/munge.key" --socket="$1/run/munge.socket" --pid-file="$1/run/munged.pid" \
  --log-file="$1/log/munged.log" --seed-file="$1/key/seed" --num-threads=2 </dev/null &
until [ -S run/munge.socket ]; do sleep 0.01; done
slurmctld -D </dev/null &
for node in $(seq "$2"); do
  unshare --uts sh -c 'hostname "$0" && exec slurmd -D -N "$0"' "node$node" </dev/null &
done
read -r _
"""

Job = namedtuple("Job", "state code signal")
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}


class Unable(Exception):
    """This machine does not let us start a Slurm: no right to, or no program."""


def check_able():
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=PATH)]
    if missing:
        raise Unable("not installed: " + " ".join(missing))
    if os.geteuid() != 0:
        raise Unable("only root can start several nodes on one machine")
    tried = subprocess.run(["unshare", "--pid", "--fork", "--uts", "--mount-proc", "true"], capture_output=True, text=True,
                           timeout=20, check=False)
    if tried.returncode:
        raise Unable("no right to make namespaces: " + tried.stderr.strip())


def free_ports(count):
    """Free ones that differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class Slurm:
    def __init__(self, nodes=2, cpus=2):
        self.nodes, self.cpus = nodes, cpus
        self.process = None

    def __enter__(self):
        check_able()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="millrace-slurm-"))
        try:
            for attempt in range(3):  # another process may take a port in between
                with contextlib.suppress(millrace.Hung):
                    self.start(self.dir / str(attempt))
                    return self
                self.stop()
            raise AssertionError(f"Slurm does not start: {self.said()}")
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, base):
        base.mkdir()
        for folder in ("key", "run", "state", "log", "spool", "tmp"):
            (base / folder).mkdir()
        for n in range(1, self.nodes + 1):
            (base / f"spool/node{n}").mkdir()
            (base / f"tmp/node{n}").mkdir()
        for folder in (self.dir, base, base / "run"):  # munge wants its socket within everybody's reach
            folder.chmod(0o755)
        (base / "key").chmod(0o700)
        key = base / "key/munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        self.base, self.config = base, base / "slurm.conf"
        ports = free_ports(self.nodes + 1)
        lines = "\n".join(NODE.format(n=n, port=ports[n], cpus=self.cpus) for n in range(1, self.nodes + 1))
        self.config.write_text(CONFIG.format(dir=base, ports=ports, node_lines=lines, nodes=self.nodes))
        (base / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        with open(base / "log/said", "wb") as said:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--mount-proc", "bash", "-c", INIT, "init", base, str(self.nodes)],
                stdin=subprocess.PIPE, stdout=said, stderr=said, env=self.environment(), start_new_session=True)
        millrace.await_that(self.ready, "Slurm", 20)

    def environment(self, more=None):
        """`more` is the environment of a job; else only what is needed."""
        return {"PATH": PATH, "LC_ALL": "C.UTF-8", **(more or {}), "SLURM_CONF": str(self.config)}

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Slurm does not start: {self.said()}")
        done = self.tool("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False)
        return len(done.stdout.split()) == self.nodes

    def said(self):
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in sorted((self.base / "log").iterdir()))

    def stop(self):
        if self.process:
            self.process.stdin.close()  # which the namespace's first process awaits, and takes all others with it
            try:
                self.process.wait(20)
            finally:
                millrace.end_session(self.process)
            self.process = None

    def tool(self, *command, check=True, environment=None, **how):
        return subprocess.run([str(c) for c in command], env=self.environment(environment), capture_output=True, text=True,
                              timeout=30, check=check, **how)

    # ------------------------------------------------------------ jobs

    def submit(self, script, *args, options=(), environment=None, cwd=None):
        """The new job's number; `options` are sbatch's, `args` the script's."""
        done = self.tool("sbatch", "--parsable", *options, script, *args, environment=environment, cwd=cwd, check=False)
        if done.returncode:
            raise AssertionError(f"sbatch: {done.stderr}")
        return done.stdout.strip()

    def job(self, number):
        text = self.tool("scontrol", "-o", "show", "job", number).stdout
        state, code, sign = re.search(r" JobState=(\S+) .* ExitCode=(\d+):(\d+) ", text).groups()
        return Job(state, int(code), int(sign))

    def wait(self, number, limit=millrace.LIMIT):
        """The job as it ended."""
        def ended():
            job = self.job(number)
            return job if job.state in ENDED else None
        return millrace.await_that(ended, f"the end of job {number}", limit)

    def signal(self, number, name, *options):
        self.tool("scancel", *options, "-s", name, number)
