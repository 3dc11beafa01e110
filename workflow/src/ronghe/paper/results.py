"""Reads what a model specification left on disk: coefficients, impacts, tests and the description of the fit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ronghe.errors import RongheError, listing, nearest
from ronghe.frames import read_csv


@dataclass(frozen=True)
class Fit:
    """The stored text results of one specification."""

    name: str
    folder: Path

    @classmethod
    def read(cls, name: str, models: str | Path) -> Fit:
        """Open the results of a specification by its name."""
        folder = Path(models, name)
        if not (folder / "coefficients.csv").is_file():
            there = sorted(p.parent.name for p in Path(models).glob("*/coefficients.csv"))
            raise RongheError(
                f"{folder}: no results of specification '{name}'{nearest(name, there)} "
                f"(there: {listing(there) or 'none'}); make them with: snakemake {folder}/coefficients.csv"
            )
        return cls(name, folder)

    @cached_property
    def coefficients(self) -> pd.DataFrame:
        """Return the coefficient table by term."""
        return read_csv(self.folder / "coefficients.csv").set_index("term")

    @cached_property
    def impacts(self) -> pd.DataFrame:
        """Return the effects by variable and effect; the short run where there are several horizons."""
        frame = read_csv(self.folder / "impacts.csv")
        if "horizon" in frame and frame["horizon"].nunique() > 1:
            named = frame["horizon"] + " " + frame["effect"]
            frame = frame.assign(effect=frame["effect"].where(frame["horizon"] == "short", named))
        return frame.set_index(["variable", "effect"])

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Return the tests by name."""
        return read_csv(self.folder / "tests.csv").set_index("test")

    @cached_property
    def description(self) -> dict:
        """Return what fit.json says."""
        return json.loads((self.folder / "fit.json").read_text(encoding="utf-8"))

    def get(self, key: str) -> Any:
        """Return one entry of fit.json, or None where the fit has no such thing."""
        value = self.description.get(key)
        return None if isinstance(value, (dict, list)) and not value else value
