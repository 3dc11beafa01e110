"""Placebos: the same model where it should find nothing, because the weights or the treatment are shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_count
from ronghe.linear.inference import test_table
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.design.design import build, terms_of
from ronghe.models.design.weights import weights_named, weights_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.estimators.leave_one_out import fit_base, watch
from ronghe.spatial.spatial_panel import SpatialPanel
from ronghe.weights import Weights


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit `of` on shuffled data, and compare its estimates with the distribution that arises.

    `shuffle: weights` deals the regions' names anew to the places of W: who is whose neighbour becomes arbitrary, the
    structure of W stays. `shuffle: treatment` gives every region the whole path of the treatment of another region.
    p-values are (1 + #{|placebo| >= |estimate|})/(1 + repetitions) (Phipson and Smyth 2010).
    """
    base = specification["of"]
    shuffle = specification["shuffle"]
    repetitions = require_count(specification["repetitions"], "repetitions", least=1)
    whole = fit_base(base, data)
    watched = watch(base, whole)
    rng = np.random.default_rng(data.seed)
    relabelled = Relabelled.of(base, data) if shuffle == "weights" else None
    rows, failed = [], 0
    for draw in range(repetitions):
        try:
            if relabelled is not None:
                found = relabelled.estimates(rng, watched)
            else:
                found = _refit(base, shuffled(data, base, shuffle, rng))
        except RongheError:
            failed += 1
            continue
        rows += [(draw + 1, term, value) for term, value in found.items()]
    if failed > repetitions / 10:
        raise RongheError(f"{failed} of {repetitions} placebo fits failed; the placebo says nothing")
    table = pd.DataFrame(rows, columns=["draw", "term", "estimate"])
    whole.tests = test_table(_tests(table, watched, shuffle, failed))
    whole.tables = {"draws": table}
    whole.fit = {**whole.fit, "base": base["name"], "shuffle": shuffle, "repetitions": repetitions, "failed": failed}
    return whole


def _refit(base: dict, data: Data) -> dict[str, float]:
    """Return the estimates that are watched; of least squares by the kernel for resampling loops."""
    if base["kind"] in ("fixed_effects", "pooled"):
        design = build(base, data)
        fit = fit_least_squares(design.y, design.X, design.layout, base["effects"], design.names)
        found = dict(zip(design.names, fit.coefficients, strict=True))
        return {t.name: found[t.name] for t in terms_of(base, "treatment")}
    return {term: row["estimate"] for term, row in watch(base, fit_base(base, data)).items()}


@dataclass(frozen=True)
class Relabelled:
    """A spatial model on one W whose places are dealt to the regions anew: W stays, outcome and regressors move.

    The same estimates as with the names of W permuted, without laying out rows and weights again for every draw.
    """

    frame: pd.DataFrame
    names: list[str]
    W: Weights
    options: dict

    @classmethod
    def of(cls, base: dict, data: Data) -> Relabelled | None:
        """Lay out the rows once; None where the sample cuts the weights, or where the rows are not a full grid."""
        if base["kind"] != "spatial" or "error_weights" in base:
            return None
        design = build(base, data)
        W, cut = weights_of(base, data, design)
        periods = design.index.levels[1]
        if cut or len(design.frame) != W.n * len(periods):
            return None
        index = pd.MultiIndex.from_product([W.labels, periods], names=design.frame.index.names)
        options = {key: base[key] for key in ("model", "effects", "method", "durbin") if key in base}
        return cls(design.frame.reindex(index)[[design.outcome, *design.names]], design.names, W, options)

    def estimates(self, rng: np.random.Generator, watched: dict[str, pd.Series]) -> dict[str, float]:
        """Return the estimates that are watched, for one deal of the regions to the places of W."""
        labels = np.array(self.W.labels, dtype=object)
        place = {label: i for i, label in enumerate(labels)}
        order = [place[label] for label in rng.permutation(labels)]
        blocks = self.frame.to_numpy().reshape(self.W.n, -1, self.frame.shape[1])[order]
        moved = pd.DataFrame(blocks.reshape(self.frame.shape), self.frame.index, self.frame.columns)
        result = SpatialPanel(moved.iloc[:, 0], moved[self.names], self.W, **self.options).fit()
        found = dict(result.params)
        if self.options["model"] not in ("sem", "ols"):
            found |= {f"{effect}: {name}": value for (name, effect), value in result.impacts()["estimate"].items()}
        return {term: float(found[term]) for term in watched}


def shuffled(data: Data, base: dict, shuffle: str, rng: np.random.Generator) -> Data:
    """Return the data with the labels of the weights, or the treatments' paths, permuted over regions."""
    if shuffle == "weights":
        W = weights_named(base["weights"], data)
        edges = W.to_edges()
        labels = np.array(W.labels, dtype=object)
        names = dict(zip(labels, rng.permutation(labels), strict=True))
        moved = edges.assign(focal=edges["focal"].map(names), neighbor=edges["neighbor"].map(names))
        permuted = Weights.from_edges(moved, labels=list(W.labels))
        return replace(data, weights={**data.weights, base["weights"]: permuted})
    variables = [v for t in terms_of(base, "treatment") for v in t.variables]
    panel = data.panel.sort_index()
    regions = panel.index.unique(0)
    order = rng.permutation(len(regions))
    values = panel[variables].to_numpy().reshape(len(regions), -1, len(variables))[order]
    permuted = panel.copy()
    permuted[variables] = values.reshape(len(panel), len(variables))
    return replace(data, panel=permuted)


def _tests(table: pd.DataFrame, watched: dict[str, pd.Series], shuffle: str, failed: int) -> list[dict]:
    rows = []
    for term, whole in watched.items():
        draws = table.loc[table["term"] == term, "estimate"].to_numpy()
        pvalue = (1 + np.sum(np.abs(draws) >= abs(whole["estimate"]))) / (1 + len(draws))
        lower, upper = np.quantile(draws, [0.025, 0.975])
        note = f"{shuffle} shuffled {len(draws)} times, middle 95 % [{lower:.6g}, {upper:.6g}]"
        note += f"; {failed} fits failed" if failed else ""
        rows.append({"test": f"placebo: {term}", "statistic": whole["estimate"], "pvalue": pvalue, "note": note})
    return rows
