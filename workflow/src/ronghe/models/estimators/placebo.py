"""Placebos: the same model where it should find nothing, because the weights or the treatment are shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from ronghe.spatial.batch.shared_columns import LARGEST
from ronghe.spatial.batch.specifications import BATCHED, REFUSALS, Specifications
from ronghe.spatial.batch.subset_fits import IMPACTS
from ronghe.weights import Weights

# Draws whose columns are held in memory together.
AT_ONCE = 250
METHODS = ("lee_yu", "lsdv")


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
    if relabelled is not None:
        draws = relabelled.estimates(rng, watched, repetitions)
    else:
        draws = (_refitted(base, data, shuffle, rng) for _ in range(repetitions))
    rows, failed = [], 0
    for draw, found in enumerate(draws):
        failed += found is None
        rows += [(draw + 1, term, value) for term, value in (found or {}).items()]
    if failed > repetitions / 10:
        raise RongheError(f"{failed} of {repetitions} placebo fits failed; the placebo says nothing")
    table = pd.DataFrame(rows, columns=["draw", "term", "estimate"])
    whole.tests = test_table(_tests(table, watched, shuffle, failed))
    whole.tables = {"draws": table}
    whole.fit = {**whole.fit, "base": base["name"], "shuffle": shuffle, "repetitions": repetitions, "failed": failed}
    return whole


def _refitted(base: dict, data: Data, shuffle: str, rng: np.random.Generator) -> dict[str, float] | None:
    """Return the estimates that are watched on data shuffled once; none where they cannot be fitted."""
    try:
        return _refit(base, shuffled(data, base, shuffle, rng))
    except RongheError:
        return None


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

    The same estimates as with the names of W permuted, all draws at once, out of their cross-products.
    """

    columns: Specifications
    treatment: list[int]
    model: str

    @classmethod
    def of(cls, base: dict, data: Data) -> Relabelled | None:
        """Lay out the rows once; None where the model has no batch form, or the rows are no full grid of W's labels."""
        if base["kind"] != "spatial" or base["model"] not in BATCHED or base["method"] not in METHODS:
            return None
        if {"error_weights", "durbin"} & set(base):
            return None
        design = build(base, data)
        W, cut = weights_of(base, data, design)
        periods = design.index.levels[1]
        if cut or len(design.frame) != W.n * len(periods) or W.n > LARGEST:
            return None
        index = pd.MultiIndex.from_product([W.labels, periods], names=design.frame.index.names)
        values = design.frame.reindex(index)[[design.outcome, *design.names]].to_numpy().reshape(W.n, len(periods), -1)
        treatment = [design.names.index(t.name) for t in terms_of(base, "treatment")]
        settings = {"effects": base["effects"], "method": base["method"], "where": base["name"]}
        columns = Specifications.of(values[:, :, 0], values[:, :, 1:], design.names, W, **settings)
        return cls(columns, treatment, base["model"])

    def estimates(
        self, rng: np.random.Generator, watched: Iterable[str], repetitions: int
    ) -> Iterator[dict[str, float] | None]:
        """Yield the estimates that are watched for every deal of the regions to the places of W."""
        labels = np.array(self.columns.weights.labels, dtype=object)
        place = {label: i for i, label in enumerate(labels)}
        for start in range(0, repetitions, AT_ONCE):
            size = min(AT_ONCE, repetitions - start)
            orders = np.array([[place[label] for label in rng.permutation(labels)] for _ in range(size)])
            found = self._values(self.columns.dealt(orders), size)
            for values in np.array([found[term] for term in watched]).T:
                yield dict(zip(watched, values.tolist(), strict=True)) if np.isfinite(values).all() else None

    def _values(self, dealt: Specifications, size: int) -> dict[str, np.ndarray]:
        """Return estimates by name, each an array by draw."""
        found, every = {}, list(range(len(self.columns.names) - (self.columns.projection.effects == "pooled")))
        for place in self.treatment:
            first = [place, *(i for i in every if i != place)]
            fits = dealt.fit(self.model, np.tile(first, (size, 1)), np.arange(size))
            name, failed = self.columns.names[place], (fits.refused > 0) & (fits.refused != REFUSALS.index("edge"))
            found[name] = np.where(failed, np.nan, fits.coefficient)
            found["lambda" if fits.has_error else "rho"] = np.where(failed, np.nan, fits.spatial)
            found |= {f"{effect}: {name}": v for effect, v in zip(IMPACTS, fits.effects.T, strict=True)}
        return found


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
