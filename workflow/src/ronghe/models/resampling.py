"""Rows of tests.csv that come from wild bootstraps by region: p-values that hold where regions are few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from ronghe.spatial.batch.shared import METHODS, MODELS
from ronghe.spatial.results import SpatialPanelResult
from ronghe.spatial.spatial_panel import SpatialPanel

# Draws of models that the ordinary engine estimates one by one, at some milliseconds each.
MOST_BY_ENGINE = 999
STATISTIC = "Wald, CR3"


def wild_rows(
    model: SpatialPanel, result: SpatialPanelResult, treatment: Sequence[str], draws: int, seed: int
) -> Iterator[dict]:
    """Yield the wild bootstrap of every treatment's impacts, and of a Durbin model's joint hypotheses."""
    s = model.specification
    if s.method == "bias_corrected" or model.panel.observed is not None:
        return
    if s.model in MODELS and s.method in METHODS:
        from ronghe.spatial.uncertainty.wild_bootstrap import wild_bootstrap

        table = wild_bootstrap(result, [], list(treatment), draws, seed=seed)
    else:
        from ronghe.spatial.uncertainty.engine_bootstrap import engine_bootstrap

        draws = min(draws, MOST_BY_ENGINE)
        variables = [] if s.model == "sem" else list(treatment)
        table = engine_bootstrap(model, variables, draws, seed=seed)
        table = table[(table.index.get_level_values("effect") == "coefficient") == (s.model == "sem")]
    for (variable, effect), row in table.iterrows():
        if variable in treatment:
            yield _row(variable, effect, row, draws)
    if s.model == "sdm" and s.method in METHODS:
        yield from joint_rows(model, draws, seed)


def _row(variable: str, effect: str, row: pd.Series, draws: int) -> dict:
    note = f"{draws} draws of signs by unit, interval [{row['lower']:.6g}, {row['upper']:.6g}]"
    held = {"statistic": row["estimate"] / row["std_error"], "pvalue": row["pvalue"], "note": note}
    return {"test": f"wild cluster bootstrap, {effect}: {variable}", **held}


def joint_rows(model: SpatialPanel, draws: int, seed: int) -> Iterator[dict]:
    """Yield the joint hypotheses of a Durbin model, by the Wald statistic of CR3 under the imposed null."""
    from ronghe.spatial.uncertainty.joint_tests import bootstrap_tests

    s = model.specification
    nested = set(s.durbin) == set(s.names) - {"const"}
    hypotheses = ("sar", "sem", "slx", "ols") if nested else ("sar", "slx", "ols")
    for _, row in bootstrap_tests(model, hypotheses, (STATISTIC,), draws, seed=seed).iterrows():
        note = f"{STATISTIC}, {draws} draws of signs by unit, null imposed"
        held = {"statistic": row["statistic"], "df": row["df"], "pvalue": row["pvalue"], "note": note}
        yield {"test": f"wild cluster bootstrap: {row['hypothesis']}", **held}
