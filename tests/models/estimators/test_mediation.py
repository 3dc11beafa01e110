"""Mediation: identities, known truth, and the single regressions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import linked_panel
from ronghe.errors import RongheError
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return linked_panel()


def entry(kind: str, **changes: object) -> dict:
    base = {"name": "test", "kind": kind, "outcome": "y", "treatment": "x", "controls": ["w"], "effects": "twoways"}
    return base | changes


def test_mediation_adds_up_and_recovers_the_truth(panel):
    result = fit(entry("mediation", mediator="m", repetitions=499), Data(panel, seed=1))
    b = result.coefficients.set_index("term")["estimate"]
    assert b["total"] == pytest.approx(b["direct"] + b["indirect"], rel=1e-12)
    assert b["indirect"] == pytest.approx(b["treatment_to_mediator"] * b["mediator_to_outcome"], rel=1e-12)
    paths = result.tables["paths"].set_index("path")
    for name, truth in {
        "treatment_to_mediator": 0.8,
        "mediator_to_outcome": 0.5,
        "indirect": 0.4,
        "direct": 0.4,
    }.items():
        assert abs(b[name] - truth) < 4 * paths.loc[name, "std_error"]
    assert paths.loc["share_mediated", "estimate"] == pytest.approx(b["indirect"] / b["total"], rel=1e-12)


def test_mediation_errors_are_those_of_the_single_regressions(panel):
    result = fit(entry("mediation", mediator="m", repetitions=99), Data(panel, seed=1))
    errors = result.coefficients.set_index("term")["std_error"]
    total = fit(entry("fixed_effects"), Data(panel)).coefficients.set_index("term")["std_error"]
    third = fit(entry("fixed_effects", treatment=["x", "m"]), Data(panel)).coefficients.set_index("term")["std_error"]
    assert errors["total"] == pytest.approx(total["x"], rel=1e-10)
    assert errors["direct"] == pytest.approx(third["x"], rel=1e-10)
    assert errors["mediator_to_outcome"] == pytest.approx(third["m"], rel=1e-10)
    # Sobel's error without the covariance of a and b, which is about zero here.
    b = result.coefficients.set_index("term")["estimate"]
    first = (b["mediator_to_outcome"] * errors["treatment_to_mediator"]) ** 2
    second = (b["treatment_to_mediator"] * errors["mediator_to_outcome"]) ** 2
    assert errors["indirect"] == pytest.approx(np.sqrt(first + second), rel=0.15)


def test_mediation_interval_covers_zero_where_the_path_is_broken():
    covered = []
    for seed in range(150):
        broken = linked_panel(seed=seed, n_units=60, a=0.0)
        paths = fit(entry("mediation", mediator="m", repetitions=199), Data(broken, seed=seed)).tables["paths"]
        row = paths.set_index("path").loc["indirect"]
        covered.append(row["lower"] <= 0 <= row["upper"])
    # Three binomial errors around 95 %.
    assert 0.895 < np.mean(covered) <= 1


def test_mediator_among_controls_is_refused(panel):
    with pytest.raises(RongheError, match="mediator 'm' is among the controls"):
        fit(entry("mediation", mediator="m", controls=["w", "m"]), Data(panel))
