"""A SLURM of its own on this machine: one node, no accounting, no cgroups, nothing outside a temporary folder.

munged, slurmctld and slurmd run in the foreground as children of the test session and end with it. The commands in
`Cluster.path` are the installed ones, bound to this cluster's configuration: the plugin's inner `srun` drops every
SLURM_ variable, SLURM_CONF too.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct")
PATIENCE = 120.0  # s, for a daemon to answer or a job to begin; a loaded machine takes its time

# Memory is watched by polling. `KillWait` is what a job has between SIGTERM and SIGKILL; `cred_expire` is how long one
# waits that was queued again (120 s by default). Two partitions share the node; a job of `urgent` takes it away from
# one of `main`. The GPUs are any two character devices: nobody opens them.
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
SlurmdPort={next_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=30
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
ReturnToService=2
GresTypes=gpu
KillWait=20
MinJobAge=36000
OverTimeLimit=0
InactiveLimit=0
UnkillableStepTimeout=30
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=2
"""


def missing() -> str:
    """Why no SLURM can run here, or an empty string."""
    absent = [name for name in (*DAEMONS, *COMMANDS) if _installed(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "the daemons of a throw-away SLURM need root"


def _installed(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _free_ports() -> int:
    """A port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Cluster:
    """One node with `cores` cores (claimed, whatever the machine has), `memory` MB and two GPUs (not there)."""

    def __init__(self, cores: int = 4, memory: int = 100_000) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # short: sockets have at most 108 letters
        self.host = socket.gethostname().split(".")[0]
        self.configuration = self.folder / "slurm.conf"
        self.path = self.folder / "bin"
        self.daemons: list[subprocess.Popen[bytes]] = []
        self._write(cores, memory)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _write(self, cores: int, memory: int) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        port = _free_ports()
        values = {"host": self.host, "user": "root", "folder": self.folder, "cores": cores, "memory": memory}
        self.configuration.write_text(CONFIGURATION.format(**values, port=port, next_port=port + 1))
        devices = "".join(f"NodeName={self.host} Name=gpu File=/dev/{name}\n" for name in ("null", "zero"))
        (self.folder / "gres.conf").write_text(devices)
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        for name in COMMANDS:
            command = self.path / name
            command.write_text(f'#!/bin/sh\nSLURM_CONF={self.configuration} exec {_installed(name)} "$@"\n')
            command.chmod(0o755)

    def _start(self) -> None:
        socket_path = self.folder / "munge.socket"
        self._daemon(
            "munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key", f"--socket={socket_path}",
            f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )  # fmt: skip
        wait_for(socket_path.exists, "munged")
        self._daemon("slurmctld", "-D", "-f", str(self.configuration))
        wait_for(lambda: "UP" in self.command("scontrol", "ping", check=False), "slurmctld")
        self._daemon("slurmd", "-D", "-f", str(self.configuration))
        wait_for(lambda: self.node_state() == "idle", "the node")

    def _daemon(self, name: str, *arguments: str) -> None:
        program = _installed(name)
        assert program
        with (self.folder / f"{name}.printed").open("w") as output:
            daemon = subprocess.Popen(
                [program, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self.daemons.append(daemon)

    def stop(self) -> None:
        """End the daemons, the last one started first, and remove everything."""
        if len(self.daemons) == len(DAEMONS):
            self.command("scancel", "--user", "root", check=False)
            wait_for(lambda: not self.command("squeue", "--noheader", check=False).strip(), "jobs to end")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """The environment of somebody on the login node."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "PYTEST_"))}
        return {**inherited, "PATH": f"{self.path}:{os.environ['PATH']}"}

    def command(self, *words: str, check: bool = True) -> str:
        """What one of SLURM's commands prints."""
        done = subprocess.run(words, env=self.environment(), capture_output=True, text=True)
        assert done.returncode == 0 or not check, f"{' '.join(words)}: {done.stderr}"
        return done.stdout

    def node_state(self) -> str:
        return self.command("sinfo", "--noheader", "--partition=main", "--format=%T", check=False).strip()

    def jobs(self) -> list["Job"]:
        """Every job that the controller remembers, in the order of submission."""
        lines = self.command("scontrol", "--oneliner", "show", "job").splitlines()
        fields = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]
        return sorted((Job(f) for f in fields if "JobId" in f), key=lambda job: job.number)


class Job:
    """One job as `scontrol show job` describes it."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.number = int(fields["JobId"])
        self.rule = fields.get("Comment", "").removeprefix("rule_").split("_wildcards_")[0]
        self.state = fields["JobState"]
        self.restarts = int(fields.get("Restarts", 0))
        self.run = fields["JobName"]
        self.memory = fields.get("MinMemoryNode", "")
        self.resources = fields.get("TRES", "") + " " + fields.get("TresPerJob", "") + fields.get("TresPerNode", "")
        self.cores = int(fields.get("NumCPUs", "1").split("-")[0])
        self.partition = fields.get("Partition", "")
        self.folder = fields.get("WorkDir", "")


def wait_for(
    condition: Callable[[], object], what: str, patience: float = PATIENCE, told: Callable[[], str] = str
) -> None:
    """`told` is what a test that has waited in vain shows."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}\n{told()}"
        time.sleep(0.2)
