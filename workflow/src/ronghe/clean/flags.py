"""The record of every cell that was filled, converted or trimmed, or that looks suspicious."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ronghe.clean.variables import FLAG_KINDS

COLUMNS = ["variable", "region", "year", "kind", "before", "after", "why"]


class Flags:
    """Collects flags while a dataset is cleaned; `frame` gives them in a fixed order."""

    def __init__(self) -> None:
        self._parts: list[pd.DataFrame] = []

    def add(
        self,
        kind: str,
        variable: str,
        keys: Iterable[tuple[str, int]],
        before: Iterable[float],
        after: Iterable[float],
        why: Iterable[str] | str,
    ) -> None:
        """Record cells of one variable: its region and year, the figure before and after, and the reason."""
        if kind not in FLAG_KINDS:
            raise ValueError(f"unknown kind of flag {kind}")
        keys = list(keys)
        if keys:
            regions, years = zip(*keys, strict=True)
            part = {"region": regions, "year": years, "before": np.asarray(before), "after": np.asarray(after)}
            why = why if isinstance(why, str) else list(why)
            self._parts.append(pd.DataFrame({"variable": variable, **part, "kind": kind, "why": why})[COLUMNS])

    def frame(self) -> pd.DataFrame:
        """Return all flags sorted by variable, region, year and kind."""
        if not self._parts:
            return pd.DataFrame(columns=COLUMNS)
        return pd.concat(self._parts, ignore_index=True).sort_values(COLUMNS[:4], kind="stable", ignore_index=True)


def cells(mask: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, list[tuple[str, int]]]:
    """Return row positions, column positions and (region, year) of the true cells of a region x year mask."""
    down, across = np.nonzero(mask.to_numpy())
    # Lists of plain values: taking single labels out of an index costs a hundred times as much.
    regions, years = mask.index.tolist(), mask.columns.tolist()
    return down, across, [(regions[i], int(years[j])) for i, j in zip(down.tolist(), across.tolist(), strict=True)]


def flag_jumps(flags: Flags, variable: str, values: pd.DataFrame, bound: float, above: float = 0.0) -> None:
    """Flag every change on the year before beyond a bound, up or down; the figures stay as they are."""
    previous = values.shift(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = values / previous - 1
    large = np.fmax(values.abs(), previous.abs()) > above
    # 13 over 10 is 30 percent: what binary numbers add to it is not beyond a bound of 0.3.
    down, across, keys = cells((change.abs() > bound + 1e-12) & large)
    figures = values.to_numpy()[down, across]
    changes = change.to_numpy()[down, across]
    why = [f"{100 * c:+.1f} percent on the year before (bound {100 * bound:g})" for c in changes]
    flags.add("suspicious", variable, keys, figures, figures, why)
