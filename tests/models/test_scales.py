"""Every kind of specification: another unit of any column, or another order of rows, changes units and nothing else."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from panel_builders import linked_entry, linked_panel, ring_weights
from ronghe.models.estimate import Data, Estimate, run
from ronghe.models.estimators import leave_one_out
from ronghe.models.kinds import KINDS

# Statistics are pure numbers. What is lost against the plain run is rounding, and the last step of an optimiser.
TOLERANCE = 1e-6
UNITS, PERIODS = 18, 7
LINKED = {"weights": "ring"}
PLAIN = linked_entry("fixed_effects")
ENTRIES = {
    "fixed_effects": {}, "pooled": {"effects": "pooled"}, "random_effects": {"effects": "units"},
    "first_differences": {},
    "instrumental_variables": {"instruments": ["z"]},
    "threshold": {"threshold_variable": "m", "repetitions": 9, "thresholds": 1},
    "moderation": {"moderator": "m"},
    "mediation": {"mediator": "m", "repetitions": 99},
    "groups": {"groups": {"attribute": "half"}},
    "quantile": {"repetitions": 19, "negative_scale": "keep"},
    "difference_gmm": {}, "system_gmm": {},
    "spatial": LINKED, "spatial_dynamic": LINKED, "spatial_random_effects": LINKED, "spatial_two_stage": LINKED,
    "identification": {**LINKED, "wild_repetitions": 99},
    "weights_comparison": {"compare_weights": ["ring", "far"]},
    "spatial_threshold": {**LINKED, "threshold_variable": "m", "repetitions": 9, "points": 9, "model": "sar"},
}  # fmt: skip
BUILT = {
    "family": {"family": [PLAIN, {**PLAIN, "treatment": "m", "name": "other"}], "repetitions": 99, "standardise": True},
    "leave_one_out": {"of": PLAIN}, "sensitivity": {"of": PLAIN}, "diagnostics": {"of": PLAIN},
    "placebo": {"of": PLAIN, "repetitions": 19},
    "unit_roots": {"variables": ["y", "x", "m"], "repetitions": 19},
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_left_out(monkeypatch):
    """Leave out four regions in turn: what is asserted here holds for each."""
    regions = leave_one_out._regions
    monkeypatch.setattr(leave_one_out, "_regions", lambda *given: (regions(*given)[0][:4], ""))


def entry(kind: str) -> dict:
    if kind in BUILT:
        return {"name": "test", "kind": kind, **BUILT[kind]}
    return linked_entry(kind, **ENTRIES[kind])


@cache
def panel() -> pd.DataFrame:
    return linked_panel(n_units=UNITS, n_periods=PERIODS)


def fitted(kind: str, frame: pd.DataFrame, changes: dict | None = None) -> Estimate:
    near = ring_weights(UNITS)
    square = (near.to_frame() @ near.to_frame()).to_numpy()
    far = pd.DataFrame(square * (1 - np.eye(UNITS)), near.labels, near.labels)
    weights = {"ring": near, "far": type(near).coerce(far).standardise("row")}
    regions = pd.DataFrame({"half": ["a", "b", "b"] * (UNITS // 3)}, index=near.labels)
    return run(entry(kind) | (changes or {}), Data(frame, regions=regions, weights=weights, seed=4))


@cache
def plain(kind: str) -> Estimate:
    return fitted(kind, panel())


def pure(kind: str, result: Estimate) -> dict[str, np.ndarray]:
    """Return the numbers without a unit."""
    found = {}
    for name, table in (("coefficients", result.coefficients), ("tests", result.tests), ("impacts", result.impacts)):
        for column in ("statistic", "pvalue", "df"):
            # The statistic of a placebo is the estimate itself, which has a unit.
            if column in table and not (column == "statistic" and kind == "placebo"):
                found[f"{name}.{column}"] = table[column].to_numpy(float)
    return found


def test_every_kind_is_tried():
    assert set(ENTRIES) | set(BUILT) == set(KINDS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "factors", [{"y": 1e12, "x": 1e-2}, {"w": 1e12, "m": 1e-2, "z": 1e-3}], ids=lambda f: "-".join(f)
)
@pytest.mark.parametrize("kind", [*ENTRIES, *BUILT])
def test_another_unit_changes_no_statistic(kind, factors):
    found = pure(kind, fitted(kind, panel().assign(**{name: panel()[name] * by for name, by in factors.items()})))
    for name, expected in pure(kind, plain(kind)).items():
        np.testing.assert_allclose(found[name], expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("factors", [{"y": 1e12, "x": 0.05}, {"y": 0.05, "x": 1e12, "w": 0.05}], ids=["y", "x"])
@pytest.mark.parametrize("model", ["sem", "sarar", "gns"])
def test_another_unit_changes_no_two_stage_model_with_a_spatial_error(model, factors):
    """Amounts of money beside shares: least squares on columns of so different lengths would drop the short ones."""
    changes = {"model": model, "effects": "units", "cov_type": "robust"}
    expected = pure("spatial_two_stage", fitted("spatial_two_stage", panel(), changes))
    moved = panel().assign(**{name: panel()[name] * by for name, by in factors.items()})
    found = pure("spatial_two_stage", fitted("spatial_two_stage", moved, changes))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [*ENTRIES, *BUILT])
def test_the_order_of_rows_changes_nothing(kind):
    found = fitted(kind, panel().sample(frac=1, random_state=5))
    for name, expected in pure(kind, plain(kind)).items():
        np.testing.assert_allclose(pure(kind, found)[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(
        found.coefficients["estimate"].to_numpy(float), plain(kind).coefficients["estimate"].to_numpy(float), rtol=1e-9
    )
