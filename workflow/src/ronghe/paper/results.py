"""Reads what a model specification left on disk: coefficients, impacts, tests and the description of the fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ronghe.errors import RongheError, listing, nearest
from ronghe.files import read_json, sha256
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
        return self._table("coefficients.csv").set_index("term")

    @cached_property
    def impacts(self) -> pd.DataFrame:
        """Return the effects by variable and effect; the short run where there are several horizons."""
        frame = self._table("impacts.csv")
        if "horizon" in frame and frame["horizon"].nunique() > 1:
            named = frame["horizon"] + " " + frame["effect"]
            frame = frame.assign(effect=frame["effect"].where(frame["horizon"] == "short", named))
        return frame.set_index(["variable", "effect"])

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Return the tests by name."""
        return self._table("tests.csv").set_index("test")

    @cached_property
    def description(self) -> dict:
        """Return what fit.json says."""
        return read_json(self.folder / "fit.json")

    def _table(self, name: str) -> pd.DataFrame:
        """Read a table of this fit, after holding its bytes against what fit.json says was written."""
        path = self.folder / name
        written = self.description.get("written", {})
        if written.get(name) not in (None, sha256(path)):
            raise RongheError(
                f"{path}: not the file that was written with {path.with_name('fit.json')} (cut short, or edited); "
                f"make it again: snakemake --forcerun {path.with_name('fit.json')}"
            )
        return read_csv(path)

    def get(self, key: str) -> Any:
        """Return one entry of fit.json, or None where the fit has no such thing."""
        value = self.description.get(key)
        return None if isinstance(value, (dict, list)) and not value else value
