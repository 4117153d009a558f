"""Several hosts on this machine, each with an address and a host name of its own, joined by one network.

    with Hosts(4) as hosts:
        subprocess.Popen(hosts.on(1) + ["hostname"])        host1, whose address is hosts.address(1)

A host is a network and a host name namespace, joined to a bridge by a veth pair, and sends 100 Mbit/s at most. All
of it lives in a process namespace that ends with this process, as in slurm.py. hosts.agent stands in for ssh: mpirun
starts its daemons by it.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import millrace

PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"

# The first process: its own network has the bridge. A host is a process that holds its namespaces.
INIT = """
set -e
mount -t tmpfs tmpfs /dev/shm
ip link add name bridge type bridge
ip link set bridge up
for n in $(seq "$2"); do
  unshare --net --uts sh -c 'hostname "$0" && : >"$1/$0" && exec sleep infinity' "host$n" "$1" </dev/null &
  until [ -e "$1/host$n" ]; do sleep 0.01; done
  ip link add "port$n" type veth peer name eth0 netns "$!"
  ip link set "port$n" master bridge up
  nsenter -t "$!" --net sh -ec "ip link set lo up; ip address add 10.77.0.$n/24 dev eth0; ip link set eth0 up
    tc qdisc add dev eth0 root tbf rate 100mbit burst 64kb latency 200ms"
  echo "$!" >"$1/10.77.0.$n"
done
: >"$1/ready"
read -r _
"""

# AGENT [OPTION...] ADDRESS COMMAND..., as ssh: the words of the command are joined, and a shell reads them.
AGENT = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
address=$1
shift
exec nsenter -t "$(cat "{dir}/$address")" --net --uts sh -c "$*"
"""


class Unable(Exception):
    """This machine does not let us make namespaces."""


def check_able():
    if os.geteuid() != 0:
        raise Unable("only root can make hosts on one machine")
    script = "ip link add name bridge type bridge && ip link add name one type veth peer name two"
    tried = subprocess.run(["unshare", "--pid", "--fork", "--uts", "--net", "--mount-proc", "sh", "-c", script], timeout=20,
                           env={"PATH": PATH}, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise Unable("no right to make networks: " + tried.stderr.strip())


class Hosts:
    def __init__(self, count):
        self.count = count
        self.known = {}

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="millrace-hosts-"))
        self.agent = self.dir / "agent"
        self.agent.write_text(AGENT.format(dir=self.dir))
        self.agent.chmod(0o755)
        with open(self.dir / "said", "wb") as said:
            self.process = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--net", "--mount-proc", "bash", "-c", INIT, "init", self.dir, str(self.count)],
                stdin=subprocess.PIPE, stdout=said, stderr=said, env={"PATH": PATH}, start_new_session=True)
        try:
            millrace.await_that(lambda: (self.dir / "ready").exists() or self.process.poll() is not None, "the hosts")
            if self.process.poll() is not None:
                raise AssertionError(f"no hosts: {(self.dir / 'said').read_text()}")
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            self.init = children.split()[0]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            millrace.end_session(self.process)
            shutil.rmtree(self.dir, ignore_errors=True)

    def address(self, n):
        return f"10.77.0.{n}"

    def bridge(self, *words):
        subprocess.run(["nsenter", "-t", self.init, "--net", "ip", "link", "set", *words], env={"PATH": PATH}, timeout=20, check=True)

    def cut(self, n, silently):
        """Host n is out of reach: its cable is drawn, or, silently, the switch drops all that it sends or is sent."""
        self.bridge(f"port{n}", "nomaster" if silently else "down")

    def mend(self, n):
        self.bridge(f"port{n}", "master", "bridge", "up")

    def processes(self, name):
        """The host and the process id of each that runs this program, and is no server."""
        found = []
        own = os.readlink(f"/proc/{self.init}/ns/pid")
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                process = pathlib.Path("/proc", entry)
                names = (process / "comm").read_text().strip(), os.path.basename(os.readlink(process / "exe"))
                if os.readlink(process / "ns/pid") == own and name in names and \
                        b"serve" not in (process / "cmdline").read_bytes().split(b"\0"):
                    found.append((self.host_of(process), int(entry)))
            except OSError:
                continue
        return sorted(found)

    def host_of(self, process):
        for n in range(1, self.count + 1):
            holder = (self.dir / self.address(n)).read_text().strip()
            if self.uts(holder) == os.readlink(process / "ns/uts"):
                return n
        return 0

    def uts(self, holder):
        """Of a process that holds a host's namespaces; its id is that of the inner process namespace."""
        if holder not in self.known:
            shown = subprocess.run(["nsenter", "-t", self.init, "--pid", "--mount", "readlink", f"/proc/{holder}/ns/uts"],
                                   env={"PATH": PATH}, capture_output=True, text=True, timeout=20, check=True)
            self.known[holder] = shown.stdout.strip()
        return self.known[holder]

    def on(self, n):
        """The words that go before a command that host n is to run."""
        inside = f'exec nsenter -t "$(cat {self.dir}/{self.address(n)})" --net --uts -- "$@"'
        return ["nsenter", "-t", self.init, "--pid", "--mount", "sh", "-c", inside, "on"]
