"""Several fitted models in one table, and the attributes by which `maketables.ETable` reads a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from ronghe.errors import RongheError

if TYPE_CHECKING:
    from maketables import ETable


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


class PlugIn:
    """A fitted model with nothing but the attributes by which maketables' plug-in reads it.

    maketables 0.2 takes whatever has params, bse and pvalues for a model of statsmodels, before it asks for these.
    """

    def __init__(self, result: object) -> None:
        """Keep the model."""
        self._result = result

    def __getattr__(self, name: str) -> Any:
        """Pass on what maketables asks for."""
        if not name.startswith("__maketables_"):
            raise AttributeError(name)
        return getattr(self._result, name)


def etable(results: Mapping[str, Fitted], **options: object) -> ETable:
    """Return fitted models as a table of maketables, with rows for fixed effects and for the kind of errors.

    `results` are by the headings of their columns; `options` are those of `maketables.ETable`. The table shows itself
    in a notebook, and `make("tex")`, `make("html")`, `make("docx")`, `make("typst")` return it. maketables is installed
    with `ronghe[pipeline]`.

    >>> from ronghe.spatial import SpatialPanel, etable, munnell
    >>> data, W = munnell()
    >>> model = SpatialPanel.from_formula("log(gsp) ~ log(emp) + unemp | units + time", data, W, model="sar")
    >>> table = etable({"SAR": model.fit("clustered")})
    >>> table.df.xs("fe").squeeze().to_dict(), table.df.squeeze()["stats", "Standard errors"]
    ({'Unit effects': 'x', 'Time effects': 'x'}, 'clustered by STATE')
    """
    if not results:
        raise RongheError("etable: no results were given; pass them by name, as in etable({'SAR': r1, 'SDM': r2})")
    from maketables import ETable

    options.setdefault("model_heads", list(results))
    names = {}
    for result in results.values():
        names |= dict(zip(result.effect_names(), ("Unit effects", "Time effects"), strict=True))
    options.setdefault("felabels", names)
    return ETable([PlugIn(result) for result in results.values()], **options)


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
