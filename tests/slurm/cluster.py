"""A SLURM of one node in a folder of its own: munge, the controller and the node's daemon."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

# The programs look for it here; a job step forgets SLURM_CONF, so that no other place will do.
SYSTEM_FILE = Path("/etc/slurm/slurm.conf")
PROGRAMS = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "sbatch": "slurm-wlm"}
SETTINGS = """ClusterName=ronghe
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
MinJobAge=36000
KillWait=5
UnkillableStepTimeout=600
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} CPUs={processors} RealMemory={megabytes} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Return what stands in the way of a SLURM here, or an empty string."""
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if missing:
        return f"not installed: {', '.join(missing)}; as root on Debian: apt-get install slurm-wlm munge"
    if os.getuid() != 0:
        return "its daemons are started by root; run this as root"
    if SYSTEM_FILE.exists() and not SYSTEM_FILE.is_symlink():
        return f"{SYSTEM_FILE} belongs to a cluster already; this test would stand in its way"
    try:
        socket.gethostbyname(socket.gethostname())
    except OSError:
        return f"the name of this machine, {socket.gethostname()}, has no address; SLURM needs one"
    return ""


class Cluster:
    """The daemons, from entering to leaving."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def __enter__(self) -> Cluster:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        text = SETTINGS.format(
            host=socket.gethostname().split(".")[0],
            folder=self.folder,
            processors=os.cpu_count(),
            megabytes=total * 8 // 10,
        )
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        SYSTEM_FILE.parent.mkdir(exist_ok=True)
        SYSTEM_FILE.unlink(missing_ok=True)
        SYSTEM_FILE.symlink_to(self.folder / "slurm.conf")
        places = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid"}
        places |= {"log-file": "munged.log", "seed-file": "munged.seed"}
        run("munged", "--force", *(f"--{option}={self.folder / name}" for option, name in places.items()))
        run("slurmctld")
        run("slurmd")
        self._wait_for_node()
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("slurmd", "slurmctld", "munged"):
            self._stop(name)
        SYSTEM_FILE.unlink(missing_ok=True)

    def restart_controller(self, seconds: float) -> None:
        """End the controller, leave the cluster without one for a while, and start it from its saved state."""
        self._stop("slurmctld")
        time.sleep(seconds)
        run("slurmctld")

    def jobs(self) -> list[dict[str, str]]:
        """Every job since the start: id, state, what Snakemake says it is, and its time."""
        said = run("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%k|%M")
        keys = ("job", "state", "what", "time")
        return [dict(zip(keys, line.split("|"), strict=True)) for line in said.splitlines()]

    def _stop(self, name: str) -> None:
        try:
            process = int((self.folder / f"{name}.pid").read_text())
            os.kill(process, 15)
            while Path(f"/proc/{process}").exists():
                time.sleep(0.1)
        except (FileNotFoundError, ProcessLookupError):
            pass

    def _wait_for_node(self) -> None:
        for _ in range(100):
            if run("sinfo", "--noheader", "--format=%T").strip() == "idle":
                return
            time.sleep(0.2)
        raise RuntimeError(f"the node did not come up; see {self.folder}/slurmd.log")


def run(*command: str) -> str:
    """Run a program and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
