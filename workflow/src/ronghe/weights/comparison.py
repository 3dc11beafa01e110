"""Sets weights matrices side by side: how dense, how connected, and how alike their spatial lags are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pandas as pd

from ronghe.weights.build import describe
from ronghe.weights.matrix import Weights

NOISE = "white noise"


def compare_weights(weights: Mapping[str, Weights], summaries: Mapping[str, dict] | None = None) -> pd.DataFrame:
    """Return one row per matrix; the spectral radius is that before standardisation, where a summary has it."""
    rows = []
    for name, W in weights.items():
        summary = (summaries or {}).get(name, {})
        facts = {**describe(W), "weights": name, "kind": summary.get("entry", {}).get("kind", "")}
        facts["islands"] = len(W.islands)
        facts["spectral_radius"] = summary.get("raw_spectral_radius", W.spectral_radius)
        facts["standardise"] = summary.get("standardise", "")
        rows.append(facts)
    order = ["weights", "kind", "standardise", "n", "edges", "density", "mean_neighbors", "min_neighbors"]
    order += ["max_neighbors", "islands", "components", "spectral_radius", "smallest_eigenvalue", "largest_eigenvalue"]
    return pd.DataFrame(rows, columns=order)


def correlate_lags(weights: Mapping[str, Weights], panel: pd.DataFrame) -> pd.DataFrame:
    """Return the correlation between the lags of every two matrices: of white noise, and of each variable.

    For independent draws the lags W_1 e and W_2 e correlate by tr(W_1'W_2) / sqrt(tr(W_1'W_1) tr(W_2'W_2)), which
    needs no variable. For a variable it is Pearson's correlation over all regions and years.
    """
    names = list(weights)
    labels = weights[names[0]].labels if names else ()
    aligned = {name: W.align(labels).sparse for name, W in weights.items()}
    lags = {name: W.lag(panel) for name, W in weights.items()} if len(panel.columns) else {}
    rows = []
    for first, second in combinations_with_replacement(names, 2):
        A, B = aligned[first], aligned[second]
        cosine = A.multiply(B).sum() / np.sqrt(np.sum(A.data**2) * np.sum(B.data**2))
        rows.append((NOISE, first, second, float(cosine)))
        for variable in panel.columns:
            x, z = lags[first][variable].to_numpy(), lags[second][variable].to_numpy()
            rows.append((variable, first, second, float(np.corrcoef(x, z)[0, 1])))
    return pd.DataFrame(rows, columns=["variable", "first", "second", "correlation"])


def compare_files(edges: list[str], summaries: list[str], panel: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the weights in files; those of fewer units than the panel have stay out of the correlations."""
    weights = {Path(path).parent.name: Weights.read(path) for path in edges}
    facts = {Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8")) for path in summaries}
    units = set(panel.index.get_level_values(0))
    alike = {name: W for name, W in weights.items() if set(W.labels) == units}
    return compare_weights(weights, facts), correlate_lags(alike, panel)
