"""How strong would it have to be: detectable effects, robustness to a confounder, and the regions that identify."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ronghe.linear import sensitivity
from ronghe.linear.inference import test_table
from ronghe.linear.least_squares import fit_least_squares
from ronghe.models.design.design import build, terms_of
from ronghe.models.estimate import Data, Estimate
from ronghe.models.estimators.leave_one_out import fit_base

LEVEL = 0.95
COLUMNS = [
    *("term", "effect", "estimate", "std_error", "df", "lower", "upper", "detectable", "partial_r2"),
    *("robustness_value", "robustness_value_significance"),
]


def estimate(specification: dict, data: Data) -> Estimate:
    """Say what the specification `of` could have found, and what could undo it.

    The detectable effect has the chosen power at 5 % under the inference of `of`: it follows from the half-length of
    the stored interval and its df. Of spatial specifications the treatment's coefficient and impacts are looked at;
    robustness values (Cinelli and Hazlett 2020) are for least squares alone, and rest on its classical t.
    """
    base, power = specification["of"], specification["power"]
    whole = fit_base(base, data)
    treatment = [t.name for t in terms_of(base, "treatment")]
    rows = _detectable(whole, treatment, power)
    tables = {"benchmarks": pd.DataFrame(), "region_weights": pd.DataFrame()}
    tests = []
    if base["kind"] != "spatial":
        parts = [_of_treatment(base, data, name, treatment) for name in treatment]
        robust = {name: part[0] for name, part in zip(treatment, parts, strict=True)}
        rows = [{**row, **robust[row["term"]]} for row in rows]
        for place, key in ((1, "benchmarks"), (2, "region_weights")):
            tables[key] = pd.concat([part[place] for part in parts], ignore_index=True)
        for name, part in zip(treatment, parts, strict=True):
            tests.append({"test": f"effective number of regions: {name}", "statistic": part[3]})
    whole.tests = test_table(tests)
    whole.tables = {"sensitivity": pd.DataFrame(rows, columns=COLUMNS), **_with_columns(tables)}
    whole.fit = {**whole.fit, "base": base["name"], "power": power, "level": LEVEL}
    return whole


def _detectable(whole: Estimate, treatment: list[str], power: float) -> list[dict]:
    """Return a row for the coefficient of every treatment and for each of its impacts."""
    coefficients = whole.coefficients.rename(columns={"term": "variable"}).assign(effect="coefficient")
    found = pd.concat([coefficients, whole.impacts], ignore_index=True)
    rows = []
    for _, row in found[found["variable"].isin(treatment)].iterrows():
        df = float(row["df"]) if np.isfinite(row["df"]) else np.inf
        half = (row["upper"] - row["lower"]) / 2
        held = {key: row[key] for key in ("effect", "estimate", "std_error", "lower", "upper")}
        detectable = sensitivity.detectable_from_interval(half, df, LEVEL, power)
        rows.append({"term": row["variable"], **held, "df": df, "detectable": detectable})
    return rows


def _of_treatment(
    base: dict, data: Data, name: str, treatment: list[str]
) -> tuple[dict, pd.DataFrame, pd.DataFrame, float]:
    """Return robustness values, bounds benchmarked on the controls, weights of regions, and their effective number."""
    design = build(base, data)
    effects = base["effects"]
    fit = fit_least_squares(design.y, design.X, design.layout, effects, design.names)
    strength = sensitivity.sensitivity_table(fit, design.names, name, 1 - LEVEL)
    controls = [n for n in design.names if n not in treatment]
    bounds = sensitivity.benchmark_bounds(fit, design.names, name, controls)
    regions = list(design.index.levels[0])
    weights = sensitivity.region_weights(fit.X, design.names.index(name), design.layout.units, regions)
    bounds.insert(0, "treatment", name)
    table = weights.reset_index()
    table.insert(0, "treatment", name)
    return strength[COLUMNS[8:]].to_dict(), bounds, table, weights.attrs["effective_regions"]


def _with_columns(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return tables that have their columns also where they hold no row."""
    columns = {
        "benchmarks": ["treatment", *sensitivity.BENCHMARK_COLUMNS],
        "region_weights": ["treatment", "region", "share", "cumulated"],
    }
    return {key: table.reindex(columns=columns[key]) for key, table in tables.items()}
