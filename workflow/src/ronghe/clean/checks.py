"""Accounting identities and national totals that the cleaned figures are held against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ronghe.clean.flags import Flags, cells
from ronghe.clean.variables import expand
from ronghe.errors import RongheError, listing

COLUMNS = ["check", "kind", "year", "figure", "expected", "gap", "region", "tolerance", "n"]


def run_checks(dataset: dict, frames: Mapping[str, pd.DataFrame], flags: Flags) -> pd.DataFrame:
    """Return one row per check and year with the worst relative gap; a gap beyond the tolerance is refused."""
    rows: list[dict] = []
    for name, declared in dataset.get("checks", {}).items():
        if declared["kind"] == "national":
            rows += _national(name, declared, frames, flags)
        else:
            rows += _identity(name, declared, dataset, frames, flags)
    return pd.DataFrame(rows, columns=COLUMNS)


def _identity(name: str, declared: dict, dataset: dict, frames: Mapping[str, pd.DataFrame], flags: Flags) -> list[dict]:
    """Compare the sum of parts with a total, or a part with what it may not exceed, cell by cell."""
    total = frames[declared["total"]]
    parts = expand(dataset, declared.get("parts", [declared.get("part")]), f"checks.{name}")
    figure = sum((frames[part] for part in parts[1:]), frames[parts[0]])
    gap = _relative_gap(figure, total)
    if declared["kind"] == "not_above":
        gap = gap.clip(lower=0)
    _refuse(name, declared, gap, figure, total)
    if "flag" in declared:
        down, across, keys = cells(gap.abs() > declared["flag"])
        figures = total.to_numpy()[down, across]
        sums = figure.to_numpy()[down, across]
        why = [f"{name}: {s:.6g} against {f:.6g}" for s, f in zip(sums, figures, strict=True)]
        flags.add("suspicious", declared["total"], keys, figures, figures, why)
    return [
        _worst(name, declared, int(year), gap[year], figure[year], total[year]) for year in gap if gap[year].count()
    ]


def _relative_gap(figure: pd.DataFrame, total: pd.DataFrame) -> pd.DataFrame:
    """Return figure / total - 1; against a total of zero 0 or infinite, and missing where either is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = figure / total - 1
    gap = gap.mask(total == 0, np.inf).mask((total == 0) & (figure == 0), 0.0)
    return gap.where(figure.notna() & total.notna())


def _refuse(name: str, declared: dict, gap: pd.DataFrame, figure: pd.DataFrame, total: pd.DataFrame) -> None:
    _, _, keys = cells(gap.abs() > declared["tolerance"])
    if keys:
        region, year = keys[0]
        parts = declared.get("parts", [declared.get("part")])
        relation = "add to" if declared["kind"] == "adds_up" else "against at most"
        raise RongheError(
            f"checks.{name}: {listing(parts)} {relation} {figure.at[region, year]:.6g} where '{declared['total']}' is "
            f"{total.at[region, year]:.6g} for {region} {year} ({len(keys)} cells beyond the tolerance "
            f"{declared['tolerance']:g}: {listing(f'{r} {y}' for r, y in keys)}); correct the raw figures, or the "
            "tolerance"
        )


def _worst(name: str, declared: dict, year: int, gap: pd.Series, figure: pd.Series, total: pd.Series) -> dict:
    region = gap.abs().idxmax()
    return {
        "check": name,
        "kind": declared["kind"],
        "year": year,
        "figure": figure[region],
        "expected": total[region],
        "gap": gap[region],
        "region": region,
        "tolerance": declared["tolerance"],
        "n": int(gap.count()),
    }


def _national(name: str, declared: dict, frames: Mapping[str, pd.DataFrame], flags: Flags) -> list[dict]:
    """Compare the sum over all regions of the tables with a published figure, year by year."""
    figures, rows = frames[declared["variable"]], []
    for year, published in declared["values"].items():
        if int(year) not in figures.columns or figures[int(year)].isna().all():
            raise RongheError(f"checks.{name}: '{declared['variable']}' has no figure in {year}; mend the year")
        present = figures[int(year)].dropna()
        total, gap = float(present.sum()), float(present.sum()) / published - 1
        if abs(gap) > declared["tolerance"]:
            raise RongheError(
                f"checks.{name}: the regions add to {total:.6g} in {year}, published is {published:.6g} "
                f"({100 * gap:+.2f} percent, tolerance {100 * declared['tolerance']:g}): look for a missing region, "
                "a wrong unit or a wrong row, or correct the published figure"
            )
        if abs(gap) > declared.get("flag", np.inf):
            keys = [(region, int(year)) for region in present.index]
            why = f"{name}: the regions add to {total:.6g}, published is {published:.6g}"
            flags.add("suspicious", declared["variable"], keys, present, present, why)
        rows.append(
            {
                "check": name,
                "kind": "national",
                "year": int(year),
                "figure": total,
                "expected": float(published),
                "gap": gap,
                "region": "",
                "tolerance": declared["tolerance"],
                "n": len(present),
            }
        )
    return rows
