"""The login node: `snakemake --workflow-profile profiles/slurm` in the folder of a project."""

import subprocess
import sys
from pathlib import Path

from cluster import Cluster, Job, wait_for
from harness import Flow

# What the profile says, but the tests' jobs are short: they are asked for at once, and every second.
EAGER = (sys.executable, "-P", str(Path(__file__).with_name("eager.py")))
EAGERLY = ("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "20")


class Site:
    """The login node: `snakemake --workflow-profile profiles/slurm` in the folder of a project."""

    def __init__(self, cluster: Cluster, flow: Flow) -> None:
        self.cluster, self.flow = cluster, flow
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, eager: bool = True) -> subprocess.Popen[str]:
        """Snakemake at work; what it prints is in `printed()`. If not eager, it asks for its jobs as the profile says."""
        command = [*(EAGER if eager else (sys.executable, "-m", "snakemake")), "--workflow-profile", "profiles/slurm"]
        command += [*(EAGERLY if eager else ()), *arguments]
        if self.flow.path("run.yaml").exists():
            command += ["--configfile", "run.yaml"]
        environment = {**self.cluster.environment(), "OMP_NUM_THREADS": "1"}
        with self.flow.path("printed.txt").open("w") as output:
            process = subprocess.Popen(
                command, cwd=self.flow.folder, env=environment, stdout=output, stderr=output, text=True
            )
        self.started.append(process)
        return process

    def clear(self) -> None:
        """End what a test left behind: Snakemake first, then its jobs."""
        for process in self.started:
            process.kill()
            process.wait()
        left = [str(job.number) for job in self.jobs() if job.state in ("RUNNING", "PENDING", "SUSPENDED")]
        if left:
            self.cluster.command("scancel", *left)

    def run(self, *arguments: str, ok: bool = True, patience: float = 2400) -> str:
        """A whole call; what it printed."""
        process = self.start(*arguments)
        try:
            status = process.wait(patience)
        finally:
            process.kill()
        assert (status == 0) == ok, f"exit status {status}:\n{self.printed()[-6000:]}"
        return self.printed()

    def printed(self) -> str:
        return self.flow.path("printed.txt").read_text()

    def told(self) -> str:
        """The ends of what Snakemake printed and of all logs, and every job's state."""
        paths = [self.flow.path("printed.txt"), *sorted(self.flow.path("logs").rglob("*.log"))]
        ends = [f"== {path}\n{path.read_text()[-2000:]}" for path in paths if path.is_file()]
        return "\n".join([*ends, *(f"{job.number} {job.rule} {job.state}" for job in self.jobs())])

    def jobs(self, rule: str = "") -> list[Job]:
        """This project's jobs, as SLURM remembers them."""
        here = [job for job in self.cluster.jobs() if job.folder == str(self.flow.folder)]
        return [job for job in here if rule in (job.rule, "")]

    def job(self, number: int) -> Job:
        return next(job for job in self.jobs() if job.number == number)

    def wait_for_job(self, rule: str, state: str = "RUNNING") -> Job:
        def found() -> list[Job]:
            return [job for job in self.jobs(rule) if job.state == state]

        wait_for(found, f"{rule} to be {state}", told=self.told)
        return found()[0]

    def wait_for_log(self, name: str, text: str) -> None:
        path = self.flow.path(name)
        wait_for(lambda: path.exists() and text in path.read_text(), f"{text!r} in {name}", told=self.told)
