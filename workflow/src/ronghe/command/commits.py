"""The results of a commit: its tree beside the project, started from the present results, and run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ronghe.errors import RongheError
from ronghe.places import folders

# Where a change of numbers can come from.
INPUTS = ("config", "data/raw", "workflow", "paper", "Snakefile")


def commit_of(name: str, project: Path) -> str | None:
    """Return the full name of a commit, branch or tag, or None where git knows none of that name."""
    done = _git(project, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
    return done.stdout.strip() or None


def changed_inputs(first: str, second: str | None, project: Path) -> list[str]:
    """Return the files among the inputs that differ between two commits, or between one and the files as they are."""
    names = [first, *([second] if second else [])]
    return _git(project, "diff", "--name-only", *names, "--", *INPUTS).stdout.splitlines()


@contextmanager
def results_of(commit: str, project: Path, dataset: str, target: str, scratch: Path | None) -> Iterator[Path]:
    """Run a target at a commit and give the folder of its results; only what differs from the present ones is run.

    In a `scratch` of the user's the tree stays and is used again; otherwise it is taken away afterwards.
    """
    place = (scratch or Path(tempfile.mkdtemp(prefix="ronghe-compare-"))) / commit[:12]
    begun = place.exists()
    try:
        if not begun:
            place.parent.mkdir(parents=True, exist_ok=True)
            _git(project, "worktree", "add", "--quiet", "--detach", str(place.resolve()), commit)
            _begin_with(project, place, dataset)
            begun = True
        _run(place, dataset, target)
        yield place
    finally:
        if scratch is None or not begun:
            _git(project, "worktree", "remove", "--force", str(place.resolve()), check=False)
            shutil.rmtree(place if scratch else place.parent, ignore_errors=True)


def _begin_with(project: Path, place: Path, dataset: str) -> None:
    """Copy what has been made already; the checksums in the parameters of each rule decide what is made anew."""
    named = folders(dataset, "en")
    for part in (named["results"], named["processed"], ".snakemake/metadata"):
        if (project / part).is_dir():
            shutil.copytree(project / part, place / part, dirs_exist_ok=True)


def _run(place: Path, dataset: str, target: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str((place / "workflow/src").resolve())}
    command = [sys.executable, "-m", "snakemake", target, "--cores", str(os.cpu_count() or 1)]
    command += ["--quiet", "rules", "host", "--config", f"dataset={dataset}"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        raise RongheError(
            f"{place.name}: the target '{target}' cannot be made there: {' '.join(told[-3:])}; "
            f"see {place}/.snakemake/log"
        )


def _git(project: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(
        ["git", "-C", str(project), "-c", "core.quotePath=false", *words], capture_output=True, text=True
    )
    if check and done.returncode:
        raise RongheError(f"git {words[0]}: {done.stderr.strip()}; is this folder under git?")
    return done
