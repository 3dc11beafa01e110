"""Writes what each rule asks of a cluster into profiles/slurm: `python -m benchmarks.resources`."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from ronghe.errors import RongheError

PROFILE = Path("profiles/slurm/profile.yaml")
MARK = "# Written by `python -m benchmarks.resources` from the recorded benchmarks: do not edit below.\n"
# A node may be several times slower than the machine that was measured, and may not be idle.
MEMORY_MARGIN, TIME_MARGIN = 1.5, 10
DEFAULT_MEGABYTES, DEFAULT_MINUTES = 500, 5
# Rules that one loop of a rule file makes, one for each section, share as if they were one.
LOOPS = ("render_tables", "draw_figures")
# Several short jobs of one rule share submissions of about this many seconds of work.
SEVERAL, SHORT, SUBMISSION = 4, 10.0, 60.0


@dataclass(frozen=True)
class Need:
    """What the jobs of one rule took: seconds of each, and the largest memory in megabytes."""

    rule: str
    seconds: tuple[float, ...]
    megabytes: float

    @property
    def shared_with(self) -> str:
        """The name under which its short jobs share submissions: its own, or that of its loop."""
        return next((loop for loop in LOOPS if self.rule.startswith(f"{loop}_")), self.rule)

    @property
    def resources(self) -> dict[str, int]:
        """Megabytes and minutes to ask for, where they exceed the defaults of the profile."""
        memory = 250 * math.ceil(self.megabytes * MEMORY_MARGIN / 250)
        minutes = math.ceil(max(self.seconds) * TIME_MARGIN / 60)
        asked = {"mem_mb": max(memory, DEFAULT_MEGABYTES), "runtime": max(minutes, DEFAULT_MINUTES)}
        defaults = {"mem_mb": DEFAULT_MEGABYTES, "runtime": DEFAULT_MINUTES}
        return {name: value for name, value in asked.items() if value != defaults[name]}


def read_needs(folder: Path) -> list[Need]:
    """Every rule with a recorded benchmark under results/*/benchmarks/STAGE/RULE[/JOB].tsv."""
    found: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.glob("*/benchmarks/**/*.tsv")):
        rule = path.relative_to(folder).with_suffix("").parts[3]
        with path.open(encoding="utf-8") as file:
            found.setdefault(rule, []).extend(csv.DictReader(file, delimiter="\t"))
    if not found:
        raise RongheError(f"{folder}: no benchmark of any job is recorded here; run `make` first")
    return [
        Need(rule, tuple(float(row["s"]) for row in rows), max(_number(row["max_rss"]) for row in rows))
        for rule, rows in sorted(found.items())
    ]


def settings(needs: Iterable[Need]) -> dict[str, dict]:
    """The entries of a Snakemake profile: resources by rule, and how many short jobs of a rule share a submission."""
    needs = list(needs)
    seconds: dict[str, list[float]] = {}
    for need in needs:
        seconds.setdefault(need.shared_with, []).extend(need.seconds)
    short = {name: took for name, took in seconds.items() if len(took) >= SEVERAL and max(took) < SHORT}
    return {
        "set-resources": {need.rule: need.resources for need in needs if need.resources},
        "groups": {need.rule: need.shared_with for need in needs if need.shared_with in short},
        "group-components": {name: min(50, round(SUBMISSION * len(took) / sum(took))) for name, took in short.items()},
    }


def write(profile: Path, needs: Iterable[Need]) -> None:
    """Replace what stands below the mark."""
    own, mark, _ = profile.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise RongheError(f"{profile}: the line that begins with {MARK[:40]!r} is missing; put it back at the end")
    profile.write_text(own + MARK + yaml.safe_dump(settings(needs), sort_keys=True), encoding="utf-8")


def _number(text: str) -> float:
    """A cell of a benchmark file; Snakemake writes NA or - for a job too short to be sampled."""
    return 0.0 if text in ("NA", "-") else float(text)


if __name__ == "__main__":
    try:
        write(PROFILE, read_needs(Path("results")))
    except RongheError as error:
        sys.exit(str(error))
