"""Reads the table of all specifications once and writes every summary of it as text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ronghe.frames import write_csv
from ronghe.models.multiverse import averaging, curve, summary
from ronghe.models.multiverse.declaration import Multiverse


def judge(multiverse: Multiverse, path: str | Path, outputs: dict[str, str]) -> None:
    """Write summary, choices, variances, refusals, averages, and what the figures draw."""
    frame = summary.read_estimates(path)
    variances = summary.variance_by_choice(frame, multiverse)
    by_choice = summary.choices(frame, multiverse)
    line, shares = curve.sorted_curve(frame, multiverse)
    tables = {
        "summary": summary.whole(frame, by_choice, variances),
        "choices": by_choice,
        "variances": variances,
        "excluded": pd.DataFrame(multiverse.excluded()),
        "refused": summary.refusals(path),
        "bma": averaging.average(path, multiverse),
        "curve": line,
        "curve_choices": shares,
        "densities": curve.densities(frame, multiverse),
        "vibrations": curve.vibrations(frame, multiverse),
    }
    for name, output in outputs.items():
        write_csv(tables[name], output)
