"""Influence: the estimate with each region left out in turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ronghe.errors import RongheError
from ronghe.linear.clusters import MANY_CLUSTERS
from ronghe.linear.few_clusters import LinearClusters
from ronghe.linear.inference import test_table
from ronghe.linear.layout import group_sums
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.design.design import Design, build, terms_of
from ronghe.models.design.weights import cut_to, frames_of, weights_named
from ronghe.models.estimate import Data, Estimate, fit, noted
from ronghe.models.kinds import one_way
from ronghe.progress import each
from ronghe.spatial.batch.left_out import estimates, has_batch_form, without_unit
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights import Weights

# Of many regions, how many are left out in turn: those of most influence.
MOST_LEFT_OUT = 20
COLUMNS = ["left_out", "term", "estimate", "std_error", "pvalue", "lower", "upper", "dfbeta", "note"]


def fit_base(base: dict, data: Data) -> Estimate:
    """Fit the specification that another one builds on, without the bootstrap tests and tables that nobody reads."""
    return fit({**base, "wild_repetitions": 0, "refit": True}, data)


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit `of` again without each region, and say how far every estimate of interest moves.

    dfbeta is (all - without)/(error with all) (Belsley, Kuh and Welsch 1980, eq. 2.7 with the full sample's error). Of
    spatial models the treatment's direct and indirect impacts and rho are followed. Of more than MANY_CLUSTERS regions
    MOST_LEFT_OUT are left out in turn, those that move least squares most. A fit that cannot be made, say
    because a neighbour becomes an island, is a row with a note.
    """
    base = specification["of"]
    whole = fit_base(base, data)
    watched = watch(base, whole)
    rows = []
    regions, note = _regions(base, data)
    batched = None if note else SpatialRefits.of(base, data)
    for region in each(regions, f"{base['name']} without each region", "fits"):
        rest = {**base, "sample": _without(base["sample"], region)}
        try:
            found = watch(base, fit_base(rest, data)) if batched is None else batched.without(region, list(watched))
        except RongheError as error:
            rows += [(region, term, *[np.nan] * 6, str(error)) for term in watched]
            continue
        for term, row in found.items():
            dfbeta = (watched[term]["estimate"] - row["estimate"]) / watched[term]["std_error"]
            values = [row[c] for c in ("estimate", "std_error", "pvalue", "lower", "upper")]
            rows.append((region, term, *values, dfbeta, ""))
    table = pd.DataFrame(rows, columns=COLUMNS)
    whole.tests = test_table(_summary(table, watched))
    whole.tables = {"influence": table}
    whole.fit = {**whole.fit, "base": base["name"], "left_out": [str(r) for r in regions]}
    return noted(whole, [note] if note else [])


@dataclass(frozen=True)
class SpatialRefits:
    """A spatial panel laid out once, and fitted without each region from arrays."""

    model: SpatialPanel
    W: Weights
    base: dict

    @classmethod
    def of(cls, base: dict, data: Data) -> SpatialRefits | None:
        """Lay out the rows; None where model or covariance has no batch form, or where a region moves other rows."""
        if base["kind"] != "spatial" or "winsorise" in base or "error_weights" in base:
            return None
        if base["covariance"] == "clustered" and not one_way(base):
            return None
        design, W = build(base, data), weights_named(base["weights"], data)
        options = {key: base[key] for key in ("model", "effects", "method", "durbin") if key in base}
        cut, _ = cut_to(W, list(design.index.levels[0]), base["weights"])
        model = SpatialPanel(*frames_of(design), cut, **options)
        return cls(model, W, base) if has_batch_form(model, base["covariance"], cls._small_sample(base)) else None

    @staticmethod
    def _small_sample(base: dict) -> str:
        return base.get("small_sample", "none") if base["covariance"] == "clustered" else "none"

    def without(self, region: str, terms: list[str]) -> dict[str, pd.Series]:
        """Return the rows of some terms without a region."""
        units = self.model.panel.units
        cut, _ = cut_to(self.W, [unit for unit in units if unit != region], self.base["weights"])
        smaller = without_unit(self.model, units.index(region), cut)
        treatment = [t.name for t in terms_of(self.base, "treatment")]
        settings = self.base["covariance"], self._small_sample(self.base), self.base.get("df")
        table = estimates(smaller, treatment, *settings)
        return {term: table.loc[term] for term in terms}


def watch(base: dict, result: Estimate) -> dict[str, pd.Series]:
    """Return the estimates that a reader follows: treatments, and of spatial models rho and the treatments' impacts."""
    treatment = [t.name for t in terms_of(base, "treatment")]
    terms = result.coefficients.set_index("term")
    found = {name: terms.loc[name] for name in (*treatment, "rho", "lambda") if name in terms.index}
    for _, row in result.impacts.iterrows():
        if row["variable"] in treatment:
            horizon = f", {row['horizon']}" if "horizon" in row.index else ""
            found[f"{row['effect']}{horizon}: {row['variable']}"] = row
    return found


def _regions(base: dict, data: Data) -> tuple[list[str], str]:
    """Return the regions of the base's sample, in alphabetical order; of many those of most influence, and a note."""
    design = build(base, data)
    regions = list(design.index.levels[0])
    if len(regions) <= MANY_CLUSTERS:
        return regions, ""
    moved = _one_step(base, design)
    most = np.sort(np.argsort(-moved, kind="stable")[:MOST_LEFT_OUT])
    note = f"of {len(regions):,} regions {MOST_LEFT_OUT} are left out in turn: those without which the treatment's "
    return [regions[k] for k in most], f"{note}coefficient of least squares moves most"


def _one_step(base: dict, design: Design) -> np.ndarray:
    """Return by region how far least squares' coefficient of the first treatment moves without it, whatever the model.

    (X'X)^-1 X_g'(I - H_gg)^-1 e_g, exact for least squares (MacKinnon, Nielsen and Webb 2023).
    """
    effects = base["effects"] if base["effects"] in ("pooled", "units", "time", "twoways") else "twoways"
    ols = fit_least_squares(design.y, design.X, design.layout, effects, design.names)
    e = LinearClusters(ols, design.layout, effects).adjusted("CR3")
    scores = group_sums(ols.X * e[:, None], design.layout.units)
    return np.abs(scores @ ols.bread)[:, design.names.index(terms_of(base, "treatment")[0].name)]


def _without(sample: dict, region: str) -> dict:
    if "regions" in sample:
        return {**sample, "regions": [r for r in sample["regions"] if r != region]}
    return {**sample, "without_regions": [*sample.get("without_regions", []), region]}


def _summary(table: pd.DataFrame, watched: dict[str, pd.Series]) -> list[dict]:
    """Return for every estimate its range, whose absence moves it most, and whether its sign or significance turns."""
    rows = []
    for term, whole in watched.items():
        part = table[(table["term"] == term) & table["estimate"].notna()]
        if part.empty:
            continue
        most = part.loc[part["dfbeta"].abs().idxmax()]
        turned = int((np.sign(part["estimate"]) != np.sign(whole["estimate"])).sum())
        crossed = int(((part["pvalue"] < 0.05) != (whole["pvalue"] < 0.05)).sum())
        note = (
            f"range [{part['estimate'].min():.6g}, {part['estimate'].max():.6g}]; most moved without "
            f"{most['left_out']}; sign turns in {turned}, 5 % significance in {crossed} of {len(part)}"
        )
        rows.append({"test": f"greatest |dfbeta|: {term}", "statistic": abs(most["dfbeta"]), "note": note})
    return rows
