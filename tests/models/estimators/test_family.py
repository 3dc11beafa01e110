"""Families of specifications: the members, what they share, and known error rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panel_builders import null_panel
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def member(name: str, **changes: object) -> dict:
    base = {"name": name, "kind": "fixed_effects", "outcome": "y", "treatment": name, "controls": []}
    return base | {"effects": "twoways"} | changes


def family(n: int = 5, **changes: object) -> dict:
    members = [member(f"x{j}") for j in range(n)]
    return {"name": "test", "kind": "family", "family": members, "repetitions": 299} | changes


def test_family_keeps_every_members_own_numbers():
    panel = null_panel(effect=0.3)
    result = fit(family(), Data(panel, seed=2))
    alone = pd.concat([fit(member(f"x{j}"), Data(panel)).coefficients for j in range(5)])
    np.testing.assert_allclose(result.coefficients["estimate"], alone["estimate"], rtol=1e-12)
    np.testing.assert_allclose(result.coefficients["std_error"], alone["std_error"], rtol=1e-10)
    table = result.tables["family"]
    assert (table["pvalue_romano_wolf"] >= table["pvalue_bootstrap"]).all()
    np.testing.assert_allclose(table["pvalue_bootstrap"], table["pvalue"], atol=0.12)
    assert table["pvalue_romano_wolf"].iloc[0] < 0.05
    assert result.tests.set_index("test").loc["all equal", "pvalue"] < 0.05


def test_identical_members_leave_nothing_to_test_jointly():
    panel = null_panel()
    same = {**family(), "family": [member("x0"), {**member("x0"), "name": "again"}]}
    assert fit(same, Data(panel)).tests.empty


def test_standardised_effects_do_not_depend_on_units():
    panel = null_panel(effect=0.3)
    scaled = panel.assign(x0=panel["x0"] * 1000, y=panel["y"] * 7)
    wanted = family(standardise=True)
    np.testing.assert_allclose(
        fit(wanted, Data(panel)).coefficients["estimate"],
        fit(wanted, Data(scaled)).coefficients["estimate"],
        rtol=1e-10,
    )


def test_family_wise_error_is_kept(kernel_fits):
    wrong = []
    for seed in range(80):
        table = fit(family(repetitions=99), Data(null_panel(seed), seed=seed)).tables["family"]
        wrong.append((table["pvalue_romano_wolf"] < 0.05).any())
    # Three binomial errors around 5 %, five unadjusted tests would give about 18 %.
    assert np.mean(wrong) < 0.125


def test_family_members_may_have_other_samples():
    panel = null_panel()
    mixed = [member("x0"), member("x1", sample={"without_regions": ["r03"]})]
    result = fit(family() | {"family": mixed}, Data(panel))
    assert result.fit["nobs"] == [180, 174]
    alone = fit(mixed[1], Data(panel)).coefficients["std_error"].iloc[0]
    assert result.coefficients["std_error"].iloc[1] == pytest.approx(alone, rel=1e-10)
