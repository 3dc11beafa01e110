"""A copy of the project in a folder of its own, with the generated counties as a dataset, in which Snakemake is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ronghe.errors import RongheError

from benchmarks.counties.generate import LAST_YEAR, generate

ROOT = Path(__file__).resolve().parents[2]
DECLARED = Path(__file__).with_name("declared")
PARTS = ("Snakefile", "config", "profiles", "workflow", "paper", "pyproject.toml", "constraints.txt")
DATASET = "counties"


def make(folder: Path, counties: int, years: int, stages: bool = True) -> None:
    """Copy the project into a new folder and write the dataset; without `stages` it gets those that fit it."""
    if folder.exists() and any(folder.iterdir()):
        raise RongheError(f"{folder}: holds files already; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    made = shutil.ignore_patterns("*.egg-info", "__pycache__", "china_provinces", "us_states", DATASET)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=made if part != "config" else None)
        else:
            shutil.copy2(source, folder / part)
    generate(counties, years).write(folder / "data" / "raw" / DATASET)
    first = str(LAST_YEAR - years + 1)
    for path in sorted(DECLARED.rglob("*.yaml")):
        target = folder / "config" / "datasets" / path.relative_to(DECLARED)
        if target.parent.name == DATASET and not stages:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8").replace("FIRST_YEAR", first).replace("LAST_YEAR", str(LAST_YEAR))
        target.write_text(text, encoding="utf-8")


def run(folder: Path, *arguments: str, cores: int = 1) -> subprocess.CompletedProcess:
    """Run Snakemake there on the counties, and show what it says."""
    environment = {**os.environ, "PYTHONPATH": str(folder.resolve() / "workflow" / "src"), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments, "--config", f"dataset={DATASET}"]
    return subprocess.run(command, cwd=folder, env=environment, check=False)
