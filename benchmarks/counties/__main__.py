"""Runs generated counties through the pipeline: `python -m benchmarks.counties [counties ...] [--keep FOLDER]`.

Every figure of these counties is generated; nothing is observed. For each number of counties (300 and 3,000 unless said
otherwise, 20 years each) the whole workflow runs on one core in a copy of the project, stage by stage. Processor time
is that of all processes of a stage, Snakemake's start included; memory, and the seconds of each rule by the clock, come
from Snakemake's benchmarks. The Durbin model's estimates are held against the process that made the figures.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sys
import tempfile
from pathlib import Path

import pandas as pd
from ronghe.errors import RongheError

from benchmarks.counties.generate import TRUTH
from benchmarks.counties.project import DATASET, make, run

OUTPUT = Path("results/benchmarks")
YEARS = 20
# Where a copy of the project keeps the processor seconds of its stages.
TIMES = "stages.json"
STAGES = ("clean", "measures", "weights", "explore", "models", "paper")


def jobs(folder: Path) -> pd.DataFrame:
    """Return stage, rule, job, seconds by the clock and peak megabytes of each job that ran there."""
    root, rows = folder / "results" / DATASET / "benchmarks", []
    for path in sorted(root.rglob("*.tsv")):
        stage, rule, *job = path.relative_to(root).with_suffix("").parts
        with path.open(encoding="utf-8") as file:
            for line in csv.DictReader(file, delimiter="\t"):
                numbers = [pd.to_numeric(line[name], errors="coerce") for name in ("s", "max_rss")]
                rows.append((stage, rule, "/".join(job), *numbers))
    return pd.DataFrame(rows, columns=["stage", "rule", "job", "seconds", "peak_megabytes"])


def spent() -> float:
    """Return the processor seconds of all that this process started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(folder: Path) -> dict[str, float]:
    """Return the processor seconds of the stages that ran there to their end."""
    path = folder / TIMES
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def by_stage(found: pd.DataFrame, taken: dict[str, float]) -> pd.DataFrame:
    """Return the jobs of each stage together: number, processor seconds, seconds by the clock, largest peak."""
    stages = found.groupby("stage").agg(jobs=("job", "size"), peak_megabytes=("peak_megabytes", "max"))
    stages.insert(1, "cpu_seconds", pd.Series(taken))
    stages.insert(2, "seconds", found.groupby("stage")["seconds"].sum())
    return stages.loc[list(STAGES)].reset_index()


def by_rule(found: pd.DataFrame) -> pd.DataFrame:
    """Return the jobs of each rule together: their number, seconds in all, and the largest peak of memory."""
    rules = found.groupby(["stage", "rule"], as_index=False).agg(
        jobs=("job", "size"),
        seconds=("seconds", "sum"),
        peak_megabytes=("peak_megabytes", "max"),
    )
    order = rules["stage"].map({stage: place for place, stage in enumerate(STAGES)})
    return rules.iloc[order.argsort(kind="stable")]


def against_truth(folder: Path) -> pd.DataFrame:
    """Return each parameter of the Durbin model: truth, estimate, its error, and how many errors lie between."""
    found = pd.read_csv(folder / "results" / DATASET / "models" / "durbin" / "coefficients.csv").set_index("term")
    found = found.loc[list(TRUTH), ["estimate", "std_error"]].rename_axis("parameter").reset_index()
    found.insert(1, "truth", list(TRUTH.values()))
    return found.assign(distance=(found["estimate"] - found["truth"]) / found["std_error"])


def record(name: str, found: pd.DataFrame, counties: int, years: int) -> None:
    """Write the rows of one size; those of other sizes stay."""
    path = OUTPUT / f"{name}.csv"
    found = found.assign(counties=counties, years=years)[["counties", "years", *found.columns]]
    if path.exists():
        earlier = pd.read_csv(path)
        same = (earlier["counties"] == counties) & (earlier["years"] == years)
        found = pd.concat([earlier[~same], found], ignore_index=True).sort_values("counties", kind="stable")
    path.parent.mkdir(parents=True, exist_ok=True)
    found.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    sys.stdout.write(f"{found.to_string(index=False)}\n{path}\n")


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of what a reader opens."""
    paper = folder / "paper" / DATASET / "en"
    return {path.name: path.stat().st_size for path in sorted(paper.iterdir()) if path.is_file()}


def bench(counties: int, folder: Path, years: int = YEARS) -> None:
    """Run everything for one number of counties, or go on where it stopped, and record it."""
    if not (folder / "Snakefile").exists():
        make(folder, counties, years)
    for stage in STAGES:
        if stage not in (taken := timed(folder)):
            before = spent()
            if run(folder, stage, "--quiet", "rules", "host").returncode:
                raise RongheError(f"{folder}: stage '{stage}' failed; see what it says above")
            taken[stage] = spent() - before
            (folder / TIMES).write_text(json.dumps(taken), encoding="utf-8")
    found = jobs(folder)
    record("counties", by_stage(found, timed(folder)), counties, years)
    record("counties_rules", by_rule(found), counties, years)
    record("counties_truth", against_truth(folder), counties, years)
    sys.stdout.write(json.dumps(sizes(folder), indent=2) + "\n")


def main() -> None:
    """Read the command line."""
    reader = argparse.ArgumentParser(prog="python -m benchmarks.counties", description=__doc__.splitlines()[0])
    reader.add_argument("counties", nargs="*", type=int, default=[300, 3000], help="how many, 300 and 3000")
    reader.add_argument("--keep", type=Path, help="where the copies of the project stay, to go on or to look at")
    given = reader.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for counties in given.counties:
            bench(counties, (given.keep or Path(scratch)) / f"counties_{counties}")


if __name__ == "__main__":
    try:
        main()
    except RongheError as error:
        sys.exit(str(error))
