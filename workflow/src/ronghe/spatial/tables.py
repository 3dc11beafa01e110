"""Several fitted models in one table, and the attributes by which `maketables.ETable` reads a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pandas as pd

from ronghe.errors import RongheError


class Fitted(Protocol):
    """What a table needs of a fitted model."""

    nobs: int

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per term."""

    def impacts(self) -> pd.DataFrame:
        """Return one row per regressor and kind of impact."""

    def statistics(self) -> dict[str, float]:
        """Return measures of fit by name."""


def compare(results: Mapping[str, Fitted], impacts: bool = False) -> pd.DataFrame:
    """Return one table of several fitted models: a column for each, under its name.

    Rows are the coefficients with their standard errors, with `impacts` the impacts too, and the measures of fit; what
    a model does not have is NaN. Whether log-likelihoods compare is for the reader to see: outcome, sample, effects
    and method must be the same.

    >>> from ronghe.spatial import SpatialPanel, compare, munnell
    >>> data, W = munnell()
    >>> formula = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"
    >>> fits = {m: SpatialPanel.from_formula(formula, data, W, model=m, effects="units").fit() for m in ("sar", "sdm")}
    >>> compare(fits).loc[[("rho", "estimate"), ("fit", "loglik")]].round(3).to_dict("list")
    {'sar': [0.275, 1491.751], 'sdm': [0.493, 1534.385]}
    """
    if not results:
        raise RongheError("compare: no results were given; pass them by name, as in compare({'SAR': r1, 'SDM': r2})")
    columns, terms = {}, []
    for name, result in results.items():
        parts = [result.tidy().set_index("term")]
        if impacts:
            table = result.impacts()
            parts.append(table.set_axis([f"{variable}: {effect}" for variable, effect in table.index]))
        stacked = pd.concat([part[["estimate", "std_error"]] for part in parts]).stack()
        fit = pd.Series({("fit", key): value for key, value in result.statistics().items()})
        columns[name] = pd.concat([stacked, fit])
        terms += [key for key in columns[name].index if key not in terms]
    rows = pd.MultiIndex.from_tuples(_in_order(terms), names=["term", "value"])
    return pd.DataFrame({name: column.reindex(rows) for name, column in columns.items()}, index=rows)


def _in_order(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return coefficients, then spatial parameters and variances, impacts, and the measures of fit."""
    spatial = ("rho", "lambda", "sigma2", "sigma2_units")

    def rank(row: tuple[str, str]) -> int:
        if row[0] == "fit":
            return 9
        return 2 + spatial.index(row[0]) if row[0] in spatial else 8 if ": " in row[0] else int(row[0].startswith("W*"))

    terms = list(dict.fromkeys(term for term, _ in rows))
    return sorted(rows, key=lambda row: (rank(row), terms.index(row[0]), row[1] == "std_error"))


def maketables_coefficients(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of terms with the names of columns that maketables reads."""
    names = {"estimate": "b", "std_error": "se", "statistic": "t", "pvalue": "p", "lower": "ci95l", "upper": "ci95u"}
    return table.set_index("term")[list(names)].rename(columns=names).rename_axis("Coefficient")
