"""A copy of the workflow with one small invented dataset, raw tables to printed ones, in which faults may be made."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TABLES = [f"paper/yunling/en/tables/{name}.{ending}" for name in ("summary", "baseline") for ending in ("csv", "tex")]
# What a run says of itself on the side: times, and names of temporary files.
ASIDE = ("logs", "benchmarks", ".written")


def environment(**changes: str) -> dict[str, str]:
    """Return the variables of a process that finds this project's library and starts no threads of its own."""
    paths = os.pathsep.join(map(str, (PROJECT / "workflow/src", PROJECT / "tests")))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1", **changes}


class Workshop:
    """Ten awkward tables of eight invented cities, from raw files to regressions and the tables that show them."""

    def __init__(self, root: Path, **settings: object) -> None:
        """Copy the workflow to `root`, and let `ronghe new` write the dataset's configuration."""
        from command.awkward import write_awkward

        self.root, self.settings = root, settings
        root.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / "Snakefile", root)
        for folder in ("config", "workflow", "profiles"):
            shutil.copytree(PROJECT / folder, root / folder)
        write_awkward(root / "tables")
        subprocess.run(
            [sys.executable, "-m", "ronghe", "new", "yunling", "tables"],
            cwd=root, env=environment(PYTHONPATH=str(root / "workflow/src")), check=True, capture_output=True,
        )  # fmt: skip

    def copied(self, root: Path) -> Workshop:
        """Return this workshop as it stands, without what was made, in another folder."""
        made = {str(self.root): [".snakemake", "results", "paper", "data"]}
        shutil.copytree(self.root, root, ignore=lambda folder, _: made.get(str(folder), []))
        other = object.__new__(Workshop)
        other.root, other.settings = root, self.settings
        return other

    def start(self, *more: str, cores: int = 1, targets: Sequence[str] = TABLES, **changes: str) -> subprocess.Popen:
        """Start Snakemake in a session of its own, so that a signal reaches it and its jobs and nothing else."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            *TABLES,
            *more,
            "--cores",
            str(cores),
            "--config",
            "dataset=yunling",
        ]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment(**{"PYTHONPATH": str(self.root / "workflow/src"), **changes}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            **self.settings,
        )

    def run(self, *more: str, **changes: object) -> tuple[int, str]:
        """Run to the end; return the exit code and what was said."""
        running = self.start(*more, **changes)
        said = running.communicate()[0]
        return running.returncode, said

    def finish(self) -> str:
        """Do what a user does after a fault: run again, unlocking where that is asked for; return what ended it."""
        code, said = self.run()
        if code and "--unlock" in said:
            self.run("--unlock")
            code, said = self.run()
        return said if code else ""

    def disturb(self, after: float, how: signal.Signals) -> str:
        """Send a signal to a run and its jobs after so many seconds; return what the run said."""
        running = self.start()
        time.sleep(after)
        if running.poll() is None:
            os.killpg(running.pid, how)
        return running.communicate()[0]

    def files(self) -> dict[str, bytes]:
        """Return every file that a run makes and that a reader may open."""
        made = [p for folder in ("data/processed", "results", "paper") for p in (self.root / folder).rglob("*")]
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(made)
            if path.is_file() and not set(path.parts) & set(ASIDE)
        }

    def outcome(self) -> str:
        """Return one hash of all that was made, names and content."""
        return hashlib.sha256(b"".join(name.encode() + content for name, content in self.files().items())).hexdigest()

    def left_over(self) -> list[str]:
        """Return the temporary files that somebody left behind."""
        return [name for name in self.files() if Path(name).name.startswith(".")]

    def forget(self) -> None:
        """Take away all that was made."""
        for folder in ("data/processed", "results", "paper", ".snakemake"):
            shutil.rmtree(self.root / folder, ignore_errors=True)


def tracebacks(said: str) -> int:
    """Return how many tracebacks stand in what was said."""
    return len(re.findall(r"^Traceback ", said, re.M))


def ours(said: str) -> int:
    """Return how many tracebacks go through the project's library; Snakemake and Python start before it can answer."""
    return sum("/workflow/src/ronghe/" in part for part in re.split(r"^Traceback ", said, flags=re.M)[1:])
