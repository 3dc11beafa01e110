"""Placebos: the same model where it should find nothing, because the weights or the treatment are shuffled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ronghe.errors import RongheError, require_count
from ronghe.linear.inference import test_table
from ronghe.models.design.design import terms_of
from ronghe.models.design.weights import weights_named
from ronghe.models.estimate import Data, Estimate
from ronghe.models.estimators.leave_one_out import fit_base, watch
from ronghe.weights import Weights


def estimate(specification: dict, data: Data) -> Estimate:
    """Fit `of` on shuffled data, and compare its estimates with the distribution that arises.

    `shuffle: weights` deals the regions' names anew to the places of W: who is whose neighbour becomes arbitrary, the
    structure of W stays. `shuffle: treatment` gives every region the whole path of the treatment of another region.
    p-values are (1 + #{|placebo| >= |estimate|})/(1 + repetitions) (Phipson and Smyth 2010).
    """
    base = specification["of"]
    shuffle = specification.get("shuffle", "treatment")
    repetitions = require_count(specification.get("repetitions", 199), "repetitions", least=1)
    whole = fit_base(base, data)
    watched = watch(base, whole)
    rng = np.random.default_rng(data.seed)
    rows, failed = [], 0
    for draw in range(repetitions):
        try:
            found = watch(base, fit_base(base, shuffled(data, base, shuffle, rng)))
        except RongheError:
            failed += 1
            continue
        rows += [(draw + 1, term, row["estimate"]) for term, row in found.items()]
    if failed > repetitions / 10:
        raise RongheError(f"{failed} of {repetitions} placebo fits failed; the placebo says nothing")
    table = pd.DataFrame(rows, columns=["draw", "term", "estimate"])
    whole.tests = test_table(_tests(table, watched, shuffle, failed))
    whole.tables = {"draws": table}
    whole.fit = {**whole.fit, "base": base["name"], "shuffle": shuffle, "repetitions": repetitions, "failed": failed}
    return whole


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
