"""Moderation: the slope over the range of the moderator."""

from __future__ import annotations

import numpy as np
import pytest
from panel_builders import linked_entry as entry
from ronghe.models.estimate import Data
from ronghe.models.estimate import run as fit


def test_marginal_effect_is_the_derivative(panel):
    result = fit(entry("moderation", outcome="z", moderator="m"), Data(panel))
    b = result.coefficients.set_index("term")["estimate"]
    assert b["x:m"] == pytest.approx(0.6, abs=0.06)
    table = result.tables["marginal_effects"]
    raw = panel.assign(xm=panel["x"] * panel["m"])
    plain = fit(entry("fixed_effects", outcome="z", treatment=["x", "m", "xm"]), Data(raw))
    c, V = plain.coefficients["estimate"].to_numpy(), plain.covariance.to_numpy()
    m = table["moderator"].to_numpy()
    np.testing.assert_allclose(table["estimate"], c[0] + c[2] * m, rtol=1e-8, atol=1e-8)
    variance = V[0, 0] + 2 * m * V[0, 2] + m**2 * V[2, 2]
    np.testing.assert_allclose(table["std_error"], np.sqrt(variance), rtol=1e-7)
    assert table["share_below"].iloc[-1] == 1


def test_marginal_effects_have_the_df_of_their_own_combination(panel):
    given = fit(entry("moderation", moderator="m", small_sample="corrected", centre=False), Data(panel))
    table, b = given.tables["marginal_effects"], given.coefficients.set_index("term")
    assert table["df"].between(5, 59).all() and table["df"].nunique() > 5
    # The slope where the moderator is at its least, by the same regression with the moderator counted from there.
    moved = panel.assign(m=panel["m"] - panel["m"].min())
    again = fit(entry("moderation", moderator="m", small_sample="corrected", centre=False), Data(moved))
    row = again.coefficients.set_index("term").loc["x"]
    columns = ["estimate", "std_error", "df", "pvalue", "lower", "upper"]
    np.testing.assert_allclose(table.iloc[0][columns].astype(float), row[columns].astype(float), rtol=1e-6)
    assert b.loc["x", "df"] != row["df"]
