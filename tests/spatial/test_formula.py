"""Formulas: against columns made by hand and patsy's coding, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import patsy
import pytest
from ronghe.errors import RongheError
from ronghe.spatial import DynamicPanel, RandomEffectsPanel, SpatialPanel, SpatialTwoStage
from ronghe.spatial.formula import read_formula


@pytest.fixture(scope="module")
def data(munnell):
    y, X, _ = munnell
    frame = X.assign(gsp=y, level=np.exp(y))
    frame["group"] = np.where(frame.index.get_level_values(0) < "M", "north", "south")
    frame["decade"] = frame.index.get_level_values(1) // 10 * 10
    return frame.assign(**{"my cost": frame["pc"]})


def test_a_formula_says_the_whole_model(data, munnell):
    y, X, W = munnell
    read = "log(level) ~ pcap + pc + emp + unemp + W(pc + emp) | units + time"
    one = SpatialPanel.from_formula(read, data, W).fit()
    two = SpatialPanel(y, X, W, durbin=["pc", "emp"], effects="twoways").fit()
    assert one.names == two.names
    np.testing.assert_allclose(one.params, two.params, rtol=1e-9)
    named = SpatialPanel.from_formula("gsp ~ pc | STATE", data, W, model="sar")
    assert named.specification.effects == "units"
    assert "units effects" in repr(named) and "gsp ~ pc" in repr(named)


@pytest.mark.parametrize(
    "terms",
    ["C(group) + pc", "C(decade) + C(group)", "pc + C(group):pc", "C(group):pc", "C(decade)*C(group)", "C(group)*pc"],
)
def test_dummies_span_what_those_of_patsy_span(data, terms):
    """Patsy's columns with its intercept, and ours with a constant beside: the same space, and no column too many."""
    ours = read_formula(f"gsp ~ {terms}", data).X.to_numpy()
    theirs = np.asarray(patsy.dmatrix(terms, data))
    both = [np.column_stack([np.ones(len(data)), ours]), theirs]
    ranks = [np.linalg.matrix_rank(m) for m in (*both, np.column_stack(both))]
    assert ranks == [both[0].shape[1]] * 3


def test_dummies_are_named_by_value(data):
    X = read_formula("gsp ~ C(decade):pc + C(group)", data).X
    assert list(X) == ["C(decade)[1970]:pc", "C(decade)[1980]:pc", "C(group)[T.south]"]
    np.testing.assert_array_equal(X["C(group)[T.south]"], data["group"] == "south")


def test_lags_within_units(data, munnell):
    read = read_formula(
        "gsp ~ lag(pc, 2) + log(lag(level, 1)) + lag(`my cost`, 1):pc", data.sample(frac=1, random_state=1)
    )
    X, by_hand = read.X.sort_index(), data.sort_index().groupby(level=0).shift
    kept = X.index
    assert set(kept.unique(1)) == set(range(1972, 1987)) and len(kept) == 48 * 15
    np.testing.assert_array_equal(X["lag(pc, 2)"], by_hand(2).loc[kept, "pc"])
    np.testing.assert_allclose(X["log(lag(level, 1))"], by_hand(1).loc[kept, "gsp"], rtol=1e-12)
    np.testing.assert_allclose(X["lag(my cost, 1):pc"], by_hand(1).loc[kept, "pc"] * data["pc"].loc[kept], rtol=1e-12)
    assert "1970, 1971" in read.notes[0]
    result = SpatialPanel.from_formula("gsp ~ lag(pc, 1) + W(lag(pc, 1)) | units", data, munnell[2]).fit()
    assert result.names[:2] == ("lag(pc, 1)", "W*lag(pc, 1)") and result.nobs == 48 * 16
    assert "1970" in str(result.summary()) and result.notes


def test_every_model_reads_them(data, munnell):
    y, X, W = munnell
    text = "gsp ~ pc + emp + W(emp)"
    picked = {"durbin": ["emp"]}
    for model, bar, options in (
        (DynamicPanel, " | units + time", {}),
        (SpatialTwoStage, " | units", {"model": "sdm"}),
        (RandomEffectsPanel, "", {}),
        (RandomEffectsPanel, " | units + time", {}),
    ):
        made = model.from_formula(text + bar, data, W, **options)
        effects = {"effects": {"": "units", " | units": "units", " | units + time": "twoways"}[bar]}
        np.testing.assert_allclose(
            made.fit().params, model(y, X[["pc", "emp"]], W, **options, **picked, **effects).fit().params, rtol=1e-9
        )
        assert repr(made).startswith(f"<{model.__name__}: sdm, gsp ~ ")
    with pytest.raises(RongheError, match="unknown effects 'time'"):
        RandomEffectsPanel.from_formula(text + " | time", data, W)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("gsp ~ pc | units + states", "unknown fixed effect 'states'"),
        ("gsp ~ pc | units + STATE", "same effects twice"),
        ("gsp ~ pc | units | time", "must read"),
        ("gsp ~ pc ~ emp", "must read"),
        ("gsp ~ lag(pc, 0)", "must be 1, 2"),
        ("gsp ~ lag(pc, -1)", "cannot stand in a formula"),
        ("gsp ~ lag(pc)", "cannot stand in a formula"),
        ("gsp ~ lag(pc, emp)", "cannot stand in a formula"),
        ("gsp ~ C(grup)", "did you mean 'group'"),
        ("gsp ~ C(log(pc))", "cannot stand in a formula"),
        ("gsp ~ log(C(group))", "cannot stand in a formula"),
        ("gsp ~ pc + W(emp)", "unknown regressor 'emp'"),
        ("gsp ~ pc + W(pc + pc)", "stand twice"),
        ("gsp ~ pc + W(pc):emp", "cannot stand in a formula"),
        ("gsp ~ group", r"C\(group\) makes dummies"),
        ("gsp ~ pc + W(__import__('os'))", "cannot stand in a formula|unknown function"),
    ],
)
def test_what_is_refused(data, munnell, formula, words):
    with pytest.raises(RongheError, match=words):
        SpatialPanel.from_formula(formula, data, munnell[2])


def test_nothing_is_said_twice(data, munnell):
    with pytest.raises(RongheError, match="formula says `effects`"):
        SpatialPanel.from_formula("gsp ~ pc | units", data, munnell[2], effects="time")


def test_lags_need_evenly_spaced_periods(data):
    gap = data[data.index.get_level_values(1) != 1975]
    with pytest.raises(RongheError, match="not equally far apart"):
        read_formula("gsp ~ lag(pc, 1)", gap)
    hole = data.drop(data.index[5])
    assert read_formula("gsp ~ lag(pc, 1)", hole).X["lag(pc, 1)"].isna().sum() == 1
    assert isinstance(hole, pd.DataFrame)
