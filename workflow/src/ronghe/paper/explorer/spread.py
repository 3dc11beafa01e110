"""Where does it spill, and what if: the impact matrix of every spatial fit, and one within-SD of its treatment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.frames import read_csv
from ronghe.paper.explorer.book import Book
from ronghe.paper.explorer.estimates import main_variable
from ronghe.paper.explorer.numbers import short, shorts
from ronghe.paper.results import Fit

# Cells of impact matrices that the page holds at most; fits beyond are counted and named by the page.
MOST_CELLS = 40_000
COLUMNS = ["estimate", "upper"]


def spread(found: list[Fit], panel: pd.DataFrame, order: list[str], results: str, book: Book) -> dict:
    """Return for every spatial fit: what each region receives from each, what it gives, and the scale of a change."""
    fits, left_out, room = [], [], MOST_CELLS
    for fit in found:
        made = _fit(fit, panel, order, results, book)
        if made is None:
            continue
        room -= len(made["regions"]) ** 2
        if room < 0 and fits:
            left_out.append(fit.name)
        else:
            fits.append(made)
    return {"fits": fits, "left_out": left_out}


def _fit(fit: Fit, panel: pd.DataFrame, order: list[str], results: str, book: Book) -> dict | None:
    folder, treatment = f"{results}/models/{fit.name}", main_variable(fit)
    if not (fit.folder / "impact_matrix.csv").is_file():
        return None
    cells = _of(read_csv(fit.folder / "impact_matrix.csv"), treatment)
    if cells.empty:
        return None
    here = [region for region in order if region in set(cells["region"])]
    wide = {c: cells.pivot(index="source", columns="region", values=c).loc[here, here].to_numpy() for c in COLUMNS}
    units = _of(read_csv(fit.folder / "unit_impacts.csv"), treatment).set_index(["effect", "region"])
    W = read_csv(Path(results, "weights", str(fit.get("weights")), "edges.csv"))
    outcome = str(fit.get("outcome"))
    return {
        "name": fit.name,
        "outcome": book.name(outcome),
        "treatment": book.name(treatment),
        "weights": book.name(fit.get("weights")),
        "inference": book.both(lambda labels: labels.covariance(fit)),
        "model": book.name(fit.get("model"), "models"),
        "method": str(fit.get("method")),
        "sample": book.name(fit.get("sample") or "all"),
        "regions": [order.index(region) for region in here],
        "estimate": [shorts(row, 3) for row in wide["estimate"]],
        "half": [shorts(row, 3) for row in wide["upper"] - wide["estimate"]],
        "units": {effect: _unit(units.loc[effect].loc[here]) for effect in ("direct", "given", "received")},
        "neighbours": _receivers(W, here),
        "sd": short(within_sd(panel, treatment, here, fit.get("periods"))),
        "level": _last(panel, outcome, here),
        "file": f"{folder}/impact_matrix.csv",
    }


def _of(table: pd.DataFrame, treatment: str) -> pd.DataFrame:
    return table[table["variable"] == treatment]


def _unit(rows: pd.DataFrame) -> list[list[float | None]]:
    return [shorts(rows["estimate"], 4), shorts(rows["upper"] - rows["estimate"], 4)]


def _receivers(W: pd.DataFrame, here: list[str]) -> list[list[int]]:
    """Return for each region those whose lag it enters: the places with w(receiver, region) above zero."""
    place = {region: k for k, region in enumerate(here)}
    found: list[list[int]] = [[] for _ in here]
    for focal, neighbor, weight in W[["focal", "neighbor", "weight"]].itertuples(index=False, name=None):
        if focal in place and neighbor in place and weight > 0:
            found[place[neighbor]].append(place[focal])
    return [sorted(receivers) for receivers in found]


def within_sd(panel: pd.DataFrame, variable: str, regions: list[str], years: list[int] | None) -> float | None:
    """Return the standard deviation of a variable after the means of regions and of years are taken out."""
    if variable not in panel:
        return None
    wide = panel[variable].unstack("year").loc[regions]
    wide = wide[[year for year in wide if not years or year in years]].to_numpy(float)
    rest = wide - wide.mean(axis=0) - wide.mean(axis=1, keepdims=True) + wide.mean()
    freedom = (rest.shape[0] - 1) * (rest.shape[1] - 1)
    return float(np.sqrt((rest**2).sum() / freedom)) if freedom > 0 else None


def _last(panel: pd.DataFrame, outcome: str, regions: list[str]) -> list[float | None] | None:
    """Return the outcome in the last year, where it is a variable of the panel or a measure."""
    if outcome not in panel:
        return None
    wide = panel[outcome].unstack("year").loc[regions]
    return shorts(wide[wide.columns.max()], 5)
